/* db.c - one tenant's directory: its lock and its head. */
#include "tsdb/db.h"

#include "base/mem.h"
#include "tsdb/head/head.h"

enum { BLOCK_RANGE_MS = 2 * 3600 * 1000 };

struct db {
    struct fs *fs;
    struct file *lock_file; /* held while open */
    char *lock_path;
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
    struct buf path = BUF_INIT;
    buf_printf(&path, "%s/lock", opts->dir);
    (void)buf_cstr(&path);
    db->lock_path = path.p;
    TRY(fs_make_dirs(db->fs, opts->dir));
    TRY_IN(fs_lock_file(db->fs, db->lock_path, &db->lock_file), "database %s is in use", opts->dir);
    TRY_IN(head_open(opts, &db->head), "database %s", opts->dir);
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

struct err
db_select(struct db *db, const struct select_query *q, struct matchers matchers, struct arena *a,
          struct series_set **ret_set)
{
    return head_select(db->head, q, matchers, a, ret_set);
}

struct err
db_label_names(struct db *db, const struct select_query *q, struct matchers matchers,
               struct arena *a, struct str_list *ret_names)
{
    return head_label_names(db->head, q, matchers, a, ret_names);
}

struct err
db_label_values(struct db *db, const struct select_query *q, struct str name,
                struct matchers matchers, struct arena *a, struct str_list *ret_values)
{
    return head_label_values(db->head, q, name, matchers, a, ret_values);
}

struct err
db_maintain(struct db *db)
{
    return head_maintain(db->head);
}

void
db_stats(struct db *db, struct db_stats *ret_stats)
{
    head_stats(db->head, ret_stats);
}

struct err
db_check(struct db *db)
{
    return head_check(db->head);
}
