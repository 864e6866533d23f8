/* A written block reads back as what went in, passes the full check, and one without series
 * leaves nothing; a crash at any call leaves none or a whole one. */
#include "tests/tsdb/block_kit.h"

#include <stdio.h>
#include <string.h>

#include "base/fs_fault.h"
#include "tests/tsdb/golden.h"
#include "tsdb/block/block.h"
#include "tsdb/block/block_writer.h"

static const char *const new_ulid = "01M84Q62B8G10XRWV5ZVN8NTTZ";

static struct err
open_block(const char *dir, struct block **ret_block)
{
    struct block_meta meta;
    TRY(block_meta_load(fs_posix(), dir, &meta));
    struct err e = block_open(fs_posix(), dir, &meta, ret_block);
    block_meta_fini(&meta);
    return e;
}

static struct series_set *
select_from(struct arena *a, const struct block *b, const char *pattern)
{
    struct matcher m = kit_matcher(a, MATCH_REGEX, "kind", pattern);
    struct select_query q = {INT64_MIN, INT64_MAX, SELECT_CHUNKS, 0};
    struct series_set *set;
    CK_OK(block_select(b, &q, (struct matchers){&m, 1}, a, &set));
    return set;
}

static struct block_writer_opts
opts_of(const struct block *b, struct fs *fs, const char *dir)
{
    const struct block_meta *m = block_meta_of(b);
    struct block_writer_opts o = {
        .fs = fs, .dir = dir, .mint_ms = m->mint_ms, .maxt_ms = m->maxt_ms};
    CK_OK(ulid_parse(str_of_cstr(new_ulid), &o.ulid));
    return o;
}

static struct err
rewrite(struct arena *a, const struct block *b, const char *pattern, const char *dir,
        uint64_t segment_bytes, bool *ret_empty)
{
    AUTO(series_set_close) struct series_set *set = select_from(a, b, pattern);
    struct block_writer_opts o = opts_of(b, fs_posix(), dir);
    o.segment_bytes = segment_bytes;
    o.borrows_labels = segment_bytes == 0; /* texts of a block live as long as it does */
    return block_write(&o, set, ret_empty);
}

static const uint64_t segment_limits[] = {0, 1, 700, 2000};

START_TEST(test_round_trip)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(block_close) struct block *b = NULL, *back = NULL;
    CK_OK(open_block(test_data("tsdb/block"), &b));
    const char *dir = test_dir();
    char path[1000];
    bool empty;
    CK_OK(rewrite(&a, b, ".+", dir, segment_limits[_i], &empty));
    ck_assert(!empty);
    snprintf(path, sizeof path, "%s/%s", dir, new_ulid);
    CK_OK(open_block(path, &back));
    CK_OK(block_check(back));
    AUTO(series_set_close) struct series_set *x = select_from(&a, b, ".+");
    AUTO(series_set_close) struct series_set *y = select_from(&a, back, ".+");
    struct series_view v, w;
    for (bool more = true, too;;) {
        CK_OK(series_set_next(x, &v, &more));
        CK_OK(series_set_next(y, &w, &too));
        ck_assert(more == too);
        if (!more)
            break;
        ck_assert(labels_eq(v.labels, w.labels));
        ck_assert_uint_eq(v.chunk_count, w.chunk_count);
        for (size_t i = 0; i < v.chunk_count; i++)
            ck_assert(str_eq(v.chunks[i].data, w.chunks[i].data));
    }
}
END_TEST

START_TEST(test_empty)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(block_close) struct block *b = NULL;
    CK_OK(open_block(test_data("tsdb/block"), &b));
    const char *dir = test_dir();
    bool empty = false;
    CK_OK(rewrite(&a, b, "nothing", dir, 0, &empty));
    ck_assert(empty);
    AUTO(fs_list_fini) struct fs_list left = VEC_INIT;
    CK_OK(fs_list_dir(fs_posix(), dir, &left));
    ck_assert_uint_eq(left.n, 0);
}
END_TEST

/* Written again, a block of Prometheus 3.14 has the same files, byte for byte; but an index may
 * have symbols that no series uses, which are not written again. */
static const struct same_case {
    const char *block;
    enum { SAME_INDEX, UNUSED_SYMBOLS } index;
} same_cases[] = {
    {"prometheus-3.14/kill9-checkpoint/01M831V9ZD0YSZNJHN12B5Z4QT", UNUSED_SYMBOLS},
    {"prometheus-3.14/kill9-checkpoint/01M831V9YSQH69Z36Z3RFZRBSG", UNUSED_SYMBOLS},
    {"compact/in/01M831NGAA396J743WTRXGAZZ6", SAME_INDEX},
    {"compact/in/01M831NGDP0G6ERTY1TA9DF7D0", SAME_INDEX},
    {"blocks/float/01M8320MX8CB0DF75D2TENW2DR", SAME_INDEX},
    {"blocks/labels/01M8320N0X5MJMKPTZCTX2NYBB", SAME_INDEX},
    {"blocks/histogram/01M8320MXP4JED2ZZ0DFDPP30B", SAME_INDEX},
};

START_TEST(test_same_bytes)
{
    static const char *const files[] = {"chunks/000001", "tombstones", "index"};
    const char *golden = golden_path(same_cases[_i].block);
    if (!golden)
        return;
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(block_close) struct block *b = NULL;
    CK_OK(open_block(golden, &b));
    const char *dir = test_dir();
    char path[1000];
    bool empty;
    CK_OK(rewrite(&a, b, ".*", dir, 0, &empty));
    snprintf(path, sizeof path, "%s/%s", dir, new_ulid);
    AUTO(block_close) struct block *back = NULL;
    CK_OK(open_block(path, &back));
    CK_OK(block_check(back));
    AUTO(buf_fini) struct buf want = BUF_INIT, got = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(files) - (same_cases[_i].index == UNUSED_SYMBOLS); i++) {
        kit_read(&want, golden, files[i]);
        kit_read(&got, path, files[i]);
        ck_assert_msg(str_eq(buf_str(&got), buf_str(&want)), "%s: %zu bytes, want %zu", files[i],
                      got.n, want.n);
    }
}
END_TEST

/* --- what the options say --------------------------------------------------------------------- */

static void
load_new_meta(const char *dir, struct block_meta *ret_meta)
{
    char path[1000];
    snprintf(path, sizeof path, "%s/%s", dir, new_ulid);
    CK_OK(block_meta_load(fs_posix(), path, ret_meta));
}

static void
write_with(const struct block_writer_opts *o, const struct block *b, struct block_meta *ret_meta)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(series_set_close) struct series_set *set = select_from(&a, b, ".+");
    bool empty;
    CK_OK(block_write(o, set, &empty));
    load_new_meta(o->dir, ret_meta);
}

START_TEST(test_meta_of_a_head)
{
    AUTO(block_close) struct block *b = NULL;
    CK_OK(open_block(test_data("tsdb/block"), &b));
    struct block_writer_opts o = opts_of(b, fs_posix(), test_dir());
    AUTO(block_meta_fini) struct block_meta m = {.level = 0};
    write_with(&o, b, &m);
    ck_assert(m.level == 1 && m.hints == 0 && m.parents.n == 0 && !m.failed && !m.deletable);
    ck_assert(m.sources.n == 1 && ulid_cmp(&m.sources.v[0], &o.ulid) == 0);
    ck_assert_uint_gt(m.samples, 0);
    ck_assert_uint_eq(m.samples, m.float_samples);
    ck_assert_uint_eq(m.histogram_samples, 0);
}
END_TEST

START_TEST(test_meta_of_a_compaction)
{
    AUTO(block_close) struct block *b = NULL;
    CK_OK(open_block(test_data("tsdb/block"), &b));
    struct block_writer_opts o = opts_of(b, fs_posix(), test_dir());
    struct ulid sources[2] = {{{1}}, {{2}}};
    struct block_parent parents[2] = {{{{3}}, 1, 2}, {{{4}}, -3, 4}};
    o.level = 3;
    o.hints = BLOCK_FROM_STALE_SERIES;
    o.sources = sources;
    o.parents = parents;
    o.source_count = o.parent_count = 2;
    AUTO(block_meta_fini) struct block_meta m = {.level = 0};
    write_with(&o, b, &m);
    ck_assert(m.level == 3 && m.hints == BLOCK_FROM_STALE_SERIES);
    ck_assert(m.sources.n == 2 && ulid_cmp(&m.sources.v[1], &sources[1]) == 0);
    ck_assert(m.parents.n == 2 && ulid_cmp(&m.parents.v[1].ulid, &parents[1].ulid) == 0);
    ck_assert(m.parents.v[1].mint_ms == -3 && m.parents.v[1].maxt_ms == 4);
}
END_TEST

START_TEST(test_meta_of_a_copy)
{
    AUTO(block_close) struct block *b = NULL;
    CK_OK(open_block(test_data("tsdb/block"), &b));
    struct block_writer_opts o = opts_of(b, fs_posix(), test_dir());
    const struct block_meta base = {
        .ulid = {{7}}, .mint_ms = 1, .maxt_ms = 9, .hints = BLOCK_FROM_OUT_OF_ORDER, .level = 5};
    o.base = &base;
    AUTO(block_meta_fini) struct block_meta m = {.level = 0};
    write_with(&o, b, &m);
    ck_assert(m.level == 1 && m.hints == BLOCK_FROM_OUT_OF_ORDER && m.sources.n == 1);
    ck_assert(m.parents.n == 1 && ulid_cmp(&m.parents.v[0].ulid, &base.ulid) == 0);
    ck_assert(m.parents.v[0].mint_ms == 1 && m.parents.v[0].maxt_ms == 9);
}
END_TEST

/* Chunks copied with their checksums give the bytes that chunks without them give. */
START_TEST(test_framed)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(block_close) struct block *b = NULL;
    CK_OK(open_block(test_data("tsdb/block"), &b));
    char dirs[2][400], path[1000];
    struct buf files[2] = {BUF_INIT, BUF_INIT};
    for (size_t framed = 0; framed < 2; framed++) {
        snprintf(dirs[framed], sizeof dirs[framed], "%s/%zu", test_dir(), framed);
        CK_OK(fs_make_dirs(fs_posix(), dirs[framed]));
        struct block_writer_opts o = opts_of(b, fs_posix(), dirs[framed]);
        AUTO(block_writer_close) struct block_writer *w = NULL;
        AUTO(series_set_close) struct series_set *set = select_from(&a, b, ".+");
        CK_OK(block_writer_open(&o, &w));
        struct series_view s;
        for (bool more;;) {
            CK_OK(series_set_next(set, &s, &more));
            if (!more)
                break;
            for (size_t i = 0; i < s.chunk_count; i++)
                CK_OK(framed ? block_writer_framed_chunk(w, &s.chunks[i])
                             : block_writer_chunk(w, &s.chunks[i]));
            CK_OK(block_writer_series(w, s.labels));
        }
        bool empty;
        CK_OK(block_writer_finish(w, &empty));
        snprintf(path, sizeof path, "%s/%s", dirs[framed], new_ulid);
        kit_read(&files[framed], path, "chunks/000001");
    }
    ck_assert(str_eq(buf_str(&files[0]), buf_str(&files[1])));
    buf_fini(&files[0]);
    buf_fini(&files[1]);
}
END_TEST

static const struct bad_chunk_case {
    const char *name;
    struct chunk_view chunks[2]; /* of one series */
    enum err_code want;
} bad_chunks[] = {
    {"before the block", {{9, 20, CHUNK_XOR, STR_INIT("\0\1x")}}, ERR_INVALID},
    {"at its end", {{10, 30, CHUNK_XOR, STR_INIT("\0\1x")}}, ERR_INVALID},
    {"without a count", {{10, 20, CHUNK_XOR, STR_INIT("\0")}}, ERR_CORRUPT},
    {"unknown encoding", {{10, 20, (enum chunk_encoding)9, STR_INIT("\0\1x")}}, ERR_UNIMPLEMENTED},
    {"overlap",
     {{10, 20, CHUNK_XOR, STR_INIT("\0\1x")}, {20, 21, CHUNK_XOR, STR_INIT("\0\1x")}},
     ERR_INVALID},
    {"ends before it starts", {{20, 10, CHUNK_XOR, STR_INIT("\0\1x")}}, ERR_INVALID},
};

START_TEST(test_bad_chunk)
{
    const struct bad_chunk_case *c = &bad_chunks[_i];
    struct block_writer_opts o = {
        .fs = fs_posix(), .dir = test_dir(), .mint_ms = 10, .maxt_ms = 30};
    AUTO(fs_list_fini) struct fs_list left = VEC_INIT;
    struct label label = {STR("a"), STR("b")};
    struct block_writer *w;
    CK_OK(block_writer_open(&o, &w));
    struct err e = OK;
    for (size_t i = 0; i < 2 && c->chunks[i].data.n > 0 && e.code == ERR_NONE; i++)
        e = block_writer_chunk(w, &c->chunks[i]);
    if (e.code == ERR_NONE)
        e = block_writer_series(w, (struct labels){&label, 1});
    ck_assert_msg(e.code == c->want, "%s: %s", c->name, err_text(&e));
    ck_assert(strstr(err_text(&e), "new block 0000") != NULL);
    err_drop(e);
    block_writer_close(w);
    CK_OK(fs_list_dir(fs_posix(), o.dir, &left));
    ROW_ASSERT(c->name, left.n == 0);
}
END_TEST

/* --- crashes ---------------------------------------------------------------------------------- */

/* True when the new block is there, and it is whole then. Besides it only unfinished names. */
static bool
new_block_is_there(const char *dir)
{
    bool there = false;
    AUTO(fs_list_fini) struct fs_list left = VEC_INIT;
    CK_OK(fs_list_dir(fs_posix(), dir, &left));
    vec_each (&left, entry) {
        char path[1000];
        snprintf(path, sizeof path, "%s/%s", dir, entry->name);
        if (strcmp(entry->name, new_ulid) != 0) {
            ck_assert_msg(strncmp(entry->name, new_ulid, 26) == 0 &&
                              strncmp(entry->name + 26, ".tmp-for-", 9) == 0,
                          "%s", entry->name);
        } else {
            there = true;
            AUTO(block_close) struct block *b = NULL;
            CK_OK(open_block(path, &b));
            CK_OK(block_check(b));
        }
        CK_OK(fs_remove_tree(fs_posix(), path));
    }
    return there;
}

static const struct crash_case {
    const char *name;
    enum fs_fault_mode mode;
    size_t torn_bytes;
    enum { PROCESS_ENDS, POWER_ENDS } end;
} crash_cases[] = {
    {"process dies", FS_FAULT_CRASH, 0, PROCESS_ENDS},
    {"process dies, torn", FS_FAULT_CRASH, 7, PROCESS_ENDS},
    {"power cut", FS_FAULT_CRASH, 0, POWER_ENDS},
    {"power cut, torn", FS_FAULT_CRASH, 7, POWER_ENDS},
    {"one failure", FS_FAULT_ONCE, 0, PROCESS_ENDS},
};

START_TEST(test_crash)
{
    const struct crash_case *c = &crash_cases[_i];
    AUTO(block_close) struct block *b = NULL;
    CK_OK(open_block(test_data("tsdb/block"), &b));
    const char *dir = test_dir();
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    struct block_writer_opts o = opts_of(b, fs, dir);
    o.segment_bytes = 2000; /* several files */
    for (uint64_t n = 1;; n++) {
        AUTO(arena_fini) struct arena a;
        arena_init(&a, 0);
        AUTO(series_set_close) struct series_set *set = select_from(&a, b, ".+");
        fs_fault_arm(fs, &(struct fs_fault_opts){
                             .fail_call = n, .mode = c->mode, .torn_bytes = c->torn_bytes});
        bool empty, fired;
        struct err e = block_write(&o, set, &empty);
        fired = fs_fault_fired(fs);
        if (c->end == POWER_ENDS)
            CK_OK(fs_fault_power_cut(fs));
        fs_fault_heal(fs);
        bool there = new_block_is_there(dir);
        ck_assert_msg(there || e.code != ERR_NONE, "%s, call %ju", c->name, (uintmax_t)n);
        if (c->mode == FS_FAULT_ONCE) /* who is told of a failure will write it again */
            ck_assert_msg(!there || e.code == ERR_NONE, "%s, call %ju", c->name, (uintmax_t)n);
        err_drop(e);
        if (!fired)
            break;
        ck_assert_uint_lt(n, 1000);
    }
}
END_TEST

Suite *
block_writer_suite(void)
{
    Suite *s = suite_create("block_writer");
    TCase *t = tcase_create("core");
    tcase_add_loop_test(t, test_round_trip, 0, ARRAY_LEN(segment_limits));
    tcase_add_test(t, test_empty);
    tcase_add_test(t, test_meta_of_a_head);
    tcase_add_test(t, test_meta_of_a_compaction);
    tcase_add_test(t, test_meta_of_a_copy);
    tcase_add_test(t, test_framed);
    tcase_add_loop_test(t, test_bad_chunk, 0, ARRAY_LEN(bad_chunks));
    tcase_add_loop_test(t, test_crash, 0, ARRAY_LEN(crash_cases));
    tcase_add_loop_test(t, test_same_bytes, 0, ARRAY_LEN(same_cases));
    suite_add_tcase(s, t);
    return s;
}
