/* plan_call.c - functions: which operator computes each, and over which arguments. */
#include "base/assert.h"
#include "base/mem.h"
#include "querygw/promql/extended.h"
#include "querygw/promql/plan_int.h"

/* `to` gets the plans of the arguments [from, count) of a call, all scalars. */
static struct err
plan_scalars(const struct planner *p, const struct promql_node *ast, size_t from,
             const struct promql_grid *grid, struct plan_node **to, size_t *ret_count)
{
    size_t count = 0;
    for (size_t i = from; i < ast->call.arg_count; i++)
        TRY(plan_expr(p, ast->call.args[i], grid, &to[count++]));
    *ret_count = count;
    return OK;
}

static struct plan_node *
plan_number(const struct planner *p, const struct promql_node *ast, const struct promql_grid *grid,
            double value)
{
    struct plan_node *n = plan_new(p, PLAN_NUMBER, ast, grid);
    n->number = value;
    return n;
}

static struct str
text_arg(const struct promql_node *call, size_t i)
{
    return promql_unwrap(call->call.args[i])->text;
}

/* --- ranges -------------------------------------------------------------------------------- */

/* Which variant of `function` knows the windows of this matrix. */
static struct err
extended_variant(const struct promql_node *ast, const struct promql_node *matrix,
                 const struct range_function **function)
{
    if (matrix->kind != PROMQL_MATRIX_SELECTOR)
        return OK;
    const struct promql_vector_selector *v = &matrix->matrix.selector->vector;
    if (!v->anchored && !v->smoothed)
        return OK;
    const struct promql_function *called = ast->call.function;
    *function = extended_function_find(called->id, v->smoothed);
    if (*function)
        return OK;
    return ERR(ERR_EXECUTION, "%s modifier can only be used with: %s - not with %.*s",
               v->smoothed ? "smoothed" : "anchored", extended_function_names(v->smoothed),
               STR_FMT(called->name));
}

/* `function` over the only argument of type matrix; the others are its scalars. */
static struct err
plan_range_call(const struct planner *p, const struct promql_node *ast,
                const struct promql_grid *grid, const struct range_function *function,
                struct plan_node **ret_node)
{
    struct plan_node *n = NULL;
    const struct promql_node *matrix = NULL;
    for (size_t i = 0; i < ast->call.arg_count; i++)
        if (ast->call.args[i]->type == PROMQL_MATRIX)
            matrix = promql_unwrap(ast->call.args[i]);
    TRY(extended_variant(ast, matrix, &function));
    n = plan_new(p, PLAN_RANGE_CALL, matrix, grid);
    n->call.function = function;
    TRY(plan_matrix(p, matrix, grid, &n->call.select));
    n->call.select.wants_starts = function->run_started && matrix->kind != PROMQL_SUBQUERY;
    for (size_t i = 0; i < ast->call.arg_count; i++) {
        const struct promql_node *arg = ast->call.args[i];
        if (arg->type == PROMQL_MATRIX)
            continue;
        ASSERT(n->call.arg_count < WINDOW_ARGS_MAX);
        if (n->call.arg_count == 0)
            n->call.arg_range = arg->range;
        TRY(plan_expr(p, arg, grid, &n->call.args[n->call.arg_count++]));
    }
    *ret_node = n;
    return OK;
}

/* --- scalars and vectors ------------------------------------------------------------------- */

static struct err
plan_time(const struct planner *p, const struct promql_node *ast, const struct promql_grid *grid,
          struct plan_node **ret_node)
{
    *ret_node = plan_new(p, PLAN_SCALAR_TIME, ast, grid);
    return OK;
}

/* What is the same for the whole query. */
static struct err
plan_constant(const struct planner *p, const struct promql_node *ast,
              const struct promql_grid *grid, struct plan_node **ret_node)
{
    const struct promql_span *s = &p->span;
    enum promql_fn id = ast->call.function->id;
    double value = id == PROMQL_FN_PI      ? 3.141592653589793
                   : id == PROMQL_FN_START ? (double)s->start_ms / 1000
                   : id == PROMQL_FN_END   ? (double)s->end_ms / 1000
                   : id == PROMQL_FN_RANGE ? duration_seconds(s->end_ms - s->start_ms)
                   : s->end_ms > s->start_ms
                       ? duration_seconds(s->step_ms)
                       : 0; /* step(): of an instant query, though it be written as a range */
    *ret_node = plan_number(p, ast, grid, value);
    return OK;
}

static struct err
plan_pick(const struct planner *p, const struct promql_node *ast, const struct promql_grid *grid,
          struct plan_node **ret_node)
{
    size_t count;
    *ret_node = plan_new(p, PLAN_SCALAR_PICK, ast, grid);
    (*ret_node)->pick.greater = ast->call.function->id == PROMQL_FN_MAX_OF;
    return plan_scalars(p, ast, 0, grid, (*ret_node)->pick.args, &count);
}

static struct err
plan_scalar_of(const struct planner *p, const struct promql_node *ast,
               const struct promql_grid *grid, struct plan_node **ret_node)
{
    *ret_node = plan_new(p, PLAN_SCALAR_OF, ast, grid);
    return plan_expr(p, ast->call.args[0], grid, &(*ret_node)->child);
}

static struct err
plan_vector_of(const struct planner *p, const struct promql_node *ast,
               const struct promql_grid *grid, struct plan_node **ret_node)
{
    *ret_node = plan_new(p, PLAN_VECTOR_OF, ast, grid);
    return plan_expr(p, ast->call.args[0], grid, &(*ret_node)->child);
}

/* --- functions of single elements ---------------------------------------------------------- */

static struct err
plan_map_call(const struct planner *p, const struct promql_node *ast,
              const struct promql_grid *grid, const struct map_function *function,
              struct plan_node **ret_node)
{
    struct plan_node *n = plan_new(p, PLAN_MAP, ast, grid);
    n->map.what = PLAN_MAP_FUNCTION;
    n->map.function = function;
    *ret_node = n;
    if (ast->call.arg_count == 0) { /* a date without argument: now */
        n->map.child = plan_new(p, PLAN_VECTOR_OF, ast, grid);
        n->map.child->child = plan_new(p, PLAN_SCALAR_TIME, ast, grid);
        return OK;
    }
    TRY(plan_expr(p, ast->call.args[0], grid, &n->map.child));
    ASSERT(ast->call.arg_count <= 1 + MAP_ARGS_MAX);
    TRY(plan_scalars(p, ast, 1, grid, n->map.args, &n->map.arg_count));
    if (function->id == PROMQL_FN_ROUND && n->map.arg_count == 0)
        n->map.args[n->map.arg_count++] = plan_number(p, ast, grid, 1);
    return OK;
}

static bool
is_vector_selector(const struct promql_node *n)
{
    return promql_unwrap(n)->kind == PROMQL_VECTOR_SELECTOR;
}

/* Of a selector the times of its samples, or their start timestamps; of anything else the
 * evaluation time, or nothing. */
static struct err
plan_timestamp(const struct planner *p, const struct promql_node *ast,
               const struct promql_grid *grid, struct plan_node **ret_node)
{
    struct plan_node *n = plan_new(p, PLAN_MAP, ast, grid);
    struct promql_node arg = *promql_unwrap(ast->call.args[0]);
    if (arg.kind == PROMQL_VECTOR_SELECTOR)
        arg.vector.smoothed = false; /* the time is that of a sample */
    TRY(plan_expr(p, &arg, grid, &n->map.child));
    bool start = ast->call.function->id == PROMQL_FN_START_TIMESTAMP;
    n->map.what = start ? PLAN_MAP_NONE : PLAN_MAP_TIME;
    if (arg.kind == PROMQL_VECTOR_SELECTOR) {
        struct plan_node *leaf = n->map.child;
        if (leaf->kind == PLAN_REPEAT)
            leaf = leaf->child;
        ASSERT(leaf->kind == PLAN_INSTANT);
        leaf->select.gives_time = !start;
        leaf->select.gives_start = leaf->select.wants_starts = start;
        n->map.what = start ? PLAN_MAP_START : PLAN_MAP_KEEP;
    }
    *ret_node = n;
    return OK;
}

/* --- functions of whole vectors ------------------------------------------------------------ */

/* The i-th matcher says what its label would be: an equality, the only one of its label, and
 * no other matcher of that label behind it. */
static bool
tells_label(const struct matchers *m, size_t i)
{
    const struct matcher *it = &m->v[i];
    if (it->type != MATCH_EQUAL || it->value.n == 0 || str_eq(it->name, STR(LABEL_METRIC_NAME)))
        return false;
    for (size_t k = 0; k < m->n; k++)
        if (k != i && str_eq(m->v[k].name, it->name) && (k > i || m->v[k].type == MATCH_EQUAL))
            return false;
    return true;
}

/* Of the series that is missing. */
static struct labels
absent_labels(struct arena *a, const struct promql_node *arg)
{
    if (arg->kind == PROMQL_MATRIX_SELECTOR)
        arg = arg->matrix.selector;
    if (arg->kind != PROMQL_VECTOR_SELECTOR)
        return (struct labels){0};
    const struct matchers *m = &arg->vector.matchers;
    struct label *v = ARENA_ARRAY(a, struct label, m->n);
    size_t count = 0;
    for (size_t i = 0; i < m->n; i++)
        if (tells_label(m, i))
            v[count++] = (struct label){m->v[i].name, m->v[i].value};
    labels_sort(v, count);
    return (struct labels){v, count};
}

static struct err
plan_absent(const struct planner *p, const struct promql_node *ast, const struct promql_grid *grid,
            struct plan_node **ret_node)
{
    const struct promql_node *arg = promql_unwrap(ast->call.args[0]);
    struct plan_node *n = plan_new(p, PLAN_ABSENT, ast, grid);
    n->absent.labels = absent_labels(p->arena, arg);
    *ret_node = n;
    if (ast->call.function->id == PROMQL_FN_ABSENT)
        return plan_expr(p, arg, grid, &n->absent.child);
    return plan_range_call(p, ast, grid, range_function_find(PROMQL_FN_LAST_OVER_TIME),
                           &n->absent.child);
}

static struct err
plan_sort(const struct planner *p, const struct promql_node *ast, const struct promql_grid *grid,
          struct plan_node **ret_node)
{
    const struct promql_call *call = &ast->call;
    enum promql_fn id = call->function->id;
    struct plan_node *n = plan_new(p, PLAN_SORT, ast, grid);
    n->sort.descending = id == PROMQL_FN_SORT_DESC || id == PROMQL_FN_SORT_BY_LABEL_DESC;
    n->sort.by_labels = id == PROMQL_FN_SORT_BY_LABEL || id == PROMQL_FN_SORT_BY_LABEL_DESC;
    n->sort.in_range = p->span.step_ms > 0 || grid->steps > 1; /* or in a subquery */
    n->sort.warns = p->span.start_ms != p->span.end_ms || grid->steps > 1;
    n->sort.names = ARENA_ARRAY(p->arena, struct str, call->arg_count);
    for (size_t i = 1; i < call->arg_count; i++)
        n->sort.names[n->sort.name_count++] = text_arg(ast, i);
    *ret_node = n;
    return plan_expr(p, call->args[0], grid, &n->sort.child);
}

/* Any name that is UTF-8 does. */
static struct err
check_label_name(const char *what, const struct promql_node *call, struct str name)
{
    if (name.n > 0 && str_is_utf8(name))
        return OK;
    return ERR(ERR_EXECUTION, "invalid %s label name in %.*s(): %.*s", what,
               STR_FMT(call->call.function->name), STR_FMT(name));
}

static void
release_regex(void *regex)
{
    regex_free(regex);
}

static struct err
plan_label_replace(const struct planner *p, const struct promql_node *ast,
                   const struct promql_grid *grid, struct plan_node **ret_node)
{
    struct plan_node *n = plan_new(p, PLAN_RELABEL, ast, grid);
    struct regex *regex = NULL;
    struct err e = regex_compile_groups(text_arg(ast, 4), &regex);
    err_drop(e);
    if (e.code)
        return ERR(ERR_EXECUTION, "invalid regular expression in label_replace(): %.*s",
                   STR_FMT(text_arg(ast, 4)));
    arena_defer(p->arena, release_regex, regex);
    n->relabel.regex = regex;
    n->relabel.target = text_arg(ast, 1);
    TRY(check_label_name("destination", ast, n->relabel.target));
    n->relabel.text = text_arg(ast, 2);
    n->relabel.sources = ARENA_NEW(p->arena, struct str);
    n->relabel.sources[n->relabel.source_count++] = text_arg(ast, 3);
    *ret_node = n;
    return plan_expr(p, ast->call.args[0], grid, &n->relabel.child);
}

static struct err
plan_label_join(const struct planner *p, const struct promql_node *ast,
                const struct promql_grid *grid, struct plan_node **ret_node)
{
    struct plan_node *n = plan_new(p, PLAN_RELABEL, ast, grid);
    n->relabel.target = text_arg(ast, 1);
    n->relabel.text = text_arg(ast, 2);
    n->relabel.sources = ARENA_ARRAY(p->arena, struct str, ast->call.arg_count);
    for (size_t i = 3; i < ast->call.arg_count; i++) {
        TRY(check_label_name("source", ast, text_arg(ast, i)));
        n->relabel.sources[n->relabel.source_count++] = text_arg(ast, i);
    }
    TRY(check_label_name("destination", ast, n->relabel.target));
    *ret_node = n;
    return plan_expr(p, ast->call.args[0], grid, &n->relabel.child);
}

/* Of the arguments one is the vector, one may be a text, the others are numbers. */
static struct err
plan_buckets(const struct planner *p, const struct promql_node *ast, const struct promql_grid *grid,
             struct plan_node **ret_node)
{
    const struct promql_call *call = &ast->call;
    struct plan_node *n = plan_new(p, PLAN_BUCKETS, ast, grid);
    n->buckets.fraction = call->function->id == PROMQL_FN_HISTOGRAM_FRACTION;
    for (size_t i = 0; i < call->arg_count; i++) {
        const struct promql_node *arg = call->args[i];
        if (arg->type == PROMQL_STRING) {
            n->buckets.label = text_arg(ast, i);
            TRY(check_label_name("quantile", ast, n->buckets.label));
            continue;
        }
        ASSERT(n->buckets.arg_count < PLAN_BUCKETS_ARGS_MAX || arg->type == PROMQL_VECTOR);
        bool vector = arg->type == PROMQL_VECTOR;
        if (vector)
            n->range = arg->range; /* what its notes are about */
        TRY(plan_expr(p, arg, grid,
                      vector ? &n->buckets.child : &n->buckets.args[n->buckets.arg_count++]));
    }
    *ret_node = n;
    return OK;
}

/* --- all of them --------------------------------------------------------------------------- */

typedef struct err plan_call_fn(const struct planner *p, const struct promql_node *ast,
                                const struct promql_grid *grid, struct plan_node **ret_node);

static const struct {
    enum promql_fn id;
    plan_call_fn *plan;
} special[] = {
    {PROMQL_FN_ABSENT, plan_absent},
    {PROMQL_FN_ABSENT_OVER_TIME, plan_absent},
    {PROMQL_FN_END, plan_constant},
    {PROMQL_FN_HISTOGRAM_FRACTION, plan_buckets},
    {PROMQL_FN_HISTOGRAM_QUANTILE, plan_buckets},
    {PROMQL_FN_HISTOGRAM_QUANTILES, plan_buckets},
    {PROMQL_FN_INFO, plan_info},
    {PROMQL_FN_LABEL_JOIN, plan_label_join},
    {PROMQL_FN_LABEL_REPLACE, plan_label_replace},
    {PROMQL_FN_MAX_OF, plan_pick},
    {PROMQL_FN_MIN_OF, plan_pick},
    {PROMQL_FN_PI, plan_constant},
    {PROMQL_FN_RANGE, plan_constant},
    {PROMQL_FN_SCALAR, plan_scalar_of},
    {PROMQL_FN_SORT, plan_sort},
    {PROMQL_FN_SORT_BY_LABEL, plan_sort},
    {PROMQL_FN_SORT_BY_LABEL_DESC, plan_sort},
    {PROMQL_FN_SORT_DESC, plan_sort},
    {PROMQL_FN_START, plan_constant},
    {PROMQL_FN_START_TIMESTAMP, plan_timestamp},
    {PROMQL_FN_STEP, plan_constant},
    {PROMQL_FN_TIME, plan_time},
    {PROMQL_FN_TIMESTAMP, plan_timestamp},
    {PROMQL_FN_VECTOR, plan_vector_of},
};

/* What the function looks at in the histograms of its argument. */
static struct planner
planner_within(const struct planner *p, enum promql_fn id)
{
    struct planner within = *p;
    if (id == PROMQL_FN_HISTOGRAM_COUNT || id == PROMQL_FN_HISTOGRAM_SUM ||
        id == PROMQL_FN_HISTOGRAM_AVG)
        within.wants_stats = true;
    else if (id == PROMQL_FN_HISTOGRAM_QUANTILE || id == PROMQL_FN_HISTOGRAM_QUANTILES ||
             id == PROMQL_FN_HISTOGRAM_FRACTION)
        within.wants_buckets = true;
    return within;
}

struct err
plan_call(const struct planner *p, const struct promql_node *ast, const struct promql_grid *grid,
          struct plan_node **ret_node)
{
    const struct promql_function *f = ast->call.function;
    const struct range_function *range = range_function_find(f->id);
    if (range)
        return plan_range_call(p, ast, grid, range, ret_node);
    const struct planner within = planner_within(p, f->id);
    const struct map_function *map = map_function_find(f->id);
    if (map)
        return plan_map_call(&within, ast, grid, map, ret_node);
    for (size_t i = 0; i < ARRAY_LEN(special); i++)
        if (special[i].id == f->id)
            return special[i].plan(&within, ast, grid, ret_node);
    UNREACHABLE("a function that no table has");
}

bool
plan_call_reads_clock(const struct promql_node *call)
{
    enum promql_fn id = call->call.function->id;
    if (id == PROMQL_FN_TIME || id == PROMQL_FN_PREDICT_LINEAR)
        return true;
    if (id == PROMQL_FN_TIMESTAMP)
        return !is_vector_selector(call->call.args[0]);
    return call->call.arg_count == 0 && map_function_find(id); /* a date: of now */
}
