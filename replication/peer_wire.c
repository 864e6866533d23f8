/* peer_wire.c - see peer_wire.h.
 *
 * Head of a record: version (1), replica (2), ring (4), big-endian. */
#include "replication/peer_wire.h"

#include "base/pb.h"
#include "base/vec.h"
#include "proto/writeable.h"

enum { RECORD_VERSION = 1 };

/* --- messages --------------------------------------------------------------------------------- */

static uint32_t
count_tuples(struct str tuples)
{
    struct reader r = reader_of(tuples);
    struct pb_field f;
    uint32_t n = 0;
    while (pb_next(&r, &f))
        n++;
    return n;
}

void
peer_wire_message(const struct peer_message *m, struct buf *to)
{
    VEC(uint32_t) tuples = VEC_INIT;
    buf_reserve(to, m->bytes);
    for (size_t i = 0; i < m->count; i++) {
        struct str payload = shared_bytes(m->parts[i]->payload);
        buf_append(to, payload);
        if (m->kind == PEER_KIND_MNEME)
            vec_push(&tuples, count_tuples(payload));
    }
    writeable_encode_replica(to, m->replica);
    if (m->kind == PEER_KIND_MNEME)
        writeable_encode_parts(to, tuples.v, tuples.n);
    vec_fini(&tuples);
}

/* What passes is tried again, what stays is not. A time that has run out, or a peer that is full,
 * may have stored it: doing so again is harmless. */
enum vote_outcome
peer_wire_outcome(enum grpc_code code)
{
    static const uint8_t outcomes[] = {
        [GRPC_OK] = VOTE_OK,
        [GRPC_CANCELED] = VOTE_UNAVAILABLE,
        [GRPC_UNKNOWN] = VOTE_FAILED,
        [GRPC_INVALID_ARGUMENT] = VOTE_INVALID,
        [GRPC_DEADLINE_EXCEEDED] = VOTE_UNAVAILABLE,
        [GRPC_NOT_FOUND] = VOTE_FAILED,
        [GRPC_ALREADY_EXISTS] = VOTE_CONFLICT,
        [GRPC_PERMISSION_DENIED] = VOTE_UNAVAILABLE,
        [GRPC_RESOURCE_EXHAUSTED] = VOTE_UNAVAILABLE,
        [GRPC_FAILED_PRECONDITION] = VOTE_FAILED,
        [GRPC_ABORTED] = VOTE_UNAVAILABLE,
        [GRPC_OUT_OF_RANGE] = VOTE_FAILED,
        [GRPC_UNIMPLEMENTED] = VOTE_UNAVAILABLE,
        [GRPC_INTERNAL] = VOTE_FAILED,
        [GRPC_UNAVAILABLE] = VOTE_UNAVAILABLE,
        [GRPC_DATA_LOSS] = VOTE_FAILED,
        [GRPC_UNAUTHENTICATED] = VOTE_UNAVAILABLE,
    };
    return code < ARRAY_LEN(outcomes) ? (enum vote_outcome)outcomes[code] : VOTE_FAILED;
}

struct err
peer_wire_outcomes(struct str answer, uint8_t *outcomes, size_t count, size_t *ret_count)
{
    static const uint8_t votes[WRITEABLE_OUTCOME_COUNT] = {
        [WRITEABLE_OK] = VOTE_OK,           [WRITEABLE_CONFLICT] = VOTE_CONFLICT,
        [WRITEABLE_INVALID] = VOTE_INVALID, [WRITEABLE_UNAVAILABLE] = VOTE_UNAVAILABLE,
        [WRITEABLE_FAILED] = VOTE_FAILED,
    };
    AUTO(mem_free) enum writeable_outcome *told = mem_array_zero(count, sizeof *told);
    TRY(writeable_decode_outcomes(answer, told, count, ret_count));
    for (size_t i = 0; i < *ret_count; i++)
        outcomes[i] = votes[told[i]];
    return OK;
}

/* --- records ---------------------------------------------------------------------------------- */

void
peer_wire_record(const struct peer_part *part, struct buf *to)
{
    buf_put_u8(to, RECORD_VERSION);
    buf_put_be16(to, part->replica);
    buf_put_be32(to, part->ring);
    buf_append(to, shared_bytes(part->payload));
}

struct err
peer_wire_read_record(struct str record, struct peer_part **ret_part)
{
    struct reader r = reader_of(record);
    uint8_t version = reader_u8(&r);
    uint16_t replica = reader_be16(&r);
    uint32_t ring = reader_be32(&r);
    if (r.code != ERR_NONE || version != RECORD_VERSION)
        return ERR(ERR_CORRUPT, "no record of a hand-off: %zu bytes, version %u", record.n,
                   version);
    *ret_part = peer_part_new(shared_new(str_skip(record, PEER_RECORD_HEAD_BYTES)), ring, replica);
    return OK;
}
