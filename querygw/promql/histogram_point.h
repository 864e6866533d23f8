/* histogram_point.h - what native histograms weigh in a query, and what is told about them.
 *
 * Texts are Prometheus'. Source: prometheus promql/value.go (HPoint), util/annotations.
 * Threads: one query, one thread. */
#pragma once
#include "base/bytes.h"
#include "querygw/promql/exec.h"
#include "querygw/promql/step.h"

/* For how many samples in memory a histogram counts. */
size_t histogram_point_samples(const struct float_histogram *h);
/* A copy in `a` that counts as in memory: ERR_LIMIT. */
struct err histogram_point_keep(struct exec *x, struct arena *a, const struct float_histogram *h,
                                const struct float_histogram **ret_copy);

/* The histograms of a series, ascending in time; arrays and histograms live elsewhere. */
struct histogram_points {
    int64_t *t_ms;
    int64_t *start_ms; /* start timestamps, 0 for none */
    const struct float_histogram **v;
    size_t n, cap;
};
/* The arrays are in `a`. */
void histogram_points_add(struct histogram_points *p, struct arena *a, int64_t t_ms,
                          int64_t start_ms, const struct float_histogram *h);
/* Without what its hint tells of the sample before, where another one may be: `h`, or a copy that
 * shares its buckets. */
const struct float_histogram *histogram_forget_reset(struct arena *a,
                                                     const struct float_histogram *h);
/* Brings [from, n), which ascends, in order with what stands before it; of two at one time the
 * later one stays. */
void histogram_points_merge_tail(struct histogram_points *p, struct arena *a, size_t from);

static inline bool
float_histogram_is_stale(const struct float_histogram *h)
{
    return bits_of_f64(h->sum) == STALE_NAN_BITS;
}

/* Copies of the histograms of [begin, end) of a column into to[0...]: entries of absent steps and
 * of floats stay as they are. All count as in memory: *ret_samples. Neighbours that are the same
 * histogram share a copy. */
struct err histogram_points_keep(struct exec *x, struct arena *a, const struct column *c,
                                 const struct float_histogram **to, size_t *ret_samples);

/* About one metric. */
enum histogram_note {
    HISTOGRAM_NOTE_MIXED,         /* floats and histograms where only one kind can be */
    HISTOGRAM_NOTE_MIXED_SCHEMAS, /* custom bounds and exponential ones */
    HISTOGRAM_NOTE_NO_COUNTER,    /* a gauge where a counter is wanted */
    HISTOGRAM_NOTE_NO_GAUGE,      /* a counter where a gauge is wanted */
    HISTOGRAM_NOTE_IGNORED,       /* in a range that has floats too */
    HISTOGRAM_NOTE_COUNT_OF,
};
struct err histogram_note_metric(struct exec *x, enum histogram_note note,
                                 struct promql_range range, struct labels series);

/* What combining histograms found, of an operation: "addition", "subtraction", "aggregation". */
struct err histogram_note_findings(struct exec *x, unsigned findings, struct promql_range range,
                                   const char *operation);
/* An aggregation that knows floats only met a histogram. */
struct err histogram_note_ignored_by(struct exec *x, struct str aggregator,
                                     struct promql_range range);
