/* histogram_notation.h - native histograms as PromQL's test scripts write them:
 * {{schema:0 sum:5 count:4 buckets:[1 2 1]}}.
 *
 * Source: prometheus promql/parser (histogram descriptions), docs of promtool's unit tests. */
#pragma once
#include "base/err.h"
#include "base/str.h"
#include "tsdb/model/float_histogram.h"

/* Reads a description from the front of *rest, which begins with "{{", and cuts it off.
 * *ret_has_hint says whether a counter_reset_hint was told. */
struct err histogram_notation_take(struct arena *a, struct str *rest,
                                   struct float_histogram **ret_histogram, bool *ret_has_hint);
