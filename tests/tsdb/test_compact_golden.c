/* What Prometheus' compactor (within Thanos' one-to-one) made of blocks, ours makes too: the same
 * series, chunks of the same borders and bytes, the same meta.json but for names and labels. */
#include "tests/tsdb/block_kit.h"

#include <stdio.h>

#include "tests/tsdb/golden.h"
#include "tsdb/block/block.h"
#include "tsdb/compact/compact.h"

enum { INPUTS_MAX = 3 };

static const struct golden_case {
    const char *name, *inputs[INPUTS_MAX], *want;
} golden_cases[] = {
    {"in a row",
     {"compact/in/01M831NGAA396J743WTRXGAZZ6", "compact/in/01M831NGAT38G8A1RCF6AYW5EH"},
     "compact/horizontal/01M831NGE23DNB22XXRCTHWMKF"},
    {"copies",
     {"compact/in/01M831NGCR5NFT0G8PSZTTS6QA", "compact/in/01M831NGD8E9CC4Y3ADSYC7BGS",
      "compact/in/01M831NGDP0G6ERTY1TA9DF7D0"},
     "compact/one-to-one-copies/01M831NGEZT5F5SGAVWAA382B3"},
    {"shifted",
     {"compact/in/01M831NGAA396J743WTRXGAZZ6", "compact/in/01M831NGBAVTXPS6QWYDPQ1A91"},
     "compact/one-to-one-shifted/01M831NGEGY0W5MM7Q6BZKXQPP"},
};

static void
open_block(const char *dir, struct block **ret_block)
{
    AUTO(block_meta_fini) struct block_meta meta = {.level = 0};
    CK_OK(block_meta_load(fs_posix(), dir, &meta));
    CK_OK(block_open(fs_posix(), dir, &meta, ret_block));
}

static struct series_set *
select_all(struct arena *a, const struct block *b)
{
    struct matcher m = kit_matcher(a, MATCH_REGEX, "__name__", ".*");
    struct select_query q = {INT64_MIN, INT64_MAX, SELECT_CHUNKS, 0};
    struct series_set *set;
    CK_OK(block_select(b, &q, (struct matchers){&m, 1}, a, &set));
    return set;
}

static void
assert_same_chunks(const char *name, size_t series, const struct series_view *got,
                   const struct series_view *want)
{
    ck_assert_msg(labels_eq(got->labels, want->labels), "%s: labels of series %zu", name, series);
    for (size_t i = 0; i < got->chunk_count && i < want->chunk_count; i++) {
        const struct chunk_view *x = &got->chunks[i], *y = &want->chunks[i];
        ck_assert_msg(x->mint_ms == y->mint_ms && x->maxt_ms == y->maxt_ms &&
                          x->encoding == y->encoding,
                      "%s: series %zu, chunk %zu: %jd to %jd, want %jd to %jd", name, series, i,
                      (intmax_t)x->mint_ms, (intmax_t)x->maxt_ms, (intmax_t)y->mint_ms,
                      (intmax_t)y->maxt_ms);
        ck_assert_msg(str_eq(x->data, y->data), "%s: series %zu, chunk %zu of encoding %d", name,
                      series, i, (int)x->encoding);
    }
    ck_assert_msg(got->chunk_count == want->chunk_count, "%s: series %zu has %zu chunks, want %zu",
                  name, series, got->chunk_count, want->chunk_count);
}

static void
assert_same_series(const char *name, const struct block *got, const struct block *want)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(series_set_close) struct series_set *x = select_all(&a, got), *y = select_all(&a, want);
    struct series_view v, w;
    size_t series = 0;
    for (bool more = true, too;; series++) {
        CK_OK(series_set_next(x, &v, &more));
        CK_OK(series_set_next(y, &w, &too));
        ck_assert(more == too);
        if (!more)
            break;
        assert_same_chunks(name, series, &v, &w);
    }
    ck_assert_uint_eq(series, block_meta_of(want)->series);
}

/* Both as text, with the names of the golden block: Thanos' part of it left out. */
static void
assert_same_meta(const char *name, const char *got_dir, const char *want_dir)
{
    AUTO(block_meta_fini) struct block_meta got = {.level = 0}, want = {.level = 0};
    AUTO(buf_fini) struct buf got_text = BUF_INIT, want_text = BUF_INIT;
    CK_OK(block_meta_load(fs_posix(), got_dir, &got));
    CK_OK(block_meta_load(fs_posix(), want_dir, &want));
    got.ulid = want.ulid;
    buf_clear(&want.unknown);
    want.line_end = false;
    block_meta_format(&got, &got_text);
    block_meta_format(&want, &want_text);
    ck_assert_msg(str_eq(buf_str(&got_text), buf_str(&want_text)), "%s: %s, want %s", name,
                  buf_cstr(&got_text), buf_cstr(&want_text));
}

static void
assert_same_file(const char *name, const char *file, const char *got_dir, const char *want_dir)
{
    AUTO(buf_fini) struct buf got = BUF_INIT, want = BUF_INIT;
    kit_read(&got, got_dir, file);
    kit_read(&want, want_dir, file);
    ck_assert_msg(str_eq(buf_str(&got), buf_str(&want)), "%s: %s differs, %zu bytes, want %zu",
                  name, file, got.n, want.n);
}

START_TEST(test_golden)
{
    const struct golden_case *c = &golden_cases[_i];
    struct block *blocks[INPUTS_MAX] = {NULL}, *got = NULL, *want = NULL;
    size_t n = 0;
    for (; n < INPUTS_MAX && c->inputs[n]; n++) {
        const char *dir = golden_path(c->inputs[n]);
        if (!dir)
            return;
        open_block(dir, &blocks[n]);
    }
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    const char *want_dir = arena_str(&a, str_of_cstr(golden_path(c->want))).p;
    struct compact_opts o = {.fs = fs_posix(), .dir = test_dir(), .ulid = {{0x80}}};
    const char *got_dir = arena_printf(&a, "%s/40000000000000000000000000", o.dir).p;
    bool empty;
    CK_OK(compact_blocks(&o, (const struct block *const *)blocks, n, &empty));
    open_block(got_dir, &got);
    open_block(want_dir, &want);
    CK_OK(block_check(got));
    assert_same_series(c->name, got, want);
    assert_same_meta(c->name, got_dir, want_dir);
    assert_same_file(c->name, "chunks/000001", got_dir, want_dir);
    assert_same_file(c->name, "index", got_dir, want_dir);
    block_close(got);
    block_close(want);
    for (size_t i = 0; i < n; i++)
        block_close(blocks[i]);
}
END_TEST

Suite *
compact_golden_suite(void)
{
    Suite *s = suite_create("compact_golden");
    TCase *t = tcase_create("core");
    tcase_add_loop_test(t, test_golden, 0, ARRAY_LEN(golden_cases));
    suite_add_tcase(s, t);
    return s;
}
