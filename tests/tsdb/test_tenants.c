/* Tenants are made once, found again after a restart, apart from each other, and stay open as long
 * as somebody holds them. */
#include "tests/tsdb/tenant_kit.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "base/fs_fault.h"
#include "tsdb/tenant_plan.h"

struct fixture {
    struct tenant_kit k;
    struct arena arena;
};

static void
fixture_start(struct fixture *f)
{
    arena_init(&f->arena, 0);
    tenant_kit_init(&f->k, test_dir(), NULL);
    tenant_kit_start(&f->k);
}

static void
fixture_stop(struct fixture *f)
{
    tenant_kit_fini(&f->k);
    arena_fini(&f->arena);
}

START_TEST(test_restart)
{
    struct fixture f;
    fixture_start(&f);
    struct tenant_kit *k = &f.k;
    ck_assert_ptr_null(tenant_kit_dump(k, &f.arena, "a"));
    struct tenant *first = NULL, *again = NULL;
    for (int i = 0; i < 5; i++) {
        char name[2] = {(char)('a' + i), 0};
        CK_OK(tenants_acquire(k->tenants, str_of_cstr(name), &first));
        CK_OK(tenants_acquire(k->tenants, str_of_cstr(name), &again));
        ck_assert_ptr_eq(first, again);
        kit_put(tenant_db(first), "__name__=up", 1000, i);
        tenant_release(first);
        tenant_release(again);
    }
    CK_ERR(ERR_INVALID, tenants_acquire(k->tenants, STR("../x"), &first));
    ck_assert(tenants_know(k->tenants, STR("c")) && !tenants_know(k->tenants, STR("f")));
    tenant_kit_stop(k);

    k->opts.hooks.head_is_empty = NULL; /* these have series: all stay open */
    tenant_kit_start(k);
    ck_assert_uint_eq(tenants_count(k->tenants), 5);
    ck_assert_uint_eq(tenant_kit_in_state(k, "open"), 5);
    struct str_list names = tenants_names(k->tenants, &f.arena);
    ck_assert_uint_eq(names.n, 5);
    for (size_t i = 0; i < names.n; i++)
        ck_assert(names.v[i].n == 1 && names.v[i].p[0] == (char)('a' + i));
    ck_assert_str_eq(tenant_kit_dump(k, &f.arena, "c"), "up: 1000=2; ");
    ck_assert(tenant_kit_metric(k, "prometheus_tsdb_head_series{tenant=\"c\"}") == 1);
    fixture_stop(&f);
}
END_TEST

static void *
create_all(void *arg)
{
    for (int i = 0; i < 20; i++) {
        char name[32], labels[32];
        snprintf(name, sizeof name, "t%d", i);
        AUTO(tenant_release) struct tenant *t = NULL;
        struct err e = tenants_acquire(arg, str_of_cstr(name), &t);
        if (e.code != ERR_NONE)
            return (void *)1;
        snprintf(labels, sizeof labels, "__name__=up,id=%d", i);
        struct kit_request k;
        kit_request_init(&k);
        kit_row(&k, labels);
        kit_sample(&k, 1000, 1);
        struct append_result r;
        e = kit_append(&k, tenant_db(t), &r);
        kit_request_fini(&k);
        if (e.code != ERR_NONE || r.fates[SAMPLE_STORED] + r.fates[SAMPLE_REPEATED] != 1)
            return (void *)1;
    }
    return NULL;
}

START_TEST(test_created_once)
{
    struct fixture f;
    fixture_start(&f);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, create_all, f.k.tenants), 0);
    for (int i = 0; i < 4; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        ck_assert_ptr_null(failed);
    }
    ck_assert_uint_eq(tenants_count(f.k.tenants), 20);
    ck_assert(tenant_kit_metric(&f.k, "mneme_tenant_opens_total") == 20);
    fixture_stop(&f);
}
END_TEST

/* Whoever reads makes no tenant, and opens a closed one only for times that it has. */
START_TEST(test_reading)
{
    struct fixture f;
    fixture_start(&f);
    struct tenant_kit *k = &f.k;
    struct tenant *t = NULL;
    CK_OK(tenants_acquire_to_read(k->tenants, STR("a"), INT64_MIN, INT64_MAX, &t));
    ck_assert_ptr_null(t);
    CK_OK(tenants_acquire_to_read(k->tenants, STR("../a"), INT64_MIN, INT64_MAX, &t));
    ck_assert_ptr_null(t);
    ck_assert_uint_eq(tenants_count(k->tenants), 0);
    tenant_kit_put(k, "a", "__name__=up", 1000, 1);
    tenant_kit_put(k, "a", "__name__=up", 2000, 2);
    tenant_kit_pass(k, TENANT_CLOSE_AFTER_MS + 1000);
    ck_assert_uint_eq(tenant_kit_in_state(k, "dormant"), 1);
    CK_OK(tenants_acquire_to_read(k->tenants, STR("a"), INT64_MIN, 999, &t));
    ck_assert_ptr_null(t);
    CK_OK(tenants_acquire_to_read(k->tenants, STR("a"), 2001, INT64_MAX, &t));
    ck_assert_ptr_null(t);
    ck_assert_uint_eq(tenant_kit_in_state(k, "dormant"), 1);
    CK_OK(tenants_acquire_to_read(k->tenants, STR("a"), 2000, 2000, &t));
    ck_assert_str_eq(kit_dump(&f.arena, tenant_db(t)), "up: 1000=1 2000=2; ");
    tenant_release(t);
    ck_assert_uint_eq(tenant_kit_in_state(k, "open"), 1);
    fixture_stop(&f);
}
END_TEST

/* A name that has failed to open is not tried again by everybody, but soon. */
START_TEST(test_failure_to_open)
{
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    struct tenant_kit k;
    struct tenant *t = NULL;
    tenant_kit_init(&k, test_dir(), fs);
    tenant_kit_start(&k);
    fs_fault_break(fs, FS_FAULT_MUTATING, ENOSPC);
    CK_ERR(ERR_NO_SPACE, tenants_acquire(k.tenants, STR("new"), &t));
    ck_assert_uint_eq(tenants_count(k.tenants), 0);
    fs_fault_heal(fs);
    tenant_kit_put(&k, "new", "__name__=up", 1000, 1);
    tenant_kit_pass(&k, TENANT_CLOSE_AFTER_MS + 1000);
    ck_assert_uint_eq(tenant_kit_in_state(&k, "dormant"), 1);

    fs_fault_break(fs, FS_FAULT_MUTATING, ENOSPC);
    CK_ERR(ERR_NO_SPACE, tenants_acquire(k.tenants, STR("new"), &t));
    fs_fault_heal(fs);
    CK_ERR(ERR_NO_SPACE, tenants_acquire(k.tenants, STR("new"), &t)); /* at once: the same */
    CK_ERR(ERR_NO_SPACE, tenants_acquire_to_read(k.tenants, STR("new"), INT64_MIN, INT64_MAX, &t));
    clock_manual_advance_ms(&k.clock, tenant_backoff_ms(1));
    tenant_kit_put(&k, "new", "__name__=up", 2000, 1);
    ck_assert_uint_eq(tenants_count(k.tenants), 1);
    tenant_kit_fini(&k);
}
END_TEST

static void
check_labels(struct tenant_kit *k, const char *tenant, const char *want)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(buf_fini) struct buf text = BUF_INIT;
    labels_format(tenants_labels(k->tenants, str_of_cstr(tenant), &a), &text);
    ck_assert_str_eq(buf_cstr(&text), want);
}

START_TEST(test_labels)
{
    struct tenant_kit k;
    tenant_kit_init(&k, test_dir(), NULL);
    struct label v[] = {
        {STR("zone"), STR("eu")}, {STR("tenant_id"), STR("x")}, {STR("a"), STR("b")}};
    k.opts.labels = (struct labels){v, ARRAY_LEN(v)};
    tenant_kit_start(&k);
    check_labels(&k, "t1", "{a=\"b\", tenant_id=\"x\", zone=\"eu\"}");
    tenant_kit_stop(&k);
    k.opts.tenant_label = STR("tenant_id");
    tenant_kit_start(&k);
    check_labels(&k, "t1", "{a=\"b\", tenant_id=\"t1\", zone=\"eu\"}");
    tenant_kit_stop(&k);
    k.opts.labels.n = 0;
    tenant_kit_start(&k);
    check_labels(&k, "t1", "{tenant_id=\"t1\"}");
    tenant_kit_fini(&k);
}
END_TEST

Suite *
tenants_suite(void)
{
    Suite *s = suite_create("tenants");
    TCase *t = tcase_create("tenants");
    tcase_add_test(t, test_restart);
    tcase_add_test(t, test_created_once);
    tcase_add_test(t, test_reading);
    tcase_add_test(t, test_failure_to_open);
    tcase_add_test(t, test_labels);
    suite_add_tcase(s, t);
    return s;
}
