/* FIPS 180-2's examples, and nothing at all. */
#include "tests/harness.h"

#include <stdio.h>

#include "base/mem.h"
#include "net/sha256.h"

static const struct sha256_case {
    const char *text, *want;
} sha256_cases[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

START_TEST(test_sha256)
{
    const struct sha256_case *c = &sha256_cases[_i];
    struct sha256 sum = sha256_of(c->text[0] ? str_of_cstr(c->text) : (struct str){NULL, 0});
    char hex[2 * SHA256_BYTES + 1];
    for (size_t i = 0; i < SHA256_BYTES; i++)
        snprintf(hex + 2 * i, 3, "%02x", sum.bytes[i]);
    ck_assert_str_eq(hex, c->want);
}
END_TEST

Suite *
sha256_suite(void)
{
    Suite *s = suite_create("sha256");
    TCase *t = tcase_create("sha256");
    tcase_add_loop_test(t, test_sha256, 0, ARRAY_LEN(sha256_cases));
    suite_add_tcase(s, t);
    return s;
}
