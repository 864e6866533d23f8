/* replay_snapshot.c - a snapshot -> series, open chunks, exemplars, in place of the log before it.
 *
 * Used is only a snapshot that is behind the newest checkpoint and not ahead of the log: then the
 * log behind its place is whole, and all before it is in the snapshot or in chunks_head. Where a
 * snapshot does not say all that the log says, or chunks_head has lost something, it is deleted,
 * and the log is read from its start.
 * Threads: one, before the head is shared. */
#include "base/mem.h"
#include "tsdb/head/exemplars.h"
#include "tsdb/head/replay_int.h"
#include "tsdb/wal/wal_reader.h"

struct err
replay_find_snapshot(struct replay *r)
{
    struct head *h = r->h;
    bool none, no_checkpoint;
    struct err e =
        snapshot_find(h->opts.fs, h->dir, h->wal_dir, &r->snapshot_path, &r->snapshot, &none);
    if (e.code == ERR_CORRUPT) { /* a gap in the log: its replay decides */
        err_drop(e);
        return OK;
    }
    TRY(e);
    if (none)
        return OK;
    AUTO(buf_fini) struct buf checkpoint = BUF_INIT;
    uint64_t segment;
    TRY(wal_last_checkpoint(h->opts.fs, h->wal_dir, &checkpoint, &segment, &no_checkpoint));
    r->from_snapshot = true;
    if (!no_checkpoint && segment >= r->snapshot.segment) /* N6 */
        return replay_drop_snapshot(r);
    return OK;
}

struct err
replay_drop_snapshot(struct replay *r)
{
    if (!r->from_snapshot)
        return OK;
    r->from_snapshot = false;
    return snapshot_delete_all(r->h->opts.fs, r->h->dir);
}

/* --- open chunks ------------------------------------------------------------------------------ */

static struct err
reopen_floats(struct replay *r, uint32_t slot, const struct snapshot_series *s)
{
    struct xor_appender x;
    int64_t quarter_ms = INT64_MIN;
    TRY(snapshot_reopen_floats(s, &x, &quarter_ms));
    if (s->open.data.n > SERIES_REOPEN_BYTES_MAX)
        return ERR(ERR_LIMIT, "open chunk of %zu bytes, limit %d", s->open.data.n,
                   SERIES_REOPEN_BYTES_MAX);
    series_reopen(head_hot(r->h, slot), head_cold(r->h, slot), &x, &s->open, quarter_ms,
                  r->h->opts.block_range_ms);
    return OK;
}

static struct err
reopen_histograms(struct replay *r, uint32_t slot, const struct chunk_view *open)
{
    AUTO(histogram_appender_close) struct histogram_appender *a = NULL;
    TRY(histogram_appender_reopen(open, &a));
    if (histogram_appender_mint(a) != open->mint_ms || histogram_appender_maxt(a) != open->maxt_ms)
        return ERR(ERR_CORRUPT, "open chunk has other times");
    series_reopen_histograms(head_hot(r->h, slot), head_cold(r->h, slot), TAKE(a),
                             r->h->opts.block_range_ms);
    return OK;
}

static struct err
reopen(struct replay *r, uint32_t slot, const struct snapshot_series *s)
{
    const struct chunk_view *open = &s->open;
    int64_t floor_ms = *floor_of(r, slot);
    if (open->encoding == CHUNK_NONE || open->maxt_ms < r->min_valid_ms)
        return OK; /* blocks have it */
    if (floor_ms >= open->maxt_ms)
        return OK; /* it went on after the snapshot, and was mapped: all of it is there */
    if (floor_ms >= open->mint_ms)
        return ERR(ERR_CORRUPT, "chunks_head ends within the open chunk");
    if ((uint64_t)open->maxt_ms - (uint64_t)open->mint_ms > UINT32_MAX)
        return ERR(ERR_LIMIT, "open chunk spans more than 2^32 ms");
    if (chunk_holds_histograms(open->encoding))
        TRY(reopen_histograms(r, slot, open));
    else if (open->encoding == CHUNK_XOR)
        TRY(reopen_floats(r, slot, s));
    else
        return ERR(ERR_UNIMPLEMENTED, "open chunk of encoding %d", (int)open->encoding);
    head_widen(r->h, i64_max(open->mint_ms, r->min_valid_ms), open->maxt_ms);
    return OK;
}

/* --- items ------------------------------------------------------------------------------------ */

static struct err
load_series(struct replay *r, const struct snapshot_series *s)
{
    uint64_t undecoded = r->count.other_chunks;
    uint32_t slot;
    bool open = s->open.encoding == CHUNK_XOR && s->open.maxt_ms >= r->min_valid_ms;
    TRY(replay_one_series(r, s->ref, s->labels, open ? s->open.mint_ms : INT64_MAX, &slot));
    if (r->count.other_chunks != undecoded)
        return ERR(ERR_CORRUPT, "a chunk in chunks_head does not decode");
    struct ref_entry *entry = replay_refs_make(&r->refs, s->ref);
    if (atomic_load_explicit(&entry->slot, memory_order_relaxed) != slot + 1 ||
        series_ref(head_hot(r->h, slot)) != s->ref || head_hot(r->h, slot)->xor.count > 0)
        return ERR(ERR_CORRUPT, "its number or labels stand there twice");
    return reopen(r, slot, s);
}

static void
load_exemplar(struct replay *r, const struct snapshot_exemplar *e)
{
    uint32_t slot = replay_slot_of(r, e->ref);
    if (slot == slot_none || e->exemplar.t_ms < r->min_valid_ms)
        return;
    uint8_t fate = EXEMPLAR_STORED; /* it was, once */
    arena_reset(&r->scratch);
    struct labels series = head_labels(r->h, slot, &r->scratch);
    exemplars_append(r->h->exemplars, series, &e->exemplar, 1, &fate);
}

static struct err
load_items(struct replay *r)
{
    AUTO(snapshot_reader_close) struct snapshot_reader *reader = NULL;
    TRY(snapshot_reader_open(r->h->opts.fs, buf_cstr(&r->snapshot_path), &reader));
    for (;;) {
        struct snapshot_item item;
        TRY(snapshot_reader_next(reader, &item));
        switch (item.kind) {
        case SNAPSHOT_END:
            return OK;
        case SNAPSHOT_SERIES:
            TRY_IN(load_series(r, &item.series), "snapshot of series %ju",
                   (uintmax_t)item.series.ref);
            break;
        case SNAPSHOT_DELETION:
            replay_deletion(r, item.deletion.ref, item.deletion.span);
            break;
        case SNAPSHOT_EXEMPLAR:
            load_exemplar(r, &item.exemplar);
        }
    }
}

struct err
replay_snapshot(struct replay *r, bool *ret_again)
{
    if (!r->from_snapshot)
        return OK;
    struct err e = load_items(r);
    *ret_again = e.code != ERR_NONE;
    if (!*ret_again)
        return OK;
    db_events_add(&r->h->events, DB_SNAPSHOTS_UNUSABLE, 1);
    log_warn(r->h->opts.log, "snapshot cannot be used, reading the log from its start",
             KV_CSTR("snapshot", buf_cstr(&r->snapshot_path)), KV_ERR(e));
    err_drop(e);
    return replay_drop_snapshot(r);
}
