/* The flag engine over a table with one flag of each type: what parses goes to the right field,
 * what does not is refused with a text that names the flag and what is allowed. */
#include "tests/harness.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "conf/flags.h"

/* clang-format off */
#define DEMO_FLAGS(X, S) \
    X(S, STRING,   name,    "name",        "anna", "A text.") \
    X(S, BOOL,     fast,    "fast",        "true", "A switch.") \
    X(S, INT,      level,   "level",       "-3",   "A signed number.", .min = -10, .max = 10) \
    X(S, UINT,     copies,  "copies",      "1",    "A count.", .min = 1) \
    X(S, FLOAT,    ratio,   "ratio",       "0.9",  "A part.", .max = 1) \
    X(S, DURATION, age_ms,  "max-age",     "1h",   "A time.") \
    X(S, BYTES,    size,    "size",        "1KB",  "A size.") \
    X(S, ADDR,     listen,  "listen",      ":80",  "An address.") \
    X(S, ENUM,     mode,    "mode",        "",     "A choice.", .choices = "|slow|quick") \
    X(S, LIST,     labels,  "label",       "a",    "A list.", .notes = FLAG_NOT_YET) \
    X(S, CONTENT,  rules,   "rules",       NULL,   "Some YAML.", .notes = FLAG_SECRET) \
    X(S, STRING,   secret,  "hidden.knob", "",     "A secret. Yes | no.", \
      .notes = FLAG_HIDDEN | FLAG_SECRET | FLAG_NOT_YET)
/* clang-format on */

struct demo_flags {
    DEMO_FLAGS(FLAG_FIELD, demo_flags)
};
static const struct flag demo_table[] = {DEMO_FLAGS(FLAG_ROW, demo_flags)};
static const struct flag_set demo_set = {
    .command = "demo",
    .help = "Shows flags.",
    .flags = demo_table,
    .count = ARRAY_LEN(demo_table),
};

enum { ARGS_MAX = 6 };

static int
count_args(char *const *argv)
{
    int argc = 0;
    while (argc < ARGS_MAX && argv[argc])
        argc++;
    return argc;
}

static struct err
parse_demo(char *const *argv, struct arena *a, struct demo_flags *to)
{
    return flags_parse(&demo_set, fs_posix(), count_args(argv), argv, 0, a, to);
}

static void
append_pair(void *arg, struct str name, struct str value)
{
    buf_printf(arg, "%.*s=%.*s ", STR_FMT(name), STR_FMT(value));
}

/* The fields as flags_each() shows them. */
static const struct good_case {
    const char *name;
    char *argv[ARGS_MAX];
    const char *want; /* a part of the text */
} good_cases[] = {
    {"defaults",
     {NULL},
     "name=anna fast=true level=-3 copies=1 ratio=0.9 max-age=1h size=1024 listen=:80 mode= "
     "label=[a] rules= rules-file= hidden.knob= "},
    {"equals", {"--name=bob"}, "name=bob "},
    {"next word", {"--name", "bob", "--copies", "7"}, "name=bob fast=true level=-3 copies=7 "},
    {"empty value", {"--name="}, "name= "},
    {"value with equals", {"--name=a=b"}, "name=a=b "},
    {"value with dashes", {"--name", "--fast"}, "name=--fast fast=true "},
    {"on", {"--fast"}, "fast=true "},
    {"off", {"--no-fast"}, "fast=false "},
    {"off by value", {"--fast=false"}, "fast=false "},
    {"negative", {"--level", "-10"}, "level=-10 "},
    {"float", {"--ratio=1e-3"}, "ratio=0.001 "},
    {"go duration", {"--max-age=1.5m"}, "max-age=1m30s "},
    {"size", {"--size=1.5GiB"}, "size=1610612736 "},
    {"enum", {"--mode=quick"}, "mode=quick "},
    {"list replaces its default", {"--label=x", "--label", "y", "--label=z"}, "label=[x y z] "},
    {"env", {"--name=<$(MNEME_TEST_WORD)$(MNEME_TEST_WORD)>"}, "name=<wordword> "},
    {"no env", {"--name=$1 ${a} $() $(a b) $("}, "name=$1 ${a} $() $(a b) $( "},
    {"content is secret", {"--rules=a: $(MNEME_TEST_WORD)"}, "rules=<REDACTED> rules-file= "},
    {"secret", {"--hidden.knob=x"}, "hidden.knob=<REDACTED> "},
};

START_TEST(test_good)
{
    const struct good_case *c = &good_cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf got = BUF_INIT;
    struct demo_flags flags = {0};
    setenv("MNEME_TEST_WORD", "word", 1);
    CK_OK(parse_demo(c->argv, &a, &flags));
    flags_each(&demo_set, &flags, append_pair, &got);
    ck_assert_msg(strstr(buf_cstr(&got), c->want) != NULL, "row \"%s\": %s", c->name, got.p);
}
END_TEST

static const struct bad_case {
    const char *name;
    char *argv[ARGS_MAX];
    const char *text; /* a part of the message */
} bad_cases[] = {
    {"unknown", {"--nonsense"}, "unknown flag --nonsense"},
    {"near", {"--copis=1"}, "unknown flag --copis, did you mean --copies?"},
    {"hidden is not suggested", {"--hidden.knop=1"}, "unknown flag --hidden.knop"},
    {"no- of a text", {"--no-name"}, "unknown flag --no-name"},
    {"-file of a text", {"--name-file=x"}, "unknown flag --name-file"},
    {"one dash", {"-name=x"}, "unexpected argument \"-name=x\""},
    {"word", {"--fast", "false"}, "unexpected argument \"false\""},
    {"two dashes", {"--", "--fast"}, "unexpected argument \"--\""},
    {"no value", {"--name"}, "flag --name needs a value"},
    {"no value of a negated", {"--no-fast=true"}, "flag --no-fast takes no value"},
    {"not a bool", {"--fast=1"}, "flag --fast: \"1\" is neither true nor false"},
    {"not an int", {"--level=x"}, "flag --level"},
    {"below", {"--level=-11"}, "flag --level: -11 is too small, the least is -10"},
    {"above", {"--level=11"}, "flag --level: 11 is too large, the most is 10"},
    {"negative count", {"--copies=-1"}, "flag --copies"},
    {"no copies", {"--copies=0"}, "flag --copies: 0 is too small, the least is 1"},
    {"ratio", {"--ratio=1.1"}, "flag --ratio: 1.1 is too large, the most is 1"},
    {"nan", {"--ratio=NaN"}, "flag --ratio"},
    {"duration", {"--max-age=1"}, "flag --max-age: not a duration: \"1\""},
    {"negative duration", {"--max-age=-1s"}, "flag --max-age: -1s is too small"},
    {"size", {"--size=1XB"}, "flag --size: not a size: \"1XB\""},
    {"address", {"--listen=80"}, "flag --listen: not an address: \"80\""},
    {"enum", {"--mode=quic"}, "flag --mode: \"quic\" is not one of |slow|quick"},
    {"enum list", {"--mode=slow|quick"}, "is not one of"},
    {"twice", {"--name=a", "--name=a"}, "flag --name is given twice"},
    {"on and off", {"--fast", "--no-fast"}, "flag --fast is given twice"},
    {"both", {"--rules=a", "--rules-file=b"}, "flags --rules and --rules-file exclude each other"},
    {"both, other order", {"--rules-file=/dev/null", "--rules=a"}, "exclude each other"},
    {"env unset", {"--name=$(MNEME_TEST_UNSET)"}, "variable MNEME_TEST_UNSET is not set"},
};

START_TEST(test_bad)
{
    const struct bad_case *c = &bad_cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    struct demo_flags flags = {0};
    struct err e = parse_demo(c->argv, &a, &flags);
    ROW_ASSERT(c->name, e.code == ERR_INVALID);
    ck_assert_msg(strstr(err_text(&e), c->text) != NULL, "row \"%s\": %s", c->name, err_text(&e));
    err_drop(e);
}
END_TEST

START_TEST(test_content_file)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf arg = BUF_INIT;
    AUTO(buf_fini) struct buf path = BUF_INIT;
    struct demo_flags flags = {0};
    buf_printf(&path, "%s/rules.yaml", test_dir());
    buf_printf(&arg, "--rules-file=%s", buf_cstr(&path));
    setenv("MNEME_TEST_WORD", "word", 1);
    char *argv[ARGS_MAX] = {(char *)buf_cstr(&arg)};

    CK_ERR(ERR_NOT_FOUND, parse_demo(argv, &a, &flags));
    CK_OK(fs_write_file(fs_posix(), buf_cstr(&path), STR("a: $(MNEME_TEST_WORD)\n")));
    CK_OK(parse_demo(argv, &a, &flags));
    ck_assert(str_eq(flags.rules.text, STR("a: word\n")));
    ck_assert(str_eq(flags.rules.path, buf_str(&path)));

    CK_OK(fs_write_file(fs_posix(), buf_cstr(&path), STR("$(MNEME_TEST_UNSET)")));
    CK_ERR(ERR_INVALID, parse_demo(argv, &a, &flags));
    CK_OK(fs_write_file(fs_posix(), buf_cstr(&path), STR("")));
    CK_OK(truncate(buf_cstr(&path), FLAG_CONTENT_BYTES_MAX + 1) == 0 ? OK : ERR_CODE(ERR_IO));
    CK_ERR(ERR_TOO_LARGE, parse_demo(argv, &a, &flags));
}
END_TEST

START_TEST(test_env_limit)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf arg = BUF_INIT;
    struct demo_flags flags = {0};
    char *text = mem_alloc_zero(64 << 10);
    memset(text, 'x', (64 << 10) - 1);
    setenv("MNEME_TEST_LONG", text, 1);
    mem_free(text);
    buf_append(&arg, STR("--name="));
    for (int i = 0; i < 65; i++)
        buf_append(&arg, STR("$(MNEME_TEST_LONG)"));
    char *argv[ARGS_MAX] = {(char *)buf_cstr(&arg)};
    CK_ERR(ERR_INVALID, parse_demo(argv, &a, &flags));
    unsetenv("MNEME_TEST_LONG");
}
END_TEST

START_TEST(test_required)
{
    static const struct flag table[] = {
        {.name = "label", .type = FLAG_LIST, .help = "A list.", .notes = FLAG_REQUIRED}};
    static const struct flag_set set = {.command = "x", .help = "X.", .flags = table, .count = 1};
    AUTO(arena_fini) struct arena a = {0};
    struct flag_list list = {NULL, 0};
    char *argv[] = {"mneme", "x", "--label=a"};
    CK_OK(flags_parse(&set, fs_posix(), 3, argv, 2, &a, &list));
    ck_assert_uint_eq(list.n, 1);
    CK_ERR(ERR_INVALID, flags_parse(&set, fs_posix(), 2, argv, 2, &a, &list));
}
END_TEST

static void
append_name(void *arg, const struct flag *f)
{
    buf_printf(arg, "%s ", f->name);
}

static const struct not_yet_case {
    char *argv[ARGS_MAX];
    const char *want;
} not_yet_cases[] = {
    {{"--name=x", "--no-fast"}, ""},
    {{NULL}, ""},
    {{"--label", "--hidden.knob=1"}, "label "}, /* the second word is a value */
    {{"--fast", "--label=a", "--hidden.knob", "x"}, "label hidden.knob "},
    {{"--unknown", "--label=a"}, ""}, /* flags_parse() has refused that already */
};

START_TEST(test_not_yet)
{
    const struct not_yet_case *c = &not_yet_cases[_i];
    AUTO(buf_fini) struct buf got = BUF_INIT;
    flags_each_not_yet(&demo_set, count_args(c->argv), c->argv, 0, append_name, &got);
    ck_assert_str_eq(buf_cstr(&got), c->want);
}
END_TEST

START_TEST(test_want_help)
{
    char *argv[] = {"--help", "demo", "-h", "--helpx"};
    ck_assert(flags_want_help(1, argv, 0));
    ck_assert(flags_want_help(3, argv, 1));
    ck_assert(!flags_want_help(2, argv, 1));
    ck_assert(!flags_want_help(4, argv, 3));
}
END_TEST

Suite *
flags_suite(void)
{
    Suite *s = suite_create("flags");
    TCase *t = tcase_create("flags");
    tcase_add_loop_test(t, test_good, 0, ARRAY_LEN(good_cases));
    tcase_add_loop_test(t, test_bad, 0, ARRAY_LEN(bad_cases));
    tcase_add_test(t, test_content_file);
    tcase_add_test(t, test_env_limit);
    tcase_add_test(t, test_required);
    tcase_add_loop_test(t, test_not_yet, 0, ARRAY_LEN(not_yet_cases));
    tcase_add_test(t, test_want_help);
    suite_add_tcase(s, t);
    return s;
}
