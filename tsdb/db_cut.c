/* db_cut.c - the block spine: the oldest hours of the head become a block.
 *
 *   NONE --due--> SETTLING --written--> WRITTEN --unlinked--> FORGOTTEN --freed--> NONE
 *
 * Each arrow is one function below, and each needs something to be over: appends under way, then
 * views from before the block, then views and appends that may know what was unlinked. Nobody is
 * waited for: a step that cannot be done yet is tried again by the next pass, and writes and
 * queries go on in every stage. What a crash leaves:
 *   before WRITTEN    a directory with a suffix, removed at the next start; the log has all
 *   from WRITTEN on   the block; a replay leaves out what is older than its end (T2)
 * A failed write of the block leaves the stage at SETTLING: the head keeps the samples. */
#include "tsdb/db_int.h"

#include "base/mem.h"
#include "tsdb/model/interval.h"

enum { CUTS_A_PASS = 64 }; /* a gap of months in the samples takes several passes */

/* --- when ------------------------------------------------------------------------------------- */

static int64_t
one_and_a_half_ranges_ms(const struct db *db)
{
    return db->opts.block_range_ms / 2 * 3;
}

bool
db_is_idle(const struct db *db)
{
    return head_idle_ms(db->head) >= one_and_a_half_ranges_ms(db);
}

/* Prometheus: compactable once the head spans 1.5 ranges (spec/tsdb.md section 12). */
static bool
next_end(const struct db *db, enum cut_kind kind, int64_t *ret_end_ms)
{
    struct db_stats s;
    head_stats(db->head, &s);
    if (s.mint_ms > s.maxt_ms)
        return false;
    int64_t end_ms = block_range_end_ms(s.mint_ms, db->opts.block_range_ms);
    if (kind == CUT_ALL || db_is_idle(db)) {
        int64_t behind_ms = s.maxt_ms == INT64_MAX ? INT64_MAX : s.maxt_ms + 1;
        *ret_end_ms = i64_min(end_ms, behind_ms);
        return true;
    }
    *ret_end_ms = end_ms;
    uint64_t span_ms = (uint64_t)s.maxt_ms - (uint64_t)s.mint_ms;
    return span_ms > (uint64_t)(one_and_a_half_ranges_ms(db) + db->opts.cut_delay_ms);
}

/* --- the arrows ------------------------------------------------------------------------------- */

static void
begin(struct db *db, int64_t end_ms)
{
    db->cut.end_ms = end_ms;
    db->cut.mark = head_begin_cut(db->head, end_ms);
    db->cut.stage = CUT_SETTLING;
}

static struct err
write_and_publish(struct db *db)
{
    struct db_stats s;
    head_stats(db->head, &s);
    struct block_writer_opts o = {.mint_ms = s.mint_ms, .maxt_ms = db->cut.end_ms};
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0); /* a number a series */
    struct select_query q = {.mint_ms = o.mint_ms, .maxt_ms = o.maxt_ms - 1, .want = SELECT_CHUNKS};
    AUTO(series_set_close) struct series_set *set = head_select_all(db->head, &q, &a);
    struct block *block;
    TRY(db_write_block(db, &o, set, &block));
    if (!block)
        TRY(head_log_emptied(db->head, db->cut.end_ms));
    struct view_bounds bounds = db_view_bounds(db);
    bounds.head_mint_ms = db->cut.end_ms;
    db->cut.view = db_publish_block(db, block, bounds);
    db->cut.stage = CUT_WRITTEN;
    return OK;
}

/* A file that cannot be deleted does not stop the cut: the next one tries again. */
static struct err
forget(struct db *db)
{
    struct err e = head_forget(db->head, db->cut.end_ms);
    db_events_add_try(head_events(db->head), DB_HEAD_TRUNCATIONS, DB_HEAD_TRUNCATIONS_FAILED,
                      e.code);
    db->cut.view = db_publish_block(db, NULL, db_view_bounds(db));
    db->cut.stage = CUT_FORGOTTEN;
    return e;
}

static void
end(struct db *db)
{
    db->truncate_to_ms = db->cut.end_ms;
    db->late_due = true;
    db->cut = (struct cut){.stage = CUT_NONE};
    atomic_fetch_add_explicit(&db->cuts, 1, memory_order_relaxed);
}

/* One arrow; false when it has to be tried again later. */
static struct err
step(struct db *db, bool *ret_done)
{
    *ret_done = true;
    switch (db->cut.stage) {
    case CUT_NONE:
        return OK;
    case CUT_SETTLING:
        *ret_done = head_is_settled(db->head, db->cut.mark);
        return *ret_done ? write_and_publish(db) : OK;
    case CUT_WRITTEN:
        *ret_done = views_passed(&db->views, db->cut.view);
        return *ret_done ? forget(db) : OK;
    case CUT_FORGOTTEN:
        *ret_done = views_passed(&db->views, db->cut.view) && head_free_forgotten(db->head);
        if (*ret_done)
            end(db);
        return OK;
    }
    UNREACHABLE("no such stage");
}

/* As many arrows as can be gone, at most CUTS_A_PASS times all. */
static struct err
cut_what_is_due(struct db *db, enum cut_kind kind)
{
    for (unsigned cuts = 0; cuts < CUTS_A_PASS; cuts++) {
        int64_t end_ms;
        if (db->late_cut.stage == LATE_CUT_DROPPED)
            return OK; /* one of them forgets at a time */
        if (db->cut.stage == CUT_NONE && !next_end(db, kind, &end_ms))
            return OK;
        if (db->cut.stage == CUT_NONE)
            begin(db, end_ms);
        bool done = true;
        while (done && db->cut.stage != CUT_NONE) {
            struct err e = step(db, &done);
            if (e.code != ERR_NONE) {
                atomic_fetch_add_explicit(&db->cuts_failed, 1, memory_order_relaxed);
                return err_wrap(e, "head cut at %jd", (intmax_t)db->cut.end_ms);
            }
        }
        if (!done)
            return OK;
    }
    return OK;
}

/* The log is truncated once for all cuts of a pass. When that fails the next cut does it. */
struct err
db_cut(struct db *db, enum cut_kind kind)
{
    TRY(cut_what_is_due(db, kind));
    if (db->cut.stage != CUT_NONE || db->truncate_to_ms == INT64_MIN)
        return OK;
    int64_t to_ms = db->truncate_to_ms;
    db->truncate_to_ms = INT64_MIN;
    return head_truncate_log(db->head, to_ms);
}
