/* Duration expressions are numbers before anything is planned: their values, and Prometheus'
 * errors with the place of the part that is wrong. */
#include "tests/harness.h"
#include "tests/querygw/query_fixture.h"

/* How far back the selector looks, in a range query from 1000 s to 1100 s by 10 s. */
static const struct offset_case {
    const char *query;
    int64_t shift_ms;
} offset_cases[] = {
    {"up offset (1m + 30s)", 90000},
    {"up offset -(1m + 30s)", -90000},
    {"up offset +(1m + 30s)", 90000},
    {"up offset (1m - 90s)", -30000},
    {"up offset (90)", 90000},
    {"up offset step()", 10000},
    {"up offset -range()", -100000},
    {"up offset min_of(step(), range())", 10000},
    {"up offset -max_of(step(), range())", -100000},
    {"up offset (-2 ^ 2)", -4000}, /* the sign comes last */
    {"up offset ((-2) ^ 2)", 4000},
    {"up offset (2 ^ 3 ^ 0)", 2000},
    {"up offset (7 - 2 - 1)", 4000},
    {"up offset (1h / 7)", 514285}, /* cut, not rounded: 514285.7 */
    {"up offset -(1h / 7)", -514285},
    {"up offset (-7.0005 % 4)", -3000},
    {"up offset (0 * 5)", 0},
    {"up offset (1.001 * 1000)", 1000999}, /* 1000.9999999999999 */
    {"up offset (9223372036 + 0.8)", 9223372036800},
};

START_TEST(test_offsets)
{
    const struct offset_case *c = &offset_cases[_i];
    struct query_fixture f;
    query_fixture_init(&f);
    struct promql_plan *plan;
    CK_OK(query_plan(&f, c->query, span_range(1000000, 1100000, 10000), &plan));
    ck_assert_msg(plan->root->select.shift_ms == c->shift_ms, "%s: %jd", c->query,
                  (intmax_t)plan->root->select.shift_ms);
    query_fixture_fini(&f);
}
END_TEST

/* Of an instant query: step() and range() are 0. */
static const struct error_case {
    const char *query, *message;
} error_cases[] = {
    {"rate(up[1m - 2m])", "8:15: duration must be greater than 0"},
    {"rate(up[1m - 1m])", "8:15: duration must be greater than 0"},
    {"rate(up[(0)])", "8:10: duration must be greater than 0"},
    {"rate(up[-(5)])", "8:11: duration must be greater than 0"},
    {"rate(up[(1m - 2m)])", "9:16: duration must be greater than 0"},
    {"rate(up[-(1m + 2m)])", "8:17: duration must be greater than 0"},
    {"rate(up[step()])", "8:14: duration must be greater than 0"},
    {"rate(up[range() * 5])", "8:19: duration must be greater than 0"},
    {"rate(up[min_of(step(), 5m)])", "15:25: duration must be greater than 0"},
    {"rate(up[5m:step()])", "11:17: duration must be greater than 0"},
    {"rate(up[5m:1s - 2s])", "11:18: duration must be greater than 0"},
    {"rate(up[1s - 2s:1m])", "8:15: duration must be greater than 0"},
    {"rate(up[5m / (1m - 60s)])", "8:22: division by zero"},
    {"rate(up[5m % step()])", "8:19: modulo by zero"},
    {"rate(up[1m + (5m / (1 - 1)) * 2])", "14:25: division by zero"},
    {"up offset (1 / step())", "11:21: division by zero"},
    {"up offset ((-1) ^ 0.5)", "11:21: duration is NaN or infinite"},
    {"up offset (10 ^ 400)", "11:19: duration is NaN or infinite"},
    {"up offset -(10 ^ 400)", "10:20: duration is NaN or infinite"},
    {"rate(up[(0 - 10) ^ 401])", "9:22: duration is NaN or infinite"},
    {"up offset (9223372036 * 2)", "11:25: duration is out of range"},
    {"up offset -(9223372036 * 2)", "10:26: duration is out of range"},
    {"rate(up[9223372036 * 2])", "8:22: duration is out of range"},
    {"rate(up[0 - 9223372036 * 2])", "8:26: duration must be greater than 0"},
    /* ours: not even a millisecond */
    {"rate(up[0.0005 * 1])", "8:18: duration must be greater than 0"},
    /* the first that is met, before all other errors */
    {"label_replace(rate(up[1 / (1 - 1)] offset (2 / (1 - 1))), \"a\", \"b\", \"c\", \"(\")",
     "22:32: division by zero"},
    {"rate(up[(0):1 - 2] offset (1 / (1 - 1)))", "27:37: division by zero"},
    {"rate(up[(0):1 - 2])", "12:17: duration must be greater than 0"},
    {"sum(up offset (1 / step())) + up offset (2 / step())", "15:25: division by zero"},
};

START_TEST(test_errors)
{
    const struct error_case *c = &error_cases[_i];
    struct query_fixture f;
    query_fixture_init(&f);
    struct promql_plan *plan;
    struct err e = query_plan(&f, c->query, span_instant(0), &plan);
    ck_assert_msg(e.code == ERR_INVALID, "%s: got %s", c->query, err_name(e.code));
    ck_assert_msg(str_eq(str_of_cstr(err_text(&e)), str_of_cstr(c->message)), "%s: %s", c->query,
                  err_text(&e));
    err_drop(e);
    query_fixture_fini(&f);
}
END_TEST

Suite *
plan_duration_suite(void)
{
    Suite *s = suite_create("plan_duration");
    TCase *t = tcase_create("plan_duration");
    tcase_add_loop_test(t, test_offsets, 0, ARRAY_LEN(offset_cases));
    tcase_add_loop_test(t, test_errors, 0, ARRAY_LEN(error_cases));
    suite_add_tcase(s, t);
    return s;
}
