/* Histograms of both kinds and all schemas as records: what goes in comes out; what we cannot
 * use is told; broken records are refused before anything is allocated for them. */
#include "tests/harness.h"

#include "base/mem.h"
#include "tsdb/wal/record_histograms.h"

#define ONE 0x3ff0000000000000u
#define SPANS(v)                                                                                   \
    {                                                                                              \
        (v), ARRAY_LEN(v)                                                                          \
    }
static const struct histogram_span two_spans[] = {{-3, 2}, {INT32_MAX, UINT32_MAX}};
static const struct histogram_span one_span[] = {{INT32_MIN, 0}};
static const uint64_t words[] = {3, (uint64_t)-2, (uint64_t)INT64_MIN, INT64_MAX};
static const uint64_t floats[] = {ONE, STALE_NAN_BITS, UINT64_MAX};
static const struct histogram_sample samples[] = {
    {1000,
     {HISTOGRAM_INTEGER,
      HISTOGRAM_RESET_NO,
      3,
      7,
      8,
      UINT64_MAX,
      ONE,
      SPANS(two_spans),
      SPANS(one_span),
      SPANS(words),
      {words, 1},
      {NULL, 0}}},
    {-1000,
     {HISTOGRAM_FLOAT,
      HISTOGRAM_GAUGE,
      -4,
      7,
      ONE,
      UINT64_MAX,
      ONE,
      SPANS(one_span),
      SPANS(two_spans),
      {floats, 1},
      SPANS(floats),
      {NULL, 0}}},
    {INT64_MAX,
     {HISTOGRAM_INTEGER,
      HISTOGRAM_RESET_YES,
      HISTOGRAM_SCHEMA_CUSTOM,
      0,
      0,
      5,
      ONE,
      SPANS(one_span),
      {NULL, 0},
      SPANS(words),
      {NULL, 0},
      SPANS(floats)}},
    {INT64_MIN,
     {HISTOGRAM_FLOAT,
      HISTOGRAM_RESET_UNKNOWN,
      HISTOGRAM_SCHEMA_CUSTOM,
      0,
      0,
      5,
      STALE_NAN_BITS,
      SPANS(one_span),
      {NULL, 0},
      SPANS(floats),
      {NULL, 0},
      SPANS(floats)}},
    {5, {.kind = HISTOGRAM_INTEGER, .schema = HISTOGRAM_SCHEMA_RESERVED}},
    {5, {.kind = HISTOGRAM_FLOAT, .schema = -9, .sum = STALE_NAN_BITS}},
};

static bool
same_spans(struct histogram_spans a, struct histogram_spans b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.v, b.v, a.n * sizeof *a.v) == 0);
}

static bool
same_words(struct histogram_words a, struct histogram_words b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.v, b.v, a.n * sizeof *a.v) == 0);
}

static void
check_same(const struct histogram *a, const struct histogram *b)
{
    ck_assert_int_eq(a->kind, b->kind);
    ck_assert_int_eq(a->reset, b->reset);
    ck_assert_int_eq(a->schema, b->schema);
    ck_assert_uint_eq(a->zero_threshold, b->zero_threshold);
    ck_assert_uint_eq(a->zero_count, b->zero_count);
    ck_assert_uint_eq(a->count, b->count);
    ck_assert_uint_eq(a->sum, b->sum);
    ck_assert(same_spans(a->positive_spans, b->positive_spans));
    ck_assert(same_spans(a->negative_spans, b->negative_spans));
    ck_assert(same_words(a->positive, b->positive));
    ck_assert(same_words(a->negative, b->negative));
    ck_assert(same_words(a->custom_bounds, b->custom_bounds));
}

/* Each alone twice in a record of its type, whose bases are those of something else. */
START_TEST(test_round_trip)
{
    const struct histogram_sample *want = &samples[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(buf_fini) struct buf b = BUF_INIT;
    struct record_samples_writer w;
    enum record_type type = record_histogram_type(&want->value);
    record_begin_histograms(&w, &b, type, 77, -8);
    record_put_histogram(&w, 3, want);
    record_put_histogram(&w, UINT64_MAX, want);
    ck_assert_uint_eq(record_type_of(buf_str(&b)), type);
    struct record_cursor c;
    record_read_histograms(&c, buf_str(&b));
    uint64_t ref;
    struct histogram_sample s;
    enum record_histogram_use use;
    for (size_t i = 0; i < 2; i++) {
        ck_assert(record_next_histogram(&c, &a, &ref, &s, &use));
        ck_assert_uint_eq(ref, i ? UINT64_MAX : 3);
        ck_assert_int_eq(s.t_ms, want->t_ms);
        ck_assert_int_eq(c.start_ms, 0);
        ck_assert_int_eq(use, RECORD_HISTOGRAM_USABLE);
        check_same(&s.value, &want->value);
    }
    ck_assert(!record_next_histogram(&c, &a, &ref, &s, &use));
    CK_OK(record_cursor_check(&c));
}
END_TEST

/* Without an arena the same records are read over. */
START_TEST(test_without_arena)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    struct record_samples_writer w;
    record_begin_histograms(&w, &b, record_histogram_type(&samples[_i].value), 1, 1);
    record_put_histogram(&w, 3, &samples[_i]);
    struct record_cursor c;
    record_read_histograms(&c, buf_str(&b));
    uint64_t ref;
    struct histogram_sample s;
    enum record_histogram_use use;
    ck_assert(record_next_histogram(&c, NULL, &ref, &s, &use));
    ck_assert_uint_eq(s.value.sum, samples[_i].value.sum);
    ck_assert_uint_eq(s.value.positive.n + s.value.positive_spans.n, 0);
    ck_assert(!record_next_histogram(&c, NULL, &ref, &s, &use));
    CK_OK(record_cursor_check(&c));
}
END_TEST

/* As many as the limit are stored; one more and the sample is told to be too large, with the one
 * behind it still read. */
START_TEST(test_limit)
{
    size_t n = HISTOGRAM_BUCKETS_MAX + (size_t)_i;
    uint64_t *many = mem_array_zero(n, sizeof *many);
    struct histogram_sample large = samples[0];
    large.value.negative = (struct histogram_words){many, n};
    AUTO(buf_fini) struct buf b = BUF_INIT;
    struct record_samples_writer w;
    record_begin_histograms(&w, &b, RECORD_HISTOGRAMS, 1, 1);
    record_put_histogram(&w, 1, &large);
    record_put_histogram(&w, 2, &samples[0]);
    mem_free(many);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct record_cursor c;
    record_read_histograms(&c, buf_str(&b));
    uint64_t ref;
    struct histogram_sample s;
    enum record_histogram_use use;
    ck_assert(record_next_histogram(&c, &a, &ref, &s, &use));
    ck_assert_int_eq(use, _i ? RECORD_HISTOGRAM_TOO_LARGE : RECORD_HISTOGRAM_USABLE);
    ck_assert_uint_eq(s.value.negative.n, _i ? 0 : n);
    ck_assert_uint_eq(s.value.positive.n, _i ? 0 : ARRAY_LEN(words));
    ck_assert(record_next_histogram(&c, &a, &ref, &s, &use));
    ck_assert_int_eq(use, RECORD_HISTOGRAM_USABLE);
    check_same(&s.value, &samples[0].value);
    ck_assert(!record_next_histogram(&c, &a, &ref, &s, &use));
    CK_OK(record_cursor_check(&c));
}
END_TEST

#define BASES "\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\x03\xe8"
#define F64   "\x3f\xf0\0\0\0\0\0\0"
#define HEAD  "\x00\x00\x02\x06" F64 "\x01\x02" F64 /* schema 3 */
#define FHEAD "\x00\x00\x02\x06" F64 F64 F64 F64
#define LIES  "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
static const struct {
    const char *name;
    struct str record;
    enum err_code code;
    size_t items; /* before the end or the fault */
    enum record_histogram_use use;
    int32_t schema;
} cases[] = {
    {"nothing", STR_INIT("\x07"), ERR_NONE, 0, 0, 0},
    {"bases alone", STR_INIT("\x0a" BASES), ERR_NONE, 0, 0, 0},
    {"empty", STR_INIT("\x07" BASES HEAD "\0\0\0\0"), ERR_NONE, 1, 0, 3},
    {"empty float", STR_INIT("\x08" BASES FHEAD "\0\0\0\0"), ERR_NONE, 1, 0, 3},
    {"two", STR_INIT("\x07" BASES HEAD "\0\0\0\0" HEAD "\0\0\0\0"), ERR_NONE, 2, 0, 3},
    {"a span and a bucket", STR_INIT("\x07" BASES HEAD "\x01\x03\x01\0\x01\x05\0"), ERR_NONE, 1, 0,
     3},
    {"exponential among custom ones", STR_INIT("\x09" BASES HEAD "\0\0\0\0"), ERR_NONE, 1, 0, 3},
    {"unknown reset hint", STR_INIT("\x07" BASES "\x00\x00\x04\x06" F64 "\x01\x02" F64 "\0\0\0\0"),
     ERR_NONE, 1, 0, 3},
    {"highest reserved schema",
     STR_INIT("\x07" BASES "\x00\x00\x02\x68" F64 "\x01\x02" F64 "\0\0\0\0"), ERR_NONE, 1, 0, 52},
    {"unknown schema", STR_INIT("\x07" BASES "\x00\x00\x02\x6a" F64 "\x01\x02" F64 "\0\0\0\0"),
     ERR_NONE, 1, RECORD_HISTOGRAM_UNKNOWN_SCHEMA, 53},
    {"unknown low schema", STR_INIT("\x07" BASES "\x00\x00\x02\x13" F64 "\x01\x02" F64 "\0\0\0\0"),
     ERR_NONE, 1, RECORD_HISTOGRAM_UNKNOWN_SCHEMA, -10},
    {"with starts: bases alone", STR_INIT("\x0c\x0e\xd0\x0f\x00"), ERR_NONE, 0, 0, 0},
    {"with starts: two",
     STR_INIT("\x0c\x0e\xd0\x0f\x00\x02\x06" F64 "\x01\x02" F64 "\0\0\0\0"
              "\x00\x00\x01\x02\x06" F64 "\x01\x02" F64 "\0\0\0\0"),
     ERR_NONE, 2, 0, 3},
    {"with starts: float", STR_INIT("\x0d\x0e\xd0\x0f\x00\x02\x06" F64 F64 F64 F64 "\0\0\0\0"),
     ERR_NONE, 1, 0, 3},
    {"no type", STR_INIT(""), ERR_CORRUPT, 0, 0, 0},
    {"other type", STR_INIT("\x02" BASES), ERR_CORRUPT, 0, 0, 0},
    {"later type", STR_INIT("\x0e" BASES), ERR_CORRUPT, 0, 0, 0},
    {"half a base", STR_INIT("\x07\0\0\0\0\0\0\0\x07\0"), ERR_CORRUPT, 0, 0, 0},
    {"cut in the head", STR_INIT("\x07" BASES "\x00\x00\x02\x06\x3f"), ERR_CORRUPT, 0, 0, 0},
    {"no lists", STR_INIT("\x07" BASES HEAD), ERR_CORRUPT, 0, 0, 0},
    {"three lists", STR_INIT("\x07" BASES HEAD "\0\0\0"), ERR_CORRUPT, 0, 0, 0},
    {"custom without bounds",
     STR_INIT("\x09" BASES "\x00\x00\x02\x69" F64 "\x01\x02" F64 "\0\0\0\0"), ERR_CORRUPT, 0, 0, 0},
    {"too high a schema",
     STR_INIT("\x07" BASES "\x00\x00\x02\x80\x80\x80\x80\x20" F64 "\x01\x02" F64 "\0\0\0\0"),
     ERR_CORRUPT, 0, 0, 0},
    {"too high an offset", STR_INIT("\x07" BASES HEAD "\x01\x80\x80\x80\x80\x10\x01\0\x01\x05\0"),
     ERR_CORRUPT, 0, 0, 0},
    {"too high a length", STR_INIT("\x07" BASES HEAD "\x01\x03\x80\x80\x80\x80\x10\0\x01\x05\0"),
     ERR_CORRUPT, 0, 0, 0},
    {"more spans than bytes", STR_INIT("\x07" BASES HEAD "\x03\x01\x01\x01\x01\x01"), ERR_CORRUPT,
     0, 0, 0},
    {"more buckets than bytes", STR_INIT("\x07" BASES HEAD "\0\0\x02\x01"), ERR_CORRUPT, 0, 0, 0},
    {"more float buckets than bytes", STR_INIT("\x08" BASES FHEAD "\0\0\x02" F64 "\0\0\0"),
     ERR_CORRUPT, 0, 0, 0},
    {"lying spans", STR_INIT("\x07" BASES HEAD LIES "\0\0\0"), ERR_CORRUPT, 0, 0, 0},
    {"lying buckets", STR_INIT("\x07" BASES HEAD "\0\0\0" LIES), ERR_CORRUPT, 0, 0, 0},
    {"lying bounds",
     STR_INIT("\x09" BASES "\x00\x00\x02\x69" F64 "\x01\x02" F64 "\0\0\0\0" LIES F64), ERR_CORRUPT,
     0, 0, 0},
    {"rest behind one", STR_INIT("\x07" BASES HEAD "\0\0\0\0\0"), ERR_CORRUPT, 1, 0, 3},
};

START_TEST(test_bytes)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct record_cursor c;
    record_read_histograms(&c, cases[_i].record);
    uint64_t ref;
    struct histogram_sample s;
    enum record_histogram_use use;
    size_t items = 0;
    for (; record_next_histogram(&c, &a, &ref, &s, &use); items++) {
        ROW_ASSERT(cases[_i].name, ref == 7 && s.t_ms == 1000 && c.start_ms == 0);
        ROW_ASSERT(cases[_i].name, s.value.sum == ONE && s.value.zero_threshold == ONE);
        ROW_ASSERT(cases[_i].name, use == cases[_i].use && s.value.schema == cases[_i].schema);
    }
    CK_ERR(cases[_i].code, record_cursor_check(&c));
    ROW_ASSERT(cases[_i].name, items == cases[_i].items);
}
END_TEST

Suite *
record_histograms_suite(void)
{
    Suite *s = suite_create("record_histograms");
    TCase *t = tcase_create("record_histograms");
    tcase_add_loop_test(t, test_round_trip, 0, ARRAY_LEN(samples));
    tcase_add_loop_test(t, test_without_arena, 0, ARRAY_LEN(samples));
    tcase_add_loop_test(t, test_limit, 0, 2);
    tcase_add_loop_test(t, test_bytes, 0, ARRAY_LEN(cases));
    suite_add_tcase(s, t);
    return s;
}
