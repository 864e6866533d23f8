/* Which requests are logged, at which level, and what stands in the line. */
#include <stdio.h>

#include "net/request_log.h"
#include "tests/harness.h"

#define ON "decision: {log_start: true, log_end: true}"

static const struct config_case {
    const char *name, *yaml;
    const char *error; /* NULL: none */
    enum request_log_decision decision;
    enum log_level level;
} cases[] = {
    {"empty", "", NULL, REQUEST_LOG_NOTHING, LOG_ERROR},
    {"for all", "options: {level: INFO, " ON "}", NULL, REQUEST_LOG_START_AND_END, LOG_INFO},
    {"ends only", "options: {level: DEBUG, decision: {log_end: true}}", NULL, REQUEST_LOG_END,
     LOG_DEBUG},
    {"own before all",
     "options: {level: ERROR, " ON "}\nhttp: {options: {level: WARNING, "
     "decision: {log_start: false, log_end: true}}}",
     NULL, REQUEST_LOG_END, LOG_WARN},
    {"own that is empty", "options: {level: ERROR, " ON "}\nhttp: {options: {}}", NULL,
     REQUEST_LOG_START_AND_END, LOG_ERROR},
    {"only gRPC", "grpc: {options: {level: ERROR, " ON "}, config: [{service: a, method: b}]}",
     NULL, REQUEST_LOG_NOTHING, LOG_ERROR},
    {"level only", "http: {options: {level: DEBUG}}", NULL, REQUEST_LOG_NOTHING, LOG_DEBUG},
    {"start only", "options: {level: INFO, decision: {log_start: true}}",
     "log start call is not supported", 0, 0},
    {"no level", "http: {options: {" ON "}}", "level field is empty", 0, 0},
    {"lower case", "options: {level: info}", "Expected INFO/DEBUG/ERROR/WARNING, got this info", 0,
     0},
    {"mistake in gRPC", "grpc: {options: {level: LOUD}}", "grpc: the format of level", 0, 0},
    {"unknown key", "http: {option: {}}", "options", 0, 0},
    {"unknown key of a rule", "http: {config: [{pth: /}]}", "path", 0, 0},
    {"rules as a map", "http: {config: {path: /}}", "a list", 0, 0},
    {"port", "http: {config: [{path: /, port: 65536}]}", "port", 0, 0},
};

START_TEST(test_config)
{
    const struct config_case *c = &cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    struct request_log_config config;
    struct err e = request_log_config_read(&a, str_of_cstr(c->yaml), &config);
    if (c->error) {
        ck_assert_msg(e.code == ERR_INVALID && strstr(err_text(&e), c->error), "row \"%s\": %s",
                      c->name, err_text(&e));
    } else {
        ck_assert_msg(e.code == ERR_NONE, "row \"%s\": %s", c->name, err_text(&e));
        ROW_ASSERT(c->name, config.decision == c->decision && config.level == c->level);
    }
    err_drop(e);
}
END_TEST

START_TEST(test_rules)
{
    AUTO(arena_fini) struct arena a = {0};
    struct request_log_config c;
    CK_OK(request_log_config_read(&a,
                                  STR("options: {level: INFO, " ON "}\n"
                                      "http: {config: [{path: /a, port: 1}, {path: /b}]}"),
                                  &c));
    ck_assert_int_eq(request_log_decide(&c, STR("/a"), 1), REQUEST_LOG_START_AND_END);
    ck_assert_int_eq(request_log_decide(&c, STR("/a"), 2), REQUEST_LOG_NOTHING);
    ck_assert_int_eq(request_log_decide(&c, STR("/b"), 2), REQUEST_LOG_START_AND_END);
    ck_assert_int_eq(request_log_decide(&c, STR("/b/"), 2), REQUEST_LOG_NOTHING);
}
END_TEST

/* --- lines ---------------------------------------------------------------------------------------
 */

static const struct request_log_line line = {.handler = "receive",
                                             .method = STR_INIT("POST"),
                                             .path = STR_INIT("/api/v1/receive"),
                                             .request_id = STR_INIT("id-1\nlevel=error"),
                                             .user_agent = STR_INIT("agent"),
                                             .forwarded_for = STR_INIT("10.0.0.1"),
                                             .peer = STR_INIT("127.0.0.1:1")};

/* A log into a file, at a time that stands still. */
struct kit {
    FILE *file;
    struct clock_manual clock;
    struct log *log;
    struct request_log_config config;
    struct request_log *l;
};

static void
kit_open(struct kit *k, enum log_level level, enum log_level config_level)
{
    *k = (struct kit){.file = tmpfile(),
                      .config = {.decision = REQUEST_LOG_START_AND_END, .level = config_level}};
    ck_assert_ptr_nonnull(k->file);
    clock_manual_init(&k->clock, INT64_C(1700000000000));
    k->log = log_open(&(struct log_opts){
        .level = level, .format = LOG_LOGFMT, .fd = fileno(k->file), .clock = &k->clock.clock});
    k->l = request_log_open(&k->config, k->log);
}

/* Ends the kit; all that it wrote, to be freed. */
static struct buf
kit_close(struct kit *k)
{
    struct buf got = BUF_INIT;
    request_log_close(k->l);
    log_close(k->log);
    rewind(k->file);
    for (size_t n = 1; n > 0; got.n += n) {
        buf_reserve(&got, 65536);
        n = fread(got.p + got.n, 1, 65536, k->file);
    }
    fclose(k->file);
    return got;
}

START_TEST(test_line)
{
    struct kit k;
    kit_open(&k, LOG_DEBUG, LOG_DEBUG);
    request_log_start(k.l, &line);
    request_log_end(k.l, &line, 204, 1234567);
    AUTO(buf_fini) struct buf got = kit_close(&k);
    const char *text = buf_cstr(&got);
    ck_assert_ptr_nonnull(strstr(text, "level=debug msg=\"started call\" protocol=http "));
    const char *end = strstr(text, "msg=\"finished call\"");
    ck_assert_ptr_nonnull(end);
    static const char *const pairs[] = {" http.method=\"POST /api/v1/receive\" ",
                                        " http.request_id=\"id-1\\nlevel=error\" ",
                                        " http.user_agent=agent ",
                                        " thanos.method_name=receive ",
                                        " peer=127.0.0.1:1 ",
                                        " http.status_code=204 ",
                                        " http.time_ms=1.234 ",
                                        " http.remote_addr=10.0.0.1\n"};
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        ck_assert_msg(strstr(end, pairs[i]), "no %s in %s", pairs[i], end);
}
END_TEST

static const struct level_case {
    const char *name;
    enum log_level level, config_level;
    int status;
    bool want;
} level_cases[] = {
    {"good ones are for debugging", LOG_INFO, LOG_DEBUG, 200, false},
    {"refused ones, too", LOG_INFO, LOG_DEBUG, 400, false},
    {"failed ones are not", LOG_INFO, LOG_DEBUG, 503, true},
    {"the configuration lets through", LOG_DEBUG, LOG_ERROR, 503, true},
    {"the configuration holds back", LOG_DEBUG, LOG_ERROR, 200, false},
};

START_TEST(test_levels)
{
    const struct level_case *c = &level_cases[_i];
    struct kit k;
    kit_open(&k, c->level, c->config_level);
    request_log_end(k.l, &line, c->status, 1);
    AUTO(buf_fini) struct buf got = kit_close(&k);
    ROW_ASSERT(c->name, (got.n > 0) == c->want);
}
END_TEST

static size_t
count(struct str text, char c)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == c;
    return n;
}

START_TEST(test_rate)
{
    struct kit k;
    kit_open(&k, LOG_INFO, LOG_DEBUG);
    for (size_t i = 0; i < REQUEST_LOG_LINES_MAX + 7; i++)
        request_log_end(k.l, &line, 500, 1);
    clock_manual_advance_ms(&k.clock, 1000);
    request_log_end(k.l, &line, 500, 1);
    AUTO(buf_fini) struct buf got = kit_close(&k);
    ck_assert_uint_eq(count(buf_str(&got), '\n'), REQUEST_LOG_LINES_MAX + 1);
    ck_assert(str_ends_with(buf_str(&got), STR(" lines_dropped=7\n")));
}
END_TEST

/* What a client has chosen is cut. */
START_TEST(test_long_values)
{
    struct kit k;
    AUTO(buf_fini) struct buf text = BUF_INIT;
    while (text.n < 10 * REQUEST_LOG_VALUE_BYTES_MAX)
        buf_put_u8(&text, 'x');
    struct request_log_line l = line;
    l.path = l.request_id = l.user_agent = l.forwarded_for = buf_str(&text);
    kit_open(&k, LOG_INFO, LOG_DEBUG);
    request_log_end(k.l, &l, 500, 1);
    AUTO(buf_fini) struct buf got = kit_close(&k);
    ck_assert_uint_ge(count(buf_str(&got), 'x'), 4 * REQUEST_LOG_VALUE_BYTES_MAX);
    ck_assert_uint_lt(got.n, 6 * REQUEST_LOG_VALUE_BYTES_MAX);
}
END_TEST

Suite *
request_log_suite(void)
{
    Suite *s = suite_create("request_log");
    TCase *t = tcase_create("request_log");
    tcase_add_loop_test(t, test_config, 0, ARRAY_LEN(cases));
    tcase_add_test(t, test_rules);
    tcase_add_test(t, test_line);
    tcase_add_loop_test(t, test_levels, 0, ARRAY_LEN(level_cases));
    tcase_add_test(t, test_rate);
    tcase_add_test(t, test_long_values);
    suite_add_tcase(s, t);
    return s;
}
