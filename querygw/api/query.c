/* query.c - /api/v1/query and /api/v1/query_range: the read spine. */
#include "base/assert.h"
#include "net/trace/trace.h"
#include "querygw/api/active_queries.h"
#include "querygw/api/analysis.h"
#include "querygw/api/api_int.h"
#include "querygw/api/result_json.h"
#include "querygw/api/store_params.h"
#include "querygw/promql/engine.h"
#include "querygw/promql/parse.h"

enum {
    POINTS_MAX = 11000, /* steps behind the first one, as Prometheus counts */
    STEPS_A_RANGE = 250,
    STEP_SECONDS_MIN = 1,
};

/* What the spine needs, from the request. */
struct query {
    struct promql_span span;
    struct promql_limits limits;
    size_t limit;     /* series in the answer; 0: all */
    struct str stats; /* empty: none */
    struct store_params stores;
    struct store_counts *counts; /* of what is read; NULL: nobody asked for an analysis */
    uint64_t began_ns;
};

static bool
client_is_gone(void *arg)
{
    return http_canceled(arg);
}

static double
seconds_since(const struct api_call *c, uint64_t ns)
{
    return (double)(clock_mono_ns(c->api->opts.clock) - ns) / 1e9;
}

/* timeout and lookback_delta; how long and how far back. */
static struct err
read_limits(struct api_call *c, struct query *q)
{
    const struct api_opts *o = &c->api->opts;
    q->limits = (struct promql_limits){.samples_max = o->samples_max,
                                       .clock = o->clock,
                                       .deadline_ns = http_deadline_ns(c->r),
                                       .delays_names = o->features.delayed_name_removal,
                                       .canceled = client_is_gone,
                                       .arg = c->r,
                                       .pool = o->eval_pool,
                                       .use_start_timestamps = o->features.use_start_timestamps};
    if (param_text(&c->params, "timeout").n) {
        int64_t timeout_ns;
        TRY(param_duration(&c->params, "timeout", &timeout_ns));
        uint64_t at_ns = q->began_ns + (uint64_t)i64_max(timeout_ns, 0);
        if (!q->limits.deadline_ns || at_ns < q->limits.deadline_ns)
            q->limits.deadline_ns = at_ns;
    }
    q->span.lookback_ms = o->lookback_ms;
    return OK;
}

static struct err
read_lookback(const struct api_call *c, struct query *q)
{
    struct str text = param_text(&c->params, "lookback_delta");
    int64_t lookback_ns;
    if (text.n == 0)
        return OK;
    if (c->params.flavour.names_parameters)
        TRY_IN(param_parse_duration(text, &lookback_ns), "error parsing lookback delta duration");
    else
        TRY(param_own_duration(&c->params, "lookback_delta", &lookback_ns));
    if (lookback_ns >= 1000000)
        q->span.lookback_ms = lookback_ns / 1000000;
    return OK;
}

static void
read_analyze(struct api_call *c, struct query *q)
{
    struct str text = param_text(&c->params, "analyze");
    bool wanted = str_eq(text, STR("true")) || str_eq(text, STR("1"));
    if (!wanted || !c->params.flavour.tells_analysis)
        return;
    q->counts = ARENA_NEW(&c->arena, struct store_counts);
    store_counts_init(q->counts);
    q->limits.measures = ARENA_NEW(&c->arena, struct measures);
    measures_init(q->limits.measures, q->counts);
}

/* What both routes have. */
static struct err
read_common(struct api_call *c, struct query *q)
{
    TRY(read_limits(c, q));
    TRY(store_params_read(&c->params, &c->arena, &q->stores));
    TRY(read_lookback(c, q));
    read_analyze(c, q);
    q->stats = param_text(&c->params, "stats");
    q->limits.counts_steps = c->api->opts.features.per_step_stats && str_eq(q->stats, STR("all"));
    c->query = param_text(&c->params, "query");
    return OK;
}

static struct err
check_resolution(const struct params *p, int64_t start_ms, int64_t end_ms, int64_t step_ns)
{
    if (step_ns < 1000000) /* our steps are whole milliseconds */
        return param_error(p, "step",
                           ERR(ERR_INVALID, "zero or negative query resolution step widths are not "
                                            "accepted. Try a positive integer"));
    int64_t range_ms;
    bool overflow = __builtin_sub_overflow(end_ms, start_ms, &range_ms);
    if (overflow || (__int128)range_ms * 1000000 / step_ns > POINTS_MAX)
        return ERR(ERR_INVALID, "exceeded maximum resolution of 11,000 points per timeseries. Try "
                                "decreasing the query resolution (?step=XX)");
    return OK;
}

/* Thanos' is as its pages choose it: 250 steps a range, in whole seconds. */
static struct err
read_step(const struct params *p, int64_t start_ms, int64_t end_ms, int64_t *ret_ns)
{
    if (!p->flavour.default_step)
        return param_duration(p, "step", ret_ns);
    if (param_text(p, "step").n > 0)
        return param_own_duration(p, "step", ret_ns);
    __int128 range_s = ((__int128)end_ms - start_ms) / 1000;
    int64_t step_s = i64_max((int64_t)(range_s / STEPS_A_RANGE), STEP_SECONDS_MIN);
    *ret_ns = step_s <= INT64_MAX / 1000000000 ? step_s * 1000000000 : INT64_MAX;
    return OK;
}

static struct err
add_warnings(struct api_call *c, const struct query *q, size_t series)
{
    if (q->limit && series > q->limit)
        TRY(notes_add_plain(&c->notes, NOTE_WARNING, STR("results truncated due to limit")));
    if (q->stores.replica_labels)
        TRY(notes_add_plain(&c->notes, NOTE_WARNING,
                            STR("replicaLabels[]: this version does not deduplicate")));
    bool known = q->stats.n == 0 || str_eq(q->stats, STR("true")) || str_eq(q->stats, STR("all"));
    if (known || !c->params.flavour.warns_of_stats)
        return OK;
    return notes_add_plain(&c->notes, NOTE_WARNING,
                           arena_printf(&c->arena,
                                        "value \"%.*s\" for parameter \"stats\" is deprecated and "
                                        "will be rejected in the next major release, use \"true\" "
                                        "or \"all\"",
                                        STR_FMT(q->stats)));
}

/* result_write_json() has ended the object with its last byte: it gets one member more. */
static void
put_analysis(struct api_call *c, const struct query *q, const struct promql_result *r,
             const struct query_timings *timings)
{
    struct buf *to = &c->out.buf;
    ASSERT(to->n > 0 && to->p[to->n - 1] == '}');
    to->n--;
    buf_append(to, STR(",\"analysis\":"));
    if (q->counts)
        analysis_write_json(&(struct analysis){.query = c->query,
                                               .seconds = timings->eval_total_s,
                                               .stats = r->stats,
                                               .counts = q->counts,
                                               .measures = q->limits.measures},
                            to);
    else
        buf_append(to, STR("{}"));
    buf_put_u8(to, '}');
}

/* The answer: data and stats, then notes. */
static struct err
query_reply(struct api_call *c, const struct query *q, const struct promql_result *r,
            const struct query_timings *timings)
{
    c->notes = r->notes;
    TRY(add_warnings(c, q, r->count));
    call_begin_data(c);
    TRY(result_write_json(&c->out, r, q->limit, q->stats.n ? timings : NULL));
    if (c->params.flavour.tells_analysis)
        put_analysis(c, q, r, timings);
    return call_end_data(c);
}

static struct store *
store_of(struct api_call *c, const struct query *q)
{
    struct store *store = c->store;
    if (store && q->counts)
        store = store_counted_of(&c->arena, store, c->api->opts.clock, q->counts);
    if (store && q->stores.shard.total > 0)
        store = store_shard_of(&c->arena, store, &q->stores.shard);
    return store;
}

static struct err
wait_for_place(struct api_call *c, const struct query *q, size_t *ret_place)
{
    struct err e = gate_enter(c->api->gate, q->limits.deadline_ns, client_is_gone, c->r, ret_place);
    bool mine = e.code == ERR_NONE || !c->params.flavour.queue_is_execution;
    if (mine)
        return e;
    bool late = e.code == ERR_TIMEOUT;
    err_drop(e);
    return ERR(ERR_EXECUTION, "context %s", late ? "deadline exceeded" : "canceled");
}

static struct err
evaluate(struct api_call *c, const struct query *q, const struct promql_plan *plan,
         struct query_timings *t, struct promql_result **ret_result)
{
    AUTO(promql_close) struct promql_run *run = NULL; /* a slow client must not keep the store's */
    TRACED(http_trace(c->r), "eval");
    uint64_t began_ns = clock_mono_ns(c->api->opts.clock);
    TRY(promql_open(&c->arena, plan, store_of(c, q), &q->limits, &run));
    t->query_preparation_s = seconds_since(c, began_ns);
    TRY(promql_eval(run, ret_result));
    t->eval_total_s = seconds_since(c, began_ns);
    t->inner_eval_s = t->eval_total_s - t->query_preparation_s;
    t->exec_total_s = t->eval_total_s + t->exec_queue_s;
    return OK;
}

static struct err
parse(struct api_call *c, struct promql_node **ret_ast)
{
    TRACED(http_trace(c->r), "parse");
    trace_attr_str(http_trace(c->r), "query", c->query);
    return param_error(&c->params, "query", call_parse(c, ret_ast));
}

/* The spine. */
static struct err
query_run(struct api_call *c, const struct query *q)
{
    struct query_timings t = {0};
    struct promql_node *ast;
    struct promql_plan *plan;
    struct promql_result *result = NULL;
    size_t place = 0;

    TRY(parse(c, &ast));
    struct err e = promql_plan(&c->arena, ast, &q->span, &plan);
    if (e.code == ERR_INVALID) /* an expression that the route cannot take */
        return param_error(&c->params, "query", e);
    TRY(e);
    uint64_t asked_ns = clock_mono_ns(c->api->opts.clock);
    {
        TRACED(http_trace(c->r), "wait");
        TRY(wait_for_place(c, q, &place));
    }
    t.exec_queue_s = seconds_since(c, asked_ns);
    active_queries_begin(c->api->opts.active_queries, place, c->query);
    e = evaluate(c, q, plan, &t, &result);
    active_queries_end(c->api->opts.active_queries, place);
    gate_leave(c->api->gate, place); /* a slow client must not keep others waiting */
    TRY(e);
    return query_reply(c, q, result, &t);
}

static struct err
read_query_limit(const struct params *p, size_t *ret_limit)
{
    *ret_limit = 0;
    return p->flavour.limits_queries ? param_limit(p, ret_limit) : OK;
}

struct err
call_query(struct api_call *c)
{
    struct query q = {.began_ns = clock_mono_ns(c->api->opts.clock)};
    TRY(read_query_limit(&c->params, &q.limit));
    TRY(param_time_or(&c->params, "time", clock_wall_ms(c->api->opts.clock), &q.span.start_ms));
    q.span.end_ms = q.span.start_ms;
    TRY(read_common(c, &q));
    return query_run(c, &q);
}

struct err
call_query_range(struct api_call *c)
{
    struct query q = {.began_ns = clock_mono_ns(c->api->opts.clock)};
    int64_t step_ns;
    TRY(read_query_limit(&c->params, &q.limit));
    TRY(param_time(&c->params, "start", &q.span.start_ms));
    TRY(param_time(&c->params, "end", &q.span.end_ms));
    if (q.span.end_ms < q.span.start_ms)
        return param_error(&c->params, "end",
                           ERR(ERR_INVALID, "end timestamp must not be before start time"));
    TRY(read_step(&c->params, q.span.start_ms, q.span.end_ms, &step_ns));
    TRY(check_resolution(&c->params, q.span.start_ms, q.span.end_ms, step_ns));
    q.span.step_ms = step_ns / 1000000;
    if (c->api->range_spans)
        metric_observe(c->api->range_spans, (double)(q.span.end_ms - q.span.start_ms) / 1000);
    TRY(read_common(c, &q));
    return query_run(c, &q);
}
