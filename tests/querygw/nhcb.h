/* nhcb.h - load_with_nhcb of the test scripts: native histograms with custom bounds that stand for
 * classic ones. Source: prometheus promql/promqltest, util/convertnhcb. */
#pragma once
#include "tests/querygw/series_notation.h"

/* Adds the histograms that the series x_bucket, x_count and x_sum among `v` make together. */
struct err nhcb_load(struct fake_store *to, struct arena *a, const struct notation_series *v,
                     size_t n, int64_t step_ms);
