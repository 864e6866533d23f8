/* exemplars.c - /api/v1/query_exemplars: exemplars of the series that an expression is about. */
#include "base/bytes.h"
#include "base/numtext.h"
#include "querygw/api/api_int.h"
#include "querygw/api/result_json.h"
#include "querygw/promql/parse.h"
#include "querygw/promql/selectors.h"

static void
put_plain(struct buf *to, double value)
{
    buf_reserve(to, NUMTEXT_BYTES_MAX);
    to->n += numtext_f(value, to->p + to->n);
}

static void
put_time(struct json_out *o, int64_t t_ms, bool as_thanos)
{
    json_key(&o->w, STR("timestamp"));
    json_raw(&o->w, STR(""));
    if (as_thanos)
        put_plain(&o->buf, (double)t_ms / 1000);
    else
        json_put_timestamp(&o->buf, t_ms);
}

static void
put_value(struct json_out *o, double value, bool as_thanos)
{
    json_key(&o->w, STR("value"));
    json_raw(&o->w, STR(""));
    if (!as_thanos) {
        json_put_sample_value(&o->buf, value);
        return;
    }
    buf_put_u8(&o->buf, '"');
    put_plain(&o->buf, value);
    buf_put_u8(&o->buf, '"');
}

static void
put_exemplar(struct json_out *o, const struct exemplar *e, bool as_thanos)
{
    json_begin_object(&o->w);
    json_key(&o->w, STR("labels"));
    json_out_labels(o, e->labels);
    if (as_thanos)
        put_time(o, e->t_ms, as_thanos);
    put_value(o, f64_of_bits(e->bits), as_thanos);
    if (!as_thanos)
        put_time(o, e->t_ms, as_thanos);
    json_end_object(&o->w);
}

static struct err
put_series(struct json_out *o, const struct series_exemplars *s, bool as_thanos)
{
    json_begin_object(&o->w);
    json_key(&o->w, STR("seriesLabels"));
    json_out_labels(o, s->labels);
    json_key(&o->w, STR("exemplars"));
    json_begin_array(&o->w);
    for (size_t i = 0; i < s->n; i++) {
        put_exemplar(o, &s->v[i], as_thanos);
        TRY(json_out_check(o));
    }
    json_end_array(&o->w);
    json_end_object(&o->w);
    return OK;
}

struct err
call_exemplars(struct api_call *c)
{
    struct exemplar_query q = {0};
    TRY(param_time_or(&c->params, "start", PARAM_TIME_MIN_MS, &q.mint_ms));
    TRY(param_time_or(&c->params, "end", PARAM_TIME_MAX_MS, &q.maxt_ms));
    if (q.maxt_ms < q.mint_ms)
        return ERR(ERR_INVALID, "end timestamp must not be before start timestamp");
    struct promql_node *ast;
    c->query = param_text(&c->params, "query");
    TRY(call_parse(c, &ast));
    struct promql_selectors selectors = promql_selectors_of(&c->arena, ast);
    if (selectors.n == 0 && !c->params.flavour.exemplars_differ) { /* not even an empty list */
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
        TRY(put_series(&c->out, &found.v[i], c->params.flavour.exemplars_differ));
    json_end_array(&c->out.w);
    return call_end_data(c);
}
