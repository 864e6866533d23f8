/* db.c - one tenant's directory: its lock, its blocks, and the head that goes on behind them. */
#include "tsdb/db.h"

#include "base/mem.h"
#include "tsdb/blocks.h"
#include "tsdb/head/head.h"
#include "tsdb/merge.h"

enum { BLOCK_RANGE_MS = 2 * 3600 * 1000 };

struct db {
    struct fs *fs;
    struct file *lock_file; /* held while open */
    char *lock_path;
    struct blocks blocks;
    struct head *head;
};

struct db_opts
db_opts_default(void)
{
    return (struct db_opts){
        .wal_segment_bytes = WAL_SEGMENT_BYTES_DEFAULT,
        .wal_sync = WAL_SYNC_NONE,
        .wal_compression = WAL_SNAPPY,
        .block_range_ms = BLOCK_RANGE_MS,
    };
}

struct err
db_open(const struct db_opts *opts, struct db **ret_db)
{
    AUTO(db_close) struct db *db = mem_alloc_zero(sizeof *db);
    db->fs = opts->fs;
    db->lock_path = fs_path_below(opts->dir, STR("lock"));
    TRY(fs_make_dirs(db->fs, opts->dir));
    TRY_IN(fs_lock_file(db->fs, db->lock_path, &db->lock_file), "database %s is in use", opts->dir);
    TRY_IN(blocks_open(db->fs, opts->log, opts->dir, &db->blocks), "database %s", opts->dir);
    TRY_IN(head_open(opts, blocks_min_valid_ms(&db->blocks), &db->head), "database %s", opts->dir);
    *ret_db = TAKE(db);
    return OK;
}

struct err
db_finish(struct db *db)
{
    TRY(head_finish(db->head));
    return fs_remove_file(db->fs, db->lock_path); /* its absence says that the stop was clean */
}

void
db_close(struct db *db)
{
    if (!db)
        return;
    head_close(db->head);
    blocks_close(&db->blocks);
    file_close(db->lock_file);
    mem_free(db->lock_path);
    mem_free(db);
}

struct err
db_append(struct db *db, const struct append_request *request, struct arena *a,
          struct append_result *ret_result)
{
    return head_append(db->head, request, a, ret_result);
}

/* --- reading: every block that the query reaches, and the head -------------------------------- */

/* What merge_series_sets() takes; closes what it still has. */
struct set_list {
    struct series_set **v; /* in an arena */
    size_t n;
};

static void
auto_set_list_close(struct set_list *l)
{
    while (l->n > 0)
        series_set_close(l->v[--l->n]);
}

struct err
db_select(struct db *db, const struct select_query *q, struct matchers matchers, struct arena *a,
          struct series_set **ret_set)
{
    __attribute__((cleanup(auto_set_list_close))) struct set_list sets = {
        ARENA_ARRAY(a, struct series_set *, db->blocks.v.n + 1), 0};
    TRY(head_select(db->head, q, matchers, a, &sets.v[0]));
    sets.n = 1;
    vec_each (&db->blocks.v, block) {
        if (!block_overlaps(*block, q->mint_ms, q->maxt_ms))
            continue;
        TRY(block_select(*block, q, matchers, a, &sets.v[sets.n]));
        sets.n++;
    }
    *ret_set = sets.n == 1 ? sets.v[0] : merge_series_sets(sets.v, sets.n, q->series_limit);
    sets.n = 0; /* the merge has them */
    return OK;
}

/* Names and values of the head are not tied to a time, but to that of the head: as Prometheus. */
static bool
head_overlaps(const struct db *db, const struct select_query *q)
{
    struct db_stats s;
    head_stats(db->head, &s);
    return s.mint_ms <= q->maxt_ms && q->mint_ms <= s.maxt_ms;
}

struct err
db_label_names(struct db *db, const struct select_query *q, struct matchers matchers,
               struct arena *a, struct str_list *ret_names)
{
    struct str_list *lists = ARENA_ARRAY(a, struct str_list, db->blocks.v.n + 1);
    size_t n = 0;
    if (head_overlaps(db, q))
        TRY(head_label_names(db->head, q, matchers, a, &lists[n++]));
    vec_each (&db->blocks.v, block) {
        if (block_overlaps(*block, q->mint_ms, q->maxt_ms))
            TRY(block_label_names(*block, matchers, a, &lists[n++]));
    }
    *ret_names = merge_str_lists(a, lists, n);
    return arena_check(a);
}

struct err
db_label_values(struct db *db, const struct select_query *q, struct str name,
                struct matchers matchers, struct arena *a, struct str_list *ret_values)
{
    struct str_list *lists = ARENA_ARRAY(a, struct str_list, db->blocks.v.n + 1);
    size_t n = 0;
    if (head_overlaps(db, q))
        TRY(head_label_values(db->head, q, name, matchers, a, &lists[n++]));
    vec_each (&db->blocks.v, block) {
        if (block_overlaps(*block, q->mint_ms, q->maxt_ms))
            TRY(block_label_values(*block, name, matchers, a, &lists[n++]));
    }
    *ret_values = merge_str_lists(a, lists, n);
    return arena_check(a);
}

/* --- upkeep ----------------------------------------------------------------------------------- */

struct err
db_maintain(struct db *db)
{
    return head_maintain(db->head);
}

void
db_stats(struct db *db, struct db_stats *ret_stats)
{
    head_stats(db->head, ret_stats);
    ret_stats->blocks = db->blocks.v.n;
    vec_each (&db->blocks.v, block) {
        const struct block_meta *m = block_meta_of(*block);
        ret_stats->mint_ms = i64_min(ret_stats->mint_ms, m->mint_ms);
        ret_stats->maxt_ms = i64_max(ret_stats->maxt_ms, m->maxt_ms - 1);
    }
}

struct err
db_check(struct db *db)
{
    return head_check(db->head);
}
