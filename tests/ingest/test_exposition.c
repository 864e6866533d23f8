/* Lines of both text formats: what they say, and where a bad one is wrong. */
#include "tests/harness.h"

#include <inttypes.h>

#include "base/mem.h"
#include "ingest/exposition.h"

static void
put_labels(struct labels l, struct buf *to)
{
    for (size_t i = 0; i < l.n; i++)
        buf_printf(to, "%s%.*s=%.*s", i > 0 ? "," : "", STR_FMT(l.v[i].name),
                   STR_FMT(l.v[i].value));
}

static void
put_line(const struct exposition_line *l, struct buf *to)
{
    static const char *const kinds[] = {"", "TYPE", "HELP", "UNIT", ""};
    if (l->kind != EXPOSITION_SAMPLE) {
        buf_printf(to, "%s %.*s %d [%.*s]|", kinds[l->kind], STR_FMT(l->family), l->type,
                   STR_FMT(l->text));
        return;
    }
    put_labels(l->labels, to);
    buf_printf(to, " %" PRIx64, l->bits);
    if (l->has_time)
        buf_printf(to, " @%" PRId64, l->t_ms);
    if (l->has_exemplar) {
        buf_printf(to, " #");
        put_labels(l->exemplar.labels, to);
        buf_printf(to, " %" PRIx64, l->exemplar.bits);
        if (l->exemplar_has_time)
            buf_printf(to, " @%" PRId64, l->exemplar.t_ms);
    }
    buf_printf(to, "|");
}

/* Every line, and every error in its place. */
static void
read_all(enum exposition_format format, struct str text, struct buf *to)
{
    AUTO(arena_fini) struct arena a = {0};
    struct exposition *x = ARENA_NEW(&a, struct exposition);
    exposition_init(x, &a, format, text);
    for (;;) {
        struct exposition_line line;
        struct err e = exposition_next(x, &line);
        if (e.code != ERR_NONE)
            buf_printf(to, "!%s|", err_text(&e));
        else if (line.kind == EXPOSITION_END)
            return;
        else
            put_line(&line, to);
        err_drop(e);
    }
}

#define ONE "3ff0000000000000"

static const struct line_case {
    const char *name;
    struct str text;
    const char *want; /* in both formats */
} line_cases[] = {
    {"nothing", STR_INIT(""), ""},
    {"blank lines", STR_INIT("\n \t\n\r\n"), ""},
    {"plain", STR_INIT("up 1\n"), "__name__=up " ONE "|"},
    {"no line end", STR_INIT("up 1"), "__name__=up " ONE "|"},
    {"line end of Windows", STR_INIT("up 1\r\nup 1\r\n"),
     "__name__=up " ONE "|__name__=up " ONE "|"},
    {"labels", STR_INIT("a:b{z=\"2\",a=\"1\"} 1"), "__name__=a:b,a=1,z=2 " ONE "|"},
    {"blanks", STR_INIT("\tup\t{ a = \"1\" , } \t 1 "), "__name__=up,a=1 " ONE "|"},
    {"no labels", STR_INIT("up{} 1"), "__name__=up " ONE "|"},
    {"no blank behind labels", STR_INIT("up{}1"), "__name__=up " ONE "|"},
    {"escapes", STR_INIT("up{a=\"\\\\ \\\" \\n \\x\"} 1"), "__name__=up,a=\\ \" \n \\x " ONE "|"},
    {"brace and comma in a value", STR_INIT("up{a=\"},#\"} 1"), "__name__=up,a=},# " ONE "|"},
    {"name in quotes", STR_INIT("{\"my.name\",a=\"1\"} 1"), "__name__=my.name,a=1 " ONE "|"},
    {"name in quotes, behind", STR_INIT("{a=\"1\",\"my name\"} 1"),
     "__name__=my name,a=1 " ONE "|"},
    {"label in quotes", STR_INIT("up{\"a.b\"=\"1\"} 1"), "__name__=up,a.b=1 " ONE "|"},
    {"name as a label", STR_INIT("{__name__=\"up\"} 1"), "__name__=up " ONE "|"},
    {"UTF-8",
     STR_INIT("{\"gr\xc3\xb6\xc3\x9f"
              "e\"} 1"),
     "__name__=gr\xc3\xb6\xc3\x9f"
     "e " ONE "|"},
    {"infinite", STR_INIT("a +Inf\nb -Inf\nc Inf"),
     "__name__=a 7ff0000000000000|__name__=b fff0000000000000|__name__=c 7ff0000000000000|"},
    {"NaN", STR_INIT("a NaN\nb nan"), "__name__=a 7ff8000000000001|__name__=b 7ff8000000000001|"},
    {"exponent", STR_INIT("a 1e0\nb +1E0"), "__name__=a " ONE "|__name__=b " ONE "|"},
    {"type", STR_INIT("# TYPE a histogram\n#\tTYPE b untyped"), "TYPE a 3 []|TYPE b 0 []|"},
    {"type of a name in quotes", STR_INIT("# TYPE \"a.b\" gauge"), "TYPE a.b 2 []|"},
    {"help", STR_INIT("# HELP a all that\\nis \\\\ known \n"),
     "HELP a 0 [all that\nis \\ known ]|"},
    {"empty help", STR_INIT("# HELP a\n# HELP b "), "HELP a 0 []|HELP b 0 []|"},
    {"comments", STR_INIT("# a comment\n#\n#TYPE a gauge\n# type a gauge"), ""},
    {"no name", STR_INIT("{} 1"), "!line 1, column 3: no name and no labels|"},
    {"digit first", STR_INIT("1up 1"), "!line 1, column 1: expected the name of a metric|"},
    {"name with a dash", STR_INIT("a-b 1"),
     "!line 1, column 2: expected a blank or '{' behind the name|"},
    {"second name", STR_INIT("up{\"down\"} 1"), "!line 1, column 10: a second name of the metric|"},
    {"no value", STR_INIT("up"), "!line 1, column 3: expected a blank or '{' behind the name|"},
    {"no value behind labels", STR_INIT("up{} \n"), "!line 1, column 6: expected a value|"},
    {"no number", STR_INIT("up one"), "!line 1, column 4: expected a value|"},
    {"number of Go", STR_INIT("up 1_000\nup 0x1p3\n"),
     "!line 1, column 4: expected a value|!line 2, column 4: expected a value|"},
    {"no time", STR_INIT("up 1 now"), "!line 1, column 6: expected a timestamp|"},
    {"too much", STR_INIT("up 1 2 3"), "!line 1, column 8: expected the end of the line|"},
    {"label is open", STR_INIT("up{a=\"1} 1\nup 1"),
     "!line 1, column 11: a quote is not closed|__name__=up " ONE "|"},
    {"backslash at the end", STR_INIT("up{a=\"\\"), "!line 1, column 8: a quote is not closed|"},
    {"braces are open", STR_INIT("up{a=\"1\""), "!line 1, column 9: expected ',' or '}'|"},
    {"value without quotes", STR_INIT("up{a=1} 1"),
     "!line 1, column 6: expected a value in quotes|"},
    {"label without value", STR_INIT("up{a} 1"), "!line 1, column 5: expected '='|"},
    {"label without name", STR_INIT("up{=\"1\"} 1"),
     "!line 1, column 4: expected the name of a label|"},
    {"two commas", STR_INIT("up{a=\"1\",,} 1"),
     "!line 1, column 10: expected the name of a label|"},
    {"value not UTF-8", STR_INIT("up{a=\"\xff\"} 1"), "!line 1, column 7: the text is not UTF-8|"},
    {"help not UTF-8", STR_INIT("# HELP a \xff"), "!line 1, column 10: the text is not UTF-8|"},
    {"unknown type", STR_INIT("# TYPE a thing\nup 1"),
     "!line 1, column 10: unknown type of a metric|__name__=up " ONE "|"},
    {"type without a name", STR_INIT("# TYPE"),
     "!line 1, column 7: expected the name of a metric|"},
    {"zero byte", {"up\0 1", 5}, "!line 1, column 3: expected a blank or '{' behind the name|"},
};

START_TEST(test_lines)
{
    const struct line_case *c = &line_cases[_i];
    for (enum exposition_format f = EXPOSITION_TEXT; f <= EXPOSITION_OPENMETRICS; f++) {
        AUTO(buf_fini) struct buf got = BUF_INIT;
        read_all(f, c->text, &got);
        ck_assert_msg(strcmp(buf_cstr(&got), c->want) == 0, "row \"%s\", %d: %s", c->name, (int)f,
                      buf_cstr(&got));
    }
}
END_TEST

static const struct format_case {
    const char *name;
    enum exposition_format format;
    struct str text;
    const char *want;
} format_cases[] = {
    {"milliseconds", EXPOSITION_TEXT, STR_INIT("a 1 1700000000123\nb 1 -5"),
     "__name__=a " ONE " @1700000000123|__name__=b " ONE " @-5|"},
    {"no fractions of them", EXPOSITION_TEXT, STR_INIT("a 1 1.5"),
     "!line 1, column 5: expected a timestamp|"},
    {"no exemplars", EXPOSITION_TEXT, STR_INIT("a 1 # {} 1"),
     "!line 1, column 5: expected the end of the line|"},
    {"unit is a comment", EXPOSITION_TEXT, STR_INIT("# UNIT a s\n# EOF\na 1"),
     "__name__=a " ONE "|"},
    {"seconds", EXPOSITION_OPENMETRICS,
     STR_INIT("a 1 1700000000.123\nb 1 -0.5\nc 1 1.7e9\nd 1 1700000000.001"),
     "__name__=a " ONE " @1700000000123|__name__=b " ONE " @-500|"
     "__name__=c " ONE " @1700000000000|__name__=d " ONE " @1700000000001|"},
    {"seconds out of range", EXPOSITION_OPENMETRICS, STR_INIT("a 1 1e16\nb 1 NaN\nc 1 +Inf"),
     "!line 1, column 5: expected a timestamp|!line 2, column 5: expected a timestamp|"
     "!line 3, column 5: expected a timestamp|"},
    {"exemplar", EXPOSITION_OPENMETRICS,
     STR_INIT("a 1 # {b=\"2\",a=\"1\",c=\"\"} 1 12.5\nb 1 3 # {} 1"),
     "__name__=a " ONE " #a=1,b=2 " ONE " @12500|__name__=b " ONE " @3000 # " ONE "|"},
    {"exemplar with a name", EXPOSITION_OPENMETRICS, STR_INIT("a 1 # {\"x\"} 1"),
     "!line 1, column 12: an exemplar has no name|"},
    {"exemplar without labels", EXPOSITION_OPENMETRICS, STR_INIT("a 1 # 1"),
     "!line 1, column 7: expected the labels of an exemplar|"},
    {"exemplar without a value", EXPOSITION_OPENMETRICS, STR_INIT("a 1 # {}"),
     "!line 1, column 9: expected a value|"},
    {"unit", EXPOSITION_OPENMETRICS, STR_INIT("# UNIT a seconds\n# TYPE a stateset"),
     "UNIT a 0 [seconds]|TYPE a 7 []|"},
    {"quotes in help", EXPOSITION_OPENMETRICS, STR_INIT("# HELP a \\\"x\\\""), "HELP a 0 [\"x\"]|"},
    {"behind the end", EXPOSITION_OPENMETRICS, STR_INIT("a 1\n# EOF\n\nb 1"),
     "__name__=a " ONE "|!line 4, column 1: something behind # EOF|"},
};

START_TEST(test_formats)
{
    const struct format_case *c = &format_cases[_i];
    AUTO(buf_fini) struct buf got = BUF_INIT;
    read_all(c->format, c->text, &got);
    ck_assert_msg(strcmp(buf_cstr(&got), c->want) == 0, "row \"%s\": %s", c->name, buf_cstr(&got));
}
END_TEST

START_TEST(test_many_labels)
{
    AUTO(buf_fini) struct buf text = BUF_INIT, got = BUF_INIT;
    for (int n = LABELS_COUNT_MAX; n <= LABELS_COUNT_MAX + 1; n++) {
        buf_append(&text, STR("up{"));
        for (int i = 0; i < n; i++)
            buf_printf(&text, "l%d=\"1\",", i);
        buf_append(&text, STR("} 1\n"));
    }
    read_all(EXPOSITION_TEXT, buf_str(&text), &got);
    const char *second = strchr(buf_cstr(&got), '|');
    ck_assert(str_starts_with(buf_str(&got), STR("__name__=up,l0=1")));
    ck_assert(second && strstr(second, "line 2, column") && strstr(second, "too many labels"));
}
END_TEST

Suite *
exposition_suite(void)
{
    Suite *s = suite_create("exposition");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, test_lines, 0, ARRAY_LEN(line_cases));
    tcase_add_loop_test(t, test_formats, 0, ARRAY_LEN(format_cases));
    tcase_add_test(t, test_many_labels);
    suite_add_tcase(s, t);
    return s;
}
