/* What libsnappy decodes is decoded to the same bytes, what it refuses is refused, and nothing is
 * touched behind the ends (the ASan build proves that half). */
#include "tests/harness.h"

#include <snappy-c.h>

#include "base/codec.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/snappy_block.h"

enum { ROUNDS = 400, PLAIN_MAX = 5000, CHANGES_MAX = 3 };

/* Runs, repetitions at all distances, and noise: every form of element comes up. */
static void
make_plain(struct rand_gen *g, struct buf *to)
{
    size_t want = rand_below(g, PLAIN_MAX);
    while (to->n < want) {
        size_t n = 1 + rand_below(g, rand_below(g, 4) ? 20 : 200);
        size_t distance = 1 + rand_below(g, rand_below(g, 3) ? 24 : 3000);
        bool repeats = to->n >= distance && rand_below(g, 3) > 0;
        for (size_t i = 0; i < n; i++)
            buf_put_u8(to, repeats ? (uint8_t)to->p[to->n - distance] : (uint8_t)rand_u64(g));
    }
}

/* In memory of exactly its size. */
static bool
decode_exactly(struct str elements, size_t bytes, struct str want)
{
    AUTO(mem_free) char *copy = mem_dup_text(elements.p, elements.n), *to = mem_alloc(bytes);
    bool good = snappy_block_decode(str_of(copy, elements.n), to, bytes);
    ck_assert(!good || (bytes == want.n && memcmp(to, want.p, bytes) == 0));
    return good;
}

static void
check_against_library(struct str block)
{
    size_t bytes, limit = 3 * PLAIN_MAX;
    if (snappy_uncompressed_length(block.p, block.n, &bytes) != SNAPPY_OK || bytes > limit)
        return;
    size_t length_bytes = 0;
    while ((uint8_t)block.p[length_bytes++] >= 0x80)
        ;
    AUTO(mem_free) char *want = mem_alloc(bytes);
    size_t n = bytes;
    bool valid = snappy_uncompress(block.p, block.n, want, &n) == SNAPPY_OK;
    struct str elements = str_skip(block, length_bytes);
    ck_assert_int_eq(decode_exactly(elements, bytes, str_of(want, bytes)), valid);
    if (valid && bytes > 0)
        ck_assert(!decode_exactly(elements, bytes - 1, str_of(want, bytes)));
    if (valid)
        ck_assert(!decode_exactly(elements, bytes + 1, str_of(want, bytes)));
}

START_TEST(test_as_library)
{
    struct rand_gen g = rand_gen_of(5);
    for (int round = 0; round < ROUNDS; round++) {
        AUTO(buf_fini) struct buf plain = BUF_INIT, block = BUF_INIT;
        make_plain(&g, &plain);
        snappy_encode(buf_str(&plain), &block);
        check_against_library(buf_str(&block));
        for (size_t i = 0; i < CHANGES_MAX; i++)
            block.p[rand_below(&g, block.n)] ^= (char)(1 << rand_below(&g, 8));
        check_against_library(buf_str(&block));
        check_against_library(str_of(block.p, 1 + rand_below(&g, block.n)));
    }
}
END_TEST

/* Elements that our encoder does not make. */
static const struct {
    const char *name;
    struct str elements, want; /* want.p is NULL: malformed */
} element_cases[] = {
    {"nothing", STR_INIT(""), STR_INIT("")},
    {"length of 1 byte",
     STR_INIT("\xf0\x02"
              "abc"),
     STR_INIT("abc")},
    {"length of 4 bytes",
     STR_INIT("\xfc\x02\x00\x00\x00"
              "abc"),
     STR_INIT("abc")},
    {"length of 4 GiB",
     STR_INIT("\xfc\xff\xff\xff\xff"
              "abc"),
     {NULL, 3}},
    {"length cut off", STR_INIT("\xf4\x02"), {NULL, 3}},
    {"copy of 1 byte",
     STR_INIT("\x00"
              "a"
              "\x02\x01\x00"),
     STR_INIT("aa")},
    {"copy with an offset of 4 bytes",
     STR_INIT("\x04"
              "ab"
              "\x0b\x02\x00\x00\x00"),
     STR_INIT("ababa")},
    {"copy with an offset of 4 GiB",
     STR_INIT("\x00"
              "a"
              "\x0b\xff\xff\xff\xff"),
     {NULL, 4}},
    {"copy from here",
     STR_INIT("\x00"
              "a"
              "\x02\x00\x00"),
     {NULL, 2}},
    {"copy from before",
     STR_INIT("\x00"
              "a"
              "\x02\x02\x00"),
     {NULL, 2}},
    {"copy cut off",
     STR_INIT("\x00"
              "a"
              "\x02\x01"),
     {NULL, 2}},
    {"short copy cut off",
     STR_INIT("\x00"
              "a"
              "\x01"),
     {NULL, 5}},
};

START_TEST(test_elements)
{
    struct str want = element_cases[_i].want;
    bool good = decode_exactly(element_cases[_i].elements, want.n, want);
    ROW_ASSERT(element_cases[_i].name, good == (want.p != NULL));
}
END_TEST

Suite *
snappy_block_suite(void)
{
    Suite *s = suite_create("snappy_block");
    TCase *t = tcase_create("snappy_block");
    tcase_add_test(t, test_as_library);
    tcase_add_loop_test(t, test_elements, 0, ARRAY_LEN(element_cases));
    suite_add_tcase(s, t);
    return s;
}
