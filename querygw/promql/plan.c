/* plan.c - resolves offsets, @ and ranges; finds what does not depend on time. */
#include "base/assert.h"
#include "base/mem.h"
#include "querygw/promql/plan_int.h"

struct plan_node *
plan_new(const struct planner *p, enum plan_kind kind, const struct promql_node *ast,
         const struct promql_grid *grid)
{
    struct plan_node *n = ARENA_NEW(p->arena, struct plan_node);
    n->kind = kind;
    n->grid = *grid;
    *p->cells += grid->steps; /* far from overflowing: nodes and steps have limits */
    n->range = ast->range;
    return n;
}

/* The value is the same at every step: all selectors within have a fixed time. */
static bool
is_invariant(const struct promql_node *n)
{
    if (n->kind == PROMQL_VECTOR_SELECTOR)
        return n->vector.at.kind != PROMQL_AT_NONE;
    if (n->kind == PROMQL_SUBQUERY) /* its steps move even when what it evaluates stands still */
        return n->subquery.at.kind != PROMQL_AT_NONE;
    if (n->kind == PROMQL_AGGREGATE) /* Prometheus asks its parameter at the first step only */
        return is_invariant(n->aggregate.expr);
    for (size_t i = 0; promql_child(n, i); i++)
        if (!is_invariant(promql_child(n, i)))
            return false;
    return n->kind != PROMQL_CALL || !plan_call_reads_clock(n);
}

static struct err
check_time(int64_t ms, const char *what)
{
    if (ms > PROMQL_TIME_MS_MAX || ms < -PROMQL_TIME_MS_MAX)
        return ERR(ERR_INVALID, "%s of %jd ms is out of range", what, (intmax_t)ms);
    return OK;
}

/* Which times the steps of `grid` look at, from offset, @ and the window of *select. */
static struct err
plan_times(const struct planner *p, const struct promql_offset *offset, const struct promql_at *at,
           const struct promql_grid *grid, struct plan_select *select)
{
    struct plan_select s = *select;
    TRY(plan_offset(p, offset, &s.shift_ms));
    TRY(check_time(s.window_ms, "range"));
    TRY(check_time(s.shift_ms, "offset"));
    s.shift_ms -= s.after_ms;
    if (at->kind != PROMQL_AT_NONE) {
        int64_t at_ms = at->kind == PROMQL_AT_START ? p->span.start_ms
                        : at->kind == PROMQL_AT_END ? p->span.end_ms
                                                    : at->timestamp_ms;
        TRY(check_time(at_ms, "@ timestamp"));
        s.shift_ms += grid->start_ms - at_ms;
        s.fixed = grid->steps > 1;
    }
    s.mint_ms = grid->start_ms - s.shift_ms - s.window_ms + 1;
    s.maxt_ms = grid_time_ms(grid, s.fixed ? 0 : grid->steps - 1) - s.shift_ms;
    *select = s;
    return OK;
}

/* A range, or 0 for an instant selector, on which anchored has no effect. */
static struct err
plan_window(const struct planner *p, const struct promql_vector_selector *v, int64_t range_ms,
            const struct promql_grid *grid, struct plan_select *ret_select)
{
    struct plan_select s = {.matchers = v->matchers,
                            .stats_only = p->wants_stats && !p->wants_buckets};
    if (v->smoothed || (v->anchored && range_ms))
        s.before_ms = p->span.lookback_ms;
    if (v->smoothed)
        s.after_ms = p->span.lookback_ms;
    s.window_ms = range_ms + s.before_ms + s.after_ms;
    if (s.window_ms == 0)
        s.window_ms = p->span.lookback_ms;
    TRY(plan_times(p, &v->offset, &v->at, grid, &s));
    *ret_select = s;
    return OK;
}

/* The expression is evaluated at the multiples of the step that some window holds. */
static struct err
plan_subquery(const struct planner *p, const struct promql_subquery *q,
              const struct promql_grid *grid, struct plan_select *ret_select)
{
    int64_t range_ms, step_ms;
    TRY(plan_length(p, q->range_ms, q->range_expr, &range_ms));
    TRY(plan_length(p, q->step_ms, q->step_expr, &step_ms));
    if (step_ms == 0)
        step_ms = PROMQL_SUBQUERY_STEP_MS_DEFAULT;
    TRY(check_time(step_ms, "subquery step"));
    *ret_select = (struct plan_select){.window_ms = range_ms};
    TRY(plan_times(p, &q->offset, &q->at, grid, ret_select));
    int64_t first_ms = ret_select->mint_ms / step_ms * step_ms;
    if (first_ms < ret_select->mint_ms)
        first_ms += step_ms;
    int64_t last_ms = i64_max(first_ms, ret_select->maxt_ms);
    ret_select->no_steps = first_ms > ret_select->maxt_ms; /* but a grid has a step */
    int64_t more = (last_ms - first_ms) / step_ms;
    if (more >= PROMQL_STEPS_MAX)
        return ERR(ERR_LIMIT, "subquery: more than %d steps", PROMQL_STEPS_MAX);
    struct promql_grid inner = {first_ms, step_ms, (uint32_t)more + 1};
    struct planner within = *p;
    within.wants_buckets = true; /* resets between its steps are found by their buckets only */
    return plan_expr(&within, q->expr, &inner, &ret_select->subquery);
}

struct err
plan_matrix(const struct planner *p, const struct promql_node *ast, const struct promql_grid *grid,
            struct plan_select *ret_select)
{
    if (ast->kind == PROMQL_SUBQUERY)
        return plan_subquery(p, &ast->subquery, grid, ret_select);
    ASSERT(ast->kind == PROMQL_MATRIX_SELECTOR); /* nothing else has this type */
    int64_t range_ms;
    TRY(plan_length(p, ast->matrix.range_ms, ast->matrix.range_expr, &range_ms));
    return plan_window(p, &ast->matrix.selector->vector, range_ms, grid, ret_select);
}

static struct err
plan_unary(const struct planner *p, const struct promql_node *ast, const struct promql_grid *grid,
           struct plan_node **ret_node)
{
    struct plan_node *child;
    TRY(plan_expr(p, ast->unary.expr, grid, &child));
    if (ast->unary.op == PROMQL_ADD) { /* changes nothing, not even the name */
        *ret_node = child;
        return OK;
    }
    bool scalar = ast->unary.expr->type == PROMQL_SCALAR;
    *ret_node = plan_new(p, scalar ? PLAN_SCALAR_NEGATE : PLAN_NEGATE, ast, grid);
    (*ret_node)->child = child;
    return OK;
}

/* Sorted and without doubles, in the plan's arena. */
static void
sort_names(struct arena *a, const struct promql_labels *from, struct grouping *to)
{
    struct str *names = ARENA_ARRAY(a, struct str, from->n);
    size_t count = 0;
    for (size_t i = 0; i < from->n; i++) {
        size_t at = count;
        while (at > 0 && str_cmp(names[at - 1], from->v[i]) > 0)
            at--;
        if (at > 0 && str_eq(names[at - 1], from->v[i]))
            continue;
        for (size_t k = count++; k > at; k--)
            names[k] = names[k - 1];
        names[at] = from->v[i];
    }
    to->names = names;
    to->count = count;
}

static struct err
plan_operands(const struct planner *p, const struct promql_binary *b,
              const struct promql_grid *grid, struct plan_node *n)
{
    struct planner within = *p;
    within.wants_buckets = p->wants_buckets || promql_op_class(b->op) == PROMQL_OP_TRIM;
    TRY(plan_expr(&within, b->left, grid, &n->binary.left));
    return plan_expr(&within, b->right, grid, &n->binary.right);
}

static struct err
plan_vectors(const struct planner *p, const struct promql_node *ast, const struct promql_grid *grid,
             struct plan_node **ret_node)
{
    const struct promql_binary *b = &ast->binary;
    static const struct str metadata[] = {STR_INIT("__type__"), STR_INIT("__unit__")};
    struct plan_matching *m = ARENA_NEW(p->arena, struct plan_matching);
    m->card = b->matching->card;
    m->fills_one = b->matching->has_fill_right; /* also of group_right: vector_fill.c */
    m->fills_many = b->matching->has_fill_left;
    m->fill_one = b->matching->fill_right;
    m->fill_many = b->matching->fill_left;
    sort_names(p->arena, &b->matching->labels, &m->key);
    m->key.without = !b->matching->on;
    m->result = m->key;
    if (m->key.without && m->key.count == 0) /* only then do types and units not matter */
        m->key = (struct grouping){metadata, ARRAY_LEN(metadata), .without = true};
    m->result.keeps_name = true; /* of a comparison; arithmetic drops it by itself */
    sort_names(p->arena, &b->matching->include, &m->include);
    bool set = promql_op_class(b->op) == PROMQL_OP_SET;
    struct plan_node *n = plan_new(p, set ? PLAN_VECTOR_SET : PLAN_VECTOR_MATCH, ast, grid);
    n->binary.op = b->op;
    n->binary.returns_bool = b->returns_bool;
    n->binary.matching = m;
    *ret_node = n;
    return plan_operands(p, b, grid, n);
}

static struct err
plan_binary(const struct planner *p, const struct promql_node *ast, const struct promql_grid *grid,
            struct plan_node **ret_node)
{
    const struct promql_binary *b = &ast->binary;
    bool scalar_left = b->left->type == PROMQL_SCALAR,
         scalar_right = b->right->type == PROMQL_SCALAR;
    if (!scalar_left && !scalar_right)
        return plan_vectors(p, ast, grid, ret_node);
    ASSERT(promql_op_class(b->op) != PROMQL_OP_SET); /* these take vectors only */
    bool scalars = scalar_left && scalar_right;
    struct plan_node *n = plan_new(p, scalars ? PLAN_SCALAR_BINARY : PLAN_VECTOR_SCALAR, ast, grid);
    n->binary.op = b->op;
    n->binary.returns_bool = b->returns_bool;
    n->binary.scalar_left = scalar_left;
    *ret_node = n;
    return plan_operands(p, b, grid, n);
}

/* The label that a value becomes is one to group by. */
static void
plan_count_values(const struct planner *p, const struct promql_aggregate *g, struct str *ret_label,
                  struct grouping *ret_grouping)
{
    struct str *names = ARENA_ARRAY(p->arena, struct str, g->grouping.n + 1);
    *ret_label = names[0] = promql_unwrap(g->param)->text;
    for (size_t i = 0; i < g->grouping.n; i++)
        names[i + 1] = g->grouping.v[i];
    if (!g->without)
        sort_names(p->arena, &(struct promql_labels){names, g->grouping.n + 1}, ret_grouping);
}

static struct err
plan_aggregate(const struct planner *p, const struct promql_node *ast,
               const struct promql_grid *grid, struct plan_node **ret_node)
{
    const struct promql_aggregate *g = &ast->aggregate;
    enum promql_agg op = g->aggregator->id;
    struct plan_node *n = plan_new(p, PLAN_AGGREGATE, ast, grid);
    n->aggregate.op = op;
    n->aggregate.grouping.without = g->without;
    sort_names(p->arena, &g->grouping, &n->aggregate.grouping);
    n->aggregate.child_range = g->expr->range;
    if (g->param)
        n->aggregate.param_range = g->param->range;
    if (g->aggregator->param == PROMQL_SCALAR)
        TRY(plan_expr(p, g->param, grid, &n->aggregate.param));
    if (op == PROMQL_AGG_COUNT_VALUES)
        plan_count_values(p, g, &n->aggregate.label, &n->aggregate.grouping);
    TRY(plan_expr(p, g->expr, grid, &n->aggregate.child));
    *ret_node = n;
    return OK;
}

static struct err
plan_here(const struct planner *p, const struct promql_node *ast, const struct promql_grid *grid,
          struct plan_node **ret_node)
{
    switch (ast->kind) {
    case PROMQL_NUMBER:
        *ret_node = plan_new(p, PLAN_NUMBER, ast, grid);
        (*ret_node)->number = ast->number.value;
        return OK;
    case PROMQL_TEXT:
        *ret_node = plan_new(p, PLAN_TEXT, ast, grid);
        (*ret_node)->text = ast->text;
        return OK;
    case PROMQL_VECTOR_SELECTOR:
        *ret_node = plan_new(p, PLAN_INSTANT, ast, grid);
        return plan_window(p, &ast->vector, 0, grid, &(*ret_node)->select);
    case PROMQL_MATRIX_SELECTOR:
    case PROMQL_SUBQUERY:
        *ret_node = plan_new(p, PLAN_RANGE, ast, grid);
        return plan_matrix(p, ast, grid, &(*ret_node)->select);
    case PROMQL_PAREN:
        return plan_here(p, promql_unwrap(ast), grid, ret_node);
    case PROMQL_UNARY:
        return plan_unary(p, ast, grid, ret_node);
    case PROMQL_BINARY:
        return plan_binary(p, ast, grid, ret_node);
    case PROMQL_AGGREGATE:
        return plan_aggregate(p, ast, grid, ret_node);
    case PROMQL_CALL:
        return plan_call(p, ast, grid, ret_node);
    case PROMQL_DURATION:
        break;
    }
    UNREACHABLE("a duration is never an expression");
}

/* As plan_here(), with the highest parts that do not depend on time evaluated once. */
struct err
plan_expr(const struct planner *p, const struct promql_node *ast, const struct promql_grid *grid,
          struct plan_node **ret_node)
{
    bool once = grid->steps > 1 && ast->type == PROMQL_VECTOR && is_invariant(ast);
    if (!once)
        return plan_here(p, ast, grid, ret_node);
    struct plan_node *n = plan_new(p, PLAN_REPEAT, ast, grid);
    struct promql_grid first = {.start_ms = grid->start_ms, .steps = 1};
    TRY(plan_here(p, ast, &first, &n->child));
    *ret_node = n;
    return OK;
}

static struct err
grid_of_span(const struct promql_span *s, struct promql_grid *ret_grid)
{
    TRY(check_time(s->start_ms, "start"));
    TRY(check_time(s->end_ms, "end"));
    TRY(check_time(s->step_ms, "step"));
    ASSERT(s->end_ms >= s->start_ms && s->step_ms >= 0 && s->lookback_ms > 0);
    int64_t more = s->step_ms ? (s->end_ms - s->start_ms) / s->step_ms : 0;
    if (more >= PROMQL_STEPS_MAX)
        return ERR(ERR_LIMIT, "query: more than %d steps", PROMQL_STEPS_MAX);
    *ret_grid = (struct promql_grid){s->start_ms, s->step_ms, (uint32_t)more + 1};
    return OK;
}

struct err
promql_plan(struct arena *a, const struct promql_node *ast, const struct promql_span *span,
            struct promql_plan **ret_plan)
{
    struct promql_plan *plan = ARENA_NEW(a, struct promql_plan);
    struct planner p = {.arena = a, .span = *span, .cells = &plan->cells};
    plan->type = ast->type;
    plan->instant = span->step_ms == 0;
    plan->span = *span;
    if (!plan->instant && ast->type != PROMQL_SCALAR && ast->type != PROMQL_VECTOR)
        return ERR(
            ERR_INVALID,
            "invalid expression type \"%s\" for range query, must be Scalar or instant Vector",
            promql_type_documented(ast->type));
    TRY(grid_of_span(span, &plan->grid));
    TRY(plan_check_durations(&p, ast));
    TRY(plan_expr(&p, ast, &plan->grid, &plan->root));
    *ret_plan = plan;
    return OK;
}
