/* A database answers queries as a store: what was appended comes out of the engine. */
#include "base/fs.h"
#include "querygw/store/store_tsdb.h"
#include "tests/harness.h"
#include "tests/querygw/query_fixture.h"
#include "tests/tsdb/head_kit.h"

struct fixture {
    struct pool *pool;
    struct metrics *metrics;
    struct tenants *tenants;
    struct arena arena;
    struct clock_manual clock;
};

static bool
always_empty(struct db *db)
{
    (void)db;
    return true;
}

static void
fixture_open(struct fixture *f)
{
    *f = (struct fixture){.metrics = metrics_open()};
    arena_init(&f->arena, 0);
    struct pool_opts pool = {.name = "test", .threads = 1, .queued_limit = 4};
    CK_OK(pool_start(&pool, &f->pool));
    struct tenants_opts opts = {
        .dir = test_dir(), .db = kit_opts(fs_posix(), NULL), .metrics = f->metrics};
    clock_manual_init(&f->clock, 0);
    opts.db.clock = &f->clock.clock;
    opts.hooks.head_is_empty = always_empty; /* so that tenants fall asleep */
    CK_OK(tenants_open(&opts, f->pool, &f->tenants));
}

static void
fixture_close(struct fixture *f)
{
    arena_fini(&f->arena); /* lets go of tenants */
    tenants_finish(f->tenants);
    tenants_close(f->tenants);
    pool_stop(f->pool);
    metrics_close(f->metrics);
}

static void
put(struct fixture *f, const char *labels, int64_t t_ms, double value)
{
    AUTO(tenant_release) struct tenant *t = NULL;
    CK_OK(tenants_acquire(f->tenants, STR("a"), &t));
    kit_put(tenant_db(t), labels, t_ms, value);
}

/* The value of an instant query that has one element. */
static double
ask(struct fixture *f, struct store *store, const char *query, int64_t t_ms)
{
    struct query_fixture plans; /* for its arena */
    struct promql_plan *plan;
    struct promql_result *r;
    struct promql_limits limits = {0};
    query_fixture_init(&plans);
    AUTO(promql_close) struct promql_run *run = NULL;
    CK_OK(query_plan(&plans, query, span_instant(t_ms), &plan));
    CK_OK(promql_open(&f->arena, plan, store, &limits, &run));
    CK_OK(promql_eval(run, &r));
    ck_assert_uint_eq(r->count, 1);
    double value = r->series[0].values[0];
    query_fixture_fini(&plans);
    return value;
}

START_TEST(test_query)
{
    struct fixture f;
    fixture_open(&f);
    for (int64_t i = 0; i < 1000; i++) {
        put(&f, "__name__=m_total,i=0", i * 1000, (double)i);
        put(&f, "__name__=m_total,i=1", i * 1000, (double)(2 * i));
    }
    struct store *store = store_tsdb_of_tenant(f.tenants, &f.arena, STR("a"));
    ck_assert(store != NULL);
    ck_assert(ask(&f, store, "sum(m_total)", 999000) == 2997);
    ck_assert(ask(&f, store, "sum(rate(m_total[5m]))", 999000) == 3);
    ck_assert(ask(&f, store, "count_over_time(m_total{i=\"1\"}[1h])", 999000) == 1000);
    ck_assert(ask(&f, store, "m_total{i=\"1\"}", 10500) == 20);
    fixture_close(&f);
}
END_TEST

START_TEST(test_labels)
{
    struct fixture f;
    fixture_open(&f);
    put(&f, "__name__=m,i=0", 0, 1);
    put(&f, "__name__=n,k=1", 0, 1);
    struct select_query q = {.mint_ms = INT64_MIN, .maxt_ms = INT64_MAX, .want = SELECT_LABELS};
    struct matcher m;
    CK_OK(matcher_make(&f.arena, MATCH_EQUAL, STR("__name__"), STR("n"), &m));
    struct str_list names, values;
    struct store *s = store_tsdb_of_tenant(f.tenants, &f.arena, STR("a"));
    ck_assert(s != NULL);
    CK_OK(s->ops->label_names(s, &q, (struct matchers){&m, 1}, &f.arena, &names));
    ck_assert(names.n == 2 && str_eq(names.v[1], STR("k")));
    CK_OK(s->ops->label_names(s, &q, (struct matchers){0}, &f.arena, &names));
    ck_assert_uint_eq(names.n, 3);
    CK_OK(s->ops->label_values(s, &q, STR("__name__"), (struct matchers){0}, &f.arena, &values));
    ck_assert(values.n == 2 && str_eq(values.v[0], STR("m")));
    CK_OK(s->ops->label_values(s, &q, STR("i"), (struct matchers){&m, 1}, &f.arena, &values));
    ck_assert_uint_eq(values.n, 0);
    fixture_close(&f);
}
END_TEST

/* A database that was told nothing about its samples has nothing to tell. */
START_TEST(test_about)
{
    struct fixture f;
    fixture_open(&f);
    put(&f, "__name__=m", 0, 1);
    struct store *s = store_tsdb_of_tenant(f.tenants, &f.arena, STR("a"));
    struct matchers all = {NULL, 0};
    struct exemplar_query q = {&all, 1, INT64_MIN, INT64_MAX};
    struct series_exemplars_list exemplars = {.n = 77};
    struct family_metadata_list metadata = {.n = 77};
    CK_OK(s->ops->exemplars(s, &q, &f.arena, &exemplars));
    CK_OK(s->ops->metadata(s, STR(""), SIZE_MAX, &f.arena, &metadata));
    ck_assert_uint_eq(exemplars.n, 0);
    ck_assert_uint_eq(metadata.n, 0);
    fixture_close(&f);
}
END_TEST

START_TEST(test_cardinality)
{
    struct fixture f;
    fixture_open(&f);
    put(&f, "__name__=m,i=0", 5, 1);
    put(&f, "__name__=m,i=1", 6, 1);
    struct store *s = store_tsdb_of_tenant(f.tenants, &f.arena, STR("a"));
    struct cardinality c;
    CK_OK(s->ops->cardinality(s, 1, &f.arena, &c));
    ck_assert(c.series == 2 && c.pairs == 3 && c.chunks == 2 && c.mint_ms == 5 && c.maxt_ms == 6);
    ck_assert_uint_eq(c.series_by_pair.n, 1);
    ck_assert(str_eq(c.series_by_pair.v[0].name, STR("__name__=m")));
    fixture_close(&f);
}
END_TEST

START_TEST(test_unknown_tenant)
{
    struct fixture f;
    fixture_open(&f);
    ck_assert(store_tsdb_of_tenant(f.tenants, &f.arena, STR("nobody")) == NULL);
    ck_assert_uint_eq(tenants_count(f.tenants), 0); /* asking makes none */
    fixture_close(&f);
}
END_TEST

static void
let_an_hour_pass(struct fixture *f)
{
    clock_manual_advance_ms(&f->clock, 3600 * 1000);
    tenants_maintain(f->tenants);
}

static size_t
open_tenants(struct fixture *f)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    metrics_write(f->metrics, METRICS_TEXT, &text);
    const char *line = strstr(buf_cstr(&text), "mneme_tenants{state=\"open\"} ");
    return line ? (size_t)(line[strlen("mneme_tenants{state=\"open\"} ")] - '0') : 99;
}

static size_t
count_names(struct fixture *f, struct store *s, struct select_query q)
{
    struct str_list names;
    CK_OK(s->ops->label_names(s, &q, (struct matchers){0}, &f->arena, &names));
    return names.n;
}

/* A query wakes a tenant when it reaches its samples, and keeps it awake until its arena ends. */
START_TEST(test_dormant_tenant)
{
    struct fixture f;
    fixture_open(&f);
    put(&f, "__name__=m,i=0", 5000, 1);
    let_an_hour_pass(&f);
    ck_assert_uint_eq(open_tenants(&f), 0);
    struct store *s = store_tsdb_of_tenant(f.tenants, &f.arena, STR("a"));
    ck_assert(s != NULL);
    struct select_query late = {.mint_ms = 5001, .maxt_ms = 9000, .want = SELECT_LABELS};
    struct select_query there = {.mint_ms = 5000, .maxt_ms = 5000, .want = SELECT_LABELS};
    struct str_list values;
    ck_assert_uint_eq(count_names(&f, s, late), 0);
    CK_OK(s->ops->label_values(s, &late, STR("i"), (struct matchers){0}, &f.arena, &values));
    ck_assert_uint_eq(values.n, 0);
    struct matcher m;
    CK_OK(matcher_make(&f.arena, MATCH_EQUAL, STR("i"), STR("0"), &m));
    struct series_set *set;
    struct series_view series;
    bool more = true;
    CK_OK(s->ops->select(s, &late, (struct matchers){&m, 1}, &f.arena, &set));
    CK_OK(series_set_next(set, &series, &more));
    ck_assert(!more);
    series_set_close(set);
    ck_assert_uint_eq(open_tenants(&f), 0);

    ck_assert_uint_eq(count_names(&f, s, there), 2);
    let_an_hour_pass(&f);
    let_an_hour_pass(&f);
    ck_assert_uint_eq(open_tenants(&f), 1);
    ck_assert_uint_eq(count_names(&f, s, there), 2);
    arena_reset(&f.arena);
    let_an_hour_pass(&f);
    ck_assert_uint_eq(open_tenants(&f), 0);
    fixture_close(&f);
}
END_TEST

Suite *
store_tsdb_suite(void)
{
    Suite *s = suite_create("store_tsdb");
    TCase *t = tcase_create("store_tsdb");
    tcase_add_test(t, test_query);
    tcase_add_test(t, test_labels);
    tcase_add_test(t, test_about);
    tcase_add_test(t, test_cardinality);
    tcase_add_test(t, test_unknown_tenant);
    tcase_add_test(t, test_dormant_tenant);
    suite_add_tcase(s, t);
    return s;
}
