/* peer_wire.h - parts as bytes: messages of gRPC, their answers, records of the hand-off.
 *
 * A part's payload is a zstd frame of tuples of a thanos.WriteRequest (proto/writeable.h). zstd
 * decodes frames that stand one behind the other to their contents one behind the other: so a
 * message to a receiver of our kind is the payloads of its parts as they are, and a frame of what
 * stands beside tuples; each payload is compressed once, whoever gets it and however often. A
 * record of the hand-off is a head and the payload. Threads: any (pure). */
#pragma once
#include "base/lock.h"
#include "net/grpc/grpc_message.h"
#include "net/grpc/grpc_status.h"
#include "replication/peer.h"

enum {
    PEER_RECORD_HEAD_BYTES = 15,
    PEER_PACKERS_MAX = 8, /* that are kept: some 300 kB each */
};

/* Encoders at rest. Threads: any. */
struct peer_packers {
    struct lock lock;
    struct zstd_encoder *idle[PEER_PACKERS_MAX]; /* GUARDED_BY(lock) */
    size_t count;                                /* GUARDED_BY(lock) */
};
void peer_packers_init(struct peer_packers *p);
void peer_packers_fini(struct peer_packers *p);
/* The caller owns one reference to the payload. */
/* The caller owns one reference to what the tuples are packed to. */
struct shared *peer_wire_pack(struct peer_packers *p, struct str tuples);

/* How a message is made. */
struct peer_wire_form {
    enum grpc_encoding encoding;  /* to peers that are not mneme */
    struct zstd_encoder *encoder; /* of the caller */
    const bool *terse;            /* of each part; NULL: none */
};
/* For grpc_unary(), with its prefix; the caller owns one reference. To a peer of our kind it is in
 * zstd, and tells where each part ends; to others in the form's encoding. ERR_CORRUPT: a payload is
 * none. */
struct err peer_wire_message(const struct peer_message *m, const struct peer_wire_form *form,
                             struct shared **ret_message, size_t *ret_plain_bytes);

/* What a call that ended so says of its parts. */
enum vote_outcome peer_wire_outcome(enum grpc_code code);
/* Of an answer that came with GRPC_OK to a message of `count` parts: one enum vote_outcome each, or
 * PEER_WIRE_UNNUMBERED: the peer stored nothing of it, since it does not know the numbers of a
 * terse part. *ret_count is count, or 0 where the peer tells nothing of parts. */
enum { PEER_WIRE_UNNUMBERED = UINT8_MAX };
struct err peer_wire_outcomes(struct str answer, uint8_t *outcomes, size_t count,
                              size_t *ret_count);

/* Appends the record, in full. */
void peer_wire_record(const struct peer_part *part, struct zstd_encoder *e, struct buf *to);
/* The caller owns the part. ERR_CORRUPT: no record of ours. */
struct err peer_wire_read_record(struct str record, struct peer_part **ret_part);
