/* Exemplars as records: what goes in comes out, and broken ones are refused. */
#include "tests/harness.h"

#include "base/mem.h"
#include "tsdb/wal/record_exemplars.h"

START_TEST(test_round_trip)
{
    static const struct label trace[] = {{STR_INIT("trace_id"), STR_INIT("\xc3\xa9")},
                                         {STR_INIT("a"), STR_INIT("")}}; /* as they came */
    static const struct {
        uint64_t ref;
        struct exemplar e;
    } rows[] = {
        {9, {1000, 1, {trace, 2}}},
        {1, {-5, STALE_NAN_BITS, {NULL, 0}}},
        {UINT64_MAX, {INT64_MAX, UINT64_MAX, {trace, 1}}},
        {0, {INT64_MIN, 0, {trace, 2}}},
    };
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(buf_fini) struct buf b = BUF_INIT;
    struct record_samples_writer w;
    record_begin_exemplars(&w, &b, rows[0].ref, rows[0].e.t_ms);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        record_put_exemplar(&w, rows[i].ref, &rows[i].e);
    ck_assert_uint_eq(record_type_of(buf_str(&b)), RECORD_EXEMPLARS);
    struct record_cursor c;
    record_read_exemplars(&c, buf_str(&b));
    uint64_t ref;
    struct exemplar e;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ck_assert(record_next_exemplar(&c, &a, &ref, &e));
        ck_assert_uint_eq(ref, rows[i].ref);
        ck_assert_int_eq(e.t_ms, rows[i].e.t_ms);
        ck_assert_uint_eq(e.bits, rows[i].e.bits);
        ck_assert(labels_eq(e.labels, rows[i].e.labels));
    }
    ck_assert(!record_next_exemplar(&c, &a, &ref, &e));
    CK_OK(record_cursor_check(&c));
}
END_TEST

#define BASES "\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\x03\xe8"
#define POINT "\x00\x00\x3f\xf0\0\0\0\0\0\0"
static const struct {
    const char *name;
    struct str record;
    enum err_code code;
    size_t items; /* before the end or the fault */
} cases[] = {
    {"nothing", STR_INIT("\x04"), ERR_NONE, 0},
    {"bases alone", STR_INIT("\x04" BASES), ERR_NONE, 0},
    {"no labels", STR_INIT("\x04" BASES POINT "\x00"), ERR_NONE, 1},
    {"one label",
     STR_INIT("\x04" BASES POINT "\x01\x01"
              "a\x01"
              "1"),
     ERR_NONE, 1},
    {"two", STR_INIT("\x04" BASES POINT "\x00" POINT "\x00"), ERR_NONE, 2},
    {"no type", STR_INIT(""), ERR_CORRUPT, 0},
    {"other type", STR_INIT("\x02" BASES), ERR_CORRUPT, 0},
    {"half a base", STR_INIT("\x04\0\0\0\0\0\0\0\x07\0"), ERR_CORRUPT, 0},
    {"no time", STR_INIT("\x04" BASES "\x00"), ERR_CORRUPT, 0},
    {"half a value", STR_INIT("\x04" BASES "\x00\x00\x3f\xf0"), ERR_CORRUPT, 0},
    {"no count", STR_INIT("\x04" BASES POINT), ERR_CORRUPT, 0},
    {"no label", STR_INIT("\x04" BASES POINT "\x01"), ERR_CORRUPT, 0},
    {"a lying count", STR_INIT("\x04" BASES POINT "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
     ERR_CORRUPT, 0},
    {"cut in a value",
     STR_INIT("\x04" BASES POINT "\x00" POINT "\x01\x01"
              "a\x05"
              "1"),
     ERR_CORRUPT, 1},
};

START_TEST(test_bytes)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct record_cursor c;
    record_read_exemplars(&c, cases[_i].record);
    uint64_t ref;
    struct exemplar e;
    size_t items = 0;
    for (; record_next_exemplar(&c, &a, &ref, &e); items++)
        ROW_ASSERT(cases[_i].name, ref == 7 && e.t_ms == 1000 && e.bits == bits_of_f64(1));
    CK_ERR(cases[_i].code, record_cursor_check(&c));
    ROW_ASSERT(cases[_i].name, items == cases[_i].items);
}
END_TEST

Suite *
record_exemplars_suite(void)
{
    Suite *s = suite_create("record_exemplars");
    TCase *t = tcase_create("record_exemplars");
    tcase_add_test(t, test_round_trip);
    tcase_add_loop_test(t, test_bytes, 0, ARRAY_LEN(cases));
    suite_add_tcase(s, t);
    return s;
}
