/* kahan.h - Neumaier's variant of Kahan's compensated sum, and the mean built on it.
 *
 * Bit for bit what prometheus util/kahansum does, so that sums agree in the last digit; the
 * folder is compiled with -ffp-contract=off for the same reason. Pure functions. */
#pragma once
#include <math.h>
#include <stdbool.h>

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
