/* docs/flags.md in the source tree is what the tables give (UPDATE_GOLDEN=1 rewrites it); the
 * man page has every shown flag and no hidden one. */
#include "tests/harness.h"

#include <stdlib.h>

#include "base/fs.h"
#include "base/mem.h"
#include "conf/flag_docs.h"
#include "conf/flag_sets.h"

enum { DOCUMENT_BYTES_MAX = 1 << 20 };

START_TEST(test_markdown_is_current)
{
    AUTO(buf_fini) struct buf path = BUF_INIT;
    AUTO(buf_fini) struct buf want = BUF_INIT;
    AUTO(buf_fini) struct buf got = BUF_INIT;
    const char *srcdir = getenv("srcdir");
    buf_printf(&path, "%s/docs/flags.md", srcdir ? srcdir : ".");
    flag_docs_write_markdown(&want);
    if (getenv("UPDATE_GOLDEN"))
        CK_OK(fs_write_file(fs_posix(), buf_cstr(&path), buf_str(&want)));
    CK_OK(fs_read_file(fs_posix(), buf_cstr(&path), DOCUMENT_BYTES_MAX, &got));
    ck_assert_msg(str_eq(buf_str(&got), buf_str(&want)),
                  "docs/flags.md is out of date: UPDATE_GOLDEN=1 make check writes it");
}
END_TEST

/* The flag's own .TP line. */
static bool
man_has(struct buf *man, const char *name)
{
    AUTO(buf_fini) struct buf line = BUF_INIT;
    buf_append(&line, STR("\n.B \\-\\-"));
    for (; *name; name++)
        buf_printf(&line, "%s%c", *name == '-' ? "\\" : "", *name);
    return strstr(buf_cstr(man), buf_cstr(&line)) != NULL;
}

START_TEST(test_man)
{
    AUTO(buf_fini) struct buf man = BUF_INIT;
    flag_docs_write_man(STR("1.2.3"), &man);
    ck_assert(strstr(buf_cstr(&man), "\"mneme 1.2.3\"") != NULL);
    ck_assert(man_has(&man, "data-dir="));
    ck_assert(man_has(&man, "receive.hashrings-file="));
    ck_assert(man_has(&man, "objstore.config="));
    ck_assert(!man_has(&man, "receive-forward-timeout"));
    ck_assert(!man_has(&man, "debug.name"));
    for (size_t i = 0; flag_sets[i]; i++) {
        AUTO(buf_fini) struct buf title = BUF_INIT;
        buf_printf(&title, "\n.SS mneme %s\n", flag_sets[i]->command);
        ck_assert(strstr(buf_cstr(&man), buf_cstr(&title)) != NULL);
    }
}
END_TEST

Suite *
flag_docs_suite(void)
{
    Suite *s = suite_create("flag_docs");
    TCase *t = tcase_create("flag_docs");
    tcase_add_test(t, test_markdown_is_current);
    tcase_add_test(t, test_man);
    suite_add_tcase(s, t);
    return s;
}
