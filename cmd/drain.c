/* drain.c - see drain.h. */
#include "cmd/drain.h"

#include "base/json.h"
#include "base/mem.h"
#include "cmd/node_int.h"
#include "tsdb/db.h"
#include "tsdb/tenants.h"

static const char *const stage_names[] = {
    [DRAIN_SERVING] = "serving",
    [DRAIN_HANDING_OVER] = "handing over",
    [DRAIN_FLUSHING] = "flushing",
    [DRAIN_DONE] = "drained",
};

static enum drain_stage
stage_of(const struct drain *d)
{
    return atomic_load_explicit(&d->stage, memory_order_acquire);
}

static void
reach(struct drain *d, enum drain_stage stage)
{
    atomic_store_explicit(&d->stage, stage, memory_order_release);
    log_info(d->node->log, "drain", KV_CSTR("stage", stage_names[stage]));
}

/* --- steps ------------------------------------------------------------------------------------ */

static bool
all_is_handed_over(struct node *n)
{
    if (!n->peers)
        return true;
    struct peers_status s = peers_status(n->peers);
    return s.memory_bytes == 0 && s.handoff_records == 0 && s.busy == 0;
}

/* True when its head is empty: all of it is in blocks. */
static bool
flush_tenant(struct node *n, struct str name)
{
    AUTO(tenant_release) struct tenant *t = NULL;
    bool empty = false;
    struct err e = tenants_acquire(n->tenants, name, &t);
    if (e.code == ERR_NONE)
        e = db_flush(tenant_db(t), &empty);
    if (e.code != ERR_NONE)
        log_warn(n->log, "drain: a tenant cannot be flushed yet", KV_STR("tenant", name),
                 KV_ERR(e));
    err_drop(e);
    return empty;
}

static bool
all_is_flushed(struct drain *d)
{
    struct node *n = d->node;
    if (!n->tenants)
        return true;
    AUTO(arena_fini) struct arena a = {0};
    struct str_list names = tenants_names(n->tenants, &a);
    size_t left = 0;
    for (size_t i = 0; i < names.n; i++)
        left += !flush_tenant(n, names.v[i]);
    atomic_store_explicit(&d->tenants_left, left, memory_order_relaxed);
    return left == 0;
}

void
drain_step(struct drain *d)
{
    switch (stage_of(d)) {
    case DRAIN_HANDING_OVER:
        if (all_is_handed_over(d->node))
            reach(d, DRAIN_FLUSHING);
        return;
    case DRAIN_FLUSHING:
        if (all_is_flushed(d))
            reach(d, DRAIN_DONE);
        return;
    case DRAIN_SERVING:
    case DRAIN_DONE:
        return;
    }
}

/* --- routes ----------------------------------------------------------------------------------- */

static void
put_u64(struct json_writer *w, const char *key, uint64_t v)
{
    json_key(w, str_of_cstr(key));
    json_u64(w, v);
}

static void
reply_progress(struct drain *d, struct http_request *r, int status)
{
    struct peers_status s = {0};
    if (d->node->peers)
        s = peers_status(d->node->peers);
    AUTO(buf_fini) struct buf text = BUF_INIT;
    struct json_writer w;
    json_init(&w, &text, JSON_PLAIN);
    json_begin_object(&w);
    json_key(&w, STR("stage"));
    json_str(&w, str_of_cstr(stage_names[stage_of(d)]));
    put_u64(&w, "receivers", s.count);
    put_u64(&w, "receiversBehind", s.behind);
    put_u64(&w, "bytesInMemory", s.memory_bytes);
    put_u64(&w, "handoffBytes", s.handoff_bytes);
    put_u64(&w, "handoffRecords", s.handoff_records);
    put_u64(&w, "tenantsToFlush", atomic_load_explicit(&d->tenants_left, memory_order_relaxed));
    json_end_object(&w);
    http_reply(r, status, "application/json", buf_str(&text));
}

static void
serve(void *arg, struct http_request *r)
{
    struct drain *d = arg;
    enum drain_stage serving = DRAIN_SERVING;
    if (http_method(r) != HTTP_POST) {
        reply_progress(d, r, 200);
        return;
    }
    if (atomic_compare_exchange_strong(&d->stage, &serving, DRAIN_HANDING_OVER)) {
        log_info(d->node->log, "drain", KV_CSTR("stage", stage_names[DRAIN_HANDING_OVER]));
        status_set_ready(d->node->status, STATUS_NO);
        receiver_drain(d->node->receiver);
    }
    reply_progress(d, r, 202);
}

void
drain_add_routes(struct drain *d, struct node *n)
{
    d->node = n;
    router_add(n->http_router, &(struct route){.path = "/-/drain",
                                               .methods = ROUTE_POST | ROUTE_GET,
                                               .name = "drain",
                                               .handler = serve,
                                               .arg = d,
                                               .pool = n->background});
}
