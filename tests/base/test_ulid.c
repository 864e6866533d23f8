/* ULIDs read and print as the specification's own example, sort by time, and only their one
 * canonical text is accepted. */
#include "tests/harness.h"

#include "base/mem.h"
#include "base/rand.h"
#include "base/ulid.h"

static const struct ulid_case {
    const char *name, *text;
    int64_t time_ms;
} ulid_cases[] = {
    {"zero", "00000000000000000000000000", 0},
    {"example of the specification", "01ARZ3NDEKTSV4RRFFQ69G5FAV", 1469922850259},
    {"largest", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ", ((int64_t)1 << 48) - 1},
    {"random part only", "0000000000ZZZZZZZZZZZZZZZZ", 0},
    {"one millisecond", "00000000010000000000000000", 1},
};

START_TEST(test_good)
{
    const struct ulid_case *c = &ulid_cases[_i];
    struct ulid u;
    CK_OK(ulid_parse(str_of_cstr(c->text), &u));
    ROW_ASSERT(c->name, ulid_is(str_of_cstr(c->text)));
    ROW_ASSERT(c->name, ulid_time_ms(&u) == c->time_ms);
    char text[ULID_TEXT_BYTES];
    ulid_format(&u, text);
    ROW_ASSERT(c->name, str_eq(str_of(text, sizeof text), str_of_cstr(c->text)));
    struct ulid same = ulid_of(c->time_ms, u.bytes + ULID_BYTES - ULID_RANDOM_BYTES);
    ROW_ASSERT(c->name, ulid_cmp(&u, &same) == 0);
}
END_TEST

static const struct bad_case {
    const char *name;
    struct str text;
} bad_cases[] = {
    {"empty", STR_INIT("")},
    {"25 characters", STR_INIT("01ARZ3NDEKTSV4RRFFQ69G5FA")},
    {"27 characters", STR_INIT("01ARZ3NDEKTSV4RRFFQ69G5FAVX")},
    {"above 128 bits", STR_INIT("8ZZZZZZZZZZZZZZZZZZZZZZZZZ")},
    {"lower case", STR_INIT("01arz3ndektsv4rrffq69g5fav")},
    {"letter I", STR_INIT("01ARZ3NDEKTSV4RRFFQ69G5FAI")},
    {"letter L", STR_INIT("01ARZ3NDEKTSV4RRFFQ69G5FAL")},
    {"letter O", STR_INIT("O1ARZ3NDEKTSV4RRFFQ69G5FAV")},
    {"letter U", STR_INIT("01ARZ3NDEKTSV4RRFFQ69G5FAU")},
    {"path", STR_INIT("../ARZ3NDEKTSV4RRFFQ69G5FA")},
    {"zero byte", STR_INIT("01ARZ3NDEKTSV4RRFFQ69G5FA\0")},
    {"high bit", STR_INIT("01ARZ3NDEKTSV4RRFFQ69G5FA\xff")},
};

START_TEST(test_bad)
{
    const struct bad_case *c = &bad_cases[_i];
    struct ulid u = {{1}};
    ROW_ASSERT(c->name, !ulid_is(c->text));
    struct err e = ulid_parse(c->text, &u);
    ROW_ASSERT(c->name, e.code == ERR_INVALID);
    ROW_ASSERT(c->name, u.bytes[0] == 1);
    err_drop(e);
}
END_TEST

START_TEST(test_order)
{
    struct rand_gen g = rand_gen_of(5);
    for (int i = 0; i < 1000; i++) {
        uint8_t random[2][ULID_RANDOM_BYTES];
        char text[2][ULID_TEXT_BYTES];
        rand_bytes(random, sizeof random);
        int64_t t = (int64_t)rand_below(&g, ((uint64_t)1 << 48) - 1);
        struct ulid a = ulid_of(t, random[0]), b = ulid_of(t + i % 2, random[1]);
        ulid_format(&a, text[0]);
        ulid_format(&b, text[1]);
        int by_text = memcmp(text[0], text[1], ULID_TEXT_BYTES);
        ck_assert((ulid_cmp(&a, &b) < 0) == (by_text < 0));
        ck_assert(i % 2 == 0 || by_text < 0);
    }
}
END_TEST

Suite *
ulid_suite(void)
{
    Suite *s = suite_create("ulid");
    TCase *t = tcase_create("ulid");
    tcase_add_loop_test(t, test_good, 0, ARRAY_LEN(ulid_cases));
    tcase_add_loop_test(t, test_bad, 0, ARRAY_LEN(bad_cases));
    tcase_add_test(t, test_order);
    suite_add_tcase(s, t);
    return s;
}
