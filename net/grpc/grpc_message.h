/* grpc_message.h - messages on the wire: a prefix (compressed or not, length), then the payload.
 *
 * Writing: grpc_message_new() compresses once what many get. Reading: grpc_reader cuts the bytes of
 * a stream into payloads on a loop; grpc_payload_decode() decompresses one wherever that may take
 * its time. Both ask a budget for memory before they take it, and refuse by what the prefix or the
 * compressed bytes announce: ERR_TOO_LARGE above the limit, ERR_UNAVAILABLE when the budget is
 * used up, ERR_INTERNAL for bytes that are no messages, as gRPC maps them.
 * Source: grpc/grpc doc/PROTOCOL-HTTP2.md, doc/compression.md.
 * Threads: any; a reader and a payload one at a time. */
#pragma once
#include <stdbool.h>

#include "base/budget.h"
#include "base/shared.h"

enum grpc_encoding {
    GRPC_IDENTITY,
    GRPC_GZIP,
    GRPC_SNAPPY, /* framed (base/snappy_frame.h) */
    GRPC_ZSTD,
};
enum { GRPC_ENCODING_COUNT = GRPC_ZSTD + 1 };
enum { GRPC_PREFIX_BYTES = 5 };
/* The most that peers of this field take, and we. */
#define GRPC_MESSAGE_BYTES_MAX ((size_t)INT32_MAX)
/* The value of grpc-accept-encoding. */
#define GRPC_ENCODINGS_ACCEPTED "identity,gzip,snappy,zstd"

struct str grpc_encoding_name(enum grpc_encoding e); /* as in grpc-encoding; static */
/* False: not known. */
bool grpc_encoding_parse(struct str name, enum grpc_encoding *ret_encoding);

/* Prefix and payload. The caller owns one reference. An empty message is sent as it is. `plain` has
 * at most GRPC_MESSAGE_BYTES_MAX bytes. */
struct shared *grpc_message_new(enum grpc_encoding e, struct str plain);

/* --- payloads --------------------------------------------------------------------------------- */

/* Creation: all zero, or by grpc_reader_take(). */
struct grpc_payload {
    struct buf bytes;
    bool compressed;
    struct budget *budget; /* NULL: none; borrowed */
    size_t charged_bytes;  /* to the budget */
};
void grpc_payload_fini(struct grpc_payload *p);
/* Makes it plain. `e` is what the stream's grpc-encoding says. */
struct err grpc_payload_decode(struct grpc_payload *p, enum grpc_encoding e,
                               size_t message_bytes_max);

/* --- reader ----------------------------------------------------------------------------------- */

struct grpc_reader {
    size_t message_bytes_max; /* immutable */
    struct budget *budget;    /* NULL: none; borrowed */
    char prefix[GRPC_PREFIX_BYTES];
    size_t prefix_bytes;         /* of it that have come */
    size_t length_bytes;         /* of the payload; valid when the prefix is whole */
    struct grpc_payload payload; /* as far as it has come */
};
void grpc_reader_init(struct grpc_reader *r, size_t message_bytes_max, struct budget *budget);
void grpc_reader_fini(struct grpc_reader *r);
/* Takes from *rest what belongs to the message under way. *ret_whole: it is there, and
 * grpc_reader_take() comes next. After a failure only grpc_reader_fini() is left. */
struct err grpc_reader_feed(struct grpc_reader *r, struct str *rest, bool *ret_whole);
/* The caller owns it: grpc_payload_fini(). */
void grpc_reader_take(struct grpc_reader *r, struct grpc_payload *ret_payload);
/* No message has begun: the stream may end. */
bool grpc_reader_is_idle(const struct grpc_reader *r);
