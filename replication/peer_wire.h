/* peer_wire.h - parts as bytes: messages of gRPC, their answers, records of the hand-off.
 *
 * A part's payload is tuples of a thanos.WriteRequest (proto/writeable.h), so a message is the
 * payloads of its parts, one behind the other, and what stands beside them. A record is a head and
 * the payload.
 * Threads: any (pure). */
#pragma once
#include "net/grpc/grpc_status.h"
#include "replication/peer.h"

enum { PEER_RECORD_HEAD_BYTES = 7 };

/* Appends the plain message. Peers that are mneme are told where each part ends. */
void peer_wire_message(const struct peer_message *m, struct buf *to);

/* What a call that ended so says of its parts. */
enum vote_outcome peer_wire_outcome(enum grpc_code code);
/* Of an answer that came with GRPC_OK to a message of `count` parts: one enum vote_outcome each.
 * *ret_count is count, or 0 where the peer tells nothing of parts. */
struct err peer_wire_outcomes(struct str answer, uint8_t *outcomes, size_t count,
                              size_t *ret_count);

/* Appends the record. */
void peer_wire_record(const struct peer_part *part, struct buf *to);
/* The caller owns the part. ERR_CORRUPT: no record of ours. */
struct err peer_wire_read_record(struct str record, struct peer_part **ret_part);
