/* Several blocks become one: nothing is lost, invented or changed, and what the new block says of
 * itself is true; damaged inputs are named and stay as they are. */
#include "tests/tsdb/compact_kit.h"

#include "tsdb/block/block_delete.h"
#include "tsdb/block/tombstones.h"
#include "tsdb/compact/compact.h"

enum { BLOCKS_MAX = 5, NEW_BLOCK = 99, RANGE_MS = KIT_ROW_RANGE_MS };

/* --- against a naive model -------------------------------------------------------------------- */

enum layout { IN_A_ROW, ANYHOW, COPIES };

struct story {
    struct rand_gen gen;
    const char *dir;
    struct block *blocks[BLOCKS_MAX];
    size_t n;
    struct kit_points want; /* in the order of blocks: the first of equal times stays */
};

static void
make_points(struct story *s, int64_t mint_ms, struct kit_points *to)
{
    for (size_t series = 0; series < KIT_SERIES; series++) {
        size_t count = rand_below(&s->gen, 3) == 0 ? 0 : rand_below(&s->gen, 400);
        for (size_t i = 0; i < count; i++) {
            int64_t t_ms = mint_ms + (int64_t)rand_below(&s->gen, RANGE_MS);
            vec_push(to, ((struct kit_point){series, t_ms, rand_below(&s->gen, 50) << 50}));
        }
    }
    vec_push(to, ((struct kit_point){0, mint_ms + 1, 1})); /* no block is empty */
    kit_sort_points(to);
}

/* Deletes some spans, and opens the block anew. */
static void
delete_some(struct story *s, uint8_t number, int64_t mint_ms)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    for (size_t left = rand_below(&s->gen, 4); left > 0; left--) {
        AUTO(block_close) struct block *b = NULL;
        kit_open_block(s->dir, number, &b);
        const char *series = arena_printf(&a, "%ju", (uintmax_t)rand_below(&s->gen, KIT_SERIES)).p;
        struct matcher m = kit_matcher(&a, MATCH_EQUAL, "s", series);
        int64_t from = mint_ms + (int64_t)rand_below(&s->gen, RANGE_MS);
        size_t found;
        CK_OK(block_delete_range(b, (struct matchers){&m, 1}, from,
                                 from + (int64_t)rand_below(&s->gen, RANGE_MS), &found));
    }
}

static void
add_block(struct story *s, int64_t mint_ms, const struct kit_points *points)
{
    uint8_t number = (uint8_t)s->n;
    kit_make_block(s->dir, number, mint_ms, mint_ms + RANGE_MS, points,
                   1 + rand_below(&s->gen, 150));
    if (rand_below(&s->gen, 2))
        delete_some(s, number, mint_ms);
    kit_open_block(s->dir, number, &s->blocks[s->n++]);
}

/* A stable merge by hand: samples of earlier blocks stand in front. */
static void
expect(struct story *s)
{
    for (size_t i = 0; i < s->n; i++) {
        struct kit_points p = VEC_INIT;
        kit_read_points(s->blocks[i], &p);
        size_t before = s->want.n;
        vec_each (&p, point) {
            bool known = false;
            for (size_t k = 0; k < before && !known; k++)
                known = s->want.v[k].series == point->series && s->want.v[k].t_ms == point->t_ms;
            if (!known)
                vec_push(&s->want, *point);
        }
        vec_fini(&p);
    }
    kit_sort_points(&s->want);
}

static void
make_blocks(struct story *s, enum layout layout)
{
    struct kit_points p = VEC_INIT;
    size_t count = 1 + rand_below(&s->gen, BLOCKS_MAX);
    for (size_t i = 0; i < count; i++) {
        int64_t mint_ms = layout == IN_A_ROW ? (int64_t)i * RANGE_MS - 2 * RANGE_MS
                          : layout == ANYHOW ? (int64_t)rand_below(&s->gen, 2 * RANGE_MS)
                                             : 0;
        if (layout != COPIES || i == 0) {
            vec_clear(&p);
            make_points(s, mint_ms, &p);
        }
        add_block(s, mint_ms, &p);
    }
    vec_fini(&p);
}

static void
check_meta(const struct story *s, const struct block_meta *m)
{
    ck_assert_uint_eq(m->level, 2);
    ck_assert_uint_eq(m->sources.n, s->n);
    ck_assert_uint_eq(m->parents.n, s->n);
    int64_t mint_ms = INT64_MAX, maxt_ms = INT64_MIN;
    for (size_t i = 0; i < s->n; i++) {
        const struct block_meta *of = block_meta_of(s->blocks[i]);
        ck_assert_int_eq(ulid_cmp(&m->sources.v[i], &of->ulid), 0);
        ck_assert_int_eq(ulid_cmp(&m->parents.v[i].ulid, &of->ulid), 0);
        ck_assert_int_eq(m->parents.v[i].mint_ms, of->mint_ms);
        ck_assert_int_eq(m->parents.v[i].maxt_ms, of->maxt_ms);
        mint_ms = i64_min(mint_ms, of->mint_ms);
        maxt_ms = i64_max(maxt_ms, of->maxt_ms);
    }
    ck_assert(m->mint_ms == mint_ms && m->maxt_ms == maxt_ms);
    ck_assert(m->deletions == 0 && !m->failed && !m->deletable && m->hints == 0);
    ck_assert_uint_eq(m->samples, s->want.n);
    ck_assert_uint_eq(m->float_samples, s->want.n);
}

static struct compact_opts
opts_of(struct fs *fs, const char *dir)
{
    return (struct compact_opts){.fs = fs, .dir = dir, .ulid = kit_ulid(NEW_BLOCK)};
}

static const struct block *const *
inputs(const struct story *s)
{
    return (const struct block *const *)s->blocks;
}

static void
story_fini(struct story *s)
{
    for (size_t i = 0; i < s->n; i++)
        block_close(s->blocks[i]);
    vec_fini(&s->want);
}

enum { STORIES = 20 };

START_TEST(test_stories)
{
    AUTO(buf_fini) struct buf name = BUF_INIT;
    struct story s = {.gen = rand_gen_of((uint64_t)_i), .dir = test_dir(), .want = VEC_INIT};
    make_blocks(&s, (enum layout)(_i % 3));
    expect(&s);
    buf_printf(&name, "story %d, %zu blocks", _i, s.n);
    struct compact_opts o = opts_of(fs_posix(), s.dir);
    o.segment_bytes = 1 + rand_below(&s.gen, 20000);
    bool empty = true;
    CK_OK(compact_blocks(&o, inputs(&s), s.n, &empty));
    ck_assert(empty == (s.want.n == 0));
    ck_assert(empty != kit_has_block(s.dir, NEW_BLOCK));
    if (!empty) {
        AUTO(block_close) struct block *b = NULL;
        struct kit_points got = VEC_INIT;
        kit_open_block(s.dir, NEW_BLOCK, &b);
        CK_OK(block_check(b));
        kit_read_points(b, &got);
        kit_assert_same_points(buf_cstr(&name), &got, &s.want);
        check_meta(&s, block_meta_of(b));
        vec_fini(&got);
    }
    story_fini(&s);
}
END_TEST

/* --- what a block is made of ------------------------------------------------------------------ */

static void
make_row(struct story *s, size_t n)
{
    *s = (struct story){.gen = rand_gen_of(1), .dir = test_dir(), .n = n, .want = VEC_INIT};
    kit_make_row(s->dir, n, s->blocks);
}

/* What tests vary: a meta.json of another past, opened instead of the block's own. */
static void
replace_meta(struct story *s, size_t i, uint32_t level, unsigned hints, uint8_t extra_source)
{
    struct block_parts parts = block_parts_of(s->blocks[i]);
    AUTO(block_meta_fini) struct block_meta m = {.level = 0};
    CK_OK(block_meta_load(parts.fs, parts.dir, &m));
    m.level = level;
    m.hints = hints;
    vec_push(&m.sources, kit_ulid(extra_source));
    CK_OK(block_meta_write(parts.fs, parts.dir, &m));
    block_close(s->blocks[i]);
    kit_open_block(s->dir, (uint8_t)i, &s->blocks[i]);
}

enum {
    OOO = BLOCK_FROM_OUT_OF_ORDER,
    STALE = BLOCK_FROM_STALE_SERIES,
    SELECTED = BLOCK_FROM_SELECTED_SERIES,
};
static const struct past_case {
    const char *name;
    uint32_t levels[2];
    unsigned hints[2];
    uint8_t extra_sources[2];
    uint32_t level;
    unsigned hints_want;
    size_t sources;
} past_cases[] = {
    {"two of a head", {1, 1}, {0, 0}, {0, 1}, 2, 0, 2},
    {"of different levels", {4, 2}, {0, 0}, {0, 1}, 5, 0, 2},
    {"sources of before", {2, 2}, {0, 0}, {50, 40}, 3, 0, 4},
    {"a source in both", {2, 2}, {0, 0}, {40, 40}, 3, 0, 3},
    {"both out of order", {1, 1}, {OOO, OOO}, {0, 1}, 2, OOO, 2},
    {"one out of order", {1, 1}, {OOO, 0}, {0, 1}, 2, 0, 2},
    {"one stale", {1, 1}, {0, STALE}, {0, 1}, 2, STALE, 2},
    {"one selected, both out of order",
     {1, 1}, {SELECTED | OOO, OOO}, {0, 1}, 2, SELECTED | OOO, 2},
    {"the highest level", {BLOCK_LEVEL_MAX, 1}, {0, 0}, {0, 1}, BLOCK_LEVEL_MAX, 0, 2},
};

START_TEST(test_past)
{
    const struct past_case *c = &past_cases[_i];
    struct story s;
    make_row(&s, 2);
    for (size_t i = 0; i < 2; i++)
        replace_meta(&s, i, c->levels[i], c->hints[i], c->extra_sources[i]);
    struct compact_opts o = opts_of(fs_posix(), s.dir);
    bool empty;
    CK_OK(compact_blocks(&o, inputs(&s), s.n, &empty));
    AUTO(block_close) struct block *b = NULL;
    kit_open_block(s.dir, NEW_BLOCK, &b);
    const struct block_meta *m = block_meta_of(b);
    ROW_ASSERT(c->name, m->level == c->level && m->hints == c->hints_want);
    ROW_ASSERT(c->name, m->sources.n == c->sources);
    for (size_t i = 1; i < m->sources.n; i++)
        ROW_ASSERT(c->name, ulid_cmp(&m->sources.v[i - 1], &m->sources.v[i]) < 0);
    story_fini(&s);
}
END_TEST

/* --- deletions -------------------------------------------------------------------------------- */

static void
delete_all(struct story *s, size_t i, int64_t mint_ms, int64_t maxt_ms)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct matcher m = kit_matcher(&a, MATCH_EQUAL, "__name__", "m");
    size_t series;
    CK_OK(block_delete_range(s->blocks[i], (struct matchers){&m, 1}, mint_ms, maxt_ms, &series));
    ck_assert_uint_eq(series, KIT_SERIES);
    block_close(s->blocks[i]);
    kit_open_block(s->dir, (uint8_t)i, &s->blocks[i]);
}

START_TEST(test_all_deleted)
{
    struct story s;
    make_row(&s, 2);
    struct compact_opts o = opts_of(fs_posix(), s.dir);
    delete_all(&s, 0, INT64_MIN, INT64_MAX);
    delete_all(&s, 1, INT64_MIN, INT64_MAX);
    bool empty = false;
    CK_OK(compact_blocks(&o, inputs(&s), 2, &empty));
    ck_assert(empty && !kit_has_block(s.dir, NEW_BLOCK));
    CK_OK(compact_mark(inputs(&s), 2, BLOCK_MARK_DELETABLE));
    for (uint8_t i = 0; i < 2; i++) {
        AUTO(block_close) struct block *b = NULL;
        kit_open_block(s.dir, i, &b);
        ck_assert(block_meta_of(b)->deletable && !block_meta_of(b)->failed);
    }
    story_fini(&s);
}
END_TEST

START_TEST(test_clean)
{
    struct story s;
    make_row(&s, 1);
    delete_all(&s, 0, 100, 500);
    replace_meta(&s, 0, 3, OOO, 40);
    expect(&s);
    struct compact_opts o = opts_of(fs_posix(), s.dir);
    bool empty;
    CK_OK(compact_clean(&o, s.blocks[0], &empty));
    AUTO(block_close) struct block *b = NULL;
    struct kit_points got = VEC_INIT;
    kit_open_block(s.dir, NEW_BLOCK, &b);
    CK_OK(block_check(b));
    kit_read_points(b, &got);
    kit_assert_same_points("clean", &got, &s.want);
    const struct block_meta *m = block_meta_of(b);
    ck_assert(m->level == 1 && m->deletions == 0 && m->hints == OOO);
    ck_assert(m->sources.n == 1 && ulid_cmp(&m->sources.v[0], &m->ulid) == 0);
    ck_assert_uint_eq(m->parents.n, 1);
    ck_assert_int_eq(ulid_cmp(&m->parents.v[0].ulid, &block_meta_of(s.blocks[0])->ulid), 0);
    vec_fini(&got);
    story_fini(&s);
}
END_TEST

/* Old programs left chunks that reach beyond their block: what lies outside of the new block is
 * not copied, as Prometheus does not. */
START_TEST(test_outside)
{
    struct story s;
    make_row(&s, 2);
    for (size_t i = 0; i < 2; i++) {
        struct block_parts parts = block_parts_of(s.blocks[i]);
        AUTO(block_meta_fini) struct block_meta m = {.level = 0};
        CK_OK(block_meta_load(parts.fs, parts.dir, &m));
        m.mint_ms += 130 * (i == 0);
        m.maxt_ms -= 350;
        CK_OK(block_meta_write(parts.fs, parts.dir, &m));
        block_close(s.blocks[i]);
        kit_open_block(s.dir, (uint8_t)i, &s.blocks[i]);
        struct kit_points p = VEC_INIT;
        kit_read_points(s.blocks[i], &p);
        vec_each (&p, point) {
            if (point->t_ms >= 130 && point->t_ms < 2 * RANGE_MS - 350)
                vec_push(&s.want, *point);
        }
        vec_fini(&p);
    }
    kit_sort_points(&s.want);
    struct compact_opts o = opts_of(fs_posix(), s.dir);
    bool empty;
    CK_OK(compact_blocks(&o, inputs(&s), 2, &empty));
    AUTO(block_close) struct block *b = NULL;
    struct kit_points got = VEC_INIT;
    kit_open_block(s.dir, NEW_BLOCK, &b);
    CK_OK(block_check(b));
    kit_read_points(b, &got);
    kit_assert_same_points("outside", &got, &s.want);
    vec_fini(&got);
    story_fini(&s);
}
END_TEST

Suite *
compact_suite(void)
{
    Suite *s = suite_create("compact");
    TCase *t = tcase_create("core");
    tcase_add_loop_test(t, test_stories, 0, STORIES);
    tcase_add_loop_test(t, test_past, 0, ARRAY_LEN(past_cases));
    tcase_add_test(t, test_all_deleted);
    tcase_add_test(t, test_clean);
    tcase_add_test(t, test_outside);
    suite_add_tcase(s, t);
    return s;
}
