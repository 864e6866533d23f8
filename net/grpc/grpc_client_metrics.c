/* grpc_client_metrics.c - families and a cache of their children. */
#include "net/grpc/grpc_client_metrics.h"

#include "base/assert.h"
#include "base/map.h"
#include "base/mem.h"

enum { STARTED, RECEIVED, SENT, HANDLED, SECONDS, FAMILIES };

/* Those of Thanos' pkg/extgrpc. */
static const double seconds_buckets[] = {0.001, 0.01, 0.1, 0.3, 0.6, 1,  3,
                                         6,     9,    20,  30,  60,  90, 120};

static const struct metric_spec specs[FAMILIES] = {
    [STARTED] = {METRIC_COUNTER, "grpc_client_started_total",
                 "Total number of RPCs started on the client.",
                 .labels = {"grpc_type", "grpc_service", "grpc_method"}},
    [RECEIVED] = {METRIC_COUNTER, "grpc_client_msg_received_total",
                  "Total number of RPC stream messages received by the client.",
                  .labels = {"grpc_type", "grpc_service", "grpc_method"}},
    [SENT] = {METRIC_COUNTER, "grpc_client_msg_sent_total",
              "Total number of gRPC stream messages sent by the client.",
              .labels = {"grpc_type", "grpc_service", "grpc_method"}},
    [HANDLED] = {METRIC_COUNTER, "grpc_client_handled_total",
                 "Total number of RPCs completed by the client, regardless of success or failure.",
                 .labels = {"grpc_type", "grpc_service", "grpc_method", "grpc_code"}},
    [SECONDS] = {METRIC_HISTOGRAM, "grpc_client_handling_seconds",
                 "Histogram of response latency (seconds) of the gRPC until it is finished by the "
                 "application.",
                 .labels = {"grpc_type", "grpc_service", "grpc_method"}, .buckets = seconds_buckets,
                 .bucket_count = ARRAY_LEN(seconds_buckets)},
};
static const struct str kind_names[] = {
    [GRPC_CLIENT_UNARY] = STR_INIT("unary"),
    [GRPC_CLIENT_STREAM] = STR_INIT("server_stream"),
};

enum { LABELS = 4 }; /* type, service, method, code */

struct grpc_client_method {
    struct grpc_client_metrics *all;
    struct str labels[LABELS - 1];           /* texts stand behind the struct */
    struct metric *children[FAMILIES];       /* but HANDLED */
    struct metric *handled[GRPC_CODE_COUNT]; /* made when they are needed */
};

struct grpc_client_metrics {
    struct metric_family *families[FAMILIES];
    struct map methods[ARRAY_LEN(kind_names)]; /* path -> grpc_client_method */
};

struct grpc_client_metrics *
grpc_client_metrics_open(struct metrics *m)
{
    if (!m)
        return NULL;
    struct grpc_client_metrics *c = mem_alloc_zero(sizeof *c);
    for (size_t i = 0; i < FAMILIES; i++)
        c->families[i] = metrics_family(m, &specs[i]);
    for (size_t i = 0; i < ARRAY_LEN(kind_names); i++)
        map_init(&c->methods[i], MAP_KEYS_COPIED);
    return c;
}

void
grpc_client_metrics_close(struct grpc_client_metrics *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < ARRAY_LEN(kind_names); i++) {
        struct map_entry e = MAP_START;
        while (map_next(&c->methods[i], &e))
            mem_free(e.value);
        map_fini(&c->methods[i]);
    }
    mem_free(c);
}

static struct grpc_client_method *
method_new(struct grpc_client_metrics *c, enum grpc_client_kind kind, struct str method)
{
    struct grpc_client_method *m = mem_alloc_zero(sizeof *m + method.n);
    char *at = (char *)(m + 1);
    struct str path = str_copy_to(&at, method);
    if (str_starts_with(path, STR("/")))
        path = str_skip(path, 1);
    m->all = c;
    m->labels[0] = kind_names[kind];
    m->labels[1] = str_split(&path, '/');
    m->labels[2] = path;
    for (size_t i = 0; i < FAMILIES; i++)
        m->children[i] = i == HANDLED ? NULL : metric_with(c->families[i], m->labels, LABELS - 1);
    return m;
}

struct grpc_client_method *
grpc_client_metrics_method(struct grpc_client_metrics *c, enum grpc_client_kind kind,
                           struct str method)
{
    if (!c)
        return NULL;
    struct grpc_client_method *m = map_get(&c->methods[kind], method);
    if (!m) {
        m = method_new(c, kind, method);
        map_put(&c->methods[kind], method, m);
    }
    return m;
}

void
grpc_client_count_started(struct grpc_client_method *m)
{
    if (m)
        metric_inc(m->children[STARTED]);
}

void
grpc_client_count_sent(struct grpc_client_method *m)
{
    if (m)
        metric_inc(m->children[SENT]);
}

void
grpc_client_count_received(struct grpc_client_method *m)
{
    if (m)
        metric_inc(m->children[RECEIVED]);
}

void
grpc_client_count_handled(struct grpc_client_method *m, enum grpc_code code, uint64_t took_ns)
{
    if (!m)
        return;
    if (!m->handled[code]) {
        struct str labels[LABELS] = {m->labels[0], m->labels[1], m->labels[2],
                                     str_of_cstr(grpc_code_name(code))};
        m->handled[code] = metric_with(m->all->families[HANDLED], labels, LABELS);
    }
    metric_inc(m->handled[code]);
    metric_observe(m->children[SECONDS], (double)took_ns / 1e9);
}
