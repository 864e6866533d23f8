/* policy.c - the snapshots that count now, and the metrics about them.
 *
 * Metrics by tenant keep at most TENANT_METRICS_MAX tenants apart: names come from outside. */
#include "receiver/policy.h"

#include "base/lock.h"
#include "receiver/meta_monitoring.h"

enum { TENANT_METRICS_MAX = 1000 };

struct policy {
    char *split_label; /* owned */
    struct tenant_limits base;
    struct rewriter *rewriter;
    struct rates *rates;
    struct meta_monitoring *monitoring;
    struct write_gate gate;
    struct lock lock;
    struct limits *limits GUARDED_BY(lock); /* never NULL */
    /* Metrics. */
    struct metric_family *hits, *head_limit, *write_limits;
    struct metric_family *head_limited_requests;
    struct metric *reloads, *reload_errors, *relabel_reloads, *relabel_errors, *dropped;
};

/* --- metrics ---------------------------------------------------------------------------------- */

static struct metric *
counter(struct metrics *m, const char *name, const char *help)
{
    return metrics_single(
        m, &(struct metric_spec){.type = METRIC_COUNTER, .name = name, .help = help});
}

static void
init_metrics(struct policy *p, struct metrics *m)
{
    p->hits = metrics_family(
        m,
        &(struct metric_spec){
            .type = METRIC_COUNTER,
            .name = "mneme_receive_limit_hits_total",
            .help = "What limits have refused: requests, or series of one, or samples, by limit.",
            .labels = {"tenant", "limit"},
            .children_max = TENANT_METRICS_MAX});
    p->head_limited_requests = metrics_family(
        m, &(struct metric_spec){.type = METRIC_COUNTER,
                                 .name = "thanos_receive_head_series_limited_requests_total",
                                 .help = "Requests of which the limit of head series has refused "
                                         "something.",
                                 .labels = {"tenant"},
                                 .children_max = TENANT_METRICS_MAX});
    p->head_limit = metrics_family(
        m, &(struct metric_spec){.type = METRIC_GAUGE,
                                 .name = "thanos_receive_head_series_limit",
                                 .help = "Series that a tenant's head may have; 0: any number. "
                                         "Empty: tenants that the limits do not name.",
                                 .labels = {"tenant"},
                                 .children_max = TENANT_METRICS_MAX});
    p->write_limits =
        metrics_family(m, &(struct metric_spec){.type = METRIC_GAUGE,
                                                .name = "thanos_receive_write_limits",
                                                .help = "Limits of one write request; 0: none.",
                                                .labels = {"tenant", "limit"},
                                                .children_max = 3 * TENANT_METRICS_MAX});
    p->reloads =
        counter(m, "thanos_receive_limits_config_reload_total", "Times that the limits were read.");
    p->reload_errors = counter(m, "thanos_receive_limits_config_reload_err_total",
                               "Times that they could not be, or had a fault.");
    p->relabel_reloads = counter(m, "mneme_receive_relabel_config_reload_total",
                                 "Times that the relabelling rules were read.");
    p->relabel_errors = counter(m, "mneme_receive_relabel_config_reload_err_total",
                                "Times that they could not be, or had a fault.");
    p->dropped = counter(m, "mneme_receive_relabel_dropped_series_total",
                         "Series of requests that relabelling rules have dropped.");
}

static void
show_limits_of(struct policy *p, struct str tenant, const struct tenant_limits *t)
{
    metric_set(metric_with(p->head_limit, &tenant, 1), (double)t->head_series);
    const struct {
        enum limit_kind kind;
        uint64_t value, base;
    } shown[] = {{LIMIT_BODY_SIZE, t->size_bytes, p->base.size_bytes},
                 {LIMIT_SERIES, t->series, p->base.series},
                 {LIMIT_SAMPLES, t->samples, p->base.samples}};
    for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
        struct str labels[] = {tenant, str_of_cstr(limit_name(shown[i].kind))};
        metric_set(metric_with(p->write_limits, labels, 2),
                   (double)(shown[i].value ? shown[i].value : shown[i].base));
    }
}

/* Tenants that the next limits may not name. */
static void
hide_limits(struct policy *p, const struct limits *l)
{
    static const enum limit_kind shown[] = {LIMIT_BODY_SIZE, LIMIT_SERIES, LIMIT_SAMPLES};
    struct map_entry e = MAP_START;
    for (size_t n = 0; n < TENANT_METRICS_MAX && map_next(&l->tenants, &e); n++) {
        metric_remove(p->head_limit, &e.key, 1);
        for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
            struct str labels[] = {e.key, str_of_cstr(limit_name(shown[i]))};
            metric_remove(p->write_limits, labels, 2);
        }
    }
}

static void
show_limits(struct policy *p, const struct limits *l)
{
    struct map_entry e = MAP_START;
    show_limits_of(p, STR(""), &l->others);
    for (size_t n = 0; n < TENANT_METRICS_MAX && map_next(&l->tenants, &e); n++)
        show_limits_of(p, e.key, e.value);
}

void
policy_count_hits(struct policy *p, struct str tenant, enum limit_kind kind, uint64_t hits)
{
    if (hits == 0)
        return;
    struct str labels[] = {tenant, str_of_cstr(limit_name(kind))};
    metric_add(metric_with(p->hits, labels, 2), (double)hits);
    if (kind == LIMIT_HEAD_SERIES)
        metric_inc(metric_with(p->head_limited_requests, &tenant, 1));
}

void
policy_count_dropped(struct policy *p, uint64_t rows)
{
    if (rows > 0)
        metric_add(p->dropped, (double)rows);
}

/* --- snapshots -------------------------------------------------------------------------------- */

struct policy *
policy_open(const struct policy_opts *opts)
{
    struct policy *p = mem_alloc_zero(sizeof *p);
    p->split_label = mem_dup_text(opts->split_label.p, opts->split_label.n);
    lock_init(&p->lock, LOCK_RANK_RELOAD);
    p->base = opts->base;
    init_metrics(p, opts->metrics);
    write_gate_init(&p->gate, opts->metrics, opts->clock);
    p->rates = rates_open(opts->clock);
    p->monitoring = meta_monitoring_open(&(struct meta_monitoring_opts){
        .metrics = opts->metrics, .clock = opts->clock, .log = opts->log});
    p->rewriter = rewriter_open(opts->rewrite_cache_bytes_max);
    rewriter_set(p->rewriter, NULL, str_of_cstr(p->split_label));
    p->limits = limits_none();
    show_limits(p, p->limits);
    return p;
}

void
policy_close(struct policy *p)
{
    if (!p)
        return;
    rewriter_close(p->rewriter);
    rates_close(p->rates);
    meta_monitoring_close(p->monitoring);
    write_gate_fini(&p->gate);
    limits_unref(p->limits);
    lock_fini(&p->lock);
    mem_free(p->split_label);
    mem_free(p);
}

struct err
policy_set_relabel(struct policy *p, struct str yaml)
{
    struct relabel_rules *rules = NULL;
    struct err e = relabel_parse(yaml, &rules);
    metric_inc(p->relabel_reloads);
    if (e.code != ERR_NONE) {
        metric_inc(p->relabel_errors);
        return e;
    }
    rewriter_set(p->rewriter, rules, str_of_cstr(p->split_label));
    return OK;
}

struct err
policy_set_limits(struct policy *p, struct str yaml)
{
    struct limits *fresh = NULL, *old;
    struct err e = limits_parse(yaml, &fresh);
    metric_inc(p->reloads);
    if (e.code != ERR_NONE) {
        metric_inc(p->reload_errors);
        return e;
    }
    hide_limits(p, p->limits); /* only setters change it */
    show_limits(p, fresh);
    write_gate_set(&p->gate, fresh->concurrency_max);
    {
        LOCKED(&p->lock);
        old = p->limits;
        p->limits = fresh;
    }
    limits_unref(old);
    meta_monitoring_set(p->monitoring, fresh); /* only setters drop it */
    return OK;
}

bool
policy_is_over_monitored(struct policy *p, struct str tenant, uint64_t limit, double *ret_series)
{
    return meta_monitoring_is_over(p->monitoring, tenant, limit, ret_series);
}

struct policy_hold
policy_acquire(struct policy *p)
{
    struct policy_hold hold = {.rewrite = NULL};
    {
        LOCKED(&p->lock);
        hold.limits = limits_ref(p->limits);
    }
    hold.rewrite = rewrite_acquire(p->rewriter, hold.limits);
    return hold;
}

void
policy_release(struct policy_hold *hold)
{
    rewrite_release(hold->rewrite);
    limits_unref(hold->limits);
    *hold = (struct policy_hold){.limits = NULL};
}

struct write_gate *
policy_gate(struct policy *p)
{
    return &p->gate;
}

struct rates *
policy_rates(struct policy *p)
{
    return p->rates;
}
