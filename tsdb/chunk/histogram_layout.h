/* histogram_layout.h - what all samples of a histogram chunk share: schema, threshold, spans,
 * bounds.
 *
 *   threshold | varbit_int schema | spans positive | spans negative | bounds when schema is -53
 *
 *   threshold  1 byte: 0 is 0.0; b of 1..254 is 2^(b-244); 255, then 64 bits of another double
 *   spans      varbit_uint n, n times (varbit_uint length, varbit_int offset)
 *   bounds     varbit_uint n, n times: varbit_uint 1000*x + 1 for whole thousandths of 0 to
 *              33554.430, else a bit 0 and 64 bits of the double
 *
 * Source: spec/tsdb.md section 4.4 (prometheus tsdb/chunkenc/histogram_meta.go). Threads: any. */
#pragma once
#include "tsdb/chunk/varbit.h"
#include "tsdb/model/histogram.h"

/* The layout of `h`; its counts do not matter. */
void histogram_layout_put(struct bit_out *o, const struct histogram *h);
/* Into the fields of *ret that belong to a layout, and the number of buckets of both sides (with
 * v NULL); arrays are in the arena. ERR_CORRUPT: cut off, spans that do not ascend, an unknown
 * schema, more than HISTOGRAM_BUCKETS_MAX of anything. */
struct err histogram_layout_take(struct bit_reader *r, struct arena *a, struct histogram *ret);
