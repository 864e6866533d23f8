/* Texts as batches: rows and times, metadata of families, bad lines beside good ones. */
#include "tests/harness.h"

#include "base/mem.h"
#include "ingest/text_import.h"
#include "tests/ingest/otlp_dump.h"

static const struct import_case {
    const char *name;
    enum exposition_format format;
    const char *text, *want, *refused;
    uint64_t lines; /* refused */
} import_cases[] = {
    {"now", EXPOSITION_TEXT, "up 1\nup 2 17\n",
     "S {__name__=\"up\"} 17 4000000000000000\nS {__name__=\"up\"} 99 3ff0000000000000\n", "", 0},
    {"exemplars", EXPOSITION_OPENMETRICS, "a 1 2 # {x=\"y\"} 1 0.5\nb 1 # {x=\"y\"} 1\n# EOF\n",
     "E {__name__=\"a\"} 500 3ff0000000000000 {x=\"y\"}\n"
     "E {__name__=\"b\"} 99 3ff0000000000000 {x=\"y\"}\n"
     "S {__name__=\"a\"} 2000 3ff0000000000000\nS {__name__=\"b\"} 99 3ff0000000000000\n",
     "", 0},
    {"bad line between good ones", EXPOSITION_TEXT, "a 1\nb x\nc 1\n",
     "S {__name__=\"a\"} 99 3ff0000000000000\nS {__name__=\"c\"} 99 3ff0000000000000\n",
     "line 2, column 3: expected a value", 1},
    {"bad lines only", EXPOSITION_TEXT, "a\nb\n", "",
     "line 1, column 2: expected a blank or '{' behind the name; line 2, column 2: expected a "
     "blank "
     "or '{' behind the name",
     2},
    {"cut short", EXPOSITION_OPENMETRICS, "a 1\n", "S {__name__=\"a\"} 99 3ff0000000000000\n",
     "line 1: no # EOF at the end: was the text cut short?", 0},
    {"nothing", EXPOSITION_TEXT, "# a comment\n", "", "", 0},
    {"many bad lines", EXPOSITION_TEXT, "!\n!\n!\n!\n!\n!\n!\n!\n!\n!\n!\n", "",
     "line 1, column 1: expected the name of a metric; line 2, column 1: expected the name of a "
     "metric; line 3, column 1: expected the name of a metric; line 4, column 1: expected the name "
     "of a metric; line 5, column 1: expected the name of a metric; line 6, column 1: expected the "
     "name of a metric; line 7, column 1: expected the name of a metric; line 8, column 1: "
     "expected "
     "the name of a metric; and 3 more",
     11},
};

START_TEST(test_import)
{
    const struct import_case *c = &import_cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf got = BUF_INIT;
    struct batch b;
    CK_OK(text_import(&a, c->format, str_of_cstr(c->text), 99, &b));
    otlp_dump(&b, &got);
    ck_assert_msg(strcmp(buf_cstr(&got), c->want) == 0, "row \"%s\": %s", c->name, buf_cstr(&got));
    ck_assert_msg(str_eq(b.refused.text, str_of_cstr(c->refused)), "row \"%s\": %.*s", c->name,
                  STR_FMT(b.refused.text));
    ROW_ASSERT(c->name, b.refused.items == c->lines);
}
END_TEST

START_TEST(test_families)
{
    static const char text[] = "# HELP a first\n# TYPE a counter\na_total 1\n# HELP b second\n"
                               "# UNIT a seconds\n# TYPE b gauge\n# TYPE b summary\n# EOF\n";
    AUTO(arena_fini) struct arena a = {0};
    struct batch b;
    CK_OK(text_import(&a, EXPOSITION_OPENMETRICS, STR(text), 99, &b));
    ck_assert_uint_eq(b.request.metadata_count, 2);
    bool a_first = str_eq(b.request.metadata[0].family, STR("a"));
    const struct metadata *x = &b.request.metadata[a_first ? 0 : 1].value;
    const struct metadata *y = &b.request.metadata[a_first ? 1 : 0].value;
    ck_assert(x->kind == METRIC_KIND_COUNTER && str_eq(x->help, STR("first")));
    ck_assert(str_eq(x->unit, STR("seconds")));
    ck_assert(y->kind == METRIC_KIND_SUMMARY && str_eq(y->help, STR("second")) && y->unit.n == 0);
}
END_TEST

Suite *
text_import_suite(void)
{
    Suite *s = suite_create("text_import");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, test_import, 0, ARRAY_LEN(import_cases));
    tcase_add_test(t, test_families);
    suite_add_tcase(s, t);
    return s;
}
