/* exemplar.h - an example of what a series measured: a value with labels of its own, as a trace.
 *
 * Source: prometheus model/exemplar. Threads: any (values). */
#pragma once
#include "tsdb/model/labels.h"
#include "tsdb/model/matcher.h"

/* Of names and values of its labels together, in characters (Unicode code points). */
enum { EXEMPLAR_LABEL_CHARACTERS_MAX = 128 };

struct exemplar {
    int64_t t_ms;
    uint64_t bits; /* of the double */
    struct labels labels; /* borrowed as its maker says */
};

/* Those of series that match all matchers of any set, between mint and maxt, both included. */
struct exemplar_query {
    const struct matchers *sets; /* borrowed */
    size_t set_count;
    int64_t mint_ms, maxt_ms;
};

/* The exemplars of one series, ascending in time. */
struct series_exemplars {
    struct labels labels; /* of the series; borrowed as its maker says */
    const struct exemplar *v;
    size_t n;
};
struct series_exemplars_list {
    struct series_exemplars *v;
    size_t n;
};
