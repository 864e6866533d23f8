/* Blocks that Prometheus wrote are read as its own tools read them; deletions are applied;
 * damage is told; several blocks give one answer. */
#include "tests/tsdb/block_kit.h"

#include <jansson.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "tests/tsdb/golden.h"
#include "tsdb/block/block.h"
#include "tsdb/block/segment.h"
#include "tsdb/merge.h"

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
select_all(struct arena *a, const struct block *b, int64_t mint_ms, int64_t maxt_ms,
           enum select_want want)
{
    struct matcher m = kit_matcher(a, MATCH_REGEX, "__name__", ".+");
    struct select_query q = {.mint_ms = mint_ms, .maxt_ms = maxt_ms, .want = want};
    struct series_set *set;
    CK_OK(block_select(b, &q, (struct matchers){&m, 1}, a, &set));
    return set;
}

/* All samples of the chunks that hold floats, one series behind the other. */
static size_t
read_all(struct series_set *set, struct sample_columns *to)
{
    size_t series = 0;
    struct series_view v;
    for (bool more;; series++) {
        CK_OK(series_set_next(set, &v, &more));
        if (!more)
            return series;
        for (size_t i = 0; i < v.chunk_count; i++) {
            if (v.chunks[i].encoding == CHUNK_XOR)
                CK_OK(chunk_decode_floats(&v.chunks[i], INT64_MIN, INT64_MAX, to));
        }
    }
}

/* Line for line what `promtool tsdb dump` says: {labels} value time. */
START_TEST(test_promtool_block)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(block_close) struct block *b = NULL;
    CK_OK(open_block(test_data("tsdb/block"), &b));
    CK_OK(block_check(b));
    AUTO(series_set_close) struct series_set *set =
        select_all(&a, b, INT64_MIN, INT64_MAX, SELECT_CHUNKS);
    AUTO(buf_fini) struct buf dump = BUF_INIT, labels = BUF_INIT;
    kit_read(&dump, test_data("tsdb"), "block-samples.txt");
    struct str rest = buf_str(&dump);
    struct series_view v;
    for (bool more;;) {
        CK_OK(series_set_next(set, &v, &more));
        if (!more)
            break;
        AUTO(sample_columns_fini) struct sample_columns s = SAMPLE_COLUMNS_INIT;
        for (size_t i = 0; i < v.chunk_count; i++)
            CK_OK(chunk_decode_floats(&v.chunks[i], INT64_MIN, INT64_MAX, &s));
        buf_clear(&labels);
        for (size_t i = 0; i < v.labels.n; i++)
            buf_printf(&labels, "%s%.*s=\"%.*s\"%s", i ? ", " : "{", STR_FMT(v.labels.v[i].name),
                       STR_FMT(v.labels.v[i].value), i + 1 == v.labels.n ? "} " : "");
        for (size_t i = 0; i < s.n; i++) {
            struct str line = str_split(&rest, '\n');
            ck_assert(str_starts_with(line, buf_str(&labels)));
            line = str_skip(line, labels.n);
            struct str value = str_split(&line, ' ');
            int64_t t_ms;
            CK_OK(str_parse_i64(line, &t_ms));
            ck_assert_int_eq(s.t_ms[i], t_ms);
            ck_assert(golden_value_is(arena_str(&a, value).p, s.bits[i]));
        }
    }
    ck_assert_uint_eq(rest.n, 0);
}
END_TEST

static const int64_t t0 = INT64_C(1704067200000);

static const struct range_case {
    const char *name;
    int64_t mint, maxt;
    size_t series;
} range_cases[] = {
    {"everything", INT64_MIN, INT64_MAX, 8}, {"before", 0, t0 - 1, 0},
    {"behind", t0 + 7200000, INT64_MAX, 0},  {"the last sample", t0 + 7000500, t0 + 7000500, 1},
    {"first sample", t0, t0, 6},
};

START_TEST(test_ranges)
{
    const struct range_case *c = &range_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(block_close) struct block *b = NULL;
    CK_OK(open_block(test_data("tsdb/block"), &b));
    for (int want = SELECT_CHUNKS; want <= SELECT_LABELS; want++) {
        AUTO(series_set_close) struct series_set *set =
            select_all(&a, b, c->mint, c->maxt, (enum select_want)want);
        AUTO(sample_columns_fini) struct sample_columns s = SAMPLE_COLUMNS_INIT;
        size_t series = read_all(set, &s);
        ck_assert_msg(series == c->series, "%s: %zu series", c->name, series);
        ROW_ASSERT(c->name, (s.n > 0) == (series > 0 && want == SELECT_CHUNKS));
    }
}
END_TEST

START_TEST(test_names_and_limits)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(block_close) struct block *b = NULL;
    CK_OK(open_block(test_data("tsdb/block"), &b));
    struct str_list list;
    struct matchers none = {NULL, 0};
    struct matcher m = kit_matcher(&a, MATCH_REGEX, "kind", "s.*");
    CK_OK(block_label_names(b, none, &a, &list));
    ck_assert_uint_eq(list.n, 2);
    CK_OK(block_label_names(b, (struct matchers){&m, 1}, &a, &list));
    ck_assert_uint_eq(list.n, 2);
    CK_OK(block_label_values(b, STR("kind"), none, &a, &list));
    ck_assert_uint_eq(list.n, 8);
    CK_OK(block_label_values(b, STR("kind"), (struct matchers){&m, 1}, &a, &list));
    ck_assert_uint_eq(list.n, 2);
    ck_assert(str_eq(list.v[1], STR("steps")));

    struct select_query q = {INT64_MIN, INT64_MAX, SELECT_LABELS, 1};
    AUTO(series_set_close) struct series_set *set = NULL;
    CK_OK(block_select(b, &q, (struct matchers){&m, 1}, &a, &set));
    struct series_view v;
    bool more;
    CK_OK(series_set_next(set, &v, &more));
    ck_assert(more);
    CK_ERR(ERR_LIMIT, series_set_next(set, &v, &more));
}
END_TEST

/* One deletion of the series kind="constant" (number 6): 300 samples, one each 15 s from t0. */
static const struct deletion_case {
    const char *name;
    int64_t from, to; /* in steps of 15 s */
    size_t gone;
} deletion_cases[] = {
    {"nothing there", -9, -1, 0},
    {"one sample", 5, 5, 1},
    {"across a chunk's end", 100, 139, 40},
    {"a whole chunk", 0, 119, 120},
    {"the whole series", -5, 400, 300},
};

START_TEST(test_deletions)
{
    const struct deletion_case *c = &deletion_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    const char *dir = test_dir();
    kit_copy_block(test_data("tsdb/block"), dir);
    AUTO(buf_fini) struct buf file = BUF_INIT, triple = BUF_INIT;
    buf_put_uvarint(&triple, 6);
    buf_put_varint(&triple, t0 + c->from * 15000);
    buf_put_varint(&triple, t0 + c->to * 15000);
    buf_put_be32(&file, 0x0130ba30);
    buf_put_u8(&file, 1);
    buf_append(&file, buf_str(&triple));
    buf_put_be32(&file, crc32c(buf_str(&triple)));
    kit_write(dir, "tombstones", buf_str(&file));

    AUTO(block_close) struct block *b = NULL;
    CK_OK(open_block(dir, &b));
    AUTO(sample_columns_fini) struct sample_columns s = SAMPLE_COLUMNS_INIT;
    AUTO(series_set_close) struct series_set *set =
        select_all(&a, b, INT64_MIN, INT64_MAX, SELECT_CHUNKS);
    size_t series = read_all(set, &s);
    ck_assert_msg(s.n == 1173 - c->gone, "%s: %zu samples", c->name, s.n);
    ROW_ASSERT(c->name, series == (c->gone == 300 ? 7 : 8));
    AUTO(series_set_close) struct series_set *labels =
        select_all(&a, b, INT64_MIN, INT64_MAX, SELECT_LABELS);
    ROW_ASSERT(c->name, read_all(labels, &s) == series);
}
END_TEST

/* One change each to a copy of the block. */
static const struct damage_case {
    const char *name, *file;
    int at; /* byte to change; -1: remove the file */
    enum err_code open, check;
} damage_cases[] = {
    {"none", "chunks/000001", 5, ERR_NONE, ERR_NONE}, /* padding of the header */
    {"no tombstones", "tombstones", -1, ERR_NONE, ERR_NONE},
    {"no index", "index", -1, ERR_NOT_FOUND, 0},
    {"no chunks", "chunks/000001", -1, ERR_NONE, ERR_CORRUPT},
    {"no meta", "meta.json", -1, ERR_NOT_FOUND, 0},
    {"meta", "meta.json", 0, ERR_CORRUPT, 0},
    {"index symbols", "index", 20, ERR_CORRUPT, 0},
    {"index series", "index", 0x62, ERR_NONE, ERR_CORRUPT},
    {"chunk magic", "chunks/000001", 0, ERR_CORRUPT, 0},
    {"chunk version", "chunks/000001", 4, ERR_UNIMPLEMENTED, 0},
    {"chunk data", "chunks/000001", 40, ERR_NONE, ERR_CORRUPT},
    {"tombstones magic", "tombstones", 0, ERR_CORRUPT, 0},
    {"tombstones checksum", "tombstones", 6, ERR_CORRUPT, 0},
};

START_TEST(test_damage)
{
    const struct damage_case *c = &damage_cases[_i];
    const char *dir = test_dir();
    kit_copy_block(test_data("tsdb/block"), dir);
    AUTO(buf_fini) struct buf bytes = BUF_INIT;
    kit_read(&bytes, dir, c->file);
    if (c->at >= 0) {
        bytes.p[c->at] ^= 0x55;
        kit_write(dir, c->file, buf_str(&bytes));
    } else {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", dir, c->file);
        CK_OK(fs_remove_file(fs_posix(), path));
    }
    AUTO(block_close) struct block *b = NULL;
    struct err e = open_block(dir, &b);
    ck_assert_msg(e.code == c->open, "%s: open: %s", c->name, err_text(&e));
    err_drop(e);
    if (c->open == ERR_NONE) {
        e = block_check(b);
        ck_assert_msg(e.code == c->check, "%s: check: %s", c->name, err_text(&e));
        err_drop(e);
    }
}
END_TEST

START_TEST(test_segment)
{
    AUTO(buf_fini) struct buf file = BUF_INIT;
    kit_read(&file, test_data("tsdb/block"), "chunks/000001");
    struct chunk_view c = {.mint_ms = 1, .maxt_ms = 2};
    uint64_t end = SEGMENT_HEADER_BYTES;
    CK_OK(segment_check_header(buf_str(&file)));
    int chunks = 0;
    for (; end < file.n; chunks++)
        CK_OK(segment_chunk(buf_str(&file), end, &c, &end));
    ck_assert_int_eq(chunks, 15);
    ck_assert(c.mint_ms == 1 && c.maxt_ms == 2 && c.encoding == CHUNK_XOR);
    CK_ERR(ERR_CORRUPT, segment_chunk(buf_str(&file), file.n, &c, &end));
    CK_ERR(ERR_CORRUPT, segment_chunk(buf_str(&file), 0, &c, &end));
    CK_ERR(ERR_CORRUPT, segment_chunk(buf_str(&file), 9, &c, &end));
    CK_ERR(ERR_CORRUPT, segment_chunk(buf_str(&file), UINT64_MAX, &c, &end));
    CK_ERR(ERR_CORRUPT, segment_chunk(str_of(file.p, 30), 8, &c, &end));
    for (size_t n = 0; n < SEGMENT_HEADER_BYTES; n++)
        CK_ERR(ERR_CORRUPT, segment_check_header(str_of(file.p, n)));
}
END_TEST

/* --- golden data ------------------------------------------------------------------------------ */

static const char *const golden_blocks[] = {
    "prometheus-3.14/kill9-checkpoint/01M831V9ZD0YSZNJHN12B5Z4QT",
    "prometheus-3.14/kill9-checkpoint/01M831V9ZRK170A5F4YEESGKAD",
    "prometheus-3.14/kill9-checkpoint/01M831V9Z39YAP2VN16VCP7CBK",
    "prometheus-3.14/kill9-checkpoint/01M831V9YSQH69Z36Z3RFZRBSG",
    "compact/in/01M831NGAA396J743WTRXGAZZ6",
    "compact/in/01M831NGAT38G8A1RCF6AYW5EH",
    "compact/in/01M831NGBAVTXPS6QWYDPQ1A91",
    "compact/in/01M831NGC1A89WDVAKWK46HKTB",
    "compact/in/01M831NGCR5NFT0G8PSZTTS6QA",
    "compact/in/01M831NGD8E9CC4Y3ADSYC7BGS",
    "compact/in/01M831NGDP0G6ERTY1TA9DF7D0",
    "compact/one-to-one-shifted/01M831NGEGY0W5MM7Q6BZKXQPP",
};

START_TEST(test_golden_blocks)
{
    const char *dir = golden_path(golden_blocks[_i]);
    if (!dir)
        return;
    AUTO(block_close) struct block *b = NULL;
    CK_OK(open_block(dir, &b));
    CK_OK(block_check(b));
}
END_TEST

/* What Thanos' compactor makes of several blocks is what a merge of their sets answers. */
static const struct merge_case {
    const char *listing;
    const char *blocks[3];
} merge_cases[] = {
    {"compact/horizontal.json", {"01M831NGAA396J743WTRXGAZZ6", "01M831NGAT38G8A1RCF6AYW5EH"}},
    {"compact/one-to-one-shifted.json",
     {"01M831NGAA396J743WTRXGAZZ6", "01M831NGBAVTXPS6QWYDPQ1A91"}},
    {"compact/one-to-one-copies.json",
     {"01M831NGCR5NFT0G8PSZTTS6QA", "01M831NGD8E9CC4Y3ADSYC7BGS", "01M831NGDP0G6ERTY1TA9DF7D0"}},
};

/* The float samples of one listed series against the ones got; returns how many. */
static size_t
check_listed(json_t *series, const struct series_view *got)
{
    AUTO(sample_columns_fini) struct sample_columns s = SAMPLE_COLUMNS_INIT;
    for (size_t i = 0; i < got->chunk_count; i++) {
        if (got->chunks[i].encoding != CHUNK_XOR)
            continue;
        size_t from = s.n;
        CK_OK(chunk_decode_floats(&got->chunks[i], INT64_MIN, INT64_MAX, &s));
        ck_assert(from == 0 || s.t_ms[from] > s.t_ms[from - 1]);
    }
    json_t *chunk, *value;
    size_t i, k, n = 0;
    json_array_foreach(json_object_get(series, "chunks"), i, chunk) {
        if (strcmp(json_string_value(json_object_get(chunk, "encoding")), "XOR") != 0)
            continue;
        json_t *times = json_object_get(chunk, "t");
        int64_t start = json_integer_value(json_object_get(chunk, "t_start"));
        int64_t step = json_integer_value(json_object_get(chunk, "t_step"));
        json_array_foreach(json_object_get(chunk, "v"), k, value) {
            int64_t t_ms = times ? json_integer_value(json_array_get(times, k))
                                 : start + (int64_t)k * step;
            ck_assert_uint_lt(n, s.n);
            ck_assert_int_eq(s.t_ms[n], t_ms);
            ck_assert(golden_value_is(json_string_value(value), s.bits[n]));
            n++;
        }
    }
    ck_assert_uint_eq(n, s.n);
    return n;
}

START_TEST(test_golden_merge)
{
    const struct merge_case *c = &merge_cases[_i];
    const char *path = golden_path(c->listing);
    if (!path)
        return;
    json_t *listing = json_load_file(path, 0, NULL), *series;
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct block *blocks[3] = {NULL, NULL, NULL};
    struct series_set *sets[3];
    size_t n = 0, i, samples = 0;
    for (; n < ARRAY_LEN(c->blocks) && c->blocks[n]; n++) {
        char name[100];
        snprintf(name, sizeof name, "compact/in/%s", c->blocks[n]);
        CK_OK(open_block(golden_path(name), &blocks[n]));
        sets[n] = select_all(&a, blocks[n], INT64_MIN, INT64_MAX, SELECT_CHUNKS);
    }
    struct series_set *merged = merge_series_sets(sets, n, 0);
    struct series_view v;
    bool more;
    json_array_foreach(json_object_get(listing, "series"), i, series) {
        CK_OK(series_set_next(merged, &v, &more));
        ck_assert(more);
        json_t *pair;
        size_t k;
        ck_assert_uint_eq(v.labels.n, json_array_size(json_object_get(series, "labels")));
        json_array_foreach(json_object_get(series, "labels"), k, pair) {
            struct str value = str_of_cstr(json_string_value(json_array_get(pair, 1)));
            ck_assert(str_eq(v.labels.v[k].value, value));
        }
        samples += check_listed(series, &v);
    }
    CK_OK(series_set_next(merged, &v, &more));
    ck_assert(!more);
    json_t *floats = json_object_get(json_object_get(listing, "stats"), "numFloatSamples");
    ck_assert_int_eq((json_int_t)samples, json_integer_value(floats));
    series_set_close(merged);
    for (i = 0; i < n; i++)
        block_close(blocks[i]);
    json_decref(listing);
}
END_TEST

Suite *
block_suite(void)
{
    Suite *s = suite_create("block");
    TCase *t = tcase_create("core");
    tcase_add_test(t, test_segment);
    tcase_add_test(t, test_promtool_block);
    tcase_add_loop_test(t, test_ranges, 0, ARRAY_LEN(range_cases));
    tcase_add_test(t, test_names_and_limits);
    tcase_add_loop_test(t, test_deletions, 0, ARRAY_LEN(deletion_cases));
    tcase_add_loop_test(t, test_damage, 0, ARRAY_LEN(damage_cases));
    tcase_add_loop_test(t, test_golden_blocks, 0, ARRAY_LEN(golden_blocks));
    tcase_add_loop_test(t, test_golden_merge, 0, ARRAY_LEN(merge_cases));
    suite_add_tcase(s, t);
    return s;
}
