/* plan_info.c - info(): which series are info series, and the time at which they are looked up.
 *
 * Source: prometheus promql/info.go (effectiveInfoNameMatchers, infoSelectTimestampAndOffset). */
#include "base/assert.h"
#include "querygw/promql/plan_int.h"

/* Offset and @ of the first selector of the first argument; offsets of the subqueries around it add
 * up until one has an @. */
struct reference {
    bool found;
    int64_t offset_ms;
    struct promql_at at;
};

/* Saturates beyond what check_time() allows. */
static struct err
add_offset(const struct planner *p, const struct promql_offset *offset, struct reference *to)
{
    int64_t ms, max_ms = 2 * PROMQL_TIME_MS_MAX;
    TRY(plan_offset(p, offset, &ms));
    ms = i64_max(-PROMQL_TIME_MS_MAX, i64_min(ms, PROMQL_TIME_MS_MAX));
    to->offset_ms = i64_max(-max_ms, i64_min(to->offset_ms + ms, max_ms));
    return OK;
}

static struct err
find_reference(const struct planner *p, const struct promql_node *n, struct reference *ret)
{
    if (n->kind == PROMQL_VECTOR_SELECTOR) {
        *ret = (struct reference){.found = true, .at = n->vector.at};
        return add_offset(p, &n->vector.offset, ret);
    }
    for (size_t i = 0; !ret->found && promql_child(n, i); i++)
        TRY(find_reference(p, promql_child(n, i), ret));
    if (n->kind != PROMQL_SUBQUERY || !ret->found || ret->at.kind != PROMQL_AT_NONE)
        return OK;
    ret->at = n->subquery.at;
    return add_offset(p, &n->subquery.offset, ret);
}

/* Takes the matchers of names out of `from`. What is left for data labels is *ret_data; without a
 * matcher that selects names, all info metrics are meant, and without any, target_info. */
static struct err
split_matchers(struct arena *a, const struct matchers *from, struct matchers *ret_names,
               struct matchers *ret_data)
{
    struct matcher *names = ARENA_ARRAY(a, struct matcher, from->n + 1);
    struct matcher *data = ARENA_ARRAY(a, struct matcher, from->n);
    size_t name_count = 1, data_count = 0; /* the first name is the one that may be missing */
    bool selects = false;
    for (size_t i = 0; i < from->n; i++) {
        const struct matcher *m = &from->v[i];
        bool name = str_eq(m->name, STR(LABEL_METRIC_NAME));
        if (name)
            names[name_count++] = *m;
        else
            data[data_count++] = *m;
        selects = selects || (name && (m->type == MATCH_EQUAL || m->type == MATCH_REGEX));
    }
    *ret_data = (struct matchers){data, data_count};
    *ret_names = (struct matchers){selects ? names + 1 : names, name_count - selects};
    if (selects)
        return OK;
    bool any = name_count == 1;
    return matcher_make(a, any ? MATCH_EQUAL : MATCH_REGEX, STR(LABEL_METRIC_NAME),
                        any ? STR("target_info") : STR(".+_info"), &names[0]);
}

static struct matchers
join_matchers(struct arena *a, struct matchers x, struct matchers y)
{
    struct matcher *v = ARENA_ARRAY(a, struct matcher, x.n + y.n);
    for (size_t i = 0; i < x.n + y.n; i++)
        v[i] = i < x.n ? x.v[i] : y.v[i - x.n];
    return (struct matchers){v, x.n + y.n};
}

struct err
plan_info(const struct planner *p, const struct promql_node *ast, const struct promql_grid *grid,
          struct plan_node **ret_node)
{
    const struct promql_call *call = &ast->call;
    struct plan_node *n = plan_new(p, PLAN_INFO, ast, grid);
    struct matchers asked = {0};
    struct reference r = {0};
    if (call->arg_count > 1)
        asked = call->args[1]->vector.matchers;
    TRY(split_matchers(p->arena, &asked, &n->info.names, &n->info.data));
    TRY(plan_expr(p, call->args[0], grid, &n->info.child));
    TRY(find_reference(p, call->args[0], &r));
    struct promql_node selector = {.kind = PROMQL_VECTOR_SELECTOR, .type = PROMQL_VECTOR};
    selector.range = ast->range;
    selector.vector.matchers = join_matchers(p->arena, n->info.data, n->info.names);
    selector.vector.offset.ms = r.offset_ms;
    selector.vector.at = r.at;
    TRY(plan_expr(p, &selector, grid, &n->info.series));
    struct plan_node *leaf = n->info.series;
    if (leaf->kind == PLAN_REPEAT)
        leaf = leaf->child;
    ASSERT(leaf->kind == PLAN_INSTANT);
    leaf->select.gives_time = true; /* of two info series the one with the newer sample counts */
    leaf->select.keeps_histograms = true; /* for an error */
    *ret_node = n;
    return OK;
}
