/* A batch goes to the database of its tenant and to no other; a failing one names its tenant. */
#include "tests/harness.h"

#include <errno.h>

#include "base/fs_fault.h"
#include "base/mem.h"
#include "ingest/sink_tenants.h"
#include "tsdb/tenants.h"

/* A key as in label_key.h: {a="b"}. */
#define KEY                                                                                        \
    "\x0a\x06\x0a\x01"                                                                             \
    "a"                                                                                            \
    "\x12\x01"                                                                                     \
    "b"

struct fixture {
    struct fs *fs;
    struct metrics *metrics;
    struct pool *pool;
    struct tenants *tenants;
    struct sink_tenants sink;
};

static void
fixture_start(struct fixture *f)
{
    *f = (struct fixture){.fs = fs_fault_open(fs_posix(), NULL), .metrics = metrics_open()};
    CK_OK(pool_start(&(struct pool_opts){.name = "t", .threads = 1, .queued_limit = 8}, &f->pool));
    struct tenants_opts opts = {.dir = test_dir(), .db = db_opts_default(), .metrics = f->metrics};
    opts.db.fs = f->fs;
    opts.db.clock = clock_system();
    CK_OK(tenants_open(&opts, f->pool, &f->tenants));
    sink_tenants_init(&f->sink, f->tenants);
}

static void
fixture_stop(struct fixture *f)
{
    tenants_close(f->tenants);
    pool_stop(f->pool);
    metrics_close(f->metrics);
    fs_fault_close(f->fs);
}

static struct err
append(struct fixture *f, const char *tenant, int64_t t_ms, struct append_result *ret_result)
{
    AUTO(arena_fini) struct arena a = {0};
    struct sample sample = {t_ms, 7};
    struct append_row row = {.label_key = STR(KEY), .sample_count = 1};
    struct batch batch = {
        .tenant = str_of_cstr(tenant),
        .request = {.rows = &row, .row_count = 1, .samples = &sample, .sample_count = 1}};
    struct append_result result = {0};
    TRY(sink_append(&f->sink.sink, &batch, &a, &result));
    *ret_result = result;
    ret_result->example = STR(""); /* was in the arena */
    return OK;
}

static uint64_t
samples_of(struct fixture *f, const char *tenant)
{
    AUTO(tenant_release) struct tenant *t = NULL;
    CK_OK(tenants_acquire_to_read(f->tenants, str_of_cstr(tenant), INT64_MIN, INT64_MAX, &t));
    ck_assert_ptr_nonnull(t);
    struct db_stats stats;
    db_stats(tenant_db(t), &stats);
    return stats.samples_appended;
}

START_TEST(test_each_tenant_has_its_own)
{
    struct fixture f;
    fixture_start(&f);
    struct append_result result;
    CK_OK(append(&f, "a", 1700000000000, &result));
    ck_assert_uint_eq(result.fates[SAMPLE_STORED], 1);
    CK_OK(append(&f, "b", 1700000000000, &result));
    CK_OK(append(&f, "b", 1700000015000, &result));
    CK_OK(append(&f, "b", 1700000000000, &result)); /* again, and too late */
    ck_assert_uint_eq(result.fates[SAMPLE_OUT_OF_ORDER], 1);
    ck_assert_uint_eq(tenants_count(f.tenants), 2);
    ck_assert_uint_eq(samples_of(&f, "a"), 1);
    ck_assert_uint_eq(samples_of(&f, "b"), 2);
    fixture_stop(&f);
}
END_TEST

/* What is told about samples makes no tenant, and is counted as not stored. */
START_TEST(test_no_tenant_without_samples)
{
    struct fixture f;
    fixture_start(&f);
    AUTO(arena_fini) struct arena a = {0};
    struct exemplar exemplar = {.t_ms = 1700000000000};
    struct family_metadata metadata = {.family = STR("m")};
    struct append_row row = {.label_key = STR(KEY), .exemplar_count = 1};
    struct batch batch = {.tenant = STR("new"),
                          .request = {.rows = &row,
                                      .row_count = 1,
                                      .exemplars = &exemplar,
                                      .exemplar_count = 1,
                                      .metadata = &metadata,
                                      .metadata_count = 1}};
    struct append_result result;
    CK_OK(sink_append(&f.sink.sink, &batch, &a, &result));
    ck_assert_uint_eq(result.exemplar_fates[EXEMPLAR_NO_SERIES], 1);
    ck_assert_uint_eq(result.metadata_refused, 1);
    ck_assert_uint_eq(tenants_count(f.tenants), 0);
    fixture_stop(&f);
}
END_TEST

START_TEST(test_errors_name_the_tenant)
{
    struct fixture f;
    fixture_start(&f);
    struct append_result result;
    CK_OK(append(&f, "a", 1700000000000, &result));
    fs_fault_break(f.fs, FS_FAULT_MUTATING, ENOSPC);
    struct err e = append(&f, "a", 1700000015000, &result);
    ck_assert_int_eq(e.code, ERR_NO_SPACE);
    ck_assert_msg(strstr(err_text(&e), "tenant a: "), "%s", err_text(&e));
    err_drop(e);
    e = append(&f, "new", 1700000015000, &result);
    ck_assert_int_eq(e.code, ERR_NO_SPACE);
    ck_assert_msg(strstr(err_text(&e), "tenant new: "), "%s", err_text(&e));
    err_drop(e);
    fs_fault_heal(f.fs);
    fixture_stop(&f);
}
END_TEST

Suite *
sink_tenants_suite(void)
{
    Suite *s = suite_create("sink_tenants");
    TCase *t = tcase_create("all");
    tcase_add_test(t, test_each_tenant_has_its_own);
    tcase_add_test(t, test_no_tenant_without_samples);
    tcase_add_test(t, test_errors_name_the_tenant);
    suite_add_tcase(s, t);
    return s;
}
