/* instant.c - an instant selector: at each step the newest sample within the lookback, unless
 * it says that the series ended. Smoothed ones are extended.h's. */
#include "base/assert.h"
#include "base/bytes.h"
#include "querygw/promql/extended.h"
#include "querygw/promql/op.h"
#include "querygw/promql/select.h"

struct op_instant {
    struct op op;
    struct select_reader *reader;
    struct column column;
    struct arena *smoothed; /* histograms of the column; NULL before the first */
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

/* Elements of a series that has histograms: of the newest float and the newest histogram the one
 * that came last. */
static void
instant_fill_mixed(const struct op_instant *o, struct column *to)
{
    const struct plan_select *s = &o->op.plan->select;
    const struct promql_grid *g = &o->op.plan->grid;
    const struct sample_columns *floats = &o->reader->samples;
    const struct histogram_points *histograms = &o->reader->histograms;
    size_t f = 0, h = 0;
    for (size_t step = 0; step < g->steps; step++) {
        int64_t time_ms = grid_time_ms(g, step) - s->shift_ms;
        while (f < floats->n && floats->t_ms[f] <= time_ms)
            f++;
        while (h < histograms->n && histograms->t_ms[h] <= time_ms)
            h++;
        bool is_float = h == 0 || (f > 0 && floats->t_ms[f - 1] > histograms->t_ms[h - 1]);
        if (f + h == 0)
            continue;
        int64_t t_ms = is_float ? floats->t_ms[f - 1] : histograms->t_ms[h - 1];
        if (t_ms <= time_ms - s->window_ms ||
            (is_float ? floats->bits[f - 1] == STALE_NAN_BITS
                      : float_histogram_is_stale(histograms->v[h - 1])))
            continue;
        if (s->gives_time && (is_float || !s->keeps_histograms))
            column_set(to, step, (double)t_ms / 1000);
        else if (s->gives_start && !is_float)
            column_set(to, step, (double)histograms->start_ms[h - 1] / 1000);
        else if (is_float)
            column_set(to, step, f64_of_bits(floats->bits[f - 1]));
        else
            column_set_histogram(to, o->op.x->arena, g->steps, step, histograms->v[h - 1]);
    }
}

/* A histogram counts for more than one sample. */
static size_t
element_samples(const struct column *c, size_t step)
{
    const struct float_histogram *h = column_histogram(c, step);
    return h ? histogram_point_samples(h) : 1;
}

static void
count_samples(struct promql_stats *stats, const struct column *c)
{
    if (!stats->steps && !c->histograms) {
        size_t points = column_count(c);
        stats_count(stats, 0, points, points);
        return;
    }
    for (size_t i = c->begin; i < c->end; i++)
        if (column_has(c, i))
            stats_count(stats, i, element_samples(c, i), element_samples(c, i));
}

/* start_timestamp(): the samples get their start timestamps for values. */
static void
put_starts(struct select_reader *r)
{
    const int64_t *starts_ms = select_starts(r);
    for (size_t i = 0; i < r->samples.n; i++)
        if (r->samples.bits[i] != STALE_NAN_BITS)
            r->samples.bits[i] = bits_of_f64(starts_ms ? (double)starts_ms[i] / 1000 : 0);
}

static struct err
smooth(struct op_instant *o)
{
    const struct plan_node *n = o->op.plan;
    select_drop_stale(o->reader);
    extended_smooth(&n->select, &n->grid, &o->reader->samples, &o->column);
    if (o->reader->histograms.n == 0)
        return OK;
    if (!o->smoothed)
        o->smoothed = exec_scratch(o->op.x);
    arena_reset(o->smoothed);
    return extended_smooth_histograms(o->reader, n->range, o->smoothed, &o->column);
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
        if (op->plan->select.gives_start)
            put_starts(o->reader);
        if (op->plan->select.after_ms)
            TRY(smooth(o));
        else if (o->reader->histograms.n)
            instant_fill_mixed(o, &o->column);
        else
            instant_fill(o, &o->column);
        if (column_fit(&o->column, steps))
            break;
    }
    if (!op->plan->select.after_ms) /* smoothed samples are not counted, as in Prometheus */
        count_samples(&op->x->stats, &o->column);
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
