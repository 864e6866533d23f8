/* db_cut_late.c - late samples become blocks, a range of time each, beside those of the head.
 *
 *   NONE --due--> WRITING --written--> WRITTEN --unlinked--> DROPPED --freed--> NONE
 *
 * They are written out to chunks_head first, so that the newest chunk says what the blocks have:
 * what comes late meanwhile is in chunks behind it. A block of each range that has some is
 * published as soon as it is there; until the last one is, the head goes on to show them, too.
 * Such blocks overlap others, which compaction sorts out. What a crash leaves:
 *   before WRITTEN   blocks, and all samples of them in chunks_head or the late log: twice
 *   from WRITTEN on  the same, until the late log says that blocks have them, which is before they
 *                    are unlinked: what cannot be found in the head any more cannot come back
 * A failed write leaves the stage at WRITING: the next pass goes on behind the last block. */
#include "tsdb/db_int.h"

#include "base/mem.h"
#include "tsdb/model/interval.h"

enum { RANGES_A_PASS = 64 };

/* As Prometheus: late samples are written when the head is. One that nobody writes to in order
 * would keep them for ever. */
static bool
is_due(struct db *db, enum cut_kind kind)
{
    if (!head_has_late(db->head) || db->cut.stage != CUT_NONE)
        return false;
    return db->late_due || kind == CUT_ALL || db_is_idle(db);
}

static struct err
begin(struct db *db)
{
    struct late_cut cut = {.stage = LATE_CUT_WRITING};
    TRY(head_begin_late_cut(db->head, &cut.of_head));
    db->late_due = false;
    if (cut.of_head.upto > 0)
        db->late_cut = cut;
    return OK;
}

static struct err
write_block(struct db *db, int64_t mint_ms, int64_t end_ms, struct block **ret_block)
{
    struct block_meta base = {.hints = BLOCK_FROM_OUT_OF_ORDER};
    struct block_writer_opts o = {.mint_ms = mint_ms, .maxt_ms = end_ms, .base = &base};
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0); /* a number a series */
    struct select_query q = {.mint_ms = mint_ms, .maxt_ms = end_ms - 1, .want = SELECT_CHUNKS};
    AUTO(series_set_close)
    struct series_set *set = head_select_late(db->head, &q, db->late_cut.of_head.upto, &a);
    return db_write_block(db, &o, set, ret_block);
}

/* The block of the oldest range that is left. */
static struct err
write_range(struct db *db)
{
    struct head_late_cut *left = &db->late_cut.of_head;
    int64_t range_ms = db->opts.block_range_ms;
    int64_t end_ms = block_range_end_ms(left->mint_ms, range_ms);
    struct block *block;
    TRY(write_block(db, end_ms - range_ms, end_ms, &block));
    bool last = left->maxt_ms < end_ms;
    struct view_bounds bounds = db_view_bounds(db);
    if (last)
        bounds.late_ref = left->upto;
    if (block || last)
        db->late_cut.view = db_publish_block(db, block, bounds);
    left->mint_ms = end_ms;
    if (last)
        db->late_cut.stage = LATE_CUT_WRITTEN;
    return OK;
}

/* Series that had nothing else go with them, and files of chunks_head. What cannot be deleted is
 * left for the next cut. */
static struct err
drop(struct db *db)
{
    TRY(head_truncate_late_log(db->head, &db->late_cut.of_head));
    head_drop_late(db->head, db->late_cut.of_head.upto);
    struct err e = head_forget(db->head, db_view_bounds(db).head_mint_ms);
    db_events_add_try(head_events(db->head), DB_HEAD_TRUNCATIONS, DB_HEAD_TRUNCATIONS_FAILED,
                      e.code);
    db->late_cut.view = db_publish_block(db, NULL, db_view_bounds(db));
    db->late_cut.stage = LATE_CUT_DROPPED;
    return e;
}

/* As many arrows as can be gone without waiting. */
static struct err
step(struct db *db)
{
    struct late_cut *cut = &db->late_cut;
    for (unsigned i = 0; i < RANGES_A_PASS && cut->stage == LATE_CUT_WRITING; i++)
        TRY(write_range(db));
    if (cut->stage == LATE_CUT_WRITTEN && db->cut.stage == CUT_NONE &&
        views_passed(&db->views, cut->view))
        TRY(drop(db));
    bool over = cut->stage == LATE_CUT_DROPPED && views_passed(&db->views, cut->view) &&
                head_free_forgotten(db->head);
    if (over)
        db->late_cut = (struct late_cut){.stage = LATE_CUT_NONE};
    return OK;
}

struct err
db_cut_late(struct db *db, enum cut_kind kind)
{
    struct err e = OK;
    if (db->late_cut.stage == LATE_CUT_NONE && is_due(db, kind))
        e = begin(db);
    if (e.code == ERR_NONE)
        e = step(db);
    if (e.code == ERR_NONE)
        return OK;
    atomic_fetch_add_explicit(&db->cuts_failed, 1, memory_order_relaxed);
    return err_wrap(e, "cut of late samples");
}
