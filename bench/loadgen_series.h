/* loadgen_series.h - the load as a pure function: labels of series i, value and time of its
 * sample j, all decided by the seed. A checker can compute them again: bench/README.md.
 *
 * Threads: any. */
#pragma once
#include "base/str.h"
#include "tsdb/model/sample.h"

enum load_shape {
    LOAD_INDEX,   /* i * 1000 + j: what checkers want */
    LOAD_COUNTER, /* grows by about the same at every step */
    LOAD_GAUGE,   /* jumps about, two decimals */
    LOAD_CONST,   /* never changes */
    LOAD_MIX,     /* by i % 10: 0-3 counter, 4-6 gauge, 7-9 const */
};

struct load_spec {
    uint64_t seed;
    enum load_shape shape;
    int64_t start_ms, interval_ms;
    uint64_t families;                  /* names of a pod, the first of LOAD_FAMILIES; 0: all */
    uint64_t churn_percent;             /* of the pods; they are renamed ... */
    uint64_t churn_every;               /* ... every so many samples, > 0 */
    struct str extra_name, extra_value; /* one more label for all; empty name: none */
};

enum { LOAD_LABELS_MAX = 12, LOAD_FAMILIES = 10 };

struct load_label {
    const char *name;
    char value[120];
};

/* The labels of series `i` when its sample `j` is written, sorted; returns how many. */
size_t load_labels(const struct load_spec *spec, uint64_t i, uint64_t j,
                   struct load_label labels[LOAD_LABELS_MAX]);
/* The same as a label key, appended to *to. */
void load_label_key(const struct load_spec *spec, uint64_t i, uint64_t j, struct buf *to);
struct sample load_sample(const struct load_spec *spec, uint64_t i, uint64_t j);
