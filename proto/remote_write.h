/* remote_write.h - prometheus.WriteRequest (remote write 1.0), decoded by hand.
 *
 * Zero-copy: rows are views into the message. A label set is not looked into here: its bytes
 * become the row's key, and whoever meets a key for the first time checks it (label_key.h).
 * Source: prometheus prompb/{remote,types}.proto, spec/receive.md section 1.3. Threads: any. */
#pragma once
#include "base/arena.h"
#include "tsdb/head/append.h"

enum {
    WRITE_SERIES_MAX = 1 << 20,  /* of one request */
    WRITE_SAMPLES_MAX = 4 << 20, /* of one request */
};

struct write_message {
    struct append_row *rows; /* in the arena, in order of the message; each has a sample */
    size_t row_count;
    struct sample *samples; /* in the arena */
    size_t sample_count;
    size_t series_count; /* TimeSeries seen, those without samples included */
    size_t histogram_count, exemplar_count, metadata_count; /* seen; not decoded yet */
};

/* ERR_INVALID with the byte offset for a malformed message, ERR_TOO_LARGE above the limits. */
struct err remote_write_decode(struct arena *a, struct str message,
                               struct write_message *ret_message);
/* The other direction, for tests, load drivers and later for peers. */
void remote_write_encode_series(struct buf *to, struct str label_key, const struct sample *samples,
                                size_t count);
