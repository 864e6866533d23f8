/* The file of running queries, byte by byte as Prometheus writes it; and what the log tells of the
 * last run. */
#include <unistd.h>

#include "base/fs_fault.h"
#include "querygw/api/active_queries.h"
#include "tests/harness.h"

enum { PLACES = 3, FILE_BYTES = 1 + PLACES * ACTIVE_QUERY_BYTES };

static struct clock_manual clock;
static const char *dir;

static void
setup(void)
{
    dir = test_dir();
    clock_manual_init(&clock, INT64_C(1700000000000));
}

static struct active_queries *
open_queries(struct fs *fs, struct log *log)
{
    struct active_queries *q;
    struct active_queries_opts opts = {
        .fs = fs, .dir = dir, .places = PLACES, .clock = &clock.clock, .log = log};
    CK_OK(active_queries_open(&opts, &q));
    return q;
}

static void
read_file(struct buf *to)
{
    AUTO(mem_free) char *path = fs_path_below(dir, STR("queries.active"));
    buf_clear(to);
    CK_OK(fs_read_file(fs_posix(), path, 1 << 20, to));
    ck_assert_uint_eq(to->n, FILE_BYTES);
    ck_assert_int_eq(to->p[0], '[');
}

/* What stands in a place: the entry, NUL, and a comma at the end; or nothing but NUL. */
static struct str
entry_at(const struct buf *file, size_t place)
{
    struct str slot = str_of(file->p + 1 + place * ACTIVE_QUERY_BYTES, ACTIVE_QUERY_BYTES);
    struct str entry = str_of(slot.p, size_min(str_find_byte(slot, '\0'), slot.n - 1));
    bool used = entry.n > 0;
    for (size_t i = entry.n; i < slot.n; i++)
        ck_assert_int_eq(slot.p[i], used && i + 1 == slot.n ? ',' : 0);
    return entry;
}

static void
expect_entry(const struct buf *file, size_t place, const char *want)
{
    struct str got = entry_at(file, place);
    ck_assert_msg(str_eq(got, str_of_cstr(want)), "%.*s", STR_FMT(got));
}

#define AT_ONE ",\"timestamp_sec\":1700000000}"

START_TEST(test_places)
{
    AUTO(buf_fini) struct buf file = BUF_INIT;
    struct active_queries *q = open_queries(fs_posix(), NULL);
    read_file(&file);
    for (size_t i = 0; i < PLACES; i++)
        expect_entry(&file, i, "");
    active_queries_begin(q, 2, STR("up"));
    active_queries_begin(q, 0, STR("a < \"b\""));
    read_file(&file);
    expect_entry(&file, 0, "{\"query\":\"a \\u003c \\\"b\\\"\"" AT_ONE);
    expect_entry(&file, 1, "");
    expect_entry(&file, 2, "{\"query\":\"up\"" AT_ONE);
    active_queries_end(q, 2);
    read_file(&file);
    expect_entry(&file, 2, "");
    active_queries_close(q);
    active_queries_begin(NULL, 0, STR("up"));
    active_queries_end(NULL, 0);
    active_queries_close(NULL);
}
END_TEST

/* Cut behind a whole character, so that the entry and its comma fit. */
static const struct long_case {
    const char *name, *unit, *shown_unit; /* repeated */
    size_t shown;                         /* times */
} long_cases[] = {
    {"letters", "x", "x", 960},
    {"two bytes", "\xc3\xbc", "\xc3\xbc", 480},
    {"three bytes", "\xe2\x82\xac", "\xe2\x82\xac", 320},
    {"escapes", "<", "\\u003c", 160},
    {"quotes", "\"", "\\\"", 480},
};

START_TEST(test_long)
{
    const struct long_case *c = &long_cases[_i];
    AUTO(buf_fini) struct buf query = BUF_INIT, file = BUF_INIT, want = BUF_INIT;
    for (int i = 0; i < 3000; i++)
        buf_append(&query, str_of_cstr(c->unit));
    buf_append(&want, STR("{\"query\":\""));
    struct active_queries *q = open_queries(fs_posix(), NULL);
    active_queries_begin(q, 1, buf_str(&query));
    read_file(&file);
    struct str got = entry_at(&file, 1);
    size_t shown = (got.n - want.n - 1 - sizeof AT_ONE + 1) / strlen(c->shown_unit);
    for (size_t i = 0; i < shown; i++)
        buf_append(&want, str_of_cstr(c->shown_unit));
    buf_printf(&want, "\"" AT_ONE);
    expect_entry(&file, 1, buf_cstr(&want));
    ck_assert_msg(shown == c->shown, "%s: %zu", c->name, shown);
    active_queries_close(q);
}
END_TEST

static int
log_to_pipe(struct log **ret_log)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    struct log_opts opts = {.fd = ends[1], .clock = clock_system(), .level = LOG_INFO};
    *ret_log = log_open(&opts);
    return ends[0];
}

START_TEST(test_last_run)
{
    char text[4096];
    struct log *log;
    int end = log_to_pipe(&log);
    struct active_queries *q = open_queries(fs_posix(), log); /* no file: nothing to tell */
    active_queries_close(q);
    q = open_queries(fs_posix(), log); /* none was running */
    active_queries_begin(q, 0, STR("first"));
    active_queries_begin(q, 1, STR("done"));
    active_queries_begin(q, 2, STR("second"));
    active_queries_end(q, 1);
    active_queries_close(q); /* as a crash would */
    q = open_queries(fs_posix(), log);
    ssize_t n = read(end, text, sizeof text - 1);
    ck_assert_int_gt(n, 0);
    text[n] = '\0';
    ck_assert_ptr_nonnull(strstr(text, "these queries did not finish in the last run"));
    ck_assert_ptr_nonnull(
        strstr(text, "queries=\"[{\\\"query\\\":\\\"first\\\",\\\"timestamp_sec\\\":1700000000},"
                     "{\\\"query\\\":\\\"second\\\",\\\"timestamp_sec\\\":1700000000}]\""));
    ck_assert_ptr_null(strstr(strstr(text, "did not finish") + 1, "did not finish"));
    AUTO(buf_fini) struct buf file = BUF_INIT;
    read_file(&file);
    expect_entry(&file, 0, "");
    active_queries_close(q);
    log_close(log);
    close(end);
}
END_TEST

/* A disk that is full keeps no query from running, but a start from succeeding. */
START_TEST(test_disk)
{
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    struct active_queries *q = open_queries(fs, NULL);
    fs_fault_break(fs, FS_FAULT_WRITE, 28);
    active_queries_begin(q, 0, STR("up"));
    active_queries_end(q, 0);
    active_queries_close(q);
    struct active_queries_opts opts = {
        .fs = fs, .dir = dir, .places = PLACES, .clock = clock_system()};
    CK_ERR(ERR_NO_SPACE, active_queries_open(&opts, &q));
}
END_TEST

Suite *
active_queries_suite(void)
{
    Suite *s = suite_create("active_queries");
    TCase *t = tcase_create("active_queries");
    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, test_places);
    tcase_add_loop_test(t, test_long, 0, ARRAY_LEN(long_cases));
    tcase_add_test(t, test_last_run);
    tcase_add_test(t, test_disk);
    suite_add_tcase(s, t);
    return s;
}
