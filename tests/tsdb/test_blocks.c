/* A database finds its blocks, knows which count, and answers from them and its head at once. */
#include "tests/tsdb/head_kit.h"

#include <jansson.h>
#include <stdio.h>

#include "base/bytes.h"
#include "tests/tsdb/block_kit.h"
#include "tests/tsdb/golden.h"
#include "tsdb/index/match_cache.h"

/* The block's maxt, which is excluded: 7000.5 s behind its mint. */
static const int64_t mint = INT64_C(1704067200000), maxt = INT64_C(1704074200501);

enum { BLOCK_SAMPLES = 1173, BLOCK_SERIES = 8 };

#define ULID_A "01M84Q62B8G10XRWV5ZVN8NTTH"
#define ULID_B "01M84Q62B8G10XRWV5ZVN8NTTJ"

/* Puts the committed block into `dir` under this name; `more` goes into meta.json. */
static const char *
add_block(const char *dir, const char *ulid, const char *more)
{
    static char path[1000];
    char meta[1000];
    snprintf(path, sizeof path, "%s/%s", dir, ulid);
    kit_copy_block(test_data("tsdb/block"), path);
    snprintf(meta, sizeof meta,
             "{\"ulid\":\"%s\",\"minTime\":%jd,\"maxTime\":%jd,\"version\":1,\"compaction\":{%s}}",
             ulid, (intmax_t)mint, (intmax_t)maxt, more);
    kit_write(path, "meta.json", str_of_cstr(meta));
    return path;
}

static struct err
open_db(const char *dir, struct db **ret_db)
{
    struct db_opts opts = kit_opts(fs_posix(), dir);
    return db_open(&opts, ret_db);
}

struct counts {
    size_t series, samples;
};

static struct counts
count_all(struct db *db)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct matcher m = kit_matcher(&a, MATCH_REGEX, "__name__", ".+");
    struct select_query q = {INT64_MIN, INT64_MAX, SELECT_CHUNKS, 0};
    AUTO(series_set_close) struct series_set *set = NULL;
    CK_OK(db_select(db, &q, (struct matchers){&m, 1}, &a, &set));
    AUTO(sample_columns_fini) struct sample_columns s = SAMPLE_COLUMNS_INIT;
    struct counts n = {0, 0};
    struct series_view v;
    for (bool more;; n.series++) {
        CK_OK(series_set_next(set, &v, &more));
        if (!more)
            break;
        for (size_t i = 0; i < v.chunk_count; i++)
            CK_OK(chunk_decode_floats(&v.chunks[i], INT64_MIN, INT64_MAX, &s));
    }
    n.samples = s.n;
    return n;
}

static const struct find_case {
    const char *name, *more_a, *more_b; /* NULL: no such block */
    bool break_a, break_b, drop_meta_a;
    enum err_code want;
    size_t blocks;
} find_cases[] = {
    {"none", NULL, NULL, false, false, false, ERR_NONE, 0},
    {"one", "", NULL, false, false, false, ERR_NONE, 1},
    {"two with the same samples", "", "", false, false, false, ERR_NONE, 2},
    {"broken", "", NULL, true, false, false, ERR_CORRUPT, 0},
    {"one of two broken", "", "", true, false, false, ERR_CORRUPT, 0},
    {"meta is not there", "", "", false, false, true, ERR_NONE, 1},
    {"broken, meta is not there", "", "", true, false, true, ERR_NONE, 1},
    {"replaced", "", "\"parents\":[{\"ulid\":\"" ULID_A "\"}]", false, false, false, ERR_NONE, 1},
    {"broken and replaced", "", "\"parents\":[{\"ulid\":\"" ULID_A "\"}]", true, false, false,
     ERR_NONE, 1},
    {"replaced by a broken one", "", "\"parents\":[{\"ulid\":\"" ULID_A "\"}]", false, true, false,
     ERR_CORRUPT, 0},
    {"deletable", "\"deletable\":true", "", false, false, false, ERR_NONE, 1},
    {"broken and deletable", "\"deletable\":true", "", true, false, false, ERR_NONE, 1},
};

START_TEST(test_find)
{
    const struct find_case *c = &find_cases[_i];
    const char *dir = test_dir();
    if (c->more_a) {
        const char *a = add_block(dir, ULID_A, c->more_a);
        if (c->break_a)
            kit_write(a, "index", STR("no index"));
        if (c->drop_meta_a)
            kit_write(a, "meta.json", STR("{"));
    }
    if (c->more_b) {
        const char *b = add_block(dir, ULID_B, c->more_b);
        if (c->break_b)
            kit_write(b, "tombstones", STR("no tombstones"));
    }
    AUTO(db_close) struct db *db = NULL;
    struct err e = open_db(dir, &db);
    ck_assert_msg(e.code == c->want, "%s: %s", c->name, err_text(&e));
    err_drop(e);
    if (c->want != ERR_NONE)
        return;
    struct db_stats s;
    db_stats(db, &s);
    ROW_ASSERT(c->name, s.blocks == c->blocks);
    ROW_ASSERT(c->name, s.mint_ms == (c->blocks ? mint : INT64_MAX));
    ROW_ASSERT(c->name, s.maxt_ms == (c->blocks ? maxt - 1 : INT64_MIN));
    struct counts n = count_all(db);
    ROW_ASSERT(c->name, n.samples == (c->blocks ? BLOCK_SAMPLES : 0));
    ROW_ASSERT(c->name, n.series == (c->blocks ? BLOCK_SERIES : 0));
}
END_TEST

START_TEST(test_leftovers)
{
    const char *dir = test_dir();
    static const struct {
        const char *name;
        bool stays;
    } dirs[] = {{ULID_A ".tmp-for-creation", false}, {ULID_A ".tmp-for-deletion", false},
                {ULID_A ".tmp", false},              {"mine.tmp", true},
                {ULID_A ".other", true},             {"notes", true}};
    char path[1000];
    for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
        snprintf(path, sizeof path, "%s/%s/chunks", dir, dirs[i].name);
        CK_OK(fs_make_dirs(fs_posix(), path));
    }
    kit_write(dir, ULID_B, STR("a file is no block"));
    AUTO(db_close) struct db *db = NULL;
    CK_OK(open_db(dir, &db));
    for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
        snprintf(path, sizeof path, "%s/%s", dir, dirs[i].name);
        ROW_ASSERT(dirs[i].name, fs_exists(fs_posix(), path) == dirs[i].stays);
    }
}
END_TEST

/* Series of the block go on in the head; one answer has both. */
START_TEST(test_head_goes_on)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    const char *dir = test_dir();
    add_block(dir, ULID_A, "");
    for (int again = 0; again < 2; again++) {
        AUTO(db_close) struct db *db = NULL;
        CK_OK(open_db(dir, &db));
        if (!again) {
            kit_put(db, "__name__=a,kind=one", maxt, 4);
            kit_put(db, "__name__=b,other=x", maxt + 1, 5);
        }
        struct counts n = count_all(db);
        ck_assert_uint_eq(n.series, BLOCK_SERIES + 1);
        ck_assert_uint_eq(n.samples, BLOCK_SAMPLES + 2);
        char want[200];
        snprintf(want, sizeof want, "a{kind=\"one\"}: %jd=3 %jd=4; ", (intmax_t)mint,
                 (intmax_t)maxt);
        ck_assert_str_eq(kit_query(&a, db, MATCH_EQUAL, "kind", "one", INT64_MIN, INT64_MAX), want);
        snprintf(want, sizeof want, "a{kind=\"one\"}: %jd=4; ", (intmax_t)maxt);
        ck_assert_str_eq(kit_query(&a, db, MATCH_EQUAL, "kind", "one", maxt, INT64_MAX), want);

        struct str_list list;
        struct select_query q = {INT64_MIN, INT64_MAX, SELECT_LABELS, 0};
        CK_OK(db_label_names(db, &q, (struct matchers){NULL, 0}, &a, &list));
        ck_assert_uint_eq(list.n, 3);
        CK_OK(db_label_values(db, &q, STR("__name__"), (struct matchers){NULL, 0}, &a, &list));
        ck_assert_uint_eq(list.n, 2);
        struct matcher m = kit_matcher(&a, MATCH_REGEX, "kind", "one|two");
        CK_OK(db_label_values(db, &q, STR("kind"), (struct matchers){&m, 1}, &a, &list));
        ck_assert_uint_eq(list.n, 2);
        q.series_limit = BLOCK_SERIES; /* one fewer than there are in both */
        m = kit_matcher(&a, MATCH_REGEX, "__name__", ".+");
        AUTO(series_set_close) struct series_set *set = NULL;
        CK_OK(db_select(db, &q, (struct matchers){&m, 1}, &a, &set));
        struct series_view v;
        bool more;
        for (int i = 0; i < BLOCK_SERIES; i++)
            CK_OK(series_set_next(set, &v, &more));
        CK_ERR(ERR_LIMIT, series_set_next(set, &v, &more));
        CK_OK(db_finish(db));
    }
}
END_TEST

static enum sample_fate
fate_of(struct db *db, int64_t t_ms)
{
    struct kit_request k;
    kit_request_init(&k);
    kit_row(&k, "__name__=late");
    kit_sample(&k, t_ms, 1);
    struct append_result r;
    CK_OK(kit_append(&k, db, &r));
    kit_request_fini(&k);
    for (int fate = 0; fate < SAMPLE_FATE_COUNT; fate++) {
        if (r.fates[fate] > 0)
            return (enum sample_fate)fate;
    }
    ck_abort_msg("the sample met no fate");
}

/* Which blocks bound the head from below. */
static const struct bound_case {
    const char *name, *hints;
    int64_t t_ms;
    enum sample_fate want;
} bound_cases[] = {
    {"at the end of the block", "", 0, SAMPLE_STORED},
    {"before it", "", -1, SAMPLE_OUT_OF_BOUNDS},
    {"a late block", "\"hints\":[\"from-out-of-order\"]", -1, SAMPLE_STORED},
    {"a block of stale series", "\"hints\":[\"from-stale-series\"]", -1, SAMPLE_STORED},
    {"a block of selected series", "\"hints\":[\"from-selected-series\"]", -1, SAMPLE_STORED},
    {"another hint", "\"hints\":[\"from-the-moon\"]", -1, SAMPLE_OUT_OF_BOUNDS},
};

START_TEST(test_bounds)
{
    const struct bound_case *c = &bound_cases[_i];
    const char *dir = test_dir();
    add_block(dir, ULID_A, c->hints);
    AUTO(db_close) struct db *db = NULL;
    CK_OK(open_db(dir, &db));
    enum sample_fate got = fate_of(db, maxt + c->t_ms);
    ck_assert_msg(got == c->want, "%s: fate %d", c->name, (int)got);
}
END_TEST

/* The log repeats what a block has by now: replay leaves that out, in open and mapped chunks. */
START_TEST(test_replay_stops_at_blocks)
{
    const char *dir = test_dir();
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    enum { BEFORE = 700, STEP_MS = 1000 };
    {
        AUTO(db_close) struct db *db = NULL;
        CK_OK(open_db(dir, &db));
        for (int i = BEFORE; i > -3; i--) /* mapped chunks, then the last ones */
            kit_put(db, "__name__=x", maxt - i * STEP_MS, i);
        kit_put(db, "__name__=gone", maxt - 1, 1);
        CK_OK(db_maintain(db));
        CK_OK(db_finish(db));
    }
    add_block(dir, ULID_A, "");
    AUTO(db_close) struct db *db = NULL;
    CK_OK(open_db(dir, &db));
    const char *got = kit_query(&a, db, MATCH_EQUAL, "__name__", "x", maxt, INT64_MAX);
    char want[200];
    snprintf(want, sizeof want, "x: %jd=0 %jd=-1 %jd=-2; ", (intmax_t)maxt,
             (intmax_t)(maxt + STEP_MS), (intmax_t)(maxt + 2 * STEP_MS));
    ck_assert_str_eq(got, want);
    ck_assert_str_eq(kit_query(&a, db, MATCH_EQUAL, "__name__", "gone", INT64_MIN, INT64_MAX), "");
    struct db_stats s;
    db_stats(db, &s);
    ck_assert_int_eq(s.maxt_ms, maxt + 2 * STEP_MS);
}
END_TEST

/* --- a directory of real Prometheus, killed --------------------------------------------------- */

static void
copy_tree(const char *from, const char *to)
{
    AUTO(fs_list_fini) struct fs_list names = VEC_INIT;
    CK_OK(fs_make_dirs(fs_posix(), to));
    CK_OK(fs_list_dir(fs_posix(), from, &names));
    vec_each (&names, name) {
        char source[1000], target[1000];
        snprintf(source, sizeof source, "%s/%s", from, name->name);
        snprintf(target, sizeof target, "%s/%s", to, name->name);
        if (name->kind == FS_DIR) {
            copy_tree(source, target);
            continue;
        }
        AUTO(buf_fini) struct buf bytes = BUF_INIT;
        CK_OK(fs_read_file(fs_posix(), source, 256 << 20, &bytes));
        CK_OK(fs_write_file(fs_posix(), target, buf_str(&bytes)));
    }
}

/* The first out-of-order sample that is in no block: min_ooo_time of the golden file. */
static const int64_t late_ms = INT64_C(1717219783018);
/* The first deletion that is in the log only, where a head does not look for any yet. */
static const int64_t deleted_ms = INT64_C(1717226400000);

/* Every float sample of the blocks, none that is not there; out-of-order samples of the head may
 * be missing, for they are in a log of their own. */
static void
check_series(struct db *db, struct arena *a, json_t *want)
{
    VEC(struct matcher) m = VEC_INIT;
    json_t *pair, *sample;
    size_t i, at = 0;
    json_array_foreach(json_object_get(want, "labels"), i, pair)
        vec_push(&m, kit_matcher(a, MATCH_EQUAL, json_string_value(json_array_get(pair, 0)),
                                 json_string_value(json_array_get(pair, 1))));
    struct select_query q = {INT64_MIN, INT64_MAX, SELECT_CHUNKS, 0};
    AUTO(series_set_close) struct series_set *set = NULL;
    CK_OK(db_select(db, &q, (struct matchers){m.v, m.n}, a, &set));
    AUTO(sample_columns_fini) struct sample_columns s = SAMPLE_COLUMNS_INIT;
    struct series_view v;
    bool more;
    CK_OK(series_set_next(set, &v, &more));
    ck_assert(more);
    for (i = 0; i < v.chunk_count; i++)
        CK_OK(chunk_decode_floats(&v.chunks[i], INT64_MIN, INT64_MAX, &s));
    json_array_foreach(json_object_get(want, "samples"), i, sample) {
        int64_t t_ms = json_integer_value(json_array_get(sample, 0));
        for (; at < s.n && s.t_ms[at] < t_ms; at++)
            ck_assert_int_ge(s.t_ms[at], deleted_ms);
        if (at < s.n && s.t_ms[at] == t_ms)
            ck_assert(golden_value_is(json_string_value(json_array_get(sample, 1)), s.bits[at++]));
        else
            ck_assert_int_ge(t_ms, late_ms);
    }
    for (; at < s.n; at++)
        ck_assert_int_ge(s.t_ms[at], deleted_ms);
    vec_fini(&m);
}

START_TEST(test_golden_directory)
{
    const char *golden = golden_path("prometheus-3.14/kill9-checkpoint");
    if (!golden)
        return;
    const char *dir = test_dir();
    copy_tree(golden, dir);
    AUTO(db_close) struct db *db = NULL;
    CK_OK(open_db(dir, &db));
    struct db_stats stats;
    db_stats(db, &stats);
    ck_assert_uint_eq(stats.blocks, 4);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    json_t *root = json_load_file(golden_path("prometheus-3.14/kill9-checkpoint.expected.json"), 0,
                                  NULL);
    json_t *series;
    size_t i, floats = 0;
    json_array_foreach(json_object_get(root, "series"), i, series) {
        json_t *first = json_array_get(json_object_get(series, "samples"), 0);
        if (!json_is_string(json_array_get(first, 1)))
            continue; /* histograms */
        check_series(db, &a, series);
        floats++;
    }
    ck_assert_uint_eq(floats, 27);
    json_decref(root);
}
END_TEST

/* A cache in the options is that of every block, old or just cut. */
START_TEST(test_match_cache)
{
    AUTO(match_cache_close) struct match_cache *cache = match_cache_open(1 << 20);
    const char *dir = test_dir();
    add_block(dir, ULID_A, "");
    struct db_opts opts = kit_opts(fs_posix(), dir);
    opts.match_cache = cache;
    AUTO(db_close) struct db *db = NULL;
    CK_OK(db_open(&opts, &db));
    struct match_cache_stats s;
    for (uint64_t round = 0; round < 3; round++) {
        ck_assert_uint_eq(count_all(db).series, BLOCK_SERIES);
        match_cache_stats(cache, &s);
        ck_assert_uint_eq(s.hits, round);
        ck_assert_uint_eq(s.misses, 1);
    }
    kit_put(db, "__name__=new", maxt + 1, 1);
    bool empty = false;
    CK_OK(db_flush(db, &empty));
    ck_assert(empty);
    ck_assert_uint_eq(count_all(db).series, BLOCK_SERIES + 1);
    ck_assert_uint_eq(count_all(db).series, BLOCK_SERIES + 1);
    match_cache_stats(cache, &s);
    ck_assert_uint_eq(s.misses, 2);
    ck_assert_uint_eq(s.hits, 5);
}
END_TEST

Suite *
blocks_suite(void)
{
    Suite *s = suite_create("blocks");
    TCase *t = tcase_create("core");
    tcase_add_loop_test(t, test_find, 0, ARRAY_LEN(find_cases));
    tcase_add_test(t, test_leftovers);
    tcase_add_test(t, test_head_goes_on);
    tcase_add_loop_test(t, test_bounds, 0, ARRAY_LEN(bound_cases));
    tcase_add_test(t, test_replay_stops_at_blocks);
    tcase_add_test(t, test_golden_directory);
    tcase_add_test(t, test_match_cache);
    suite_add_tcase(s, t);
    return s;
}
