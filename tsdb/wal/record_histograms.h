/* record_histograms.h - bodies of log records of types 7 to 10, 12 and 13. Conventions:
 * record.h.
 *
 * Histograms with custom buckets have types of their own, which versions that do not know them
 * skip; types 12 and 13 hold both. Here the bytes are judged, not whether spans and buckets fit
 * together: that is the model's. */
#pragma once
#include "tsdb/model/histogram.h"
#include "tsdb/wal/record.h"

/* 7 to 10: the type whose records hold histograms like this one. */
enum record_type record_histogram_type(const struct histogram *h);
/* The bases need not be those of a histogram in the record: Prometheus takes the first one of a
 * request, which may have gone into a record of another type. */
void record_begin_histograms(struct record_samples_writer *w, struct buf *to, enum record_type type,
                             uint64_t ref0, int64_t t0_ms);
/* s->value has to be of the record's type. */
void record_put_histogram(struct record_samples_writer *w, uint64_t ref,
                          const struct histogram_sample *s);

enum record_histogram_use {
    RECORD_HISTOGRAM_USABLE,
    RECORD_HISTOGRAM_UNKNOWN_SCHEMA, /* of a later version: to be dropped and counted */
    RECORD_HISTOGRAM_TOO_LARGE,      /* a list above HISTOGRAM_BUCKETS_MAX: likewise; no list set */
};
void record_read_histograms(struct record_cursor *c, struct str record);
/* Lists are the arena's: at most eight times the bytes that they take in the record. Without an
 * arena (NULL) the lists are read over and stay empty. Schemas up to HISTOGRAM_SCHEMA_RESERVED
 * come as they are stored; a reset hint that we do not know is HISTOGRAM_RESET_UNKNOWN. */
bool record_next_histogram(struct record_cursor *c, struct arena *a, uint64_t *ret_ref,
                           struct histogram_sample *ret_sample, enum record_histogram_use *ret_use);

/* A histogram alone, as snapshots of a head have it. A malformed one fails the reader. */
void record_put_histogram_value(struct buf *to, const struct histogram *h);
enum record_histogram_use record_get_histogram_value(struct reader *r, struct arena *a,
                                                     enum histogram_kind kind,
                                                     struct histogram *ret_histogram);
