/* xor_reopen.c - from the bytes of a chunk back to the state of its appender.
 *
 * Walks over the samples once and keeps none: a start does that for every series. Contract: xor.h;
 * format: README.md. */
#include "tsdb/chunk/bits.h"
#include "tsdb/chunk/chunk.h"
#include "tsdb/chunk/xor.h"

enum { WINDOW_HEAD_BITS = 13 }; /* '11' lead(5) significant(6) */

struct walk {
    struct bit_reader in;
    struct xor_appender x;
    bool bad_window; /* a window of more than 64 bits was seen */
};

/* V. A value inside "the window before" when there was none is one of an appender that Prometheus
 * had reopened: the whole 64 bits, and the window from then on. */
static inline void
walk_value(struct walk *k)
{
    uint64_t w = bit_reader_peek(&k->in);
    if (!(w >> 63)) {
        k->in.at += 1;
        return;
    }
    unsigned lead = k->x.lead, trail = k->x.trail;
    if (w >> 62 == 2) {
        k->in.at += 2;
        if (lead == XOR_WINDOW_UNSET)
            lead = trail = 0;
    } else {
        k->in.at += WINDOW_HEAD_BITS;
        unsigned significant = (unsigned)(w >> 51) & 63;
        lead = (unsigned)(w >> 57) & 31;
        significant = significant ? significant : 64;
        k->bad_window |= lead + significant > 64;
        trail = k->bad_window ? 0 : 64 - lead - significant;
    }
    k->x.lead = (uint8_t)lead;
    k->x.trail = (uint8_t)trail;
    k->x.bits ^= bit_reader_take(&k->in, 64 - lead - trail) << trail;
}

/* T */
static inline void
walk_delta(struct walk *k)
{
    static const uint8_t widths[] = {0, 14, 17, 20, 64}; /* by the number of ones in front */
    uint64_t w = bit_reader_peek(&k->in);
    unsigned ones = (unsigned)__builtin_clzll(~w | 1);
    ones = ones < 4 ? ones : 4;
    k->in.at += ones < 4 ? ones + 1 : ones;
    unsigned n = widths[ones];
    if (n == 0)
        return;
    uint64_t dod = bit_reader_take(&k->in, n);
    if (n < 64 && dod > UINT64_C(1) << (n - 1))
        dod -= UINT64_C(1) << n;
    k->x.delta_ms = (int64_t)((uint64_t)k->x.delta_ms + dod);
}

/* As xor_check(): it may have a zero byte of an old writer behind its end. */
static struct err
check_end(const struct walk *k, struct str data)
{
    const char *what = NULL;
    if (k->bad_window)
        what = "a window of more than 64 bits";
    else if (bit_reader_overrun(&k->in))
        what = "cut off";
    if (!what) {
        struct str left = str_skip(data, (k->in.at + 7) / 8);
        if (left.n > 1 || (left.n == 1 && left.p[0] != 0))
            what = "bytes left over";
    }
    if (what)
        return ERR(ERR_CORRUPT, "xor chunk of %zu bytes: %s before bit %zu", data.n, what,
                   k->in.at);
    return OK;
}

struct err
xor_reopen(struct str data, struct xor_appender *ret_x)
{
    int64_t t_ms;
    return xor_reopen_marked(data, 0, ret_x, &t_ms);
}

struct err
xor_reopen_marked(struct str data, size_t number, struct xor_appender *ret_x, int64_t *ret_t_ms)
{
    if (data.n > XOR_REOPEN_BYTES_MAX)
        return ERR(ERR_LIMIT, "xor chunk of %zu bytes: too long to go on, limit %d", data.n,
                   XOR_REOPEN_BYTES_MAX);
    struct walk k = {.in = bit_reader_of(data)};
    struct reader r = reader_of(data);
    xor_init(&k.x);
    k.x.count = reader_be16(&r);
    k.x.t_ms = reader_varint(&r);
    k.x.bits = reader_be64(&r);
    k.x.delta_ms = k.x.count > 1 ? (int64_t)reader_uvarint(&r) : 0;
    if (r.code != ERR_NONE || k.x.count == 0)
        return ERR(ERR_CORRUPT, "xor chunk of %zu bytes: no samples, or cut off in the first",
                   data.n);
    if (k.x.count > 2 && (k.x.count - 2u) * 2 > reader_left(&r) * 8) /* two bits each at least */
        return ERR(ERR_CORRUPT, "xor chunk of %zu bytes: cannot hold %u samples", data.n,
                   k.x.count);
    k.in.at = reader_offset(&r) * 8;
    int64_t marked_ms = k.x.t_ms;
    for (size_t i = 1; i < k.x.count; i++) { /* past the end there are zeros */
        if (i > 1)
            walk_delta(&k);
        k.x.t_ms = (int64_t)((uint64_t)k.x.t_ms + (uint64_t)k.x.delta_ms);
        walk_value(&k);
        marked_ms = i + 1 == number ? k.x.t_ms : marked_ms;
    }
    TRY(check_end(&k, data));
    struct xor_appender *x = &k.x;
    x->used_bytes = (uint16_t)(k.in.at / 8);
    x->acc_bits = k.in.at % 8;
    if (x->acc_bits > 0)
        x->acc = (uint64_t)((uint8_t)data.p[x->used_bytes] >> (8 - x->acc_bits))
                 << (64 - x->acc_bits);
    *ret_x = *x;
    if (number > 0 && number <= x->count)
        *ret_t_ms = marked_ms;
    return OK;
}
