/* query.c - /api/v1/query and /api/v1/query_range: the read spine. */
#include "querygw/api/api_int.h"
#include "querygw/api/result_json.h"
#include "querygw/promql/engine.h"
#include "querygw/promql/parse.h"

enum { POINTS_MAX = 11000 }; /* steps behind the first one, as Prometheus counts */

/* What the spine needs, from the request. */
struct query {
    struct promql_span span;
    struct promql_limits limits;
    size_t limit;     /* series in the answer; 0: all */
    struct str stats; /* empty: none */
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

/* timeout, lookback_delta and stats, which both routes have. */
static struct err
read_common(struct api_call *c, struct query *q)
{
    const struct api_opts *o = &c->api->opts;
    q->limits = (struct promql_limits){.samples_max = o->samples_max,
                                       .clock = o->clock,
                                       .deadline_ns = http_deadline_ns(c->r),
                                       .canceled = client_is_gone,
                                       .arg = c->r};
    if (http_param(&c->params, "timeout").n) {
        int64_t timeout_ns;
        TRY(param_duration(&c->params, "timeout", &timeout_ns));
        uint64_t at_ns = q->began_ns + (uint64_t)i64_max(timeout_ns, 0);
        if (!q->limits.deadline_ns || at_ns < q->limits.deadline_ns)
            q->limits.deadline_ns = at_ns;
    }
    q->span.lookback_ms = o->lookback_ms;
    struct str lookback = http_param(&c->params, "lookback_delta");
    if (lookback.n) {
        int64_t lookback_ns;
        TRY_IN(param_parse_duration(lookback, &lookback_ns),
               "error parsing lookback delta duration");
        if (lookback_ns >= 1000000)
            q->span.lookback_ms = lookback_ns / 1000000;
    }
    q->stats = http_param(&c->params, "stats");
    c->query = http_param(&c->params, "query");
    return OK;
}

static struct err
check_resolution(int64_t start_ms, int64_t end_ms, int64_t step_ns)
{
    if (step_ns < 1000000) /* our steps are whole milliseconds */
        return ERR(ERR_INVALID, "invalid parameter \"step\": zero or negative query resolution "
                                "step widths are not accepted. Try a positive integer");
    int64_t range_ms;
    bool overflow = __builtin_sub_overflow(end_ms, start_ms, &range_ms);
    if (overflow || (__int128)range_ms * 1000000 / step_ns > POINTS_MAX)
        return ERR(ERR_INVALID, "exceeded maximum resolution of 11,000 points per timeseries. Try "
                                "decreasing the query resolution (?step=XX)");
    return OK;
}

/* The answer: data and stats, then notes. */
static struct err
query_reply(struct api_call *c, const struct query *q, const struct promql_result *r,
            const struct query_timings *timings)
{
    c->notes = r->notes;
    if (q->limit && r->count > q->limit)
        TRY(notes_add_plain(&c->notes, NOTE_WARNING, STR("results truncated due to limit")));
    if (q->stats.n && !str_eq(q->stats, STR("true")) && !str_eq(q->stats, STR("all")))
        TRY(notes_add_plain(&c->notes, NOTE_WARNING,
                            arena_printf(&c->arena,
                                         "value \"%.*s\" for parameter \"stats\" is deprecated and "
                                         "will be rejected in the next major release, use \"true\" "
                                         "or \"all\"",
                                         STR_FMT(q->stats))));
    call_begin_data(c);
    TRY(result_write_json(&c->out, r, q->limit, q->stats.n ? timings : NULL));
    return call_end_data(c);
}

/* The spine. */
static struct err
query_run(struct api_call *c, const struct query *q)
{
    struct query_timings t = {0};
    struct promql_node *ast;
    struct promql_plan *plan;
    AUTO(promql_close) struct promql_run *run = NULL;
    struct promql_result *result;

    TRY_IN(call_parse(c, &ast), "invalid parameter \"query\"");
    struct err e = promql_plan(&c->arena, ast, &q->span, &plan);
    if (e.code == ERR_INVALID) /* an expression that the route cannot take */
        return err_wrap(e, "invalid parameter \"query\"");
    TRY(e);
    TRY(promql_open(&c->arena, plan, c->store, &q->limits, &run));
    t.query_preparation_s = seconds_since(c, q->began_ns);
    TRY(promql_eval(run, &result));
    t.eval_total_s = t.exec_total_s = seconds_since(c, q->began_ns);
    t.inner_eval_s = t.eval_total_s - t.query_preparation_s;
    promql_close(TAKE(run)); /* a slow client must not keep the store's memory */
    return query_reply(c, q, result, &t);
}

struct err
call_query(struct api_call *c)
{
    struct query q = {.began_ns = clock_mono_ns(c->api->opts.clock)};
    TRY(param_limit(&c->params, &q.limit));
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
    TRY(param_limit(&c->params, &q.limit));
    TRY(param_time(&c->params, "start", &q.span.start_ms));
    TRY(param_time(&c->params, "end", &q.span.end_ms));
    if (q.span.end_ms < q.span.start_ms)
        return ERR(ERR_INVALID,
                   "invalid parameter \"end\": end timestamp must not be before start time");
    TRY(param_duration(&c->params, "step", &step_ns));
    TRY(check_resolution(q.span.start_ms, q.span.end_ms, step_ns));
    q.span.step_ms = step_ns / 1000000;
    TRY(read_common(c, &q));
    return query_run(c, &q);
}
