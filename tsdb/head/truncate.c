/* truncate.c - what the log need not say any more.
 *
 * After a cut most of the log is of samples that a block has. Two thirds of the segments become a
 * checkpoint, as Prometheus has it: what is newest is left alone, since it would only be copied.
 * When the head is empty all of them go.
 * A series' record is kept as long as the series lives or a segment that is left may name it, or
 * late samples are under that number; of a log that was not read, for a snapshot stood for it, as
 * long as any of its segments is left or any of its samples: which numbers a series had there
 * nobody knows (N9).
 * Threads: the maintaining one. */
#include "tsdb/head/head_int.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/sort.h"
#include "tsdb/wal/checkpoint.h"
#include "tsdb/wal/wal_reader.h"

void
head_remember_ref(struct head *h, uint64_t ref, int64_t until_ms)
{
    uint64_t segment = h->wal ? wal_segment(h->wal) : UINT64_MAX;
    vec_push(&h->past_refs, ((struct past_ref){ref, segment, until_ms}));
}

/* --- what is wanted ------------------------------------------------------------------- */

struct wanted {
    VEC(uint64_t) refs; /* of series, ascending */
    bool all_series;
    int64_t mint_ms; /* of samples */
    struct wal *wal;
};

static bool
is_wanted(void *arg, uint64_t ref)
{
    const struct wanted *w = arg;
    return w->all_series || u64_contains(w->refs.v, w->refs.n, ref);
}

static bool
is_older(void *arg, uint64_t segment)
{
    const struct wanted *w = arg;
    return wal_newest_ms(w->wal, segment) < w->mint_ms;
}

static void
gather_living(struct head *h, struct wanted *to)
{
    {
        LOCKED(&h->create_lock); /* whose records are in segments before the cut are born now */
        vec_reserve(&to->refs, atomic_load_explicit(&h->series_live, memory_order_relaxed));
    }
    struct epoch_guard guard = epoch_enter(h->epoch);
    struct slot_cursor c = slot_cursor_of(h);
    for (uint32_t slot; (slot = slot_cursor_next(&c, h)) != slot_none;)
        vec_push(&to->refs, series_ref(head_hot(h, slot)));
    epoch_leave(h->epoch, guard);
}

/* A checkpoint of segments up to `last` without samples before `mint_ms` needs its record. */
static bool
is_needed(const struct past_ref *past, uint64_t last, int64_t mint_ms)
{
    return past->segment > last || past->until_ms >= mint_ms;
}

static void
gather_past(const struct head *h, uint64_t last, struct wanted *to)
{
    for (size_t i = 0; i < h->past_refs.n; i++) {
        if (is_needed(&h->past_refs.v[i], last, to->mint_ms))
            vec_push(&to->refs, h->past_refs.v[i].ref);
    }
}

static void
gather_late(const struct head *h, struct wanted *to)
{
    for (size_t i = 0; i < h->late_aliases.n; i++)
        vec_push(&to->refs, h->late_aliases.v[i].ref);
}

static void
drop_past(struct head *h, uint64_t last, int64_t mint_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < h->past_refs.n; i++) {
        if (is_needed(&h->past_refs.v[i], last, mint_ms))
            h->past_refs.v[kept++] = h->past_refs.v[i];
    }
    h->past_refs.n = kept;
}

/* ---------------------------------------------------------------------------------------------- */

/* The last segment that a checkpoint is to replace; false when it is not worth one. */
static bool
last_to_replace(struct head *h, uint64_t first, uint64_t current, uint64_t *ret_last)
{
    if (first >= current)
        return false;
    uint64_t behind = current - 1; /* the last that is not written to */
    bool empty = atomic_load_explicit(&h->series_live, memory_order_relaxed) == 0;
    *ret_last = empty ? behind : first + (behind - first) * 2 / 3;
    return empty || *ret_last > first;
}

static struct err
make_checkpoint(struct head *h, uint64_t last, int64_t end_ms)
{
    struct wanted wanted = {.refs = VEC_INIT, .mint_ms = end_ms, .wal = h->wal};
    gather_living(h, &wanted);
    gather_past(h, last, &wanted);
    gather_late(h, &wanted);
    wanted.all_series = h->unread_segment > last || h->unread_until_ms >= end_ms;
    u64_sort(wanted.refs.v, wanted.refs.n);
    struct wal_opts opts = {
        .fs = h->opts.fs,
        .dir = h->wal_dir,
        .segment_bytes = h->opts.wal_segment_bytes,
        .compression = h->opts.wal_compression,
    };
    struct checkpoint_filter filter = {.keep_series = is_wanted,
                                       .is_older = is_older,
                                       .arg = &wanted,
                                       .mint_ms = end_ms,
                                       .unread_end = h->unread_segment};
    struct checkpoint_stats stats;
    struct err e = wal_checkpoint(&opts, last, &filter, &stats);
    vec_fini(&wanted.refs);
    if (e.code == ERR_NONE && stats.damaged_segments > 0)
        log_warn(h->opts.log, "the log was damaged before the snapshot that stood for it",
                 KV_CSTR("dir", h->wal_dir), KV_U64("segments", stats.damaged_segments));
    return e;
}

struct err
head_truncate_log(struct head *h, int64_t end_ms)
{
    uint64_t current, first, newest, last;
    bool none;
    TRY(wal_cut(h->wal, &current));
    TRY(wal_segments(h->opts.fs, h->wal_dir, &first, &newest, &none));
    if (none || !last_to_replace(h, first, current, &last))
        return OK;
    TRY(head_log_deletions(h)); /* D5; into a segment that stays */
    struct err e = make_checkpoint(h, last, end_ms);
    db_events_add_try(&h->events, DB_CHECKPOINTS, DB_CHECKPOINTS_FAILED, e.code);
    TRY_IN(e, "checkpoint");
    TRY(head_log_metadata(h)); /* the series that named a family may be gone */
    e = wal_truncate(h->opts.fs, h->wal_dir, last);
    db_events_add_try(&h->events, DB_LOG_TRUNCATIONS, DB_LOG_TRUNCATIONS_FAILED, e.code);
    TRY(e);
    drop_past(h, last, end_ms);
    return OK;
}
