/* aggregate_pick.c - topk and bottomk: some elements of each group, as they are.
 *
 * Each step of each group has a heap of at most k elements with the first to be replaced on top,
 * so that memory goes with what is picked, not with what is looked at. It is Go's heap, for the
 * same choice between equal values. With a single step the result is in order within its group:
 * NaN last. Source: prometheus promql/engine.go (aggregationK). */
#include <math.h>
#include <stdlib.h>

#include "querygw/promql/aggregate_k.h"
#include "querygw/promql/histogram_point.h"
#include "querygw/promql/label_rows.h"
#include "querygw/promql/op.h"
#include "querygw/promql/scatter.h"

struct pick {
    double value;
    uint32_t series; /* row of its labels */
};

struct pick_heap {
    struct pick *v;
    size_t count, cap;
    double bar; /* the value that others must beat; NaN: look closer */
};

struct op_pick {
    struct op op;
    struct op *child;
    bool drained;
    double *k; /* a step */
    struct label_rows groups, series;
    struct label_scratch scratch;
    struct pick_heap **heaps; /* of a group, one a step */
    size_t heaps_cap;
    struct scatter points;
    struct label_rows *rows; /* whose numbers the points have */
    struct label_rows ranked;
    size_t yielded;
    struct column column;
};

/* Of two elements on one heap, which one goes first: Go's Less. */
static bool
pick_before(enum promql_agg op, double a, double b)
{
    return isnan(a) || (op == PROMQL_AGG_TOPK ? a < b : a > b);
}

static void
heap_swap(struct pick_heap *h, size_t i, size_t k)
{
    struct pick t = h->v[i];
    h->v[i] = h->v[k];
    h->v[k] = t;
}

static void
heap_up(struct pick_heap *h, enum promql_agg op)
{
    for (size_t i = h->count - 1; i > 0;) {
        size_t parent = (i - 1) / 2;
        if (!pick_before(op, h->v[i].value, h->v[parent].value))
            return;
        heap_swap(h, i, parent);
        i = parent;
    }
}

static void
heap_down(struct pick_heap *h, enum promql_agg op)
{
    for (size_t i = 0; 2 * i + 1 < h->count;) {
        size_t child = 2 * i + 1;
        if (child + 1 < h->count && pick_before(op, h->v[child + 1].value, h->v[child].value))
            child++;
        if (!pick_before(op, h->v[child].value, h->v[i].value))
            return;
        heap_swap(h, i, child);
        i = child;
    }
}

/* Most elements of many: one comparison. */
static inline bool
heap_refuses(const struct pick_heap *h, enum promql_agg op, double v)
{
    return op == PROMQL_AGG_TOPK ? v <= h->bar : v >= h->bar;
}

static struct pick_heap *
heaps_new(struct arena *a, uint32_t steps)
{
    struct pick_heap *heaps = ARENA_ARRAY(a, struct pick_heap, steps);
    for (size_t i = 0; i < steps; i++)
        heaps[i].bar = NAN;
    return heaps;
}

/* The series of `c` gets a row when its first element is picked; *series is UINT32_MAX before. */
static struct err
heap_offer(struct op_pick *o, struct pick_heap *h, const struct column *c, size_t step,
           uint32_t *series)
{
    enum promql_agg op = o->op.plan->aggregate.op;
    double v = c->values[step];
    bool full = (double)h->count >= trunc(o->k[step]);
    if (full && h->count == 0)
        return OK;
    double first = full ? h->v[0].value : 0;
    bool better = op == PROMQL_AGG_TOPK ? first < v : first > v;
    if (full && !better && !(isnan(first) && !isnan(v)))
        return OK;
    if (*series == UINT32_MAX) {
        TRY(label_rows_add(&o->series, c->labels, series));
        o->series.drop_name[*series] = c->drop_name;
    }
    if (full) {
        h->v[0] = (struct pick){v, *series};
        heap_down(h, op);
    } else {
        TRY(exec_hold(o->op.x, 1));
        h->v = arena_more(o->op.x->arena, h->v, sizeof *h->v, h->count, &h->cap);
        h->v[h->count++] = (struct pick){v, *series};
        heap_up(h, op);
        full = (double)h->count >= trunc(o->k[step]);
    }
    if (full)
        h->bar = h->v[0].value;
    return OK;
}

static struct err
pick_drain(struct op_pick *o)
{
    struct exec *x = o->op.x;
    for (struct column *c;;) {
        TRY(op_next(o->child, &c));
        if (!c)
            return OK;
        TRY(exec_work(x, c->end - c->begin + 1));
        if (column_drop_histograms(c)) {
            const struct plan_node *n = o->op.plan;
            TRY(histogram_note_ignored_by(x, promql_aggregator(n->aggregate.op)->name, n->range));
            if (!column_fit(c, n->grid.steps))
                continue;
        }
        uint32_t group, series = UINT32_MAX;
        const struct grouping *by = &o->op.plan->aggregate.grouping;
        size_t before = o->groups.count;
        TRY(label_rows_find(&o->groups, labels_group(&o->scratch, by, c->labels), &group));
        if (group == before) {
            o->heaps = arena_more(x->arena, o->heaps, sizeof *o->heaps, before, &o->heaps_cap);
            o->heaps[group] = heaps_new(x->arena, o->op.plan->grid.steps);
        }
        for (size_t b, e = c->begin; column_next_run(c, &b, &e);)
            for (size_t i = b; i < e; i++)
                if (!heap_refuses(&o->heaps[group][i], o->op.plan->aggregate.op, c->values[i]))
                    TRY(heap_offer(o, &o->heaps[group][i], c, i, &series));
        TRY(arena_check(x->arena));
    }
}

/* Best first, NaN last; of equal ones the series that came first. */
static int
topk_cmp(const void *a, const void *b)
{
    const struct pick *x = a, *y = b;
    if (isnan(x->value) || isnan(y->value) || x->value == y->value) {
        int nan = isnan(x->value) - isnan(y->value);
        return nan ? nan : (x->series > y->series) - (x->series < y->series);
    }
    return x->value > y->value ? -1 : 1;
}

static int
bottomk_cmp(const void *a, const void *b)
{
    const struct pick *x = a, *y = b;
    bool differ = x->value < y->value || x->value > y->value;
    return differ ? -topk_cmp(a, b) : topk_cmp(a, b);
}

/* One step: a row an element, in the order of the result. */
static struct err
pick_rank(struct op_pick *o)
{
    enum promql_agg op = o->op.plan->aggregate.op;
    o->rows = &o->ranked;
    for (size_t g = 0; g < o->groups.count; g++) {
        struct pick_heap *h = o->heaps[g];
        if (h->count)
            qsort(h->v, h->count, sizeof *h->v, op == PROMQL_AGG_TOPK ? topk_cmp : bottomk_cmp);
        for (size_t i = 0; i < h->count; i++) {
            uint32_t row;
            TRY(label_rows_add(&o->ranked, o->series.v[h->v[i].series], &row));
            o->ranked.drop_name[row] = o->series.drop_name[h->v[i].series];
            TRY(scatter_add(&o->points, row, 0, h->v[i].value));
        }
    }
    return OK;
}

/* Many steps: a row a series. */
static struct err
pick_scatter(struct op_pick *o)
{
    o->rows = &o->series;
    for (size_t g = 0; g < o->groups.count; g++)
        for (uint32_t step = 0; step < o->op.plan->grid.steps; step++) {
            const struct pick_heap *h = &o->heaps[g][step];
            for (size_t i = 0; i < h->count; i++)
                TRY(scatter_add(&o->points, h->v[i].series, step, h->v[i].value));
            TRY(exec_work(o->op.x, h->count + 1));
        }
    return OK;
}

static struct err
pick_all(struct op_pick *o)
{
    bool any = false;
    o->drained = true;
    TRY(aggregate_read_k(o->op.x, o->op.plan, &o->k, &any));
    if (any)
        TRY(pick_drain(o));
    if (o->op.plan->grid.steps == 1)
        TRY(pick_rank(o));
    else
        TRY(pick_scatter(o));
    exec_release(o->op.x, o->points.count); /* the heaps are not needed any more */
    return scatter_seal(&o->points, o->rows->count);
}

static struct err
pick_next(struct op *op, struct column **ret_column)
{
    struct op_pick *o = (struct op_pick *)op;
    uint32_t steps = op->plan->grid.steps;
    *ret_column = NULL;
    if (!o->drained)
        TRY(pick_all(o));
    TRY(exec_work(op->x, steps));
    while (o->yielded < o->rows->count && scatter_is_empty(&o->points, o->yielded))
        o->yielded++; /* everything of this series was replaced */
    if (o->yielded == o->rows->count) {
        exec_release(op->x, o->points.count);
        o->points.count = 0;
        return OK;
    }
    scatter_row(&o->points, o->yielded, &o->column, steps);
    o->column.drop_name = o->rows->drop_name[o->yielded];
    o->column.labels = o->rows->v[o->yielded++];
    *ret_column = &o->column;
    return OK;
}

static const struct op_ops pick_ops = {pick_next};

struct op *
op_pick_open(struct exec *x, const struct plan_node *n)
{
    struct op_pick *o = ARENA_NEW(x->arena, struct op_pick);
    o->op = (struct op){&pick_ops, x, n};
    o->child = op_open(x, n->aggregate.child);
    o->scratch.arena = x->arena;
    o->points.x = x;
    label_rows_init(&o->groups, x);
    label_rows_init(&o->series, x);
    label_rows_init(&o->ranked, x);
    column_init(&o->column, x->arena, n->grid.steps);
    return &o->op;
}
