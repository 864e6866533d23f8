/* aggregate_values.c - count_values: how many elements of a group have each value.
 *
 * The value becomes a label before the elements are grouped, so it may replace a label and may
 * itself be grouped away. */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/numtext.h"
#include "base/quote.h"
#include "querygw/promql/element.h"
#include "querygw/promql/label_rows.h"
#include "querygw/promql/op.h"
#include "querygw/promql/scatter.h"

struct op_values {
    struct op op;
    struct op *child;
    bool drained;
    struct label_rows rows;
    struct label_scratch scratch[2];
    struct scatter points;
    size_t yielded;
    struct column column;
};

/* The row of a series of these labels whose element is written as `text`. */
static struct err
values_row(struct op_values *o, struct labels l, struct str text, uint32_t *ret_row)
{
    const struct plan_node *n = o->op.plan;
    struct label label = {n->aggregate.label, text};
    const struct grouping name = {.names = &label.name, .count = 1};
    l = labels_include(&o->scratch[0], &name, l, (struct labels){&label, 1});
    l = labels_group(&o->scratch[1], &n->aggregate.grouping, l);
    return label_rows_find(&o->rows, l, ret_row);
}

static void
element_format(const struct element *e, struct buf *to)
{
    char text[NUMTEXT_BYTES_MAX];
    if (e->histogram)
        float_histogram_format(e->histogram, to);
    else
        buf_append(to, str_of(text, numtext_f(e->value, text)));
}

/* As one label, neighbours are often equal. */
static bool
same_element(const struct element *a, const struct element *b)
{
    return a->histogram == b->histogram &&
           (a->histogram || bits_of_f64(a->value) == bits_of_f64(b->value));
}

static struct err
values_add(struct op_values *o, const struct column *c)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    uint32_t row = 0;
    struct element last = {0};
    for (size_t b, e = c->begin; column_next_run(c, &b, &e);)
        for (size_t i = b; i < e; i++) {
            struct element now = column_element(c, i);
            if (text.n == 0 || !same_element(&now, &last)) {
                buf_clear(&text);
                element_format(&now, &text);
                TRY(values_row(o, c->labels, buf_str(&text), &row));
            }
            last = now;
            TRY(scatter_add(&o->points, row, (uint32_t)i, 1));
        }
    return arena_check(o->op.x->arena);
}

static struct err
values_drain(struct op_values *o)
{
    struct str name = o->op.plan->aggregate.label;
    o->drained = true;
    if (name.n == 0 || !str_is_utf8(name)) {
        AUTO(buf_fini) struct buf quoted = BUF_INIT;
        quote_text(name, &quoted);
        return ERR(ERR_EXECUTION, "invalid label name %.*s", STR_FMT(buf_str(&quoted)));
    }
    for (struct column *c;;) {
        TRY(op_next(o->child, &c));
        if (!c)
            return scatter_seal(&o->points, o->rows.count);
        TRY(exec_work(o->op.x, c->end - c->begin + 1));
        TRY(values_add(o, c));
    }
}

static struct err
values_next(struct op *op, struct column **ret_column)
{
    struct op_values *o = (struct op_values *)op;
    if (!o->drained)
        TRY(values_drain(o));
    TRY(exec_work(op->x, op->plan->grid.steps));
    *ret_column = NULL;
    if (o->yielded == o->rows.count) {
        exec_release(op->x, o->points.count);
        o->points.count = 0;
        return OK;
    }
    scatter_row(&o->points, o->yielded, &o->column, op->plan->grid.steps);
    o->column.labels = o->rows.v[o->yielded++];
    *ret_column = &o->column;
    return OK;
}

static const struct op_ops values_ops = {values_next};

struct op *
op_values_open(struct exec *x, const struct plan_node *n)
{
    struct op_values *o = ARENA_NEW(x->arena, struct op_values);
    o->op = (struct op){&values_ops, x, n};
    o->child = op_open(x, n->aggregate.child);
    o->scratch[0].arena = o->scratch[1].arena = x->arena;
    o->points.x = x;
    label_rows_init(&o->rows, x);
    column_init(&o->column, x->arena, n->grid.steps);
    return &o->op;
}
