/* A chunk that is reopened goes on as if it had never been closed: same state, same bytes. */
#include "tests/harness.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/rand.h"
#include "tsdb/chunk/chunk.h"
#include "tsdb/chunk/xor.h"

enum { SAMPLES = 150, ROOM = SAMPLES * XOR_SAMPLE_BYTES_MAX + 64 };

/* Bits of what a step may do: of a sample's interval and of its value. */
static const struct mix {
    const char *name;
    unsigned delta_bits, value_bits;
    unsigned value_every; /* a change in so many samples */
} mixes[] = {
    {"constant", 0, 0, 1},          {"never a change", 5, 0, 1},    {"rare changes", 0, 64, 40},
    {"jitter, low bits", 6, 8, 1},  {"wide times", 64, 3, 2},       {"dods of 14 bits", 13, 20, 1},
    {"dods of 17 bits", 17, 52, 1}, {"dods of 20 bits", 20, 30, 3}, {"all random", 64, 64, 1},
};

static uint64_t
random_bits(struct rand_gen *g, unsigned bits)
{
    return bits ? rand_u64(g) >> (64 - bits) : 0;
}

static void
make_samples(const struct mix *m, struct sample *to)
{
    struct rand_gen g = rand_gen_of(m->delta_bits * 100 + m->value_bits);
    uint64_t t = 1717200000000, value = bits_of_f64(1.5);
    for (size_t i = 0; i < SAMPLES; i++) {
        t += 15000 + random_bits(&g, m->delta_bits);
        if (m->value_bits > 0 && rand_below(&g, m->value_every) == 0)
            value ^= random_bits(&g, m->value_bits) << rand_below(&g, 65 - m->value_bits);
        to[i] = (struct sample){(int64_t)t, i % 23 == 22 ? STALE_NAN_BITS : value};
    }
}

/* Reopens what `x` has written, goes on with samples from..SAMPLES, and compares with `whole`. */
static void
check_reopened(const char *name, const struct xor_appender *x, const uint8_t *buffer,
               const struct sample *samples, size_t from, struct str whole)
{
    uint8_t copy[ROOM];
    struct xor_appender y;
    size_t bytes = xor_snapshot(x, buffer, copy);
    CK_OK(xor_reopen(str_of((char *)copy, bytes), &y));
    for (size_t number = from / 2; number <= from + 1; number += from / 2 + 1) {
        int64_t marked_ms = -1;
        CK_OK(xor_reopen_marked(str_of((char *)copy, bytes), number, &y, &marked_ms));
        bool there = number > 0 && number <= x->count;
        ROW_ASSERT(name, marked_ms == (there ? samples[number - 1].t_ms : -1));
    }
    ROW_ASSERT(name, y.t_ms == x->t_ms && y.bits == x->bits && y.delta_ms == x->delta_ms);
    ROW_ASSERT(name, y.count == x->count && y.lead == x->lead && y.trail == x->trail);
    ROW_ASSERT(name, xor_bytes(&y) == bytes && y.acc_bits < 8);
    for (size_t i = from; i < SAMPLES; i++)
        xor_append(&y, copy, samples[i].t_ms, samples[i].bits);
    ROW_ASSERT(name, xor_seal(&y, copy) == whole.n);
    ROW_ASSERT(name, memcmp(copy, whole.p, whole.n) == 0);
}

/* Behind every sample. */
START_TEST(test_goes_on)
{
    const struct mix *m = &mixes[_i];
    struct sample samples[SAMPLES];
    uint8_t whole[ROOM], buffer[ROOM];
    struct xor_appender x;
    make_samples(m, samples);
    xor_init(&x);
    for (size_t i = 0; i < SAMPLES; i++)
        xor_append(&x, whole, samples[i].t_ms, samples[i].bits);
    size_t bytes = xor_seal(&x, whole);
    xor_init(&x);
    for (size_t i = 0; i < SAMPLES; i++) {
        xor_append(&x, buffer, samples[i].t_ms, samples[i].bits);
        check_reopened(m->name, &x, buffer, samples, i + 1, str_of((char *)whole, bytes));
    }
}
END_TEST

/* t0 = 1, v0 = 0, then bits of samples 1.. behind a delta of one byte. */
#define FIRST(count) "\x00" count "\x02\0\0\0\0\0\0\0\0"
static const struct bytes_case {
    const char *name;
    struct str chunk;
    enum err_code code;
    int lead, trail; /* window; -1: none */
} bytes_cases[] = {
    {"one sample", STR_INIT(FIRST("\1")), ERR_NONE, -1, 0},
    {"no change yet", STR_INIT(FIRST("\3") "\x05\x00"), ERR_NONE, -1, 0},
    {"a zero byte of Prometheus 2 behind the end", STR_INIT(FIRST("\3") "\x05\x00\x00"), ERR_NONE,
     -1, 0},
    {"an appender that Prometheus had reopened",
     STR_INIT(FIRST("\2") "\x05\xbf\xff\xff\xff\xff\xff\xff\xff\xc0"), ERR_NONE, 0, 0},
    {"a window of 64 bits", STR_INIT(FIRST("\2") "\x05\xc0\x07\xff\xff\xff\xff\xff\xff\xff\xf8"),
     ERR_NONE, 0, 0},
    {"a window of 3 bits", STR_INIT(FIRST("\2") "\x05\xc2\x1f"), ERR_NONE, 1, 60},
    {"no samples", STR_INIT("\0\0"), ERR_CORRUPT, 0, 0},
    {"empty", STR_INIT(""), ERR_CORRUPT, 0, 0},
    {"cut off", STR_INIT(FIRST("\2") "\x05\xc0"), ERR_CORRUPT, 0, 0},
    {"more samples than bits", STR_INIT(FIRST("\x40") "\x05\x00\x00\x00"), ERR_CORRUPT, 0, 0},
    {"a window of 31 + 63 bits",
     STR_INIT(FIRST("\2") "\x05\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), ERR_CORRUPT, 0, 0},
    {"bytes left over", STR_INIT(FIRST("\2") "\x05\x00\x00\x00"), ERR_CORRUPT, 0, 0},
};

START_TEST(test_bytes)
{
    const struct bytes_case *c = &bytes_cases[_i];
    struct xor_appender x = {.count = 77};
    struct err e = xor_reopen(c->chunk, &x);
    ROW_ASSERT(c->name, e.code == c->code);
    err_drop(e);
    if (c->code != ERR_NONE) {
        ROW_ASSERT(c->name, x.count == 77); /* untouched */
        return;
    }
    ROW_ASSERT(c->name,
               c->lead < 0 ? x.lead == XOR_WINDOW_UNSET : x.lead == c->lead && x.trail == c->trail);
    uint8_t buffer[128]; /* it goes on, and decodes */
    memcpy(buffer, c->chunk.p, c->chunk.n);
    xor_append(&x, buffer, 5000, UINT64_C(0x0f0000000000000f));
    AUTO(sample_columns_fini) struct sample_columns got = SAMPLE_COLUMNS_INIT;
    struct str longer = str_of((char *)buffer, xor_seal(&x, buffer));
    CK_OK(xor_decode(longer, INT64_MIN, INT64_MAX, &got));
    ROW_ASSERT(c->name, got.n == load_be16(c->chunk.p) + 1u);
    ROW_ASSERT(c->name, got.t_ms[got.n - 1] == 5000);
    ROW_ASSERT(c->name, got.bits[got.n - 1] == UINT64_C(0x0f0000000000000f));
}
END_TEST

START_TEST(test_too_long)
{
    AUTO(buf_fini) struct buf bytes = BUF_INIT;
    struct xor_appender x;
    buf_append(&bytes, STR(FIRST("\1")));
    while (bytes.n <= XOR_REOPEN_BYTES_MAX)
        buf_put_u8(&bytes, 0);
    CK_ERR(ERR_LIMIT, xor_reopen(buf_str(&bytes), &x));
}
END_TEST

Suite *
xor_reopen_suite(void)
{
    Suite *s = suite_create("xor_reopen");
    TCase *t = tcase_create("xor_reopen");
    tcase_add_loop_test(t, test_goes_on, 0, ARRAY_LEN(mixes));
    tcase_add_loop_test(t, test_bytes, 0, ARRAY_LEN(bytes_cases));
    tcase_add_test(t, test_too_long);
    suite_add_tcase(s, t);
    return s;
}
