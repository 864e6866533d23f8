/* kahan_lanes.c - what rounding loses of a sum is a double itself as long as nothing overflows, so
 * Knuth's TwoSum, which compares nothing, finds the same one as kahan_add(). */
#include "base/kahan_lanes.h"

typedef double pair __attribute__((vector_size(2 * sizeof(double))));
_Static_assert(KAHAN_LANES == 4, "two pairs");

void
kahan_lanes_add_in_pairs(const double *v, size_t n, struct kahan k[KAHAN_LANES])
{
    pair s0 = {k[0].sum, k[1].sum}, s1 = {k[2].sum, k[3].sum};
    pair c0 = {k[0].c, k[1].c}, c1 = {k[2].c, k[3].c};
    for (size_t i = 0; i < n; i++) {
        pair x = {v[i], v[i]};
        pair t0 = s0 + x, t1 = s1 + x;
        pair z0 = t0 - s0, z1 = t1 - s1;
        c0 += (s0 - (t0 - z0)) + (x - z0);
        c1 += (s1 - (t1 - z1)) + (x - z1);
        s0 = t0;
        s1 = t1;
    }
    k[0] = (struct kahan){s0[0], c0[0]};
    k[1] = (struct kahan){s0[1], c0[1]};
    k[2] = (struct kahan){s1[0], c1[0]};
    k[3] = (struct kahan){s1[1], c1[1]};
}

#if defined(__x86_64__)
typedef double quad __attribute__((vector_size(4 * sizeof(double))));

static void __attribute__((target("avx2")))
add_in_quads(const double *v, size_t n, struct kahan k[KAHAN_LANES])
{
    quad s = {k[0].sum, k[1].sum, k[2].sum, k[3].sum};
    quad c = {k[0].c, k[1].c, k[2].c, k[3].c};
    for (size_t i = 0; i < n; i++) {
        quad x = {v[i], v[i], v[i], v[i]};
        quad t = s + x, z = t - s;
        c += (s - (t - z)) + (x - z);
        s = t;
    }
    for (size_t i = 0; i < KAHAN_LANES; i++)
        k[i] = (struct kahan){s[i], c[i]};
}

void
kahan_lanes_add(const double *v, size_t n, struct kahan sums[KAHAN_LANES])
{
    if (__builtin_cpu_supports("avx2"))
        add_in_quads(v, n, sums);
    else
        kahan_lanes_add_in_pairs(v, n, sums);
}
#else
void
kahan_lanes_add(const double *v, size_t n, struct kahan sums[KAHAN_LANES])
{
    kahan_lanes_add_in_pairs(v, n, sums);
}
#endif
