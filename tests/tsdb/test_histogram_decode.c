/* Histogram chunks from outside: ranges of time, every cut, damage, and layouts that promise more
 * than there is. Chunks that are sound are in test_histogram_chunk.c. */
#include "tests/harness.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "tests/tsdb/histogram_kit.h"
#include "tsdb/chunk/histogram_chunk.h"
#include "tsdb/chunk/varbit.h"

enum { KINDS = 4, SAMPLES = 40 };

/* 40 samples of a kind, nothing but growth; free the bytes. */
static struct chunk_view
make_chunk(int i)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct kit_series s = kit_series_of((uint64_t)i, i % 2 ? HISTOGRAM_FLOAT : HISTOGRAM_INTEGER,
                                        i < 2 ? 3 : HISTOGRAM_SCHEMA_CUSTOM);
    s.calm = true;
    struct histogram h = kit_next(&s, &a);
    AUTO(histogram_appender_close)
    struct histogram_appender *x = histogram_appender_open(NULL, 1000, &h);
    for (int64_t t = 1; t < SAMPLES; t++) {
        h = kit_next(&s, &a);
        ck_assert_ptr_eq(histogram_append(x, 1000 + t * 15, &h), x);
    }
    struct chunk_view c = histogram_appender_seal(x);
    char *copy = mem_alloc(c.data.n);
    memcpy(copy, c.data.p, c.data.n);
    c.data.p = copy;
    return c;
}

static struct chunk_view
exact_part(const struct chunk_view *c, size_t n)
{
    struct chunk_view part = *c;
    char *copy = mem_alloc(n);
    memcpy(copy, c->data.p, n);
    part.data = str_of(copy, n);
    return part;
}

START_TEST(test_range)
{
    static const struct {
        const char *name;
        int64_t from, to; /* in intervals from the first sample */
        size_t want;
    } rows[] = {
        {"all", 0, 39, 40},        {"first", 0, 0, 1},         {"last", 39, 39, 1},
        {"middle", 10, 19, 10},    {"wider", -5, 200, 40},     {"none before", -10, -1, 0},
        {"none after", 40, 50, 0}, {"empty range", 20, 10, 0},
    };
    struct chunk_view c = make_chunk(_i);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(arena_fini) struct arena a;
        arena_init(&a, 0);
        AUTO(histogram_columns_fini) struct histogram_columns all = HISTOGRAM_COLUMNS_INIT;
        CK_OK(chunk_decode_histograms(&c, INT64_MIN, INT64_MAX, &a, &all));
        size_t n = all.n; /* what is there stays, and is not filtered */
        CK_OK(chunk_decode_histograms(&c, 1000 + 15 * rows[i].from, 1000 + 15 * rows[i].to, &a,
                                      &all));
        ROW_ASSERT(rows[i].name, n == SAMPLES && all.n == n + rows[i].want);
        for (size_t k = n; k < all.n; k++) {
            size_t same = (size_t)(rows[i].from > 0 ? rows[i].from : 0) + k - n;
            ROW_ASSERT(rows[i].name, all.t_ms[k] == all.t_ms[same] && all.start_ms[k] == 0);
            ROW_ASSERT(rows[i].name, histogram_equal(&all.values[k], &all.values[same]));
            ROW_ASSERT(rows[i].name, all.values[k].reset == all.values[same].reset);
        }
    }
    mem_free((void *)c.data.p);
}
END_TEST

START_TEST(test_cut)
{
    struct chunk_view c = make_chunk(_i);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(histogram_columns_fini) struct histogram_columns got = HISTOGRAM_COLUMNS_INIT;
    int64_t mint = 7, maxt = 7;
    for (size_t n = 0; n < c.data.n; n++) {
        struct chunk_view part = exact_part(&c, n);
        CK_ERR(ERR_CORRUPT, chunk_decode_histograms(&part, INT64_MIN, INT64_MAX, &a, &got));
        CK_ERR(ERR_CORRUPT, chunk_check(part.encoding, part.data, &mint, &maxt));
        struct histogram_appender *reopened = NULL;
        CK_ERR(ERR_CORRUPT, histogram_appender_reopen(&part, &reopened));
        ck_assert_ptr_null(reopened);
        mem_free((void *)part.data.p);
    }
    ck_assert(got.n == 0 && mint == 7 && maxt == 7);
    AUTO(buf_fini) struct buf longer = BUF_INIT;
    buf_append(&longer, c.data);
    buf_put_u8(&longer, 0);
    CK_OK(chunk_check(c.encoding, buf_str(&longer), &mint, &maxt)); /* an old writer's */
    ck_assert(mint == c.mint_ms && maxt == c.maxt_ms);
    longer.p[longer.n - 1] = 1;
    CK_ERR(ERR_CORRUPT, chunk_check(c.encoding, buf_str(&longer), &mint, &maxt));
    longer.p[longer.n - 1] = 0;
    buf_put_u8(&longer, 0);
    CK_ERR(ERR_CORRUPT, chunk_check(c.encoding, buf_str(&longer), &mint, &maxt));
    mem_free((void *)c.data.p);
}
END_TEST

/* Flipped bytes, read as each of the four encodings: any answer but a crash or a read outside;
 * checks and decodes agree, and what decodes can be opened or does not follow. */
START_TEST(test_damage)
{
    struct chunk_view c = make_chunk(_i);
    uint64_t seed = 99 + (uint64_t)_i;
    static const enum chunk_encoding encodings[] = {CHUNK_HISTOGRAM, CHUNK_FLOAT_HISTOGRAM,
                                                    CHUNK_HISTOGRAM_ST, CHUNK_FLOAT_HISTOGRAM_ST};
    for (int round = 0; round < 1000; round++) {
        AUTO(arena_fini) struct arena a;
        arena_init(&a, 0);
        AUTO(histogram_columns_fini) struct histogram_columns got = HISTOGRAM_COLUMNS_INIT;
        struct chunk_view bad = exact_part(&c, c.data.n);
        bad.encoding = encodings[round % 4];
        for (uint64_t flips = 1 + kit_random(&seed) % 4; flips > 0; flips--)
            ((char *)bad.data.p)[kit_random(&seed) % (round % 2 ? 16 : bad.data.n)] =
                (char)kit_random(&seed);
        struct err e = chunk_decode_histograms(&bad, INT64_MIN, INT64_MAX, &a, &got);
        ck_assert(e.code == ERR_NONE || e.code == ERR_CORRUPT);
        int64_t mint, maxt;
        struct err check = chunk_check(bad.encoding, bad.data, &mint, &maxt);
        if (check.code == ERR_NONE)
            ck_assert(e.code == ERR_NONE && got.t_ms[0] == mint && got.t_ms[got.n - 1] == maxt);
        AUTO(histogram_appender_close) struct histogram_appender *x = NULL;
        struct err reopened = histogram_appender_reopen(&bad, &x);
        ck_assert(reopened.code == ERR_NONE || reopened.code == ERR_CORRUPT);
        if (reopened.code == ERR_NONE)
            ck_assert(e.code == ERR_NONE && histogram_appender_count(x) == got.n);
        err_drop(e);
        err_drop(check);
        err_drop(reopened);
        mem_free((void *)bad.data.p);
    }
    mem_free((void *)c.data.p);
}
END_TEST

/* --- layouts ------------------------------------------------------------------------------ */

/* "u3 i-5 b8=255 x": unsigned and signed varbits, bits with a width; x stops before the end. */
static struct buf
write_bits(const char *text, size_t count)
{
    struct bit_out o = {.acc = 0};
    bit_out_put(&o, count << 8, 24);
    for (struct str rest = str_of_cstr(text); rest.n > 0;) {
        struct str word = str_split(&rest, ' ');
        char type = word.p[0];
        int64_t v = 0, width = 0;
        word = str_skip(word, 1);
        if (type == 'b')
            CK_OK(str_parse_i64(str_split(&word, '='), &width));
        CK_OK(str_parse_i64(word, &v));
        if (type == 'u')
            varbit_put_uint(&o, (uint64_t)v);
        else if (type == 'i')
            varbit_put_int(&o, v);
        else
            bit_out_put(&o, (uint64_t)v, (unsigned)width);
    }
    size_t n = bit_out_bytes(&o);
    bit_out_put(&o, 0, 64);
    o.bytes.n = n;
    return o.bytes;
}

/* Behind threshold 0: schema, spans, spans, [bounds]; then the first sample of an integer. */
#define SAMPLE " i1000 u1 u0 b64=0"
static const struct layout_case {
    const char *name, *bits;
    size_t count;
    enum err_code code;
} layout_cases[] = {
    {"nothing in it", "b8=0 i0 u0 u0" SAMPLE, 1, ERR_NONE},
    {"no samples, no layout", "", 0, ERR_NONE},
    {"two buckets", "b8=0 i0 u1 u2 i0 u0" SAMPLE " i1 i0", 1, ERR_NONE},
    {"a threshold of its own", "b8=255 b64=1 i0 u0 u0" SAMPLE, 1, ERR_NONE},
    {"schema 52", "b8=0 i52 u0 u0" SAMPLE, 1, ERR_NONE},
    {"schema -9", "b8=0 i-9 u0 u0" SAMPLE, 1, ERR_NONE},
    {"custom", "b8=0 i-53 u1 u2 i0 u0 u1 u1001" SAMPLE " i1 i0", 1, ERR_NONE},
    {"custom, a bound of 64 bits", "b8=0 i-53 u0 u0 u1 u0 b64=77" SAMPLE, 1, ERR_NONE},

    {"schema 53", "b8=0 i53 u0 u0" SAMPLE, 1, ERR_CORRUPT},
    {"schema -10", "b8=0 i-10 u0 u0" SAMPLE, 1, ERR_CORRUPT},
    {"schema of 64 bits", "b8=0 i4294967296 u0 u0" SAMPLE, 1, ERR_CORRUPT},
    {"spans without end", "b8=0 i0 u60000 u0" SAMPLE, 1, ERR_CORRUPT},
    {"too many spans", "b8=0 i0 u65537 u0" SAMPLE, 1, ERR_CORRUPT},
    {"spans of 64 bits", "b8=0 i0 u-1 u0" SAMPLE, 1, ERR_CORRUPT},
    {"a span too long", "b8=0 i0 u1 u65537 i0 u0" SAMPLE, 1, ERR_CORRUPT},
    {"a span of 64 bits", "b8=0 i0 u1 u-1 i0 u0" SAMPLE, 1, ERR_CORRUPT},
    {"an offset of 64 bits", "b8=0 i0 u1 u1 i4294967296 u0" SAMPLE " i0", 1, ERR_CORRUPT},
    {"spans that go back", "b8=0 i0 u2 u1 i0 u1 i-1 u0" SAMPLE " i1 i0", 1, ERR_CORRUPT},
    {"an index too far", "b8=0 i0 u1 u1 i1073741824 u0" SAMPLE " i1", 1, ERR_CORRUPT},
    {"buckets that are not there", "b8=0 i0 u1 u65536 i0 u0" SAMPLE, 1, ERR_CORRUPT},
    {"bounds that are not there", "b8=0 i-53 u0 u0 u60000" SAMPLE, 1, ERR_CORRUPT},
    {"too many bounds", "b8=0 i-53 u0 u0 u65537" SAMPLE, 1, ERR_CORRUPT},
    {"a bucket without a bound", "b8=0 i-53 u1 u3 i0 u0 u1 u1001" SAMPLE " i1 i0 i0", 1,
     ERR_CORRUPT},
    {"a custom bucket below 0", "b8=0 i-53 u1 u1 i-1 u0 u1 u1001" SAMPLE " i1", 1, ERR_CORRUPT},
    {"custom buckets below 0", "b8=0 i-53 u0 u1 u1 i0 u1 u1001" SAMPLE " i1", 1, ERR_CORRUPT},
    {"a count that bits cannot hold", "b8=0 i0 u0 u0" SAMPLE, 65535, ERR_CORRUPT},
};

START_TEST(test_layout)
{
    const struct layout_case *c = &layout_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(histogram_columns_fini) struct histogram_columns got = HISTOGRAM_COLUMNS_INIT;
    AUTO(buf_fini) struct buf bytes = write_bits(c->bits, c->count);
    struct chunk_view chunk = {0, 0, CHUNK_HISTOGRAM, buf_str(&bytes)};
    chunk = exact_part(&chunk, bytes.n);
    struct err e = chunk_decode_histograms(&chunk, INT64_MIN, INT64_MAX, &a, &got);
    ck_assert_msg(e.code == c->code, "%s: %s", c->name, err_text(&e));
    ROW_ASSERT(c->name, got.n == (e.code ? 0 : c->count));
    int64_t mint, maxt;
    struct err check = chunk_check(chunk.encoding, chunk.data, &mint, &maxt);
    ROW_ASSERT(c->name, check.code == (got.n ? ERR_NONE : ERR_CORRUPT));
    err_drop(e);
    err_drop(check);
    mem_free((void *)chunk.data.p);
}
END_TEST

/* Reserved schemas are read as 8; the budget of an arena is kept. */
START_TEST(test_reduced)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(histogram_columns_fini) struct histogram_columns got = HISTOGRAM_COLUMNS_INIT;
    AUTO(buf_fini)
    struct buf bytes = write_bits(
        "b8=0 i10 u1 u4 i1 u0 i1000 u10 u0 b64=0 i1 i1 i1 i1 i15 i0 i0 b1=0 i0 i0 i0 i0", 2);
    struct chunk_view c = {INT64_MIN, INT64_MAX, CHUNK_HISTOGRAM, buf_str(&bytes)};
    CK_OK(chunk_decode_histograms(&c, INT64_MIN, INT64_MAX, &a, &got));
    struct histogram want = kit_parse("i s=8 n=10 p=1:10", &a);
    ck_assert_uint_eq(got.n, 2);
    ck_assert(histogram_equal(&got.values[0], &want) && histogram_equal(&got.values[1], &want));

    struct chunk_view big = make_chunk(0);
    AUTO(arena_fini) struct arena small;
    arena_init(&small, 1000);
    CK_ERR(ERR_LIMIT, chunk_decode_histograms(&big, INT64_MIN, INT64_MAX, &small, &got));
    ck_assert_uint_eq(got.n, 2);
    mem_free((void *)big.data.p);
}
END_TEST

START_TEST(test_wrong_encodings)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(histogram_columns_fini) struct histogram_columns h = HISTOGRAM_COLUMNS_INIT;
    AUTO(sample_columns_fini) struct sample_columns f = SAMPLE_COLUMNS_INIT;
    static const struct {
        int encoding;
        enum err_code floats, histograms, check;
    } rows[] = {
        {0, ERR_CORRUPT, ERR_CORRUPT, ERR_CORRUPT},
        {1, ERR_NONE, ERR_UNIMPLEMENTED, ERR_CORRUPT},
        {2, ERR_UNIMPLEMENTED, ERR_NONE, ERR_CORRUPT},
        {3, ERR_UNIMPLEMENTED, ERR_NONE, ERR_CORRUPT},
        {4, ERR_NONE, ERR_UNIMPLEMENTED, ERR_CORRUPT},
        {5, ERR_UNIMPLEMENTED, ERR_NONE, ERR_CORRUPT},
        {6, ERR_UNIMPLEMENTED, ERR_NONE, ERR_CORRUPT},
        {7, ERR_UNIMPLEMENTED, ERR_UNIMPLEMENTED, ERR_UNIMPLEMENTED},
        {0x82, ERR_UNIMPLEMENTED, ERR_UNIMPLEMENTED, ERR_UNIMPLEMENTED},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t mint, maxt;
        struct chunk_view c = {1, 2, (enum chunk_encoding)rows[i].encoding, STR("\0\0\0")};
        CK_ERR(rows[i].floats, chunk_decode_floats(&c, INT64_MIN, INT64_MAX, &f));
        CK_ERR(rows[i].histograms, chunk_decode_histograms(&c, INT64_MIN, INT64_MAX, &a, &h));
        CK_ERR(rows[i].check, chunk_check(c.encoding, c.data, &mint, &maxt));
    }
}
END_TEST

Suite *
histogram_decode_suite(void)
{
    Suite *s = suite_create("histogram_decode");
    TCase *t = tcase_create("core");
    tcase_add_loop_test(t, test_range, 0, KINDS);
    tcase_add_loop_test(t, test_cut, 0, KINDS);
    tcase_add_loop_test(t, test_damage, 0, KINDS);
    tcase_add_loop_test(t, test_layout, 0, ARRAY_LEN(layout_cases));
    tcase_add_test(t, test_reduced);
    tcase_add_test(t, test_wrong_encodings);
    suite_add_tcase(s, t);
    return s;
}
