/* metadata_family.h - between metric families and the names of their series.
 *
 * Senders tell metadata a family; the log (record type 6) tells it a series. So a family is logged
 * at a series of one of the names below, and what is logged at a series is known of the family
 * that its name belongs to. The two agree, but for names that say two things: a counter keeps
 * "_total" (text formats have it in the family's name, OpenMetrics has not, so that such a family
 * comes back under its series' name), and a native histogram called "x_count" is taken for "x".
 * Source: prometheus scrape/scrape.go (isSeriesPartOfFamily), OpenMetrics. Threads: any (pure). */
#pragma once
#include "base/arena.h"
#include "tsdb/model/metadata.h"

/* The family of the series with this __name__: a view of it. */
struct str metadata_family_of(struct str metric_name, enum metric_kind kind);

enum { METADATA_METRIC_NAMES_MAX = 4 };
struct metadata_metric_names {
    struct str v[METADATA_METRIC_NAMES_MAX]; /* in the arena, or the family itself */
    size_t n;
};
/* The names that series of this family may have; those of which it has fewest series first. */
struct metadata_metric_names metadata_metric_names(struct arena *a, struct str family,
                                                   enum metric_kind kind);
