/* bucket_notes.h - what histogram functions tell about their input: labels that are no bounds,
 * counts that fell. Threads: one query. */
#pragma once
#include "querygw/promql/bucket.h"
#include "querygw/promql/exec.h"

struct raised;

/* Counts that were raised, by metric. */
struct bucket_notes {
    struct exec *x; /* borrowed */
    struct key_map numbers;
    struct raised *v; /* one a metric */
    size_t count, cap;
};

void bucket_notes_init(struct bucket_notes *b, struct exec *x);
/* What a note calls the metric: nothing, unless names stay until the query ends. */
struct str bucket_notes_name(const struct exec *x, struct labels labels);
/* A series whose label "le" is no number. */
struct err bucket_notes_bad_bound(struct exec *x, struct labels labels, struct promql_range range);
/* What computing with a native histogram of the series found: histogram_stats.h. */
struct err bucket_notes_native(struct exec *x, struct labels labels, struct promql_range range,
                               unsigned findings);
/* A classic and a native histogram of the same labels at one time. */
struct err bucket_notes_both_kinds(struct exec *x, struct labels labels, struct promql_range range);
/* The counts of a histogram of metric `name` were raised at this time. */
struct err bucket_notes_add(struct bucket_notes *b, struct str name, int64_t t_ms,
                            const struct bucket_fix *fix);
/* Tells one info a metric. */
struct err bucket_notes_finish(struct bucket_notes *b, struct promql_range range);
