/* Limits that come with a request hold in the place of those that the head was opened with. */
#include "tests/tsdb/head_kit.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/memory_limit.h"

enum { HOUR_MS = 3600 * 1000 };

static struct append_result
put(struct db *db, const struct append_limits *limits, const char *labels, int64_t t_ms)
{
    struct kit_request k;
    struct append_result r;
    kit_request_init(&k);
    k.limits = limits;
    kit_row(&k, labels);
    kit_sample(&k, t_ms, 1);
    CK_OK(kit_append(&k, db, &r));
    kit_request_fini(&k);
    return r;
}

static const struct append_limits none = {.ooo_window_ms = -1, .future_window_ms = -1};

START_TEST(test_series)
{
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    AUTO(db_close) struct db *db = NULL;
    opts.series_limit = 4;
    CK_OK(db_open(&opts, &db));
    struct append_limits two = none, hundred = none;
    two.series_max = 2;
    hundred.series_max = 100;
    ck_assert_uint_eq(put(db, &two, "a=1", 1).series_created, 1);
    ck_assert_uint_eq(put(db, &two, "a=2", 1).series_created, 1);
    ck_assert_uint_eq(put(db, &two, "a=3", 1).series_over_limit, 1);
    ck_assert_uint_eq(put(db, &two, "a=1", 2).fates[SAMPLE_STORED], 1); /* known ones go on */
    ck_assert_uint_eq(put(db, &none, "a=3", 1).series_created, 1);
    ck_assert_uint_eq(put(db, &hundred, "a=4", 1).series_created, 1);
    ck_assert_uint_eq(put(db, &hundred, "a=5", 1).series_over_limit, 1); /* the head's own holds */
}
END_TEST

START_TEST(test_known_series_only)
{
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    AUTO(db_close) struct db *db = NULL;
    CK_OK(db_open(&opts, &db));
    struct append_limits known = none;
    known.known_series_only = true;
    known.series_max = 100;
    ck_assert_uint_eq(put(db, &none, "a=1", 1).series_created, 1);
    struct append_result r = put(db, &known, "a=2", 1);
    ck_assert_uint_eq(r.series_unknown, 1);
    ck_assert_uint_eq(r.series_over_limit + r.series_created, 0);
    ck_assert_uint_eq(put(db, &known, "a=1", 2).fates[SAMPLE_STORED], 1);
    ck_assert_uint_eq(put(db, &none, "a=2", 1).series_created, 1);
}
END_TEST

struct machine {
    struct clock_manual clock;
    uint64_t used_bytes;
};

static uint64_t
read_used(void *arg)
{
    return ((struct machine *)arg)->used_bytes;
}

/* One request of more series than there is memory for: the first ones are born, the others are
 * refused; what is known goes on. */
START_TEST(test_births_end_when_memory_does)
{
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    AUTO(db_close) struct db *db = NULL;
    struct machine machine;
    struct memory_limit memory;
    clock_manual_init(&machine.clock, 1000);
    clock_manual_advance_ms(&machine.clock, 1000);
    memory_limit_init(&memory, 100 << 20, &machine.clock.clock, read_used, &machine);
    machine.used_bytes = 40 << 20; /* tight at about 40.6 MiB */
    struct append_limits limits = none;
    limits.memory = &memory;
    CK_OK(db_open(&opts, &db));
    struct kit_request k;
    struct append_result r;
    kit_request_init(&k);
    k.limits = &limits;
    for (int i = 0; i < 2000; i++) {
        char labels[32];
        snprintf(labels, sizeof labels, "a=%d", i);
        kit_row(&k, labels);
        kit_sample(&k, 1, 1);
    }
    CK_OK(kit_append(&k, db, &r));
    kit_request_fini(&k);
    ck_assert_uint_gt(r.series_created, 0);
    ck_assert_uint_gt(r.series_unknown, 0);
    ck_assert_uint_eq(r.series_created + r.series_unknown, 2000);
    ck_assert_uint_eq(r.fates[SAMPLE_STORED], r.series_created);
    ck_assert_uint_eq(put(db, &limits, "a=0", 2).fates[SAMPLE_STORED], 1);
}
END_TEST

static const struct window_case {
    const char *name;
    int64_t opened_ms, window_ms, behind_ms;
    enum sample_fate want;
} window_cases[] = {
    {"as opened", 3 * HOUR_MS, -1, 2 * HOUR_MS, SAMPLE_STORED_LATE},
    {"narrower, inside", 3 * HOUR_MS, HOUR_MS, HOUR_MS, SAMPLE_STORED_LATE},
    {"narrower, behind", 3 * HOUR_MS, HOUR_MS, HOUR_MS + 1, SAMPLE_TOO_OLD},
    {"none", 3 * HOUR_MS, 0, 1, SAMPLE_OUT_OF_ORDER},
    {"wider counts as opened", HOUR_MS, 3 * HOUR_MS, HOUR_MS + 1, SAMPLE_TOO_OLD},
    {"the head keeps none", 0, HOUR_MS, 1, SAMPLE_OUT_OF_ORDER},
};

START_TEST(test_late)
{
    const struct window_case *c = &window_cases[_i];
    struct db_opts opts = kit_late_opts(fs_posix(), test_dir());
    AUTO(db_close) struct db *db = NULL;
    opts.ooo_window_ms = c->opened_ms;
    CK_OK(db_open(&opts, &db));
    struct append_limits limits = none;
    limits.ooo_window_ms = c->window_ms;
    int64_t newest_ms = clock_wall_ms(opts.clock);
    ck_assert_uint_eq(put(db, NULL, "a=1", newest_ms).fates[SAMPLE_STORED], 1);
    struct append_result r = put(db, &limits, "a=1", newest_ms - c->behind_ms);
    ROW_ASSERT(c->name, r.fates[c->want] == 1);
}
END_TEST

START_TEST(test_future)
{
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    AUTO(db_close) struct db *db = NULL;
    opts.future_window_ms = HOUR_MS;
    CK_OK(db_open(&opts, &db));
    int64_t now_ms = clock_wall_ms(opts.clock);
    struct append_limits narrow = none, any = none;
    narrow.future_window_ms = HOUR_MS / 60;
    any.future_window_ms = 0;
    ck_assert_uint_eq(put(db, &narrow, "a=1", now_ms + HOUR_MS / 2).fates[SAMPLE_TOO_NEW], 1);
    ck_assert_uint_eq(put(db, &none, "a=1", now_ms + HOUR_MS / 2).fates[SAMPLE_STORED], 1);
    ck_assert_uint_eq(put(db, &none, "a=1", now_ms + 2 * HOUR_MS).fates[SAMPLE_TOO_NEW], 1);
    ck_assert_uint_eq(put(db, &any, "a=1", now_ms + 2 * HOUR_MS).fates[SAMPLE_STORED], 1);
}
END_TEST

START_TEST(test_sum)
{
    struct append_result sum = {.histogram_fault = STR("first")};
    struct append_result part = {.series_over_limit = 2,
                                 .series_created = 3,
                                 .histograms_invalid = 4,
                                 .histogram_fault = STR("second"),
                                 .metadata_stored = 5,
                                 .metadata_refused = 6,
                                 .example = STR("{a=\"b\"}")};
    part.fates[SAMPLE_TOO_NEW] = part.exemplar_fates[EXEMPLAR_NO_SERIES] = 7;
    part.label_faults[LABEL_FAULT_MALFORMED] = 8;
    append_result_add(&sum, &part);
    append_result_add(&sum, &part);
    ck_assert(sum.series_over_limit == 4 && sum.series_created == 6 && sum.histograms_invalid == 8);
    ck_assert(sum.metadata_stored == 10 && sum.metadata_refused == 12);
    ck_assert(sum.fates[SAMPLE_TOO_NEW] == 14 && sum.exemplar_fates[EXEMPLAR_NO_SERIES] == 14);
    ck_assert(sum.label_faults[LABEL_FAULT_MALFORMED] == 16);
    ck_assert(str_eq(sum.histogram_fault, STR("first")) && str_eq(sum.example, part.example));
}
END_TEST

Suite *
head_limits_suite(void)
{
    Suite *s = suite_create("head_limits");
    TCase *t = tcase_create("head_limits");
    tcase_add_test(t, test_series);
    tcase_add_test(t, test_known_series_only);
    tcase_add_test(t, test_births_end_when_memory_does);
    tcase_add_loop_test(t, test_late, 0, ARRAY_LEN(window_cases));
    tcase_add_test(t, test_future);
    tcase_add_test(t, test_sum);
    suite_add_tcase(s, t);
    return s;
}
