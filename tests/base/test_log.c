/* Lines are what log readers of this field parse; levels, cuts and throttles do what they say. */
#include "tests/harness.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

static struct clock_manual now;
static int pipe_ends[2];

static struct log *
open_log(enum log_level level, enum log_format format)
{
    ck_assert_int_eq(pipe(pipe_ends), 0);
    clock_manual_init(&now, INT64_C(1767323045678)); /* 2026-01-02T03:04:05.678Z */
    return log_open(&(struct log_opts){
        .level = level, .format = format, .fd = pipe_ends[1], .clock = &now.clock});
}

/* Closes the log; everything that it wrote, to be freed by the caller. */
static struct buf
close_log(struct log *log)
{
    struct buf got = BUF_INIT;
    log_close(log);
    close(pipe_ends[1]);
    for (ssize_t n = 1; n > 0;) {
        buf_reserve(&got, 4096);
        n = read(pipe_ends[0], got.p + got.n, 4096);
        ck_assert_int_ge(n, 0);
        got.n += (size_t)n;
    }
    close(pipe_ends[0]);
    return got;
}

static const struct value_case {
    const char *name;
    struct log_kv kv;
    const char *logfmt, *json;
} value_cases[] = {
#define TEXT(s) {.key = "k", .type = LOG_KV_STR, .str = STR_INIT(s)}
    {"plain", TEXT("01JABC"), "k=01JABC", "\"k\":\"01JABC\""},
    {"backslash", TEXT("a\\b"), "k=a\\b", "\"k\":\"a\\\\b\""},
    {"utf-8", TEXT("h\xc3\xa9"), "k=h\xc3\xa9", "\"k\":\"h\xc3\xa9\""},
    {"empty", TEXT(""), "k=\"\"", "\"k\":\"\""},
    {"space", TEXT("a b"), "k=\"a b\"", "\"k\":\"a b\""},
    {"equals", TEXT("a=b"), "k=\"a=b\"", "\"k\":\"a=b\""},
    {"quote", TEXT("a\"b"), "k=\"a\\\"b\"", "\"k\":\"a\\\"b\""},
    {"line end", TEXT("a\nlevel=error"), "k=\"a\\nlevel=error\"", "\"k\":\"a\\nlevel=error\""},
    {"control", TEXT("\x01"), "k=\"\\x01\"", "\"k\":\"\\u0001\""},
    {"not utf-8", TEXT("a\xff"), "k=\"a\\xff\"", "\"k\":\"a\\ufffd\""},
#undef TEXT
    {"i64", {.key = "k", .type = LOG_KV_I64, .i64 = INT64_MIN},
     "k=-9223372036854775808", "\"k\":-9223372036854775808"},
    {"u64", {.key = "k", .type = LOG_KV_U64, .u64 = UINT64_MAX},
     "k=18446744073709551615", "\"k\":18446744073709551615"},
    {"f64", {.key = "k", .type = LOG_KV_F64, .f64 = 0.25}, "k=0.25", "\"k\":0.25"},
    {"nan", {.key = "k", .type = LOG_KV_F64, .f64 = NAN}, "k=NaN", "\"k\":\"NaN\""},
    {"infinite", {.key = "k", .type = LOG_KV_F64, .f64 = -INFINITY}, "k=-Inf", "\"k\":\"-Inf\""},
    {"true", {.key = "k", .type = LOG_KV_BOOL, .flag = true}, "k=true", "\"k\":true"},
    {"false", {.key = "k", .type = LOG_KV_BOOL, .flag = false}, "k=false", "\"k\":false"},
};

static void
expect_line(struct log *log, const char *row, const char *want)
{
    AUTO(buf_fini) struct buf got = close_log(log);
    ck_assert_msg(str_eq(buf_str(&got), str_of_cstr(want)), "row \"%s\": got %.*s, want %s", row,
                  STR_FMT(buf_str(&got)), want);
}

START_TEST(test_logfmt)
{
    const struct value_case *c = &value_cases[_i];
    struct log *log = open_log(LOG_INFO, LOG_LOGFMT);
    log_line(log, LOG_WARN, "base/x.c", 42, "it failed", &c->kv, 1);
    char want[512];
    snprintf(want, sizeof want,
             "ts=2026-01-02T03:04:05.678Z caller=x.c:42 level=warn msg=\"it failed\" %s\n",
             c->logfmt);
    expect_line(log, c->name, want);
}
END_TEST

START_TEST(test_json)
{
    const struct value_case *c = &value_cases[_i];
    struct log *log = open_log(LOG_INFO, LOG_JSON);
    log_line(log, LOG_WARN, "x.c", 42, "it failed", &c->kv, 1);
    char want[512];
    snprintf(want, sizeof want,
             "{\"ts\":\"2026-01-02T03:04:05.678Z\",\"caller\":\"x.c:42\",\"level\":\"warn\","
             "\"msg\":\"it failed\",%s}\n",
             c->json);
    expect_line(log, c->name, want);
}
END_TEST

START_TEST(test_name)
{
    ck_assert_int_eq(pipe(pipe_ends), 0);
    clock_manual_init(&now, INT64_C(1767323045678));
    struct log *log = log_open(&(struct log_opts){.level = LOG_INFO,
                                                  .format = LOG_LOGFMT,
                                                  .fd = pipe_ends[1],
                                                  .name = STR("eu 1"),
                                                  .clock = &now.clock});
    log_line(log, LOG_INFO, "x.c", 1, "m", NULL, 0);
    expect_line(log, "named",
                "name=\"eu 1\" ts=2026-01-02T03:04:05.678Z caller=x.c:1 level=info msg=m\n");
}
END_TEST

START_TEST(test_macros)
{
    struct log *log = open_log(LOG_WARN, LOG_LOGFMT);
    int evaluated = 0;
    struct err e = ERR(ERR_IO, "disk: gone");
    log_debug(log, "no", KV_I64("n", ++evaluated));
    log_info(log, "no");
    log_warn(log, "bare");
    log_error(log, "full", KV_STR("a", STR("x")), KV_CSTR("b", "y"), KV_U64("c", 1),
              KV_F64("d", 2.5), KV_BOOL("e", true), KV_ERR(e));
    err_drop(e);
    ck_assert_int_eq(evaluated, 0);
    AUTO(buf_fini) struct buf got = close_log(log);
    const char *text = buf_cstr(&got);
    ck_assert_ptr_null(strstr(text, "msg=no"));
    ck_assert_ptr_nonnull(strstr(text, " caller=test_log.c:"));
    ck_assert_ptr_nonnull(strstr(text, " level=warn msg=bare\n"));
    ck_assert_ptr_nonnull(
        strstr(text, " level=error msg=full a=x b=y c=1 d=2.5 e=true err=\"disk: gone\"\n"));
}
END_TEST

START_TEST(test_null_log)
{
    struct log_throttle t = {.window = 0};
    uint32_t dropped = 0;
    log_error(NULL, "nobody listens", KV_I64("n", 1));
    log_line(NULL, LOG_ERROR, "x.c", 1, "nor here", NULL, 0);
    ck_assert(!log_writes(NULL, LOG_ERROR));
    ck_assert(!log_throttle_pass(&t, NULL, 1, &dropped));
    log_close(NULL);
}
END_TEST

/* A huge value is cut, and not within a character. */
START_TEST(test_cut)
{
    AUTO(buf_fini) struct buf huge = BUF_INIT;
    buf_append(&huge, STR("x"));
    for (int i = 0; i < 10000; i++)
        buf_append(&huge, STR("\xc3\xa9"));
    struct log *log = open_log(LOG_INFO, LOG_LOGFMT);
    log_info(log, "m", KV_STR("k", buf_str(&huge)));
    AUTO(buf_fini) struct buf got = close_log(log);
    ck_assert(str_is_utf8(buf_str(&got)));
    ck_assert(str_ends_with(buf_str(&got), STR("\xc3\xa9...\n")));
    ck_assert_uint_lt(got.n, LOG_VALUE_BYTES_MAX + 200);
}
END_TEST

START_TEST(test_throttle)
{
    struct log *log = open_log(LOG_INFO, LOG_LOGFMT);
    struct log_throttle t = {.window = 0};
    for (unsigned round = 0; round < 3; round++) {
        uint32_t dropped = 77, passed = 0;
        for (int i = 0; i < 10; i++) {
            uint32_t now_dropped = 0;
            if (log_throttle_pass(&t, log, 3, &now_dropped) && passed++ == 0)
                dropped = now_dropped;
        }
        ck_assert_uint_eq(passed, 3);
        ck_assert_uint_eq(dropped, round == 0 ? 0 : 7);
        clock_manual_advance_ms(&now, 1000);
    }
    AUTO(buf_fini) struct buf got = close_log(log);
    ck_assert_uint_eq(got.n, 0); /* asking writes nothing */
}
END_TEST

enum { THREADS = 4, LINES = 200 };

static void *
log_many(void *arg)
{
    for (int i = 0; i < LINES; i++)
        log_info(arg, "m", KV_I64("i", i));
    return NULL;
}

/* 64 KiB fit the pipe, so nobody has to read meanwhile. */
START_TEST(test_threads)
{
    struct log *log = open_log(LOG_INFO, LOG_LOGFMT);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, log_many, log), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    AUTO(buf_fini) struct buf got = close_log(log);
    size_t lines = 0;
    for (struct str rest = buf_str(&got); rest.n > 0; lines++) {
        struct str line = str_split(&rest, '\n');
        ck_assert(str_starts_with(line, STR("ts=2026-01-02T03:04:05.678Z caller=test_log.c:")));
    }
    ck_assert_uint_eq(lines, THREADS * LINES);
}
END_TEST

/* A reader that went away costs the line, not the process. */
START_TEST(test_unwritable)
{
    struct log *log = log_open(&(struct log_opts){.fd = -1, .clock = clock_system()});
    log_error(log, "lost");
    log_close(log);
}
END_TEST

static const struct flag_case {
    const char *name;
    struct str text;
    int level, format; /* -1: refused */
} flag_cases[] = {
    {"debug", STR_INIT("debug"), LOG_DEBUG, -1},  {"info", STR_INIT("info"), LOG_INFO, -1},
    {"warn", STR_INIT("warn"), LOG_WARN, -1},     {"error", STR_INIT("error"), LOG_ERROR, -1},
    {"logfmt", STR_INIT("logfmt"), -1, LOG_LOGFMT}, {"json", STR_INIT("json"), -1, LOG_JSON},
    {"empty", STR_INIT(""), -1, -1},              {"upper", STR_INIT("INFO"), -1, -1},
    {"prefix", STR_INIT("inf"), -1, -1},          {"longer", STR_INIT("json "), -1, -1},
};

START_TEST(test_flags)
{
    const struct flag_case *c = &flag_cases[_i];
    enum log_level level = LOG_DEBUG;
    enum log_format format = LOG_LOGFMT;
    ROW_ASSERT(c->name, log_parse_level(c->text, &level) == (c->level >= 0));
    ROW_ASSERT(c->name, c->level < 0 || (int)level == c->level);
    ROW_ASSERT(c->name, log_parse_format(c->text, &format) == (c->format >= 0));
    ROW_ASSERT(c->name, c->format < 0 || (int)format == c->format);
}
END_TEST

Suite *
log_suite(void)
{
    Suite *s = suite_create("log");
    TCase *t = tcase_create("log");
    tcase_add_loop_test(t, test_logfmt, 0, ARRAY_LEN(value_cases));
    tcase_add_loop_test(t, test_json, 0, ARRAY_LEN(value_cases));
    tcase_add_test(t, test_name);
    tcase_add_test(t, test_macros);
    tcase_add_test(t, test_null_log);
    tcase_add_test(t, test_cut);
    tcase_add_test(t, test_throttle);
    tcase_add_test(t, test_threads);
    tcase_add_test(t, test_unwritable);
    tcase_add_loop_test(t, test_flags, 0, ARRAY_LEN(flag_cases));
    suite_add_tcase(s, t);
    return s;
}
