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

static struct err
note_mix(struct exec *x, const struct plan_node *n)
{
    return notes_add(&x->notes, NOTE_WARNING, n->aggregate.child_range,
                     STR("PromQL warning: encountered a mix of histograms and floats for "
                         "aggregation"));
}

/* Behind a float there will be no sum. Behind histograms that do not go together nothing counts any
 * more, floats neither: what was mixed before is told now. */
static struct err
take_histogram(struct exec *x, const struct plan_node *n, struct histogram_total *total,
               const struct float_histogram *h, bool behind_float, struct labels series)
{
    if ((!total->value && behind_float) || histogram_total_add(total, h))
        return OK;
    if (behind_float)
        TRY(note_mix(x, n));
    return histogram_note_metric(x, HISTOGRAM_NOTE_MIXED_SCHEMAS, n->aggregate.child_range, series);
}

struct err
group_histograms_take(struct exec *x, const struct plan_node *n, struct group_histograms *g,
                      const struct column *floats, struct column *c, bool *ret_floats)
{
    for (size_t i = c->begin; i < c->end; i++) {
        const struct float_histogram *h = column_has(c, i) ? column_histogram(c, i) : NULL;
        if (!h)
            continue;
        TRY(exec_work(x, 1 + h->positive.n + h->negative.n));
        TRY(take_histogram(x, n, total_at(x, n, g, i), h, column_has(floats, i), c->labels));
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
    unsigned findings = histogram_total_findings(total);
    bool mixed = column_has(to, step);
    column_unset(to, step);
    if (mixed && !total->incompatible)
        TRY(note_mix(x, n));
    if (mixed || total->incompatible) {
        findings &= FLOAT_HISTOGRAM_BOUNDS_DIFFER;
    } else {
        struct float_histogram *h = histogram_total_value(total);
        float_histogram_compact(h, x->arena);
        column_set_histogram(to, x->arena, n->grid.steps, step, h);
    }
    return histogram_note_findings(x, findings, n->aggregate.child_range, "aggregation");
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
