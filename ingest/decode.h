/* decode.h - from the body of a write request, in whatever encoding, to a batch.
 *
 * Source: remote-write specifications 1.0 and 2.0, section "protocol"; spec/receive.md 1.5, 1.6.
 * Threads: any. */
#pragma once
#include "base/arena.h"
#include "ingest/batch.h"

enum { INGEST_DECODED_BYTES_MAX_DEFAULT = 32 << 20 }; /* as Prometheus */

struct ingest_body {
    struct str bytes;
    struct str content_type;     /* header value; empty: remote write 1.0 */
    struct str content_encoding; /* header value; empty: snappy */
    size_t decoded_bytes_max;    /* checked before memory is taken */
};

/* What the headers of a request say that its body is. */
enum ingest_message { INGEST_REMOTE_WRITE_1, INGEST_REMOTE_WRITE_2, INGEST_MESSAGE_COUNT };
enum ingest_encoding { INGEST_SNAPPY, INGEST_ZSTD };
struct ingest_format {
    enum ingest_message message;
    enum ingest_encoding encoding;
};

/* As `proto=` of a content type calls it. */
const char *ingest_message_name(enum ingest_message message);
/* ERR_UNSUPPORTED: content type or encoding. The header X-Prometheus-Remote-Write-Version is not
 * asked: the specification says that the content type decides. */
struct err ingest_negotiate(const struct ingest_body *body, struct ingest_format *ret_format);

/* Fills *ret_batch but for the tenant. The batch lives as long as the arena and *decoded, which
 * is cleared first and holds the decompressed body after; the arena counts it.
 * ERR_TOO_LARGE: a size or count above its limit, or more memory than the arena may ever have;
 * ERR_UNAVAILABLE: others have it now; ERR_INVALID: malformed bytes. */
struct err ingest_decode(struct arena *a, struct buf *decoded, const struct ingest_body *body,
                         struct ingest_format format, struct batch *ret_batch);
