/* measure.c - clocks around operators. */
#include "querygw/promql/measure.h"

#include "base/assert.h"
#include "base/mem.h"
#include "querygw/promql/func_range.h"
#include "querygw/promql/functions.h"
#include "querygw/store/store_counted.h"

struct op_measured {
    struct op op;
    struct op *inner;
    struct measure *measure;
};

static void
measure_init(struct measure *m, const struct plan_node *plan)
{
    *m = (struct measure){.plan = plan, .last_child = &m->children};
}

void
measures_init(struct measures *m, struct store_counts *counts)
{
    measure_init(&m->root, NULL);
    m->parent = &m->root;
    m->counts = counts;
}

static struct err
measured_next(struct op *op, struct column **ret_column)
{
    struct op_measured *o = (struct op_measured *)op;
    const struct exec *x = o->op.x;
    struct store_counts *counts = x->limits.measures->counts;
    const void *outer = counts ? counts->for_whom : NULL;
    if (counts)
        counts->for_whom = o->measure;
    uint64_t began_ns = clock_mono_ns(x->limits.clock);
    struct err e = op_next(o->inner, ret_column);
    o->measure->ns += clock_mono_ns(x->limits.clock) - began_ns;
    if (counts)
        counts->for_whom = outer;
    o->measure->series += e.code == ERR_NONE && *ret_column;
    return e;
}

static const struct op_ops measured_ops = {measured_next};

struct op *
op_measured_open(struct exec *x, const struct plan_node *n,
                 struct op *(*plain)(struct exec *x, const struct plan_node *n))
{
    struct measures *all = x->limits.measures;
    struct op_measured *o = ARENA_NEW(x->arena, struct op_measured);
    struct measure *m = ARENA_NEW(x->arena, struct measure), *parent = all->parent;
    measure_init(m, n);
    *parent->last_child = m;
    parent->last_child = &m->next;
    all->parent = m;
    *o = (struct op_measured){.op = {&measured_ops, x, n}, .inner = plain(x, n), .measure = m};
    all->parent = parent;
    return &o->op;
}

/* --- names ------------------------------------------------------------------------------------ */

static const char *const kind_names[] = {
    [PLAN_NUMBER] = "number",
    [PLAN_TEXT] = "text",
    [PLAN_SCALAR_NEGATE] = "scalarNegate",
    [PLAN_SCALAR_BINARY] = "scalarBinary",
    [PLAN_SCALAR_TIME] = "time",
    [PLAN_SCALAR_OF] = "scalar",
    [PLAN_SCALAR_PICK] = "scalarPick",
    [PLAN_INSTANT] = "vectorSelector",
    [PLAN_RANGE] = "matrixSelector",
    [PLAN_RANGE_CALL] = "rangeCall",
    [PLAN_NEGATE] = "negate",
    [PLAN_VECTOR_SCALAR] = "vectorScalarBinary",
    [PLAN_VECTOR_MATCH] = "vectorBinary",
    [PLAN_VECTOR_SET] = "vectorSet",
    [PLAN_AGGREGATE] = "aggregate",
    [PLAN_VECTOR_OF] = "vector",
    [PLAN_MAP] = "call",
    [PLAN_ABSENT] = "absent",
    [PLAN_SORT] = "sort",
    [PLAN_RELABEL] = "relabel",
    [PLAN_BUCKETS] = "buckets",
    [PLAN_INFO] = "info",
    [PLAN_REPEAT] = "stepInvariant",
};

/* What tells it from others of its kind; empty: nothing. */
static struct str
detail(const struct plan_node *n)
{
    if (n->kind == PLAN_RANGE_CALL)
        return promql_function(n->call.function->id)->name;
    if (n->kind == PLAN_MAP && n->map.function)
        return promql_function(n->map.function->id)->name;
    if (n->kind == PLAN_AGGREGATE)
        return promql_aggregator(n->aggregate.op)->name;
    if (n->kind == PLAN_VECTOR_SCALAR || n->kind == PLAN_VECTOR_MATCH || n->kind == PLAN_VECTOR_SET)
        return str_of_cstr(promql_op_text(n->binary.op));
    return STR("");
}

void
measure_name(const struct measure *m, struct buf *to)
{
    ASSERT(m->plan); /* not the query's own */
    struct str more = detail(m->plan);
    buf_append(to, str_of_cstr(kind_names[m->plan->kind]));
    if (more.n > 0)
        buf_printf(to, " %.*s", STR_FMT(more));
}
