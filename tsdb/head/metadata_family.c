/* metadata_family.c - suffixes by kind, in one table for both directions. */
#include "tsdb/head/metadata_family.h"

#include "base/mem.h"

/* Suffixes that the names of a kind's series may have; "" stands for the family's own name. Of
 * buckets there are most, so they come last. */
static const char *const suffixes[][METADATA_METRIC_NAMES_MAX] = {
    [METRIC_KIND_UNKNOWN] = {""},
    [METRIC_KIND_COUNTER] = {"", "_total"},
    [METRIC_KIND_GAUGE] = {""},
    [METRIC_KIND_HISTOGRAM] = {"", "_count", "_sum", "_bucket"},
    [METRIC_KIND_GAUGE_HISTOGRAM] = {"", "_gcount", "_gsum", "_bucket"},
    [METRIC_KIND_SUMMARY] = {"_count", "_sum", ""},
    [METRIC_KIND_INFO] = {"_info", ""},
    [METRIC_KIND_STATESET] = {""},
};

struct str
metadata_family_of(struct str metric_name, enum metric_kind kind)
{
    if (kind == METRIC_KIND_COUNTER)
        return metric_name;
    for (size_t i = 0; i < METADATA_METRIC_NAMES_MAX && suffixes[kind][i]; i++) {
        struct str suffix = str_of_cstr(suffixes[kind][i]);
        if (suffix.n > 0 && metric_name.n > suffix.n && str_ends_with(metric_name, suffix))
            return str_of(metric_name.p, metric_name.n - suffix.n);
    }
    return metric_name;
}

struct metadata_metric_names
metadata_metric_names(struct arena *a, struct str family, enum metric_kind kind)
{
    struct metadata_metric_names names = {.n = 0};
    for (size_t i = 0; i < METADATA_METRIC_NAMES_MAX && suffixes[kind][i]; i++) {
        const char *suffix = suffixes[kind][i];
        names.v[names.n++] =
            suffix[0] ? arena_printf(a, "%.*s%s", STR_FMT(family), suffix) : family;
    }
    return names;
}
