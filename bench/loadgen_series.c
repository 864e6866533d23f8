/* loadgen_series.c - a fleet of pods with up to a hundred series each, as a cluster's scrapes look:
 * most pairs are shared by many series, pod and instance belong to one pod alone. */
#include "bench/loadgen_series.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "base/pb.h"

/* The ten families of a pod; ten series each. */
enum layout { LAYOUT_HTTP, LAYOUT_BUCKET, LAYOUT_DEVICE };
static const struct family {
    const char *name;
    enum layout layout;
} families[] = {
    {"http_requests_total", LAYOUT_HTTP},
    {"http_request_duration_seconds_bucket", LAYOUT_BUCKET},
    {"http_response_size_bytes_bucket", LAYOUT_BUCKET},
    {"grpc_server_handled_total", LAYOUT_HTTP},
    {"grpc_server_handling_seconds_bucket", LAYOUT_BUCKET},
    {"container_network_receive_bytes_total", LAYOUT_DEVICE},
    {"container_fs_writes_bytes_total", LAYOUT_DEVICE},
    {"container_memory_working_set_bytes", LAYOUT_DEVICE},
    {"process_open_fds", LAYOUT_DEVICE},
    {"queue_jobs_waiting", LAYOUT_HTTP},
};
static const char *const apps[] = {"checkout-api", "cart",   "catalog-search", "payments-gateway",
                                   "ledger",       "mailer", "image-resizer",  "session-store"};
static const char *const methods[] = {"GET", "POST", "PUT", "DELETE", "PATCH"};
static const char *const statuses[] = {"200", "500"};
static const char *const bounds[] = {"0.005", "0.01", "0.025", "0.05", "0.1",
                                     "0.25",  "0.5",  "1",     "2.5",  "+Inf"};

enum { VARIANTS = 10, NAMESPACES = 40, PODS_PER_NODE = 30 };
_Static_assert(ARRAY_LEN(families) == LOAD_FAMILIES, "as the header tells");

/* splitmix64's output function: well mixed, and five lines in any language. */
static uint64_t
mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

struct label_list {
    struct load_label *v;
    size_t n;
};

static void PRINTF_LIKE(3, 4) add(struct label_list *list, const char *name, const char *fmt, ...)
{
    ASSERT(list->n < LOAD_LABELS_MAX);
    struct load_label *l = &list->v[list->n++];
    l->name = name;
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(l->value, sizeof l->value, fmt, ap);
    va_end(ap);
    ASSERT(n >= 0 && (size_t)n < sizeof l->value);
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(((const struct load_label *)a)->name, ((const struct load_label *)b)->name);
}

static void
add_variant(struct label_list *list, enum layout layout, uint64_t variant)
{
    switch (layout) {
    case LAYOUT_HTTP:
        add(list, "method", "%s", methods[variant % ARRAY_LEN(methods)]);
        add(list, "status", "%s", statuses[variant / ARRAY_LEN(methods)]);
        return;
    case LAYOUT_BUCKET:
        add(list, "le", "%s", bounds[variant]);
        return;
    case LAYOUT_DEVICE:
        add(list, "device", "dev%ju", (uintmax_t)variant);
        return;
    }
    UNREACHABLE("every layout is above");
}

size_t
load_labels(const struct load_spec *spec, uint64_t i, uint64_t j,
            struct load_label labels[LOAD_LABELS_MAX])
{
    uint64_t of_pod = VARIANTS * (spec->families > 0 ? spec->families : LOAD_FAMILIES);
    uint64_t pod = i / of_pod, k = i % of_pod;
    uint64_t generation = pod % 100 < spec->churn_percent ? j / spec->churn_every : 0;
    const struct family *family = &families[k / VARIANTS];
    const char *app = apps[pod % ARRAY_LEN(apps)];
    uint64_t id = mix(spec->seed + (pod << 20) + generation);

    struct label_list list = {labels, 0};
    add(&list, "__name__", "%s", family->name);
    add(&list, "cluster", "eu-west-1-prod-a");
    add(&list, "container", "%s", app);
    add(&list, "endpoint", "http-metrics");
    add(&list, "instance", "10.%ju.%ju.%ju:9102", (uintmax_t)(pod >> 16 & 255),
        (uintmax_t)(pod >> 8 & 255), (uintmax_t)(pod & 255));
    add(&list, "job", "monitoring/%s", app);
    add(&list, "namespace", "team-%02ju", (uintmax_t)(pod / ARRAY_LEN(apps) % NAMESPACES));
    add(&list, "node", "ip-10-0-%ju.eu-west-1.compute.internal", (uintmax_t)(pod / PODS_PER_NODE));
    add(&list, "pod", "%s-%08jx-%ju", app, (uintmax_t)(id & UINT32_MAX), (uintmax_t)pod);
    add_variant(&list, family->layout, k % VARIANTS);
    if (spec->extra_name.n > 0)
        add(&list, spec->extra_name.p, "%.*s", STR_FMT(spec->extra_value));
    qsort(labels, list.n, sizeof labels[0], by_name);
    return list.n;
}

void
load_label_key(const struct load_spec *spec, uint64_t i, uint64_t j, struct buf *to)
{
    struct load_label labels[LOAD_LABELS_MAX];
    size_t count = load_labels(spec, i, j, labels);
    for (size_t l = 0; l < count; l++) {
        struct str name = str_of_cstr(labels[l].name), value = str_of_cstr(labels[l].value);
        pb_put_message(to, 1, pb_bytes_size(1, name.n) + pb_bytes_size(2, value.n));
        pb_put_bytes(to, 1, name);
        pb_put_bytes(to, 2, value);
    }
}

static enum load_shape
shape_of(const struct load_spec *spec, uint64_t i)
{
    if (spec->shape != LOAD_MIX)
        return spec->shape;
    uint64_t digit = i % 10;
    return digit < 4 ? LOAD_COUNTER : digit < 7 ? LOAD_GAUGE : LOAD_CONST;
}

static double
value_of(const struct load_spec *spec, uint64_t i, uint64_t j)
{
    uint64_t noise = mix(mix(spec->seed + i) + j);
    switch (shape_of(spec, i)) {
    case LOAD_INDEX:
        return (double)(i * 1000 + j);
    case LOAD_COUNTER: {
        uint64_t step = 1 + i % 97;
        return (double)(j * step + noise % step);
    }
    case LOAD_GAUGE:
        return (double)(noise % 10000) / 100;
    case LOAD_CONST:
        return (double)(i % 100);
    case LOAD_MIX:
        break;
    }
    UNREACHABLE("a mix is resolved by shape_of()");
}

struct sample
load_sample(const struct load_spec *spec, uint64_t i, uint64_t j)
{
    return (struct sample){.t_ms = spec->start_ms + (int64_t)j * spec->interval_ms,
                           .bits = bits_of_f64(value_of(spec, i, j))};
}
