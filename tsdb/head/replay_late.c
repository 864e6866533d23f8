/* replay_late.c - late samples after a restart: chunks of chunks_head, then the late log.
 *
 * Both name series by references of the log, so they come after it. Samples of series that the log
 * does not name any more are in blocks: a series lives as long as it has late samples, and the log
 * keeps the records of all numbers that these are under, also when the series has another one
 * since it was born again (checkpoints: truncate.c, snapshots: snapshot_take.c). Chunks that
 * blocks have, in files that are still there for others, are there while the late log is read, for
 * its markers name them, and dropped then (O9). */
#include "tsdb/head/replay_int.h"

#include "base/mem.h"

static bool
is_readable(const struct head_chunk_info *info)
{
    unsigned encoding = info->chunk.encoding;
    return (chunk_holds_histograms(encoding) || encoding == CHUNK_XOR || encoding == CHUNK_XOR2) &&
           info->series_ref <= HEAD_REF_MAX;
}

void
replay_keep_late(struct replay *r, const struct head_chunk_info *info)
{
    if (!is_readable(info)) {
        r->h->unread_file = (uint32_t)u64_min(r->h->unread_file, info->ref >> 32);
        r->count.other_chunks++;
        return;
    }
    r->ref_max = u64_max(r->ref_max, info->series_ref);
    vec_push(&r->late, *info);
}

/* A number that is not the series' own is noted (O8). */
static uint32_t
slot_of(struct replay *r, uint64_t ref)
{
    uint32_t slot = replay_slot_of(r, ref);
    if (slot != slot_none && series_ref(head_hot(r->h, slot)) != ref)
        late_note_alias(r->h, ref, slot);
    return slot;
}

static void
attach_chunks(struct replay *r)
{
    vec_each (&r->late, info) {
        uint32_t slot = slot_of(r, info->series_ref);
        if (slot == slot_none)
            continue; /* a block has them: the series was forgotten */
        ooo_series_add_mapped(late_make(r->h, slot), info);
        late_widen(r->h, info->chunk.mint_ms, info->chunk.maxt_ms);
    }
}

static struct ooo_series *
series_of(void *arg, uint64_t ref)
{
    struct replay *r = arg;
    uint32_t slot = slot_of(r, ref);
    return slot != slot_none ? late_make(r->h, slot) : NULL;
}

/* Blocks have the chunks up to the floor, if the one there is the one that was meant. */
static void
drop_to_floor(struct replay *r, const struct ooo_floor *floor)
{
    bool holds = false;
    for (size_t i = 0; floor->chunk > 0 && i < r->late.n && !holds; i++)
        holds = r->late.v[i].ref == floor->chunk &&
                ooo_floor_of(floor->chunk, &r->late.v[i].chunk).print == floor->print;
    if (holds)
        head_drop_late(r->h, floor->chunk);
}

static struct err
replay_late_log(struct replay *r)
{
    struct head *h = r->h;
    struct ooo_replay late = {.series_of = series_of,
                              .arg = r,
                              .capacity = late_capacity(h),
                              .chunks = h->chunks,
                              .first_ref = r->first_ref};
    struct err lost = OK;
    ooo_replay_init(&late);
    TRY(ooo_replay_dir(&late, h->opts.fs, h->late_dir, &lost));
    db_events_add(&h->events, DB_LOG_DAMAGES, lost.code != ERR_NONE);
    if (lost.code != ERR_NONE)
        log_warn(h->opts.log, "damaged log of late samples, cut there", KV_CSTR("dir", h->late_dir),
                 KV_ERR(lost));
    err_drop(lost);
    drop_to_floor(r, &late.floor);
    if (late.mint_ms <= late.maxt_ms)
        late_widen(h, late.mint_ms, late.maxt_ms);
    if (late.stored > 0)
        log_info(h->opts.log, "late samples replayed", KV_CSTR("dir", h->late_dir),
                 KV_U64("samples", late.stored));
    r->count.unknown_refs += late.unknown_samples;
    r->count.other_records += late.other_records;
    r->count.histograms_dropped += late.refused;
    return OK;
}

/* What was sealed waits for the mapper; what a marker has emptied goes. */
static void
settle_series(struct replay *r)
{
    struct head *h = r->h;
    struct slot_list sealed = VEC_INIT;
    struct slot_cursor c = slot_cursor_of(h);
    for (uint32_t slot; (slot = slot_cursor_next(&c, h)) != slot_none;) {
        const struct ooo_series *o = late_of(h, slot);
        struct chunk_view unwritten;
        if (o && ooo_series_is_empty(o))
            late_free(h, slot);
        else if (o && ooo_series_unwritten(o, &unwritten))
            vec_push(&sealed, slot);
    }
    head_queue_finished(h, &sealed);
    vec_fini(&sealed);
    late_settle_aliases(h);
}

struct err
replay_late(struct replay *r)
{
    struct epoch_guard guard = epoch_enter(r->h->epoch); /* refs are looked up */
    attach_chunks(r);
    struct err e = replay_late_log(r);
    settle_series(r);
    epoch_leave(r->h->epoch, guard);
    return e;
}
