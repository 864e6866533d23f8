/* RFC 1321's test suite (A.5), and a length around every edge of a block. */
#include "tests/harness.h"

#include <stdio.h>

#include "base/md5.h"
#include "base/mem.h"

static void
hex_of(struct str s, char hex[2 * MD5_BYTES + 1])
{
    struct md5 sum = md5_of(s);
    for (size_t i = 0; i < MD5_BYTES; i++)
        snprintf(hex + 2 * i, 3, "%02x", sum.bytes[i]);
}

static const struct md5_case {
    const char *text, *want;
} md5_cases[] = {
    {"", "d41d8cd98f00b204e9800998ecf8427e"},
    {"a", "0cc175b9c0f1b6a831c399e269772661"},
    {"abc", "900150983cd24fb0d6963f7d28e17f72"},
    {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
    {"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
    {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
     "d174ab98d277d9f5a5611c2c9f419d9f"},
    {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
     "57edf4a22be3c955ac49da2e2107b67a"},
};

START_TEST(test_md5)
{
    char hex[2 * MD5_BYTES + 1];
    hex_of(str_of_cstr(md5_cases[_i].text), hex);
    ck_assert_str_eq(hex, md5_cases[_i].want);
}
END_TEST

/* md5 of so many "x". */
static const struct length_case {
    size_t n;
    const char *want;
} length_cases[] = {
    {55, "04364420e25c512fd958a70738aa8f72"},  {56, "668a72d5ba17f08e62dabcafad6db14b"},
    {57, "693037871c4a9d3d8685018905cb530a"},  {63, "7dc2ca208106a2f703567bdff99d8981"},
    {64, "c1bb4f81d892b2d57947682aeb252456"},  {65, "1bc932052302d074bdec39795fe00cf6"},
    {119, "ab347a5f68c8a443cfcddc633f12c24f"}, {120, "fb98667f98096de92620b64f46e1c5b5"},
    {128, "d69cb61a6ee87200676eb0d4b90edbcb"}, {200, "30a83621ce5422fbdfdd539777458c78"},
};

START_TEST(test_lengths)
{
    char text[256], hex[2 * MD5_BYTES + 1];
    memset(text, 'x', sizeof text);
    hex_of(str_of(text, length_cases[_i].n), hex);
    ck_assert_str_eq(hex, length_cases[_i].want);
}
END_TEST

Suite *
md5_suite(void)
{
    Suite *s = suite_create("md5");
    TCase *t = tcase_create("md5");
    tcase_add_loop_test(t, test_md5, 0, ARRAY_LEN(md5_cases));
    tcase_add_loop_test(t, test_lengths, 0, ARRAY_LEN(length_cases));
    suite_add_tcase(s, t);
    return s;
}
