/* sample.h - a point of a float series.
 *
 * Values travel as raw bits: the stale marker is a signalling NaN, and an FPU copy may change
 * it. Times are int64 ms since the Unix epoch. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct sample {
    int64_t t_ms;
    uint64_t bits; /* of the double; see bits_of_f64() */
};

/* Prometheus model/value: "this series ended here", and an ordinary NaN. */
#define STALE_NAN_BITS  UINT64_C(0x7ff0000000000002)
#define NORMAL_NAN_BITS UINT64_C(0x7ff8000000000001)

/* Decoded samples side by side, ascending in time; grows on the heap, reused across chunks. */
struct sample_columns {
    int64_t *t_ms;
    uint64_t *bits;
    size_t n, cap;
};
#define SAMPLE_COLUMNS_INIT {NULL, NULL, 0, 0}
/* Room for `more` samples behind the last. */
void sample_columns_reserve(struct sample_columns *c, size_t more);
void sample_columns_fini(struct sample_columns *c);
static inline void
auto_sample_columns_fini(struct sample_columns *c)
{
    sample_columns_fini(c);
}
