/* Words without dashes and flags of one letter: `mneme tools` takes them as promtool does. */
#include "tests/harness.h"

#include <string.h>

#include "base/mem.h"
#include "conf/flags.h"

/* clang-format off */
#define WORD_FLAGS(X, S) \
    X(S, STRING, dir,   "dir",   "data", "A word.", .notes = FLAG_ARGUMENT) \
    X(S, BOOL,   raw,   "raw",   "false", "A switch.", .letter = 'r') \
    X(S, UINT,   count, "count", "1",    "A number by its place.", .notes = FLAG_ARGUMENT) \
    X(S, STRING, limit, "limit", "",     "A text.")
/* clang-format on */

struct word_flags {
    WORD_FLAGS(FLAG_FIELD, word_flags)
};
static const struct flag word_table[] = {WORD_FLAGS(FLAG_ROW, word_flags)};
static const struct flag_set word_set = {
    .command = "words", .help = "Takes words.", .flags = word_table, .count = 4};

/* The same with a word that must be there. */
static const struct flag needed_table[] = {
    {.name = "file",
     .type = FLAG_STRING,
     .help = "A file.",
     .notes = FLAG_ARGUMENT | FLAG_REQUIRED},
};
static const struct flag_set needed_set = {
    .command = "needs", .help = "Needs a word.", .flags = needed_table, .count = 1};

enum { WORDS_MAX = 6 };
static const struct word_case {
    const char *name;
    char *argv[WORDS_MAX];
    const char *want;  /* dir, raw, count, limit; NULL: refused */
    const char *error; /* part of it */
} word_cases[] = {
    {"nothing", {NULL}, "data 0 1 ", NULL},
    {"a word", {"x"}, "x 0 1 ", NULL},
    {"two words", {"x", "7"}, "x 0 7 ", NULL},
    {"a flag in front", {"--limit=9", "x"}, "x 0 1 9", NULL},
    {"flags between", {"x", "--limit", "9", "7", "--raw"}, "x 1 7 9", NULL},
    {"a letter", {"-r", "x"}, "x 1 1 ", NULL},
    {"a letter behind", {"x", "-r"}, "x 1 1 ", NULL},
    {"a value that looks like a word's flag", {"--limit", "-r"}, "data 0 1 -r", NULL},
    {"three words", {"x", "7", "y"}, NULL, "unexpected argument \"y\""},
    {"a word of the wrong kind", {"x", "y"}, NULL, "argument <count>: "},
    {"an unknown letter", {"-q"}, NULL, "unexpected argument \"-q\""},
    {"two letters", {"-rr"}, NULL, "unexpected argument \"-rr\""},
    {"a lone dash", {"-"}, NULL, "unexpected argument \"-\""},
    {"a letter twice", {"-r", "-r"}, NULL, "--raw is given twice"},
    {"a letter and its name", {"-r", "--raw"}, NULL, "--raw is given twice"},
    {"a word as a flag", {"--dir=x"}, NULL, "unknown flag --dir"},
};

START_TEST(test_words)
{
    const struct word_case *c = &word_cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf got = BUF_INIT;
    struct word_flags f = {.raw = false};
    int argc = 0;
    while (argc < WORDS_MAX && c->argv[argc])
        argc++;
    struct err e = flags_parse(&word_set, fs_posix(), argc, c->argv, 0, &a, &f);
    ROW_ASSERT(c->name, (e.code == ERR_NONE) == (c->want != NULL));
    if (c->want) {
        buf_printf(&got, "%.*s %d %ju %.*s", STR_FMT(f.dir), f.raw, (uintmax_t)f.count,
                   STR_FMT(f.limit));
        ck_assert_msg(strcmp(buf_cstr(&got), c->want) == 0, "row \"%s\": %s", c->name,
                      buf_cstr(&got));
    } else {
        ck_assert_msg(strstr(err_text(&e), c->error) != NULL, "row \"%s\": %s", c->name,
                      err_text(&e));
    }
    err_drop(e);
}
END_TEST

START_TEST(test_a_word_that_is_missing)
{
    AUTO(arena_fini) struct arena a = {0};
    struct str file;
    struct err e = flags_parse(&needed_set, fs_posix(), 0, NULL, 0, &a, &file);
    ck_assert_int_eq(e.code, ERR_INVALID);
    ck_assert_str_eq(err_text(&e), "argument <file> is missing");
    err_drop(e);
}
END_TEST

START_TEST(test_texts)
{
    AUTO(buf_fini) struct buf help = BUF_INIT, page = BUF_INIT, man = BUF_INIT;
    flags_write_help(&word_set, &help);
    flags_write_markdown(&word_set, &page);
    flags_write_man(&word_set, &man);
    ck_assert(strstr(buf_cstr(&help), "usage: mneme words [<flags>] [<dir>] [<count>]\n") != NULL);
    ck_assert(strstr(buf_cstr(&help), "\n  -r, --[no-]raw") != NULL);
    ck_assert(strstr(buf_cstr(&help), "\n  <dir>  [data]\n") != NULL);
    ck_assert(strstr(buf_cstr(&page), "| `<dir>` | `data` |") != NULL);
    ck_assert(strstr(buf_cstr(&page), "| `--raw`, `-r` |") != NULL);
    ck_assert(strstr(buf_cstr(&man), ".B <count>\n") != NULL);
    ck_assert(strstr(buf_cstr(&man), ".B \\-r, \\-\\-[no\\-]raw\n") != NULL);
}
END_TEST

Suite *
flags_words_suite(void)
{
    Suite *s = suite_create("flags_words");
    TCase *t = tcase_create("flags_words");
    tcase_add_loop_test(t, test_words, 0, ARRAY_LEN(word_cases));
    tcase_add_test(t, test_a_word_that_is_missing);
    tcase_add_test(t, test_texts);
    suite_add_tcase(s, t);
    return s;
}
