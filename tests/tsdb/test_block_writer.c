/* A written block reads back as what went in, passes the full check, and one without
 * series leaves nothing. */
#include "tests/tsdb/block_kit.h"

#include <stdio.h>

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

static struct err
rewrite(struct arena *a, const struct block *b, const char *pattern, const char *dir,
        uint64_t segment_bytes, bool *ret_empty)
{
    AUTO(series_set_close) struct series_set *set = select_from(a, b, pattern);
    const struct block_meta *m = block_meta_of(b);
    struct block_writer_opts o = {.fs = fs_posix(),
                                  .dir = dir,
                                  .mint_ms = m->mint_ms,
                                  .maxt_ms = m->maxt_ms,
                                  .segment_bytes = segment_bytes};
    CK_OK(ulid_parse(str_of_cstr(new_ulid), &o.ulid));
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

/* Written again, a block of Prometheus 3.14 has the same chunk file, byte for byte; its index
 * may have symbols that no series uses, which are not written again. */
static const char *const golden_blocks[] = {
    "prometheus-3.14/kill9-checkpoint/01M831V9ZD0YSZNJHN12B5Z4QT",
    "prometheus-3.14/kill9-checkpoint/01M831V9YSQH69Z36Z3RFZRBSG",
    "compact/in/01M831NGAA396J743WTRXGAZZ6",
    "compact/in/01M831NGDP0G6ERTY1TA9DF7D0",
};

START_TEST(test_same_bytes)
{
    static const char *const files[] = {"chunks/000001", "tombstones"};
    const char *golden = golden_path(golden_blocks[_i]);
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
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        kit_read(&want, golden, files[i]);
        kit_read(&got, path, files[i]);
        ck_assert_msg(str_eq(buf_str(&got), buf_str(&want)), "%s: %zu bytes, want %zu", files[i],
                      got.n, want.n);
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
    tcase_add_loop_test(t, test_same_bytes, 0, ARRAY_LEN(golden_blocks));
    suite_add_tcase(s, t);
    return s;
}
