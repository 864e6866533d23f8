/* The CRC equals RFC 3720's vectors in both implementations, for every length, alignment and
 * cut; a changed bit changes it. */
#include "tests/harness.h"

#include "base/crc32c.h"
#include "base/mem.h"
#include "base/rand.h"

#define ZEROS8 "\0\0\0\0\0\0\0\0"
#define ONES8  "\xff\xff\xff\xff\xff\xff\xff\xff"

static const struct crc_case {
    const char *name;
    struct str in;
    uint32_t want;
} crc_cases[] = {
    {"empty", STR_INIT(""), 0},
    {"one byte", STR_INIT("a"), 0xC1D04330},
    {"check value", STR_INIT("123456789"), 0xE3069283},
    {"32 zeros", STR_INIT(ZEROS8 ZEROS8 ZEROS8 ZEROS8), 0x8A9136AA},
    {"32 ones", STR_INIT(ONES8 ONES8 ONES8 ONES8), 0x62A8AB43},
    {"0 to 31",
     STR_INIT("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"
              "\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f"),
     0x46DD794E},
};

START_TEST(test_vectors)
{
    const struct crc_case *c = &crc_cases[_i];
    ROW_ASSERT(c->name, crc32c(c->in) == c->want);
    ROW_ASSERT(c->name, crc32c_extend_portable(0, c->in) == c->want);
    for (size_t cut = 0; cut <= c->in.n; cut++) {
        uint32_t head = crc32c(str_of(c->in.p, cut));
        ROW_ASSERT(c->name, crc32c_extend(head, str_skip(c->in, cut)) == c->want);
        ROW_ASSERT(c->name, crc32c_extend_portable(head, str_skip(c->in, cut)) == c->want);
    }
}
END_TEST

START_TEST(test_hardware_equals_portable)
{
    char bytes[300];
    struct rand_gen g = rand_gen_of(1);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)rand_u64(&g);
    for (size_t from = 0; from < 9; from++) {
        for (size_t n = 0; n + from <= sizeof bytes; n++) {
            struct str s = str_of(bytes + from, n);
            uint32_t seed = (uint32_t)rand_u64(&g);
            ck_assert_uint_eq(crc32c_extend(seed, s), crc32c_extend_portable(seed, s));
        }
    }
}
END_TEST

START_TEST(test_every_bit_counts)
{
    char bytes[40] = {0};
    uint32_t zero = crc32c(str_of(bytes, sizeof bytes));
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] = (char)(1 << bit % 8);
        ck_assert_uint_ne(crc32c(str_of(bytes, sizeof bytes)), zero);
        bytes[bit / 8] = 0;
    }
}
END_TEST

Suite *
crc32c_suite(void)
{
    Suite *s = suite_create("crc32c");
    TCase *t = tcase_create("crc32c");
    tcase_add_loop_test(t, test_vectors, 0, ARRAY_LEN(crc_cases));
    tcase_add_test(t, test_hardware_equals_portable);
    tcase_add_test(t, test_every_bit_counts);
    suite_add_tcase(s, t);
    return s;
}
