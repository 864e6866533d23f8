/* Unused tenants fall asleep and wake up with all they had; old ones are removed; what fails is
 * tried again; and none of this loses a sample that was acknowledged. */
#include "tests/tsdb/tenant_kit.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fs_fault.h"
#include "base/rand.h"
#include "tsdb/tenant_plan.h"

static bool
exists(const char *dir, const char *name)
{
    AUTO(mem_free) char *path = fs_path_below(dir, str_of_cstr(name));
    return fs_exists(fs_posix(), path);
}

static unsigned flushes;
static bool head_is_empty;

static struct err
count_flush(struct db *db, bool *ret_empty)
{
    (void)db;
    *ret_empty = true;
    flushes++;
    head_is_empty = true;
    return OK;
}

static bool
ask_head(struct db *db)
{
    (void)db;
    return head_is_empty;
}

START_TEST(test_sleep)
{
    const char *dir = test_dir();
    struct tenant_kit k;
    tenant_kit_init(&k, dir, NULL);
    k.opts.hooks = (struct tenant_hooks){count_flush, ask_head};
    flushes = 0;
    head_is_empty = false;
    tenant_kit_start(&k);
    tenant_kit_put(&k, "a", "__name__=up", 1000, 1);
    tenant_kit_pass(&k, KIT_HOUR_MS);
    tenant_kit_pass(&k, KIT_HOUR_MS);
    ck_assert_uint_eq(flushes, 0);
    ck_assert_uint_eq(tenant_kit_in_state(&k, "open"), 1);

    struct tenant *held = NULL; /* a query */
    CK_OK(tenants_acquire_to_read(k.tenants, STR("a"), 0, 2000, &held));
    tenant_kit_pass(&k, KIT_HOUR_MS);
    ck_assert_uint_eq(flushes, 1);
    tenant_kit_pass(&k, KIT_HOUR_MS);
    ck_assert_uint_eq(tenant_kit_in_state(&k, "open"), 1); /* held */
    tenant_release(held);
    tenant_kit_pass(&k, TENANT_CLOSE_AFTER_MS - 1000);
    ck_assert_uint_eq(tenant_kit_in_state(&k, "open"), 1); /* used a moment ago */
    ck_assert(tenant_kit_metric(&k, "prometheus_tsdb_head_series{tenant=\"a\"}") >= 0);
    tenant_kit_pass(&k, 2 * TENANT_PASS_IDLE_MS_MAX);
    ck_assert_uint_eq(tenant_kit_in_state(&k, "dormant"), 1);
    ck_assert(tenant_kit_metric(&k, "prometheus_tsdb_head_series{tenant=\"a\"}") == -1);
    ck_assert(!exists(dir, "a/lock"));

    tenant_kit_put(&k, "a", "__name__=up", 2000, 2);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    ck_assert_str_eq(tenant_kit_dump(&k, &a, "a"), "up: 1000=1 2000=2; ");
    ck_assert(tenant_kit_metric(&k, "mneme_tenant_opens_total") == 2);
    ck_assert(tenant_kit_metric(&k, "mneme_tenant_closes_total") == 1);
    tenant_kit_fini(&k);
}
END_TEST

/* Without hooks: what falls asleep is in blocks, and only there. */
START_TEST(test_sleep_in_blocks)
{
    struct tenant_kit k;
    tenant_kit_init(&k, test_dir(), NULL);
    k.opts.hooks = (struct tenant_hooks){0};
    tenant_kit_start(&k);
    tenant_kit_put(&k, "a", "__name__=up", kit_now_ms, 1);
    tenant_kit_put(&k, "a", "__name__=up,i=2", kit_now_ms + 5, 2);
    tenant_kit_pass(&k, KIT_HOUR_MS);
    ck_assert_uint_eq(tenant_kit_in_state(&k, "open"), 1);
    for (int pass = 0; pass < 4; pass++)
        tenant_kit_pass(&k, KIT_HOUR_MS);
    ck_assert_uint_eq(tenant_kit_in_state(&k, "dormant"), 1);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    const char *got = tenant_kit_dump(&k, &a, "a");
    ck_assert_msg(strstr(got, "1700000000000=1; ") && strstr(got, "1700000000005=2; "), "%s", got);
    ck_assert(tenant_kit_metric(&k, "prometheus_tsdb_head_series{tenant=\"a\"}") == 0);
    ck_assert(tenant_kit_metric(&k, "prometheus_tsdb_blocks_loaded{tenant=\"a\"}") == 1);
    tenant_kit_put(&k, "a", "__name__=up", kit_now_ms + 6, 3);
    tenant_kit_stop(&k);
    tenant_kit_start(&k);
    ck_assert_uint_eq(tenant_kit_in_state(&k, "open"), 1); /* its head is not empty */
    got = tenant_kit_dump(&k, &a, "a");
    ck_assert_msg(strstr(got, "1700000000000=1 1700000000006=3; "), "%s", got);
    tenant_kit_fini(&k);
}
END_TEST

/* A tenant that was idle gets its passes back as soon as it is written. */
START_TEST(test_pace)
{
    struct tenant_kit k;
    tenant_kit_init(&k, test_dir(), NULL);
    k.opts.close_after_ms = INT64_MAX;
    k.opts.hooks = (struct tenant_hooks){count_flush, ask_head};
    head_is_empty = false;
    k.opts.flush_after_ms = 1; /* each pass flushes: that is how they are counted */
    tenant_kit_start(&k);
    tenant_kit_put(&k, "a", "__name__=up", 1000, 1);
    flushes = 0;
    for (int second = 0; second < 3600; second++) {
        head_is_empty = false;
        tenant_kit_pass(&k, 1000);
    }
    ck_assert_uint_ge(flushes, 10);
    ck_assert_uint_le(flushes, 40);
    tenant_kit_put(&k, "a", "__name__=up", 2000, 1);
    unsigned before = flushes;
    for (int second = 0; second < 3; second++) {
        head_is_empty = false;
        tenant_kit_pass(&k, 1000);
    }
    ck_assert_uint_gt(flushes, before);
    tenant_kit_fini(&k);
}
END_TEST

/* Leaving tenants alone costs no call of the file system, open or closed. */
START_TEST(test_idle_hour)
{
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    struct tenant_kit k;
    tenant_kit_init(&k, test_dir(), fs);
    k.opts.hooks.head_is_empty = NULL; /* those with a series stay open */
    k.opts.retention_ms = 24 * KIT_HOUR_MS;
    tenant_kit_start(&k);
    tenant_kit_put(&k, "a", "__name__=up", kit_now_ms, 1);
    struct tenant *b = NULL;
    CK_OK(tenants_acquire(k.tenants, STR("b"), &b));
    tenant_release(b);
    for (int minute = 0; minute < 60; minute++)
        tenant_kit_pass(&k, 60000);
    ck_assert_uint_eq(tenant_kit_in_state(&k, "open"), 1);
    ck_assert_uint_eq(tenant_kit_in_state(&k, "dormant"), 1);
    fs_fault_arm(fs, &(struct fs_fault_opts){.calls = FS_FAULT_MUTATING | FS_FAULT_READ});
    for (int minute = 0; minute < 60; minute++)
        tenant_kit_pass(&k, 60000);
    ck_assert_uint_eq(fs_fault_calls(fs), 0);
    tenant_kit_fini(&k);
}
END_TEST

START_TEST(test_prune)
{
    const char *dir = test_dir();
    struct tenant_kit k;
    tenant_kit_init(&k, dir, NULL);
    k.opts.retention_ms = 6 * KIT_HOUR_MS;
    tenant_kit_start(&k);
    tenant_kit_put(&k, "old", "__name__=up", kit_now_ms, 1);
    tenant_kit_put(&k, "new", "__name__=up", kit_now_ms + 24 * KIT_HOUR_MS, 1);
    struct tenant *empty = NULL;
    CK_OK(tenants_acquire(k.tenants, STR("empty"), &empty));
    tenant_release(empty);
    for (int hour = 0; hour < 6; hour++)
        tenant_kit_pass(&k, KIT_HOUR_MS);
    ck_assert_uint_eq(tenant_kit_in_state(&k, "dormant"), 3);
    tenant_kit_pass(&k, 2 * KIT_HOUR_MS);
    ck_assert_uint_eq(tenant_kit_in_state(&k, "dormant"), 2);
    ck_assert(!tenants_know(k.tenants, STR("old")) && !exists(dir, "old"));
    ck_assert(!exists(dir, "#gone-old"));
    ck_assert(exists(dir, "new") && exists(dir, "empty"));
    ck_assert(tenant_kit_metric(&k, "mneme_tenant_prunes_total") == 1);
    ck_assert_uint_eq(tenant_kit_in_state(&k, "gone"), 0);

    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    ck_assert_ptr_null(tenant_kit_dump(&k, &a, "old"));
    tenant_kit_put(&k, "old", "__name__=up", kit_now_ms + 1, 7); /* as if it were new */
    ck_assert_str_eq(tenant_kit_dump(&k, &a, "old"), "up: 1700000000001=7; ");
    tenant_kit_fini(&k);
}
END_TEST

/* A tenant whose last reader leaves only now is not pruned behind his back. */
START_TEST(test_prune_spares_the_used)
{
    struct tenant_kit k;
    tenant_kit_init(&k, test_dir(), NULL);
    k.opts.retention_ms = 6 * KIT_HOUR_MS;
    tenant_kit_start(&k);
    tenant_kit_put(&k, "a", "__name__=up", kit_now_ms, 1);
    tenant_kit_pass(&k, 5 * KIT_HOUR_MS);
    ck_assert_uint_eq(tenant_kit_in_state(&k, "dormant"), 1);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    ck_assert_str_eq(tenant_kit_dump(&k, &a, "a"), "up: 1700000000000=1; ");
    for (int hour = 0; hour < 5; hour++) {
        tenant_kit_pass(&k, KIT_HOUR_MS);
        ck_assert(tenants_know(k.tenants, STR("a")));
    }
    tenant_kit_pass(&k, 2 * KIT_HOUR_MS);
    tenant_kit_pass(&k, 2 * KIT_HOUR_MS);
    ck_assert(!tenants_know(k.tenants, STR("a")));
    tenant_kit_fini(&k);
}
END_TEST

static struct err
flush_fails(struct db *db, bool *ret_empty)
{
    (void)db, (void)ret_empty;
    flushes++;
    return ERR(ERR_NO_SPACE, "no space left");
}

/* Failures are tried again with growing pauses, and told once. */
START_TEST(test_backoff)
{
    FILE *lines = tmpfile();
    struct log_opts log_opts = {.level = LOG_DEBUG, .fd = fileno(lines), .clock = clock_system()};
    AUTO(log_close) struct log *log = log_open(&log_opts);
    struct tenant_kit k;
    tenant_kit_init(&k, test_dir(), NULL);
    k.opts.db.log = log;
    k.opts.hooks = (struct tenant_hooks){flush_fails, ask_head};
    k.opts.flush_after_ms = 1;
    head_is_empty = false;
    flushes = 0;
    tenant_kit_start(&k);
    tenant_kit_put(&k, "a", "__name__=up", 1000, 1);
    for (int second = 0; second < 120; second++)
        tenant_kit_pass(&k, 1000);
    ck_assert_uint_ge(flushes, 120 * 1000 / (2 * TENANT_BACKOFF_MS_MAX));
    ck_assert_uint_le(flushes, 120 * 1000 / (TENANT_BACKOFF_MS_MAX / 2) + 5);
    ck_assert(tenant_kit_metric(&k, "mneme_tenant_pass_failures_total") == flushes);
    head_is_empty = true;
    k.opts.close_after_ms = 0;
    tenant_kit_pass(&k, 60000);
    tenant_kit_fini(&k);

    unsigned failed = 0, works = 0;
    char line[512];
    rewind(lines);
    while (fgets(line, sizeof line, lines)) {
        failed += strstr(line, "maintenance failed") != NULL;
        works += strstr(line, "maintenance works again") != NULL;
    }
    fclose(lines);
    ck_assert_uint_eq(failed, 1);
    ck_assert_uint_eq(works, 1);
}
END_TEST

/* A log that a full disk has stopped works again soon after there is room, though the tenant was
 * idle: the failed write asked for a look. */
START_TEST(test_hurry)
{
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    struct tenant_kit k;
    tenant_kit_init(&k, test_dir(), fs);
    k.opts.hooks.head_is_empty = ask_head;
    head_is_empty = false;
    tenant_kit_start(&k);
    tenant_kit_put(&k, "a", "__name__=up", 1000, 1);
    for (int minute = 0; minute < 30; minute++)
        tenant_kit_pass(&k, 60000);
    struct tenant *t = NULL;
    fs_fault_break(fs, FS_FAULT_MUTATING, ENOSPC);
    CK_OK(tenants_acquire(k.tenants, STR("a"), &t));
    struct kit_request r;
    struct append_result result;
    kit_request_init(&r);
    kit_row(&r, "__name__=up");
    kit_sample(&r, 2000, 2);
    CK_ERR(ERR_NO_SPACE, kit_append(&r, tenant_db(t), &result));
    tenant_hurry(t);
    fs_fault_heal(fs);
    tenant_kit_pass(&k, 0);
    CK_OK(kit_append(&r, tenant_db(t), &result));
    kit_request_fini(&r);
    tenant_release(t);
    tenant_kit_fini(&k);
}
END_TEST

/* --- all at once ------------------------------------------------------------------------------ */

enum { TENANTS = 1000, WRITERS = 3, WRITES_DEFAULT = 60, WRITES_DEFAULT_FLUSHED = 15 };

enum { CROWD_REPLAYED, CROWD_FLUSHED }; /* what is closed is in the log; is in blocks */

/* Tenants with even numbers get samples that never expire, those with odd ones samples that are
 * too old as soon as they are written. */
struct crowd {
    struct tenant_kit k;
    int64_t writes; /* of each writer */
    _Atomic(unsigned) writing, failed;
    _Atomic(unsigned) stored[TENANTS]; /* samples acknowledged */
};

struct writer {
    struct crowd *crowd;
    unsigned id;
};

static void
name_of(unsigned tenant, char name[16])
{
    snprintf(name, 16, "t%u", tenant);
}

static bool
write_one(struct crowd *c, unsigned tenant, unsigned writer, int64_t step, bool *ret_stored)
{
    char name[16], labels[32];
    name_of(tenant, name);
    snprintf(labels, sizeof labels, "__name__=up,w=%u", writer);
    struct kit_request r;
    kit_request_init(&r);
    kit_row(&r, labels);
    kit_sample(&r, tenant % 2 ? step : INT64_C(4000000000000) + step, 1);
    AUTO(tenant_release) struct tenant *t = NULL;
    struct append_result result = {0};
    struct err e = tenants_acquire(c->k.tenants, str_of_cstr(name), &t);
    if (e.code == ERR_NONE)
        e = kit_append(&r, tenant_db(t), &result);
    kit_request_fini(&r);
    bool ok = e.code == ERR_NONE;
    err_drop(e);
    *ret_stored = result.fates[SAMPLE_STORED] == 1;
    return ok && (*ret_stored || result.fates[SAMPLE_OUT_OF_BOUNDS] == 1);
}

static bool
read_one(struct crowd *c, unsigned tenant)
{
    char name[16];
    name_of(tenant, name);
    AUTO(tenant_release) struct tenant *t = NULL;
    struct err e = tenants_acquire_to_read(c->k.tenants, str_of_cstr(name), 0, INT64_MAX, &t);
    bool ok = e.code == ERR_NONE;
    err_drop(e);
    if (t) {
        struct db_stats s;
        db_stats(tenant_db(t), &s);
    }
    return ok;
}

static void *
write_all(void *arg)
{
    const struct writer *w = arg;
    struct crowd *c = w->crowd;
    struct rand_gen g = rand_gen_of(w->id);
    for (int64_t step = 1; step <= c->writes; step++) {
        /* A few tenants are busy, the others are written once in a while. */
        unsigned tenant = (unsigned)rand_below(&g, rand_below(&g, 2) ? TENANTS : 20);
        bool stored = false;
        if (!write_one(c, tenant, w->id, step, &stored))
            atomic_fetch_add(&c->failed, 1);
        if (!read_one(c, (unsigned)rand_below(&g, TENANTS)))
            atomic_fetch_add(&c->failed, 1);
        atomic_fetch_add(&c->stored[tenant], stored);
    }
    atomic_fetch_sub(&c->writing, 1);
    return NULL;
}

static void *
maintain_all(void *arg)
{
    struct crowd *c = arg;
    AUTO(buf_fini) struct buf text = BUF_INIT;
    while (atomic_load(&c->writing) > 0) {
        tenant_kit_pass(&c->k, KIT_HOUR_MS); /* everybody is due, and unused for long */
        buf_clear(&text);
        metrics_write(c->k.metrics, METRICS_TEXT, &text);
    }
    return NULL;
}

static unsigned
samples_of(struct tenant_kit *k, unsigned tenant)
{
    char name[16];
    name_of(tenant, name);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    const char *text = tenant_kit_dump(k, &a, name);
    unsigned count = 0;
    for (; text && *text; text++)
        count += *text == '='; /* 4000000000001=1; labels are {w="0"}: one more a series */
    for (const char *at = tenant_kit_dump(k, &a, name); at && (at = strstr(at, "w=")); at++)
        count--;
    return count;
}

static void
check_stored(struct crowd *c)
{
    for (unsigned i = 0; i < TENANTS; i += 2) {
        unsigned want = atomic_load(&c->stored[i]);
        unsigned got = want > 0 ? samples_of(&c->k, i) : 0;
        ck_assert_msg(got == want, "tenant %u: %u samples, acknowledged %u", i, got, want);
    }
}

START_TEST(test_everything_at_once)
{
    const char *writes = getenv("TENANTS_WRITES"); /* for a longer run */
    int64_t dflt = _i == CROWD_FLUSHED ? WRITES_DEFAULT_FLUSHED : WRITES_DEFAULT;
    struct crowd c = {.writing = WRITERS, .writes = writes ? strtoll(writes, NULL, 10) : dflt};
    tenant_kit_init(&c.k, test_dir(), NULL);
    if (_i == CROWD_FLUSHED)
        c.k.opts.hooks = (struct tenant_hooks){0};
    c.k.opts.retention_ms = 10; /* odd tenants are removed while others write to them */
    c.k.opts.close_after_ms = 1;
    tenant_kit_start(&c.k);
    pthread_t threads[WRITERS + 2];
    struct writer writers[WRITERS];
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){&c, i};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_all, &writers[i]), 0);
    }
    for (unsigned i = WRITERS; i < WRITERS + 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, maintain_all, &c), 0);
    for (unsigned i = 0; i < WRITERS + 2; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(c.failed, 0);
    for (int hour = 0; hour < 6; hour++)
        tenant_kit_pass(&c.k, KIT_HOUR_MS);
    ck_assert(tenant_kit_metric(&c.k, "mneme_tenant_closes_total") > 0);
    ck_assert(tenant_kit_metric(&c.k, "mneme_tenant_prunes_total") > 0);
    tenant_kit_stop(&c.k);
    tenant_kit_start(&c.k);
    check_stored(&c);
    tenant_kit_fini(&c.k);
}
END_TEST

Suite *
tenants_maintain_suite(void)
{
    Suite *s = suite_create("tenants_maintain");
    TCase *t = tcase_create("tenants_maintain");
    tcase_add_test(t, test_sleep);
    tcase_add_test(t, test_sleep_in_blocks);
    tcase_add_test(t, test_pace);
    tcase_add_test(t, test_idle_hour);
    tcase_add_test(t, test_prune);
    tcase_add_test(t, test_prune_spares_the_used);
    tcase_add_test(t, test_backoff);
    tcase_add_test(t, test_hurry);
    tcase_add_loop_test(t, test_everything_at_once, CROWD_REPLAYED, CROWD_FLUSHED + 1);
    suite_add_tcase(s, t);
    return s;
}
