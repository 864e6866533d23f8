/* The figures of a tenant over a life with everything in it: what is told is what was done. */
#include <errno.h>
#include <stdio.h>

#include "base/fs_fault.h"
#include "tests/tsdb/tenant_kit.h"
#include "tsdb/wal/wal_reader.h"

enum { MINUTE_MS = 60 * 1000, STEP_MINUTES = 5, EXEMPLARS = 5 };
static const int64_t t0 = INT64_C(1700000000000) / 21600000 * 21600000; /* ranges of 6 h begin */

struct life {
    struct fs *fs;
    struct tenant_kit k;
};

static void
begin(struct life *l, int64_t window_ms)
{
    l->fs = fs_fault_open(fs_posix(), NULL);
    tenant_kit_init(&l->k, test_dir(), l->fs);
    l->k.opts.hooks = (struct tenant_hooks){0};
    l->k.opts.flush_after_ms = l->k.opts.close_after_ms = INT64_MAX;
    l->k.opts.db.ooo_window_ms = window_ms;
    l->k.opts.db.exemplars_max = EXEMPLARS;
    l->k.opts.db.block_range_max_ms = 6 * KIT_HOUR_MS;
    l->k.opts.db.wal_segment_bytes = WAL_PAGE_BYTES;
    tenant_kit_start(&l->k);
}

static void
end(struct life *l)
{
    tenant_kit_fini(&l->k);
    fs_fault_close(l->fs);
}

/* What one request to tenant a, of one series, gives. */
static struct err
put(struct life *l, struct kit_request *k, struct append_result *ret_result)
{
    AUTO(tenant_release) struct tenant *t = NULL;
    CK_OK(tenants_acquire(l->k.tenants, STR("a"), &t));
    struct err e = kit_append(k, tenant_db(t), ret_result);
    kit_request_fini(k);
    return e;
}

static struct err
put_float(struct life *l, int64_t t_ms)
{
    struct kit_request k;
    struct append_result r;
    kit_request_init(&k);
    kit_row(&k, "__name__=m");
    kit_sample(&k, t_ms, 1);
    return put(l, &k, &r);
}

static struct err
put_histogram(struct life *l, int64_t t_ms)
{
    struct kit_request k;
    struct append_result r;
    kit_request_init(&k);
    kit_row(&k, "__name__=h");
    kit_histogram_sample(&k, t_ms, "i n=1 sum=5 p=0:1");
    return put(l, &k, &r);
}

/* A sample every five minutes, up to minute `to`, with a pass behind each. */
static void
put_minutes(struct life *l, int from, int to)
{
    for (int minute = from; minute < to; minute += STEP_MINUTES) {
        CK_OK(put_float(l, t0 + (int64_t)minute * MINUTE_MS));
        tenant_kit_pass(&l->k, 2000);
    }
}

struct told {
    const char *name, *type; /* without the prefix; NULL: no such label */
    double want;
};

static void
assert_told(struct life *l, const char *when, const struct told *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char name[256];
        bool ours = strncmp(v[i].name, "mneme", 5) == 0;
        int at = snprintf(name, sizeof name, "%s%s{tenant=\"a\"", ours ? "" : "prometheus_tsdb_",
                          v[i].name);
        if (v[i].type)
            at += snprintf(name + at, sizeof name - (size_t)at, ",type=\"%s\"", v[i].type);
        snprintf(name + at, sizeof name - (size_t)at, "}");
        double got = tenant_kit_metric(&l->k, name);
        ck_assert_msg(got == v[i].want, "%s: %s is %.17g, not %.17g", when, name, got, v[i].want);
    }
}

/* --- the head --------------------------------------------------------------------------------- */

static void
put_exemplars(struct life *l)
{
    struct kit_request k;
    struct append_result r;
    kit_request_init(&k);
    kit_row(&k, "__name__=m");
    kit_exemplar(&k, t0 + 3000, 1, "one");
    kit_exemplar(&k, t0 + 5000, 1, "two");
    kit_exemplar(&k, t0 + 5000 - KIT_HOUR_MS - 1, 1, "before the window");
    CK_OK(put(l, &k, &r));
}

START_TEST(test_head)
{
    struct life l;
    begin(&l, KIT_HOUR_MS);
    for (int i = 0; i < 130; i++) /* a chunk of 120, and an open one */
        CK_OK(put_float(&l, t0 + 2 * KIT_HOUR_MS + i));
    CK_OK(put_histogram(&l, t0 + 2 * KIT_HOUR_MS + 50));
    CK_OK(put_float(&l, t0 + KIT_HOUR_MS + 200));     /* late */
    CK_OK(put_histogram(&l, t0 + KIT_HOUR_MS + 200)); /* late */
    CK_OK(put_float(&l, t0));                   /* too old */
    CK_OK(put_histogram(&l, t0));               /* too old */
    put_exemplars(&l);
    tenant_kit_pass(&l.k, 2000);
    static const struct told told[] = {
        {"head_series", NULL, 2},
        {"head_series_created_total", NULL, 2},
        {"head_samples_appended_total", "float", 131},
        {"head_samples_appended_total", "histogram", 2},
        {"head_out_of_order_samples_appended_total", "float", 1},
        {"head_out_of_order_samples_appended_total", "histogram", 1},
        {"too_old_samples_total", "float", 1},
        {"too_old_samples_total", "histogram", 1},
        {"out_of_order_samples_total", "float", 0},
        {"out_of_bound_samples_total", "histogram", 0},
        {"head_chunks", NULL, 5}, /* two and one in order, two late ones */
        {"head_chunks_created_total", NULL, 5},
        {"head_chunks_removed_total", NULL, 0},
        {"mmap_chunks_total", NULL, 1},
        {"exemplar_exemplars_appended_total", NULL, 2},
        {"exemplar_exemplars_in_storage", NULL, 2},
        {"exemplar_series_with_exemplars_in_storage", NULL, 1},
        {"exemplar_out_of_order_exemplars_total", NULL, 1},
        {"exemplar_max_exemplars", NULL, EXEMPLARS},
        {"blocks_loaded", NULL, 0},
        {"storage_blocks_bytes", NULL, 0},
        {"wal_segment_current", NULL, 0},
        {"mneme_tsdb_writable", NULL, 1},
    };
    assert_told(&l, "head", told, ARRAY_LEN(told));
    const struct told times[] = {
        {"head_min_time", NULL, (double)(t0 + 2 * KIT_HOUR_MS)},
        {"head_max_time", NULL, (double)(t0 + 2 * KIT_HOUR_MS + 129)},
        {"lowest_timestamp", NULL, (double)(t0 + KIT_HOUR_MS + 200)},
        {"exemplar_last_exemplars_timestamp_seconds", NULL, (double)(t0 + 3000) / 1000},
    };
    assert_told(&l, "times", times, ARRAY_LEN(times));
    end(&l);
}
END_TEST

START_TEST(test_without_window)
{
    struct life l;
    begin(&l, 0);
    CK_OK(put_float(&l, t0 + 4 * KIT_HOUR_MS));
    CK_OK(put_histogram(&l, t0 + 4 * KIT_HOUR_MS));
    CK_OK(put_float(&l, t0 + 4 * KIT_HOUR_MS - 1));
    CK_OK(put_histogram(&l, t0 + 4 * KIT_HOUR_MS - 1));
    CK_OK(put_float(&l, t0));
    CK_OK(put_float(&l, t0 + 1));
    CK_OK(put_histogram(&l, t0));
    CK_OK(put_float(&l, t0 + 4 * KIT_HOUR_MS)); /* a repetition: nothing */
    static const struct told told[] = {
        {"head_samples_appended_total", "float", 1},
        {"head_samples_appended_total", "histogram", 1},
        {"out_of_order_samples_total", "float", 1},
        {"out_of_order_samples_total", "histogram", 1},
        {"out_of_bound_samples_total", "float", 2},
        {"out_of_bound_samples_total", "histogram", 1},
        {"too_old_samples_total", "float", 0},
    };
    assert_told(&l, "refused", told, ARRAY_LEN(told));
    end(&l);
}
END_TEST

/* --- blocks ----------------------------------------------------------------------------------- */

/* Twelve hours: the head is cut up to 10 h, when it has more than 3 h and a bit; of the five blocks
 * the first three became one. */
START_TEST(test_blocks)
{
    struct life l;
    begin(&l, 0);
    put_minutes(&l, 0, 12 * 60);
    enum { CUTS = 5 };
    const struct told told[] = {
        {"head_min_time", NULL, (double)(t0 + 10 * KIT_HOUR_MS)},
        {"head_truncations_total", NULL, CUTS},
        {"head_truncations_failed_total", NULL, 0},
        {"compactions_triggered_total", NULL, CUTS + 1},
        {"compactions_total", NULL, CUTS + 1},
        {"compactions_failed_total", NULL, 0},
        {"vertical_compactions_total", NULL, 0},
        {"blocks_loaded", NULL, 3},
        {"head_chunks_created_total", NULL, 6}, /* one a range of 2 h */
        {"head_chunks_removed_total", NULL, CUTS},
        {"head_chunks", NULL, 6 - CUTS},
        {"head_series_removed_total", NULL, 0},
        {"wal_segment_current", NULL, CUTS}, /* each cut begins one */
        {"checkpoint_creations_failed_total", NULL, 0},
        {"wal_truncations_failed_total", NULL, 0},
        {"time_retentions_total", NULL, 0},
        {"lowest_timestamp", NULL, (double)t0},
    };
    assert_told(&l, "blocks", told, ARRAY_LEN(told));
    double made = tenant_kit_metric(&l.k,
                                    "prometheus_tsdb_checkpoint_creations_total{tenant=\"a\"}");
    ck_assert(made >= 1 && made <= CUTS);
    ck_assert(made ==
              tenant_kit_metric(&l.k, "prometheus_tsdb_wal_truncations_total{tenant=\"a\"}"));
    ck_assert(tenant_kit_metric(&l.k, "prometheus_tsdb_storage_blocks_bytes{tenant=\"a\"}") > 1000);
    end(&l);
}
END_TEST

static const struct retention_case {
    const char *name;
    int64_t ms;
    uint64_t bytes;
    double by_time, by_size;
} retention_cases[] = {
    {"by time", 2 * KIT_HOUR_MS, 0, 1, 0},
    {"by size", 0, 1, 0, 1},
    {"by both", 2 * KIT_HOUR_MS, 1, 1, 1},
    {"by none", 100 * KIT_HOUR_MS, UINT64_C(1) << 40, 0, 0},
};

START_TEST(test_retention)
{
    const struct retention_case *c = &retention_cases[_i];
    struct life l;
    begin(&l, 0);
    put_minutes(&l, 0, 10 * 60);
    tenant_kit_stop(&l.k);
    l.k.opts.db.retention_ms = c->ms;
    l.k.opts.db.retention_bytes = c->bytes;
    tenant_kit_start(&l.k);
    tenant_kit_pass(&l.k, 2000);
    const struct told told[] = {
        {"time_retentions_total", NULL, c->by_time},
        {"size_retentions_total", NULL, c->by_size},
        {"compactions_total", NULL, 0},
    };
    assert_told(&l, c->name, told, ARRAY_LEN(told));
    end(&l);
}
END_TEST

/* --- failures --------------------------------------------------------------------------------- */

START_TEST(test_failed_logs)
{
    struct life l;
    begin(&l, KIT_HOUR_MS);
    CK_OK(put_float(&l, t0 + KIT_HOUR_MS));
    struct fs_fault_opts second_write = {.fail_call = 2, .calls = FS_FAULT_WRITE, .errnum = ENOSPC};
    fs_fault_arm(l.fs, &second_write);
    CK_ERR(ERR_NO_SPACE, put_float(&l, t0 + KIT_HOUR_MS - 1));
    fs_fault_break(l.fs, FS_FAULT_WRITE, ENOSPC);
    CK_ERR(ERR_NO_SPACE, put_float(&l, t0 + KIT_HOUR_MS + 1));
    static const struct told failed[] = {
        {"wal_writes_failed_total", NULL, 1},
        {"out_of_order_wbl_writes_failed_total", NULL, 1},
        {"mneme_tsdb_writable", NULL, 0},
        {"head_samples_appended_total", "float", 2}, /* the late one is seen */
    };
    assert_told(&l, "failed", failed, ARRAY_LEN(failed));
    fs_fault_heal(l.fs);
    tenant_kit_pass(&l.k, 10000);
    CK_OK(put_float(&l, t0 + KIT_HOUR_MS + 1));
    static const struct told healed[] = {
        {"wal_writes_failed_total", NULL, 1},
        {"mneme_tsdb_writable", NULL, 1},
        {"head_samples_appended_total", "float", 3},
    };
    assert_told(&l, "healed", healed, ARRAY_LEN(healed));
    end(&l);
}
END_TEST

/* The first block cannot be written, then the checkpoint cannot. */
START_TEST(test_failed_cut)
{
    struct life l;
    begin(&l, 0);
    put_minutes(&l, 0, 3 * 60);
    fs_fault_break(l.fs, FS_FAULT_MAKE_DIR, ENOSPC);
    CK_OK(put_float(&l, t0 + 4 * KIT_HOUR_MS));
    tenant_kit_pass(&l.k, 2000);
    static const struct told failed[] = {
        {"compactions_triggered_total", NULL, 1},
        {"compactions_failed_total", NULL, 1},
        {"compactions_total", NULL, 0},
        {"head_truncations_total", NULL, 0},
        {"blocks_loaded", NULL, 0},
    };
    assert_told(&l, "no block", failed, ARRAY_LEN(failed));
    fs_fault_heal(l.fs);
    tenant_kit_pass(&l.k, 20000);
    static const struct told made[] = {
        {"compactions_triggered_total", NULL, 2},
        {"compactions_failed_total", NULL, 1},
        {"compactions_total", NULL, 1},
        {"head_truncations_total", NULL, 1},
        {"blocks_loaded", NULL, 1},
    };
    assert_told(&l, "a block", made, ARRAY_LEN(made));
    end(&l);
}
END_TEST

/* A byte of the log's first segment, and of chunks_head, is wrong at the next start. */
static void
damage(const char *dir, const char *name, size_t offset)
{
    char path[512];
    AUTO(buf_fini) struct buf bytes = BUF_INIT;
    snprintf(path, sizeof path, "%s/a/%s", dir, name);
    CK_OK(fs_read_file(fs_posix(), path, 1 << 20, &bytes));
    ck_assert_uint_gt(bytes.n, offset);
    bytes.p[offset] ^= 1;
    CK_OK(fs_write_file(fs_posix(), path, buf_str(&bytes)));
}

START_TEST(test_damage)
{
    struct life l;
    begin(&l, 0);
    for (int i = 0; i < 130; i++)
        CK_OK(put_float(&l, t0 + i));
    tenant_kit_pass(&l.k, 2000);
    static const struct told before[] = {
        {"wal_corruptions_total", NULL, 0}, {"mmap_chunk_corruptions_total", NULL, 0},
        {"snapshot_replay_error_total", NULL, 0}, {"head_chunks", NULL, 2},
    };
    assert_told(&l, "before", before, ARRAY_LEN(before));
    tenant_kit_stop(&l.k);
    damage(l.k.opts.dir, "wal/00000000", 200);
    damage(l.k.opts.dir, "chunks_head/000001", 50);
    tenant_kit_start(&l.k);
    static const struct told after[] = {
        {"wal_corruptions_total", NULL, 1},
        {"mmap_chunk_corruptions_total", NULL, 1},
        {"head_samples_appended_total", "float", 0}, /* by this process */
        {"head_chunks", NULL, 1},
        {"head_series", NULL, 1},
    };
    assert_told(&l, "after", after, ARRAY_LEN(after));
    end(&l);
}
END_TEST

/* --- cost ------------------------------------------------------------------------------------- */

static size_t
lines_of(struct tenant_kit *k, const char *tenant)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    char label[64];
    size_t n = 0;
    snprintf(label, sizeof label, "{tenant=\"%s\"", tenant);
    metrics_write(k->metrics, METRICS_TEXT, &text);
    for (const char *at = buf_cstr(&text); (at = strstr(at, label)); at++)
        n++;
    return n;
}

/* A database that is closed is told nothing of; one that is opened again is told from nothing. */
START_TEST(test_closed)
{
    struct life l;
    begin(&l, 0);
    tenant_kit_stop(&l.k);
    l.k.opts.flush_after_ms = l.k.opts.close_after_ms = 0;
    tenant_kit_start(&l.k);
    CK_OK(put_float(&l, t0));
    size_t open = lines_of(&l.k, "a");
    ck_assert_uint_gt(open, 40);
    for (int pass = 0; pass < 6 && tenant_kit_in_state(&l.k, "dormant") == 0; pass++)
        tenant_kit_pass(&l.k, KIT_HOUR_MS);
    ck_assert_uint_eq(tenant_kit_in_state(&l.k, "dormant"), 1);
    ck_assert_uint_eq(lines_of(&l.k, "a"), 0);
    CK_OK(put_float(&l, t0 + KIT_HOUR_MS));
    ck_assert_uint_eq(lines_of(&l.k, "a"), open);
    static const struct told again[] = {
        {"head_samples_appended_total", "float", 1},
        {"compactions_total", NULL, 0},
        {"blocks_loaded", NULL, 1},
    };
    assert_told(&l, "again", again, ARRAY_LEN(again));
    end(&l);
}
END_TEST

Suite *
tenants_metrics_suite(void)
{
    Suite *s = suite_create("tenants_metrics");
    TCase *t = tcase_create("all");
    tcase_add_test(t, test_head);
    tcase_add_test(t, test_without_window);
    tcase_add_test(t, test_blocks);
    tcase_add_loop_test(t, test_retention, 0, (int)ARRAY_LEN(retention_cases));
    tcase_add_test(t, test_failed_logs);
    tcase_add_test(t, test_failed_cut);
    tcase_add_test(t, test_damage);
    tcase_add_test(t, test_closed);
    suite_add_tcase(s, t);
    return s;
}
