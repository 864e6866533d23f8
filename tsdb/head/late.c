/* late.c - the life of late samples in a head: made, sealed, mapped, dropped. Contract: late.h. */
#include "tsdb/head/late.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/wal/checkpoint.h"
#include "tsdb/wal/wal_reader.h"

/* --- one series ------------------------------------------------------------------------------- */

struct ooo_series *
late_make(struct head *h, uint32_t slot)
{
    struct ooo_series **at = segarray_at(&h->late, slot);
    if (!*at) {
        *at = mem_alloc_zero(sizeof **at);
        head_hot(h, slot)->xor.flags |= SERIES_LATE;
        atomic_fetch_add_explicit(&h->late_series, 1, memory_order_relaxed);
    }
    return *at;
}

void
late_free(struct head *h, uint32_t slot)
{
    struct ooo_series **at = segarray_at(&h->late, slot);
    if (!*at)
        return;
    ooo_series_fini(*at);
    mem_free(TAKE(*at));
    head_hot(h, slot)->xor.flags &= (uint8_t)~SERIES_LATE;
    atomic_fetch_sub_explicit(&h->late_series, 1, memory_order_relaxed);
}

size_t
late_seal(struct ooo_series *o)
{
    size_t before = o->finished_count + (o->open.count > 0);
    ooo_series_seal(o);
    return o->finished_count - before;
}

unsigned
late_capacity(const struct head *h)
{
    return h->opts.ooo_chunk_max > 0 ? h->opts.ooo_chunk_max : OOO_SAMPLES_DEFAULT;
}

bool
head_has_late(const struct head *h)
{
    return atomic_load_explicit(&h->late_series, memory_order_relaxed) > 0;
}

void
late_collect(const struct head *h, uint32_t slot, const struct ooo_range *range, struct arena *a,
             struct chunk_views *to)
{
    struct series_hot *hot = head_hot(h, slot);
    spin_acquire(&hot->spin);
    const struct ooo_series *o = late_of(h, slot);
    if (o)
        ooo_series_collect(o, h->chunks, range, a, to);
    spin_release(&hot->spin);
}

/* --- other numbers ---------------------------------------------------------------------------- */

static int
by_ref(const void *a, const void *b)
{
    const struct late_alias *x = a, *y = b;
    return (x->ref > y->ref) - (x->ref < y->ref);
}

/* A number is one series'. */
static void
sort_aliases(struct late_aliases *v)
{
    size_t kept = 0;
    if (v->n > 0)
        qsort(v->v, v->n, sizeof *v->v, by_ref);
    for (size_t i = 0; i < v->n; i++) {
        if (kept == 0 || v->v[kept - 1].ref != v->v[i].ref)
            v->v[kept++] = v->v[i];
    }
    v->n = kept;
}

void
late_note_alias(struct head *h, uint64_t ref, uint32_t slot)
{
    struct late_aliases *v = &h->late_aliases;
    if (v->n > 0 && vec_last(v)->ref == ref)
        return;
    if (v->n == v->cap) /* mostly the same few: it does not grow by samples */
        sort_aliases(v);
    vec_push(v, ((struct late_alias){ref, slot}));
}

/* Those of series that have no late samples any more go. */
void
late_settle_aliases(struct head *h)
{
    struct late_aliases *v = &h->late_aliases;
    size_t kept = 0;
    sort_aliases(v);
    for (size_t i = 0; i < v->n; i++) {
        if (late_of(h, v->v[i].slot))
            v->v[kept++] = v->v[i];
    }
    v->n = kept;
}

/* --- the log ---------------------------------------------------------------------------------- */

struct err
late_open_log(struct head *h)
{
    bool wanted = h->opts.ooo_window_ms > 0 || head_has_late(h);
    if (!wanted && fs_exists(h->opts.fs, h->late_dir)) {
        uint64_t first, last;
        bool none;
        TRY(wal_segments(h->opts.fs, h->late_dir, &first, &last, &none));
        wanted = !none;
    }
    if (!wanted)
        return OK;
    struct wal_opts opts = {
        .fs = h->opts.fs,
        .dir = h->late_dir,
        .segment_bytes = h->opts.wal_segment_bytes,
        .sync = h->opts.wal_sync,
        .compression = h->opts.wal_compression,
    };
    return wal_open(&opts, &h->late_log);
}

/* The open chunks of all series are finished, and wait for the mapper. */
static void
seal_all(struct head *h)
{
    struct slot_list sealed = VEC_INIT;
    size_t more = 0;
    struct epoch_guard guard = epoch_enter(h->epoch);
    struct slot_cursor c = slot_cursor_of(h);
    for (uint32_t slot; (slot = slot_cursor_next(&c, h)) != slot_none;) {
        struct series_hot *hot = head_hot(h, slot);
        struct chunk_view unwritten;
        spin_acquire(&hot->spin);
        struct ooo_series *o = late_of(h, slot);
        if (o)
            more += late_seal(o);
        bool waits = o && ooo_series_unwritten(o, &unwritten);
        spin_release(&hot->spin);
        if (waits)
            vec_push(&sealed, slot);
    }
    epoch_leave(h->epoch, guard);
    db_events_add(&h->events, DB_CHUNKS_CREATED, more);
    head_queue_finished(h, &sealed);
    vec_fini(&sealed);
}

void
late_note_unlogged(struct head *h)
{
    atomic_store_explicit(&h->late_unlogged, true, memory_order_release);
}

/* Who fails to log a sample has stored it before he says so: it is sealed. */
struct err
late_recover_log(struct head *h)
{
    if (!h->late_log)
        return OK;
    struct err health = wal_health(h->late_log);
    bool failed = health.code != ERR_NONE;
    err_drop(health);
    if (!failed && !atomic_load_explicit(&h->late_unlogged, memory_order_relaxed))
        return OK;
    if (failed)
        TRY_IN(wal_recover(h->late_log, NULL, 0), "log of late samples still failing");
    atomic_exchange_explicit(&h->late_unlogged, false, memory_order_acquire);
    seal_all(h);
    log_warn(h->opts.log, "late samples that were not logged are written out",
             KV_CSTR("dir", h->late_dir));
    return OK;
}

/* --- mapping ---------------------------------------------------------------------------------- */

/* The oldest chunk of a series that is on the heap, on its way to chunks_head. */
struct late_mapping {
    uint32_t slot;
    head_chunk_ref ref; /* 0: not written */
};
VEC_TYPE(late_mappings, struct late_mapping);

static bool
find_unwritten(struct head *h, uint32_t slot, struct chunk_view *ret_chunk)
{
    struct series_hot *hot = head_hot(h, slot);
    spin_acquire(&hot->spin);
    const struct ooo_series *o = late_of(h, slot);
    bool found = o && ooo_series_unwritten(o, ret_chunk);
    spin_release(&hot->spin);
    return found;
}

/* Its bytes stay where they are without the spin: only this thread switches them over. */
static struct err
write_oldest(struct head *h, const struct slot_list *slots, struct late_mappings *to)
{
    for (size_t i = 0; i < slots->n; i++) {
        struct chunk_view chunk;
        uint32_t slot = slots->v[i];
        if ((i > 0 && slots->v[i - 1] == slot) || !find_unwritten(h, slot, &chunk))
            continue;
        vec_push(to, ((struct late_mapping){slot, 0}));
        uint64_t series = series_ref(head_hot(h, slot));
        TRY(head_chunks_write_late(h->chunks, series, &chunk, &vec_last(to)->ref));
    }
    return head_chunks_flush(h->chunks);
}

static size_t
switch_over(struct head *h, struct late_mappings *written)
{
    size_t mapped = 0;
    vec_each (written, m) {
        if (m->ref == 0 || !head_chunks_readable(h->chunks, m->ref))
            continue;
        struct series_hot *hot = head_hot(h, m->slot);
        spin_acquire(&hot->spin);
        ooo_series_set_mapped(late_of(h, m->slot), m->ref);
        spin_release(&hot->spin);
        mapped++;
    }
    return mapped;
}

struct err
late_map(struct head *h, const struct slot_list *slots, size_t *mapped)
{
    struct late_mappings round = VEC_INIT;
    struct err e = OK;
    do {
        vec_clear(&round);
        e = write_oldest(h, slots, &round);
        *mapped += switch_over(h, &round);
    } while (e.code == ERR_NONE && round.n > 0);
    vec_fini(&round);
    return e;
}

/* --- the cut ---------------------------------------------------------------------------------- */

/* *ret_newest, the chunk cut->upto, has no data. */
static void
measure(struct head *h, struct head_late_cut *cut, struct chunk_view *ret_newest)
{
    struct epoch_guard guard = epoch_enter(h->epoch);
    struct slot_cursor c = slot_cursor_of(h);
    for (uint32_t slot; (slot = slot_cursor_next(&c, h)) != slot_none;) {
        struct series_hot *hot = head_hot(h, slot);
        spin_acquire(&hot->spin);
        const struct ooo_series *o = late_of(h, slot);
        for (uint32_t i = 0; o && i < o->finished_count && o->finished[i].mapped; i++) {
            const struct ooo_finished *f = &o->finished[i];
            if (f->ref > cut->upto)
                *ret_newest = (struct chunk_view){f->mint_ms, f->maxt_ms, f->encoding, {NULL, 0}};
            cut->upto = u64_max(cut->upto, f->ref);
            cut->mint_ms = i64_min(cut->mint_ms, f->mint_ms);
            cut->maxt_ms = i64_max(cut->maxt_ms, f->maxt_ms);
        }
        spin_release(&hot->spin);
    }
    epoch_leave(h->epoch, guard);
}

/* The log is cut first: what is logged in segments before it was stored before, and is sealed. */
struct err
head_begin_late_cut(struct head *h, struct head_late_cut *ret_cut)
{
    *ret_cut = (struct head_late_cut){.mint_ms = INT64_MAX, .maxt_ms = INT64_MIN};
    if (!h->late_log || !head_has_late(h))
        return OK;
    TRY(wal_cut(h->late_log, &ret_cut->segment));
    seal_all(h);
    TRY(head_map_finished(h));
    TRY(head_chunks_sync(h->chunks)); /* the log will name the newest (O9) */
    struct chunk_view newest;
    measure(h, ret_cut, &newest);
    if (ret_cut->upto == 0)
        return OK;
    newest.data = head_chunks_data(h->chunks, ret_cut->upto);
    ret_cut->print = ooo_floor_of(ret_cut->upto, &newest).print;
    return OK;
}

void
head_drop_late(struct head *h, head_chunk_ref upto)
{
    size_t dropped = 0;
    struct epoch_guard guard = epoch_enter(h->epoch);
    struct slot_cursor c = slot_cursor_of(h);
    for (uint32_t slot; (slot = slot_cursor_next(&c, h)) != slot_none;) {
        struct series_hot *hot = head_hot(h, slot);
        spin_acquire(&hot->spin);
        struct ooo_series *o = late_of(h, slot);
        if (o)
            dropped += ooo_series_drop(o, upto);
        if (o && ooo_series_is_empty(o))
            late_free(h, slot);
        spin_release(&hot->spin);
    }
    epoch_leave(h->epoch, guard);
    db_events_add(&h->events, DB_CHUNKS_REMOVED, dropped);
    late_settle_aliases(h);
}

/* The floor first: without the samples of the old segments, chunks in files that stay for others
 * would be all that a replay knows of the series. */
struct err
head_truncate_late_log(struct head *h, const struct head_late_cut *cut)
{
    AUTO(buf_fini) struct buf floor = BUF_INIT;
    wal_ticket ticket;
    ooo_floor_encode(&(struct ooo_floor){cut->upto, cut->print}, &floor);
    TRY(wal_enqueue_dated(h->late_log, &(struct str){floor.p, floor.n}, 1, WAL_TIME_NONE, &ticket));
    TRY(wal_wait(h->late_log, ticket));
    return cut->segment > 0 ? wal_truncate(h->opts.fs, h->late_dir, cut->segment - 1) : OK;
}
