/* tenants_disk.c - a tenant's directory: opened, flushed, closed, removed.
 *
 * Each is called by the one thread that the tenant's state or its pass belongs to. */
#include "base/mem.h"
#include "tsdb/tenants_int.h"

enum { CUT_SPREAD_PARTS = 10 }; /* cuts are spread over a tenth of a block's range, as Thanos' */

static char *
dir_of(const struct tenant *n)
{
    return fs_path_below(n->owner->dir, n->name);
}

static char *
gone_dir_of(const struct tenant *n)
{
    AUTO(buf_fini) struct buf name = BUF_INIT;
    buf_append(&name, STR(TENANT_GONE_PREFIX));
    buf_append(&name, n->name);
    return fs_path_below(n->owner->dir, buf_str(&name));
}

/* With synced writes an acknowledged one is on the disk: so must be the way to it. */
static struct err
sync_new_dir(const struct tenant *n, const char *dir)
{
    const struct db_opts *o = &n->owner->db_opts;
    if (o->wal_sync == WAL_SYNC_NONE)
        return OK;
    TRY(fs_sync_dir(o->fs, dir));
    return fs_sync_dir(o->fs, n->owner->dir);
}

struct err
tenant_open_db(struct tenant *n, enum tenant_origin origin)
{
    const struct tenants *t = n->owner;
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(mem_free) char *dir = dir_of(n);
    AUTO(db_close) struct db *db = NULL;
    struct db_opts opts = t->db_opts;
    opts.dir = dir;
    opts.external_labels = tenants_labels(t, n->name, &a);
    opts.cut_delay_ms =
        (int64_t)(tenant_phase(n->name) % ((uint64_t)opts.block_range_ms / CUT_SPREAD_PARTS + 1));
    TRY_IN(db_open(&opts, &db), "tenant %.*s", STR_FMT(n->name));
    if (origin == TENANT_NEW)
        TRY_IN(sync_new_dir(n, dir), "tenant %.*s", STR_FMT(n->name));
    n->db = TAKE(db);
    metric_inc(t->families.opened);
    return OK;
}

bool
tenant_head_is_empty(const struct tenant *n)
{
    if (n->owner->hooks.head_is_empty)
        return n->owner->hooks.head_is_empty(n->db);
    struct db_stats s;
    db_stats(n->db, &s);
    return s.series == 0 && s.head_mint_ms > s.head_maxt_ms;
}

struct err
tenant_flush(struct tenant *n, bool *ret_empty)
{
    if (n->owner->hooks.flush)
        return n->owner->hooks.flush(n->db, ret_empty);
    return db_flush(n->db, ret_empty);
}

void
tenant_close_db(struct tenant *n)
{
    const struct tenants *t = n->owner;
    struct db_stats s;
    db_stats(n->db, &s);
    n->mint_ms = s.mint_ms;
    n->maxt_ms = s.maxt_ms;
    struct err e = db_finish(n->db);
    if (e.code != ERR_NONE)
        log_error(t->db_opts.log, "closing a database failed; its log will be replayed",
                  KV_STR("tenant", n->name), KV_ERR(e));
    err_drop(e);
    db_close(TAKE(n->db));
    tenant_drop_metrics(n);
    metric_inc(t->families.closed);
}

struct err
tenant_remove_name(struct tenant *n)
{
    AUTO(mem_free) char *dir = dir_of(n);
    AUTO(mem_free) char *gone = gone_dir_of(n);
    return fs_rename(n->owner->db_opts.fs, dir, gone);
}

/* The new name first: half a tenant must never come back under the old one. */
struct err
tenant_remove_rest(struct tenant *n)
{
    struct fs *fs = n->owner->db_opts.fs;
    AUTO(mem_free) char *gone = gone_dir_of(n);
    TRY(fs_sync_dir(fs, n->owner->dir));
    return fs_remove_tree(fs, gone);
}
