/* features_list.c - /api/v1/features: what this process can do, by the names of Prometheus.
 *
 * Categories of what only others do (scraping, service discovery, templates, pages) are left out.
 * Source: prometheus util/features, web/web.go, promql/parser/features.go. */
#include <stdlib.h>

#include "base/mem.h"
#include "querygw/api/api_int.h"
#include "querygw/promql/functions.h"

struct named {
    struct str name;
    bool on;
};

enum {
    OTHER_OPERATORS = 3,
    OPERATORS_MAX = OTHER_OPERATORS + PROMQL_OP_COUNT + PROMQL_AGG_COUNT_OF
};

static int
by_name(const void *a, const void *b)
{
    return str_cmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static void
put_category(struct json_writer *w, const char *name, const struct named *v, size_t n)
{
    json_key(w, str_of_cstr(name));
    json_begin_object(w);
    for (size_t i = 0; i < n; i++) {
        json_key(w, v[i].name);
        json_bool(w, v[i].on);
    }
    json_end_object(w);
}

static void
put_api(struct json_writer *w, const struct api_opts *o)
{
    const struct named api[] = {
        {STR("admin"), o->admin},
        {STR("exclude_alerts"), true},
        {STR("label_values_match"), true},
        {STR("lifecycle"), false},
        {STR("otlp_write_receiver"), false},
        {STR("query_stats"), true},
        {STR("query_warnings"), true},
        {STR("remote_write_receiver"), true},
        {STR("search"), false},
        {STR("time_range_labels"), true},
        {STR("time_range_series"), true},
    };
    put_category(w, "api", api, ARRAY_LEN(api));
}

static void
put_promql(struct json_writer *w, const struct api_features *f)
{
    const struct named promql[] = {
        {STR("anchored"), f->parse.extended_range_selectors},
        {STR("at_modifier"), true},
        {STR("bool"), true},
        {STR("by"), true},
        {STR("delayed_name_removal"), f->delayed_name_removal},
        {STR("duration_expr"), f->parse.duration_expressions},
        {STR("fill"), f->parse.fill_modifiers},
        {STR("fill_left"), f->parse.fill_modifiers},
        {STR("fill_right"), f->parse.fill_modifiers},
        {STR("group_left"), true},
        {STR("group_right"), true},
        {STR("ignoring"), true},
        {STR("negative_offset"), true},
        {STR("offset"), true},
        {STR("on"), true},
        {STR("per_query_lookback_delta"), true},
        {STR("per_step_stats"), f->per_step_stats},
        {STR("smoothed"), f->parse.extended_range_selectors},
        {STR("subqueries"), true},
        {STR("type_and_unit_labels"), false},
        {STR("without"), true},
    };
    put_category(w, "promql", promql, ARRAY_LEN(promql));
}

static void
put_functions(struct json_writer *w, const struct api_features *f)
{
    struct named v[PROMQL_FN_COUNT_OF];
    for (int i = 0; i < PROMQL_FN_COUNT_OF; i++) {
        const struct promql_function *fn = promql_function((enum promql_fn)i);
        v[i] = (struct named){fn->name, !fn->experimental || f->parse.experimental_functions};
    }
    put_category(w, "promql_functions", v, ARRAY_LEN(v));
}

static void
put_operators(struct json_writer *w, const struct api_features *f)
{
    struct named v[OPERATORS_MAX] = {{STR("=~"), true}, {STR("!~"), true}, {STR("@"), true}};
    size_t n = OTHER_OPERATORS;
    for (int i = 0; i < PROMQL_OP_COUNT; i++)
        v[n++] = (struct named){str_of_cstr(promql_op_text((enum promql_op)i)), true};
    for (int i = 0; i < PROMQL_AGG_COUNT_OF; i++) {
        const struct promql_aggregator *agg = promql_aggregator((enum promql_agg)i);
        v[n++] = (struct named){agg->name, !agg->experimental || f->parse.experimental_functions};
    }
    qsort(v, n, sizeof *v, by_name);
    put_category(w, "promql_operators", v, n);
}

struct err
call_features(struct api_call *c)
{
    static const struct named mode[] = {{STR_INIT("agent_mode"), false},
                                        {STR_INIT("server_mode"), true}};
    static const struct named tsdb[] = {{STR_INIT("delayed_compaction"), false},
                                        {STR_INIT("isolation"), true},
                                        {STR_INIT("native_histograms"), true},
                                        {STR_INIT("use_uncached_io"), false},
                                        {STR_INIT("xor2_encoding"), true}};
    struct json_writer *w = &c->out.w;
    call_begin_data(c);
    w->escape = JSON_PLAIN; /* operators are not escaped for HTML */
    json_begin_object(w);
    put_api(w, &c->api->opts);
    put_category(w, "prometheus", mode, ARRAY_LEN(mode));
    put_promql(w, &c->api->opts.features);
    put_functions(w, &c->api->opts.features);
    put_operators(w, &c->api->opts.features);
    put_category(w, "tsdb", tsdb, ARRAY_LEN(tsdb));
    json_end_object(w);
    w->escape = JSON_HTML;
    return call_end_data(c);
}
