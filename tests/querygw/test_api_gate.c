/* A query that waits for its place is told so when its time is over, by either flavour; the one in
 * its place is noted in the file of running queries meanwhile, and ends well. */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/mem.h"
#include "querygw/api/active_queries.h"
#include "tests/harness.h"
#include "tests/querygw/api_fixture.h"
#include "tests/querygw/series_notation.h"

static struct api_fixture f;
static struct store_ops slow_ops;
static struct err (*plain_select)(struct store *s, const struct select_query *q,
                                  struct matchers matchers, struct arena *a,
                                  struct series_set **ret_set);
static _Atomic(bool) inside, let_go;
static struct active_queries *active;
static const char *dir;

static void
nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000 * 1000}, NULL);
}

static struct err
slow_select(struct store *s, const struct select_query *q, struct matchers matchers,
            struct arena *a, struct series_set **ret_set)
{
    atomic_store(&inside, true);
    while (!atomic_load(&let_go))
        nap();
    return plain_select(s, q, matchers, a, ret_set);
}

static void
start(enum api_flavour flavour)
{
    dir = test_dir();
    struct active_queries_opts a = {
        .fs = fs_posix(), .dir = dir, .places = 1, .clock = clock_system()};
    CK_OK(active_queries_open(&a, &active));
    struct api_opts opts = {.flavour = flavour, .queries_max = 1, .active_queries = active};
    api_fixture_start(&f, opts);
    notation_load_text(&f.store, "up 1\n", 0, 60000);
    slow_ops = *f.store.store.ops;
    plain_select = slow_ops.select;
    slow_ops.select = slow_select;
    f.store.store.ops = &slow_ops;
    atomic_store(&inside, false);
    atomic_store(&let_go, false);
}

static void *
ask(void *reply)
{
    *(struct reply *)reply = api_get(&f, "/api/v1/query?query=up&time=0", "");
    return NULL;
}

static size_t
places_in_use(void)
{
    AUTO(mem_free) char *path = fs_path_below(dir, STR("queries.active"));
    AUTO(buf_fini) struct buf file = BUF_INIT;
    CK_OK(fs_read_file(fs_posix(), path, 1 << 20, &file));
    return strstr(buf_cstr(&file), "[{\"query\":\"up\",\"timestamp_sec\":") ? 1 : 0;
}

static void
expect_queue(enum api_flavour flavour, int status, const char *body)
{
    struct reply first;
    pthread_t thread;
    start(flavour);
    ck_assert_int_eq(pthread_create(&thread, NULL, ask, &first), 0);
    while (!atomic_load(&inside))
        nap();
    ck_assert_uint_eq(places_in_use(), 1);
    AUTO(reply_fini) struct reply r = api_get(&f, "/api/v1/query?query=1&timeout=50ms", "");
    ck_assert_int_eq(r.status, status);
    ck_assert_str_eq(buf_cstr(&r.body), body);
    AUTO(reply_fini) struct reply bad = api_get(&f, "/api/v1/query?query=up%7B", "");
    ck_assert_int_eq(bad.status, 400); /* what cannot run does not wait */
    AUTO(reply_fini) struct reply labels = api_get(&f, "/api/v1/labels", "");
    ck_assert_int_eq(labels.status, 200); /* nor what is no query */
    atomic_store(&let_go, true);
    pthread_join(thread, NULL);
    ck_assert_int_eq(first.status, 200);
    ck_assert_uint_eq(places_in_use(), 0);
    reply_fini(&first);
    api_fixture_stop(&f);
    active_queries_close(active);
}

START_TEST(test_prometheus)
{
    expect_queue(API_PROMETHEUS, 503,
                 "{\"status\":\"error\",\"errorType\":\"timeout\",\"error\":\"query timed out in "
                 "query queue\"}");
}
END_TEST

START_TEST(test_thanos)
{
    expect_queue(API_THANOS, 422,
                 "{\"status\":\"error\",\"errorType\":\"execution\",\"error\":\"context deadline "
                 "exceeded\"}");
}
END_TEST

Suite *
api_gate_suite(void)
{
    Suite *s = suite_create("api_gate");
    TCase *t = tcase_create("api_gate");
    tcase_add_test(t, test_prometheus);
    tcase_add_test(t, test_thanos);
    suite_add_tcase(s, t);
    return s;
}
