/* Records of all kinds that we write decode to what went in, those of the format's examples
 * decode, and broken ones are refused. */
#include "tests/harness.h"

#include "base/mem.h"
#include "tsdb/wal/record.h"

START_TEST(test_series_round_trip)
{
    static const struct label two[] = {{STR_INIT("__name__"), STR_INIT("up")},
                                       {STR_INIT("job"), STR_INIT("\xc3\xa9")}};
    const struct labels sets[] = {{two, 2}, {two, 1}, {NULL, 0}};
    const uint64_t refs[] = {1, UINT64_MAX, 0};
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(buf_fini) struct buf b = BUF_INIT;
    record_begin_series(&b);
    for (size_t i = 0; i < 3; i++)
        record_put_series(&b, refs[i], sets[i]);
    ck_assert_uint_eq(record_type_of(buf_str(&b)), RECORD_SERIES);
    struct record_cursor c;
    record_read_series(&c, buf_str(&b));
    uint64_t ref;
    struct labels l;
    for (size_t i = 0; i < 3; i++) {
        ck_assert(record_next_series(&c, &a, &ref, &l));
        ck_assert_uint_eq(ref, refs[i]);
        ck_assert(labels_eq(l, sets[i]));
    }
    ck_assert(!record_next_series(&c, &a, &ref, &l));
    CK_OK(record_cursor_check(&c));
}
END_TEST

START_TEST(test_samples_round_trip)
{
    static const struct {
        uint64_t ref;
        struct sample s;
    } rows[] = {
        {5, {1000, 1}},           {6, {1000, STALE_NAN_BITS}},
        {4, {-1000, UINT64_MAX}}, {UINT64_MAX, {INT64_MAX, 0}},
        {0, {INT64_MIN, 2}},      {5, {1015, 3}},
    };
    AUTO(buf_fini) struct buf b = BUF_INIT;
    struct record_samples_writer w;
    record_begin_samples(&w, &b, rows[0].ref, rows[0].s.t_ms, ARRAY_LEN(rows));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        record_put_sample(&w, rows[i].ref, rows[i].s.t_ms, rows[i].s.bits);
    ck_assert_uint_le(b.n, b.cap);
    struct record_cursor c;
    record_read_samples(&c, buf_str(&b));
    uint64_t ref;
    struct sample s;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ck_assert(record_next_sample(&c, &ref, &s));
        ck_assert_uint_eq(ref, rows[i].ref);
        ck_assert_int_eq(s.t_ms, rows[i].s.t_ms);
        ck_assert_uint_eq(s.bits, rows[i].s.bits);
    }
    ck_assert(!record_next_sample(&c, &ref, &s));
    CK_OK(record_cursor_check(&c));
}
END_TEST

START_TEST(test_tombstones_round_trip)
{
    static const struct {
        uint64_t ref;
        struct interval deleted;
    } rows[] = {
        {1, {-5, 5}}, {UINT64_MAX, {INT64_MIN, INT64_MAX}}, {1, {1717215600000, 1717216200000}}};
    AUTO(buf_fini) struct buf b = BUF_INIT;
    record_begin_tombstones(&b);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        record_put_tombstone(&b, rows[i].ref, rows[i].deleted);
    struct record_cursor c;
    record_read_tombstones(&c, buf_str(&b));
    uint64_t ref;
    int64_t mint, maxt;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ck_assert(record_next_tombstone(&c, &ref, &mint, &maxt));
        ck_assert_uint_eq(ref, rows[i].ref);
        ck_assert_int_eq(mint, rows[i].deleted.mint_ms);
        ck_assert_int_eq(maxt, rows[i].deleted.maxt_ms);
    }
    ck_assert(!record_next_tombstone(&c, &ref, &mint, &maxt));
    CK_OK(record_cursor_check(&c));
}
END_TEST

START_TEST(test_mmap_markers_round_trip)
{
    static const uint64_t rows[][2] = {{1, 0}, {UINT64_MAX, 1}, {7, UINT64_C(1) << 32 | 8}};
    AUTO(buf_fini) struct buf b = BUF_INIT;
    record_begin_mmap_markers(&b);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        record_put_mmap_marker(&b, rows[i][0], rows[i][1]);
    ck_assert_uint_eq(b.n, 1 + 16 * ARRAY_LEN(rows));
    struct record_cursor c;
    record_read_mmap_markers(&c, buf_str(&b));
    uint64_t ref, chunk_ref;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ck_assert(record_next_mmap_marker(&c, &ref, &chunk_ref));
        ck_assert_uint_eq(ref, rows[i][0]);
        ck_assert_uint_eq(chunk_ref, rows[i][1]);
    }
    ck_assert(!record_next_mmap_marker(&c, &ref, &chunk_ref));
    CK_OK(record_cursor_check(&c));
}
END_TEST

/* References follow the sample before, times the first one; starts come in three ways. */
START_TEST(test_samples_with_starts)
{
    static const struct {
        uint64_t ref;
        int64_t t_ms, start_ms;
    } rows[] = {{3, 100, 90}, {5, 101, 90}, {4, 102, 0}, {4, 99, 0}, {4, 103, 80}, {4, 104, 80}};
    struct str record = STR("\x0b\x06\xc8\x01\xb4\x01\x3f\xf0\0\0\0\0\0\0"
                            "\x04\x02\x01\x3f\xf0\0\0\0\0\0\0"
                            "\x01\x04\x00\x3f\xf0\0\0\0\0\0\0"
                            "\x00\x01\x01\x3f\xf0\0\0\0\0\0\0"
                            "\x00\x06\x02\x13\x3f\xf0\0\0\0\0\0\0"
                            "\x00\x08\x01\x3f\xf0\0\0\0\0\0\0");
    struct record_cursor c;
    record_read_samples(&c, record);
    uint64_t ref;
    struct sample s;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ck_assert(record_next_sample(&c, &ref, &s));
        ck_assert_uint_eq(ref, rows[i].ref);
        ck_assert_int_eq(s.t_ms, rows[i].t_ms);
        ck_assert_int_eq(c.start_ms, rows[i].start_ms);
        ck_assert_uint_eq(s.bits, bits_of_f64(1));
    }
    ck_assert(!record_next_sample(&c, &ref, &s));
    CK_OK(record_cursor_check(&c));
}
END_TEST

#define REF   "\0\0\0\0\0\0\0\x07"
#define TIME  "\0\0\0\0\0\0\x03\xe8"
#define VALUE "\x3f\xf0\0\0\0\0\0\0"
static const struct record_case {
    const char *name;
    struct str record;
    enum err_code code;
    size_t items; /* before the end or the fault */
} series_cases[] = {
    {"nothing", STR_INIT("\x01"), ERR_NONE, 0},
    {"no labels", STR_INIT("\x01" REF "\x00"), ERR_NONE, 1},
    {"one label",
     STR_INIT("\x01" REF "\x01\x01"
              "a\x01"
              "1"),
     ERR_NONE, 1},
    {"two series", STR_INIT("\x01" REF "\x00" REF "\x00"), ERR_NONE, 2},
    {"no type", STR_INIT(""), ERR_CORRUPT, 0},
    {"other type", STR_INIT("\x02" REF "\x00"), ERR_CORRUPT, 0},
    {"half a ref", STR_INIT("\x01\0\0"), ERR_CORRUPT, 0},
    {"no count", STR_INIT("\x01" REF), ERR_CORRUPT, 0},
    {"more labels than bytes",
     STR_INIT("\x01" REF "\x03\x01"
              "a\x01"
              "1"),
     ERR_CORRUPT, 0},
    {"a lying count", STR_INIT("\x01" REF "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), ERR_CORRUPT,
     0},
    {"a wrapping count", STR_INIT("\x01" REF "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"),
     ERR_CORRUPT, 0},
    {"cut in a name",
     STR_INIT("\x01" REF "\x01\x05"
              "a\x01"),
     ERR_CORRUPT, 0},
    {"no value",
     STR_INIT("\x01" REF "\x01\x01"
              "a"),
     ERR_CORRUPT, 0},
    {"rest behind a series", STR_INIT("\x01" REF "\x00\x00"), ERR_CORRUPT, 1},
};
static const struct record_case sample_cases[] = {
    {"nothing", STR_INIT("\x02"), ERR_NONE, 0},
    {"bases alone", STR_INIT("\x02" REF TIME), ERR_NONE, 0},
    {"one", STR_INIT("\x02" REF TIME "\x00\x00" VALUE), ERR_NONE, 1},
    {"two", STR_INIT("\x02" REF TIME "\x00\x00" VALUE "\x02\x1e" VALUE), ERR_NONE, 2},
    {"no type", STR_INIT(""), ERR_CORRUPT, 0},
    {"other type", STR_INIT("\x04" REF TIME), ERR_CORRUPT, 0},
    {"no such type", STR_INIT("\xff" REF TIME), ERR_CORRUPT, 0},
    {"with starts: nothing", STR_INIT("\x0b"), ERR_NONE, 0},
    {"with starts: bases alone", STR_INIT("\x0b\x0e\xd0\x0f\x00"), ERR_NONE, 0},
    {"with starts: one", STR_INIT("\x0b\x0e\xd0\x0f\x00" VALUE), ERR_NONE, 1},
    {"with starts: two", STR_INIT("\x0b\x0e\xd0\x0f\x00" VALUE "\x02\x1e\x00" VALUE), ERR_NONE, 2},
    {"with starts: half the bases", STR_INIT("\x0b\x0e\xd0"), ERR_CORRUPT, 0},
    {"with starts: half a value", STR_INIT("\x0b\x0e\xd0\x0f\x00\x3f"), ERR_CORRUPT, 0},
    {"with starts: no mark", STR_INIT("\x0b\x0e\xd0\x0f\x00" VALUE "\x02\x1e"), ERR_CORRUPT, 1},
    {"with starts: no start", STR_INIT("\x0b\x0e\xd0\x0f\x00" VALUE "\x02\x1e\x02"), ERR_CORRUPT,
     1},
    {"half a base", STR_INIT("\x02" REF "\0\0"), ERR_CORRUPT, 0},
    {"no time", STR_INIT("\x02" REF TIME "\x00"), ERR_CORRUPT, 0},
    {"half a value", STR_INIT("\x02" REF TIME "\x00\x00\x3f\xf0"), ERR_CORRUPT, 0},
    {"endless varint",
     STR_INIT("\x02" REF TIME "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80" VALUE), ERR_CORRUPT,
     0},
    {"rest behind a sample", STR_INIT("\x02" REF TIME "\x00\x00" VALUE "\x00"), ERR_CORRUPT, 1},
};
static const struct record_case tombstone_cases[] = {
    {"nothing", STR_INIT("\x03"), ERR_NONE, 0},
    {"one", STR_INIT("\x03" REF "\x02\x04"), ERR_NONE, 1},
    {"two", STR_INIT("\x03" REF "\x02\x04" REF "\x01\x00"), ERR_NONE, 2},
    {"other type", STR_INIT("\x01" REF "\x02\x04"), ERR_CORRUPT, 0},
    {"no type", STR_INIT(""), ERR_CORRUPT, 0},
    {"no end", STR_INIT("\x03" REF "\x02"), ERR_CORRUPT, 0},
    {"half a ref", STR_INIT("\x03" REF "\x02\x04\0\0"), ERR_CORRUPT, 1},
};
static const struct record_case marker_cases[] = {
    {"nothing", STR_INIT("\x05"), ERR_NONE, 0},
    {"one", STR_INIT("\x05" REF TIME), ERR_NONE, 1},
    {"two", STR_INIT("\x05" REF TIME REF TIME), ERR_NONE, 2},
    {"other type", STR_INIT("\x01" REF TIME), ERR_CORRUPT, 0},
    {"no type", STR_INIT(""), ERR_CORRUPT, 0},
    {"no chunk", STR_INIT("\x05" REF), ERR_CORRUPT, 0},
    {"half a chunk", STR_INIT("\x05" REF TIME REF "\0\0"), ERR_CORRUPT, 1},
};

static void
check_end(const struct record_case *c, const struct record_cursor *cursor, size_t items)
{
    struct err e = record_cursor_check(cursor);
    ROW_ASSERT(c->name, e.code == c->code);
    ROW_ASSERT(c->name, items == c->items);
    err_drop(e);
}

START_TEST(test_series_bytes)
{
    const struct record_case *c = &series_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct record_cursor cursor;
    record_read_series(&cursor, c->record);
    uint64_t ref;
    struct labels l;
    size_t items = 0;
    while (record_next_series(&cursor, &a, &ref, &l)) {
        ROW_ASSERT(c->name, ref == 7);
        items++;
    }
    check_end(c, &cursor, items);
}
END_TEST

START_TEST(test_sample_bytes)
{
    const struct record_case *c = &sample_cases[_i];
    struct record_cursor cursor;
    record_read_samples(&cursor, c->record);
    uint64_t ref;
    struct sample s;
    size_t items = 0;
    for (; record_next_sample(&cursor, &ref, &s); items++) {
        ROW_ASSERT(c->name, ref == 7 + items && s.t_ms == 1000 + 15 * (int64_t)items);
        ROW_ASSERT(c->name, s.bits == bits_of_f64(1));
    }
    check_end(c, &cursor, items);
}
END_TEST

START_TEST(test_tombstone_bytes)
{
    const struct record_case *c = &tombstone_cases[_i];
    struct record_cursor cursor;
    record_read_tombstones(&cursor, c->record);
    uint64_t ref;
    int64_t mint, maxt;
    size_t items = 0;
    for (; record_next_tombstone(&cursor, &ref, &mint, &maxt); items++) {
        ROW_ASSERT(c->name, ref == 7);
        ROW_ASSERT(c->name, mint == (items ? -1 : 1) && maxt == (items ? 0 : 2));
    }
    check_end(c, &cursor, items);
}
END_TEST

START_TEST(test_marker_bytes)
{
    const struct record_case *c = &marker_cases[_i];
    struct record_cursor cursor;
    record_read_mmap_markers(&cursor, c->record);
    uint64_t ref, chunk_ref;
    size_t items = 0;
    for (; record_next_mmap_marker(&cursor, &ref, &chunk_ref); items++)
        ROW_ASSERT(c->name, ref == 7 && chunk_ref == 1000);
    check_end(c, &cursor, items);
}
END_TEST

Suite *
record_suite(void)
{
    Suite *s = suite_create("record");
    TCase *t = tcase_create("record");
    tcase_add_test(t, test_series_round_trip);
    tcase_add_test(t, test_samples_round_trip);
    tcase_add_test(t, test_tombstones_round_trip);
    tcase_add_test(t, test_mmap_markers_round_trip);
    tcase_add_test(t, test_samples_with_starts);
    tcase_add_loop_test(t, test_series_bytes, 0, ARRAY_LEN(series_cases));
    tcase_add_loop_test(t, test_sample_bytes, 0, ARRAY_LEN(sample_cases));
    tcase_add_loop_test(t, test_tombstone_bytes, 0, ARRAY_LEN(tombstone_cases));
    tcase_add_loop_test(t, test_marker_bytes, 0, ARRAY_LEN(marker_cases));
    suite_add_tcase(s, t);
    return s;
}
