/* Which content types and encodings are taken for OTLP and for texts, and the limit of bytes. */
#include "tests/harness.h"

#include "base/codec.h"
#include "base/mem.h"
#include "ingest/formats.h"

enum { LIMIT = 100 };

#define JSON                                                                                       \
    "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"m\",\"gauge\":{"           \
    "\"dataPoints\":[{\"asInt\":1,\"timeUnixNano\":1}]}}]}]}]}"

static void
plain(struct str bytes, struct buf *to)
{
    buf_append(to, bytes);
}

static const struct format_case {
    const char *name;
    bool otlp;
    const char *content_type, *content_encoding;
    void (*encode)(struct str bytes, struct buf *to); /* NULL: plain() */
    size_t limit;                                     /* 0: enough */
    enum err_code code;
    const char *want;
} format_cases[] = {
    {"JSON", true, "application/json", "", .want = ""},
    {"JSON, parameters and case", true, "Application/JSON; charset=utf-8", "identity", .want = ""},
    {"JSON, gzip", true, "application/json", "GZip", gzip_encode, .want = ""},
    {"protobuf", true, "application/x-protobuf", "", .code = ERR_INVALID,
     .want = "otlp: malformed"},
    {"no type", true, "", "", .code = ERR_UNSUPPORTED, .want = "send application/x-protobuf or"},
    {"text as OTLP", true, "text/plain", "", .code = ERR_UNSUPPORTED, .want = "\"text/plain\""},
    {"OTLP in zstd", true, "application/json", "zstd", zstd_encode, .code = ERR_UNSUPPORTED,
     .want = "content encoding \"zstd\" is not supported, send gzip or none"},
    {"no gzip", true, "application/json", "gzip", .code = ERR_INVALID, .want = "gzip decode error"},
    {"gzip too large", true, "application/json", "gzip", gzip_encode, .limit = LIMIT,
     .code = ERR_TOO_LARGE, .want = "100"},
    {"plain too large", true, "application/json", "", .limit = LIMIT, .code = ERR_TOO_LARGE,
     .want = "limit 100"},
    {"text", false, "text/plain; version=0.0.4", "", .want = ""},
    {"text without a type", false, "", "", .want = ""},
    {"text from curl", false, "application/x-www-form-urlencoded", "", .want = ""},
    {"text in gzip", false, "text/plain", "gzip", gzip_encode, .want = ""},
    {"text in zstd", false, "text/plain", "zstd", zstd_encode, .want = ""},
    {"text in snappy", false, "text/plain", "snappy", snappy_encode, .want = ""},
    {"OpenMetrics", false, "application/openmetrics-text; version=1.0.0", "", .want = "no # EOF"},
    {"text in br", false, "text/plain", "br", .code = ERR_UNSUPPORTED,
     .want = "send gzip, zstd, snappy or none"},
    {"two encodings", false, "text/plain", "gzip, gzip", .code = ERR_UNSUPPORTED,
     .want = "content encoding"},
    {"text as JSON", false, "application/json", "", .code = ERR_UNSUPPORTED,
     .want = "send text/plain or application/openmetrics-text"},
    {"text too large", false, "", "", .limit = 3, .code = ERR_TOO_LARGE, .want = "limit 3"},
};

START_TEST(test_format)
{
    const struct format_case *c = &format_cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf bytes = BUF_INIT, decoded = BUF_INIT;
    (c->encode ? c->encode : plain)(c->otlp ? STR(JSON) : STR("m 1\n"), &bytes);
    buf_append(&decoded, STR("of the request before"));
    struct ingest_body body = {.bytes = buf_str(&bytes),
                               .content_type = str_of_cstr(c->content_type),
                               .content_encoding = str_of_cstr(c->content_encoding),
                               .decoded_bytes_max = c->limit ? c->limit : 1000};
    struct batch b = {.series_count = 77};
    struct err e = c->otlp ? ingest_decode_otlp(&a, &decoded, &body, &(struct otlp_options){0}, &b)
                           : ingest_decode_text(&a, &decoded, &body, 99, &b);
    ck_assert_msg(e.code == c->code, "row \"%s\": %s", c->name, err_text(&e));
    struct str got = e.code ? str_of_cstr(err_text(&e)) : b.refused.text;
    ck_assert_msg(memmem(got.p ? got.p : "", got.n, c->want, strlen(c->want)), "row \"%s\": %.*s",
                  c->name, STR_FMT(got));
    ROW_ASSERT(c->name, b.series_count == (e.code ? 77 : 1));
    err_drop(e);
}
END_TEST

Suite *
formats_suite(void)
{
    Suite *s = suite_create("formats");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, test_format, 0, ARRAY_LEN(format_cases));
    suite_add_tcase(s, t);
    return s;
}
