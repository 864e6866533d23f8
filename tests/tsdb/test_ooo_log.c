/* Late samples and markers as records: a marker before the samples that come after it, behind all
 * earlier samples of its series, and no more records than that takes. */
#include "tests/harness.h"

#include <stdio.h>

#include "base/mem.h"
#include "tests/tsdb/histogram_kit.h"
#include "tests/tsdb/record_kit.h"
#include "tsdb/head/ooo_log.h"
#include "tsdb/wal/record.h"

/* Events: "s3@10" a sample of series 3 at 10, "m3=7" a chunk begins in series 3 behind chunk 7. */
static void
play(struct ooo_log *l, const char *events)
{
    for (struct str rest = str_of_cstr(events); rest.n > 0;) {
        struct str event = str_split(&rest, ' ');
        uint64_t series, chunk;
        int64_t t;
        bool marker = event.p[0] == 'm';
        struct str what = str_skip(event, 1);
        CK_OK(str_parse_u64(str_split(&what, marker ? '=' : '@'), &series));
        if (marker) {
            CK_OK(str_parse_u64(what, &chunk));
            ooo_log_begin_chunk(l, series, chunk);
        } else {
            CK_OK(str_parse_i64(what, &t));
            ooo_log_put(l, series, (struct sample){t, (uint64_t)t * 5});
        }
    }
}

/* The records in the same words, one in brackets each. */
static void
print_record(struct str record, struct buf *to)
{
    const char *gap = "";
    if (record_type_of(record) == RECORD_MMAP_MARKERS) {
        struct reader r = reader_of(str_skip(record, 1));
        for (; reader_left(&r) > 0; gap = " ") {
            uint64_t series = reader_be64(&r), chunk = reader_be64(&r);
            buf_printf(to, "%sm%ju=%ju", gap, (uintmax_t)series, (uintmax_t)chunk);
        }
        CK_OK(reader_check(&r, "markers"));
        return;
    }
    struct record_cursor c;
    uint64_t ref;
    struct sample s;
    record_read_samples(&c, record);
    for (; record_next_sample(&c, &ref, &s); gap = " ") {
        ck_assert_uint_eq(s.bits, (uint64_t)s.t_ms * 5);
        buf_printf(to, "%ss%ju@%jd", gap, (uintmax_t)ref, (intmax_t)s.t_ms);
    }
    CK_OK(record_cursor_check(&c));
}

static const struct group_case {
    const char *name, *events, *want;
} group_cases[] = {
    {"nothing", "", ""},
    {"samples alone", "s1@10 s2@5 s1@9", "[s1@10 s2@5 s1@9]"},
    {"a first chunk", "m1=0 s1@10", "[m1=0][s1@10]"},
    {"a marker alone", "m1=0", "[m1=0]"},
    {"markers of several series go together", "m1=0 s1@10 m2=0 s2@7 s3@8",
     "[m1=0 m2=0][s1@10 s2@7 s3@8]"},
    {"other series may have samples before", "s2@7 m1=9 s1@10", "[m1=9][s2@7 s1@10]"},
    {"the same series may not", "s1@7 m1=9 s1@10", "[s1@7][m1=9][s1@10]"},
    {"two chunks of one series", "m1=0 s1@4 s1@3 m1=8 s1@2 m1=9 s1@1",
     "[m1=0][s1@4 s1@3][m1=8][s1@2][m1=9][s1@1]"},
    {"large numbers", "m1099511627775=18446744073709551615 s1099511627775@-9223372036854775807",
     "[m1099511627775=18446744073709551615][s1099511627775@-9223372036854775807]"},
    {"series that the filter takes for one", "s1@7 m1025=9 s1025@10", "[s1@7][m1025=9][s1025@10]"},
};

START_TEST(test_groups)
{
    const struct group_case *row = &group_cases[_i];
    AUTO(arena_fini) struct arena a;
    AUTO(buf_fini) struct buf got = BUF_INIT;
    arena_init(&a, 0);
    AUTO(ooo_log_fini) struct ooo_log l = OOO_LOG_INIT;
    play(&l, row->events);
    size_t n;
    const struct str *records = ooo_log_records(&l, &a, &n);
    for (size_t i = 0; i < n; i++) {
        buf_append(&got, STR("["));
        print_record(records[i], &got);
        buf_append(&got, STR("]"));
    }
    ck_assert_msg(strcmp(buf_cstr(&got), row->want) == 0, "%s: got %s", row->name, buf_cstr(&got));
}
END_TEST

/* The bytes of Prometheus: type 5, then pairs of be64. */
START_TEST(test_marker_bytes)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(ooo_log_fini) struct ooo_log l = OOO_LOG_INIT;
    ooo_log_begin_chunk(&l, 0x0102, UINT64_C(3) << 32 | 0x0456);
    size_t n;
    const struct str *records = ooo_log_records(&l, &a, &n);
    ck_assert_uint_eq(n, 1);
    ck_assert(str_eq(records[0], STR("\5\0\0\0\0\0\0\1\2\0\0\0\3\0\0\4\x56")));
}
END_TEST

/* Histograms go to records of their types, in Prometheus' order. */
START_TEST(test_histograms)
{
    static const char *const values[] = {"f s=1 zc=2 n=2 sum=1", "i s=-53 n=1 sum=1 b=1 p=0:1",
                                         "i s=1 zc=2 n=2 sum=1", "f s=-53 n=1 sum=1 b=1 p=0:1",
                                         "i s=1 zc=3 n=3 sum=1"};
    static const struct {
        unsigned type;
        size_t count;
    } want[] = {{5, 1}, {2, 1}, {7, 2}, {9, 1}, {8, 1}, {10, 1}, {5, 1}, {8, 1}};
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(ooo_log_fini) struct ooo_log l = OOO_LOG_INIT;
    struct histogram h[ARRAY_LEN(values)];
    ooo_log_begin_chunk(&l, 1, 0);
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        h[i] = kit_parse(values[i], &a);
        ooo_log_put_histogram(&l, 1, 100 - (int64_t)i, &h[i]);
    }
    ooo_log_put(&l, 1, (struct sample){5, 5});
    ooo_log_begin_chunk(&l, 1, 9); /* ends the group */
    ooo_log_put_histogram(&l, 1, 7, &h[0]);
    size_t n;
    const struct str *records = ooo_log_records(&l, &a, &n);
    ck_assert_uint_eq(n, ARRAY_LEN(want));
    for (size_t i = 0; i < n; i++) {
        ck_assert_uint_eq(record_type_of(records[i]), want[i].type);
        ck_assert_uint_eq(record_kit_walk(records[i], NULL), want[i].count);
    }
}
END_TEST

/* Large ones are spread over several records of a type. */
START_TEST(test_large_histograms)
{
    enum { BUCKETS = 60000, COUNT = 60 }; /* 8 bytes each: nine to a record */
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(ooo_log_fini) struct ooo_log l = OOO_LOG_INIT;
    struct histogram_span span = {0, BUCKETS};
    struct histogram h = {.kind = HISTOGRAM_FLOAT,
                          .positive_spans = {&span, 1},
                          .positive = {ARENA_ARRAY(&a, uint64_t, BUCKETS), BUCKETS}};
    for (int64_t i = 0; i < COUNT; i++)
        ooo_log_put_histogram(&l, 3, i, &h);
    size_t n, seen = 0;
    const struct str *records = ooo_log_records(&l, &a, &n);
    for (size_t i = 0; i < n; i++) {
        ck_assert_uint_lt(records[i].n, OOO_LOG_RECORD_BYTES + BUCKETS * 8 + 100);
        seen += record_kit_walk(records[i], NULL);
    }
    ck_assert_uint_eq(seen, COUNT);
    ck_assert_uint_eq(n, 7);
}
END_TEST

/* A record is bounded however many samples an append has. */
START_TEST(test_many)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(ooo_log_fini) struct ooo_log l = OOO_LOG_INIT;
    size_t total = 2 * OOO_LOG_GROUP_SAMPLES_MAX + 1, n, seen = 0;
    for (size_t i = 0; i < total; i++)
        ooo_log_put(&l, i % 7, (struct sample){(int64_t)i, i});
    const struct str *records = ooo_log_records(&l, &a, &n);
    ck_assert_uint_eq(n, 3);
    for (size_t i = 0; i < n; i++) {
        struct record_cursor c;
        uint64_t ref;
        struct sample s;
        record_read_samples(&c, records[i]);
        for (; record_next_sample(&c, &ref, &s); seen++)
            ck_assert(ref == seen % 7 && s.t_ms == (int64_t)seen && s.bits == seen);
    }
    ck_assert_uint_eq(seen, total);
}
END_TEST

Suite *
ooo_log_suite(void)
{
    Suite *s = suite_create("ooo_log");
    TCase *t = tcase_create("ooo_log");
    tcase_add_loop_test(t, test_groups, 0, ARRAY_LEN(group_cases));
    tcase_add_test(t, test_marker_bytes);
    tcase_add_test(t, test_histograms);
    tcase_add_test(t, test_large_histograms);
    tcase_add_test(t, test_many);
    suite_add_tcase(s, t);
    return s;
}
