/* The scripts of PromQL: our own in tests/data/querygw/promql, and Prometheus' in
 * ../shared/promqltest beside the source tree where that exists. All must pass whole. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "tests/harness.h"
#include "tests/querygw/promqltest.h"
#include "tests/querygw/shared.h"

/* Each with names dropped at once, which Prometheus' scripts do not test, and those that mean the
 * same then with delayed names as well. */
/* clang-format off: a row a line */
static const struct own_script {
    const char *name;
    enum promqltest_names names;
} own[] = {
    {"aggregates", PROMQLTEST_NAMES_DROP},
    {"aggregates", PROMQLTEST_NAMES_DELAY},
    {"buckets", PROMQLTEST_NAMES_DROP},
    {"delayed_names", PROMQLTEST_NAMES_DELAY},
    {"durations", PROMQLTEST_NAMES_DROP},
    {"extended", PROMQLTEST_NAMES_DROP},
    {"fill", PROMQLTEST_NAMES_DROP},
    {"histograms", PROMQLTEST_NAMES_DROP},
    {"info", PROMQLTEST_NAMES_DROP},
    {"matching", PROMQLTEST_NAMES_DROP},
    {"math", PROMQLTEST_NAMES_DROP},
    {"math", PROMQLTEST_NAMES_DELAY},
    {"operators", PROMQLTEST_NAMES_DROP},
    {"over_time", PROMQLTEST_NAMES_DROP},
    {"over_time", PROMQLTEST_NAMES_DELAY},
    {"picks", PROMQLTEST_NAMES_DROP},
    {"picks", PROMQLTEST_NAMES_DELAY},
    {"rates", PROMQLTEST_NAMES_DROP},
    {"rates", PROMQLTEST_NAMES_DELAY},
    {"relabel", PROMQLTEST_NAMES_DROP},
    {"relabel", PROMQLTEST_NAMES_DELAY},
    {"selectors", PROMQLTEST_NAMES_DROP},
    {"selectors", PROMQLTEST_NAMES_DELAY},
    {"starts", PROMQLTEST_NAMES_DROP},
    {"subqueries", PROMQLTEST_NAMES_DROP},
    {"whole_vectors", PROMQLTEST_NAMES_DROP},
    {"windows", PROMQLTEST_NAMES_DROP},
    {"windows", PROMQLTEST_NAMES_DELAY},
};
/* clang-format on */

static void
run_file(const char *path, enum promqltest_names names, struct promqltest_report *report)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    CK_OK(fs_read_file(fs_posix(), path, 1 << 20, &text));
    const char *slash = strrchr(path, '/');
    promqltest_run(slash ? slash + 1 : path, buf_str(&text), names, report);
}

START_TEST(test_own)
{
    char path[128];
    snprintf(path, sizeof path, "querygw/promql/%s.test", own[_i].name);
    struct promqltest_report report = {0};
    run_file(test_data(path), own[_i].names, &report);
    ck_assert_msg(report.failed == 0, "%s", buf_cstr(&report.failures));
    ck_assert_uint_gt(report.passed, 10);
    promqltest_report_fini(&report);
}
END_TEST

#define HISTOGRAM_SCRIPT "load 10s\n m {{count:1 sum:2 buckets:[3 4]}}\n\neval instant at 0 m\n "

/* A runner that cannot fail proves nothing. */
static const struct wrong_case {
    const char *name, *script;
} wrong_cases[] = {
    {"value", "load 10s\n m 1\n\neval instant at 0 m\n m 2\n"},
    {"value in the last digits", "load 10s\n m 1\n\neval instant at 0 m\n m 1.00001\n"},
    {"name", "load 10s\n m 1\n\neval instant at 0 m\n n 1\n"},
    {"label", "load 10s\n m{a=\"1\"} 1\n\neval instant at 0 m\n m 1\n"},
    {"missing series", "load 10s\n m 1\n\neval instant at 0 m\n m 1\n n 1\n"},
    {"series too many", "load 10s\n m 1\n n 1\n\neval instant at 0 {__name__=~\".+\"}\n m 1\n"},
    {"empty", "load 10s\n m 1\n\neval instant at 0 m\n\n"},
    {"point missing", "load 10s\n m 1 2\n\neval range from 0 to 20s step 10s m\n m 1 2 2 3\n"},
    {"point too many", "load 10s\n m 1 2\n\neval range from 0 to 20s step 10s m\n m 1 2\n"},
    {"hole", "load 10s\n m 1 2\n\neval range from 0 to 20s step 10s m\n m 1 _ 2\n"},
    {"no failure", "load 10s\n m 1\n\neval instant at 0 m\n expect fail\n m 1\n"},
    {"failure", "eval instant at 0 m +\n"},
    {"another failure",
     "load 10s\n m 1\n n 1\n\neval instant at 0 {__name__=~\"m|n\"} + 1\n expect fail msg: x\n"},
    {"order",
     "load 10s\n m{a=\"1\"} 1\n m{a=\"2\"} 2\n\neval_ordered instant at 0 m\n m{a=\"2\"} 2\n "
     "m{a=\"1\"} 1\n"},
    {"note", "load 10s\n m 1 1\n\neval instant at 10s rate(m[1m])\n expect no_info\n {} 0\n"},
    {"other note",
     "load 10s\n m 1 1\n\neval instant at 10s rate(m[1m])\n expect info msg: x\n {} 0\n"},
    {"no note", "load 10s\n m 1\n\neval instant at 0 m\n expect warn\n m 1\n"},
    {"scalar", "eval instant at 0 1 + 1\n 3\n"},
    {"scalar for a vector", "load 10s\n m 1\n\neval instant at 0 m\n 1\n"},
    {"text", "eval instant at 0 \"a\"\n expect string \"b\"\n"},
    {"histogram for a float", "load 10s\n m 1\n\neval instant at 0 m\n m {{count:1}}\n"},
    {"float for a histogram", "load 10s\n m {{count:1}}\n\neval instant at 0 m\n m 1\n"},
    {"count", HISTOGRAM_SCRIPT "m {{count:1.00001 sum:2 buckets:[3 4]}}\n"},
    {"sum", HISTOGRAM_SCRIPT "m {{count:1 buckets:[3 4]}}\n"},
    {"bucket", HISTOGRAM_SCRIPT "m {{count:1 sum:2 buckets:[3 5]}}\n"},
    {"another bucket", HISTOGRAM_SCRIPT "m {{count:1 sum:2 buckets:[3 0 4]}}\n"},
    {"place of buckets", HISTOGRAM_SCRIPT "m {{count:1 sum:2 buckets:[3 4] offset:1}}\n"},
    {"negative bucket", HISTOGRAM_SCRIPT "m {{count:1 sum:2 buckets:[3 4] n_buckets:[1]}}\n"},
    {"zero bucket", HISTOGRAM_SCRIPT "m {{count:1 sum:2 buckets:[3 4] z_bucket:1}}\n"},
    {"zero threshold", HISTOGRAM_SCRIPT "m {{count:1 sum:2 buckets:[3 4] z_bucket_w:1}}\n"},
    {"schema", HISTOGRAM_SCRIPT "m {{schema:1 count:1 sum:2 buckets:[3 4]}}\n"},
    {"hint", HISTOGRAM_SCRIPT "m {{count:1 sum:2 buckets:[3 4] counter_reset_hint:gauge}}\n"},
    {"custom bounds",
     "load 10s\n m {{schema:-53 custom_values:[1]}}\n\neval instant at 0 m\n m {{schema:-53 "
     "custom_values:[2]}}\n"},
    {"command", "evil instant at 0 m\n"},
    {"series syntax", "load 10s\n m 1x\n"},
    {"range times", "load 10s\n m 1 2\n\neval instant at 10s m[1m]\n expect range vector from 5s "
                    "to 15s step 10s\n m "
                    "1 2\n"},
};

START_TEST(test_wrong_scripts_fail)
{
    const struct wrong_case *c = &wrong_cases[_i];
    struct promqltest_report report = {0};
    promqltest_run("wrong", str_of_cstr(c->script), PROMQLTEST_NAMES_DROP, &report);
    ck_assert_msg(report.failed == 1 && report.passed == 0, "%s", c->name);
    promqltest_report_fini(&report);
}
END_TEST

/* What does not count: the last digits, empty buckets, a hint that is not told. */
START_TEST(test_alike_histograms_pass)
{
    static const char *const alike[] = {
        HISTOGRAM_SCRIPT "m {{count:1.0000001 sum:2 buckets:[3 3.999999]}}\n",
        HISTOGRAM_SCRIPT "m {{count:1 sum:2 buckets:[0 0 3 4 0] offset:-2 n_buckets:[0 0]}}\n",
        "load 10s\n m {{counter_reset_hint:gauge}}\n\neval instant at 0 m\n m {{}}\n",
    };
    struct promqltest_report report = {0};
    promqltest_run("alike", str_of_cstr(alike[_i]), PROMQLTEST_NAMES_DROP, &report);
    ck_assert_msg(report.failed == 0 && report.passed > 0, "%s", alike[_i]);
    promqltest_report_fini(&report);
}
END_TEST

START_TEST(test_upstream)
{
    const char *found = shared_path("promqltest");
    if (!found)
        return;
    char dir[512], path[1024];
    snprintf(dir, sizeof dir, "%s", found);
    DIR *d = opendir(dir);
    ck_assert(d != NULL);
    struct promqltest_report report = {0};
    for (struct dirent *e; (e = readdir(d));) {
        struct str name = str_of_cstr(e->d_name);
        if (!str_ends_with(name, STR(".test")))
            continue;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        run_file(path, PROMQLTEST_NAMES_DELAY, &report);
    }
    closedir(d);
    printf("promqltest: %zu passed, %zu failed\n", report.passed, report.failed);
    if (report.failed > 0) /* too long a text for an assertion */
        printf("%s", buf_cstr(&report.failures));
    ck_assert_uint_eq(report.failed, 0);
    ck_assert_uint_gt(report.passed, 2100); /* 2214 in those of Prometheus 3.14 */
    promqltest_report_fini(&report);
}
END_TEST

Suite *
engine_scripts_suite(void)
{
    Suite *s = suite_create("engine_scripts");
    TCase *t = tcase_create("engine_scripts");
    tcase_add_loop_test(t, test_wrong_scripts_fail, 0, ARRAY_LEN(wrong_cases));
    tcase_add_loop_test(t, test_own, 0, ARRAY_LEN(own));
    tcase_add_loop_test(t, test_alike_histograms_pass, 0, 3);
    tcase_add_test(t, test_upstream);
    suite_add_tcase(s, t);
    return s;
}
