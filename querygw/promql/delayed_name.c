/* delayed_name.c - names that go at once, or when the query ends. */
#include "querygw/promql/delayed_name.h"

#include "querygw/promql/engine.h"

struct err
drop_name(struct label_guard *guard, struct label_scratch *to, struct column *c)
{
    if (guard->x->limits.delays_names) {
        c->drop_name = true; /* labels stay as different as they were */
        return OK;
    }
    c->labels = labels_drop_metric(to, c->labels);
    return label_guard_pass(guard, c);
}

void
delayed_names_init(struct delayed_names *d, struct exec *x, uint32_t steps)
{
    *d = (struct delayed_names){.scratch.arena = x->arena};
    label_guard_init(&d->guard, x, LABEL_GUARD_DISJOINT, steps);
}

struct err
delayed_names_drop(struct delayed_names *d, struct column *c)
{
    if (c->drop_name)
        c->labels = labels_drop_metric(&d->scratch, c->labels);
    return label_guard_pass(&d->guard, c);
}

struct err
delayed_names_join(struct arena *a, struct promql_series *s, const struct promql_series *more)
{
    size_t n = (size_t)s->end + more->end;
    if (n > UINT32_MAX)
        return ERR(ERR_LIMIT, "query: a series with more than %u samples", UINT32_MAX);
    int64_t *t_ms = arena_alloc(a, n * sizeof *t_ms);
    double *values = arena_alloc(a, n * sizeof *values);
    const struct float_histogram **histograms = NULL;
    if (s->histograms || more->histograms)
        histograms = ARENA_ARRAY(a, const struct float_histogram *, n);
    for (size_t to = 0, i = 0, k = 0; to < n; to++) {
        bool both = i < s->end && k < more->end;
        if (both && s->t_ms[i] == more->t_ms[k])
            return ERR(ERR_EXECUTION, "vector cannot contain metrics with the same labelset");
        bool first = both ? s->t_ms[i] < more->t_ms[k] : i < s->end;
        const struct promql_series *from = first ? s : more;
        size_t at = first ? i++ : k++;
        t_ms[to] = from->t_ms[at];
        values[to] = from->values[at];
        if (from->histograms)
            histograms[to] = from->histograms[at];
    }
    *s = (struct promql_series){.labels = s->labels,
                                .t_ms = t_ms,
                                .values = values,
                                .histograms = histograms,
                                .end = (uint32_t)n};
    return OK;
}
