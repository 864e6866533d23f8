/* features.h - what --enable-feature switches on, by the names of Prometheus and Thanos.
 * Pure functions. Threads: any. */
#pragma once
#include "base/str.h"
#include "querygw/promql/parse.h"

struct api_features {
    struct promql_parse_opts parse;
    bool delayed_name_removal; /* __name__ leaves at the end of a query, not at each operator */
    bool per_step_stats;       /* stats=all tells figures of each step */
    bool use_start_timestamps; /* rate() and its like take counters to start where samples say */
};

/* What is on without any flag: what Prometheus 3.14 has made permanent. */
struct api_features api_features_default(void);

enum api_feature_word {
    API_FEATURE_ON,        /* it is on now */
    API_FEATURE_PERMANENT, /* it always is: the word does nothing */
    API_FEATURE_GONE,      /* no longer a feature: the word does nothing */
    API_FEATURE_NOT_YET,   /* known, and not implemented in this version */
    API_FEATURE_UNKNOWN,
};
/* Obeys one name. */
enum api_feature_word api_features_enable(struct api_features *f, struct str name);
