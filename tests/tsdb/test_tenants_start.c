/* A start opens what it finds, closes what it needs not, and goes on with removals that a crash
 * has broken off; it refuses what an operator must see. */
#include "tests/tsdb/tenant_kit.h"

#include <stdio.h>

static bool
exists(const char *dir, const char *name)
{
    AUTO(mem_free) char *path = fs_path_below(dir, str_of_cstr(name));
    return fs_exists(fs_posix(), path);
}

static void
make_dir(const char *dir, const char *name)
{
    AUTO(mem_free) char *path = fs_path_below(dir, str_of_cstr(name));
    CK_OK(fs_make_dirs(fs_posix(), path));
}

START_TEST(test_refused_while_in_use)
{
    const char *dir = test_dir();
    struct tenant_kit a, b;
    tenant_kit_init(&a, dir, NULL);
    tenant_kit_start(&a);
    tenant_kit_put(&a, "a", "__name__=up", 1000, 1);
    tenant_kit_init(&b, dir, NULL);
    CK_ERR(ERR_CONFLICT, tenants_open(&b.opts, b.pool, &b.tenants));
    tenant_kit_fini(&b);
    tenant_kit_fini(&a);
}
END_TEST

START_TEST(test_closed_ones_stay_closed)
{
    struct tenant_kit k;
    tenant_kit_init(&k, test_dir(), NULL);
    tenant_kit_start(&k);
    char name[16];
    for (int i = 0; i < 30; i++) {
        snprintf(name, sizeof name, "t%d", i);
        tenant_kit_put(&k, name, "__name__=up", 1000 + i, i);
    }
    tenant_kit_stop(&k);
    tenant_kit_start(&k); /* each head says it is empty */
    ck_assert_uint_eq(tenant_kit_in_state(&k, "dormant"), 30);
    ck_assert(tenant_kit_metric(&k, "prometheus_tsdb_head_series{tenant=\"t7\"}") == -1);
    struct tenant *t = NULL;
    CK_OK(tenants_acquire_to_read(k.tenants, STR("t7"), 1008, 1008, &t));
    ck_assert_ptr_null(t); /* its times are known */
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    ck_assert_str_eq(tenant_kit_dump(&k, &a, "t7"), "up: 1007=7; ");
    tenant_kit_fini(&k);
}
END_TEST

START_TEST(test_directories)
{
    const char *dir = test_dir();
    struct tenant_kit k;
    tenant_kit_init(&k, dir, NULL);
    make_dir(dir, "lost+found");
    make_dir(dir, "not a tenant");
    make_dir(dir, "tenant");
    make_dir(dir, "#gone-tenant/wal");
    make_dir(dir, "#gone-other/wal/checkpoint.0");
    make_dir(dir, "#gone-"); /* not ours */
    tenant_kit_start(&k);
    ck_assert_uint_eq(tenants_count(k.tenants), 1);
    ck_assert_uint_eq(tenant_kit_in_state(&k, "gone"), 2);
    ck_assert(!tenants_know(k.tenants, STR("other")));
    tenant_kit_pass(&k, 5000);
    ck_assert_uint_eq(tenant_kit_in_state(&k, "gone"), 0);
    ck_assert(!exists(dir, "#gone-tenant") && !exists(dir, "#gone-other"));
    ck_assert(exists(dir, "tenant") && exists(dir, "lost+found") && exists(dir, "#gone-"));
    tenant_kit_fini(&k);
}
END_TEST

static const struct label_case {
    const char *name;
    struct label v[2];
    size_t n;
    const char *tenant_label;
} label_cases[] = {
    {"no name", {{STR_INIT(""), STR_INIT("x")}}, 1, ""},
    {"no value", {{STR_INIT("a"), STR_INIT("")}}, 1, ""},
    {"name not UTF-8", {{STR_INIT("\xff"), STR_INIT("x")}}, 1, ""},
    {"value not UTF-8", {{STR_INIT("a"), STR_INIT("\xff")}}, 1, ""},
    {"twice", {{STR_INIT("a"), STR_INIT("1")}, {STR_INIT("a"), STR_INIT("2")}}, 2, ""},
    {"tenant label not UTF-8", {{STR_INIT("a"), STR_INIT("1")}}, 1, "\xff"},
};

START_TEST(test_labels_refused)
{
    const struct label_case *c = &label_cases[_i];
    struct tenant_kit k;
    tenant_kit_init(&k, test_dir(), NULL);
    k.opts.labels = (struct labels){c->v, c->n};
    k.opts.tenant_label = str_of_cstr(c->tenant_label);
    struct err e = tenants_open(&k.opts, k.pool, &k.tenants);
    ROW_ASSERT(c->name, e.code == ERR_INVALID);
    err_drop(e);
    tenant_kit_fini(&k);
}
END_TEST

Suite *
tenants_start_suite(void)
{
    Suite *s = suite_create("tenants_start");
    TCase *t = tcase_create("tenants_start");
    tcase_add_test(t, test_refused_while_in_use);
    tcase_add_test(t, test_closed_ones_stay_closed);
    tcase_add_test(t, test_directories);
    tcase_add_loop_test(t, test_labels_refused, 0, ARRAY_LEN(label_cases));
    suite_add_tcase(s, t);
    return s;
}
