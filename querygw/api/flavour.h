/* flavour.h - where Prometheus and Thanos answer the same request differently: all of it, a row
 * each, so that no route decides by itself. What a row does stands where its field is read.
 * Source: spec/query.md sections 2.5 and 3; prometheus web/api/v1/api.go, thanos
 * pkg/api/query/v1.go and pkg/api/api.go. */
#pragma once
#include <stdbool.h>

enum api_flavour { API_PROMETHEUS, API_THANOS };

/* X(field, Prometheus, Thanos) */
#define API_DIFFERENCES(X)                                                                         \
    /* Errors of parameters begin with `invalid parameter "x": `; else each has a form. */         \
    X(names_parameters, 1, 0)                                                                      \
    /* Infos are a list beside the warnings; else among them, both without positions. */           \
    X(tells_infos, 1, 0)                                                                           \
    /* limit= cuts the answers of query and query_range; else it is not read there. */             \
    X(limits_queries, 1, 0)                                                                        \
    /* Values of stats= other than "true" and "all" are warned about. */                           \
    X(warns_of_stats, 1, 0)                                                                        \
    /* query_range without step= has a 250th of the range, a second at least. */                   \
    X(default_step, 0, 1)                                                                          \
    /* dedup, partial_response, storeMatch[] and their like are read. */                           \
    X(reads_store_params, 0, 1)                                                                    \
    /* data.analysis, and analyze=. */                                                             \
    X(tells_analysis, 0, 1)                                                                        \
    /* U__ names in paths are unescaped. */                                                        \
    X(unescapes_names, 1, 0)                                                                       \
    /* labels and series refuse an end before the start. */                                        \
    X(checks_metadata_span, 0, 1)                                                                  \
    /* An exemplar's time stands before its value, both in plain digits; no selector: none. */     \
    X(exemplars_differ, 0, 1)                                                                      \
    /* "alerts" is null when there are none. */                                                    \
    X(null_alerts, 0, 1)                                                                           \
    /* runtimeinfo tells what Thanos' does; else what Prometheus' does. */                         \
    X(short_runtime, 0, 1)                                                                         \
    /* A limit of status/tsdb below 1 is 10; else it is refused. */                                \
    X(mends_tsdb_limit, 0, 1)                                                                      \
    /* A client that left is told 503; else 499. */                                                \
    X(canceled_is_503, 0, 1)                                                                       \
    /* Errors and answers with warnings that are not PromQL's are not to be cached. */             \
    X(forbids_caching, 0, 1)                                                                       \
    /* Cross-origin headers stand in every answer; else in those to requests with an Origin. */    \
    X(cors_always, 0, 1)                                                                           \
    /* Waiting for a place till the deadline is an error of execution; else of time. */            \
    X(queue_is_execution, 0, 1)

struct flavour {
#define X(field, prometheus, thanos) bool field;
    API_DIFFERENCES(X)
#undef X
};

static inline struct flavour
flavour_of(enum api_flavour which)
{
#define X(field, prometheus, thanos) .field = which == API_THANOS ? thanos : prometheus,
    return (struct flavour){API_DIFFERENCES(X)};
#undef X
}
