/* loadgen_otlp.h - the load as OTLP metrics: the same series and samples as by remote write.
 *
 * Threads: any. */
#pragma once
#include "bench/loadgen_opts.h"

/* Appends a request with samples [first_sample, last_sample] of series [first, last]: a gauge for
 * each run of series of one name, their labels as attributes of its points. */
void loadgen_otlp_encode(const struct load_spec *load, uint64_t first, uint64_t last,
                         uint64_t first_sample, uint64_t last_sample, struct buf *to);
