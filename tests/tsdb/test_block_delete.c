/* Blocks are deleted whole, and samples out of blocks; a crash at any call leaves a block that
 * opens, with the deletions of before or of after. */
#include "tests/tsdb/block_kit.h"

#include <stdio.h>
#include <string.h>

#include "base/fs_fault.h"
#include "tests/tsdb/golden.h"
#include "tsdb/block/block_delete.h"
#include "tsdb/block/tombstones.h"
#include "tsdb/blocks.h"

static const char *const ulid_text = "01M84Q62B8G10XRWV5ZVN8NTTH"; /* of tests/data/tsdb/block */
static const int64_t t0 = INT64_C(1704067200000);

static struct err
open_block(const char *dir, struct block **ret_block)
{
    AUTO(block_meta_fini) struct block_meta meta = {.level = 0};
    TRY(block_meta_load(fs_posix(), dir, &meta));
    return block_open(fs_posix(), dir, &meta, ret_block);
}

/* A copy of the committed block in `dir`; returns its path, static. */
static const char *
copy_block(const char *dir)
{
    static char path[1000];
    snprintf(path, sizeof path, "%s/%s", dir, ulid_text);
    CK_OK(fs_remove_tree(fs_posix(), path));
    kit_copy_block(test_data("tsdb/block"), path);
    return path;
}

static size_t
count_samples(const struct block *b, const char *pattern, int64_t mint_ms, int64_t maxt_ms)
{
    AUTO(arena_fini) struct arena a;
    AUTO(sample_columns_fini) struct sample_columns s = SAMPLE_COLUMNS_INIT;
    arena_init(&a, 0);
    struct matcher m = kit_matcher(&a, MATCH_REGEX, "kind", pattern);
    struct select_query q = {mint_ms, maxt_ms, SELECT_CHUNKS, 0};
    AUTO(series_set_close) struct series_set *set = NULL;
    CK_OK(block_select(b, &q, (struct matchers){&m, 1}, &a, &set));
    struct series_view v;
    for (bool more;;) {
        CK_OK(series_set_next(set, &v, &more));
        if (!more)
            return s.n;
        for (size_t i = 0; i < v.chunk_count; i++)
            CK_OK(chunk_decode_floats(&v.chunks[i], mint_ms, maxt_ms, &s));
    }
}

static struct err
delete_from(struct fs *fs, const char *dir, const char *pattern, int64_t mint_ms, int64_t maxt_ms,
            size_t *ret_series)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct matcher m = kit_matcher(&a, MATCH_REGEX, "kind", pattern);
    AUTO(block_meta_fini) struct block_meta meta = {.level = 0};
    AUTO(block_close) struct block *b = NULL;
    TRY(block_meta_load(fs, dir, &meta));
    TRY(block_open(fs, dir, &meta, &b));
    return block_delete_range(b, (struct matchers){&m, 1}, mint_ms, maxt_ms, ret_series);
}

static const struct delete_case {
    const char *name, *pattern;
    int64_t mint, maxt;
    size_t series;     /* that get a deletion */
    size_t tombstones; /* afterwards; kind="constant" has one from t0 + 100000 to 200000 */
} delete_cases[] = {
    {"all", ".+", INT64_MIN, INT64_MAX, 8, 8},
    {"one series", "constant", INT64_MIN, INT64_MAX, 1, 1},
    {"before all", ".+", INT64_MIN, t0 - 1, 0, 1},
    {"behind all", ".+", t0 + 7200000, INT64_MAX, 0, 1},
    {"the first sample", ".+", INT64_MIN, t0, 6, 7},
    {"no such series", "none", INT64_MIN, INT64_MAX, 0, 1},
    {"upside down", ".+", t0 + 2000, t0 + 1000, 0, 1},
    {"joins from the front", "constant", t0, t0 + 99999, 1, 1},
    {"joins from behind", "constant", t0 + 200001, t0 + 300000, 1, 1},
    {"apart", "constant", t0 + 200002, t0 + 300000, 1, 2},
    {"within what is gone", "constant", t0 + 100001, t0 + 150000, 1, 1},
};

START_TEST(test_delete_range)
{
    const struct delete_case *c = &delete_cases[_i];
    const char *dir = copy_block(test_dir());
    size_t series;
    CK_OK(delete_from(fs_posix(), dir, "constant", t0 + 100000, t0 + 200000, &series));
    ck_assert_uint_eq(series, 1);
    AUTO(block_close) struct block *before = NULL, *after = NULL;
    CK_OK(open_block(dir, &before));
    ck_assert_uint_eq(block_meta_of(before)->deletions, 1);
    CK_OK(delete_from(fs_posix(), dir, c->pattern, c->mint, c->maxt, &series));
    ck_assert_msg(series == c->series, "%s: %zu series", c->name, series);
    CK_OK(open_block(dir, &after));
    ck_assert_msg(block_meta_of(after)->deletions == c->tombstones, "%s: %ju", c->name,
                  (uintmax_t)block_meta_of(after)->deletions);
    size_t all = count_samples(before, ".+", INT64_MIN, INT64_MAX);
    size_t gone = c->mint <= c->maxt ? count_samples(before, c->pattern, c->mint, c->maxt) : 0;
    ROW_ASSERT(c->name, count_samples(after, ".+", INT64_MIN, INT64_MAX) == all - gone);
    ROW_ASSERT(c->name, c->series > 0 || gone == 0);
}
END_TEST

/* A deletion reaches no further than the samples of its series. */
START_TEST(test_clipped)
{
    const char *dir = copy_block(test_dir());
    size_t series;
    CK_OK(delete_from(fs_posix(), dir, "constant", INT64_MIN, INT64_MAX, &series));
    AUTO(tombstones_fini) struct tombstones t = TOMBSTONES_INIT;
    CK_OK(tombstones_load(fs_posix(), dir, &t));
    ck_assert_uint_eq(t.spans.n, 1);
    ck_assert_int_eq(t.spans.v[0].mint_ms, t0);
    ck_assert_int_eq(t.spans.v[0].maxt_ms, t0 + 299 * 15000);
}
END_TEST

START_TEST(test_delete_range_crash)
{
    const char *parent = test_dir(), *dir = copy_block(parent);
    AUTO(block_close) struct block *whole = NULL;
    CK_OK(open_block(test_data("tsdb/block"), &whole));
    size_t all = count_samples(whole, ".+", t0, t0 + 60000);
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    for (uint64_t n = 1;; n++) {
        copy_block(parent);
        fs_fault_arm(fs, &(struct fs_fault_opts){.fail_call = n,
                                                 .mode = _i ? FS_FAULT_CRASH : FS_FAULT_ONCE,
                                                 .torn_bytes = (size_t)_i * 5});
        size_t series;
        struct err e = delete_from(fs, dir, ".+", t0, t0 + 60000, &series);
        bool done = e.code == ERR_NONE, fired = fs_fault_fired(fs);
        err_drop(e);
        CK_OK(fs_fault_power_cut(fs));
        AUTO(block_close) struct block *b = NULL;
        CK_OK(open_block(dir, &b));
        CK_OK(block_check(b));
        size_t left = count_samples(b, ".+", t0, t0 + 60000);
        ck_assert(left == 0 || left == all);
        ck_assert(left == 0 || !done);
        ck_assert(done != fired);
        if (done)
            break;
    }
}
END_TEST

/* --- whole blocks ----------------------------------------------------------------------------- */

static struct ulid
the_ulid(void)
{
    struct ulid u;
    CK_OK(ulid_parse(str_of_cstr(ulid_text), &u));
    return u;
}

START_TEST(test_delete_block)
{
    const char *dir = test_dir();
    struct ulid u = the_ulid();
    CK_OK(block_delete(fs_posix(), dir, &u)); /* there is none */
    AUTO(block_close) struct block *b = NULL;
    CK_OK(open_block(copy_block(dir), &b));
    CK_OK(block_delete(fs_posix(), dir, &u));
    AUTO(fs_list_fini) struct fs_list left = VEC_INIT;
    CK_OK(fs_list_dir(fs_posix(), dir, &left));
    ck_assert_uint_eq(left.n, 0);
    CK_OK(block_check(b)); /* readers go on */
}
END_TEST

START_TEST(test_delete_block_crash)
{
    const char *dir = test_dir();
    struct ulid u = the_ulid();
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    for (uint64_t n = 1;; n++) {
        copy_block(dir);
        fs_fault_arm(fs, &(struct fs_fault_opts){.fail_call = n,
                                                 .mode = _i ? FS_FAULT_CRASH : FS_FAULT_ONCE});
        struct err e = block_delete(fs, dir, &u);
        bool done = e.code == ERR_NONE, fired = fs_fault_fired(fs);
        err_drop(e);
        CK_OK(fs_fault_power_cut(fs));
        fs_fault_heal(fs);
        struct blocks found = BLOCKS_INIT;
        if (n % 2) { /* another try, or a new start: both get rid of everything */
            CK_OK(block_delete(fs, dir, &u));
        } else {
            CK_OK(blocks_open(fs_posix(), NULL, dir, &found));
            ck_assert(found.v.n == 0 || !done);
        }
        if (found.v.n == 1)
            CK_OK(block_check(found.v.v[0]));
        AUTO(fs_list_fini) struct fs_list left = VEC_INIT;
        CK_OK(fs_list_dir(fs_posix(), dir, &left));
        ck_assert_uint_eq(left.n, found.v.n);
        blocks_close(&found);
        ck_assert(done != fired);
        if (done)
            break;
    }
}
END_TEST

Suite *
block_delete_suite(void)
{
    Suite *s = suite_create("block_delete");
    TCase *t = tcase_create("core");
    tcase_add_loop_test(t, test_delete_range, 0, ARRAY_LEN(delete_cases));
    tcase_add_test(t, test_clipped);
    tcase_add_loop_test(t, test_delete_range_crash, 0, 2);
    tcase_add_test(t, test_delete_block);
    tcase_add_loop_test(t, test_delete_block_crash, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
