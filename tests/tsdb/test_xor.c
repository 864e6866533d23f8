/* Our chunks are byte for byte those of a plain bit-by-bit encoder written from the format's
 * description, at every length; they decode to what went in; damage is refused. Chunks that
 * Prometheus wrote are in test_chunk.c. */
#include "tests/harness.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "tsdb/chunk/chunk.h"
#include "tsdb/chunk/xor.h"

enum { SAMPLES = 300, CHUNK_ROOM = SAMPLES * XOR_SAMPLE_BYTES_MAX + 64 };

static uint64_t
next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* --- the plain encoder -------------------------------------------------------------------- */

struct plain {
    uint8_t bytes[CHUNK_ROOM];
    size_t bits;
    size_t count;
    uint64_t t, delta, value;
    int lead, trail; /* lead < 0: no window yet */
};

static void
plain_bits(struct plain *p, uint64_t v, int n)
{
    for (int i = n - 1; i >= 0; i--, p->bits++)
        p->bytes[p->bits / 8] |= (uint8_t)((v >> i & 1) << (7 - p->bits % 8));
}

static bool
plain_fits(int64_t x, int n)
{
    return -((INT64_C(1) << (n - 1)) - 1) <= x && x <= INT64_C(1) << (n - 1);
}

static void
plain_value(struct plain *p, uint64_t v)
{
    uint64_t x = v ^ p->value;
    p->value = v;
    if (x == 0) {
        plain_bits(p, 0, 1);
        return;
    }
    int lead = __builtin_clzll(x), trail = __builtin_ctzll(x);
    lead = lead > 31 ? 31 : lead;
    if (p->lead >= 0 && lead >= p->lead && trail >= p->trail) {
        plain_bits(p, 2, 2);
        plain_bits(p, x >> p->trail, 64 - p->lead - p->trail);
        return;
    }
    p->lead = lead;
    p->trail = trail;
    plain_bits(p, 3, 2);
    plain_bits(p, (uint64_t)lead, 5);
    plain_bits(p, (uint64_t)(64 - lead - trail) & 63, 6);
    plain_bits(p, x >> trail, 64 - lead - trail);
}

static void
plain_append(struct plain *p, int64_t t, uint64_t v)
{
    uint8_t varint[UVARINT_BYTES_MAX];
    size_t n = 0;
    uint64_t delta = (uint64_t)t - p->t;
    int64_t dod = (int64_t)(delta - p->delta);
    if (p->count == 0) {
        p->bits = 16;
        p->lead = -1;
        n = store_varint(varint, t);
    } else if (p->count == 1) {
        n = store_uvarint(varint, delta);
    } else if (dod == 0) {
        plain_bits(p, 0, 1);
    } else if (plain_fits(dod, 14)) {
        plain_bits(p, 2, 2), plain_bits(p, (uint64_t)dod, 14);
    } else if (plain_fits(dod, 17)) {
        plain_bits(p, 6, 3), plain_bits(p, (uint64_t)dod, 17);
    } else if (plain_fits(dod, 20)) {
        plain_bits(p, 14, 4), plain_bits(p, (uint64_t)dod, 20);
    } else {
        plain_bits(p, 15, 4), plain_bits(p, (uint64_t)dod, 64);
    }
    for (size_t i = 0; i < n; i++)
        plain_bits(p, varint[i], 8);
    if (p->count == 0)
        plain_bits(p, p->value = v, 64);
    else
        plain_value(p, v);
    p->delta = p->count ? delta : 0;
    p->t = (uint64_t)t;
    store_be16(p->bytes, (uint16_t)++p->count);
}

/* --- kinds of series ---------------------------------------------------------------------- */

/* Around the borders of 14, 17 and 20 bits, both ways. */
static const int64_t border_dods[] = {
    8190,   8191,   8192,   8193,   -8190,   -8191,   -8192, 65535, 65536,     65537,     -65535,
    -65536, 524287, 524288, 524289, -524287, -524288, 1,     -1,    INT32_MAX, INT32_MIN,
};

enum kind {
    CONSTANT,
    COUNTER,
    WALK,
    JITTER,
    STALE,
    SPECIAL,
    GAPS,
    BORDERS,
    RANDOM_BITS,
    RANDOM_TIMES,
    ONE_BIT,
    LOW_BITS,
    RARE,
    KINDS
};
static const char *const kind_names[KINDS] = {
    "constant", "counter",     "walk",         "jitter",  "stale",    "special",      "gaps",
    "borders",  "random bits", "random times", "one bit", "low bits", "rare changes",
};

static void
make_series(enum kind kind, uint64_t seed, struct sample *to)
{
    static const uint64_t special[] = {
        STALE_NAN_BITS,
        NORMAL_NAN_BITS,
        UINT64_C(0x7ff0000000000000),
        UINT64_C(0xfff0000000000000),
        0,
        UINT64_C(0x8000000000000000),
        1,
        UINT64_MAX,
        UINT64_C(0x7ff0000000000001),
    };
    uint64_t t = 1704067200000, delta = 15000, bits = bits_of_f64(1);
    double v = 100;
    for (size_t i = 0; i < SAMPLES; i++) {
        uint64_t r = next_random(&seed);
        switch (kind) {
        case CONSTANT:
            break;
        case COUNTER:
            bits = bits_of_f64(v += (double)(r % 50));
            break;
        case WALK:
            bits = bits_of_f64(v += (double)(r % 1000) / 1000 - 0.5);
            break;
        case JITTER:
            delta = 14990 + r % 20;
            bits = bits_of_f64(v += 0.1);
            break;
        case STALE:
            bits = r % 4 ? bits_of_f64(v) : STALE_NAN_BITS;
            break;
        case SPECIAL:
            bits = special[r % ARRAY_LEN(special)];
            break;
        case GAPS:
            delta = r % 5 ? 15000 : r % 100000000;
            bits = bits_of_f64(v += 1);
            break;
        case BORDERS:
            delta += (uint64_t)border_dods[i % ARRAY_LEN(border_dods)];
            break;
        case RANDOM_BITS:
            bits = r;
            break;
        case RANDOM_TIMES:
            delta = r;
            bits = bits_of_f64((double)(r % 3));
            break;
        case ONE_BIT:
            bits = UINT64_C(1) << (r & 63);
            break;
        case LOW_BITS:
            bits ^= r % 8 ? r & 7 : r;
            break; /* lead is capped, windows persist */
        case RARE:
            if (r % 50 == 0)
                bits = bits_of_f64(v += 0.25);
            break;
        case KINDS:
            ck_abort();
        }
        t += delta;
        to[i] = (struct sample){(int64_t)t, bits};
    }
}

/* A copy whose end ASan knows. */
static struct str
exact_copy(const void *p, size_t n)
{
    char *copy = mem_alloc(n);
    memcpy(copy, p, n);
    return str_of(copy, n);
}

static void
check_decoded(const char *name, struct str chunk, const struct sample *want, size_t n)
{
    AUTO(sample_columns_fini) struct sample_columns got = SAMPLE_COLUMNS_INIT;
    CK_OK(xor_decode(chunk, INT64_MIN, INT64_MAX, &got));
    ROW_ASSERT(name, got.n == n);
    for (size_t i = 0; i < n; i++) {
        ROW_ASSERT(name, got.t_ms[i] == want[i].t_ms);
        ROW_ASSERT(name, got.bits[i] == want[i].bits);
    }
    int64_t mint, maxt;
    CK_OK(xor_check(chunk, &mint, &maxt));
    ROW_ASSERT(name, mint == want[0].t_ms && maxt == want[n - 1].t_ms);
}

/* Loops over kinds. Every prefix is a chunk of its own and equals the plain encoder's. */
START_TEST(test_same_bytes)
{
    const char *name = kind_names[_i];
    struct sample samples[SAMPLES];
    make_series((enum kind)_i, 77 + (uint64_t)_i, samples);
    struct plain *plain = mem_alloc_zero(sizeof *plain);
    uint8_t *buffer = mem_alloc(CHUNK_ROOM), *copy = mem_alloc(CHUNK_ROOM);
    struct xor_appender x;
    xor_init(&x);
    ck_assert_uint_eq(xor_bytes(&x), XOR_HEADER_BYTES);
    for (size_t i = 0; i < SAMPLES; i++) {
        plain_append(plain, samples[i].t_ms, samples[i].bits);
        xor_append(&x, buffer, samples[i].t_ms, samples[i].bits);
        size_t bytes = (plain->bits + 7) / 8;
        ROW_ASSERT(name, xor_bytes(&x) == bytes);
        ROW_ASSERT(name, xor_snapshot(&x, buffer, copy) == bytes);
        ROW_ASSERT(name, memcmp(copy, plain->bytes, bytes) == 0);
        struct str chunk = exact_copy(copy, bytes);
        check_decoded(name, chunk, samples, i + 1);
        mem_free((void *)chunk.p);
        if (i % 7 == 0) { /* sealing does not end appending */
            ROW_ASSERT(name, xor_seal(&x, buffer) == bytes);
            ROW_ASSERT(name, memcmp(buffer, plain->bytes, bytes) == 0);
        }
    }
    mem_free(plain);
    mem_free(buffer);
    mem_free(copy);
}
END_TEST

/* A finished chunk of one kind; free the result's bytes. */
static struct str
make_chunk(enum kind kind, size_t count)
{
    struct sample samples[SAMPLES];
    make_series(kind, 5, samples);
    uint8_t *buffer = mem_alloc(CHUNK_ROOM);
    struct xor_appender x;
    xor_init(&x);
    for (size_t i = 0; i < count; i++)
        xor_append(&x, buffer, samples[i].t_ms, samples[i].bits);
    struct str chunk = exact_copy(buffer, xor_seal(&x, buffer));
    mem_free(buffer);
    return chunk;
}

START_TEST(test_range)
{
    struct str chunk = make_chunk(COUNTER, 100);
    const int64_t first = 1704067215000;
    static const struct {
        const char *name;
        int64_t from, to; /* in intervals from the first sample */
        size_t want;
    } rows[] = {
        {"all", 0, 99, 100},         {"first", 0, 0, 1},         {"last", 99, 99, 1},
        {"middle", 10, 19, 10},      {"wider", -5, 200, 100},    {"none before", -10, -1, 0},
        {"none after", 100, 200, 0}, {"empty range", 20, 10, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(sample_columns_fini) struct sample_columns got = SAMPLE_COLUMNS_INIT;
        sample_columns_reserve(&got, 1);
        got.t_ms[got.n] = 1;
        got.bits[got.n++] = 2; /* what is there stays, and is not filtered */
        CK_OK(xor_decode(chunk, first + 15000 * rows[i].from, first + 15000 * rows[i].to, &got));
        ROW_ASSERT(rows[i].name, got.n == rows[i].want + 1);
        ROW_ASSERT(rows[i].name, got.t_ms[0] == 1 && got.bits[0] == 2);
        if (rows[i].want && rows[i].from >= 0)
            ROW_ASSERT(rows[i].name, got.t_ms[1] == first + 15000 * rows[i].from);
    }
    mem_free((void *)chunk.p);
}
END_TEST

/* t0 = 1, v0 = 0, then bits of samples 1.. behind a delta of one byte. */
#define FIRST(count) "\x00" count "\x02\0\0\0\0\0\0\0\0"
static const struct bytes_case {
    const char *name;
    struct str chunk;
    enum err_code code;
    size_t count;
    uint64_t last_bits;
} bytes_cases[] = {
    {"no samples", STR_INIT("\0\0"), ERR_NONE, 0, 0},
    {"one sample", STR_INIT(FIRST("\1")), ERR_NONE, 1, 0},
    {"same value", STR_INIT(FIRST("\2") "\x05\x00"), ERR_NONE, 2, 0},
    {"reuse before any window: 64 raw bits",
     STR_INIT(FIRST("\2") "\x05\xbf\xff\xff\xff\xff\xff\xff\xff\xc0"), ERR_NONE, 2, UINT64_MAX},
    {"64 significant bits are written as 0",
     STR_INIT(FIRST("\2") "\x05\xc0\x07\xff\xff\xff\xff\xff\xff\xff\xf8"), ERR_NONE, 2, UINT64_MAX},
    {"empty", STR_INIT(""), ERR_CORRUPT, 0, 0},
    {"half a count", STR_INIT("\0"), ERR_CORRUPT, 0, 0},
    {"no first time", STR_INIT("\0\1"), ERR_CORRUPT, 0, 0},
    {"endless first time",
     STR_INIT("\0\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\0"), ERR_CORRUPT, 0,
     0},
    {"half a first value", STR_INIT("\0\1\2\0\0\0\0"), ERR_CORRUPT, 0, 0},
    {"no second delta", STR_INIT(FIRST("\2")), ERR_CORRUPT, 0, 0},
    {"no second value", STR_INIT(FIRST("\2") "\x05"), ERR_CORRUPT, 0, 0},
    {"window without its bits", STR_INIT(FIRST("\2") "\x05\xc0"), ERR_CORRUPT, 0, 0},
    {"window of 31 + 63 bits",
     STR_INIT(FIRST("\2") "\x05\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), ERR_CORRUPT, 0, 0},
    {"count above what bits can hold", STR_INIT(FIRST("\x40") "\x05\x00\x00\x00"), ERR_CORRUPT, 0,
     0},
    {"count of 65535 in 20 bytes", STR_INIT("\xff\xff\x02\0\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0"),
     ERR_CORRUPT, 0, 0},
    {"dod without its bits", STR_INIT(FIRST("\3") "\x05\x3c"), ERR_CORRUPT, 0, 0},
    {"dod of 64 bits cut", STR_INIT(FIRST("\3") "\x05\x78\0\0\0\0\0\0"), ERR_CORRUPT, 0, 0},
};

START_TEST(test_bytes)
{
    const struct bytes_case *c = &bytes_cases[_i];
    AUTO(sample_columns_fini) struct sample_columns got = SAMPLE_COLUMNS_INIT;
    struct str chunk = exact_copy(c->chunk.p, c->chunk.n);
    struct err e = xor_decode(chunk, INT64_MIN, INT64_MAX, &got);
    ROW_ASSERT(c->name, e.code == c->code);
    ROW_ASSERT(c->name, got.n == c->count); /* nothing is added on failure */
    if (c->count)
        ROW_ASSERT(c->name, got.bits[c->count - 1] == c->last_bits);
    err_drop(e);
    int64_t mint = 7, maxt = 7;
    e = xor_check(chunk, &mint, &maxt);
    ROW_ASSERT(c->name, e.code == (c->count ? ERR_NONE : ERR_CORRUPT));
    if (e.code)
        ROW_ASSERT(c->name, mint == 7 && maxt == 7);
    err_drop(e);
    mem_free((void *)chunk.p);
}
END_TEST

/* Every cut is noticed; xor_check also notices bytes that are left over. */
START_TEST(test_cut)
{
    struct str chunk = make_chunk((enum kind)_i, 60);
    AUTO(sample_columns_fini) struct sample_columns got = SAMPLE_COLUMNS_INIT;
    for (size_t n = 0; n < chunk.n; n++) {
        struct str cut = exact_copy(chunk.p, n);
        CK_ERR(ERR_CORRUPT, xor_decode(cut, INT64_MIN, INT64_MAX, &got));
        mem_free((void *)cut.p);
    }
    ck_assert_uint_eq(got.n, 0);
    AUTO(buf_fini) struct buf longer = BUF_INIT;
    buf_append(&longer, chunk);
    int64_t mint, maxt;
    buf_put_u8(&longer, 0);
    CK_OK(xor_check(buf_str(&longer), &mint, &maxt)); /* an old writer's */
    buf_put_u8(&longer, 0);
    CK_ERR(ERR_CORRUPT, xor_check(buf_str(&longer), &mint, &maxt));
    CK_OK(xor_decode(buf_str(&longer), INT64_MIN, INT64_MAX, &got));
    ck_assert_uint_eq(got.n, 60);
    mem_free((void *)chunk.p);
}
END_TEST

/* Flipped bytes: any answer but a crash or a read outside (ASan); checks and decodes agree. */
START_TEST(test_damage)
{
    struct str chunk = make_chunk((enum kind)_i, 60);
    AUTO(sample_columns_fini) struct sample_columns got = SAMPLE_COLUMNS_INIT;
    uint64_t seed = 99 + (uint64_t)_i;
    for (int round = 0; round < 3000; round++) {
        struct str bad = exact_copy(chunk.p, chunk.n);
        for (uint64_t flips = 1 + next_random(&seed) % 4; flips > 0; flips--)
            ((char *)bad.p)[next_random(&seed) % bad.n] = (char)next_random(&seed);
        got.n = 0;
        struct err e = xor_decode(bad, INT64_MIN, INT64_MAX, &got);
        ck_assert(e.code == ERR_NONE || e.code == ERR_CORRUPT);
        int64_t mint, maxt;
        struct err check = xor_check(bad, &mint, &maxt);
        if (check.code == ERR_NONE) {
            ck_assert_int_eq(e.code, ERR_NONE);
            ck_assert_int_eq(got.t_ms[0], mint);
            ck_assert_int_eq(got.t_ms[got.n - 1], maxt);
        }
        err_drop(e);
        err_drop(check);
        mem_free((void *)bad.p);
    }
    mem_free((void *)chunk.p);
}
END_TEST

START_TEST(test_readme_example)
{
    static const uint8_t want[] = {0x00, 0x03, 0xd0, 0x0f, 0x3f, 0xf0, 0x00, 0x00, 0x00,
                                   0x00, 0x00, 0x00, 0x0f, 0x30, 0x97, 0xff, 0xc0};
    uint8_t buffer[64];
    struct xor_appender x;
    xor_init(&x);
    xor_append(&x, buffer, 1000, bits_of_f64(1));
    xor_append(&x, buffer, 1015, bits_of_f64(1));
    xor_append(&x, buffer, 1030, bits_of_f64(2));
    ck_assert_uint_eq(xor_seal(&x, buffer), sizeof want);
    ck_assert_mem_eq(buffer, want, sizeof want);
}
END_TEST

Suite *
xor_suite(void)
{
    Suite *s = suite_create("xor");
    TCase *t = tcase_create("xor");
    tcase_add_loop_test(t, test_same_bytes, 0, KINDS);
    tcase_add_test(t, test_readme_example);
    tcase_add_test(t, test_range);
    tcase_add_loop_test(t, test_bytes, 0, ARRAY_LEN(bytes_cases));
    tcase_add_loop_test(t, test_cut, 0, KINDS);
    tcase_add_loop_test(t, test_damage, 0, KINDS);
    suite_add_tcase(s, t);
    return s;
}
