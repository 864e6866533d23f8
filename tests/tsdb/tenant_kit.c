/* tenant_kit.c - see tenant_kit.h. */
#include "tests/tsdb/tenant_kit.h"

#include <stdio.h>
#include <stdlib.h>

static struct err
flush_nothing(struct db *db, bool *ret_empty)
{
    (void)db;
    *ret_empty = true;
    return OK;
}

static bool
always_empty(struct db *db)
{
    (void)db;
    return true;
}

void
tenant_kit_init(struct tenant_kit *k, const char *dir, struct fs *fs)
{
    *k = (struct tenant_kit){.metrics = metrics_open()};
    clock_manual_init(&k->clock, kit_now_ms);
    CK_OK(pool_start(&(struct pool_opts){.name = "test", .threads = 2, .queued_limit = 10},
                     &k->pool));
    k->opts = (struct tenants_opts){
        .dir = dir,
        .db = kit_opts(fs ? fs : fs_posix(), NULL),
        .metrics = k->metrics,
        .hooks = {flush_nothing, always_empty},
    };
    k->opts.db.clock = &k->clock.clock;
}

void
tenant_kit_start(struct tenant_kit *k)
{
    CK_OK(tenants_open(&k->opts, k->pool, &k->tenants));
}

void
tenant_kit_stop(struct tenant_kit *k)
{
    tenants_finish(k->tenants);
    tenants_close(TAKE(k->tenants));
}

void
tenant_kit_fini(struct tenant_kit *k)
{
    if (k->tenants)
        tenant_kit_stop(k);
    pool_stop(k->pool);
    metrics_close(k->metrics);
}

void
tenant_kit_put(struct tenant_kit *k, const char *tenant, const char *labels, int64_t t_ms,
               double value)
{
    AUTO(tenant_release) struct tenant *t = NULL;
    CK_OK(tenants_acquire(k->tenants, str_of_cstr(tenant), &t));
    kit_put(tenant_db(t), labels, t_ms, value);
}

const char *
tenant_kit_dump(struct tenant_kit *k, struct arena *a, const char *tenant)
{
    AUTO(tenant_release) struct tenant *t = NULL;
    CK_OK(tenants_acquire_to_read(k->tenants, str_of_cstr(tenant), INT64_MIN, INT64_MAX, &t));
    return t ? kit_dump(a, tenant_db(t)) : NULL;
}

void
tenant_kit_pass(struct tenant_kit *k, int64_t ms)
{
    clock_manual_advance_ms(&k->clock, ms);
    tenants_maintain(k->tenants);
}

double
tenant_kit_metric(struct tenant_kit *k, const char *name)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    AUTO(buf_fini) struct buf line = BUF_INIT;
    buf_put_u8(&text, '\n');
    metrics_write(k->metrics, METRICS_TEXT, &text);
    buf_printf(&line, "\n%s ", name);
    const char *at = strstr(buf_cstr(&text), buf_cstr(&line));
    return at ? strtod(at + line.n, NULL) : -1;
}

size_t
tenant_kit_in_state(struct tenant_kit *k, const char *state)
{
    char name[64];
    snprintf(name, sizeof name, "mneme_tenants{state=\"%s\"}", state);
    return (size_t)tenant_kit_metric(k, name);
}
