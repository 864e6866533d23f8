/* The process' figures are there and follow what the process does. */
#include "tests/harness.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/process.h"

/* The value that an exposition shows for `name`; -1 when it has none. */
static double
exposed(struct metrics *m, const char *name)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    buf_put_u8(&b, '\n');
    metrics_write(m, METRICS_TEXT, &b);
    AUTO(buf_fini) struct buf line = BUF_INIT;
    buf_printf(&line, "\n%s ", name);
    const char *at = strstr(buf_cstr(&b), buf_cstr(&line));
    return at ? strtod(at + line.n, NULL) : -1;
}

static const struct figure_case {
    const char *name;
    double min, max;
} figure_cases[] = {
    {"process_cpu_seconds_total", 0, 1e6},
    {"process_virtual_memory_bytes", 1 << 20, 0x1p50},
    {"process_virtual_memory_max_bytes", 1 << 20, 0x1p64},
    {"process_resident_memory_bytes", 1 << 19, 0x1p40},
    {"process_open_fds", 3, 1000},
    {"process_max_fds", 16, 0x1p64},
    {"mneme_memory_allocated_bytes", 0, 0x1p40},
    {"mneme_memory_active_bytes", 0, 0x1p40},
    {"mneme_memory_mapped_bytes", 0, 0x1p50},
    {"mneme_memory_resident_bytes", 0, 0x1p40},
    {"mneme_memory_retained_bytes", 0, 0x1p50},
    {"go_goroutines", 1, 1000},
    {"go_memstats_alloc_bytes", 0, 0x1p40},
    {"go_memstats_heap_alloc_bytes", 0, 0x1p40},
    {"go_memstats_heap_inuse_bytes", 0, 0x1p40},
};

START_TEST(test_figures)
{
    const struct figure_case *c = &figure_cases[_i];
    struct metrics *m = metrics_open();
    process_metrics_register(m);
    double v = exposed(m, c->name);
    ck_assert_msg(v >= c->min && v <= c->max, "%s is %g", c->name, v);
    metrics_close(m);
}
END_TEST

START_TEST(test_start_time)
{
    struct metrics *m = metrics_open();
    process_metrics_register(m);
    double start = exposed(m, "process_start_time_seconds");
    double now = (double)clock_wall_ms(clock_system()) / 1000;
    ck_assert_msg(start > now - 3600 && start < now + 2, "started at %f, now %f", start, now);
    metrics_close(m);
}
END_TEST

START_TEST(test_fds_follow)
{
    struct metrics *m = metrics_open();
    process_metrics_register(m);
    double before = exposed(m, "process_open_fds");
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert(exposed(m, "process_open_fds") == before + 2);
    close(fds[0]);
    close(fds[1]);
    ck_assert(exposed(m, "process_open_fds") == before);
    metrics_close(m);
}
END_TEST

START_TEST(test_cpu_grows)
{
    struct metrics *m = metrics_open();
    process_metrics_register(m);
    double before = exposed(m, "process_cpu_seconds_total"), after = before;
    for (int i = 0; i < 100000 && after <= before; i++) /* about 10 ms of work */
        after = exposed(m, "process_cpu_seconds_total");
    ck_assert(after > before && after < before + 60);
    metrics_close(m);
}
END_TEST

START_TEST(test_open_files_limit)
{
    struct rlimit before, after;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit low = {.rlim_cur = 64, .rlim_max = before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
    ck_assert_uint_eq(process_raise_open_files_limit(), before.rlim_max);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &after), 0);
    ck_assert_uint_eq(after.rlim_cur, before.rlim_max);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
}
END_TEST

START_TEST(test_anonymous_bytes)
{
    enum { BYTES = 64 << 20 };
    uint64_t before = process_anonymous_bytes();
    ck_assert_uint_gt(before, 100 << 10);
    char *p = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(p, MAP_FAILED);
    memset(p, 1, BYTES);
    uint64_t touched = process_anonymous_bytes();
    ck_assert_uint_ge(touched, before + BYTES / 2);
    ck_assert_int_eq(munmap(p, BYTES), 0);
    ck_assert_uint_lt(process_anonymous_bytes(), touched - BYTES / 2);
}
END_TEST

Suite *
process_suite(void)
{
    Suite *s = suite_create("process");
    TCase *t = tcase_create("process");
    tcase_add_loop_test(t, test_figures, 0, ARRAY_LEN(figure_cases));
    tcase_add_test(t, test_start_time);
    tcase_add_test(t, test_fds_follow);
    tcase_add_test(t, test_cpu_grows);
    tcase_add_test(t, test_open_files_limit);
    tcase_add_test(t, test_anonymous_bytes);
    suite_add_tcase(s, t);
    return s;
}
