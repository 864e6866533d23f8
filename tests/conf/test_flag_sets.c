/* Every table of the product: names are unique and well formed, defaults parse, help is a
 * sentence; and a deployment's command lines of Thanos are taken as they are. */
#include "tests/harness.h"

#include "base/mem.h"
#include "conf/all_flags.h"
#include "conf/flag_sets.h"
#include "conf/receive_flags.h"

/* The name with the twin of a CONTENT flag or the "no-" of a BOOL. */
static void
other_name(const struct flag *f, struct buf *to)
{
    buf_clear(to);
    buf_printf(to, "%s%s%s", f->type == FLAG_BOOL ? "no-" : "", f->name,
               f->type == FLAG_CONTENT ? "-file" : "");
}

static void
check_row(const struct flag_set *set, size_t i)
{
    AUTO(buf_fini) struct buf twin = BUF_INIT;
    const struct flag *f = &set->flags[i];
    size_t help_n = strlen(f->help);
    ROW_ASSERT(f->name, strlen(f->name) > 0 && strlen(f->name) < FLAG_NAME_BYTES_MAX);
    ROW_ASSERT(f->name, strspn(f->name, "abcdefghijklmnopqrstuvwxyz.-") == strlen(f->name));
    ROW_ASSERT(f->name, help_n > 1 && f->help[help_n - 1] == '.');
    ROW_ASSERT(f->name, (f->type == FLAG_ENUM) == (f->choices != NULL));
    for (size_t k = 0; k < set->count; k++) {
        if (k == i)
            continue;
        const struct flag *other = &set->flags[k];
        other_name(other, &twin);
        ROW_ASSERT(f->name, strcmp(f->name, other->name) != 0);
        ROW_ASSERT(f->name, strcmp(f->name, buf_cstr(&twin)) != 0);
        ROW_ASSERT(f->name, f->offset != other->offset);
    }
}

START_TEST(test_tables)
{
    for (size_t s = 0; flag_sets[s]; s++) {
        for (size_t i = 0; i < flag_sets[s]->count; i++)
            check_row(flag_sets[s], i);
    }
}
END_TEST

START_TEST(test_all_defaults)
{
    AUTO(arena_fini) struct arena a = {0};
    struct all_flags f = {0};
    CK_OK(flags_parse(&all_flag_set, fs_posix(), 0, NULL, 0, &a, &f));
    ck_assert(str_eq(f.data_dir, STR("./data")));
    ck_assert(str_eq(f.http_address, STR("0.0.0.0:10902")));
    ck_assert(str_eq(f.grpc_address, STR("0.0.0.0:10901")));
    ck_assert(str_eq(f.remote_write_address, STR("0.0.0.0:19291")));
    ck_assert(str_eq(f.tsdb_wal_sync, STR("none")));
    ck_assert(str_eq(f.log_level, STR("info")));
    ck_assert(str_eq(f.default_tenant_id, STR("default-tenant")));
    ck_assert_int_eq(f.query_timeout_ms, 120000);
    ck_assert_uint_eq(f.query_concurrent_max, 20);
    ck_assert_int_eq(f.query_lookback_ms, 300000);
    ck_assert(f.tsdb_wal_compression);
}
END_TEST

/* Command lines found in the documentation and operators of Thanos. */
START_TEST(test_receive_deployment)
{
    AUTO(arena_fini) struct arena a = {0};
    struct receive_flags f = {0};
    char *argv[] = {
        "mneme",
        "receive",
        "--log.level=info",
        "--log.format=logfmt",
        "--grpc-address=0.0.0.0:10901",
        "--http-address=0.0.0.0:10902",
        "--remote-write.address=0.0.0.0:19291",
        "--receive.replication-factor=3",
        "--tsdb.path=/var/thanos/receive",
        "--tsdb.retention=15d",
        "--tsdb.max-retention-bytes=512MB",
        "--label=replica=\"0\"",
        "--label=receive=\"true\"",
        "--objstore.config=type: S3",
        "--receive.local-endpoint=thanos-receive-0:10901",
        "--receive.hashrings-file=/var/lib/thanos-receive/hashrings.json",
        "--receive.hashrings-algorithm=ketama",
        "--receive-forward-timeout=5s",
        "--no-tsdb.wal-compression",
        "--tsdb.out-of-order.time-window=1h",
        "--enable-auto-gomemlimit",
    };
    CK_OK(flags_parse(&receive_flag_set, fs_posix(), (int)ARRAY_LEN(argv), argv, 2, &a, &f));
    ck_assert_uint_eq(f.replication_factor, 3);
    ck_assert_int_eq(f.tsdb_retention_ms, 1296000000);
    ck_assert_uint_eq(f.tsdb_retention_bytes, 512u << 20);
    ck_assert_uint_eq(f.labels.n, 2);
    ck_assert(str_eq(f.objstore_config.text, STR("type: S3")));
    ck_assert(str_eq(f.hashrings_algorithm, STR("ketama")));
    ck_assert(!f.tsdb_wal_compression && f.auto_gomemlimit);
    ck_assert_int_eq(f.hashrings_refresh_ms, 300000);
}
END_TEST

static const struct bad_flag_case {
    char *arg;
    const char *text;
} bad_flag_cases[] = {
    {"--log.level=loud", "\"loud\" is not one of error|warn|info|debug"},
    {"--log.format=xml", "is not one of"},
    {"--tsdb.wal-sync=always", "\"always\" is not one of none|batch"},
    {"--query.timeout=0", "too small"},
    {"--query.timeout=-2m", "too small"},
    {"--query.max-concurrent=0", "too small"},
    {"--query.lookback-delta=5", "not a duration"},
    {"--http-address=10902", "not an address"},
    {"--remote-write.server-tls-min-version=1.4", "is not one of 1.0|1.1|1.2|1.3"},
    {"--tsdb.retention=-1d", "not a duration"},
    {"--data-dri=x", "did you mean --data-dir?"},
    {"--web.listen-address=:9090", "unknown flag"},
};

START_TEST(test_all_refuses)
{
    AUTO(arena_fini) struct arena a = {0};
    struct all_flags f = {0};
    char *argv[] = {bad_flag_cases[_i].arg};
    struct err e = flags_parse(&all_flag_set, fs_posix(), 1, argv, 0, &a, &f);
    ROW_ASSERT(argv[0], e.code == ERR_INVALID);
    ck_assert_msg(strstr(err_text(&e), bad_flag_cases[_i].text) != NULL, "%s", err_text(&e));
    err_drop(e);
}
END_TEST

Suite *
flag_sets_suite(void)
{
    Suite *s = suite_create("flag_sets");
    TCase *t = tcase_create("flag_sets");
    tcase_add_test(t, test_tables);
    tcase_add_test(t, test_all_defaults);
    tcase_add_test(t, test_receive_deployment);
    tcase_add_loop_test(t, test_all_refuses, 0, ARRAY_LEN(bad_flag_cases));
    suite_add_tcase(s, t);
    return s;
}
