/* harness.h - the main() of a unit test program: one program a folder, suites bottom-up.
 *
 * A test file defines `Suite *NAME_suite(void)` and stands in its folder's suites.h:
 * X(err) X(str) ..., the most basic first. CK_RUN_SUITE=name runs one of them. */
#pragma once
#include <check.h>
#include <stdbool.h>
#include <stddef.h>

#define X(name) Suite *name##_suite(void);
#include TEST_SUITES
#undef X

/* ck_assert with the failing row of a table in front. */
#define ROW_ASSERT(name, cond) ck_assert_msg((cond), "row \"%s\": %s", (name), #cond)
/* The call must succeed; shows its message otherwise. */
#define CK_OK(call)                                                                                \
    do {                                                                                           \
        struct err ck_err_ = (call);                                                               \
        ck_assert_msg(ck_err_.code == ERR_NONE, "%s: %s", #call, err_text(&ck_err_));              \
    } while (0)
/* The call must fail with this code; drops the message. */
#define CK_ERR(want, call)                                                                         \
    do {                                                                                           \
        struct err ck_err_ = (call);                                                               \
        ck_assert_msg(ck_err_.code == (want), "%s: got %s (%s), want %s", #call,                   \
                      err_name(ck_err_.code), err_text(&ck_err_), err_name(want));                 \
        err_drop(ck_err_);                                                                         \
    } while (0)

/* A fresh empty directory for the running test, removed by the harness at exit; static. */
const char *test_dir(void);
/* The path of a file under tests/data, wherever the build runs; valid until the next call. */
const char *test_data(const char *relative);
/* Each test runs in a child; without (CK_FORK=no) one that aborts would end the program, so
 * suites leave those out. */
bool test_forks(void);
