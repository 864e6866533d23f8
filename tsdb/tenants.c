/* tenants.c - the databases of all tenants: found at start, made on first write.
 *
 * The table is a sorted array under one lock; a database is opened outside of the lock, by the
 * thread that inserted its entry, while others who want it wait on a condition. */
#include "tsdb/tenants.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/lock.h"
#include "base/mem.h"

enum tenant_state { TENANT_OPENING, TENANT_OPEN };

struct tenant {
    struct str name;   /* owned */
    char *dir;         /* owned */
    struct db *db;     /* set once, before TENANT_OPEN */
    enum tenant_state state; /* GUARDED_BY(tenants.lock) */
    struct db_stats told;    /* by the last collection of metrics */
    struct err open_error;   /* of the parallel opening at start */
};

struct tenants {
    char *dir;
    struct db_opts db_opts;
    struct metrics *metrics;
    struct metric_family *series, *samples, *created, *mapped, *wal_bytes, *writable, *blocks;
    struct lock lock;
    struct cond opened;
    VEC(struct tenant *) table GUARDED_BY(lock); /* by name */
};

/* --- names ----------------------------------------------------------------------------------- */

static bool
is_tenant_char(char c)
{
    bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return alphanumeric || (c != '\0' && strchr("-_.!*'()@:=+~,", c) != NULL);
}

struct err
tenant_name_check(struct str name)
{
    if (name.n == 0 || name.n > TENANT_NAME_BYTES_MAX)
        return ERR(ERR_INVALID, "tenant name not valid: %zu bytes, allowed 1 to %d", name.n,
                   TENANT_NAME_BYTES_MAX);
    if (str_eq(name, STR(".")) || str_eq(name, STR("..")) || str_eq(name, STR("lost+found")))
        return ERR(ERR_INVALID, "tenant name not valid: \"%.*s\" is reserved", STR_FMT(name));
    for (size_t i = 0; i < name.n; i++) {
        if (!is_tenant_char(name.p[i]))
            return ERR(ERR_INVALID,
                       "tenant name not valid: byte 0x%02x at position %zu; allowed are letters, "
                       "digits and -_.!*'()@:=+~,",
                       (unsigned char)name.p[i], i);
    }
    return OK;
}

/* --- the table -------------------------------------------------------------------------------- */

static struct tenant *
tenant_new(const struct tenants *t, struct str name)
{
    struct tenant *n = mem_alloc_zero(sizeof *n);
    n->name = str_of(mem_dup_text(name.p, name.n), name.n);
    n->dir = fs_path_below(t->dir, name);
    return n;
}

static void
tenant_free(struct tenant *n)
{
    if (!n)
        return;
    db_close(n->db);
    mem_free((char *)(uintptr_t)n->name.p);
    mem_free(n->dir);
    err_drop(n->open_error);
    mem_free(n);
}

/* Position of the first entry whose name is not before `name`. */
static size_t
place_of(const struct tenants *t, struct str name) REQUIRES(t->lock)
{
    size_t low = 0, high = t->table.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (str_cmp(t->table.v[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct tenant *
lookup(const struct tenants *t, struct str name) REQUIRES(t->lock)
{
    size_t at = place_of(t, name);
    bool found = at < t->table.n && str_eq(t->table.v[at]->name, name);
    return found ? t->table.v[at] : NULL;
}

static void
insert(struct tenants *t, struct tenant *n) REQUIRES(t->lock)
{
    size_t at = place_of(t, n->name);
    vec_push(&t->table, n);
    memmove(&t->table.v[at + 1], &t->table.v[at], (t->table.n - 1 - at) * sizeof(struct tenant *));
    t->table.v[at] = n;
}

static void
erase(struct tenants *t, struct tenant *n) REQUIRES(t->lock)
{
    size_t at = place_of(t, n->name);
    ASSERT(at < t->table.n && t->table.v[at] == n);
    t->table.n--;
    memmove(&t->table.v[at], &t->table.v[at + 1], (t->table.n - at) * sizeof(struct tenant *));
}

static struct err
tenant_open_db(const struct tenants *t, struct tenant *n)
{
    struct db_opts opts = t->db_opts;
    opts.dir = n->dir;
    TRY_IN(db_open(&opts, &n->db), "tenant %.*s", STR_FMT(n->name));
    return OK;
}

struct db *
tenants_find(struct tenants *t, struct str name)
{
    LOCKED(&t->lock);
    struct tenant *n = lookup(t, name);
    return n && n->state == TENANT_OPEN ? n->db : NULL;
}

/* The entry for `name`: *ret_mine when the caller has just inserted it and must open it. */
static struct err
claim(struct tenants *t, struct str name, struct tenant **ret_tenant, bool *ret_mine)
{
    *ret_mine = false;
    LOCKED(&t->lock);
    for (;;) {
        struct tenant *n = lookup(t, name);
        if (n && n->state == TENANT_OPEN) {
            *ret_tenant = n;
            return OK;
        }
        if (!n)
            break;
        cond_wait(&t->opened, &t->lock); /* somebody else opens it, or fails and erases it */
    }
    if (t->table.n >= TENANTS_MAX)
        return ERR(ERR_OVERLOAD, "limit of %d tenants is reached", TENANTS_MAX);
    *ret_tenant = tenant_new(t, name);
    *ret_mine = true;
    insert(t, *ret_tenant);
    return OK;
}

struct err
tenants_get_or_create(struct tenants *t, struct str name, struct db **ret_db)
{
    TRY(tenant_name_check(name));
    struct tenant *n = NULL;
    bool mine;
    TRY(claim(t, name, &n, &mine));
    struct err e = OK;
    if (mine) {
        e = tenant_open_db(t, n);
        LOCKED(&t->lock);
        if (e.code == ERR_NONE)
            n->state = TENANT_OPEN;
        else
            erase(t, n);
        cond_broadcast(&t->opened);
    }
    if (e.code != ERR_NONE) {
        tenant_free(n);
        return e;
    }
    *ret_db = n->db;
    return OK;
}

/* --- metrics ---------------------------------------------------------------------------------- */

static struct metric_family *
family(struct metrics *m, enum metric_type type, const char *name, const char *help)
{
    struct metric_spec spec = {.type = type, .name = name, .help = help, .labels = {"tenant"}};
    return metrics_family(m, &spec);
}

static void
add_difference(struct metric_family *f, struct str tenant, uint64_t now, uint64_t *told)
{
    metric_add(metric_with(f, &tenant, 1), (double)(now - *told));
    *told = now;
}

/* Called at each exposition; the registry lets one collection run at a time. */
static void
collect(void *arg)
{
    struct tenants *t = arg;
    LOCKED(&t->lock);
    vec_each (&t->table, at) {
        struct tenant *n = *at;
        if (n->state != TENANT_OPEN)
            continue;
        struct db_stats s;
        db_stats(n->db, &s);
        metric_set(metric_with(t->series, &n->name, 1), (double)s.series);
        metric_set(metric_with(t->wal_bytes, &n->name, 1), (double)s.wal_bytes);
        metric_set(metric_with(t->writable, &n->name, 1), s.writable ? 1 : 0);
        metric_set(metric_with(t->blocks, &n->name, 1), (double)s.blocks);
        add_difference(t->samples, n->name, s.samples_appended, &n->told.samples_appended);
        add_difference(t->created, n->name, s.series_created, &n->told.series_created);
        add_difference(t->mapped, n->name, s.chunks_mapped, &n->told.chunks_mapped);
    }
}

static void
register_metrics(struct tenants *t)
{
    struct metrics *m = t->metrics;
    t->series = family(m, METRIC_GAUGE, "prometheus_tsdb_head_series",
                       "Total number of series in the head block.");
    t->samples = family(m, METRIC_COUNTER, "prometheus_tsdb_head_samples_appended_total",
                        "Total number of appended samples.");
    t->created = family(m, METRIC_COUNTER, "prometheus_tsdb_head_series_created_total",
                        "Total number of series created in the head");
    t->mapped = family(m, METRIC_COUNTER, "prometheus_tsdb_mmap_chunks_total",
                       "Total number of chunks that were memory-mapped.");
    t->wal_bytes = family(m, METRIC_GAUGE, "mneme_tsdb_wal_written_bytes",
                          "Bytes written to the write-ahead log since start.");
    t->writable = family(m, METRIC_GAUGE, "mneme_tsdb_writable",
                         "1 while the write-ahead log is healthy, 0 while writes are refused.");
    t->blocks = family(m, METRIC_GAUGE, "prometheus_tsdb_blocks_loaded",
                       "Number of currently loaded data blocks");
    metrics_on_collect(m, collect, t);
}

/* --- life cycle ------------------------------------------------------------------------------- */

static void
open_one(void *arg, size_t i)
{
    struct tenants *t = arg;
    struct tenant *n = t->table.v[i];
    n->open_error = tenant_open_db(t, n);
}

static struct err
find_directories(struct tenants *t)
{
    AUTO(fs_list_fini) struct fs_list entries = VEC_INIT;
    TRY(fs_list_dir(t->db_opts.fs, t->dir, &entries));
    LOCKED(&t->lock);
    vec_each (&entries, entry) {
        struct str name = str_of_cstr(entry->name);
        struct err e = entry->kind == FS_DIR ? tenant_name_check(name) : OK;
        if (entry->kind == FS_DIR && e.code == ERR_NONE)
            insert(t, tenant_new(t, name));
        else if (entry->kind == FS_DIR && !str_eq(name, STR("lost+found")))
            log_warn(t->db_opts.log, "directory is no tenant, ignored",
                     KV_CSTR("dir", entry->name), KV_ERR(e));
        err_drop(e);
    }
    return OK;
}

static struct err
open_all(struct tenants *t, struct pool *pool)
{
    TRY(find_directories(t));
    pool_for_each(pool, t->table.n, open_one, t);
    vec_each (&t->table, at) {
        if ((*at)->open_error.code != ERR_NONE) {
            struct err e = (*at)->open_error;
            (*at)->open_error = OK;
            return e;
        }
        (*at)->state = TENANT_OPEN;
    }
    return OK;
}

static void
tenants_free(struct tenants *t)
{
    if (t->series)
        metrics_off_collect(t->metrics, t);
    vec_each (&t->table, at)
        tenant_free(*at);
    vec_fini(&t->table);
    cond_fini(&t->opened);
    lock_fini(&t->lock);
    mem_free(t->dir);
    mem_free(t);
}

struct err
tenants_open(const struct tenants_opts *opts, struct pool *pool, struct tenants **ret_tenants)
{
    TRY(fs_make_dirs(opts->db.fs, opts->dir));
    struct tenants *t = mem_alloc_zero(sizeof *t);
    t->dir = mem_dup_text(opts->dir, strlen(opts->dir));
    t->db_opts = opts->db;
    t->metrics = opts->metrics;
    lock_init(&t->lock, LOCK_RANK_TENANTS);
    cond_init(&t->opened);
    struct err e = open_all(t, pool);
    if (e.code != ERR_NONE) {
        tenants_free(t);
        return e;
    }
    register_metrics(t);
    *ret_tenants = t;
    return OK;
}

void
tenants_close(struct tenants *t)
{
    if (!t)
        return;
    vec_each (&t->table, at) {
        struct err e = db_finish((*at)->db);
        if (e.code != ERR_NONE)
            log_error(t->db_opts.log, "closing a database failed; its log will be replayed",
                      KV_STR("tenant", (*at)->name), KV_ERR(e));
        err_drop(e);
    }
    tenants_free(t);
}

void
tenants_maintain(struct tenants *t)
{
    /* A database outlives this pass: none is closed before tenants_close(). */
    for (size_t i = 0;; i++) {
        struct tenant *n = NULL;
        {
            LOCKED(&t->lock);
            if (i >= t->table.n)
                return;
            n = t->table.v[i]->state == TENANT_OPEN ? t->table.v[i] : NULL;
        }
        if (!n)
            continue;
        struct err e = db_maintain(n->db);
        if (e.code != ERR_NONE)
            log_warn(t->db_opts.log, "maintenance failed, trying again", KV_STR("tenant", n->name),
                     KV_ERR(e));
        err_drop(e);
    }
}

size_t
tenants_count(struct tenants *t)
{
    LOCKED(&t->lock);
    return t->table.n;
}
