/* db_blocks.c - how a block comes into a database: named, written, opened, shown to readers.
 *
 * Threads: the maintaining one, which alone changes what readers see. */
#include "tsdb/db_int.h"

#include "base/rand.h"

struct ulid
db_new_ulid(const struct db *db)
{
    uint8_t random[ULID_RANDOM_BYTES];
    rand_bytes(random, sizeof random);
    return ulid_of(clock_wall_ms(db->opts.clock), random);
}

struct err
db_open_block(struct db *db, const struct ulid *ulid, struct block **ret_block)
{
    struct err e = blocks_open_one(db->opts.fs, db->dir, ulid, ret_block);
    if (e.code != ERR_NONE) {
        vec_push(&db->unwanted, *ulid);
        db->untidy = true;
        return e;
    }
    if (db->opts.match_cache)
        block_use_cache(*ret_block, db->opts.match_cache);
    return OK;
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
    bool empty;
    o->fs = db->opts.fs;
    o->dir = db->dir;
    o->ulid = db_new_ulid(db);
    TRY(block_write(o, set, &empty));
    *ret_block = NULL;
    return empty ? OK : db_open_block(db, &o->ulid, ret_block);
}

struct err
db_write_block(struct db *db, struct block_writer_opts *o, struct series_set *set,
               struct block **ret_block)
{
    struct err e = write_block(db, o, set, ret_block);
    db_count_compaction(db, e.code);
    return e;
}

struct view_bounds
db_view_bounds(struct db *db)
{
    const struct view *now = views_acquire(&db->views);
    struct view_bounds bounds = view_bounds_of(now);
    views_release(&db->views, now);
    return bounds;
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
    return views_publish(&db->views, &blocks, bounds);
}
