/* pb.h - the protobuf wire format, for the messages that are decoded by hand.
 *
 * Reading: a struct reader (bytes.h) over the message and pb_next() for each field; views go
 * into the input. Unknown fields are skipped, groups are refused. Writing appends to a buf;
 * nested messages are written by sizing them first.
 * Source: protobuf.dev/programming-guides/encoding. Threads: any. */
#pragma once
#include "base/bytes.h"

enum pb_wire { PB_VARINT = 0, PB_I64 = 1, PB_LEN = 2, PB_I32 = 5 };

struct pb_field {
    uint32_t number;
    enum pb_wire wire;
    uint64_t value;   /* PB_VARINT, PB_I64, PB_I32 */
    struct str bytes; /* PB_LEN */
};

/* False at the end or on malformed input (r->code tells which). */
bool pb_next(struct reader *r, struct pb_field *ret_field);

void pb_put_tag(struct buf *b, uint32_t number, enum pb_wire wire);
/* Fields with the default value are left out, as proto3 does. */
void pb_put_u64(struct buf *b, uint32_t number, uint64_t v);
void pb_put_i64(struct buf *b, uint32_t number, int64_t v);
void pb_put_f64(struct buf *b, uint32_t number, double v);
void pb_put_bytes(struct buf *b, uint32_t number, struct str v);
/* Tag and length of a nested message of `bytes` bytes; also when it is empty. */
void pb_put_message(struct buf *b, uint32_t number, size_t bytes);
/* Bytes of tag + length + content of a length-delimited field. */
size_t pb_bytes_size(uint32_t number, size_t bytes);
