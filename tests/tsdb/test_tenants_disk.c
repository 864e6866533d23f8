/* Whatever call fails or is the last one before a crash: a tenant is there whole or not at all. */
#include "tests/tsdb/tenant_kit.h"

#include <errno.h>

#include "base/fs_fault.h"

static bool
exists(const char *dir, const char *name)
{
    AUTO(mem_free) char *path = fs_path_below(dir, str_of_cstr(name));
    return fs_exists(fs_posix(), path);
}

/* A tenant that is closed and about to expire; passes go over it under the fault. */
static void
start_with_expiring(struct tenant_kit *k, const char *dir, struct fs *fs)
{
    tenant_kit_init(k, dir, fs);
    k->opts.retention_ms = 6 * KIT_HOUR_MS;
    tenant_kit_start(k);
    tenant_kit_put(k, "a", "__name__=up", kit_now_ms, 1);
    tenant_kit_pass(k, 5 * KIT_HOUR_MS);
    ck_assert_uint_eq(tenant_kit_in_state(k, "dormant"), 1);
    clock_manual_advance_ms(&k->clock, 3 * KIT_HOUR_MS);
}

/* What another process finds after the crash. */
static void
check_found(const char *dir)
{
    struct tenant_kit k;
    tenant_kit_init(&k, dir, NULL);
    tenant_kit_start(&k);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    const char *dump = tenant_kit_dump(&k, &a, "a");
    ck_assert_msg(!dump || strcmp(dump, "up: 1700000000000=1; ") == 0, "%s", dump);
    ck_assert(!dump == !exists(dir, "a"));
    tenant_kit_pass(&k, 5000);
    ck_assert(!exists(dir, TENANT_GONE_PREFIX "a"));
    tenant_kit_put(&k, "a", "__name__=up", kit_now_ms + 1, 2); /* it can be made again */
    tenant_kit_fini(&k);
}

START_TEST(test_crash_while_pruning)
{
    uint64_t n = 1;
    for (bool fired = true; fired; n++) {
        const char *dir = test_dir();
        AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
        struct tenant_kit k;
        start_with_expiring(&k, dir, fs);
        fs_fault_arm(fs, &(struct fs_fault_opts){.fail_call = n, .mode = FS_FAULT_CRASH});
        tenants_maintain(k.tenants);
        fired = fs_fault_fired(fs);
        ck_assert(fired || !exists(dir, TENANT_GONE_PREFIX "a"));
        tenants_close(TAKE(k.tenants)); /* as a crash */
        tenant_kit_fini(&k);
        CK_OK(fs_fault_power_cut(fs));
        check_found(dir);
    }
    ck_assert_uint_gt(n, 5); /* rename, sync, and each file and directory of the tenant */
}
END_TEST

START_TEST(test_failure_while_pruning)
{
    uint64_t n = 1;
    for (bool fired = true; fired; n++) {
        const char *dir = test_dir();
        AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
        struct tenant_kit k;
        start_with_expiring(&k, dir, fs);
        fs_fault_arm(fs, &(struct fs_fault_opts){.fail_call = n, .mode = FS_FAULT_ONCE});
        tenants_maintain(k.tenants);
        fired = fs_fault_fired(fs);
        bool failed = tenant_kit_metric(&k, "mneme_tenant_pass_failures_total") == 1;
        ck_assert(failed == fired);
        fs_fault_arm(fs, &(struct fs_fault_opts){0});
        for (int i = 0; i < 5; i++)
            tenant_kit_pass(&k, 2000); /* tried again, and done */
        ck_assert(!exists(dir, "a") && !exists(dir, TENANT_GONE_PREFIX "a"));
        ck_assert_uint_eq(tenant_kit_in_state(&k, "gone"), 0);
        ck_assert(tenant_kit_metric(&k, "mneme_tenant_prunes_total") == 1);
        tenant_kit_put(&k, "a", "__name__=up", kit_now_ms, 2);
        tenant_kit_fini(&k);
    }
}
END_TEST

/* While the rest of a tenant cannot be removed, its name is free all the same. */
START_TEST(test_made_again_while_removed)
{
    const char *dir = test_dir();
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    struct tenant_kit k;
    start_with_expiring(&k, dir, fs);
    fs_fault_break(fs, FS_FAULT_REMOVE, EACCES);
    tenants_maintain(k.tenants);
    ck_assert_uint_eq(tenant_kit_in_state(&k, "gone"), 1);
    ck_assert(!exists(dir, "a") && exists(dir, TENANT_GONE_PREFIX "a"));
    tenant_kit_put(&k, "a", "__name__=up", kit_now_ms + 1, 2);
    fs_fault_heal(fs);
    tenant_kit_pass(&k, 8000);
    ck_assert_uint_eq(tenant_kit_in_state(&k, "gone"), 0);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    ck_assert_str_eq(tenant_kit_dump(&k, &a, "a"), "up: 1700000000001=2; ");
    tenant_kit_fini(&k);
}
END_TEST

/* With synced writes, the way to a new database is on the disk before it takes any. */
START_TEST(test_new_directories_are_synced)
{
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    struct tenant_kit k;
    tenant_kit_init(&k, test_dir(), fs);
    k.opts.db.wal_sync = WAL_SYNC_BATCH;
    tenant_kit_start(&k);
    struct tenant *t = NULL;
    fs_fault_arm(fs, &(struct fs_fault_opts){.calls = FS_FAULT_SYNC});
    CK_OK(tenants_acquire(k.tenants, STR("a"), &t));
    tenant_release(t);
    uint64_t syncs = fs_fault_calls(fs);
    ck_assert_uint_ge(syncs, 3); /* of wal/, a/ and the root */
    for (uint64_t n = 1; n <= syncs; n++) {
        fs_fault_arm(fs, &(struct fs_fault_opts){.calls = FS_FAULT_SYNC, .fail_call = n});
        CK_ERR(ERR_IO, tenants_acquire(k.tenants, STR("b"), &t));
        ck_assert_uint_eq(tenants_count(k.tenants), 1);
        AUTO(mem_free) char *dir = fs_path_below(k.opts.dir, STR("b"));
        CK_OK(fs_remove_tree(fs_posix(), dir)); /* the next one is new again */
    }
    tenant_kit_fini(&k);
}
END_TEST

Suite *
tenants_disk_suite(void)
{
    Suite *s = suite_create("tenants_disk");
    TCase *t = tcase_create("tenants_disk");
    tcase_add_test(t, test_crash_while_pruning);
    tcase_add_test(t, test_failure_while_pruning);
    tcase_add_test(t, test_made_again_while_removed);
    tcase_add_test(t, test_new_directories_are_synced);
    suite_add_tcase(s, t);
    return s;
}
