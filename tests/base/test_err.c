/* Errors keep their code through wrapping, and every row of the table can be reported. */
#include "tests/harness.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"

static struct err
fails_below(void)
{
    TRY_IN(ERR(ERR_CORRUPT, "bad crc at %d", 7), "block %s", "01J");
    return OK;
}

START_TEST(test_wrap)
{
    struct err e = fails_below();
    ck_assert_int_eq(e.code, ERR_CORRUPT);
    ck_assert_str_eq(err_text(&e), "block 01J: bad crc at 7");
    err_drop(e);
}
END_TEST

START_TEST(test_code_only)
{
    struct err e = err_wrap(ERR_CODE(ERR_NOT_FOUND), "tenant");
    ck_assert_str_eq(err_text(&e), "tenant: not found");
    err_drop(e);
}
END_TEST

static const struct errno_case {
    int errnum;
    enum err_code want;
} errno_cases[] = {
    {ENOSPC, ERR_NO_SPACE}, {EDQUOT, ERR_NO_SPACE}, {ENOENT, ERR_NOT_FOUND},
    {EIO, ERR_IO},          {EACCES, ERR_IO},
};

START_TEST(test_errno)
{
    const struct errno_case *c = &errno_cases[_i];
    struct err e = err_errno(c->errnum, "open %s", "/x");
    ck_assert_int_eq(e.code, c->want);
    ck_assert_ptr_nonnull(strstr(err_text(&e), "open /x: "));
    err_drop(e);
}
END_TEST

START_TEST(test_table)
{
    int want_class = _i == ERR_NONE ? 2 : _i < ERR_INTERNAL ? 4 : 5;
    ck_assert_int_eq(err_http_status((enum err_code)_i) / 100, want_class);
    ck_assert_int_gt((int)strlen(err_name((enum err_code)_i)), 1);
    /* only 429 and 5xx can be retried by a remote-write sender */
    if (err_retryable((enum err_code)_i))
        ck_assert(err_http_status((enum err_code)_i) == 429 ||
                  err_http_status((enum err_code)_i) == 503);
}
END_TEST

Suite *
err_suite(void)
{
    Suite *s = suite_create("err");
    TCase *t = tcase_create("err");
    tcase_add_test(t, test_wrap);
    tcase_add_test(t, test_code_only);
    tcase_add_loop_test(t, test_errno, 0, sizeof errno_cases / sizeof errno_cases[0]);
    tcase_add_loop_test(t, test_table, 0, ERR_CODE_COUNT);
    suite_add_tcase(s, t);
    return s;
}
