/* db_tidy.c - which blocks stay, and which become one.
 *
 * Runs after whatever changes the list of blocks: first those go that have had their time, then
 * overlapping or short ones become one, as tsdb/compact/plan.h decides, until nothing is left to
 * do. Each change is published as a view before files are deleted, so that no query loses
 * sight of a sample; what queries still hold is unlinked under them and freed with their view.
 * What fails (a size that cannot be read, a file that cannot be deleted, a compaction) keeps the
 * rest from nothing, and is tried again by the next pass.
 * What a crash leaves: a whole block more than needed, which the next opening leaves out (a parent)
 * or which this file deletes again.
 * Threads: the maintaining one; a long compaction is a long pass. */
#include "tsdb/db_int.h"

#include "base/mem.h"
#include "tsdb/compact/compact.h"
#include "tsdb/compact/plan.h"
#include "tsdb/compact/retention.h"

enum { COMPACTIONS_A_PASS = 16 };

/* --- retention -------------------------------------------------------------------------------- */

/* Of logs and chunks of the head. */
static struct err
bytes_of_head(const struct db *db, uint64_t *ret_bytes)
{
    struct db_stats s;
    head_stats(db->head, &s);
    AUTO(mem_free) char *log = fs_path_below(db->dir, STR("wal"));
    AUTO(mem_free) char *late_log = fs_path_below(db->dir, STR("wbl"));
    uint64_t late_bytes = 0;
    TRY(fs_tree_bytes(db->opts.fs, log, ret_bytes));
    if (fs_exists(db->opts.fs, late_log))
        TRY(fs_tree_bytes(db->opts.fs, late_log, &late_bytes));
    *ret_bytes += late_bytes + s.head_chunks_bytes;
    return OK;
}

/* Which limits there are blocks beyond, as Prometheus counts it; `chosen` is scratch. */
static void
count_retentions(struct db *db, const struct retention_block *blocks, size_t n,
                 uint64_t other_bytes, size_t *chosen)
{
    struct retention_limits none = {.time_ms = 0}, time = {.time_ms = db->opts.retention_ms},
                            size = {.bytes = db->opts.retention_bytes};
    size_t marked = retention_choose(blocks, n, other_bytes, &none, chosen);
    if (retention_choose(blocks, n, other_bytes, &time, chosen) > marked)
        db_events_add(head_events(db->head), DB_RETENTIONS_BY_TIME, 1);
    if (retention_choose(blocks, n, other_bytes, &size, chosen) > marked)
        db_events_add(head_events(db->head), DB_RETENTIONS_BY_SIZE, 1);
}

static struct err
retire_in_view(struct db *db, const struct view *view)
{
    size_t count = view->blocks.v.n;
    AUTO(mem_free) struct retention_block *blocks = mem_array_zero(count, sizeof *blocks);
    AUTO(mem_free) size_t *chosen = mem_array_zero(count, sizeof *chosen);
    struct retention_limits limits = {.time_ms = db->opts.retention_ms,
                                      .bytes = db->opts.retention_bytes};
    for (size_t i = 0; i < count; i++) {
        const struct block *block = view->blocks.v.v[i];
        blocks[i] = (struct retention_block){block_meta_of(block), block_bytes(block)};
    }
    uint64_t other_bytes = 0;
    if (limits.bytes > 0) /* only then is the size of any interest */
        TRY(bytes_of_head(db, &other_bytes));
    count_retentions(db, blocks, count, other_bytes, chosen);
    size_t n = retention_choose(blocks, count, other_bytes, &limits, chosen);
    for (size_t k = 0; k < n; k++)
        log_info(db->opts.log, "block deleted: it has had its time", KV_CSTR("dir", db->dir),
                 KV_I64("to_ms", blocks[chosen[k]].meta->maxt_ms));
    if (n > 0)
        db_replace_blocks(db, view, chosen, n, NULL);
    return OK;
}

/* --- compaction ------------------------------------------------------------------------------- */

/* Damage of an input is told in its meta.json, so that it is not tried for ever; a failing disk
 * says nothing about the input. */
static struct err
note_failure(struct err e, const struct block *const *inputs, size_t n)
{
    if (e.code == ERR_CORRUPT)
        err_drop(compact_mark(inputs, n, BLOCK_MARK_FAILED));
    return e;
}

/* *ret_block is NULL when nothing is left of the inputs. */
static struct err
write_compacted(struct db *db, const struct block *const *inputs, size_t n,
                struct block **ret_block)
{
    struct compact_opts o = {.fs = db->opts.fs, .dir = db->dir, .ulid = db_new_ulid(db)};
    bool empty = false;
    struct err e = note_failure(compact_blocks(&o, inputs, n, &empty), inputs, n);
    *ret_block = NULL;
    return empty ? e : db_take_block(db, e, &o.ulid, ret_block);
}

static bool
some_overlap(const struct block *const *blocks, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct block_meta *m = block_meta_of(blocks[i]);
        for (size_t k = i + 1; k < n; k++) {
            if (block_overlaps(blocks[k], m->mint_ms, m->maxt_ms - 1))
                return true;
        }
    }
    return false;
}

/* *ret_done is false when nothing came of it. */
static struct err
compact_chosen(struct db *db, const struct view *view, const size_t *chosen, size_t n,
               bool *ret_done)
{
    AUTO(mem_free) const struct block **inputs = mem_array_zero(n, sizeof *inputs);
    for (size_t k = 0; k < n; k++)
        inputs[k] = view->blocks.v.v[chosen[k]];
    struct block *made;
    struct err e = write_compacted(db, inputs, n, &made);
    db_count_compaction(db, e.code);
    TRY(e);
    *ret_done = made || !db_head_begins_at(view, chosen, n);
    if (!*ret_done)
        return OK; /* all was deleted, but the head begins behind them */
    if (some_overlap(inputs, n))
        db_events_add(head_events(db->head), DB_COMPACTIONS_VERTICAL, 1);
    atomic_fetch_add_explicit(&db->compactions, 1, memory_order_relaxed);
    db_replace_blocks(db, view, chosen, n, made);
    return OK;
}

/* One compaction; *ret_done is false when there was none to do. */
static struct err
compact_in_view(struct db *db, const struct view *view, bool *ret_done)
{
    size_t count = view->blocks.v.n;
    AUTO(mem_free) const struct block_meta **metas = mem_array_zero(count, sizeof *metas);
    AUTO(mem_free) size_t *chosen = mem_array_zero(count, sizeof *chosen);
    for (size_t i = 0; i < count; i++)
        metas[i] = block_meta_of(view->blocks.v.v[i]);
    struct compact_ranges ranges =
        compact_ranges_of(db->opts.block_range_ms, db->opts.block_range_max_ms);
    size_t n = compact_plan(metas, count, &ranges, chosen);
    *ret_done = n > 0;
    return n > 0 ? compact_chosen(db, view, chosen, n, ret_done) : OK;
}

/* --- the whole -------------------------------------------------------------------------------- */

static struct err
retire(struct db *db)
{
    const struct view *view = views_acquire(&db->views);
    struct err e = retire_in_view(db, view);
    views_release(&db->views, view);
    db_keep_first(&e, db_delete_unwanted(db)); /* those of earlier passes, too */
    return e;
}

/* *ret_more: there may be another one to do. Parents go before the next needs room for its own. */
static struct err
compact_once(struct db *db, bool *ret_more)
{
    const struct view *view = views_acquire(&db->views);
    struct err e = compact_in_view(db, view, ret_more);
    views_release(&db->views, view);
    db_keep_first(&e, db_delete_unwanted(db));
    return e;
}

struct err
db_tidy(struct db *db)
{
    if (!db->untidy)
        return OK;
    struct err e = retire(db), compacted = OK;
    bool more = !db_has_replaced(db);
    for (unsigned i = 0; more && compacted.code == ERR_NONE && i < COMPACTIONS_A_PASS; i++)
        compacted = compact_once(db, &more);
    db_keep_first(&e, compacted);
    db->untidy = more || e.code != ERR_NONE; /* again, at the pace of the caller's passes */
    return e.code == ERR_NONE ? OK : err_wrap(e, "blocks");
}
