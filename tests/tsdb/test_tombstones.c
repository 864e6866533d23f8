/* Deletions of a block are joined and found by series; damaged files are refused. */
#include "tests/harness.h"

#include "base/bytes.h"
#include "base/crc32c.h"
#include "tests/tsdb/golden.h"
#include "tsdb/block/tombstones.h"

/* A file around triples; `bad` is added to the checksum. */
static void
frame(struct buf *to, struct str triples, uint32_t bad)
{
    buf_put_be32(to, TOMBSTONES_MAGIC);
    buf_put_u8(to, TOMBSTONES_VERSION);
    buf_append(to, triples);
    buf_put_be32(to, crc32c(triples) + bad);
}

static const struct tombstone_case {
    const char *name;
    struct str triples; /* uvarint id, varint mint, varint maxt */
    uint32_t bad;
    enum err_code want;
    size_t series, spans;
} tombstone_cases[] = {
    {"none", STR_INIT(""), 0, ERR_NONE, 0, 0},
    {"one", STR_INIT("\x05\x02\x04"), 0, ERR_NONE, 1, 1},
    {"a single time", STR_INIT("\x05\x02\x02"), 0, ERR_NONE, 1, 1},
    {"two series, not sorted", STR_INIT("\x06\x02\x04\x05\x02\x04"), 0, ERR_NONE, 2, 2},
    {"overlap", STR_INIT("\x05\x02\x06\x05\x04\x08"), 0, ERR_NONE, 1, 1},
    {"neighbours", STR_INIT("\x05\x06\x08\x05\x02\x04"), 0, ERR_NONE, 1, 1},
    {"apart", STR_INIT("\x05\x08\x08\x05\x02\x04"), 0, ERR_NONE, 1, 2},
    {"all of time", STR_INIT("\x05\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
                             "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\x05\x02\x04"),
     0, ERR_NONE, 1, 1},
    {"checksum", STR_INIT("\x05\x02\x04"), 1, ERR_CORRUPT, 0, 0},
    {"cut", STR_INIT("\x05\x02"), 0, ERR_CORRUPT, 0, 0},
    {"cut in the second", STR_INIT("\x05\x02\x04\x05"), 0, ERR_CORRUPT, 0, 0},
    {"ends before it starts", STR_INIT("\x05\x04\x02"), 0, ERR_CORRUPT, 0, 0},
    {"number too long", STR_INIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x04\x04"), 0,
     ERR_CORRUPT, 0, 0},
};

START_TEST(test_tombstones)
{
    const struct tombstone_case *c = &tombstone_cases[_i];
    AUTO(buf_fini) struct buf image = BUF_INIT;
    frame(&image, c->triples, c->bad);
    AUTO(tombstones_fini) struct tombstones t = TOMBSTONES_INIT;
    struct err e = tombstones_parse(buf_str(&image), &t);
    ck_assert_msg(e.code == c->want, "%s: %s", c->name, err_text(&e));
    err_drop(e);
    ROW_ASSERT(c->name, t.series.n == c->series && t.spans.n == c->spans);
    const struct interval *spans = NULL;
    ROW_ASSERT(c->name, (tombstones_of(&t, 5, &spans) > 0) == (c->series > 0));
    ROW_ASSERT(c->name, tombstones_of(&t, 4, &spans) == 0 && tombstones_of(&t, 7, &spans) == 0);
}
END_TEST

START_TEST(test_tombstone_frames)
{
    AUTO(buf_fini) struct buf image = BUF_INIT;
    frame(&image, STR("\x05\x02\x04"), 0);
    struct tombstones t = TOMBSTONES_INIT;
    for (size_t n = 0; n < image.n; n++)
        CK_ERR(ERR_CORRUPT, tombstones_parse(str_of(image.p, n), &t));
    image.p[4] = 2;
    CK_ERR(ERR_UNIMPLEMENTED, tombstones_parse(buf_str(&image), &t));
    image.p[4] = 1;
    image.p[0] = 7;
    CK_ERR(ERR_CORRUPT, tombstones_parse(buf_str(&image), &t));
}
END_TEST

static void
assert_same(const struct tombstones *x, const struct tombstones *y)
{
    ck_assert_uint_eq(x->series.n, y->series.n);
    ck_assert_uint_eq(x->spans.n, y->spans.n);
    for (size_t i = 0; i < x->series.n; i++) {
        ck_assert_uint_eq(x->series.v[i].id, y->series.v[i].id);
        ck_assert_uint_eq(x->series.v[i].count, y->series.v[i].count);
    }
    for (size_t i = 0; i < x->spans.n; i++) {
        ck_assert_int_eq(x->spans.v[i].mint_ms, y->spans.v[i].mint_ms);
        ck_assert_int_eq(x->spans.v[i].maxt_ms, y->spans.v[i].maxt_ms);
    }
}

/* Added in lots or one by one, in whatever order: the same; and written, the same when read. */
START_TEST(test_add)
{
    static const struct tombstone v[] = {
        {9, {1, 5}}, {3, {INT64_MIN, -7}}, {9, {7, 8}}, {3, {-5, INT64_MAX}}, {9, {6, 6}},
        {UINT64_MAX, {0, 0}}, {3, {-6, -6}}, {1, {4, 4}}, {1, {6, 6}}, {1, {1, 2}},
    };
    AUTO(tombstones_fini) struct tombstones all = TOMBSTONES_INIT, one_by_one = TOMBSTONES_INIT;
    AUTO(tombstones_fini) struct tombstones back = TOMBSTONES_INIT;
    AUTO(buf_fini) struct buf image = BUF_INIT;
    tombstones_add(&all, v, ARRAY_LEN(v));
    for (size_t i = ARRAY_LEN(v); i-- > 0;)
        tombstones_add(&one_by_one, &v[i], 1);
    assert_same(&all, &one_by_one);
    ck_assert_uint_eq(all.series.n, 4);
    ck_assert_uint_eq(all.spans.n, 6); /* 3: all of time; 9: 1 to 8 */
    tombstones_format(&all, &image);
    CK_OK(tombstones_parse(buf_str(&image), &back));
    assert_same(&all, &back);
}
END_TEST

START_TEST(test_write)
{
    AUTO(tombstones_fini) struct tombstones none = TOMBSTONES_INIT, some = TOMBSTONES_INIT;
    AUTO(tombstones_fini) struct tombstones back = TOMBSTONES_INIT;
    const char *dir = test_dir();
    CK_OK(tombstones_load(fs_posix(), dir, &back)); /* there is no file */
    assert_same(&back, &none);
    tombstones_add(&some, &(struct tombstone){5, {1, 2}}, 1);
    CK_OK(tombstones_write(fs_posix(), dir, &some));
    CK_OK(tombstones_load(fs_posix(), dir, &back));
    assert_same(&back, &some);
}
END_TEST

START_TEST(test_golden)
{
    const char *dir = golden_path("blocks/tombstones/01M8320MZ751W333Y3N2NX6NNB");
    if (!dir)
        return;
    AUTO(tombstones_fini) struct tombstones t = TOMBSTONES_INIT, back = TOMBSTONES_INIT;
    AUTO(buf_fini) struct buf image = BUF_INIT;
    CK_OK(tombstones_load(fs_posix(), dir, &t));
    ck_assert_uint_eq(t.spans.n, 8);
    tombstones_format(&t, &image);
    CK_OK(tombstones_parse(buf_str(&image), &back));
    assert_same(&t, &back);
}
END_TEST

Suite *
tombstones_suite(void)
{
    Suite *s = suite_create("tombstones");
    TCase *t = tcase_create("core");
    tcase_add_loop_test(t, test_tombstones, 0, ARRAY_LEN(tombstone_cases));
    tcase_add_test(t, test_tombstone_frames);
    tcase_add_test(t, test_add);
    tcase_add_test(t, test_write);
    tcase_add_test(t, test_golden);
    suite_add_tcase(s, t);
    return s;
}
