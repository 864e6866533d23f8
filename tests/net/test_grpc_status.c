/* Codes as grpc-go names them, the same there and back; texts survive a header field. */
#include "tests/harness.h"

#include "base/mem.h"
#include "net/grpc/grpc_status.h"

START_TEST(test_codes_of_errors_come_back)
{
    for (int i = 0; i < ERR_CODE_COUNT; i++) {
        enum grpc_code code = grpc_code_of_err((enum err_code)i);
        enum grpc_code back = grpc_code_of_err(grpc_code_to_err(code));
        ck_assert_msg(back == code, "%s", err_name((enum err_code)i));
    }
}
END_TEST

static const struct code_case {
    enum err_code err;
    enum grpc_code code;
    const char *name;
} code_cases[] = {
    {ERR_NONE, GRPC_OK, "OK"},
    {ERR_CONFLICT, GRPC_ALREADY_EXISTS, "AlreadyExists"},
    {ERR_UNAVAILABLE, GRPC_UNAVAILABLE, "Unavailable"},
    {ERR_TIMEOUT, GRPC_DEADLINE_EXCEEDED, "DeadlineExceeded"},
    {ERR_INVALID, GRPC_INVALID_ARGUMENT, "InvalidArgument"},
    {ERR_OVERLOAD, GRPC_RESOURCE_EXHAUSTED, "ResourceExhausted"},
    {ERR_CANCELED, GRPC_CANCELED, "Canceled"},
    {ERR_UNAUTHORIZED, GRPC_UNAUTHENTICATED, "Unauthenticated"},
    {ERR_INTERNAL, GRPC_INTERNAL, "Internal"},
    {ERR_EXECUTION, GRPC_UNKNOWN, "Unknown"},
};

START_TEST(test_codes)
{
    const struct code_case *c = &code_cases[_i];
    ROW_ASSERT(c->name, grpc_code_of_err(c->err) == c->code);
    ROW_ASSERT(c->name, grpc_code_to_err(c->code) == c->err);
    ck_assert_str_eq(grpc_code_name(c->code), c->name);
}
END_TEST

START_TEST(test_failed_precondition_is_no_conflict)
{
    ck_assert_int_eq(grpc_code_to_err(GRPC_FAILED_PRECONDITION), ERR_EXECUTION);
}
END_TEST

START_TEST(test_code_texts)
{
    enum grpc_code code = GRPC_OK;
    ck_assert(grpc_code_parse(STR("14"), &code) && code == GRPC_UNAVAILABLE);
    ck_assert(grpc_code_parse(STR("17"), &code) && code == GRPC_UNKNOWN);
    ck_assert(grpc_code_parse(STR("0"), &code) && code == GRPC_OK);
    ck_assert(!grpc_code_parse(STR(""), &code));
    ck_assert(!grpc_code_parse(STR("-1"), &code));
    ck_assert(!grpc_code_parse(STR("1 "), &code));
}
END_TEST

static const struct text_case {
    const char *name;
    struct str plain, encoded;
    enum { BOTH_WAYS, ENCODE, DECODE } way;
} text_cases[] = {
    {"empty", STR_INIT(""), STR_INIT(""), BOTH_WAYS},
    {"plain", STR_INIT("out of order sample"), STR_INIT("out of order sample"), BOTH_WAYS},
    {"percent", STR_INIT("100%"), STR_INIT("100%25"), BOTH_WAYS},
    {"lines", STR_INIT("a\r\nb\tc"), STR_INIT("a%0D%0Ab%09c"), BOTH_WAYS},
    {"utf-8", STR_INIT("\xc3\xbc~\x7f"), STR_INIT("%C3%BC~%7F"), BOTH_WAYS},
    {"blanks at the ends", STR_INIT(" a b "), STR_INIT("%20a b%20"), BOTH_WAYS},
    {"nul", STR_INIT("\0"), STR_INIT("%00"), BOTH_WAYS},
    {"malformed utf-8",
     STR_INIT("\xff"
              "a\xc3"),
     STR_INIT("%EF%BF%BDa%EF%BF%BD"), ENCODE},
    {"small digits", STR_INIT("\xc3\xbc"), STR_INIT("%c3%bc"), DECODE},
    {"no escapes", STR_INIT("%zz%2%"), STR_INIT("%zz%2%"), DECODE},
    {"percent, then an escape", STR_INIT("%%"), STR_INIT("%%25"), DECODE},
    {"escape at the end", STR_INIT("a "), STR_INIT("a%20"), DECODE},
};

START_TEST(test_texts)
{
    const struct text_case *c = &text_cases[_i];
    AUTO(buf_fini) struct buf b = BUF_INIT;
    if (c->way != DECODE) {
        grpc_text_encode(c->plain, &b);
        ROW_ASSERT(c->name, str_eq(buf_str(&b), c->encoded));
    }
    if (c->way != ENCODE) {
        buf_clear(&b);
        grpc_text_decode(c->encoded, &b);
        ROW_ASSERT(c->name, str_eq(buf_str(&b), c->plain));
    }
}
END_TEST

START_TEST(test_long_texts_are_cut_between_characters)
{
    AUTO(buf_fini) struct buf text = BUF_INIT, b = BUF_INIT, back = BUF_INIT;
    for (int i = 0; i < 2000; i++)
        buf_append(&text, STR("\xe2\x82\xac"));
    grpc_text_encode(buf_str(&text), &b);
    ck_assert_uint_le(b.n, GRPC_TEXT_BYTES_MAX);
    ck_assert_uint_gt(b.n, GRPC_TEXT_BYTES_MAX - 9);
    grpc_text_decode(buf_str(&b), &back);
    ck_assert(str_is_utf8(buf_str(&back)));

    buf_clear(&text), buf_clear(&b);
    for (int i = 0; i < GRPC_TEXT_BYTES_MAX - 1; i++)
        buf_put_u8(&text, 'x');
    buf_append(&text, STR("  x"));
    grpc_text_encode(buf_str(&text), &b);
    ck_assert_int_eq(b.p[b.n - 1], 'x'); /* the cut leaves no blank at the end */
}
END_TEST

static const struct timeout_case {
    const char *text;
    uint64_t ns; /* UINT64_MAX: of more than that; 0 with `malformed`: refused */
    enum { SAME, PARSED, FORMATTED, MALFORMED } way;
} timeout_cases[] = {
    {"0n", 0, SAME},
    {"99999999n", 99999999, SAME},
    {"100000u", 100000000, SAME},
    {"100001u", 100000001, FORMATTED}, /* rounded up: never before the deadline */
    {"5000000u", 5000000000ull, SAME},
    {"5S", 5000000000ull, PARSED},
    {"2M", 120000000000ull, PARSED},
    {"120000m", 120000000000ull, SAME},
    {"3H", 10800000000000ull, PARSED},
    {"99999999H", UINT64_MAX, PARSED},
    {"5124096H", UINT64_MAX, FORMATTED},
    {"", 0, MALFORMED},
    {"S", 0, MALFORMED},
    {"5", 0, MALFORMED},
    {"5s", 0, MALFORMED},
    {"-5S", 0, MALFORMED},
    {"+5S", 0, MALFORMED},
    {"5.5S", 0, MALFORMED},
    {" 5S", 0, MALFORMED},
    {"123456789S", 0, MALFORMED},
};

START_TEST(test_timeouts)
{
    const struct timeout_case *c = &timeout_cases[_i];
    uint64_t ns = 0;
    char text[GRPC_TIMEOUT_BYTES_MAX];
    bool parsed = grpc_timeout_parse(str_of_cstr(c->text), &ns);
    ROW_ASSERT(c->text, parsed == (c->way != MALFORMED));
    if (c->way == SAME || c->way == PARSED)
        ROW_ASSERT(c->text, ns == c->ns);
    if (c->way == SAME || c->way == FORMATTED) {
        grpc_timeout_format(c->ns, text);
        ck_assert_str_eq(text, c->text);
    }
}
END_TEST

Suite *
grpc_status_suite(void)
{
    Suite *s = suite_create("grpc_status");
    TCase *t = tcase_create("grpc_status");
    tcase_add_test(t, test_codes_of_errors_come_back);
    tcase_add_loop_test(t, test_codes, 0, ARRAY_LEN(code_cases));
    tcase_add_test(t, test_failed_precondition_is_no_conflict);
    tcase_add_test(t, test_code_texts);
    tcase_add_loop_test(t, test_texts, 0, ARRAY_LEN(text_cases));
    tcase_add_test(t, test_long_texts_are_cut_between_characters);
    tcase_add_loop_test(t, test_timeouts, 0, ARRAY_LEN(timeout_cases));
    suite_add_tcase(s, t);
    return s;
}
