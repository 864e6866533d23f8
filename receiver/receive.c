/* receive.c - life cycle of the component; the requests are in write_http.c. */
#include "ingest/numberings.h"
#include "receiver/receive_int.h"

#include "base/assert.h"
#include "base/mem.h"
#include "ingest/rewrite_cache.h"
#include "ingest/tenant.h"
#include "tsdb/tenants.h"

enum {
    ROUTES = 5,
    REQUEST_PART = 4, /* of the memory for requests: a body, and what it is decoded to */
    CACHE_PART = 16,  /* of the memory limit: what is remembered of rewritten labels */
};

static const struct write_route {
    const char *path, *name;
    http_handler handler;
} write_routes[ROUTES] = {
    {"/api/v1/receive", "receive", write_http_receive},
    {"/api/v1/write", "write", write_http_write},
    {"/api/v1/otlp", "otlp", write_http_otlp},            /* Thanos' path */
    {"/api/v1/otlp/v1/metrics", "otlp", write_http_otlp}, /* Prometheus' */
    {"/api/v1/import/prometheus", "import", write_http_import},
};

static char *
copy_text(const char *text, const char *dflt)
{
    const char *from = text ? text : dflt;
    return mem_dup_text(from, strlen(from));
}

/* An eighth of the memory for what other receivers number. 0: the default. */
static size_t
numbers_max(const struct memory_limit *memory)
{
    enum { NUMBER_BYTES = 16, PART = 8 };
    return memory ? (size_t)(memory->bytes / PART / NUMBER_BYTES) : 0;
}

static struct otlp_options
copy_otlp(const struct otlp_options *from)
{
    struct str *names = mem_array_zero(from->promoted_count, sizeof *names);
    for (size_t i = 0; i < from->promoted_count; i++)
        names[i] =
            str_of(mem_dup_text(from->promoted[i].p, from->promoted[i].n), from->promoted[i].n);
    return (struct otlp_options){from->target_info, names, from->promoted_count};
}

static void
free_otlp(struct otlp_options *options)
{
    for (size_t i = 0; i < options->promoted_count; i++)
        mem_free((char *)(uintptr_t)options->promoted[i].p);
    mem_free((struct str *)(uintptr_t)options->promoted);
}

/* A limit of bytes of one request, as far as there is memory for all of them. */
static size_t
fitting(const struct receiver_opts *opts, size_t bytes, size_t dflt)
{
    size_t wanted = bytes ? bytes : dflt;
    size_t all = opts->memory ? opts->memory->requests.limit_bytes : 0;
    return all > 0 ? size_min(wanted, all / REQUEST_PART) : wanted;
}

static size_t
cache_bytes_max(const struct receiver_opts *opts)
{
    uint64_t limit = opts->memory ? opts->memory->bytes : 0;
    return limit > 0 ? (size_t)u64_min(limit / CACHE_PART, REWRITE_CACHE_BYTES_MAX) : 0;
}

struct err
receiver_open(const struct receiver_opts *opts, struct receiver **ret_receiver)
{
    const char *tenant = opts->default_tenant ? opts->default_tenant : TENANT_DEFAULT;
    TRY_IN(tenant_name_check(str_of_cstr(tenant)), "default tenant \"%s\"", tenant);
    size_t body_bytes_max = fitting(opts, opts->body_bytes_max, RECEIVER_BODY_BYTES_MAX_DEFAULT);

    struct receiver *v = mem_alloc_zero(sizeof *v);
    v->tenant_header = copy_text(opts->tenant_header, TENANT_HEADER_DEFAULT);
    v->replica_header = copy_text(opts->replica_header, REPLICA_HEADER_DEFAULT);
    v->default_tenant = copy_text(tenant, NULL);
    v->decoded_bytes_max = fitting(opts, opts->decoded_bytes_max, INGEST_DECODED_BYTES_MAX_DEFAULT);
    v->limits = opts->limits;
    v->log = opts->log;
    v->memory = opts->memory;
    v->pool = opts->pool;
    v->clock = opts->clock ? opts->clock : clock_system();
    v->otlp = copy_otlp(&opts->otlp);
    if (opts->hash_seed != 0)
        v->numberings =
            numberings_open(&(struct numberings_opts){.clock = v->clock,
                                                      .hash_seed = opts->hash_seed,
                                                      .numbers_max = numbers_max(opts->memory)});
    scratch_pool_init(&v->scratches, v->memory ? &v->memory->requests : NULL);
    v->tenant_field = opts->tenant_field;
    v->tenant_by_token = opts->tenant_by_token;
    v->policy = policy_open(&(struct policy_opts){
        .metrics = opts->metrics,
        .clock = opts->clock ? opts->clock : clock_system(),
        .log = opts->log,
        .split_label = opts->split_label,
        .rewrite_cache_bytes_max = cache_bytes_max(opts),
        .base = {.size_bytes = body_bytes_max,
                 .series = opts->limits.series_max,
                 .samples = opts->limits.samples_max},
    });
    write_metrics_init(&v->metrics, opts->metrics, opts->replication_factor);
    for (size_t i = 0; i < ROUTES; i++)
        router_add(opts->router, &(struct route){.path = write_routes[i].path,
                                                 .methods = ROUTE_POST,
                                                 .name = write_routes[i].name,
                                                 .handler = write_routes[i].handler,
                                                 .arg = v,
                                                 .pool = opts->pool,
                                                 .body_bytes_max = body_bytes_max,
                                                 .flags = ROUTE_KEEPS_BODY});
    *ret_receiver = v;
    return OK;
}

struct policy *
receiver_policy(struct receiver *v)
{
    return v->policy;
}

void
receiver_start(struct receiver *v, struct sink *sink, struct replicator *replicator)
{
    ASSERT(sink || replicator);
    ASSERT(atomic_load_explicit(&v->state, memory_order_relaxed) == RECEIVER_STARTING);
    v->sink = sink;
    v->replicator = replicator;
    atomic_store_explicit(&v->state, RECEIVER_OPEN, memory_order_release);
}

void
receiver_drain(struct receiver *v)
{
    atomic_store_explicit(&v->state, RECEIVER_DRAINING, memory_order_release);
}

void
receiver_close(struct receiver *v)
{
    if (!v)
        return;
    scratch_pool_fini(&v->scratches);
    policy_close(v->policy);
    free_otlp(&v->otlp);
    numberings_close(v->numberings);
    mem_free(v->tenant_header);
    mem_free(v->replica_header);
    mem_free(v->default_tenant);
    mem_free(v);
}
