/* formats.h - from the body of a write request to a batch, where it is not remote write: OTLP and
 * the text formats.
 *
 * Threads: any. */
#pragma once
#include "ingest/decode.h"
#include "ingest/otlp.h"

/* application/json, or protobuf for whatever else: in what a sender is answered. */
enum otlp_encoding ingest_otlp_encoding(struct str content_type);

/* As ingest_decode(), and batch->refused says what of the request was not taken. Bodies are plain
 * or compressed by gzip. */
struct err ingest_decode_otlp(struct arena *a, struct buf *decoded, const struct ingest_body *body,
                              const struct otlp_options *options, struct batch *ret_batch);
/* Bodies are plain, or compressed by gzip, zstd or snappy. OpenMetrics by its content type; the
 * text format for text/plain, none, and the two that HTTP clients send unasked. */
struct err ingest_decode_text(struct arena *a, struct buf *decoded, const struct ingest_body *body,
                              int64_t now_ms, struct batch *ret_batch);
