/* Snapshots of rules and limits: what a write began with holds to its end, and a text with a fault
 * changes nothing. What the limits do to writes: test_receive.c. */
#include "tests/harness.h"

#include "base/mem.h"
#include "receiver/policy.h"

static struct policy *
open_policy(struct metrics *m)
{
    return policy_open(&(struct policy_opts){.metrics = m, .clock = clock_system()});
}

START_TEST(test_limits)
{
    struct metrics *m = metrics_open();
    struct policy *p = open_policy(m);
    struct policy_hold none = policy_acquire(p);
    ck_assert_ptr_null(none.rewrite);
    CK_OK(policy_set_limits(p, STR("write: {default: {head_series_limit: 5}, tenants: "
                                   "{a: {head_series_limit: 7}}}")));
    struct policy_hold some = policy_acquire(p);
    CK_ERR(ERR_INVALID, policy_set_limits(p, STR("write: {defaults: {}}")));
    struct policy_hold same = policy_acquire(p);
    ck_assert_uint_eq(limits_of(none.limits, STR("a"))->head_series, 0);
    ck_assert_uint_eq(limits_of(some.limits, STR("a"))->head_series, 7);
    ck_assert_ptr_eq(some.limits, same.limits);
    policy_release(&none);
    policy_release(&some);
    policy_release(&same);
    AUTO(buf_fini) struct buf text = BUF_INIT;
    metrics_write(m, METRICS_TEXT, &text);
    static const char *const lines[] = {
        "thanos_receive_head_series_limit{tenant=\"\"} 5\n",
        "thanos_receive_head_series_limit{tenant=\"a\"} 7\n",
        "thanos_receive_limits_config_reload_total 2\n",
        "thanos_receive_limits_config_reload_err_total 1\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        ck_assert_msg(strstr(buf_cstr(&text), lines[i]), "no line %s", lines[i]);
    CK_OK(policy_set_limits(p, STR("write: {tenants: {b: {}}}")));
    buf_clear(&text);
    metrics_write(m, METRICS_TEXT, &text);
    ck_assert_ptr_null(strstr(buf_cstr(&text), "tenant=\"a\"")); /* named no more */
    ck_assert_ptr_nonnull(strstr(buf_cstr(&text), "head_series_limit{tenant=\"b\"} 0\n"));
    policy_close(p);
    metrics_close(m);
}
END_TEST

START_TEST(test_relabel)
{
    struct metrics *m = metrics_open();
    struct policy *p = open_policy(m);
    CK_OK(policy_set_relabel(p, STR("- {target_label: a, replacement: b}")));
    struct policy_hold some = policy_acquire(p);
    CK_ERR(ERR_INVALID, policy_set_relabel(p, STR("- {target_label: ''}")));
    struct policy_hold same = policy_acquire(p);
    CK_OK(policy_set_relabel(p, STR("")));
    struct policy_hold none = policy_acquire(p);
    ck_assert_ptr_nonnull(some.rewrite);
    ck_assert_ptr_eq(some.rewrite, same.rewrite);
    ck_assert_ptr_null(none.rewrite);
    policy_release(&some);
    policy_release(&same);
    policy_release(&none);
    policy_close(p);
    metrics_close(m);
}
END_TEST

/* Names come from outside: past a number of them they are counted together. */
START_TEST(test_many_tenants)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf text = BUF_INIT;
    struct metrics *m = metrics_open();
    struct policy *p = open_policy(m);
    for (int i = 0; i < 5000; i++)
        policy_count_hits(p, arena_printf(&a, "t%d", i), LIMIT_HEAD_SERIES, 1);
    metrics_write(m, METRICS_TEXT, &text);
    size_t lines = 0;
    for (const char *at = buf_cstr(&text); (at = strstr(at, "head_series_limited_requests_total{"));
         at++)
        lines++;
    ck_assert_uint_ge(lines, 1000);
    ck_assert_uint_le(lines, 1001);
    policy_close(p);
    metrics_close(m);
}
END_TEST

Suite *
policy_suite(void)
{
    Suite *s = suite_create("policy");
    TCase *t = tcase_create("policy");
    tcase_add_test(t, test_limits);
    tcase_add_test(t, test_relabel);
    tcase_add_test(t, test_many_tenants);
    suite_add_tcase(s, t);
    return s;
}
