/* Parameters are read as Prometheus reads them; what Go lets wrap around is refused. */
#include "querygw/api/params.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "querygw/api/label_name.h"
#include "querygw/api/rfc3339.h"
#include "tests/harness.h"
#include "tests/querygw/golden.h"

/* Rows where Prometheus converts what does not fit. */
static bool
wraps(struct str input)
{
    static const char *const texts[] = {"NaN",
                                        "nan",
                                        "Inf",
                                        "-Inf",
                                        "inf",
                                        "+Inf",
                                        "Infinity",
                                        "1e18",
                                        "9223372036854775",
                                        "9.3e18",
                                        "9223372036.854775807",
                                        "-inf"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (str_eq(input, str_of_cstr(texts[i])))
            return true;
    return false;
}

typedef struct err parse_fn(struct str text, int64_t *ret);

/* Checks one row; what is refused must leave the output alone. */
static void
check_row(parse_fn *parse, struct str input, struct str want_text, bool wants_error)
{
    int64_t got = 4711, want = want_text.p ? strtoll(want_text.p, NULL, 10) : 4711;
    struct err e = parse(input, &got);
    if (e.code && wraps(input)) {
        err_drop(e);
        return;
    }
    ck_assert_msg((e.code != 0) == wants_error, "\"%.*s\": %s", STR_FMT(input), err_text(&e));
    ck_assert_msg(got == want, "\"%.*s\": got %jd, want %jd", STR_FMT(input), (intmax_t)got,
                  (intmax_t)want);
    if (e.code)
        ck_assert_int_eq(e.code, ERR_INVALID);
    err_drop(e);
}

START_TEST(test_times_golden)
{
    json_t *root = golden_load("times.json", (enum golden)_i), *row;
    size_t i;
    json_array_foreach(json_object_get(root, "cases"), i, row)
        check_row(param_parse_time, golden_text(row, "input"), golden_text(row, "ms"),
                  json_object_get(row, "error") != NULL);
    ck_assert_uint_gt(i, 10);
    json_decref(root);
}
END_TEST

START_TEST(test_durations_golden)
{
    json_t *root = golden_load("durations.json", (enum golden)_i), *row;
    size_t i;
    json_array_foreach(json_object_get(root, "cases"), i, row)
        check_row(param_parse_duration, golden_text(row, "input"), golden_text(row, "api_ns"),
                  json_object_get(row, "api_error") != NULL);
    ck_assert_uint_gt(i, 10);
    json_decref(root);
}
END_TEST

static struct err
parse_limit(struct str text, int64_t *ret)
{
    size_t limit = 0;
    TRY(param_parse_limit(text, &limit));
    *ret = (int64_t)limit;
    return OK;
}

START_TEST(test_limits_golden)
{
    json_t *root = golden_load("limits.json", (enum golden)_i), *row;
    size_t i;
    json_array_foreach(json_object_get(root, "cases"), i, row)
        check_row(parse_limit, golden_text(row, "input"), golden_text(row, "limit"),
                  json_object_get(row, "error") != NULL);
    ck_assert_uint_gt(i, 10);
    json_decref(root);
}
END_TEST

static const struct message_case {
    const char *input, *want;
    parse_fn *parse;
} message_cases[] = {
    {"x\"y", "cannot parse \"x\\\"y\" to a valid timestamp", param_parse_time},
    {"", "cannot parse \"\" to a valid timestamp", param_parse_time},
    {"Inf", "cannot parse \"Inf\" to a valid timestamp", param_parse_time},
    {"1e30", "cannot parse \"1e30\" to a valid timestamp", param_parse_time},
    {"5q", "cannot parse \"5q\" to a valid duration", param_parse_duration},
    {"1e30", "cannot parse \"1e30\" to a valid duration. It overflows int64", param_parse_duration},
    {"1.0", "strconv.Atoi: parsing \"1.0\": invalid syntax", parse_limit},
    {"-1", "limit must be non-negative", parse_limit},
};

START_TEST(test_messages)
{
    const struct message_case *c = &message_cases[_i];
    int64_t got;
    struct err e = c->parse(str_of_cstr(c->input), &got);
    ck_assert_str_eq(err_text(&e), c->want);
    err_drop(e);
}
END_TEST

START_TEST(test_all_of_time)
{
    int64_t ms;
    CK_OK(param_parse_time(STR("-292273086-05-16T16:47:06Z"), &ms));
    ck_assert(ms == PARAM_TIME_MIN_MS);
    CK_OK(param_parse_time(STR("292277025-08-18T07:12:54.999999999Z"), &ms));
    ck_assert(ms == PARAM_TIME_MAX_MS);
}
END_TEST

/* Every day of eight centuries prints as text that reads back. */
START_TEST(test_rfc3339_round_trip)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    for (int64_t day = -62167219200 / 86400; day < 253402300799 / 86400; day += 101) {
        buf_clear(&text);
        rfc3339_format(day * 86400 + (day + 1000000) % 997, &text);
        struct instant at;
        CK_OK(rfc3339_parse(buf_str(&text), &at));
        ck_assert_msg(at.unix_s == day * 86400 + (day + 1000000) % 997, "%s", buf_cstr(&text));
    }
    buf_clear(&text);
    rfc3339_format(951782400, &text);
    ck_assert_str_eq(buf_cstr(&text), "2000-02-29T00:00:00Z");
}
END_TEST

static const struct name_case {
    const char *name, *text, *want;
} name_cases[] = {
    {"plain", "job", "job"},
    {"no prefix", "a_b", "a_b"},
    {"encoded plain", "U__job", "job"},
    {"underscore", "U__a__b", "a_b"},
    {"dot", "U__http_2e_requests", "http.requests"},
    {"upper hex", "U__a_2E_b", "a.b"},
    {"two bytes", "U__f_fc_r", "f\xc3\xbcr"},
    {"emoji", "U___1f600_", "\xf0\x9f\x98\x80"},
    {"largest", "U___10ffff_", "\xf4\x8f\xbf\xbf"},
    {"past the largest", "U___110000_", "U___110000_"},
    {"surrogate", "U___d800_", "U___d800_"},
    {"no end", "U__a_2e", "U__a_2e"},
    {"ends in one", "U__a_", "U__a_"},
    {"no hex", "U__a_xy_", "U__a_xy_"},
    {"too many digits", "U__a_000002e_", "U__a_000002e_"},
    {"nothing", "U__", ""},
};

START_TEST(test_label_names)
{
    const struct name_case *c = &name_cases[_i];
    struct arena a;
    arena_init(&a, 0);
    ROW_ASSERT(c->name,
               str_eq(label_name_unescape(&a, str_of_cstr(c->text)), str_of_cstr(c->want)));
    arena_fini(&a);
}
END_TEST

Suite *
params_suite(void)
{
    Suite *s = suite_create("params");
    TCase *t = tcase_create("params");
    tcase_add_loop_test(t, test_times_golden, 0, golden_count("times.json"));
    tcase_add_loop_test(t, test_durations_golden, 0, golden_count("durations.json"));
    tcase_add_loop_test(t, test_limits_golden, 0, golden_count("limits.json"));
    tcase_add_loop_test(t, test_messages, 0, ARRAY_LEN(message_cases));
    tcase_add_test(t, test_all_of_time);
    tcase_add_test(t, test_rfc3339_round_trip);
    tcase_add_loop_test(t, test_label_names, 0, ARRAY_LEN(name_cases));
    suite_add_tcase(s, t);
    return s;
}
