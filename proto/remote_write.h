/* remote_write.h - prometheus.WriteRequest (remote write 1.0), decoded by hand.
 *
 * Zero-copy: rows are views into the message. A label set is not looked into here: its bytes
 * become the row's key, and whoever meets a key for the first time checks it (label_key.h).
 * Source: prometheus prompb/{remote,types}.proto, spec/receive.md section 1.3. Threads: any. */
#pragma once
#include "base/arena.h"
#include "tsdb/head/append.h"

/* Of one request. */
enum {
    WRITE_SERIES_MAX = 1 << 20,
    WRITE_SAMPLES_MAX = 4 << 20,
    WRITE_HISTOGRAMS_MAX = 1 << 18,
    WRITE_EXEMPLARS_MAX = 1 << 18,
    WRITE_METADATA_MAX = 1 << 18,
};

/* Series that are refused alone, before anything of them becomes a row: by 2.0 only. */
struct write_refusals {
    size_t without_samples; /* neither samples nor histograms */
    size_t without_name;    /* no __name__ with a value */
    struct str first_key;   /* label key of the first one; in the arena */
};

/* All arrays are in the arena, in order of the message. */
struct write_message {
    struct append_row *rows; /* each has a sample, a histogram or an exemplar */
    size_t row_count;
    struct sample *samples;
    size_t sample_count;
    size_t series_count; /* TimeSeries seen, those that hold nothing included */
    struct histogram_sample *histograms;
    size_t histogram_count;
    struct exemplar *exemplars;
    size_t exemplar_count;
    struct family_metadata *metadata;
    size_t metadata_count;
    struct write_refusals refused;
    size_t start_timestamp_count; /* of samples and histograms; they are not kept */
};

/* All of it, to be stored. */
static inline struct append_request
write_message_request(const struct write_message *m)
{
    return (struct append_request){
        .rows = m->rows,
        .row_count = m->row_count,
        .samples = m->samples,
        .sample_count = m->sample_count,
        .histograms = m->histograms,
        .histogram_count = m->histogram_count,
        .exemplars = m->exemplars,
        .exemplar_count = m->exemplar_count,
        .metadata = m->metadata,
        .metadata_count = m->metadata_count,
    };
}

/* ERR_INVALID with the byte offset for a malformed message, ERR_TOO_LARGE above the limits. Whether
 * histograms, exemplars and metadata make sense is not checked here. */
struct err remote_write_decode(struct arena *a, struct str message,
                               struct write_message *ret_message);
/* The other direction, for tests and load drivers; peers get rows by way of writeable.h. */
void remote_write_encode_series(struct buf *to, struct str label_key, const struct sample *samples,
                                size_t count);
/* The same with everything that a row of `m` has. */
void remote_write_encode_row(struct buf *to, const struct write_message *m,
                             const struct append_row *row);
void remote_write_encode_metadata(struct buf *to, const struct family_metadata *m);
