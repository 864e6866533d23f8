/* db_blocks.c - how a block comes into a database: named, written, opened, shown to readers; and
 * how it leaves.
 *
 * Threads: the maintaining one, which alone changes what readers see. */
#include "tsdb/db_int.h"

#include "base/rand.h"
#include "tsdb/block/block_delete.h"

struct ulid
db_new_ulid(const struct db *db)
{
    uint8_t random[ULID_RANDOM_BYTES];
    rand_bytes(random, sizeof random);
    return ulid_of(clock_wall_ms(db->opts.clock), random);
}

static struct err
open_block(struct db *db, const struct ulid *ulid, struct block **ret_block)
{
    TRY(blocks_open_one(db->opts.fs, db->dir, ulid, ret_block));
    if (db->opts.match_cache)
        block_use_cache(*ret_block, db->opts.match_cache);
    return OK;
}

struct err
db_take_block(struct db *db, struct err made, const struct ulid *ulid, struct block **ret_block)
{
    struct err e = made.code == ERR_NONE ? open_block(db, ulid, ret_block) : made;
    if (e.code != ERR_NONE) {
        vec_push(&db->unwanted, ((struct unwanted_block){*ulid, false}));
        db->untidy = true;
    }
    return e;
}

struct err
db_reopen_block(struct db *db, const struct block *old, struct block **ret_block)
{
    return open_block(db, &block_meta_of(old)->ulid, ret_block);
}

void
db_count_compaction(struct db *db, enum err_code code)
{
    struct db_events *events = head_events(db->head);
    db_events_add_try(events, DB_COMPACTIONS_TRIED, DB_COMPACTIONS_FAILED, code);
    db_events_add(events, DB_COMPACTIONS_DONE, code == ERR_NONE);
}

static struct err
write_block(struct db *db, struct block_writer_opts *o, struct series_set *set,
            struct block **ret_block)
{
    bool empty = false;
    o->fs = db->opts.fs;
    o->dir = db->dir;
    o->ulid = db_new_ulid(db);
    struct err e = block_write(o, set, &empty);
    *ret_block = NULL;
    return empty ? e : db_take_block(db, e, &o->ulid, ret_block);
}

struct err
db_write_block(struct db *db, struct block_writer_opts *o, struct series_set *set,
               struct block **ret_block)
{
    o->borrows_labels = true; /* of the head, which forgets no series before the block is there */
    struct err e = write_block(db, o, set, ret_block);
    db_count_compaction(db, e.code);
    return e;
}

struct view_bounds
db_view_bounds(struct db *db)
{
    const struct view *now = views_acquire(&db->views);
    struct view_bounds bounds = now->head;
    views_release(&db->views, now);
    return bounds;
}

uint64_t
db_publish(struct db *db, struct blocks *blocks, struct view_bounds bounds)
{
    bounds.deletions = head_deletions(db->head);
    return views_publish(&db->views, blocks, bounds);
}

uint64_t
db_publish_block(struct db *db, struct block *block, struct view_bounds bounds)
{
    const struct view *now = views_acquire(&db->views);
    struct blocks blocks = blocks_share(&now->blocks);
    views_release(&db->views, now);
    if (block)
        blocks_add(&blocks, block);
    db->untidy = db->untidy || block;
    return db_publish(db, &blocks, bounds);
}

/* --- blocks that leave ------------------------------------------------------------------------ */

/* The others of the view, in order as they are. */
static struct blocks
blocks_without(const struct view *view, const size_t *chosen, size_t n)
{
    struct blocks rest = BLOCKS_INIT;
    for (size_t i = 0; i < view->blocks.v.n; i++) {
        bool leaves = false;
        for (size_t k = 0; k < n; k++)
            leaves = leaves || chosen[k] == i;
        if (!leaves)
            vec_push(&rest.v, block_ref(view->blocks.v.v[i]));
    }
    return rest;
}

bool
db_head_begins_at(const struct view *view, const size_t *chosen, size_t n)
{
    struct blocks rest = blocks_without(view, chosen, n);
    bool yes = blocks_min_valid_ms(&rest) < blocks_min_valid_ms(&view->blocks);
    blocks_close(&rest);
    return yes;
}

void
db_replace_blocks(struct db *db, const struct view *view, const size_t *chosen, size_t n,
                  struct block *added)
{
    struct blocks next = blocks_without(view, chosen, n);
    if (added)
        blocks_add(&next, added);
    db_publish(db, &next, view->head);
    for (size_t k = 0; k < n; k++) {
        const struct block_meta *meta = block_meta_of(view->blocks.v.v[chosen[k]]);
        vec_push(&db->unwanted, ((struct unwanted_block){meta->ulid, added != NULL}));
    }
    db->untidy = true;
}

struct err
db_delete_unwanted(struct db *db)
{
    struct err first = OK;
    size_t kept = 0;
    for (size_t i = 0; i < db->unwanted.n; i++) {
        struct err e = block_delete(db->opts.fs, db->dir, &db->unwanted.v[i].ulid);
        if (e.code != ERR_NONE)
            db->unwanted.v[kept++] = db->unwanted.v[i];
        db_keep_first(&first, e);
    }
    db->unwanted.n = kept;
    db->untidy = db->untidy || kept > 0;
    return first;
}

bool
db_has_replaced(const struct db *db)
{
    for (size_t i = 0; i < db->unwanted.n; i++) {
        if (db->unwanted.v[i].replaced)
            return true;
    }
    return false;
}
