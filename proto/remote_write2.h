/* remote_write2.h - io.prometheus.write.v2.Request (remote write 2.0), decoded by hand.
 *
 * The result is that of remote_write.h for the same content: rows with label keys as 1.0 sends
 * them, written out from the symbols (symbols.h); everything else is a view of the message.
 * Beyond 1.0, as the specification demands: a series without samples and histograms, or without
 * a name, is refused alone and counted; start timestamps are counted, and not kept. What is told of
 * the families of series comes out once for each name, however many series tell it.
 * Source: prometheus prompb/io/prometheus/write/v2/types.proto, the specification of remote write
 * 2.0; spec/receive.md section 1.4. Threads: any. */
#pragma once
#include "base/map.h"
#include "proto/remote_write.h"

/* Of one request. */
enum {
    WRITE_SYMBOLS_MAX = 1 << 20,
    WRITE_REFS_MAX = 1 << 16, /* of the labels of one series or exemplar */
    WRITE_KEY_BYTES_MAX =
        64 << 20, /* label keys together: a reference of two bytes names any text */
};

/* ERR_INVALID with the byte offset for a malformed message, ERR_TOO_LARGE above these limits and
 * those of remote_write.h. Malformed is also: a reference without a symbol, a label of a name
 * alone, a first symbol that is not empty. */
struct err remote_write2_decode(struct arena *a, struct str message,
                                struct write_message *ret_message);

/* --- the other direction, for tests and load drivers ---------------------------------------- */

/* A request as it grows: the symbols are known only when it is whole. */
struct remote_write2 {
    struct map refs;    /* symbol -> its reference + 1, as a pointer */
    struct buf symbols; /* their fields */
    struct buf series;  /* likewise */
};
void remote_write2_init(struct remote_write2 *w);
void remote_write2_fini(struct remote_write2 *w);
static inline void
auto_remote_write2_fini(struct remote_write2 *w)
{
    remote_write2_fini(w);
}

/* What a series of 2.0 has beside its row; zeroes stand for none. */
struct remote_write2_extras {
    const struct metadata *metadata;
    int64_t start_ms; /* of all its samples and histograms */
};
/* Adds a row of `m`, whose key must be well-formed. */
void remote_write2_add(struct remote_write2 *w, const struct write_message *m,
                       const struct append_row *row, struct remote_write2_extras extras);
/* Appends the request. */
void remote_write2_encode(const struct remote_write2 *w, struct buf *to);
