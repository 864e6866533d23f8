/* tenants_start.c - all tenants at once: opened at the start, finished at the end. */
#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/tenants_int.h"

/* --- options ---------------------------------------------------------------------------------- */

static struct err
check_label(struct label l)
{
    if (l.name.n == 0 || !str_is_utf8(l.name) || l.name.n > LABEL_NAME_BYTES_MAX)
        return ERR(ERR_INVALID, "external label: \"%.*s\" is no label name", STR_FMT(l.name));
    if (l.value.n == 0 || !str_is_utf8(l.value) || l.value.n > LABEL_VALUE_BYTES_MAX)
        return ERR(ERR_INVALID, "external label %.*s: its value is empty, too long or no UTF-8",
                   STR_FMT(l.name));
    return OK;
}

static struct err
check_labels(struct labels labels, struct str tenant_label)
{
    if (labels.n >= LABELS_COUNT_MAX)
        return ERR(ERR_INVALID, "external labels: %zu, limit %d", labels.n, LABELS_COUNT_MAX - 1);
    for (size_t i = 0; i < labels.n; i++) {
        TRY(check_label(labels.v[i]));
        if (i > 0 && str_eq(labels.v[i - 1].name, labels.v[i].name))
            return ERR(ERR_INVALID, "external label %.*s is given twice",
                       STR_FMT(labels.v[i].name));
    }
    if (tenant_label.n > 0)
        TRY(check_label((struct label){tenant_label, STR("x")}));
    return OK;
}

static struct tenants *
tenants_new(const struct tenants_opts *o, struct pool *pool)
{
    struct tenants *t = mem_alloc_zero(sizeof *t);
    t->dir = mem_dup_text(o->dir, strlen(o->dir));
    t->db_opts = o->db;
    t->metrics = o->metrics;
    t->pool = pool;
    t->runners_max = (unsigned)size_max(pool_threads(pool), 2) - 1;
    arena_init(&t->arena, 0);
    t->tenant_label = arena_str(&t->arena, o->tenant_label);
    t->retention_ms = o->retention_ms;
    t->flush_after_ms =
        o->flush_after_ms ? o->flush_after_ms : tenant_flush_after_ms(o->db.block_range_ms);
    t->close_after_ms = o->close_after_ms ? o->close_after_ms : TENANT_CLOSE_AFTER_MS;
    t->hooks = o->hooks;
    lock_init(&t->collect_lock, LOCK_RANK_TENANTS_COLLECT);
    lock_init(&t->lock, LOCK_RANK_TENANTS);
    cond_init(&t->changed);
    map_init(&t->by_name, MAP_KEYS_BORROWED);
    tenants_register_metrics(t);
    return t;
}

/* Sorted, checked, owned. */
static struct err
take_labels(struct tenants *t, struct labels labels)
{
    struct labels own = labels_copy(&t->arena, labels);
    struct label *v = ARENA_ARRAY(&t->arena, struct label, own.n);
    if (own.n > 0)
        memcpy(v, own.v, own.n * sizeof *v);
    labels_sort(v, own.n);
    t->labels = (struct labels){v, own.n};
    return check_labels(t->labels, t->tenant_label);
}

/* --- opening ---------------------------------------------------------------------------------- */

static void
take_directory(struct tenants *t, struct str name) REQUIRES(t->lock)
{
    enum tenant_state state = TENANT_OPENING;
    struct str tenant = name;
    if (str_starts_with(name, STR(TENANT_GONE_PREFIX))) {
        state = TENANT_GONE; /* a crash in the middle of its removal */
        tenant = str_skip(name, sizeof TENANT_GONE_PREFIX - 1);
    }
    struct err e = tenant_name_check(tenant);
    if (e.code == ERR_NONE)
        tenant_add(t, tenant, state);
    else if (!str_eq(name, STR("lost+found")) && !str_starts_with(name, STR(RESERVED_PREFIX)))
        log_warn(t->db_opts.log, "directory is no tenant, ignored", KV_STR("dir", name), KV_ERR(e));
    err_drop(e);
}

static struct err
find_directories(struct tenants *t)
{
    AUTO(fs_list_fini) struct fs_list entries = VEC_INIT;
    TRY(fs_list_dir(t->db_opts.fs, t->dir, &entries));
    LOCKED(&t->lock);
    vec_each (&entries, entry) {
        if (entry->kind == FS_DIR)
            take_directory(t, str_of_cstr(entry->name));
    }
    return OK;
}

/* One with an empty head is closed again at once: of thousands of tenants that only have blocks,
 * a few are open at a time. */
static void
open_one(void *arg, size_t i)
{
    struct tenants *t = arg;
    struct tenant *n = t->all.v[i];
    if (n->state == TENANT_GONE)
        return;
    n->open_failure = tenant_open_db(n, TENANT_FOUND);
    if (n->open_failure.code == ERR_NONE && tenant_head_is_empty(n))
        tenant_close_db(n);
}

static struct err
open_all(struct tenants *t)
{
    TRY(find_directories(t));
    pool_for_each(t->pool, t->all.n, open_one, t);
    int64_t now_ms = tenants_now_ms(t);
    LOCKED(&t->lock);
    vec_each (&t->all, at) {
        struct tenant *n = *at;
        if (n->open_failure.code != ERR_NONE) {
            struct err e = n->open_failure;
            n->open_failure = OK;
            return e;
        }
        if (n->db) {
            tenant_begin_life(n, now_ms);
            continue;
        }
        if (n->state == TENANT_OPENING)
            tenant_set_state(n, TENANT_DORMANT);
        tenant_schedule(n, now_ms);
    }
    return OK;
}

struct err
tenants_open(const struct tenants_opts *opts, struct pool *pool, struct tenants **ret_tenants)
{
    TRY(fs_make_dirs(opts->db.fs, opts->dir));
    AUTO(tenants_close) struct tenants *t = tenants_new(opts, pool);
    TRY(take_labels(t, opts->labels));
    TRY(open_all(t));
    *ret_tenants = TAKE(t);
    return OK;
}

/* --- the end ---------------------------------------------------------------------------------- */

/* Closed at once: the end must not take more memory than the work did. */
static void
finish_one(void *arg, size_t i)
{
    struct tenants *t = arg;
    struct tenant *n = t->all.v[i];
    if (n->db)
        tenant_close_db(n);
}

void
tenants_finish(struct tenants *t)
{
    {
        LOCKED(&t->lock);
        t->stopping = true;
        while (t->runners > 0)
            cond_wait(&t->changed, &t->lock);
    }
    tenants_unregister_metrics(t); /* its collector takes references */
    pool_for_each(TAKE(t->pool), t->all.n, finish_one, t);
}

void
tenants_close(struct tenants *t)
{
    if (!t)
        return;
    tenants_unregister_metrics(t);
    {
        LOCKED(&t->lock);
        ASSERT(t->runners == 0);
        while (t->all.n > 0) {
            struct tenant *n = *vec_last(&t->all);
            tenant_drop_metrics(n);
            db_close(TAKE(n->db));
            tenant_erase(n);
        }
    }
    vec_fini(&t->all);
    due_heap_fini(&t->due);
    map_fini(&t->by_name);
    cond_fini(&t->changed);
    lock_fini(&t->lock);
    lock_fini(&t->collect_lock);
    arena_fini(&t->arena);
    mem_free(t->families.of_tenants);
    mem_free(t->dir);
    mem_free(t);
}
