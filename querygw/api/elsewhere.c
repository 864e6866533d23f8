/* elsewhere.c - routes about what other processes have: targets, rules, alerts, stores. A receiver
 * has none of them and says so in the shapes of Prometheus and Thanos, whose clients take an empty
 * list for an answer and a missing route for a fault.
 * Source: prometheus web/api/v1/api.go, thanos pkg/api/query/v1.go. */
#include "base/quote.h"
#include "querygw/api/api_int.h"
#include "querygw/promql/parse.h"

/* `data` is JSON. */
static struct err
reply_data(struct api_call *c, struct str data)
{
    call_begin_data(c);
    json_raw(&c->out.w, data);
    return call_end_data(c);
}

/* `"x"` in an error. */
static struct err
quoted_error(const char *before, struct str text, const char *behind)
{
    AUTO(buf_fini) struct buf quoted = BUF_INIT;
    quote_text(text, &quoted);
    return ERR(ERR_INVALID, "%s%s%s", before, buf_cstr(&quoted), behind);
}

/* --- targets ---------------------------------------------------------------------------------- */

struct err
call_targets(struct api_call *c)
{
    struct str state = param_text(&c->params, "state");
    bool all = state.n == 0 || str_eq_nocase(state, STR("any"));
    bool dropped = all || str_eq_nocase(state, STR("dropped"));
    if (c->params.flavour.names_parameters)
        return reply_data(c, dropped ? STR("{\"activeTargets\":[],\"droppedTargets\":[],"
                                           "\"droppedTargetCounts\":{}}")
                                     : STR("{\"activeTargets\":[],\"droppedTargets\":[],"
                                           "\"droppedTargetCounts\":null}"));
    if (!dropped && !str_eq_nocase(state, STR("active")))
        return ERR(ERR_INVALID, "invalid targets parameter state='%.*s'", STR_FMT(state));
    return reply_data(c, STR("{\"activeTargets\":[],\"droppedTargets\":[]}"));
}

struct err
call_targets_metadata(struct api_call *c)
{
    struct str limit = param_text(&c->params, "limit");
    struct str target = param_text(&c->params, "match_target");
    int64_t number;
    struct matchers matchers;
    if (limit.n > 0 && !param_parse_integer(limit, &number))
        return ERR(ERR_INVALID, "limit must be a number");
    if (target.n > 0)
        TRY(param_error(&c->params, "match_target",
                        promql_parse_selector(&c->arena, target, &matchers)));
    return reply_data(c, STR("[]"));
}

static struct err
no_such_pool(struct str pool)
{
    return quoted_error("error retrieving scrape config: scrape pool ", pool, " not found");
}

struct err
call_scrape_pool_config(struct api_call *c)
{
    struct str pool = param_text(&c->params, "scrapePool");
    return pool.n > 0 ? no_such_pool(pool) : ERR(ERR_INVALID, "no scrapePool parameter provided");
}

struct err
call_relabel_steps(struct api_call *c)
{
    struct str pool = param_text(&c->params, "scrapePool");
    if (pool.n == 0)
        return ERR(ERR_INVALID, "no scrapePool parameter provided");
    if (param_text(&c->params, "labels").n == 0)
        return ERR(ERR_INVALID, "no labels parameter provided");
    return no_such_pool(pool);
}

struct err
call_scrape_pools(struct api_call *c)
{
    return reply_data(c, STR("{\"scrapePools\":[]}"));
}

/* --- rules ------------------------------------------------------------------------------------ */

static struct err
check_rule_type(const struct api_call *c)
{
    struct str type = param_text(&c->params, "type");
    bool known =
        type.n == 0 || str_eq_nocase(type, STR("alert")) || str_eq_nocase(type, STR("record"));
    if (known)
        return OK;
    if (c->params.flavour.names_parameters)
        return param_error(&c->params, "type", quoted_error("not supported value ", type, ""));
    if (str_eq_nocase(type, STR("all")))
        return OK;
    return ERR(ERR_INVALID, "invalid rules parameter type='%.*s'", STR_FMT(type));
}

static struct err
check_exclude_alerts(const struct api_call *c)
{
    struct str text = param_text(&c->params, "exclude_alerts");
    bool exclude;
    if (text.n > 0)
        TRY_IN(param_parse_bool(text, &exclude), "error converting exclude_alerts");
    return OK;
}

/* No page but the first is known. */
static struct err
check_group_limit(const struct api_call *c)
{
    struct str limit = param_text(&c->params, "group_limit");
    struct str token = param_text(&c->params, "group_next_token");
    int64_t groups = 0;
    if (token.n > 0 && limit.n == 0)
        return param_error(&c->params, "group_next_token",
                           ERR(ERR_INVALID, "group_limit needs to be present in order to paginate "
                                            "over the groups"));
    if (limit.n > 0 && (!param_parse_integer(limit, &groups) || groups > INT32_MAX))
        return param_error(
            &c->params, "group_limit",
            quoted_error("group_limit needs to be a valid number: "
                         "strconv.ParseInt: parsing ",
                         limit, groups > INT32_MAX ? ": value out of range" : ": invalid syntax"));
    if (limit.n > 0 && groups <= 0)
        return param_error(&c->params, "group_limit",
                           ERR(ERR_INVALID, "group_limit needs to be greater than 0"));
    if (token.n > 0)
        return param_error(&c->params, "group_next_token",
                           ERR(ERR_INVALID,
                               "invalid group_next_token '%.*s'. were rule groups changed?",
                               STR_FMT(token)));
    return OK;
}

struct err
call_rules(struct api_call *c)
{
    struct selectors selectors;
    TRY(param_selectors(&c->params, &c->arena, &selectors));
    TRY(check_rule_type(c));
    if (c->params.flavour.names_parameters) {
        TRY(param_error(&c->params, "exclude_alerts", check_exclude_alerts(c)));
        TRY(check_group_limit(c));
    }
    return reply_data(c, STR("{\"groups\":[]}"));
}

struct err
call_alerts(struct api_call *c)
{
    bool null = c->params.flavour.null_alerts;
    return reply_data(c, null ? STR("{\"alerts\":null}") : STR("{\"alerts\":[]}"));
}

struct err
call_alertmanagers(struct api_call *c)
{
    return reply_data(c, STR("{\"activeAlertmanagers\":[],\"droppedAlertmanagers\":[]}"));
}

/* --- searching -------------------------------------------------------------------------------- */

static struct err
refuse_search(struct api_call *c)
{
    call_reply_error(c, 500, "unavailable", STR("search API disabled"));
    return OK;
}

struct err
call_search_metric_names(struct api_call *c)
{
    return refuse_search(c);
}

struct err
call_search_label_names(struct api_call *c)
{
    return refuse_search(c);
}

struct err
call_search_label_values(struct api_call *c)
{
    return refuse_search(c);
}

/* --- notices to those who look after the process ---------------------------------------------- */

struct err
call_notifications(struct api_call *c)
{
    return reply_data(c, STR("[]"));
}

/* As Prometheus once it has enough subscribers: a browser does not ask again. There is nothing to
 * tell, and a stream would hold a worker. */
struct err
call_notifications_live(struct api_call *c)
{
    call_reply_nothing(c);
    return OK;
}

/* --- Thanos' ---------------------------------------------------------------------------------- */

struct err
call_stores(struct api_call *c)
{
    return reply_data(c, STR("{}"));
}

/* What Thanos says of an expression that falls back to Prometheus' engine. */
struct err
call_query_explain(struct api_call *c)
{
    struct str engine = param_text(&c->params, "engine");
    if (engine.n > 0 && !str_eq(engine, STR("prometheus")) && !str_eq(engine, STR("thanos")))
        return ERR(ERR_INVALID, "'%.*s' bad engine", STR_FMT(engine));
    if (!str_eq(engine, STR("thanos")))
        return ERR(ERR_INVALID, "engine type must be 'thanos'");
    return ERR(ERR_INVALID, "Query not explainable");
}

struct err
call_query_range_explain(struct api_call *c)
{
    return call_query_explain(c);
}
