/* Directories of Prometheus and Thanos are sound, whole or after kill -9; what is told and not
 * held against them; the README has every rule. */
#include "tests/harness.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/tsdb/golden.h"
#include "tests/tsdb/verify_kit.h"
#include "tsdb/inspect/database.h"

static const struct golden_case {
    const char *path, *told; /* a part of what is told; NULL: nothing is */
} golden_cases[] = {
    {"prometheus-3.14/kill9-plain", NULL},
    {"prometheus-3.14/kill9-checkpoint", NULL},
    {"prometheus-3.14/kill9-zstd", NULL},
    {"prometheus-3.14/kill9-start-timestamps", NULL},
    {"prometheus-3.14/clean-snapshot", NULL},
    {"blocks/float", NULL},
    {"blocks/histogram", NULL},
    {"blocks/labels", NULL},
    {"blocks/ooo", NULL},
    {"blocks/segments", NULL},
    {"blocks/tombstones", NULL},
    {"blocks/xor2-start-timestamps", NULL},
    {"compact/in", "overlaps block"},
    {"compact/in-5m", "encoding 255"},
    {"compact/horizontal", NULL},
    {"compact/penalty-2x2", NULL},
};

START_TEST(test_golden)
{
    const struct golden_case *c = &golden_cases[_i];
    const char *path = golden_path(c->path);
    AUTO(buf_fini) struct buf found = BUF_INIT;
    uint64_t broken;
    if (!path)
        return;
    kit_verify(path, VERIFY_ALL, &found, &broken);
    ck_assert_msg(broken == 0, "%s:\n%s", c->path, buf_cstr(&found));
    ck_assert_msg(c->told ? strstr(buf_cstr(&found), c->told) != NULL : found.n == 0, "%s:\n%s",
                  c->path, buf_cstr(&found));
}
END_TEST

/* Whatever byte of a real head is flipped, nothing but a finding or a tale comes of it. */
START_TEST(test_golden_flips)
{
    static const char *const files[] = {"wal/00000003", "wbl/00000001", "chunks_head/000002",
                                        "wal/checkpoint.00000001/00000000"};
    enum { FLIPS = 40 };
    const char *golden = golden_path("prometheus-3.14/kill9-checkpoint");
    AUTO(buf_fini) struct buf bytes = BUF_INIT, found = BUF_INIT;
    if (!golden)
        return;
    const char *dir = test_dir();
    kit_copy_tree(golden, dir);
    kit_load(&bytes, dir, files[_i]);
    size_t used = bytes.n; /* zeros that were made in advance are not used */
    while (used > 0 && bytes.p[used - 1] == 0)
        used--;
    for (size_t i = 0; i < FLIPS && used > FLIPS; i++) {
        uint64_t broken;
        size_t at = used / FLIPS * i;
        bytes.p[at] ^= 0x21;
        kit_store(dir, files[_i], buf_str(&bytes));
        buf_clear(&found);
        kit_verify(dir, VERIFY_FIRST, &found, &broken);
        ck_assert_msg(strstr(buf_cstr(&found), files[_i]) != NULL, "%s: byte %zu: %s", files[_i],
                      at, buf_cstr(&found));
        bytes.p[at] ^= 0x21;
    }
}
END_TEST

START_TEST(test_told)
{
    AUTO(buf_fini) struct buf found = BUF_INIT;
    AUTO(file_close) struct file *lock = NULL;
    const char *dir = test_dir();
    uint64_t broken;
    CK_OK(fs_make_dirs(fs_posix(), kit_path(dir, "01M84Q62B8G10XRWV5ZVN8NTTH.tmp-for-creation")));
    kit_store(dir, "lock", STR(""));
    kit_verify(dir, VERIFY_FIRST, &found, &broken);
    ck_assert_uint_eq(broken, 0);
    ck_assert_str_eq(buf_cstr(&found),
                     "told lock - at -: in use, or left by a process that did not stop in order\n"
                     "told 01M84Q62B8G10XRWV5ZVN8NTTH.tmp-for-creation - at -: being "
                     "written or deleted, or left over by who did not finish\n");
    CK_OK(fs_lock_file(fs_posix(), kit_path(dir, "lock"), &lock));
    buf_clear(&found);
    kit_verify(dir, VERIFY_FIRST, &found, &broken);
    ck_assert_uint_eq(broken, 0);
    ck_assert(strncmp(buf_cstr(&found), "told lock - at -: in use", 24) == 0);
}
END_TEST

START_TEST(test_no_directory)
{
    const struct verify_opts opts = {.depth = VERIFY_FIRST};
    uint64_t broken;
    CK_ERR(ERR_NOT_FOUND,
           verify_database(fs_posix(), kit_path(test_dir(), "none"), &opts, &broken));
}
END_TEST

/* Each rule has its line in the README of its folder. */
START_TEST(test_rules_are_documented)
{
    static const struct {
        char letter;
        const char *folder;
    } folders[] = {{'V', "inspect"}, {'I', "index"}, {'P', "index"},
                   {'B', "block"},   {'W', "wal"},   {'H', "head"}};
    AUTO(buf_fini) struct buf path = BUF_INIT, readme = BUF_INIT, line = BUF_INIT;
    const char *srcdir = getenv("srcdir");
    for (int rule = RULE_NONE + 1; rule < RULE_COUNT; rule++) {
        const char *name = verify_rule_name((enum verify_rule)rule);
        for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
            if (folders[i].letter != name[0])
                continue;
            buf_clear(&path);
            buf_clear(&readme);
            buf_clear(&line);
            buf_printf(&path, "%s/tsdb/%s/README.md", srcdir ? srcdir : ".", folders[i].folder);
            buf_printf(&line, "\n- %s ", name);
            CK_OK(fs_read_file(fs_posix(), buf_cstr(&path), 1 << 20, &readme));
            ck_assert_msg(strstr(buf_cstr(&readme), buf_cstr(&line)) != NULL, "rule %s", name);
        }
    }
}
END_TEST

/* --- what a directory has --------------------------------------------------------------------- */

START_TEST(test_scan)
{
    const char *golden = golden_path("prometheus-3.14/kill9-checkpoint");
    AUTO(database_fini) struct database d = DATABASE_INIT;
    if (!golden)
        return;
    CK_OK(database_scan(fs_posix(), golden, &d));
    ck_assert_uint_eq(d.blocks.n, 4);
    ck_assert_str_eq(d.blocks.v[0].name, "01M831V9Z39YAP2VN16VCP7CBK");
    ck_assert_str_eq(d.blocks.v[3].name, "01M831V9YSQH69Z36Z3RFZRBSG");
    ck_assert_uint_eq(d.blocks.v[0].bytes, 15611); /* as promtool says */
    ck_assert_uint_eq(d.blocks.v[3].bytes, 3022);
    ck_assert(d.parts[DATABASE_WAL].exists && d.parts[DATABASE_WBL].exists);
    ck_assert(d.parts[DATABASE_CHUNKS_HEAD].exists && !d.parts[DATABASE_SNAPSHOT].exists);
}
END_TEST

static const struct place_case {
    const char *name;
    const char *made[3]; /* directories */
    const char *tenant;
    const char *want; /* tenants with a space behind each; NULL: none is found */
} place_cases[] = {
    {"a log", {"wal"}, "", " "},
    {"a block", {"01M84Q62B8G10XRWV5ZVN8NTTH"}, "", " "},
    {"two tenants", {"a/wal", "b/chunks_head", "c"}, "", "a b "},
    {"one of them", {"a/wal", "b/chunks_head"}, "b", "b "},
    {"nothing", {NULL}, "", NULL},
    {"other directories", {"x", "y/z"}, "", NULL},
    {"a tenant that is not there", {"a/wal"}, "b", NULL},
    {"a tenant without a database", {"a/wal", "b"}, "b", NULL},
};

START_TEST(test_places)
{
    const struct place_case *c = &place_cases[_i];
    AUTO(database_places_fini) struct database_places places = VEC_INIT;
    AUTO(buf_fini) struct buf got = BUF_INIT;
    const char *dir = test_dir();
    for (size_t i = 0; i < ARRAY_LEN(c->made) && c->made[i]; i++)
        CK_OK(fs_make_dirs(fs_posix(), kit_path(dir, c->made[i])));
    struct err e = database_find(fs_posix(), dir, str_of_cstr(c->tenant), &places);
    ROW_ASSERT(c->name, e.code == (c->want ? ERR_NONE : ERR_NOT_FOUND));
    err_drop(e);
    vec_each (&places, place)
        buf_printf(&got, "%s ", place->tenant);
    ROW_ASSERT(c->name, !c->want || strcmp(buf_cstr(&got), c->want) == 0);
}
END_TEST

Suite *
verify_suite(void)
{
    Suite *s = suite_create("verify");
    TCase *t = tcase_create("verify");
    tcase_add_loop_test(t, test_golden, 0, ARRAY_LEN(golden_cases));
    tcase_add_loop_test(t, test_golden_flips, 0, 4);
    tcase_add_test(t, test_told);
    tcase_add_test(t, test_no_directory);
    tcase_add_test(t, test_rules_are_documented);
    tcase_add_test(t, test_scan);
    tcase_add_loop_test(t, test_places, 0, ARRAY_LEN(place_cases));
    suite_add_tcase(s, t);
    return s;
}
