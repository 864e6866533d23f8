/* exemplars.c - /api/v1/query_exemplars: exemplars of the series that an expression is about. */
#include "base/bytes.h"
#include "querygw/api/api_int.h"
#include "querygw/api/result_json.h"
#include "querygw/promql/parse.h"
#include "querygw/promql/selectors.h"

static void
put_exemplar(struct json_out *o, const struct exemplar *e)
{
    json_begin_object(&o->w);
    json_key(&o->w, STR("labels"));
    json_out_labels(o, e->labels);
    json_key(&o->w, STR("value"));
    json_raw(&o->w, STR(""));
    json_put_sample_value(&o->buf, f64_of_bits(e->bits));
    json_key(&o->w, STR("timestamp"));
    json_raw(&o->w, STR(""));
    json_put_timestamp(&o->buf, e->t_ms);
    json_end_object(&o->w);
}

static struct err
put_series(struct json_out *o, const struct series_exemplars *s)
{
    json_begin_object(&o->w);
    json_key(&o->w, STR("seriesLabels"));
    json_out_labels(o, s->labels);
    json_key(&o->w, STR("exemplars"));
    json_begin_array(&o->w);
    for (size_t i = 0; i < s->n; i++) {
        put_exemplar(o, &s->v[i]);
        TRY(json_out_check(o));
    }
    json_end_array(&o->w);
    json_end_object(&o->w);
    return OK;
}

struct err
call_query_exemplars(struct api_call *c)
{
    struct exemplar_query q = {0};
    TRY(param_time_or(&c->params, "start", PARAM_TIME_MIN_MS, &q.mint_ms));
    TRY(param_time_or(&c->params, "end", PARAM_TIME_MAX_MS, &q.maxt_ms));
    if (q.maxt_ms < q.mint_ms)
        return ERR(ERR_INVALID, "end timestamp must not be before start timestamp");
    struct promql_node *ast;
    c->query = http_param(&c->params, "query");
    TRY(call_parse(c, &ast));
    struct promql_selectors selectors = promql_selectors_of(&c->arena, ast);
    if (selectors.n == 0) { /* as Prometheus: not even an empty list */
        call_begin_no_data(c);
        return call_end_data(c);
    }
    q.sets = selectors.v;
    q.set_count = selectors.n;
    struct series_exemplars_list found = {NULL, 0};
    if (c->store)
        TRY(c->store->ops->exemplars(c->store, &q, &c->arena, &found));
    call_begin_data(c);
    json_begin_array(&c->out.w);
    for (size_t i = 0; i < found.n; i++)
        TRY(put_series(&c->out, &found.v[i]));
    json_end_array(&c->out.w);
    return call_end_data(c);
}
