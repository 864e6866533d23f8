/* instant.c - an instant selector: at each step the newest sample within the lookback, unless
 * it says that the series ended. */
#include "base/assert.h"
#include "base/bytes.h"
#include "querygw/promql/op.h"
#include "querygw/promql/select.h"

struct op_instant {
    struct op op;
    struct select_reader *reader;
    struct column column;
};

/* A sample at t serves the steps T with t <= T - shift < t + lookback. */
static void
instant_fill(const struct op_instant *o, struct column *to)
{
    const struct plan_select *s = &o->op.plan->select;
    const struct promql_grid *g = &o->op.plan->grid;
    const struct sample_columns *from = &o->reader->samples;
    size_t seen = 0;
    for (size_t step = 0; step < g->steps; step++) {
        int64_t time_ms = grid_time_ms(g, step) - s->shift_ms;
        while (seen < from->n && from->t_ms[seen] <= time_ms)
            seen++;
        if (seen == 0 || from->t_ms[seen - 1] <= time_ms - s->window_ms ||
            from->bits[seen - 1] == STALE_NAN_BITS)
            continue;
        column_set(to, step,
                   s->gives_time ? (double)from->t_ms[seen - 1] / 1000
                                 : f64_of_bits(from->bits[seen - 1]));
    }
}

static struct err
instant_next(struct op *op, struct column **ret_column)
{
    struct op_instant *o = (struct op_instant *)op;
    uint32_t steps = op->plan->grid.steps;
    *ret_column = NULL;
    for (bool more;;) {
        TRY(select_next(o->reader, &more));
        if (!more)
            return OK;
        TRY(exec_work(op->x, steps));
        column_clear(&o->column, steps);
        instant_fill(o, &o->column);
        if (column_fit(&o->column, steps))
            break;
    }
    size_t points = column_count(&o->column);
    op->x->stats.samples_total += points;
    op->x->stats.samples_read += points;
    o->column.labels = o->reader->series.labels;
    *ret_column = &o->column;
    return OK;
}

static const struct op_ops instant_ops = {instant_next};

struct op *
op_instant_open(struct exec *x, const struct plan_node *n)
{
    struct op_instant *o = ARENA_NEW(x->arena, struct op_instant);
    o->op = (struct op){&instant_ops, x, n};
    ASSERT(!n->select.fixed); /* plan_expr() put a PLAN_REPEAT above */
    o->reader = select_open(x, &n->select, &n->grid);
    column_init(&o->column, x->arena, n->grid.steps);
    return &o->op;
}
