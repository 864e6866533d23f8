/* kahan.h - a mean built on compensated sums.
 *
 * Bit for bit what prometheus promql does, so that means agree in the last digit; the folder is
 * compiled with -ffp-contract=off for the same reason. Pure functions. */
#pragma once
#include <stdbool.h>

#include "base/kahan.h"

/* A mean: sum over count until the sum would overflow, then a running mean. */
struct kahan_mean {
    struct kahan k; /* of the values, or the mean itself once `running` */
    double count;
    bool running;
};

static inline void
kahan_mean_add(struct kahan_mean *m, double v)
{
    m->count++;
    if (m->count == 1) { /* an infinite first value does not yet count as an overflow */
        m->k = (struct kahan){v, 0};
        return;
    }
    if (!m->running) {
        struct kahan next = m->k;
        kahan_add(&next, v);
        if (!isinf(next.sum)) {
            m->k = next;
            return;
        }
        m->running = true;
        m->k.sum /= m->count - 1;
        m->k.c /= m->count - 1;
    }
    double q = (m->count - 1) / m->count;
    m->k.sum *= q;
    m->k.c *= q;
    kahan_add(&m->k, v / m->count);
}

static inline double
kahan_mean_value(const struct kahan_mean *m)
{
    if (m->running)
        return m->k.sum + m->k.c;
    return m->k.sum / m->count + m->k.c / m->count;
}
