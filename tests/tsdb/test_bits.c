/* What is put comes back, whatever the widths and the position, and reading past the end gives
 * zeros and an overrun instead of other memory. */
#include "tests/harness.h"

#include "base/mem.h"
#include "base/str.h"
#include "tsdb/chunk/bits.h"

static uint64_t
next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

START_TEST(test_round_trip)
{
    enum { ITEMS = 2000 };
    uint64_t seed = (uint64_t)_i + 1, values[ITEMS];
    unsigned widths[ITEMS];
    uint8_t *bytes = mem_alloc_zero(ITEMS * 8 + 16);
    struct bit_writer w = {bytes, 0, 0};
    for (size_t i = 0; i < ITEMS; i++) {
        widths[i] = _i == 0 ? 64 : _i == 1 ? 1 : 1 + (unsigned)(next_random(&seed) % 64);
        values[i] = next_random(&seed);
        bit_writer_put(&w, values[i], widths[i]);
    }
    store_be64(w.at, w.acc);
    size_t used = (size_t)(w.at - bytes) + (w.bits + 7) / 8;
    char *exact = mem_dup_text((char *)bytes, used); /* ASan guards its end but for one byte */
    exact[used] = '\xff';                            /* must not be seen */
    struct bit_reader r = bit_reader_of(str_of(exact, used));
    for (size_t i = 0; i < ITEMS; i++) {
        uint64_t want = values[i] & (UINT64_MAX >> (64 - widths[i]));
        ck_assert_uint_eq(bit_reader_take(&r, widths[i]), want);
    }
    ck_assert(!bit_reader_overrun(&r));
    ck_assert_uint_eq((r.at + 7) / 8, used);
    mem_free(exact);
    mem_free(bytes);
}
END_TEST

/* The stream from every position, before and past the end, bit by bit. Loops over lengths. */
START_TEST(test_every_position)
{
    size_t n = (size_t)_i;
    uint64_t seed = 7 + n;
    char *bytes = mem_alloc(n); /* of this size exactly: ASan sees a read outside */
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)next_random(&seed);
    struct bit_reader r = bit_reader_of(str_of(bytes, n));
    bool peeked_well = true, taken_well = true; /* an assertion each would be slow */
    for (size_t at = 0; at < n * 8 + 80; at++) {
        uint64_t want = 0;
        for (size_t bit = at; bit < at + 64; bit++)
            want = want << 1 | (bit / 8 < n ? (unsigned)bytes[bit / 8] >> (7 - bit % 8) & 1 : 0);
        r.at = at;
        peeked_well &= (bit_reader_peek(&r) ^ want) >> (64 - BIT_WINDOW_BITS) == 0;
        for (unsigned width = 1; width <= 64; width++) {
            r.at = at;
            taken_well &= bit_reader_take(&r, width) == want >> (64 - width);
            taken_well &= r.at == at + width && bit_reader_overrun(&r) == (r.at > n * 8);
        }
    }
    ck_assert(peeked_well);
    ck_assert(taken_well);
    mem_free(bytes);
}
END_TEST

START_TEST(test_past_end)
{
    struct bit_reader r = bit_reader_of(str_of("\xff\xff\xff", 2)); /* one byte more in memory */
    ck_assert_uint_eq(bit_reader_peek(&r), UINT64_C(0xffff000000000000));
    ck_assert_uint_eq(bit_reader_take(&r, 16), 0xffff);
    ck_assert(!bit_reader_overrun(&r));
    ck_assert_uint_eq(bit_reader_take(&r, 64), 0);
    ck_assert_uint_eq(bit_reader_peek(&r), 0);
    ck_assert(bit_reader_overrun(&r));
}
END_TEST

START_TEST(test_empty)
{
    struct bit_reader r = bit_reader_of(STR(""));
    ck_assert_uint_eq(bit_reader_peek(&r), 0);
    ck_assert(!bit_reader_overrun(&r));
    ck_assert_uint_eq(bit_reader_take(&r, 1), 0);
    ck_assert(bit_reader_overrun(&r));
}
END_TEST

Suite *
bits_suite(void)
{
    Suite *s = suite_create("bits");
    TCase *t = tcase_create("bits");
    tcase_add_loop_test(t, test_round_trip, 0, 6);
    tcase_add_loop_test(t, test_every_position, 0, 20);
    tcase_add_test(t, test_past_end);
    tcase_add_test(t, test_empty);
    suite_add_tcase(s, t);
    return s;
}
