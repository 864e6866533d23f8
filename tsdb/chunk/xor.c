/* xor.c - appending to and decoding XOR chunks.
 *
 *   be16 count | varint t0 | be64 v0 | uvarint t1-t0 | V | { T | V } ...     README.md
 *
 * Times are computed as uint64: a difference may wrap, as it does in Prometheus. */
#include "tsdb/chunk/xor.h"

#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/chunk/bits.h"
#include "tsdb/chunk/chunk.h"

enum {
    LEAD_MAX = 31,         /* 5 bits; more leading zeros travel as significant ones */
    WINDOW_HEAD_BITS = 13, /* '11' lead(5) significant(6) */
};

/* --- appending ---------------------------------------------------------------------------- */

void
xor_init(struct xor_appender *x)
{
    *x = (struct xor_appender){.lead = XOR_WINDOW_UNSET};
}

size_t
xor_bytes(const struct xor_appender *x)
{
    size_t used = x->count ? x->used_bytes : XOR_HEADER_BYTES;
    return used + (x->acc_bits + 7u) / 8;
}

/* x fits n bits by the asymmetric rule of Prometheus: -(2^(n-1) - 1) .. 2^(n-1). */
static inline bool
fits_bits(uint64_t dod, unsigned n)
{
    uint64_t half = UINT64_C(1) << (n - 1);
    return dod + half - 1 < 2 * half;
}

/* V behind the `head_bits` bits of `head`, which are at most 24. */
static inline void
put_value(struct bit_writer *w, struct xor_appender *x, uint64_t head, unsigned head_bits,
          uint64_t bits)
{
    uint64_t change = bits ^ x->bits;
    x->bits = bits;
    if (change == 0) {
        bit_writer_put(w, head << 1, head_bits + 1);
        return;
    }
    unsigned lead = (unsigned)__builtin_clzll(change), trail = (unsigned)__builtin_ctzll(change);
    if (lead > LEAD_MAX)
        lead = LEAD_MAX;
    if (lead >= x->lead && trail >= x->trail) { /* never while unset: 255 is above LEAD_MAX */
        bit_writer_put(w, head << 2 | 2, head_bits + 2);
        bit_writer_put(w, change >> x->trail, 64u - x->lead - x->trail);
        return;
    }
    unsigned significant = 64 - lead - trail;
    x->lead = (uint8_t)lead;
    x->trail = (uint8_t)trail;
    uint64_t window = UINT64_C(3) << 11 | (uint64_t)lead << 6 | (significant & 63);
    bit_writer_put(w, head << WINDOW_HEAD_BITS | window, head_bits + WINDOW_HEAD_BITS);
    bit_writer_put(w, change >> trail, significant);
}

/* The first two samples are whole bytes up to the second value. */
static void
append_first(struct xor_appender *x, uint8_t *buffer, int64_t t_ms, uint64_t bits)
{
    ASSERT(x->acc_bits == 0);
    if (x->count == 0) {
        size_t used = XOR_HEADER_BYTES;
        used += store_varint(buffer + used, t_ms);
        store_be64(buffer + used, bits);
        x->used_bytes = (uint16_t)(used + 8);
        x->bits = bits;
    } else {
        uint64_t delta = (uint64_t)t_ms - (uint64_t)x->t_ms;
        size_t used = x->used_bytes + store_uvarint(buffer + x->used_bytes, delta);
        struct bit_writer w = {buffer + used, 0, 0};
        put_value(&w, x, 0, 0, bits);
        x->delta_ms = (int64_t)delta;
        x->used_bytes = (uint16_t)(w.at - buffer);
        x->acc = w.acc;
        x->acc_bits = (uint8_t)w.bits;
    }
    x->t_ms = t_ms;
    x->count++;
}

void
xor_append(struct xor_appender *x, uint8_t *buffer, int64_t t_ms, uint64_t bits)
{
    ASSERT(x->count < CHUNK_SAMPLES_MAX);
    ASSERT(x->used_bytes < CHUNK_BYTES_MAX - 2 * XOR_SAMPLE_BYTES_MAX); /* the head cuts at 1 KiB */
    if (x->count < 2) {
        append_first(x, buffer, t_ms, bits);
        return;
    }
    struct bit_writer w = {buffer + x->used_bytes, x->acc, x->acc_bits};
    uint64_t delta = (uint64_t)t_ms - (uint64_t)x->t_ms;
    uint64_t dod = delta - (uint64_t)x->delta_ms;
    uint64_t head = 0;
    unsigned head_bits = 1;
    if (dod == 0) {
        ;
    } else if (fits_bits(dod, 14)) {
        head = UINT64_C(0x2) << 14 | (dod & 0x3fff);
        head_bits = 2 + 14;
    } else if (fits_bits(dod, 17)) {
        head = UINT64_C(0x6) << 17 | (dod & 0x1ffff);
        head_bits = 3 + 17;
    } else if (fits_bits(dod, 20)) {
        head = UINT64_C(0xe) << 20 | (dod & 0xfffff);
        head_bits = 4 + 20;
    } else {
        bit_writer_put(&w, 0xf, 4);
        bit_writer_put(&w, dod, 64);
        head_bits = 0;
    }
    put_value(&w, x, head, head_bits, bits);
    x->t_ms = t_ms;
    x->delta_ms = (int64_t)delta;
    x->used_bytes = (uint16_t)(w.at - buffer);
    x->acc = w.acc;
    x->acc_bits = (uint8_t)w.bits;
    x->count++;
}

/* What waits in acc, as the last bytes of the chunk. */
static void
put_waiting(const struct xor_appender *x, uint8_t *at)
{
    uint8_t word[8];
    store_be64(word, x->acc);
    memcpy(at, word, (x->acc_bits + 7u) / 8);
}

size_t
xor_seal(const struct xor_appender *x, uint8_t *buffer)
{
    size_t bytes = xor_bytes(x);
    store_be16(buffer, x->count);
    if (x->count)
        put_waiting(x, buffer + x->used_bytes);
    return bytes;
}

size_t
xor_snapshot(const struct xor_appender *x, const uint8_t *buffer, uint8_t *to)
{
    if (x->count) {
        memcpy(to + XOR_HEADER_BYTES, buffer + XOR_HEADER_BYTES, x->used_bytes - XOR_HEADER_BYTES);
        put_waiting(x, to + x->used_bytes);
    }
    store_be16(to, x->count);
    return xor_bytes(x);
}

/* --- decoding ----------------------------------------------------------------------------- */

struct xor_cursor {
    struct bit_reader in; /* behind the newest sample */
    uint64_t t_ms, bits;  /* of the newest sample */
    uint64_t delta_ms;
    unsigned significant, trail; /* window; decoders start with (64, 0): 64 raw bits */
    bool bad_window;             /* a window of more than 64 bits was seen */
};

/* V. `w` is the stream at the position; `valid` bits of it may be used, a constant and more than
 * WINDOW_HEAD_BITS. */
static inline __attribute__((always_inline)) void
take_value(struct xor_cursor *c, uint64_t w, unsigned valid)
{
    if (!(w >> 63)) {
        c->in.at += 1;
        return;
    }
    if (w >> 62 == 2) {
        c->in.at += 2;
        w <<= 2;
    } else {
        unsigned lead = (unsigned)(w >> 57) & 31, significant = (unsigned)(w >> 51) & 63;
        c->in.at += WINDOW_HEAD_BITS;
        w <<= WINDOW_HEAD_BITS;
        significant = significant ? significant : 64;
        if (__builtin_expect(lead + significant > 64, 0)) {
            c->bad_window = true;
            significant = 64 - lead;
        }
        c->significant = significant;
        c->trail = 64 - lead - significant;
    }
    uint64_t change;
    if (c->significant <= valid - WINDOW_HEAD_BITS) {
        change = w >> (64 - c->significant);
        c->in.at += c->significant;
    } else {
        change = bit_reader_take(&c->in, c->significant);
    }
    c->bits ^= change << c->trail;
}

/* The dod behind one or more ones, in front of `w`; nearly all have 14 bits. */
static inline void
take_long_dod(struct xor_cursor *c, uint64_t w)
{
    static const uint8_t widths[] = {0, 14, 17, 20}; /* behind 1, 2, 3 ones */
    unsigned ones = (unsigned)__builtin_clzll(~w | 1);
    if (ones < ARRAY_LEN(widths)) {
        unsigned n = widths[ones];
        uint64_t dod = (w << (ones + 1)) >> (64 - n);
        c->delta_ms += dod - ((uint64_t)(dod > UINT64_C(1) << (n - 1)) << n);
        c->in.at += ones + 1 + n;
    } else {
        c->in.at += 4;
        c->delta_ms += bit_reader_take(&c->in, 64);
    }
}

/* T and V; `w` is the window at the position. */
static inline __attribute__((always_inline)) void
take_sample(struct xor_cursor *c, uint64_t w)
{
    enum { SHORT_DOD_BITS = 14, SHORT_DOD_MAX = 1 << (SHORT_DOD_BITS - 1) };
    if (!(w >> 63)) {
        c->in.at += 1;
        c->t_ms += c->delta_ms;
        take_value(c, w << 1, BIT_WINDOW_BITS - 1);
    } else if (w >> 62 == 2) {
        uint64_t dod = (w >> (62 - SHORT_DOD_BITS)) + SHORT_DOD_MAX - 1; /* from 0 on */
        c->delta_ms += (dod & (2 * SHORT_DOD_MAX - 1)) - (SHORT_DOD_MAX - 1);
        c->in.at += 2 + SHORT_DOD_BITS;
        c->t_ms += c->delta_ms;
        take_value(c, w << (2 + SHORT_DOD_BITS), BIT_WINDOW_BITS - 2 - SHORT_DOD_BITS);
    } else {
        take_long_dod(c, w);
        c->t_ms += c->delta_ms;
        take_value(c, bit_reader_peek(&c->in), BIT_WINDOW_BITS);
    }
}

static struct err
corrupt(const struct xor_cursor *c, const char *what)
{
    return ERR(ERR_CORRUPT, "xor chunk of %zu bytes: %s before bit %zu", c->in.bytes, what,
               c->in.at);
}

/* Reads the count and, as far as the count goes, the first two samples. *ret_second is the
 * time of the second one, or that of the first; c then stands behind what was read, but its
 * t_ms and bits are those of the first until take_second(). */
static struct err
xor_begin(struct str data, struct xor_cursor *c, size_t *ret_count)
{
    struct reader r = reader_of(data);
    *c = (struct xor_cursor){.in = bit_reader_of(data), .significant = 64};
    size_t count = reader_be16(&r);
    if (count > 0) {
        c->t_ms = (uint64_t)reader_varint(&r);
        c->bits = reader_be64(&r);
    }
    if (count > 1)
        c->delta_ms = reader_uvarint(&r);
    if (r.code)
        return ERR(ERR_CORRUPT, "xor chunk of %zu bytes: cut off in its first samples", data.n);
    c->in.at = reader_offset(&r) * 8;
    /* Every later sample takes two bits at least: bounds what callers allocate. */
    if (count > 2 && (count - 2) * 2 > reader_left(&r) * 8)
        return ERR(ERR_CORRUPT, "xor chunk of %zu bytes: cannot hold %zu samples", data.n, count);
    *ret_count = count;
    return OK;
}

static inline void
take_second(struct xor_cursor *c)
{
    c->t_ms += c->delta_ms;
    take_value(c, bit_reader_peek(&c->in), BIT_WINDOW_BITS);
}

static struct err
xor_end(const struct xor_cursor *c)
{
    if (c->bad_window)
        return corrupt(c, "a window of more than 64 bits");
    if (bit_reader_overrun(&c->in))
        return corrupt(c, "cut off");
    return OK;
}

/* Keeps of the samples from index `from` on those in the range. */
static void
keep_range(struct sample_columns *to, size_t from, int64_t mint_ms, int64_t maxt_ms)
{
    if (mint_ms == INT64_MIN && maxt_ms == INT64_MAX)
        return;
    size_t kept = from;
    for (size_t i = from; i < to->n; i++) {
        int64_t t = to->t_ms[i];
        to->t_ms[kept] = t;
        to->bits[kept] = to->bits[i];
        kept += (size_t)(t >= mint_ms) & (size_t)(t <= maxt_ms);
    }
    to->n = kept;
}

/* `run` more samples with the interval and the value of the one before. */
static inline void
repeat(struct xor_cursor *c, size_t run, int64_t *t_ms, uint64_t *bits)
{
    uint64_t t = c->t_ms, delta = c->delta_ms, value = c->bits;
    for (size_t k = 0; k < run; k++) {
        t += delta;
        t_ms[k] = (int64_t)t;
        bits[k] = value;
    }
    c->t_ms = t;
}

/* Samples `i` to `count` into the columns. Two zero bits are a sample with the interval and
 * the value of the one before: a window shows up to 28 of them. */
static void
take_rest(struct xor_cursor *cursor, size_t i, size_t count, int64_t *t_ms, uint64_t *bits)
{
    enum { RUN_STOP_BIT = 64 - BIT_WINDOW_BITS };
    struct xor_cursor c = *cursor; /* in registers */
    while (i < count) {
        uint64_t w = bit_reader_peek(&c.in);
        if (w >> 62 == 0) {
            size_t run = (size_t)__builtin_clzll(w | UINT64_C(1) << RUN_STOP_BIT) / 2;
            run = size_min(run, count - i);
            c.in.at += run * 2;
            repeat(&c, run, t_ms + i, bits + i);
            i += run;
            continue;
        }
        take_sample(&c, w);
        t_ms[i] = (int64_t)c.t_ms;
        bits[i++] = c.bits;
    }
    *cursor = c;
}

struct err
xor_decode(struct str data, int64_t mint_ms, int64_t maxt_ms, struct sample_columns *to)
{
    struct xor_cursor c;
    size_t count;
    TRY(xor_begin(data, &c, &count));
    if (count == 0)
        return OK;
    sample_columns_reserve(to, count);
    int64_t *t_ms = to->t_ms + to->n;
    uint64_t *bits = to->bits + to->n;
    t_ms[0] = (int64_t)c.t_ms;
    bits[0] = c.bits;
    if (count > 1) {
        take_second(&c);
        t_ms[1] = (int64_t)c.t_ms;
        bits[1] = c.bits;
        take_rest(&c, 2, count, t_ms, bits);
    }
    TRY(xor_end(&c)); /* nothing was added to the columns yet */
    size_t from = to->n;
    to->n += count;
    keep_range(to, from, mint_ms, maxt_ms);
    return OK;
}

struct err
xor_check(struct str data, int64_t *ret_mint_ms, int64_t *ret_maxt_ms)
{
    struct xor_cursor c;
    size_t count;
    TRY(xor_begin(data, &c, &count));
    if (count == 0)
        return corrupt(&c, "no samples");
    int64_t first_ms = (int64_t)c.t_ms;
    if (count > 1)
        take_second(&c);
    for (size_t i = 2; i < count; i++)
        take_sample(&c, bit_reader_peek(&c.in));
    TRY(xor_end(&c));
    struct str left = str_skip(data, (c.in.at + 7) / 8);
    if (left.n > 1 || (left.n == 1 && left.p[0] != 0)) /* README.md: old writers leave one */
        return corrupt(&c, "bytes left over");
    *ret_mint_ms = first_ms;
    *ret_maxt_ms = (int64_t)c.t_ms;
    return OK;
}
