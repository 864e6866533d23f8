/* Tenants are made once, found again after a restart, apart from each other, and only under
 * names that are safe in a path. */
#include "tests/tsdb/head_kit.h"

#include <pthread.h>
#include <stdio.h>

#include "tsdb/tenants.h"

static const struct name_case {
    const char *name;
    bool ok;
} name_cases[] = {
    {"default-tenant", true}, {"a", true}, {"team_1.prod@eu", true}, {"(x)!*'", true},
    {"..a", true},
    {"", false}, {".", false}, {"..", false}, {"lost+found", false}, {"a/b", false}, {"a b", false},
    {"a\\b", false}, {"t\xc3\xa4", false}, {"a\n", false}, {"%2e%2e", false},
};

START_TEST(test_names)
{
    const struct name_case *c = &name_cases[_i];
    struct err e = tenant_name_check(str_of_cstr(c->name));
    ROW_ASSERT(c->name, (e.code == ERR_NONE) == c->ok);
    ROW_ASSERT(c->name, c->ok || e.code == ERR_INVALID);
    err_drop(e);
}
END_TEST

START_TEST(test_name_length)
{
    char name[TENANT_NAME_BYTES_MAX + 1];
    memset(name, 'x', sizeof name);
    CK_OK(tenant_name_check(str_of(name, TENANT_NAME_BYTES_MAX)));
    CK_ERR(ERR_INVALID, tenant_name_check(str_of(name, sizeof name)));
    CK_ERR(ERR_INVALID, tenant_name_check(STR("a\0b")));
}
END_TEST

struct fixture {
    struct pool *pool;
    struct metrics *metrics;
    struct tenants *tenants;
};

static struct fixture
open_tenants(const char *dir)
{
    struct fixture f = {.metrics = metrics_open()};
    struct pool_opts pool = {.name = "test", .threads = 2, .queued_limit = 10};
    CK_OK(pool_start(&pool, &f.pool));
    struct tenants_opts opts = {.dir = dir, .db = kit_opts(fs_posix(), NULL), .metrics = f.metrics};
    CK_OK(tenants_open(&opts, f.pool, &f.tenants));
    return f;
}

static void
close_tenants(struct fixture f)
{
    tenants_close(f.tenants);
    pool_stop(f.pool);
    metrics_close(f.metrics);
}

START_TEST(test_restart)
{
    const char *dir = test_dir();
    struct fixture f = open_tenants(dir);
    ck_assert_ptr_null(tenants_find(f.tenants, STR("a")));
    struct db *db, *again;
    for (int i = 0; i < 5; i++) {
        char name[2] = {(char)('a' + i), 0};
        CK_OK(tenants_get_or_create(f.tenants, str_of_cstr(name), &db));
        CK_OK(tenants_get_or_create(f.tenants, str_of_cstr(name), &again));
        ck_assert_ptr_eq(db, again);
        kit_put(db, "__name__=up", 1000, i);
    }
    CK_ERR(ERR_INVALID, tenants_get_or_create(f.tenants, STR("../x"), &db));
    tenants_maintain(f.tenants);
    AUTO(buf_fini) struct buf text = BUF_INIT;
    metrics_write(f.metrics, METRICS_TEXT, &text);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&text), "prometheus_tsdb_head_series{tenant=\"c\"} 1"));
    close_tenants(f);

    f = open_tenants(dir);
    ck_assert_uint_eq(tenants_count(f.tenants), 5);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    ck_assert_str_eq(kit_dump(&a, tenants_find(f.tenants, STR("c"))), "up: 1000=2; ");
    close_tenants(f);
}
END_TEST

static void *
create_all(void *arg)
{
    for (int i = 0; i < 20; i++) {
        char name[32], labels[32];
        snprintf(name, sizeof name, "t%d", i);
        struct db *db = NULL;
        struct err e = tenants_get_or_create(arg, str_of_cstr(name), &db);
        if (e.code != ERR_NONE)
            return (void *)1;
        snprintf(labels, sizeof labels, "__name__=up,id=%d", i);
        struct kit_request k;
        kit_request_init(&k);
        kit_row(&k, labels);
        kit_sample(&k, 1000, 1);
        struct append_result r;
        e = kit_append(&k, db, &r);
        kit_request_fini(&k);
        if (e.code != ERR_NONE || r.fates[SAMPLE_STORED] + r.fates[SAMPLE_REPEATED] != 1)
            return (void *)1;
    }
    return NULL;
}

START_TEST(test_created_once)
{
    struct fixture f = open_tenants(test_dir());
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, create_all, f.tenants), 0);
    for (int i = 0; i < 4; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        ck_assert_ptr_null(failed);
    }
    ck_assert_uint_eq(tenants_count(f.tenants), 20);
    close_tenants(f);
}
END_TEST

START_TEST(test_refused_start)
{
    const char *dir = test_dir();
    struct fixture f = open_tenants(dir);
    struct db *db;
    CK_OK(tenants_get_or_create(f.tenants, STR("a"), &db));
    struct tenants_opts opts = {.dir = dir, .db = kit_opts(fs_posix(), NULL), .metrics = f.metrics};
    struct tenants *second = NULL;
    CK_ERR(ERR_CONFLICT, tenants_open(&opts, f.pool, &second)); /* in use */
    close_tenants(f);
}
END_TEST

Suite *
tenants_suite(void)
{
    Suite *s = suite_create("tenants");
    TCase *t = tcase_create("tenants");
    tcase_add_loop_test(t, test_names, 0, ARRAY_LEN(name_cases));
    tcase_add_test(t, test_name_length);
    tcase_add_test(t, test_restart);
    tcase_add_test(t, test_created_once);
    tcase_add_test(t, test_refused_start);
    suite_add_tcase(s, t);
    return s;
}
