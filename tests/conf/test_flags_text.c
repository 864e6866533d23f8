/* Help, markdown and man text of a small table, whole and to the byte. */
#include "tests/harness.h"

#include "base/mem.h"
#include "conf/flags.h"

static const struct flag text_table[] = {
    {.name = "http-address", .type = FLAG_ADDR, .dflt = ":80", .help = ".Listens there - or not."},
    {.name = "fast", .type = FLAG_BOOL, .dflt = "", .help = "A switch.", .notes = FLAG_NOT_YET},
    {.name = "mode", .type = FLAG_ENUM, .help = "A | B.", .choices = "a|b"},
    {.name = "rules", .type = FLAG_CONTENT, .help = "Rules.", .notes = FLAG_REQUIRED},
    {.name = "label",
     .type = FLAG_LIST,
     .help = "A text that is so long that it does not fit into one line of the help, by far.",
     .notes = FLAG_HIDDEN},
    {.name = "depth",
     .type = FLAG_UINT,
     .help = "A text that is so long that it does not fit into one line of the help, by far."},
};
static const struct flag_set text_set = {"demo", "Shows \\flags.", text_table, 6};

START_TEST(test_help)
{
    AUTO(buf_fini) struct buf got = BUF_INIT;
    flags_write_help(&text_set, &got);
    ck_assert_str_eq(buf_cstr(&got),
                     "usage: mneme demo [<flags>]\n\nShows \\flags.\n\nFlags:\n"
                     "  -h, --help\n          Show this text.\n"
                     "      --http-address=HOST:PORT  [:80]\n"
                     "          .Listens there - or not.\n"
                     "      --[no-]fast\n          A switch.\n          (not in effect yet)\n"
                     "      --mode=a|b\n          A | B.\n"
                     "      --rules=CONTENT | --rules-file=PATH  [required]\n"
                     "          Rules.\n"
                     "      --depth=NUMBER\n"
                     "          A text that is so long that it does not fit into one line "
                     "of the help,\n"
                     "          by far.\n");
}
END_TEST

START_TEST(test_markdown)
{
    AUTO(buf_fini) struct buf got = BUF_INIT;
    flags_write_markdown(&text_set, &got);
    ck_assert_str_eq(buf_cstr(&got),
                     "## mneme demo\n\nShows \\flags.\n\n"
                     "| flag | default | meaning | notes |\n|---|---|---|---|\n"
                     "| `--http-address` | `:80` | .Listens there - or not. | |\n"
                     "| `--fast` | | A switch. | not in effect yet |\n"
                     "| `--mode` | | A \\| B. One of a\\|b. | |\n"
                     "| `--rules`, `--rules-file` | | Rules. | required |\n"
                     "| `--label` | | A text that is so long that it does not fit into one line "
                     "of the help, by far. | repeatable, hidden |\n"
                     "| `--depth` | | A text that is so long that it does not fit into one line "
                     "of the help, by far. | |\n\n");
}
END_TEST

START_TEST(test_man)
{
    AUTO(buf_fini) struct buf got = BUF_INIT;
    flags_write_man(&text_set, &got);
    ck_assert_str_eq(buf_cstr(&got),
                     ".SS mneme demo\nShows \\eflags.\n"
                     ".TP\n.B \\-\\-http\\-address=HOST:PORT\n"
                     "\\&.Listens there \\- or not. Default: :80.\n"
                     ".TP\n.B \\-\\-[no\\-]fast\nA switch. (not in effect yet)\n"
                     ".TP\n.B \\-\\-mode=a|b\nA | B.\n"
                     ".TP\n.B \\-\\-rules=CONTENT | \\-\\-rules\\-file=PATH\nRules.\n"
                     ".TP\n.B \\-\\-depth=NUMBER\n"
                     "A text that is so long that it does not fit into one line of the help, by "
                     "far.\n");
}
END_TEST

Suite *
flags_text_suite(void)
{
    Suite *s = suite_create("flags_text");
    TCase *t = tcase_create("flags_text");
    tcase_add_test(t, test_help);
    tcase_add_test(t, test_markdown);
    tcase_add_test(t, test_man);
    suite_add_tcase(s, t);
    return s;
}
