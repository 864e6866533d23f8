/* Names of metrics and labels, and units in words. What Thanos makes of many more stands in
 * test_otlp_thanos.c. */
#include "tests/harness.h"

#include "base/mem.h"
#include "ingest/otlp_name.h"

static const struct metric_case {
    const char *name, *unit;
    enum otlp_suffix suffix;
    const char *want;
} metric_cases[] = {
    {"http.server.duration", "ms", OTLP_SUFFIX_NONE, "http_server_duration_milliseconds"},
    {"a:b", "", OTLP_SUFFIX_NONE, "a:b"},
    {"__a..b--", "", OTLP_SUFFIX_NONE, "a_b"},
    {"9lives", "", OTLP_SUFFIX_NONE, "_9lives"},
    {"caf\xc3\xa9.size", "By", OTLP_SUFFIX_NONE, "caf_size_bytes"},
    {"bytes.read", "By", OTLP_SUFFIX_NONE, "bytes_read"},
    {"read", "By/s", OTLP_SUFFIX_NONE, "read_bytes_per_second"},
    {"read", "/s", OTLP_SUFFIX_NONE, "read_per_second"},
    {"read", "{packet}/min", OTLP_SUFFIX_NONE, "read_per_min"},
    {"read", "{packet}", OTLP_SUFFIX_NONE, "read"},
    {"read", "x/{packet}", OTLP_SUFFIX_NONE, "read_x"},
    {"read", "foo_/s", OTLP_SUFFIX_NONE, "read_foo_per_second"},
    {"read", " a  b ", OTLP_SUFFIX_NONE, "read_a_b"},
    {"read", "1", OTLP_SUFFIX_NONE, "read"},
    {"load", "1", OTLP_SUFFIX_RATIO, "load_ratio"},
    {"ratio.of.load", "1", OTLP_SUFFIX_RATIO, "of_load_ratio"},
    {"total.requests", "", OTLP_SUFFIX_TOTAL, "requests_total"},
    {"total", "", OTLP_SUFFIX_TOTAL, "total"},
    {"time", "s", OTLP_SUFFIX_TOTAL, "time_seconds_total"},
    {"time", "total", OTLP_SUFFIX_TOTAL, "time_total"},
    {"", "s", OTLP_SUFFIX_NONE, "seconds"},
    {"", "", OTLP_SUFFIX_NONE, ""},
    {"\xe5\x90\x8d", "", OTLP_SUFFIX_NONE, ""},
    {"_._", "{x}", OTLP_SUFFIX_NONE, ""},
};

START_TEST(test_metric)
{
    const struct metric_case *c = &metric_cases[_i];
    AUTO(buf_fini) struct buf got = BUF_INIT;
    otlp_metric_name(str_of_cstr(c->name), str_of_cstr(c->unit), c->suffix, &got);
    ck_assert_msg(str_eq(buf_str(&got), str_of_cstr(c->want)), "\"%s\" in \"%s\": %s", c->name,
                  c->unit, buf_cstr(&got));
}
END_TEST

static const struct label_case {
    const char *name, *want;
} label_cases[] = {
    {"http.method", "http_method"},
    {"http_method", "http_method"},
    {"http..method", "http_method"},
    {"a__b", "a_b"},
    {"9k", "key_9k"},
    {"_x", "_x"},
    {"__x", "_x"},
    {"__x__", "__x__"},
    {"__a.b__", "__a_b__"},
    {"caf\xc3\xa9", "caf_"},
    {"bad\xff\xfe", "bad_"},
    {"a:b", "a_b"},
    {"", ""},
    {"_", ""},
    {"____", ""},
    {"..", ""},
    {"\xe5\x90\x8d", ""},
};

START_TEST(test_label)
{
    const struct label_case *c = &label_cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    struct str got = otlp_label_name(&a, str_of_cstr(c->name));
    ck_assert_msg(str_eq(got, str_of_cstr(c->want)), "\"%s\": %.*s", c->name, STR_FMT(got));
}
END_TEST

Suite *
otlp_name_suite(void)
{
    Suite *s = suite_create("otlp_name");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, test_metric, 0, ARRAY_LEN(metric_cases));
    tcase_add_loop_test(t, test_label, 0, ARRAY_LEN(label_cases));
    suite_add_tcase(s, t);
    return s;
}
