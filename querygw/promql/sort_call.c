/* sort_call.c - sort(), sort_by_label() and their descending twins.
 *
 * They order the answer of an instant query. A range query is ordered by labels whatever they
 * do: there they hand their argument on and warn. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "querygw/promql/natural.h"
#include "querygw/promql/op.h"

struct sorted {
    struct labels labels;
    double value;
};

struct op_sort {
    struct op op;
    struct op *child;
    bool started;
    struct sorted *v; /* the child's elements, in order */
    size_t count, cap, yielded;
    struct column column;
};

static struct err
sort_keep(struct op_sort *o, const struct column *c)
{
    struct exec *x = o->op.x;
    TRY(exec_hold(x, 1));
    TRY(arena_check(x->arena));
    if (o->count == o->cap) {
        o->cap = size_max(2 * o->cap, 16);
        struct sorted *bigger = ARENA_ARRAY(x->arena, struct sorted, o->cap);
        if (o->count)
            memcpy(bigger, o->v, o->count * sizeof *bigger);
        o->v = bigger;
    }
    o->v[o->count++] = (struct sorted){labels_copy(x->arena, c->labels), c->values[0]};
    return exec_work(x, 1);
}

/* NaN comes last in both directions; equal values go by labels. */
static int
sort_by_value(const struct plan_node *n, const struct sorted *a, const struct sorted *b)
{
    int order = isnan(a->value) - isnan(b->value);
    if (order == 0 && a->value != b->value && !isnan(a->value)) {
        order = a->value < b->value ? -1 : 1;
        order = n->sort.descending ? -order : order;
    }
    return order ? order : labels_cmp(a->labels, b->labels);
}

static int
sort_by_labels(const struct plan_node *n, const struct sorted *a, const struct sorted *b)
{
    int order = 0;
    for (size_t i = 0; order == 0 && i < n->sort.name_count; i++)
        order = natural_cmp(labels_get(a->labels, n->sort.names[i]),
                            labels_get(b->labels, n->sort.names[i]));
    if (order == 0)
        order = labels_cmp(a->labels, b->labels);
    return n->sort.descending ? -order : order;
}

static int
sort_cmp(const void *a, const void *b, void *arg)
{
    const struct plan_node *n = arg;
    return n->sort.by_labels ? sort_by_labels(n, a, b) : sort_by_value(n, a, b);
}

static struct err
sort_drain(struct op_sort *o)
{
    struct plan_node plan = *o->op.plan; /* qsort_r() knows no const */
    for (struct column *c;;) {
        TRY(op_next(o->child, &c));
        if (!c)
            break;
        TRY(sort_keep(o, c));
    }
    if (o->count)
        qsort_r(o->v, o->count, sizeof *o->v, sort_cmp, &plan);
    return OK;
}

static struct err
sort_next(struct op *op, struct column **ret_column)
{
    struct op_sort *o = (struct op_sort *)op;
    if (!o->started) {
        o->started = true;
        TRY(sort_drain(o));
    }
    *ret_column = NULL;
    if (o->yielded == o->count)
        return OK;
    const struct sorted *s = &o->v[o->yielded++];
    exec_release(op->x, 1);
    o->column.labels = s->labels;
    o->column.values[0] = s->value;
    column_fill(&o->column, 1);
    *ret_column = &o->column;
    return OK;
}

static struct err
sort_next_in_range(struct op *op, struct column **ret_column)
{
    struct op_sort *o = (struct op_sort *)op;
    if (!o->started) {
        o->started = true;
        TRY(notes_add(&op->x->notes, NOTE_WARNING, op->plan->range,
                      STR("PromQL warning: sort is ineffective for range queries since results "
                          "are always ordered by labels")));
    }
    return op_next(o->child, ret_column);
}

static const struct op_ops sort_ops = {sort_next};
static const struct op_ops sort_in_range_ops = {sort_next_in_range};

struct op *
op_sort_open(struct exec *x, const struct plan_node *n)
{
    struct op_sort *o = ARENA_NEW(x->arena, struct op_sort);
    o->op = (struct op){n->sort.in_range ? &sort_in_range_ops : &sort_ops, x, n};
    o->child = op_open(x, n->sort.child);
    column_init(&o->column, x->arena, 1);
    return &o->op;
}
