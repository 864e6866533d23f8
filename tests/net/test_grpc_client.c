/* Calls over a channel to our own server: what is sent comes back in every encoding, however large
 * and however many; deadlines, cancels and errors arrive on both sides. */
#include "tests/harness.h"

#include <stdio.h>

#include "base/lock.h"
#include "tests/net/grpc_caller.h"
#include "tests/net/grpc_fixture.h"

static struct grpc_fixture f;
static struct grpc_caller c;

static void
setup(void)
{
    grpc_fixture_start(&f, (struct grpc_server_opts){0}, 4, 1000);
    grpc_caller_open(&c, f.port, (struct grpc_channel_opts){0});
}

static void
teardown(void)
{
    grpc_caller_close(&c);
    grpc_fixture_stop(&f, 2000);
}

static struct grpc_unary
to_method(const char *method)
{
    return (struct grpc_unary){.method = method};
}

static void
check(const struct grpc_asked *a, enum grpc_code code, struct str reply_or_text)
{
    struct str got = code == GRPC_OK ? buf_str(&a->reply) : buf_str(&a->text);
    ck_assert_msg(a->code == code, "%s: %.*s", grpc_code_name(a->code), STR_FMT(buf_str(&a->text)));
    ck_assert_msg(str_eq(got, reply_or_text), "got \"%.*s\"", STR_FMT(got));
}

START_TEST(test_unary_in_each_encoding)
{
    static const size_t sizes[] = {0, 1, 100 * 1000, 20 * 1000 * 1000};
    AUTO(buf_fini) struct buf plain = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        while (plain.n < sizes[i])
            buf_put_u8(&plain, (uint8_t)(plain.n * plain.n / 7));
        struct grpc_unary q = to_method("/test.Echo/Echo");
        q.encoding = (enum grpc_encoding)_i;
        struct grpc_asked *a = grpc_caller_ask(&c, q, buf_str(&plain));
        ck_assert_msg(a->code == GRPC_OK, "%s: %s", grpc_code_name(a->code), buf_cstr(&a->text));
        ck_assert(str_eq(buf_str(&a->reply), buf_str(&plain)));
        ck_assert(str_eq(buf_str(&a->tag), STR("yes")));
        grpc_asked_free(a);
    }
    ck_assert(grpc_caller_metric(
                  &c, "grpc_client_handled_total{grpc_type=\"unary\",grpc_service=\"test.Echo\","
                      "grpc_method=\"Echo\",grpc_code=\"OK\"} ") == ARRAY_LEN(sizes));
}
END_TEST

START_TEST(test_many_at_once)
{
    enum { CALLS = 3000 }; /* more than the server takes at once of a connection */
    AUTO(mem_free) struct grpc_asked **all = mem_array_zero(CALLS, sizeof *all);
    char text[32];
    for (int i = 0; i < CALLS; i++) {
        snprintf(text, sizeof text, "call %d", i);
        all[i] = grpc_caller_start(&c, to_method("/test.Echo/Loop"), str_of_cstr(text));
    }
    for (int i = 0; i < CALLS; i++) {
        snprintf(text, sizeof text, "call %d", i);
        grpc_asked_wait(all[i]);
        check(all[i], GRPC_OK, str_of_cstr(text));
        grpc_asked_free(all[i]);
    }
    const char *labels = "{grpc_type=\"unary\",grpc_service=\"test.Echo\",grpc_method=\"Loop\"} ";
    static const char *const families[] = {"started_total", "msg_sent_total", "msg_received_total",
                                           "handling_seconds_count"};
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        char series[160];
        snprintf(series, sizeof series, "grpc_client_%s%s", families[i], labels);
        ck_assert_msg(grpc_caller_metric(&c, series) == CALLS, "%s", series);
    }
}
END_TEST

static const struct status_case {
    const char *message;
    enum grpc_code code;
    struct str text;
} status_cases[] = {
    {"6 out of order sample", GRPC_ALREADY_EXISTS, STR_INIT("out of order sample")},
    {"14 100% full\n\xc3\xbc", GRPC_UNAVAILABLE, STR_INIT("100% full\n\xc3\xbc")},
    {"3  blanks ", GRPC_INVALID_ARGUMENT, STR_INIT(" blanks ")},
    {"16 ", GRPC_UNAUTHENTICATED, STR_INIT("")},
    {"9 x", GRPC_FAILED_PRECONDITION, STR_INIT("x")},
};

START_TEST(test_statuses)
{
    const struct status_case *t = &status_cases[_i];
    struct grpc_asked *a =
        grpc_caller_ask(&c, to_method("/test.Echo/Fail"), str_of_cstr(t->message));
    check(a, t->code, t->text);
    grpc_asked_free(a);
    char series[160];
    snprintf(series, sizeof series,
             "grpc_client_handled_total{grpc_type=\"unary\",grpc_service=\"test.Echo\","
             "grpc_method=\"Fail\",grpc_code=\"%s\"} ",
             grpc_code_name(t->code));
    ck_assert(grpc_caller_metric(&c, series) == 1);
}
END_TEST

START_TEST(test_unknown_method)
{
    struct grpc_asked *a = grpc_caller_ask(&c, to_method("/test.Echo/None"), STR("x"));
    ck_assert_int_eq(a->code, GRPC_UNIMPLEMENTED);
    grpc_asked_free(a);
    a = grpc_caller_ask(&c, to_method("/test.Echo/Small"), STR("seventeen bytes!!"));
    ck_assert_int_eq(a->code, GRPC_RESOURCE_EXHAUSTED);
    grpc_asked_free(a);
}
END_TEST

/* The server hears of both: its handler sees that nobody waits. */
START_TEST(test_deadline)
{
    struct grpc_unary q = to_method("/test.Echo/Gate");
    q.timeout_ms = 50;
    struct grpc_asked *a = grpc_caller_ask(&c, q, STR(""));
    check(a, GRPC_DEADLINE_EXCEEDED, STR("context deadline exceeded"));
    grpc_fixture_wait_canceled(&f, 1);
    grpc_asked_free(a);
}
END_TEST

START_TEST(test_cancel)
{
    struct grpc_asked *a = grpc_caller_start(&c, to_method("/test.Echo/Gate"), STR(""));
    grpc_fixture_wait_at_gate(&f, 1);
    grpc_unary_cancel(c.ch, a->number);
    grpc_asked_wait(a);
    check(a, GRPC_CANCELED, STR("context canceled"));
    grpc_fixture_wait_canceled(&f, 1);
    grpc_unary_cancel(c.ch, a->number); /* has ended */
    grpc_unary_cancel(c.ch, 12345);     /* never was */
    grpc_asked_free(a);
    a = grpc_caller_ask(&c, to_method("/test.Echo/Echo"), STR("still here"));
    check(a, GRPC_OK, STR("still here"));
    grpc_asked_free(a);
}
END_TEST

START_TEST(test_close_ends_what_is_open)
{
    struct grpc_caller mine;
    grpc_caller_open(&mine, f.port, (struct grpc_channel_opts){0});
    struct grpc_asked *all[3];
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        all[i] = grpc_caller_start(&mine, to_method("/test.Echo/Gate"), STR(""));
    grpc_fixture_wait_at_gate(&f, ARRAY_LEN(all));
    grpc_caller_close(&mine);
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        check(all[i], GRPC_CANCELED, STR("the channel was closed"));
        grpc_asked_free(all[i]);
    }
    grpc_fixture_wait_canceled(&f, ARRAY_LEN(all));
}
END_TEST

START_TEST(test_limit_of_calls)
{
    struct grpc_caller mine;
    grpc_caller_open(&mine, f.port, (struct grpc_channel_opts){.calls_max = 1});
    struct grpc_asked *first = grpc_caller_start(&mine, to_method("/test.Echo/Gate"), STR(""));
    struct grpc_asked *second = grpc_caller_ask(&mine, to_method("/test.Echo/Echo"), STR(""));
    check(second, GRPC_RESOURCE_EXHAUSTED, STR("too many calls are open"));
    grpc_fixture_open_gate(&f);
    grpc_asked_wait(first);
    check(first, GRPC_OK, STR("through"));
    grpc_caller_close(&mine);
    grpc_asked_free(first);
    grpc_asked_free(second);
}
END_TEST

START_TEST(test_memory_of_answers)
{
    struct grpc_caller mine;
    struct budget small = {.limit_bytes = 100 * 1000};
    grpc_caller_open(&mine, f.port, (struct grpc_channel_opts){.memory = &small});
    AUTO(buf_fini) struct buf plain = BUF_INIT;
    while (plain.n < 1000 * 1000)
        buf_put_u8(&plain, 'x');
    struct grpc_asked *a = grpc_caller_ask(&mine, to_method("/test.Echo/Echo"), buf_str(&plain));
    ck_assert_int_eq(a->code, GRPC_RESOURCE_EXHAUSTED);
    grpc_asked_free(a);
    a = grpc_caller_ask(&mine, to_method("/test.Echo/Echo"), STR("fits"));
    check(a, GRPC_OK, STR("fits"));
    grpc_asked_free(a);
    grpc_caller_close(&mine);
    ck_assert_uint_eq(budget_used(&small), 0);
}
END_TEST

Suite *
grpc_client_suite(void)
{
    Suite *s = suite_create("grpc_client");
    TCase *t = tcase_create("grpc_client");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, test_unary_in_each_encoding, 0, GRPC_ENCODING_COUNT);
    tcase_add_test(t, test_many_at_once);
    tcase_add_loop_test(t, test_statuses, 0, ARRAY_LEN(status_cases));
    tcase_add_test(t, test_unknown_method);
    tcase_add_test(t, test_deadline);
    tcase_add_test(t, test_cancel);
    tcase_add_test(t, test_close_ends_what_is_open);
    tcase_add_test(t, test_limit_of_calls);
    tcase_add_test(t, test_memory_of_answers);
    suite_add_tcase(s, t);
    return s;
}
