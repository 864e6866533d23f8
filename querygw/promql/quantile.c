/* quantile.c - interpolates between neighbours. */
#include "querygw/promql/quantile.h"

#include <stdlib.h>

#include "base/numtext.h"

static int
value_cmp(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return value_less(y, x) - value_less(x, y);
}

void
values_sort(double *v, size_t n)
{
    qsort(v, n, sizeof *v, value_cmp);
}

double
quantile_of_sorted(double q, const double *v, size_t n)
{
    if (isnan(q))
        return NAN;
    if (q < 0 || q > 1)
        return q < 0 ? -INFINITY : INFINITY;
    double rank = q * (double)(n - 1), weight = rank - floor(rank);
    size_t lower = (size_t)rank, upper = lower + 1 < n ? lower + 1 : n - 1;
    return v[lower] * (1 - weight) + v[upper] * weight;
}

struct err
quantile_check(struct exec *x, double q, struct promql_range range)
{
    if (q >= 0 && q <= 1)
        return OK;
    char text[NUMTEXT_BYTES_MAX];
    size_t n = numtext_g(q, text);
    AUTO(buf_fini) struct buf note = BUF_INIT;
    buf_printf(&note, "PromQL warning: quantile value should be between 0 and 1, got %.*s", (int)n,
               text);
    return notes_add(&x->notes, NOTE_WARNING, range, buf_str(&note));
}
