/* features.c - the table of feature names.
 *
 * Source: prometheus cmd/prometheus/main.go (setFeatureListOptions), thanos cmd/thanos/query.go
 * and receive.go. What the two differ in is told as Prometheus 3.14 does. */
#include "querygw/api/features.h"

#include "base/mem.h"

#define NO_SWITCH SIZE_MAX

static const struct feature {
    struct str name;
    enum api_feature_word word;
    size_t offset; /* of a bool in struct api_features; NO_SWITCH: none */
} features[] = {
    {STR_INIT("promql-experimental-functions"), API_FEATURE_ON,
     offsetof(struct api_features, parse.experimental_functions)},
    {STR_INIT("promql-extended-range-selectors"), API_FEATURE_ON,
     offsetof(struct api_features, parse.extended_range_selectors)},
    {STR_INIT("promql-binop-fill-modifiers"), API_FEATURE_ON,
     offsetof(struct api_features, parse.fill_modifiers)},
    {STR_INIT("promql-delayed-name-removal"), API_FEATURE_ON,
     offsetof(struct api_features, delayed_name_removal)},
    {STR_INIT("use-start-timestamps"), API_FEATURE_ON,
     offsetof(struct api_features, use_start_timestamps)},
    {STR_INIT("promql-duration-expr"), API_FEATURE_PERMANENT, NO_SWITCH},
    {STR_INIT("promql-at-modifier"), API_FEATURE_PERMANENT, NO_SWITCH},
    {STR_INIT("promql-negative-offset"), API_FEATURE_PERMANENT, NO_SWITCH},
    {STR_INIT("native-histograms"), API_FEATURE_PERMANENT, NO_SWITCH},
    {STR_INIT("ooo-native-histograms"), API_FEATURE_PERMANENT, NO_SWITCH},
    {STR_INIT("query-pushdown"), API_FEATURE_GONE, NO_SWITCH},
    {STR_INIT("promql-per-step-stats"), API_FEATURE_ON,
     offsetof(struct api_features, per_step_stats)},
    {STR_INIT("metric-names-filter"), API_FEATURE_NOT_YET, NO_SWITCH},
};

struct api_features
api_features_default(void)
{
    return (struct api_features){.parse = {.duration_expressions = true}};
}

enum api_feature_word
api_features_enable(struct api_features *f, struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(features); i++) {
        if (!str_eq(features[i].name, name))
            continue;
        if (features[i].offset != NO_SWITCH)
            *(bool *)((char *)f + features[i].offset) = true;
        return features[i].word;
    }
    return API_FEATURE_UNKNOWN;
}
