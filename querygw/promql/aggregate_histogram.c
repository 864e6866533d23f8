/* aggregate_histogram.c - sum and avg of histograms by group. */
#include "querygw/promql/aggregate_histogram.h"

#include "querygw/promql/histogram_point.h"

static struct histogram_total *
total_at(struct exec *x, const struct plan_node *n, struct group_histograms *g, size_t step)
{
    if (!g->totals)
        g->totals = ARENA_ARRAY(x->arena, struct histogram_total *, n->grid.steps);
    if (!g->totals[step]) {
        g->totals[step] = ARENA_NEW(x->arena, struct histogram_total);
        g->totals[step]->arena = x->arena;
        g->totals[step]->kind =
            n->aggregate.op == PROMQL_AGG_SUM ? HISTOGRAM_TOTAL_SUM : HISTOGRAM_TOTAL_MEAN;
    }
    return g->totals[step];
}

struct err
group_histograms_take(struct exec *x, const struct plan_node *n, struct group_histograms *g,
                      struct column *c, bool *ret_floats)
{
    for (size_t i = c->begin; i < c->end; i++) {
        const struct float_histogram *h = column_has(c, i) ? column_histogram(c, i) : NULL;
        if (!h)
            continue;
        TRY(exec_work(x, 1 + h->positive.n + h->negative.n));
        if (!histogram_total_add(total_at(x, n, g, i), h))
            TRY(histogram_note_metric(x, HISTOGRAM_NOTE_MIXED_SCHEMAS, n->aggregate.child_range,
                                      c->labels));
        TRY(arena_check(x->arena));
    }
    column_drop_histograms(c);
    *ret_floats = column_fit(c, n->grid.steps);
    return OK;
}

static struct err
finish_step(struct exec *x, const struct plan_node *n, struct histogram_total *total,
            struct column *to, size_t step)
{
    struct promql_range range = n->aggregate.child_range;
    if (column_has(to, step)) {
        column_unset(to, step);
        return notes_add(&x->notes, NOTE_WARNING, range,
                         STR("PromQL warning: encountered a mix of histograms and floats for "
                             "aggregation"));
    }
    if (total->incompatible)
        return OK;
    struct float_histogram *h = histogram_total_value(total);
    float_histogram_compact(h, x->arena);
    column_set_histogram(to, x->arena, n->grid.steps, step, h);
    return histogram_note_findings(x, histogram_total_findings(total), range, "aggregation");
}

struct err
group_histograms_finish(struct exec *x, const struct plan_node *n, struct group_histograms *g,
                        struct column *to)
{
    for (size_t i = 0; g->totals && i < n->grid.steps; i++)
        if (g->totals[i])
            TRY(finish_step(x, n, g->totals[i], to, i));
    return arena_check(x->arena);
}
