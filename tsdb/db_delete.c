/* db_delete.c - samples of some series are deleted, out of the head and out of all blocks.
 *
 * Deletions are noted where the samples are: in the log of the head (head/delete.c), in the
 * tombstones of blocks. One view shows them all at once. Whoever cuts the head or compacts blocks
 * holds the same lock, and so reads either before a deletion is begun, and the block that it
 * writes is among those that are deleted from, or with the deletion. Samples that are in a block as
 * well as in the head, for their cut is not over, are deleted in both. What a crash leaves: some
 * parts with the deletion, and others without.
 * Source: prometheus tsdb/db.go, DB.Delete and CleanTombstones.
 * Threads: any. */
#include "tsdb/db_int.h"

#include "base/mem.h"
#include "tsdb/block/block_delete.h"
#include "tsdb/block/tombstones.h"
#include "tsdb/compact/compact.h"

/* *ret_changed is NULL when there was nothing to delete. */
static struct err
delete_from_block(struct db *db, const struct block *b, struct matchers matchers,
                  struct interval asked, struct delete_result *r, struct block **ret_changed)
{
    size_t series;
    TRY(block_delete_range(b, matchers, asked.mint_ms, asked.maxt_ms, &series));
    if (series == 0) {
        *ret_changed = NULL;
        return OK;
    }
    TRY(db_reopen_block(db, b, ret_changed));
    r->block_series += series;
    r->blocks++;
    return OK;
}

/* Changed blocks take the places of those in `blocks`. */
static struct err
delete_from_blocks(struct db *db, struct blocks *blocks, struct matchers matchers,
                   struct interval asked, struct delete_result *r)
{
    vec_each (&blocks->v, b) {
        struct block *changed;
        TRY(delete_from_block(db, *b, matchers, asked, r, &changed));
        if (!changed)
            continue;
        block_close(*b);
        *b = changed;
    }
    return OK;
}

/* Whatever was deleted is published, also after a failure: a restart would show it, too. */
static struct err
delete_all(struct db *db, struct matchers matchers, struct interval asked, struct delete_result *r)
    REQUIRES(db->maintain_lock)
{
    struct err e = head_delete(db->head, matchers, asked, &r->head_spans);
    const struct view *now = views_acquire(&db->views);
    struct blocks blocks = blocks_share(&now->blocks);
    struct view_bounds bounds = now->head;
    views_release(&db->views, now);
    if (e.code == ERR_NONE)
        e = delete_from_blocks(db, &blocks, matchers, asked, r);
    db->untidy = db->untidy || r->blocks > 0; /* some may be worth a compaction now */
    db_publish(db, &blocks, bounds);
    return e;
}

struct err
db_delete(struct db *db, struct matchers matchers, int64_t mint_ms, int64_t maxt_ms,
          struct delete_result *ret_result)
{
    struct delete_result r = {.blocks = 0};
    if (matchers.n == 0)
        return ERR(ERR_INVALID, "a deletion without a matcher");
    if (mint_ms <= maxt_ms) {
        LOCKED(&db->maintain_lock);
        TRY_IN(db_delete_unwanted(db), "delete"); /* a start may take one for a block */
        TRY_IN(delete_all(db, matchers, (struct interval){mint_ms, maxt_ms}, &r), "delete");
    }
    *ret_result = r;
    return OK;
}

/* --- off the disk ----------------------------------------------------------------------------- */

/* As Prometheus, which counts what it writes but not that it had to. */
static struct err
write_clean(struct db *db, const struct block *b, struct block **ret_block)
    REQUIRES(db->maintain_lock)
{
    struct compact_opts o = {.fs = db->opts.fs, .dir = db->dir, .ulid = db_new_ulid(db)};
    bool empty = false;
    struct err e = compact_clean(&o, b, &empty);
    db_events_add(head_events(db->head), DB_COMPACTIONS_DONE, e.code == ERR_NONE);
    *ret_block = NULL;
    return empty ? e : db_take_block(db, e, &o.ulid, ret_block);
}

static struct err
clean_block(struct db *db, const struct view *view, size_t at, bool *ret_done)
    REQUIRES(db->maintain_lock)
{
    struct block *made;
    TRY(write_clean(db, view->blocks.v.v[at], &made));
    *ret_done = made || !db_head_begins_at(view, &at, 1);
    if (*ret_done)
        db_replace_blocks(db, view, &at, 1, made);
    return OK;
}

/* The first that can be; *ret_done is false when there is none. */
static struct err
clean_some_block(struct db *db, const struct view *view, bool *ret_done) REQUIRES(db->maintain_lock)
{
    *ret_done = false;
    for (size_t i = 0; i < view->blocks.v.n && !*ret_done; i++) {
        if (block_parts_of(view->blocks.v.v[i]).tombstones->spans.n > 0)
            TRY(clean_block(db, view, i, ret_done));
    }
    return OK;
}

struct err
db_clean_deletions(struct db *db, size_t *ret_blocks)
{
    size_t blocks = 0;
    LOCKED(&db->maintain_lock);
    for (bool done = true; done;) {
        TRY_IN(db_delete_unwanted(db), "clean deletions");
        const struct view *view = views_acquire(&db->views);
        struct err e = clean_some_block(db, view, &done);
        views_release(&db->views, view);
        TRY_IN(e, "clean deletions");
        blocks += done;
    }
    *ret_blocks = blocks;
    return OK;
}
