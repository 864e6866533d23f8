/* metrics.h - counters, gauges and histograms, and their text exposition.
 *
 * A registry holds families; a family (one name, type, help, label names) holds one child a
 * combination of label values. Updating a child is a relaxed atomic: cheap enough for hot
 * paths once the child pointer is kept. Children live as long as the registry, unless they are
 * removed.
 * Exposition: Prometheus text 0.0.4 and OpenMetrics 1.0.0 (counters get _total there as the
 * format demands; register them with their full name, "..._total").
 * Threads: any. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct metrics;
struct metric_family;
struct metric; /* one child */

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };
enum metrics_format { METRICS_TEXT, METRICS_OPENMETRICS };

enum { METRIC_LABELS_MAX = 8, METRIC_CHILDREN_MAX_DEFAULT = 10000 };

struct metric_spec {
    enum metric_type type;
    const char *name;                       /* static */
    const char *help;                       /* static */
    const char *labels[METRIC_LABELS_MAX];  /* static; NULL ends the list */
    const double *buckets;                  /* histograms: upper bounds, ascending, no +Inf */
    size_t bucket_count;
    size_t children_max; /* 0: METRIC_CHILDREN_MAX_DEFAULT; past it one child "other" is shared,
                          * and mneme_metrics_overflows_total counts its look-ups */
};

struct metrics *metrics_open(void);
void metrics_close(struct metrics *m);

/* The same name must come with the same spec; the second call then returns the first family. */
struct metric_family *metrics_family(struct metrics *m, const struct metric_spec *spec);
/* The child for these label values, made when it is new; `values` has one per label. */
struct metric *metric_with(struct metric_family *f, const struct str *values, size_t count);
/* Takes the child of these label values out of every later exposition; none is fine. Nobody may
 * use its pointer any more: for things that come and go by the thousand. */
void metric_remove(struct metric_family *f, const struct str *values, size_t count);
/* For families without labels: family and its only child in one call. */
struct metric *metrics_single(struct metrics *m, const struct metric_spec *spec);

void metric_add(struct metric *c, double amount); /* counters: amount >= 0 */
void metric_inc(struct metric *c);
void metric_set(struct metric *c, double value); /* gauges only */
void metric_observe(struct metric *c, double value); /* histograms only */
double metric_value(const struct metric *c);     /* of a counter or gauge */

/* For label values that come from outside: the first `max` that are seen pass, the others become
 * "other", while the labels beside them stay what they are (which children_max cannot do). The same
 * name gives the same bound. Never freed before the registry. */
struct metric_bound;
struct metric_bound *metrics_bound(struct metrics *m, const char *name, size_t max);
/* `value` itself, or "other", which mneme_metrics_overflows_total counts. */
struct str metric_bound_pass(struct metric_bound *b, struct str value);

/* Called at the start of every exposition, to set gauges that are read on demand. */
void metrics_on_collect(struct metrics *m, void (*collect)(void *arg), void *arg);
/* Removes every collector with this argument and waits until none of them is running; not
 * from inside a collector. */
void metrics_off_collect(struct metrics *m, void *arg);

/* Appends the whole exposition, families sorted by name, children by their label values, so that
 * two can be compared. */
void metrics_write(struct metrics *m, enum metrics_format format, struct buf *to);
/* The same as a JSON array of the families whose name wanted() takes (NULL: all), as protojson
 * writes io.prometheus.client.MetricFamily. */
void metrics_write_json(struct metrics *m, bool (*wanted)(void *arg, struct str name), void *arg,
                        struct buf *to);
