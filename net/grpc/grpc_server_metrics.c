/* grpc_server_metrics.c - how many calls, how they end, how long they take. */
#include "net/grpc/grpc_server_metrics.h"

#include "base/mem.h"

static const double seconds_buckets[] = {.001, .01, .1, .3, .6, 1, 3, 6, 9, 20, 30, 60, 90, 120};

#define METHOD_LABELS "grpc_type", "grpc_service", "grpc_method"
enum { METHOD_LABEL_COUNT = 3 };

enum family { STARTED, HANDLED, RECEIVED, SENT, SECONDS, FAMILY_COUNT };
static const struct metric_spec specs[FAMILY_COUNT] = {
    [STARTED] = {.type = METRIC_COUNTER,
                 .name = "grpc_server_started_total",
                 .help = "Total number of RPCs started on the server.",
                 .labels = {METHOD_LABELS}},
    [HANDLED] = {.type = METRIC_COUNTER,
                 .name = "grpc_server_handled_total",
                 .help = "Total number of RPCs completed on the server, regardless of success or "
                         "failure.",
                 .labels = {METHOD_LABELS, "grpc_code"}},
    [RECEIVED] = {.type = METRIC_COUNTER,
                  .name = "grpc_server_msg_received_total",
                  .help = "Total number of RPC stream messages received on the server.",
                  .labels = {METHOD_LABELS}},
    [SENT] = {.type = METRIC_COUNTER,
              .name = "grpc_server_msg_sent_total",
              .help = "Total number of gRPC stream messages sent by the server.",
              .labels = {METHOD_LABELS}},
    [SECONDS] = {.type = METRIC_HISTOGRAM,
                 .name = "grpc_server_handling_seconds",
                 .help = "Histogram of response latency (seconds) of gRPC that had been "
                         "application-level handled by the server.",
                 .labels = {METHOD_LABELS},
                 .buckets = seconds_buckets,
                 .bucket_count = ARRAY_LEN(seconds_buckets)},
};
static const struct metric_spec refused_spec = {
    .type = METRIC_COUNTER,
    .name = "mneme_grpc_refused_total",
    .help = "Calls and connections that the gRPC server turned away, by the limit hit.",
    .labels = {"reason"},
};
static const struct metric_spec conns_spec = {
    .type = METRIC_GAUGE,
    .name = "mneme_grpc_connections",
    .help = "Open connections of the gRPC server.",
};
static const char *const refusal_labels[] = {
#define X(name, label) label,
    GRPC_REFUSALS(X)
#undef X
};

struct grpc_server_metrics {
    struct metric_family *families[FAMILY_COUNT];
    struct metric *refused[GRPC_REFUSAL_COUNT];
    struct metric *conns;
};

struct grpc_server_metrics *
grpc_server_metrics_open(struct metrics *m)
{
    struct grpc_server_metrics *g = mem_alloc_zero(sizeof *g);
    for (size_t i = 0; i < FAMILY_COUNT; i++)
        g->families[i] = metrics_family(m, &specs[i]);
    struct metric_family *refused = metrics_family(m, &refused_spec);
    for (size_t i = 0; i < GRPC_REFUSAL_COUNT; i++) {
        struct str reason = str_of_cstr(refusal_labels[i]);
        g->refused[i] = metric_with(refused, &reason, 1);
    }
    g->conns = metrics_single(m, &conns_spec);
    return g;
}

void
grpc_server_metrics_close(struct grpc_server_metrics *g)
{
    mem_free(g);
}

void
grpc_server_metrics_refused(struct grpc_server_metrics *g, enum grpc_refusal why)
{
    metric_inc(g->refused[why]);
}

void
grpc_server_metrics_conns_add(struct grpc_server_metrics *g, double amount)
{
    metric_add(g->conns, amount);
}

void
grpc_server_metrics_route(struct grpc_server_metrics *g, const char *type, const char *service,
                          const char *method, struct grpc_route_metrics *ret_metrics)
{
    struct str values[METHOD_LABEL_COUNT + 1] = {str_of_cstr(type), str_of_cstr(service),
                                                 str_of_cstr(method)};
    ret_metrics->started = metric_with(g->families[STARTED], values, METHOD_LABEL_COUNT);
    ret_metrics->received = metric_with(g->families[RECEIVED], values, METHOD_LABEL_COUNT);
    ret_metrics->sent = metric_with(g->families[SENT], values, METHOD_LABEL_COUNT);
    ret_metrics->seconds = metric_with(g->families[SECONDS], values, METHOD_LABEL_COUNT);
    for (int i = 0; i < GRPC_CODE_COUNT; i++) {
        values[METHOD_LABEL_COUNT] = str_of_cstr(grpc_code_name((enum grpc_code)i));
        ret_metrics->handled[i] = metric_with(g->families[HANDLED], values, METHOD_LABEL_COUNT + 1);
    }
}
