/* cardinality.h - what makes a head large: the names, values and pairs with the most series.
 *
 * The figures of /api/v1/status/tsdb, counted as Prometheus 3.14 counts them (tsdb/index
 * postings.go, model/labels SizeOfLabels). A label pair without series, and a name without such
 * pairs, is not there, though the head may still have it. */
#pragma once
#include "tsdb/model/ranks.h"

struct cardinality {
    uint64_t series, pairs;
    uint64_t chunks;                       /* open and finished ones */
    int64_t mint_ms, maxt_ms;              /* of samples */
    struct rank_list series_by_metric;     /* each by amount, then by name; `limit` at most */
    struct rank_list values_by_name;
    struct rank_list bytes_by_name; /* of names and values, in the label sets of all series */
    struct rank_list series_by_pair;
};
/* That of an empty head. */
#define CARDINALITY_EMPTY ((struct cardinality){.mint_ms = INT64_MAX, .maxt_ms = INT64_MIN})
