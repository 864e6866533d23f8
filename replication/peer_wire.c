/* peer_wire.c - see peer_wire.h.
 *
 * Head of a record: version (1), replica (2), ring (4), number of tuples (4), bytes of the plain
 * payload (4), big-endian. */
#include "replication/peer_wire.h"

#include "base/bytes.h"
#include "base/codec.h"
#include "base/vec.h"
#include "proto/writeable.h"

enum { RECORD_VERSION = 1, COMPRESSED = 1 };

/* --- messages --------------------------------------------------------------------------------- */

void
peer_packers_init(struct peer_packers *p)
{
    *p = (struct peer_packers){.count = 0};
    lock_init(&p->lock, LOCK_RANK_LEAF);
}

void
peer_packers_fini(struct peer_packers *p)
{
    while (p->count > 0)
        zstd_encoder_close(p->idle[--p->count]);
    lock_fini(&p->lock);
}

static struct zstd_encoder *
take_encoder(struct peer_packers *p)
{
    {
        LOCKED(&p->lock);
        if (p->count > 0)
            return p->idle[--p->count];
    }
    return zstd_encoder_open(ZSTD_FASTEST);
}

static void
put_encoder(struct peer_packers *p, struct zstd_encoder *e)
{
    {
        LOCKED(&p->lock);
        if (p->count < PEER_PACKERS_MAX) {
            p->idle[p->count++] = e;
            return;
        }
    }
    zstd_encoder_close(e);
}

struct shared *
peer_wire_pack(struct peer_packers *p, struct str tuples)
{
    AUTO(buf_fini) struct buf packed = BUF_INIT;
    struct zstd_encoder *e = take_encoder(p);
    zstd_encoder_encode(e, tuples, &packed);
    put_encoder(p, e);
    return shared_new(
        buf_str(&packed)); /* of its own size: the bound of the encoder is far above */
}

/* What stands beside the tuples. */
static void
put_rest(const struct peer_message *m, struct buf *to)
{
    writeable_encode_replica(to, m->replica);
    if (m->kind != PEER_KIND_MNEME)
        return;
    VEC(uint32_t) tuples = VEC_INIT;
    for (size_t i = 0; i < m->count; i++)
        vec_push(&tuples, m->parts[i]->tuple_count);
    writeable_encode_parts(to, tuples.v, tuples.n);
    vec_fini(&tuples);
}

/* The part's tuples, packed, as this message has them. */
static struct str
frame_of(const struct peer_message *m, const struct peer_wire_form *form, size_t i,
         size_t *ret_plain_bytes)
{
    const struct peer_part *part = m->parts[i];
    bool terse = form->terse && form->terse[i];
    *ret_plain_bytes = terse ? part->rows->terse_plain_bytes : part->plain_bytes;
    return shared_bytes(terse ? part->rows->terse : peer_part_payload(part, form->encoder));
}

static struct shared *
message_of_frames(const struct peer_message *m, const struct peer_wire_form *form,
                  size_t *ret_plain_bytes)
{
    AUTO(buf_fini) struct buf bytes = BUF_INIT, rest = BUF_INIT;
    put_rest(m, &rest);
    *ret_plain_bytes = rest.n;
    buf_put_u8(&bytes, COMPRESSED);
    buf_put_be32(&bytes, 0);
    for (size_t i = 0; i < m->count; i++) {
        size_t plain_bytes;
        buf_append(&bytes, frame_of(m, form, i, &plain_bytes));
        *ret_plain_bytes += plain_bytes;
    }
    zstd_encoder_encode(form->encoder, buf_str(&rest), &bytes);
    store_be32(bytes.p + 1, (uint32_t)(bytes.n - GRPC_PREFIX_BYTES));
    return shared_take(&bytes);
}

struct err
peer_wire_message(const struct peer_message *m, const struct peer_wire_form *form,
                  struct shared **ret_message, size_t *ret_plain_bytes)
{
    if (m->kind == PEER_KIND_MNEME) {
        *ret_message = message_of_frames(m, form, ret_plain_bytes);
        return OK;
    }
    AUTO(buf_fini) struct buf plain = BUF_INIT;
    for (size_t i = 0; i < m->count; i++) {
        const struct peer_part *part = m->parts[i];
        if (part->rows)
            buf_append(&plain, shared_bytes(peer_rows_tuples(part->rows)));
        else
            TRY(zstd_decode(shared_bytes(part->payload), part->plain_bytes, &plain));
    }
    put_rest(m, &plain);
    *ret_plain_bytes = plain.n;
    *ret_message = grpc_message_new(form->encoding, buf_str(&plain));
    return OK;
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
        [WRITEABLE_FAILED] = VOTE_FAILED,   [WRITEABLE_UNNUMBERED] = PEER_WIRE_UNNUMBERED,
    };
    AUTO(mem_free) enum writeable_outcome *told = mem_array_zero(count, sizeof *told);
    TRY(writeable_decode_outcomes(answer, told, count, ret_count));
    for (size_t i = 0; i < *ret_count; i++)
        outcomes[i] = votes[told[i]];
    return OK;
}

/* --- records ---------------------------------------------------------------------------------- */

void
peer_wire_record(const struct peer_part *part, struct zstd_encoder *e, struct buf *to)
{
    buf_put_u8(to, RECORD_VERSION);
    buf_put_be16(to, part->replica);
    buf_put_be32(to, part->ring);
    buf_put_be32(to, part->tuple_count);
    buf_put_be32(to, (uint32_t)part->plain_bytes);
    buf_append(to, shared_bytes(peer_part_payload(part, e)));
}

struct err
peer_wire_read_record(struct str record, struct peer_part **ret_part)
{
    struct reader r = reader_of(record);
    uint8_t version = reader_u8(&r);
    uint16_t replica = reader_be16(&r);
    uint32_t ring = reader_be32(&r);
    uint32_t tuple_count = reader_be32(&r);
    uint32_t plain_bytes = reader_be32(&r);
    if (r.code != ERR_NONE || version != RECORD_VERSION)
        return ERR(ERR_CORRUPT, "no record of a hand-off: %zu bytes, version %u", record.n,
                   version);
    *ret_part = peer_part_new(shared_new(str_skip(record, PEER_RECORD_HEAD_BYTES)), ring, replica);
    (*ret_part)->tuple_count = tuple_count;
    (*ret_part)->plain_bytes = plain_bytes;
    return OK;
}
