/* A mistyped name finds its neighbour; a name of another kind finds none. */
#include "tests/harness.h"

#include "base/mem.h"
#include "conf/nearest.h"

static const struct nearest_case {
    const char *word;
    const char *want; /* "": no suggestion */
} nearest_cases[] = {
    {"log.leve", "log.level"},
    {"loglevel", "log.level"},
    {"Log.Level", "log.level"},
    {"log.fromat", "log.format"},
    {"lables", "label"},
    {"label", "label"},
    {"http-adress", "http-address"},
    {"", ""},
    {"x", ""},
    {"labels-of-the-day", ""},
    {"retention", ""},
    {"levellog.", ""},
};

START_TEST(test_nearest)
{
    static const char *const names[] = {"http-address", "label", "log.format", "log.level"};
    const struct nearest_case *c = &nearest_cases[_i];
    struct nearest near = nearest_init(str_of_cstr(c->word));
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        nearest_offer(&near, str_of_cstr(names[i]));
    ck_assert_msg(str_eq(near.best, str_of_cstr(c->want)), "%s: got %.*s", c->word,
                  STR_FMT(near.best));
}
END_TEST

START_TEST(test_nearest_limit)
{
    char text[NEAREST_BYTES_MAX + 1];
    memset(text, 'a', sizeof text);
    struct nearest near = nearest_init(str_of(text, NEAREST_BYTES_MAX));
    nearest_offer(&near, str_of(text, NEAREST_BYTES_MAX + 1)); /* too long, however near */
    ck_assert_uint_eq(near.best.n, 0);
    nearest_offer(&near, str_of(text, NEAREST_BYTES_MAX - 1));
    ck_assert_uint_eq(near.best.n, NEAREST_BYTES_MAX - 1);
    near = nearest_init(str_of(text, NEAREST_BYTES_MAX + 1));
    nearest_offer(&near, str_of(text, NEAREST_BYTES_MAX));
    ck_assert_uint_eq(near.best.n, 0);
}
END_TEST

Suite *
nearest_suite(void)
{
    Suite *s = suite_create("nearest");
    TCase *t = tcase_create("nearest");
    tcase_add_loop_test(t, test_nearest, 0, ARRAY_LEN(nearest_cases));
    tcase_add_test(t, test_nearest_limit);
    suite_add_tcase(s, t);
    return s;
}
