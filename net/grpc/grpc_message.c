/* grpc_message.c - framing, encodings, and who pays for their memory. */
#include "net/grpc/grpc_message.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/codec.h"
#include "base/mem.h"
#include "base/snappy_frame.h"

enum {
    ROOM_BYTES_MIN = 64 << 10, /* a payload that has only begun gets as much, then twice as much */
    EXPANSION_GUESS = 4,       /* of what does not say how large it becomes */
    EXPANSION_STEP = 8,
};

/* --- memory ----------------------------------------------------------------------------------- */

/* Charges `more` bytes for one who has `mine`. */
static struct err
charge(struct budget *b, size_t mine, size_t more)
{
    if (!b)
        return OK;
    if (more > budget_large_max(b))
        return ERR(ERR_TOO_LARGE, "grpc: a message takes more than %zu bytes of memory",
                   budget_large_max(b));
    if (!budget_has_for(b, mine, more))
        return ERR(ERR_UNAVAILABLE, "grpc: %zu bytes of memory for all messages are used up",
                   b->limit_bytes);
    budget_charge(b, more);
    return OK;
}

static void
give_back(struct budget *b, size_t bytes)
{
    if (b)
        budget_give_back(b, bytes);
}

void
grpc_payload_fini(struct grpc_payload *p)
{
    give_back(p->budget, p->charged_bytes);
    buf_fini(&p->bytes);
    *p = (struct grpc_payload){0};
}

/* --- encodings -------------------------------------------------------------------------------- */

static const struct str encoding_names[GRPC_ENCODING_COUNT] = {
    [GRPC_IDENTITY] = STR_INIT("identity"),
    [GRPC_GZIP] = STR_INIT("gzip"),
    [GRPC_SNAPPY] = STR_INIT("snappy"),
    [GRPC_ZSTD] = STR_INIT("zstd"),
};

struct str
grpc_encoding_name(enum grpc_encoding e)
{
    ASSERT((unsigned)e < GRPC_ENCODING_COUNT);
    return encoding_names[e];
}

bool
grpc_encoding_parse(struct str name, enum grpc_encoding *ret_encoding)
{
    for (size_t i = 0; i < GRPC_ENCODING_COUNT; i++) {
        if (!str_eq(name, encoding_names[i]))
            continue;
        *ret_encoding = (enum grpc_encoding)i;
        return true;
    }
    return false;
}

static void
encode(enum grpc_encoding e, struct str plain, struct buf *to)
{
    switch (e) {
    case GRPC_IDENTITY:
        buf_append(to, plain);
        return;
    case GRPC_GZIP:
        gzip_encode(plain, to);
        return;
    case GRPC_SNAPPY:
        snappy_frame_encode(plain, to);
        return;
    case GRPC_ZSTD:
        zstd_encode(plain, to);
        return;
    }
    UNREACHABLE("every encoding stands above");
}

struct shared *
grpc_message_new(enum grpc_encoding e, struct str plain)
{
    ASSERT(plain.n <= GRPC_MESSAGE_BYTES_MAX);
    struct buf wire = BUF_INIT;
    bool compressed = e != GRPC_IDENTITY && plain.n > 0;
    buf_reserve(&wire, GRPC_PREFIX_BYTES + (compressed ? 0 : plain.n));
    wire.n = GRPC_PREFIX_BYTES;
    encode(compressed ? e : GRPC_IDENTITY, plain, &wire);
    wire.p[0] = compressed;
    store_be32(wire.p + 1, u32_of_size(wire.n - GRPC_PREFIX_BYTES));
    return shared_take(&wire);
}

/* --- decoding --------------------------------------------------------------------------------- */

static struct err
too_large(size_t message_bytes_max)
{
    return ERR(ERR_TOO_LARGE, "grpc: message larger than max (%zu) after decompression",
               message_bytes_max);
}

/* Consumes what a decoder says about its input. */
static struct err
as_internal(struct err e)
{
    if (e.code != ERR_INVALID)
        return e;
    struct err internal = ERR(ERR_INTERNAL, "grpc: cannot decompress: %s", err_text(&e));
    err_drop(e);
    return internal;
}

/* What the compressed bytes announce; 0: they do not. */
static struct err
announced_bytes(enum grpc_encoding e, struct str packed, size_t *ret_bytes)
{
    *ret_bytes = 0;
    if (e == GRPC_SNAPPY)
        return snappy_frame_decoded_bytes(packed, ret_bytes);
    return e == GRPC_ZSTD ? zstd_decoded_bytes(packed, ret_bytes) : OK;
}

static struct err
decode(enum grpc_encoding e, struct str packed, size_t bytes_max, struct buf *to)
{
    switch (e) {
    case GRPC_IDENTITY:
        break;
    case GRPC_GZIP:
        return gzip_decode(packed, bytes_max, to);
    case GRPC_SNAPPY:
        buf_reserve(to, bytes_max + 1); /* what it announces; a chunk of nothing asks for a byte */
        return snappy_frame_decode(packed, to);
    case GRPC_ZSTD:
        return zstd_decode(packed, bytes_max, to);
    }
    UNREACHABLE("the caller has refused it");
}

/* Into room that is charged; the charge of *ret_plain is what its buffer has in the end. */
static struct err
decode_within(const struct grpc_payload *p, enum grpc_encoding e, size_t bytes_max,
              struct grpc_payload *ret_plain)
{
    struct grpc_payload plain = {.budget = p->budget};
    TRY(charge(p->budget, p->charged_bytes, bytes_max));
    plain.charged_bytes = p->budget ? bytes_max : 0;
    struct err failed = decode(e, buf_str(&p->bytes), bytes_max, &plain.bytes);
    if (failed.code != ERR_NONE) {
        grpc_payload_fini(&plain);
        return failed;
    }
    if (p->budget) {
        budget_charge(p->budget, plain.bytes.cap);
        budget_give_back(p->budget, plain.charged_bytes);
        plain.charged_bytes = plain.bytes.cap;
    }
    *ret_plain = plain;
    return OK;
}

/* A decoder that is not told the size before gets room in steps, from the start each time: the
 * last try costs most, and nothing is taken that was not charged. */
static struct err
decode_in_steps(const struct grpc_payload *p, enum grpc_encoding e, size_t message_bytes_max,
                struct grpc_payload *ret_plain)
{
    size_t bytes_max = size_max(p->bytes.n * EXPANSION_GUESS, ROOM_BYTES_MIN);
    for (;; bytes_max *= EXPANSION_STEP) {
        bool last = bytes_max >= message_bytes_max;
        struct err failed = decode_within(p, e, size_min(bytes_max, message_bytes_max), ret_plain);
        if (failed.code != ERR_TOO_LARGE || last)
            return failed;
        err_drop(failed);
    }
}

static struct err
decode_payload(const struct grpc_payload *p, enum grpc_encoding e, size_t message_bytes_max,
               struct grpc_payload *ret_plain)
{
    size_t bytes = 0;
    TRY(announced_bytes(e, buf_str(&p->bytes), &bytes));
    if (bytes > message_bytes_max)
        return too_large(message_bytes_max);
    return bytes > 0 || e == GRPC_SNAPPY ? decode_within(p, e, bytes, ret_plain)
                                         : decode_in_steps(p, e, message_bytes_max, ret_plain);
}

struct err
grpc_payload_decode(struct grpc_payload *p, enum grpc_encoding e, size_t message_bytes_max)
{
    if (!p->compressed)
        return OK;
    if (e == GRPC_IDENTITY)
        return ERR(ERR_INTERNAL, "grpc: compressed flag set with identity or empty encoding");
    struct grpc_payload plain = {0};
    TRY(as_internal(decode_payload(p, e, message_bytes_max, &plain)));
    grpc_payload_fini(p);
    *p = plain;
    return OK;
}

/* --- reader ----------------------------------------------------------------------------------- */

void
grpc_reader_init(struct grpc_reader *r, size_t message_bytes_max, struct budget *budget)
{
    *r = (struct grpc_reader){
        .message_bytes_max = size_min(message_bytes_max, GRPC_MESSAGE_BYTES_MAX),
        .budget = budget,
        .payload.budget = budget,
    };
}

void
grpc_reader_fini(struct grpc_reader *r)
{
    grpc_payload_fini(&r->payload);
}

static struct err
take_prefix(struct grpc_reader *r, struct str *rest)
{
    struct str part = str_take(rest, size_min(rest->n, GRPC_PREFIX_BYTES - r->prefix_bytes));
    memcpy(r->prefix + r->prefix_bytes, part.p, part.n);
    r->prefix_bytes += part.n;
    if (r->prefix_bytes < GRPC_PREFIX_BYTES)
        return OK;
    unsigned flag = (unsigned char)r->prefix[0];
    if (flag > 1)
        return ERR(ERR_INTERNAL, "grpc: received unexpected payload format %u", flag);
    r->payload.compressed = flag;
    r->length_bytes = load_be32(r->prefix + 1);
    if (r->length_bytes > r->message_bytes_max)
        return ERR(ERR_TOO_LARGE, "grpc: received message larger than max (%zu vs. %zu)",
                   r->length_bytes, r->message_bytes_max);
    return OK;
}

/* Room for `more` bytes of the payload: no more than came already, so that a prefix alone holds
 * nothing. */
static struct err
make_room(struct grpc_reader *r, size_t more)
{
    struct grpc_payload *p = &r->payload;
    size_t need = p->bytes.n + more;
    if (need <= p->bytes.cap)
        return OK;
    size_t cap = size_max(need, size_min(r->length_bytes, size_max(2 * need, ROOM_BYTES_MIN)));
    TRY(charge(r->budget, p->charged_bytes, cap - p->bytes.cap));
    p->charged_bytes += r->budget ? cap - p->bytes.cap : 0;
    p->bytes.p = mem_realloc(p->bytes.p, cap);
    p->bytes.cap = cap;
    return OK;
}

struct err
grpc_reader_feed(struct grpc_reader *r, struct str *rest, bool *ret_whole)
{
    if (r->prefix_bytes < GRPC_PREFIX_BYTES && rest->n > 0)
        TRY(take_prefix(r, rest));
    if (r->prefix_bytes < GRPC_PREFIX_BYTES) {
        *ret_whole = false;
        return OK;
    }
    struct str part = str_take(rest, size_min(rest->n, r->length_bytes - r->payload.bytes.n));
    if (part.n > 0) {
        TRY(make_room(r, part.n));
        buf_append(&r->payload.bytes, part);
    }
    *ret_whole = r->payload.bytes.n == r->length_bytes;
    return OK;
}

void
grpc_reader_take(struct grpc_reader *r, struct grpc_payload *ret_payload)
{
    ASSERT(r->prefix_bytes == GRPC_PREFIX_BYTES && r->payload.bytes.n == r->length_bytes);
    *ret_payload = r->payload;
    r->payload = (struct grpc_payload){.budget = r->budget};
    r->prefix_bytes = 0;
}

bool
grpc_reader_is_idle(const struct grpc_reader *r)
{
    return r->prefix_bytes == 0;
}
