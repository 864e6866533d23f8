/* writeable.h - thanos.WriteRequest and its answer: how receivers give each other rows.
 *
 * A request holds tuples, each the rows of one tenant. Zero-copy as remote_write.h, whose series
 * these are. Fields of our own, which Thanos skips: WriteRequest 1000, how many tuples each part
 * has; TimeSeriesTenantTuple 1001, metadata; WriteResponse 1000, what became of each part.
 * Source: thanos pkg/store/storepb/rpc.proto; spec/receive.md section 2.6. Threads: any. */
#pragma once
#include "proto/remote_write.h"

/* Of one request, beside the limits of remote_write.h. */
enum {
    WRITEABLE_TUPLES_MAX = 1 << 18,
    WRITEABLE_PARTS_MAX = 1 << 16,
};
/* Of a message: what gRPC peers take. */
#define WRITEABLE_BYTES_MAX ((size_t)INT32_MAX)

/* The rows of one tenant: a range of the message's. */
struct writeable_tuple {
    struct str tenant; /* as sent, not checked */
    size_t first_row, row_count;
    size_t first_metadata, metadata_count;
    size_t series_count; /* those that hold nothing included */
};

struct writeable_message {
    struct write_message all; /* of every tuple, in order of the message */
    struct writeable_tuple *tuples;
    size_t tuple_count;
    int64_t replica;       /* 0: not replicated yet; n: these are the n-th copies */
    uint32_t *part_tuples; /* of each part, which together have all tuples */
    size_t part_count;     /* 0: the sender does not tell parts apart */
};

/* Tuples, or the series and tenant of the message itself where it has no tuples: that is one then,
 * if it holds any series. Arrays are in the arena. ERR_INVALID with the byte offset for a malformed
 * message, also one whose parts do not make up its tuples; ERR_TOO_LARGE above the limits. */
struct err writeable_decode(struct arena *a, struct str message,
                            struct writeable_message *ret_message);

/* --- requests out ----------------------------------------------------------------------------- */

/* Parts are made apart and put one behind the other, which makes one message of them. */

/* Of a whole tuple whose series and metadata fields take so many bytes. */
size_t writeable_tuple_bytes(size_t content_bytes, struct str tenant);
/* Stores what stands in front of them, and what stands behind them; both return their end. */
char *writeable_store_head(char *at, size_t content_bytes, struct str tenant);
char *writeable_store_tenant(char *at, struct str tenant);
/* Appends a field `metadata` of a tuple. */
void writeable_encode_metadata(struct buf *to, const struct family_metadata *m);
/* Appends a tuple of everything in `r`. */
void writeable_encode_tuple(struct buf *to, struct str tenant, const struct append_request *r);

/* Appends what stands beside the tuples. */
void writeable_encode_replica(struct buf *to, int64_t replica);
void writeable_encode_parts(struct buf *to, const uint32_t *part_tuples, size_t part_count);

/* --- the answer ------------------------------------------------------------------------------- */

/* What became of a part. The numbers are those of the wire. */
enum writeable_outcome {
    WRITEABLE_OK,
    WRITEABLE_CONFLICT,    /* something of it can never be stored beside what is there */
    WRITEABLE_INVALID,     /* something of it can never be stored anywhere */
    WRITEABLE_UNAVAILABLE, /* not now */
    WRITEABLE_FAILED,
    WRITEABLE_OUTCOME_COUNT
};

void writeable_encode_outcomes(struct buf *to, const enum writeable_outcome *outcomes,
                               size_t count);
/* *ret_count is `count`, or 0 where the peer does not tell parts apart. A number that is not known
 * counts as WRITEABLE_FAILED. ERR_INVALID for malformed bytes or another count. */
struct err writeable_decode_outcomes(struct str message, enum writeable_outcome *outcomes,
                                     size_t count, size_t *ret_count);
