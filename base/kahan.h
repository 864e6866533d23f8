/* kahan.h - Neumaier's variant of Kahan's compensated sum.
 *
 * Bit for bit what prometheus util/kahansum does, so that sums agree in the last digit; folders
 * that use it are compiled with -ffp-contract=off for the same reason. Pure functions. */
#pragma once
#include <math.h>

struct kahan {
    double sum, c; /* the value is sum + c */
};

static inline void
kahan_add(struct kahan *k, double v)
{
    double t = k->sum + v;
    double larger = fabs(k->sum) >= fabs(v) ? k->sum : v;
    double smaller = fabs(k->sum) >= fabs(v) ? v : k->sum;
    k->c = isinf(t) ? 0 : k->c + ((larger - t) + smaller);
    k->sum = t;
}

static inline double
kahan_value(const struct kahan *k)
{
    return isinf(k->sum) ? k->sum : k->sum + k->c;
}
