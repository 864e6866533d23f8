/* status.c - the probes and the metrics page. */
#include "net/status.h"

#include <stdatomic.h>

#include "base/mem.h"

struct status {
    struct metrics *metrics;      /* borrowed */
    struct pool *pool;            /* borrowed; NULL: the page is made on the loop */
    _Atomic(bool) healthy, ready; /* relaxed: nothing else is read along with them */
    struct metric *healthy_gauge, *ready_gauge;
};

static const struct metric_spec status_spec = {
    .type = METRIC_GAUGE,
    .name = "thanos_status",
    .help = "Represents status (0 indicates failure, 1 indicates success) of the component.",
    .labels = {"component", "check"},
};

struct status *
status_open(struct metrics *metrics, const char *component)
{
    struct status *s = mem_alloc_zero(sizeof *s);
    struct metric_family *family = metrics_family(metrics, &status_spec);
    struct str name = str_of_cstr(component);
    s->metrics = metrics;
    s->healthy_gauge = metric_with(family, (struct str[]){name, STR("healthy")}, 2);
    s->ready_gauge = metric_with(family, (struct str[]){name, STR("ready")}, 2);
    return s;
}

void
status_use_pool(struct status *s, struct pool *pool)
{
    s->pool = pool;
}

void
status_close(struct status *s)
{
    mem_free(s);
}

void
status_set_healthy(struct status *s, enum status_state state)
{
    atomic_store_explicit(&s->healthy, state == STATUS_YES, memory_order_relaxed);
    metric_set(s->healthy_gauge, state == STATUS_YES);
}

void
status_set_ready(struct status *s, enum status_state state)
{
    atomic_store_explicit(&s->ready, state == STATUS_YES, memory_order_relaxed);
    metric_set(s->ready_gauge, state == STATUS_YES);
}

static void
reply_check(struct http_request *r, bool passes)
{
    if (passes)
        http_reply(r, 200, "text/plain; charset=utf-8", STR("OK"));
    else
        http_reply_text(r, 503, STR("NOT OK"));
}

static void
serve_healthy(void *arg, struct http_request *r)
{
    struct status *s = arg;
    reply_check(r, atomic_load_explicit(&s->healthy, memory_order_relaxed));
}

static void
serve_ready(void *arg, struct http_request *r)
{
    struct status *s = arg;
    reply_check(r, atomic_load_explicit(&s->ready, memory_order_relaxed));
}

/* A scraper that can read OpenMetrics names it in Accept. */
static enum metrics_format
wanted_format(const struct http_request *r)
{
    struct str accept = http_header(r, "Accept");
    while (accept.n > 0) {
        struct str range = str_split(&accept, ',');
        if (str_eq_nocase(str_trim(str_split(&range, ';')), STR("application/openmetrics-text")))
            return METRICS_OPENMETRICS;
    }
    return METRICS_TEXT;
}

static void
serve_metrics(void *arg, struct http_request *r)
{
    struct status *s = arg;
    struct buf text = BUF_INIT;
    enum metrics_format format = wanted_format(r);
    metrics_write(s->metrics, format, &text);
    http_reply_buf(r, 200,
                   format == METRICS_OPENMETRICS
                       ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                       : "text/plain; version=0.0.4; charset=utf-8",
                   &text);
}

void
status_add_routes(struct status *s, struct router *router)
{
    const struct route routes[] = {
        {"/-/healthy", ROUTE_GET, "healthy", serve_healthy, s, NULL, 0, 0},
        {"/-/ready", ROUTE_GET, "ready", serve_ready, s, NULL, 0, 0},
        {"/metrics", ROUTE_GET, "metrics", serve_metrics, s, s->pool, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        router_add(router, &routes[i]);
}
