/* Chunked bodies decode the same whole and byte by byte; malformed ones are refused. */
#include "base/mem.h"
#include "net/http_chunked.h"
#include "tests/harness.h"

enum { LIMIT_BYTES = 32 };

static const struct chunked_case {
    const char *name;
    struct str in;
    enum err_code code;
    struct str want, rest; /* what is left behind the body */
} chunked_cases[] = {
    {"empty", STR_INIT("0\r\n\r\n"), ERR_NONE, STR_INIT(""), STR_INIT("")},
    {"one", STR_INIT("3\r\nabc\r\n0\r\n\r\n"), ERR_NONE, STR_INIT("abc"), STR_INIT("")},
    {"hex", STR_INIT("0000000B\r\nhello world\r\n00\r\n\r\nGET"), ERR_NONE, STR_INIT("hello world"),
     STR_INIT("GET")},
    {"extension", STR_INIT("1;a=\"b\" \r\nx\r\n0 ;c\r\n\r\n"), ERR_NONE, STR_INIT("x"),
     STR_INIT("")},
    {"trailers", STR_INIT("1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n!"), ERR_NONE, STR_INIT("x"),
     STR_INIT("!")},
    {"line ends in the data", STR_INIT("4\r\n\r\n\r\n\r\n0\r\n\r\n"), ERR_NONE,
     STR_INIT("\r\n\r\n"), STR_INIT("")},
    {"at the limit", STR_INIT("20\r\n0123456789abcdef0123456789abcdef\r\n0\r\n\r\n"), ERR_NONE,
     STR_INIT("0123456789abcdef0123456789abcdef"), STR_INIT("")},
    {"above the limit", STR_INIT("21\r\n"), ERR_TOO_LARGE, {0}, {0}},
    {"above it in two",
     STR_INIT("1f\r\n0123456789abcdef0123456789abcde\r\n2\r\n"),
     ERR_TOO_LARGE,
     {0},
     {0}},
    {"no digits", STR_INIT("\r\n"), ERR_INVALID, {0}, {0}},
    {"extension without a size", STR_INIT(";a\r\n"), ERR_INVALID, {0}, {0}},
    {"blank first", STR_INIT(" 1\r\n"), ERR_INVALID, {0}, {0}},
    {"sign", STR_INIT("+1\r\n"), ERR_INVALID, {0}, {0}},
    {"0x", STR_INIT("0x1\r\n"), ERR_INVALID, {0}, {0}},
    {"nine digits", STR_INIT("000000001\r\n"), ERR_INVALID, {0}, {0}},
    {"bare lf behind a size", STR_INIT("1\nx"), ERR_INVALID, {0}, {0}},
    {"bare cr behind a size", STR_INIT("1\rx"), ERR_INVALID, {0}, {0}},
    {"bare lf in an extension", STR_INIT("1;a\nx"), ERR_INVALID, {0}, {0}},
    {"chunk too long", STR_INIT("1\r\nxy"), ERR_INVALID, {0}, {0}},
    {"no lf behind the data", STR_INIT("1\r\nx\r0"), ERR_INVALID, {0}, {0}},
    {"bare lf behind the data", STR_INIT("1\r\nx\n0"), ERR_INVALID, {0}, {0}},
    {"bare lf ends the body", STR_INIT("0\r\n\n"), ERR_INVALID, {0}, {0}},
    {"bare lf in a trailer", STR_INIT("0\r\nA: b\n"), ERR_INVALID, {0}, {0}},
    {"bare cr in a trailer", STR_INIT("0\r\nA: b\rc"), ERR_INVALID, {0}, {0}},
    {"bare cr at the end", STR_INIT("0\r\n\rx"), ERR_INVALID, {0}, {0}},
};

static void
check(const struct chunked_case *c, size_t step)
{
    AUTO(buf_fini) struct buf got = BUF_INIT;
    struct chunk_reader r = CHUNK_READER_INIT;
    struct str rest = c->in;
    struct err e = OK;
    while (rest.n > 0 && e.code == ERR_NONE && r.state != CHUNK_DONE) {
        struct str piece = str_of(rest.p, size_min(step, rest.n));
        size_t before = piece.n;
        e = chunk_reader_feed(&r, &piece, LIMIT_BYTES, &got);
        rest = str_skip(rest, before - piece.n);
    }
    ROW_ASSERT(c->name, e.code == c->code);
    if (e.code == ERR_NONE) {
        ROW_ASSERT(c->name, r.state == CHUNK_DONE && str_eq(rest, c->rest));
        ROW_ASSERT(c->name, str_eq(buf_str(&got), c->want));
    }
    err_drop(e);
}

START_TEST(test_feed)
{
    check(&chunked_cases[_i], SIZE_MAX);
    check(&chunked_cases[_i], 1);
    check(&chunked_cases[_i], 3);
}
END_TEST

static struct err
feed_endless(const char *start, char filler, size_t count)
{
    AUTO(buf_fini) struct buf in = BUF_INIT, got = BUF_INIT;
    buf_printf(&in, "%s", start);
    for (size_t i = 0; i < count; i++)
        buf_put_u8(&in, (uint8_t)filler);
    struct chunk_reader r = CHUNK_READER_INIT;
    struct str rest = buf_str(&in);
    return chunk_reader_feed(&r, &rest, LIMIT_BYTES, &got);
}

START_TEST(test_what_is_dropped_is_limited)
{
    CK_OK(feed_endless("1;", 'x', CHUNK_EXTENSION_BYTES_MAX - 1));
    CK_ERR(ERR_INVALID, feed_endless("1;", 'x', CHUNK_EXTENSION_BYTES_MAX + 1));
    CK_OK(feed_endless("0\r\n", 'x', CHUNK_TRAILER_BYTES_MAX));
    CK_ERR(ERR_INVALID, feed_endless("0\r\n", 'x', CHUNK_TRAILER_BYTES_MAX + 1));
}
END_TEST

Suite *
http_chunked_suite(void)
{
    Suite *s = suite_create("http_chunked");
    TCase *t = tcase_create("http_chunked");
    tcase_add_loop_test(t, test_feed, 0, ARRAY_LEN(chunked_cases));
    tcase_add_test(t, test_what_is_dropped_is_limited);
    suite_add_tcase(s, t);
    return s;
}
