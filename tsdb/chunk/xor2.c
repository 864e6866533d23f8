/* xor2.c - decoding XOR2 chunks.
 *
 * A value is XORed with the last one that was no stale marker (0 when none was), and "the same"
 * is the same as that. */
#include "tsdb/chunk/xor2.h"

#include "tsdb/chunk/start_times.h"
#include "tsdb/chunk/xor_window.h"

enum {
    XOR2_HEADER_BYTES = 3, /* be16 count, u8 start header */
    DOD_SHORT_BITS = 13,
    DOD_LONG_BITS = 20,
};

struct xor2_cursor {
    struct bit_reader in;
    uint64_t t_ms, delta_ms;
    uint64_t bits, baseline; /* of the newest sample; of the newest that was not stale */
    struct xor_window window;
    struct start_reader starts;
    size_t count, read;
};

static struct err
cut_off(const struct xor2_cursor *c)
{
    return ERR(ERR_CORRUPT, "xor2 chunk of %zu bytes: malformed or cut off at sample %zu",
               c->in.bytes, c->read);
}

static struct err
xor2_begin(struct str data, struct xor2_cursor *c)
{
    *c = (struct xor2_cursor){.in = bit_reader_of(data)};
    if (data.n < XOR2_HEADER_BYTES)
        return ERR(ERR_CORRUPT, "xor2 chunk of %zu bytes has no header", data.n);
    c->count = load_be16(data.p);
    c->starts.header = (uint8_t)data.p[XOR2_HEADER_BYTES - 1];
    c->in.at = XOR2_HEADER_BYTES * 8;
    if (c->count > bit_reader_left(&c->in)) /* a bit each: bounds what callers allocate */
        return cut_off(c);
    return OK;
}

static void
changed_to(struct xor2_cursor *c, uint64_t change)
{
    c->bits = c->baseline ^= change;
}

/* V2: 0 | 10 inside the window | 110 new window | 111 stale. */
static void
take_value(struct xor2_cursor *c)
{
    unsigned head = (unsigned)(bit_reader_peek(&c->in) >> 61);
    if (head < 4) {
        c->in.at += 1;
        c->bits = c->baseline;
    } else if (head < 6) {
        c->in.at += 2;
        changed_to(c, xor_window_take_inside(&c->in, &c->window));
    } else {
        c->in.at += 3;
        if (head == 6)
            changed_to(c, xor_window_take_new(&c->in, &c->window));
        else
            c->bits = STALE_NAN_BITS;
    }
}

/* Two's complement, unlike the other differences of chunks. */
static void
take_time(struct xor2_cursor *c, unsigned width)
{
    uint64_t dod = bit_reader_take(&c->in, width);
    if (width < 64 && dod >> (width - 1))
        dod -= UINT64_C(1) << width;
    c->delta_ms += dod;
}

/* JOINT: 0 nothing changed | 10 value | 110 time, 13 bits | 1110 20 bits | 11110 64 bits |
 * 11111 stale, no change of time. */
static void
take_joint(struct xor2_cursor *c)
{
    static const uint8_t widths[] = {0, 0, DOD_SHORT_BITS, DOD_LONG_BITS, 64};
    uint64_t w = bit_reader_peek(&c->in);
    unsigned ones = (unsigned)__builtin_clzll(~w | UINT64_C(1) << 58); /* 0 to 5 */
    c->in.at += ones < 5 ? ones + 1 : 5;
    if (ones == 0) {
        c->bits = c->baseline;
    } else if (ones == 1) {
        bool opens = bit_reader_take(&c->in, 1);
        changed_to(c, opens ? xor_window_take_new(&c->in, &c->window)
                            : xor_window_take_inside(&c->in, &c->window));
    } else if (ones < 5) {
        take_time(c, widths[ones]);
        c->t_ms += c->delta_ms;
        take_value(c);
        return;
    } else {
        c->bits = STALE_NAN_BITS;
    }
    c->t_ms += c->delta_ms;
}

static struct err
xor2_next(struct xor2_cursor *c)
{
    uint64_t before_ms = c->t_ms;
    if (c->read == 0) {
        c->t_ms = (uint64_t)bit_reader_take_varint(&c->in);
        c->bits = bit_reader_take(&c->in, 64);
        c->baseline = c->bits == STALE_NAN_BITS ? 0 : c->bits;
    } else if (c->read == 1) {
        c->delta_ms = bit_reader_take_uvarint(&c->in);
        c->t_ms += c->delta_ms;
        take_value(c);
    } else {
        take_joint(c);
    }
    start_reader_take(&c->starts, &c->in, c->read, c->t_ms, before_ms);
    if (bit_reader_overrun(&c->in))
        return cut_off(c);
    c->read++;
    return OK;
}

struct err
xor2_decode(struct str data, int64_t mint_ms, int64_t maxt_ms, struct sample_columns *to,
            struct start_column *starts)
{
    struct xor2_cursor c;
    TRY(xor2_begin(data, &c));
    sample_columns_reserve(to, c.count);
    if (starts)
        vec_reserve(starts, c.count);
    size_t n = 0;
    while (c.read < c.count) {
        TRY(xor2_next(&c));
        int64_t t_ms = (int64_t)c.t_ms;
        if (t_ms < mint_ms || t_ms > maxt_ms)
            continue;
        to->t_ms[to->n + n] = t_ms;
        to->bits[to->n + n] = c.bits;
        if (starts)
            starts->v[starts->n + n] = (int64_t)c.starts.start_ms;
        n++;
    }
    to->n += n; /* C3: nothing was added before */
    if (starts)
        starts->n += n;
    return OK;
}

struct err
xor2_check(struct str data, int64_t *ret_mint_ms, int64_t *ret_maxt_ms)
{
    struct xor2_cursor c;
    TRY(xor2_begin(data, &c));
    if (c.count == 0)
        return ERR(ERR_CORRUPT, "xor2 chunk of %zu bytes: no samples", data.n);
    TRY(xor2_next(&c));
    int64_t first_ms = (int64_t)c.t_ms;
    while (c.read < c.count)
        TRY(xor2_next(&c));
    TRY(chunk_check_end(&c.in));
    *ret_mint_ms = first_ms;
    *ret_maxt_ms = (int64_t)c.t_ms;
    return OK;
}
