/* Durations read and print as Prometheus and Go do (goldens made by the real parsers);
 * sizes and addresses are read whole or refused, with the output untouched. */
#include "tests/harness.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/mem.h"
#include "conf/units.h"

static const struct duration_case {
    const char *text;
    int64_t prometheus_ms; /* -1: refused */
    int64_t flag_ms;
    bool flag_ok;
} duration_cases[] = {
    {"0", 0, 0, true},
    {"15d", 1296000000, 1296000000, true},
    {"1h30m", 5400000, 5400000, true},
    {"1.5h", -1, 5400000, true},
    {"-5m", -1, -300000, true},
    {"30m1h", -1, 5400000, true},
    {"1499us", -1, 1, true},
    {"1500us", -1, 2, true},
    {"1ns", -1, 1, true}, /* never 0 */
    {"-1ns", -1, -1, true},
    {"0ns", -1, 0, true},
    {"1\xc2\xb5s", -1, 1, true},
    {"9223372036854ms", 9223372036854, 9223372036854, true},
    {"9223372036855ms", -1, 0, false},
    {"2562047h48m", -1, 0, false},
    {"2562048.5h", -1, 0, false},
    {"1h2562047h", -1, 0, false},
    {"1d1.5h", -1, 0, false}, /* one language at a time */
    {"", -1, 0, false},
    {"-", -1, 0, false},
    {"+", -1, 0, false},
    {".", -1, 0, false},
    {".s", -1, 0, false},
    {"1", -1, 0, false},
    {"1..5s", -1, 0, false},
    {"1 s", -1, 0, false},
    {"1S", -1, 0, false},
    {"h", -1, 0, false},
    {"99999999999999999999s", -1, 0, false},
};

START_TEST(test_duration)
{
    const struct duration_case *c = &duration_cases[_i];
    int64_t got = 77;
    struct err e = duration_parse(str_of_cstr(c->text), &got);
    ROW_ASSERT(c->text, e.code == (c->prometheus_ms >= 0 ? ERR_NONE : ERR_INVALID));
    ROW_ASSERT(c->text, got == (c->prometheus_ms >= 0 ? c->prometheus_ms : 77));
    err_drop(e);

    got = 77;
    e = duration_parse_flag(str_of_cstr(c->text), &got);
    ROW_ASSERT(c->text, e.code == (c->flag_ok ? ERR_NONE : ERR_INVALID));
    ROW_ASSERT(c->text, got == (c->flag_ok ? c->flag_ms : 77));
    err_drop(e);
}
END_TEST

/* NULL when the case has no such key. */
static const char *
golden_text(const json_t *row, const char *key)
{
    return json_string_value(json_object_get(row, key));
}

static void
check_golden_model(const json_t *row, const char *input)
{
    const char *want_ns = golden_text(row, "model_ns");
    AUTO(buf_fini) struct buf text = BUF_INIT;
    int64_t got_ms = 77;
    struct err e = duration_parse(str_of_cstr(input), &got_ms);
    ROW_ASSERT(input, (e.code == ERR_NONE) == (want_ns != NULL));
    err_drop(e);
    if (!want_ns)
        return;
    ROW_ASSERT(input, got_ms == strtoll(want_ns, NULL, 10) / 1000000);
    duration_format(got_ms, &text);
    ck_assert_str_eq(buf_cstr(&text), golden_text(row, "model_text"));
}

static void
check_golden_flag(const json_t *row, const char *input)
{
    const char *go_ns = golden_text(row, "go_ns"), *model_ns = golden_text(row, "model_ns");
    const char *want_text = go_ns ? go_ns : model_ns;
    int64_t got_ms = 77;
    struct err e = duration_parse_flag(str_of_cstr(input), &got_ms);
    ROW_ASSERT(input, (e.code == ERR_NONE) == (want_text != NULL));
    err_drop(e);
    if (!want_text)
        return;
    long long want_ns = strtoll(want_text, NULL, 10);
    long long off_ns = got_ms * 1000000 - want_ns;
    if (want_ns >= 500000)
        ROW_ASSERT(input, off_ns >= -500000 && off_ns <= 500000);
    else if (want_ns == 0)
        ROW_ASSERT(input, got_ms == 0);
    else
        ROW_ASSERT(input, got_ms != 0 && off_ns > -1000000 && off_ns < 1000000);
}

/* Every string that the real Prometheus and Go parsers were asked about. */
START_TEST(test_duration_golden)
{
    json_error_t problem;
    json_t *root = json_load_file(test_data("conf/durations.json"), 0, &problem);
    ck_assert_msg(root != NULL, "%s", problem.text);
    json_t *cases = json_object_get(root, "cases"), *row;
    size_t i;
    ck_assert_uint_gt(json_array_size(cases), 200);
    json_array_foreach(cases, i, row)
    {
        const char *input = golden_text(row, "input");
        check_golden_model(row, input);
        check_golden_flag(row, input);
    }
    json_decref(root);
}
END_TEST

static const struct format_case {
    int64_t ms;
    const char *want;
} format_cases[] = {
    {0, "0s"},
    {1, "1ms"},
    {-1500, "-1s500ms"},
    {5400000, "1h30m"},
    {86400000, "1d"},
    {604800000, "1w"},
    {604800001, "7d1ms"},
    {31536000000, "1y"},
    {INT64_MIN, "-106751991167d7h12m55s808ms"},
};

START_TEST(test_duration_format)
{
    AUTO(buf_fini) struct buf got = BUF_INIT;
    duration_format(format_cases[_i].ms, &got);
    ck_assert_str_eq(buf_cstr(&got), format_cases[_i].want);
}
END_TEST

static const struct bytes_case {
    const char *text;
    bool ok;
    uint64_t want;
} bytes_cases[] = {
    {"0", true, 0},
    {"512", true, 512},
    {"512B", true, 512},
    {"512MB", true, 512u << 20},
    {"512MiB", true, 512u << 20},
    {"1.5GB", true, 3ull << 29},
    {"2GiB", true, 2ull << 30},
    {"0.5B", true, 0},
    {"1.0000000000000000000000001KB", true, 1024},
    {"7EiB", true, 7ull << 60},
    {"9223372036854775807", true, INT64_MAX},
    {"9223372036854775808", false, 0},
    {"8EB", false, 0},
    {"7.9999999999999999999EB", false, 0},
    {"", false, 0},
    {"MB", false, 0},
    {"-1", false, 0},
    {"+1", false, 0},
    {".5GB", false, 0},
    {"1.GB", false, 0},
    {"1 GB", false, 0},
    {"1gb", false, 0},
    {"1K", false, 0},
    {"1GB ", false, 0},
    {"1GB1MB", false, 0},
    {"99999999999999999999", false, 0},
};

START_TEST(test_bytes)
{
    const struct bytes_case *c = &bytes_cases[_i];
    uint64_t got = 77;
    struct err e = bytes_parse(str_of_cstr(c->text), &got);
    ROW_ASSERT(c->text, e.code == (c->ok ? ERR_NONE : ERR_INVALID));
    ROW_ASSERT(c->text, got == (c->ok ? c->want : 77));
    err_drop(e);
}
END_TEST

static const struct address_case {
    const char *text;
    const char *host; /* NULL: refused */
    uint16_t port;
} address_cases[] = {
    {"0.0.0.0:10902", "0.0.0.0", 10902},
    {":19291", "", 19291},
    {"localhost:0", "localhost", 0},
    {"[::1]:10901", "::1", 10901},
    {"[fe80::1%eth0]:65535", "fe80::1%eth0", 65535},
    {"", NULL, 0},
    {":", NULL, 0},
    {"localhost", NULL, 0},
    {"localhost:", NULL, 0},
    {"localhost:http", NULL, 0},
    {"localhost:65536", NULL, 0},
    {"localhost:-1", NULL, 0},
    {"::1:10901", NULL, 0},
    {"[::1]", NULL, 0},
    {"[]:80", NULL, 0},
    {"[::1:80", NULL, 0},
    {"a]:80", NULL, 0},
    {"[[::1]]:80", NULL, 0},
};

START_TEST(test_address)
{
    const struct address_case *c = &address_cases[_i];
    struct str host = STR("untouched");
    uint16_t port = 7;
    struct err e = address_parse(str_of_cstr(c->text), &host, &port);
    ROW_ASSERT(c->text, e.code == (c->host ? ERR_NONE : ERR_INVALID));
    ROW_ASSERT(c->text, str_eq(host, str_of_cstr(c->host ? c->host : "untouched")));
    ROW_ASSERT(c->text, port == (c->host ? c->port : 7));
    err_drop(e);
}
END_TEST

Suite *
units_suite(void)
{
    Suite *s = suite_create("units");
    TCase *t = tcase_create("units");
    tcase_add_loop_test(t, test_duration, 0, ARRAY_LEN(duration_cases));
    tcase_add_test(t, test_duration_golden);
    tcase_add_loop_test(t, test_duration_format, 0, ARRAY_LEN(format_cases));
    tcase_add_loop_test(t, test_bytes, 0, ARRAY_LEN(bytes_cases));
    tcase_add_loop_test(t, test_address, 0, ARRAY_LEN(address_cases));
    suite_add_tcase(s, t);
    return s;
}
