/* sort_call.c - sort(), sort_by_label() and their descending twins.
 *
 * They order the answer of an instant query. A range query is ordered by labels whatever they
 * do: there they hand their argument on and warn. */
#include <math.h>
#include <stdlib.h>

#include "querygw/promql/element.h"
#include "querygw/promql/histogram_point.h"
#include "querygw/promql/natural.h"
#include "querygw/promql/op.h"

struct sorted {
    struct labels labels;
    struct element element;
    bool drop_name;
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
    o->v = arena_more(x->arena, o->v, sizeof *o->v, o->count, &o->cap);
    struct sorted *s = &o->v[o->count++];
    *s = (struct sorted){labels_copy(x->arena, c->labels), column_element(c, 0), c->drop_name};
    if (s->element.histogram)
        TRY(histogram_point_keep(x, x->arena, s->element.histogram, &s->element.histogram));
    return exec_work(x, 1);
}

/* NaN comes last in both directions; equal values go by labels. */
static int
sort_by_value(const struct plan_node *n, const struct sorted *a, const struct sorted *b)
{
    double x = a->element.value, y = b->element.value;
    int order = isnan(x) - isnan(y);
    if (order == 0 && x != y && !isnan(x)) {
        order = x < y ? -1 : 1;
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

/* Histograms have no value to sort by: they are left out. False when nothing stays of `c`. */
static bool
sort_takes(const struct op_sort *o, struct column *c)
{
    if (o->op.plan->sort.by_labels || !column_drop_histograms(c))
        return true;
    return column_fit(c, o->op.plan->grid.steps);
}

static struct err
sort_drain(struct op_sort *o)
{
    struct plan_node plan = *o->op.plan; /* qsort_r() knows no const */
    for (struct column *c;;) {
        TRY(op_next(o->child, &c));
        if (!c)
            break;
        if (sort_takes(o, c))
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
    column_clear(&o->column, 1);
    o->column.drop_name = s->drop_name;
    column_set_element(&o->column, op->x->arena, 1, 0, &s->element);
    column_fit(&o->column, 1);
    *ret_column = &o->column;
    return OK;
}

static struct err
sort_next_in_range(struct op *op, struct column **ret_column)
{
    struct op_sort *o = (struct op_sort *)op;
    if (!o->started) {
        o->started = true;
        if (op->plan->sort.warns)
            TRY(notes_add(&op->x->notes, NOTE_WARNING, op->plan->range,
                          STR("PromQL warning: sort is ineffective for range queries since results "
                              "are always ordered by labels")));
    }
    do {
        TRY(op_next(o->child, ret_column));
    } while (*ret_column && !sort_takes(o, *ret_column));
    return OK;
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
