/* http_metrics.c - how many requests, how long, how large: as Thanos names them. */
#include "net/http_metrics.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/hash.h"
#include "base/mem.h"
#include "net/http_head.h"

static const double duration_buckets[] = {.001, .005, .01, .02, .03, .04, .05, .06, .07, .08,
                                          .09,  .1,   .25, .5,  .75, 1,   2,   3,   4,   5};
static const double size_buckets[] = {64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768};

#define REQUEST_LABELS                                                                             \
    {                                                                                              \
        "code", "handler", "method", "tenant"                                                      \
    }
static const struct metric_spec total_spec = {
    .type = METRIC_COUNTER,
    .name = "http_requests_total",
    .help = "Tracks the number of HTTP requests.",
    .labels = REQUEST_LABELS,
};
static const struct metric_spec seconds_spec = {
    .type = METRIC_HISTOGRAM,
    .name = "http_request_duration_seconds",
    .help = "Tracks the latencies for HTTP requests.",
    .labels = REQUEST_LABELS,
    .buckets = duration_buckets,
    .bucket_count = ARRAY_LEN(duration_buckets),
};
static const struct metric_spec request_bytes_spec = {
    .type = METRIC_HISTOGRAM,
    .name = "http_request_size_bytes",
    .help = "Tracks the size of HTTP requests.",
    .labels = REQUEST_LABELS,
    .buckets = size_buckets,
    .bucket_count = ARRAY_LEN(size_buckets),
};
static const struct metric_spec response_bytes_spec = {
    .type = METRIC_HISTOGRAM,
    .name = "http_response_size_bytes",
    .help = "Tracks the size of HTTP responses.",
    .labels = REQUEST_LABELS,
    .buckets = size_buckets,
    .bucket_count = ARRAY_LEN(size_buckets),
};
static const struct metric_spec inflight_spec = {
    .type = METRIC_GAUGE,
    .name = "http_inflight_requests",
    .help = "Current number of HTTP requests the handler is responding to.",
    .labels = {"handler", "method", "tenant"},
};
static const struct metric_spec refused_spec = {
    .type = METRIC_COUNTER,
    .name = "mneme_http_refused_total",
    .help = "Requests and connections that the HTTP server turned away, by the limit hit.",
    .labels = {"reason"},
};
static const struct metric_spec conns_spec = {
    .type = METRIC_GAUGE,
    .name = "mneme_http_connections",
    .help = "Open connections of the HTTP servers.",
};

static const char *const refusal_labels[] = {
#define X(name, label) label,
    HTTP_REFUSALS(X)
#undef X
};

struct http_metrics {
    struct metric_bound *tenants;
    struct metric_family *total, *seconds, *request_bytes, *response_bytes, *inflight;
    struct metric *refused[HTTP_REFUSAL_COUNT];
    struct metric *conns;
};

struct http_metrics *
http_metrics_open(struct metrics *m)
{
    struct http_metrics *h = mem_alloc_zero(sizeof *h);
    h->tenants = metrics_bound(m, "tenant of http_*", HTTP_METRICS_TENANTS_MAX);
    h->total = metrics_family(m, &total_spec);
    h->seconds = metrics_family(m, &seconds_spec);
    h->request_bytes = metrics_family(m, &request_bytes_spec);
    h->response_bytes = metrics_family(m, &response_bytes_spec);
    h->inflight = metrics_family(m, &inflight_spec);
    h->conns = metrics_single(m, &conns_spec);
    struct metric_family *refused = metrics_family(m, &refused_spec);
    for (size_t i = 0; i < HTTP_REFUSAL_COUNT; i++) {
        struct str reason = str_of_cstr(refusal_labels[i]);
        h->refused[i] = metric_with(refused, &reason, 1);
    }
    return h;
}

void
http_metrics_close(struct http_metrics *h)
{
    mem_free(h);
}

void
http_metrics_refused(struct http_metrics *h, enum http_refusal why)
{
    metric_inc(h->refused[why]);
}

void
http_metrics_conns_add(struct http_metrics *h, double amount)
{
    metric_add(h->conns, amount);
}

static struct http_metrics_slot *
find_slot(struct http_metrics_cache *cache, const struct http_metrics_key *key)
{
    uint64_t hash = hash64(key->tenant) ^ (uintptr_t)key->route ^ (uint64_t)key->status << 8 ^
                    (uint64_t)key->method << 4;
    hash *= 0x9e3779b97f4a7c15u; /* spreads the bits upwards (Fibonacci hashing) */
    return &cache->slots[hash >> 58];
}
_Static_assert(HTTP_METRICS_CACHE_SLOTS == 1 << (64 - 58), "find_slot() takes the top 6 bits");

static bool
slot_is(const struct http_metrics_slot *slot, const struct http_metrics_key *key)
{
    return slot->route == key->route && slot->status == key->status &&
           slot->method == key->method &&
           str_eq(str_of(slot->tenant, slot->tenant_bytes), key->tenant);
}

static void
fill_slot(struct http_metrics *h, struct http_metrics_slot *slot,
          const struct http_metrics_key *key)
{
    *slot = (struct http_metrics_slot){.route = key->route,
                                       .status = key->status,
                                       .method = key->method,
                                       .tenant_bytes = key->tenant.n};
    memcpy(slot->tenant, key->tenant.p, key->tenant.n);
    struct str handler = str_of_cstr(key->route->name);
    struct str method = str_of_cstr(http_method_name(key->method));
    struct str tenant = metric_bound_pass(h->tenants, key->tenant);
    if (key->status == 0) { /* the gauge alone spells the method in upper case */
        slot->inflight = metric_with(h->inflight, (struct str[]){handler, method, tenant}, 3);
        return;
    }
    char code[12], lower[8];
    int code_bytes = snprintf(code, sizeof code, "%d", key->status);
    ASSERT(method.n <= sizeof lower);
    for (size_t i = 0; i < method.n; i++)
        lower[i] = (char)(method.p[i] | 0x20);
    struct str values[] = {str_of(code, (size_t)code_bytes), handler, str_of(lower, method.n),
                           tenant};
    slot->total = metric_with(h->total, values, 4);
    slot->seconds = metric_with(h->seconds, values, 4);
    slot->request_bytes = metric_with(h->request_bytes, values, 4);
    slot->response_bytes = metric_with(h->response_bytes, values, 4);
}

static struct http_metrics_slot *
get_slot(struct http_metrics *h, struct http_metrics_cache *cache,
         const struct http_metrics_key *key)
{
    ASSERT(key->tenant.n > 0 && key->tenant.n <= HTTP_METRICS_TENANT_BYTES_MAX);
    struct http_metrics_slot *slot = find_slot(cache, key);
    if (!slot_is(slot, key))
        fill_slot(h, slot, key);
    return slot;
}

struct metric *
http_metrics_begin(struct http_metrics *h, struct http_metrics_cache *cache,
                   const struct http_metrics_key *key)
{
    ASSERT(key->status == 0);
    struct metric *inflight = get_slot(h, cache, key)->inflight;
    metric_inc(inflight);
    return inflight;
}

void
http_metrics_end(struct http_metrics *h, struct http_metrics_cache *cache,
                 const struct http_metrics_key *key, const struct http_metrics_sample *sample)
{
    ASSERT(key->status != 0);
    struct http_metrics_slot *slot = get_slot(h, cache, key);
    metric_inc(slot->total);
    metric_observe(slot->seconds, sample->seconds);
    metric_observe(slot->request_bytes, (double)sample->request_bytes);
    metric_observe(slot->response_bytes, (double)sample->response_bytes);
}
