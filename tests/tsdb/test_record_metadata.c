/* Metadata as records: what goes in comes out, fields of later versions are skipped, and broken
 * records are refused. */
#include "tests/harness.h"

#include "base/mem.h"
#include "tsdb/wal/record_metadata.h"

START_TEST(test_round_trip)
{
    static const struct {
        uint64_t ref;
        struct metadata m;
    } rows[] = {
        {1, {METRIC_KIND_COUNTER, STR_INIT("Requests."), STR_INIT("requests")}},
        {UINT64_MAX, {METRIC_KIND_STATESET, STR_INIT("\xc3\xa9\n"), STR_INIT("")}},
        {0, {METRIC_KIND_UNKNOWN, {NULL, 0}, {NULL, 0}}},
    };
    AUTO(buf_fini) struct buf b = BUF_INIT;
    record_begin_metadata(&b);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        record_put_metadata(&b, rows[i].ref, &rows[i].m);
    ck_assert_uint_eq(record_type_of(buf_str(&b)), RECORD_METADATA);
    struct record_cursor c;
    record_read_metadata(&c, buf_str(&b));
    uint64_t ref;
    struct metadata m;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ck_assert(record_next_metadata(&c, &ref, &m));
        ck_assert_uint_eq(ref, rows[i].ref);
        ck_assert_int_eq(m.kind, rows[i].m.kind);
        ck_assert(str_eq(m.help, rows[i].m.help));
        ck_assert(str_eq(m.unit, rows[i].m.unit));
    }
    ck_assert(!record_next_metadata(&c, &ref, &m));
    CK_OK(record_cursor_check(&c));
}
END_TEST

#define UNIT "\x04UNIT\x01s"
#define HELP "\x04HELP\x02hi"
static const struct {
    const char *name;
    struct str record;
    enum err_code code;
    size_t items; /* before the end or the fault; the last one is: */
    enum metric_kind kind;
    const char *unit, *help;
} cases[] = {
    {"nothing", STR_INIT("\x06"), ERR_NONE, 0, 0, NULL, NULL},
    {"both fields", STR_INIT("\x06\x07\x02\x02" UNIT HELP), ERR_NONE, 1, METRIC_KIND_GAUGE, "s",
     "hi"},
    {"other order", STR_INIT("\x06\x07\x02\x02" HELP UNIT), ERR_NONE, 1, METRIC_KIND_GAUGE, "s",
     "hi"},
    {"no fields", STR_INIT("\x06\x07\x00\x00"), ERR_NONE, 1, METRIC_KIND_UNKNOWN, "", ""},
    {"unknown fields", STR_INIT("\x06\x07\x01\x03\x04UNIX\x01?" UNIT "\x00\x00"), ERR_NONE, 1,
     METRIC_KIND_COUNTER, "s", ""},
    {"unknown kind", STR_INIT("\x06\x07\x08\x01" HELP), ERR_NONE, 1, METRIC_KIND_UNKNOWN, "", "hi"},
    {"two", STR_INIT("\x06\x01\x00\x00\xff\x01\x03\x01" HELP), ERR_NONE, 2, METRIC_KIND_HISTOGRAM,
     "", "hi"},
    {"no type", STR_INIT(""), ERR_CORRUPT, 0, 0, NULL, NULL},
    {"other type", STR_INIT("\x04\x07\x00\x00"), ERR_CORRUPT, 0, 0, NULL, NULL},
    {"half a ref", STR_INIT("\x06\xff"), ERR_CORRUPT, 0, 0, NULL, NULL},
    {"no kind", STR_INIT("\x06\x07"), ERR_CORRUPT, 0, 0, NULL, NULL},
    {"no count", STR_INIT("\x06\x07\x01"), ERR_CORRUPT, 0, 0, NULL, NULL},
    {"a lying count", STR_INIT("\x06\x07\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01" UNIT),
     ERR_CORRUPT, 0, 0, NULL, NULL},
    {"one field less", STR_INIT("\x06\x07\x01\x02" HELP), ERR_CORRUPT, 0, 0, NULL, NULL},
    {"cut in a name", STR_INIT("\x06\x07\x01\x01\x04HE"), ERR_CORRUPT, 0, 0, NULL, NULL},
    {"no value", STR_INIT("\x06\x07\x01\x01\x04HELP"), ERR_CORRUPT, 0, 0, NULL, NULL},
    {"cut behind a good one", STR_INIT("\x06\x07\x00\x00\x07"), ERR_CORRUPT, 1, METRIC_KIND_UNKNOWN,
     "", ""},
};

START_TEST(test_bytes)
{
    struct record_cursor c;
    record_read_metadata(&c, cases[_i].record);
    uint64_t ref;
    struct metadata m = {.kind = METRIC_KIND_UNKNOWN};
    size_t items = 0;
    while (record_next_metadata(&c, &ref, &m))
        items++;
    CK_ERR(cases[_i].code, record_cursor_check(&c));
    ROW_ASSERT(cases[_i].name, items == cases[_i].items);
    if (items == 0)
        return;
    ROW_ASSERT(cases[_i].name, m.kind == cases[_i].kind);
    ROW_ASSERT(cases[_i].name, str_eq(m.unit, str_of_cstr(cases[_i].unit)));
    ROW_ASSERT(cases[_i].name, str_eq(m.help, str_of_cstr(cases[_i].help)));
}
END_TEST

Suite *
record_metadata_suite(void)
{
    Suite *s = suite_create("record_metadata");
    TCase *t = tcase_create("record_metadata");
    tcase_add_test(t, test_round_trip);
    tcase_add_loop_test(t, test_bytes, 0, ARRAY_LEN(cases));
    suite_add_tcase(s, t);
    return s;
}
