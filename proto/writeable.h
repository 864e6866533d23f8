/* writeable.h - thanos.WriteRequest and its answer: how receivers give each other rows.
 *
 * A request holds tuples, each the rows of one tenant. Zero-copy as remote_write.h, whose series
 * these are. Fields of our own, which Thanos skips: WriteRequest 1000, how many tuples each part
 * has; TimeSeriesTenantTuple 1001, metadata; 1002 to 1004, numbers of series; WriteResponse 1000,
 * what became of each part.
 *
 * Numbers: a sender may number series (1003: those of its series in order, four bytes each, little
 * endian) under a numbering of its own (1002: eight bytes, never 0), and later send samples of
 * those that the receiver has seen numbered by number alone (1004, writeable_rows.h). A receiver
 * that does not know a number stores nothing of the part and says so (WRITEABLE_UNNUMBERED).
 *
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
    uint64_t numbering;  /* 0: no row has a number */
};

enum { WRITEABLE_NO_NUMBER = UINT32_MAX };

struct writeable_message {
    struct write_message all; /* of every tuple, in order of the message */
    struct writeable_tuple *tuples;
    size_t tuple_count;
    /* Of each row; WRITEABLE_NO_NUMBER: none. NULL: no row has one. A row whose labels are not told
     * (append.h) has one. */
    uint32_t *row_numbers;
    bool has_untold;       /* there are such rows */
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
/* Numbers of n series, which belong behind them: bytes of the fields, then the fields. */
size_t writeable_numbers_bytes(size_t n);
char *writeable_store_numbers(char *at, uint64_t numbering, const uint32_t *numbers, size_t n);
/* Appends samples by number alone to what becomes the content of a tuple. */
struct numbered_sample;
void writeable_encode_numbered(struct buf *content, uint64_t numbering,
                               const struct numbered_sample *samples, size_t n);
/* Appends a tuple of such a content. */
void writeable_encode_content(struct buf *to, struct str content, struct str tenant);
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
    WRITEABLE_UNNUMBERED, /* a number that is not known: to be sent again, with labels */
    WRITEABLE_OUTCOME_COUNT
};

void writeable_encode_outcomes(struct buf *to, const enum writeable_outcome *outcomes,
                               size_t count);
/* *ret_count is `count`, or 0 where the peer does not tell parts apart. A number that is not known
 * counts as WRITEABLE_FAILED. ERR_INVALID for malformed bytes or another count. */
struct err writeable_decode_outcomes(struct str message, enum writeable_outcome *outcomes,
                                     size_t count, size_t *ret_count);
