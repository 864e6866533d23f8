/* What W3C Trace Context allows is taken, everything else is ignored as a whole. */
#include "net/trace/traceparent.h"
#include "base/mem.h"
#include "tests/harness.h"

#define ID    "0af7651916cd43dd8448eb211c80319c"
#define SPAN  "b7ad6b7169203331"
#define ZEROS "00000000"

static const struct traceparent_case {
    const char *name;
    struct str header;
    bool taken, sampled;
} cases[] = {
    {"sampled", STR_INIT("00-" ID "-" SPAN "-01"), true, true},
    {"not sampled", STR_INIT("00-" ID "-" SPAN "-00"), true, false},
    {"other flags", STR_INIT("00-" ID "-" SPAN "-03"), true, true},
    {"later version", STR_INIT("01-" ID "-" SPAN "-01"), true, true},
    {"later version, more behind", STR_INIT("cc-" ID "-" SPAN "-01-what"), true, true},
    {"later version, glued", STR_INIT("cc-" ID "-" SPAN "-01what"), false, false},
    {"more behind", STR_INIT("00-" ID "-" SPAN "-01-what"), false, false},
    {"version ff", STR_INIT("ff-" ID "-" SPAN "-01"), false, false},
    {"upper case", STR_INIT("00-0AF7651916CD43DD8448EB211C80319C-" SPAN "-01"), false, false},
    {"no hex", STR_INIT("00-0gf7651916cd43dd8448eb211c80319c-" SPAN "-01"), false, false},
    {"no trace", STR_INIT("00-" ZEROS ZEROS ZEROS ZEROS "-" SPAN "-01"), false, false},
    {"no span", STR_INIT("00-" ID "-" ZEROS ZEROS "-01"), false, false},
    {"other separator", STR_INIT("00-" ID "_" SPAN "-01"), false, false},
    {"empty", STR_INIT(""), false, false},
};

START_TEST(test_header)
{
    const struct traceparent_case *c = &cases[_i];
    struct traceparent p;
    bool taken = traceparent_parse(c->header, &p);
    ROW_ASSERT(c->name, taken == c->taken);
    if (!taken)
        return;
    ROW_ASSERT(c->name, p.sampled == c->sampled && p.span_id == 0xb7ad6b7169203331u);
    ROW_ASSERT(c->name, p.trace_id[0] == 0x0a && p.trace_id[15] == 0x9c);
}
END_TEST

START_TEST(test_cut_short)
{
    struct str whole = STR("00-" ID "-" SPAN "-01");
    struct traceparent p;
    ck_assert_uint_eq(whole.n, TRACEPARENT_BYTES);
    for (size_t n = 0; n < whole.n; n++)
        ck_assert(!traceparent_parse(str_of(whole.p, n), &p));
}
END_TEST

Suite *
traceparent_suite(void)
{
    Suite *s = suite_create("traceparent");
    TCase *t = tcase_create("traceparent");
    tcase_add_loop_test(t, test_header, 0, ARRAY_LEN(cases));
    tcase_add_test(t, test_cut_short);
    suite_add_tcase(s, t);
    return s;
}
