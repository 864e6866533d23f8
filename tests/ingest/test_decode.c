/* Which headers are taken, which bodies are refused, and that a limit holds before memory is
 * taken for what it limits. */
#include "tests/harness.h"

#include "base/codec.h"
#include "base/mem.h"
#include "ingest/decode.h"

/* One series {a="b"} with the sample 1@1700000000000. */
#define SERIES                                                                                     \
    "\x0a\x1a\x0a\x06\x0a\x01"                                                                     \
    "a"                                                                                            \
    "\x12\x01"                                                                                     \
    "b"                                                                                            \
    "\x12\x10\x09\x00\x00\x00\x00\x00\x00\xf0\x3f\x10\x80\xd0\x95\xff\xbc\x31"

static const struct header_case {
    const char *name;
    const char *content_type, *content_encoding;
    enum err_code code;
    const char *want; /* part of the message */
} header_cases[] = {
    {"none", "", "", ERR_NONE, ""},
    {"usual", "application/x-protobuf", "snappy", ERR_NONE, ""},
    {"message named", "application/x-protobuf;proto=prometheus.WriteRequest", "snappy", ERR_NONE,
     ""},
    {"blanks and case", " Application/X-Protobuf ; Proto = prometheus.WriteRequest ", " Snappy ",
     ERR_NONE, ""},
    {"quoted", "application/x-protobuf; proto=\"prometheus.WriteRequest\"", "snappy", ERR_NONE, ""},
    {"other parameters", "application/x-protobuf; charset=utf-8", "snappy", ERR_NONE, ""},
    {"remote write 2.0", "application/x-protobuf;proto=io.prometheus.write.v2.Request", "snappy",
     ERR_NONE, ""},
    {"2.0, blanks, case and quotes",
     " application/x-Protobuf ; charset=utf-8 ; PROTO = \"io.prometheus.write.v2.Request\" ", "",
     ERR_NONE, ""},
    {"2.0, and another message behind",
     "application/x-protobuf;proto=io.prometheus.write.v2.Request;proto=x", "", ERR_UNSUPPORTED,
     "message \"x\" is not supported, send io.prometheus.write.v2.Request or"},
    {"version that is to come", "application/x-protobuf;proto=io.prometheus.write.v3.Request", "",
     ERR_UNSUPPORTED, "message"},
    {"no message", "application/x-protobuf;proto=", "", ERR_UNSUPPORTED, "message \"\""},
    {"only the name of a message", "io.prometheus.write.v2.Request", "", ERR_UNSUPPORTED,
     "content type"},
    {"zstd", "application/x-protobuf", " ZSTD ", ERR_NONE, ""},
    {"zstd of another kind", "application/x-protobuf", "zstd;q=1", ERR_UNSUPPORTED, "encoding"},
    {"other message", "application/x-protobuf;proto=prometheus.ReadRequest", "snappy",
     ERR_UNSUPPORTED, "\"prometheus.ReadRequest\""},
    {"message in other case", "application/x-protobuf;proto=prometheus.writerequest", "snappy",
     ERR_UNSUPPORTED, "message"},
    {"json", "application/json", "snappy", ERR_UNSUPPORTED, "content type \"application/json\""},
    {"text", "text/plain", "", ERR_UNSUPPORTED, "content type"},
    {"only a parameter", ";proto=prometheus.WriteRequest", "snappy", ERR_UNSUPPORTED,
     "content type"},
    {"gzip", "application/x-protobuf", "gzip", ERR_UNSUPPORTED, "content encoding \"gzip\""},
    {"identity", "application/x-protobuf", "identity", ERR_UNSUPPORTED, "content encoding"},
    {"two encodings", "", "snappy, gzip", ERR_UNSUPPORTED, "content encoding"},
};

/* One series up 1@1700000000000, in 2.0. */
#define REQUEST_2                                                                                  \
    "\x22\x00\x22\x08__name__\x22\x02up\x2a\x16\x0a\x02\x01\x02"                                   \
    "\x12\x10\x09\x00\x00\x00\x00\x00\x00\xf0\x3f\x10\x80\xd0\x95\xff\xbc\x31"

/* What the headers say is what the body is read as. */
START_TEST(test_headers)
{
    const struct header_case *c = &header_cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf packed = BUF_INIT, decoded = BUF_INIT;
    struct ingest_body body = {
        .content_type = str_of_cstr(c->content_type),
        .content_encoding = str_of_cstr(c->content_encoding),
        .decoded_bytes_max = INGEST_DECODED_BYTES_MAX_DEFAULT,
    };
    struct ingest_format format = {.encoding = 77};
    struct err e = ingest_negotiate(&body, &format);
    ck_assert_msg(e.code == c->code, "row \"%s\": %s", c->name, err_text(&e));
    ck_assert_msg(!e.msg || strstr(e.msg, c->want), "row \"%s\": %s", c->name, err_text(&e));
    ROW_ASSERT(c->name, (format.encoding == 77) == (c->code != ERR_NONE));
    err_drop(e);
    if (c->code != ERR_NONE)
        return;
    bool is_2 = strstr(c->name, "2.0"), is_zstd = strstr(c->name, "zstd");
    struct str message = is_2 ? STR(REQUEST_2) : STR(SERIES);
    if (is_zstd)
        zstd_encode(message, &packed);
    else
        snappy_encode(message, &packed);
    body.bytes = buf_str(&packed);
    struct batch batch;
    CK_OK(ingest_decode(&a, &decoded, &body, format, &batch));
    ROW_ASSERT(c->name, batch.series_count == 1 && batch.request.row_count == 1);
    struct str name = is_2 ? STR("__name__") : STR("a");
    struct labels labels;
    ROW_ASSERT(c->name, label_key_decode(&a, batch.request.rows[0].label_key, &labels) == 0);
    ROW_ASSERT(c->name, labels.n == 1 && str_eq(labels.v[0].name, name));
}
END_TEST

/* What of 2.0 becomes no row is told beside the rows. */
START_TEST(test_refused_series)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf packed = BUF_INIT, decoded = BUF_INIT;
    /* behind the first: one without a name, one without samples, one with a start timestamp */
    snappy_encode(STR(REQUEST_2 "\x2a\x06\x0a\x02\x02\x02\x12\x00"
                                "\x2a\x04\x0a\x02\x01\x02"
                                "\x2a\x08\x0a\x02\x01\x02\x12\x02\x18\x05"),
                  &packed);
    struct ingest_body body = {.bytes = buf_str(&packed), .decoded_bytes_max = 1000};
    struct batch b;
    CK_OK(ingest_decode(&a, &decoded, &body,
                        (struct ingest_format){INGEST_REMOTE_WRITE_2, INGEST_SNAPPY}, &b));
    ck_assert_uint_eq(b.series_count, 4);
    ck_assert_uint_eq(b.request.row_count, 2);
    ck_assert_uint_eq(b.refused_series.without_name, 1);
    ck_assert_uint_eq(b.refused_series.without_samples, 1);
    ck_assert_uint_eq(b.start_timestamp_count, 1);
}
END_TEST

/* A zstd frame that announces more than the limit, and one that does not say how much it holds. */
START_TEST(test_zstd_limit)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf plain = BUF_INIT, packed = BUF_INIT, decoded = BUF_INIT;
    for (size_t i = 0; i < 1000; i++)
        buf_append(&plain, STR("a thousand times the same"));
    zstd_encode(buf_str(&plain), &packed);
    struct ingest_body body = {.bytes = buf_str(&packed), .decoded_bytes_max = 1000};
    struct ingest_format format = {INGEST_REMOTE_WRITE_1, INGEST_ZSTD};
    struct batch b;
    CK_ERR(ERR_TOO_LARGE, ingest_decode(&a, &decoded, &body, format, &b));
    ck_assert_uint_lt(decoded.cap, 4096);
    body.bytes = STR("no zstd");
    CK_ERR(ERR_INVALID, ingest_decode(&a, &decoded, &body, format, &b));
}
END_TEST

static struct err
decode(struct arena *a, struct buf *decoded, struct str body, size_t limit, struct batch *ret_batch)
{
    return ingest_decode(a, decoded,
                         &(struct ingest_body){.bytes = body, .decoded_bytes_max = limit},
                         (struct ingest_format){INGEST_REMOTE_WRITE_1, INGEST_SNAPPY}, ret_batch);
}

START_TEST(test_batch)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf packed = BUF_INIT, decoded = BUF_INIT;
    /* behind the series: one with two exemplars and a histogram, and metadata */
    snappy_encode(STR(SERIES "\x0a\x06\x1a\x00\x1a\x00\x22\x00"
                             "\x1a\x00"),
                  &packed);
    buf_append(&decoded, STR("of the request before"));
    struct batch b;
    CK_OK(decode(&a, &decoded, buf_str(&packed), 100, &b));
    ck_assert_uint_eq(b.series_count, 2);
    ck_assert_uint_eq(b.request.row_count, 2);
    ck_assert_uint_eq(b.request.sample_count, 1);
    ck_assert_int_eq(b.request.samples[0].t_ms, 1700000000000);
    ck_assert(str_eq(b.request.rows[0].label_key, STR("\x0a\x06\x0a\x01"
                                                      "a"
                                                      "\x12\x01"
                                                      "b")));
    ck_assert_uint_eq(b.request.rows[1].exemplar_count, 2);
    ck_assert_uint_eq(b.request.rows[1].histogram_count, 1);
    ck_assert_uint_eq(b.request.exemplar_count, 2);
    ck_assert_uint_eq(b.request.histogram_count, 1);
    ck_assert_uint_eq(b.request.metadata_count, 1);
    ck_assert_ptr_nonnull(b.request.exemplars);
    ck_assert_ptr_nonnull(b.request.histograms);
    ck_assert_ptr_nonnull(b.request.metadata);
}
END_TEST

static const struct body_case {
    const char *name;
    struct str body;
    enum err_code code;
    const char *want;
} body_cases[] = {
    {"empty", STR_INIT(""), ERR_INVALID, "snappy decode error"},
    {"text", STR_INIT("up 1\n"), ERR_INVALID, "snappy decode error"},
    {"length cut short", STR_INIT("\x80"), ERR_INVALID, "snappy decode error"},
    {"shorter than announced",
     STR_INIT("\x05\x04"
              "ab"),
     ERR_INVALID, "snappy decode error"},
    {"longer than announced",
     STR_INIT("\x01\x04"
              "ab"),
     ERR_INVALID, "snappy decode error"},
    {"copy before the start",
     STR_INIT("\x05\x00"
              "a"
              "\x01\x09"),
     ERR_INVALID, "snappy decode error"},
    {"framed snappy", STR_INIT("\xff\x06\x00\x00sNaPpY"), ERR_INVALID, "snappy decode error"},
    {"4 GiB announced",
     STR_INIT("\xff\xff\xff\xff\x0f\x00"
              "a"),
     ERR_TOO_LARGE, "limit 1000"},
    {"one byte above the limit",
     STR_INIT("\xe9\x07\x00"
              "a"),
     ERR_TOO_LARGE, "limit 1000"},
    {"no protobuf inside",
     STR_INIT("\x02\x04"
              "up"),
     ERR_INVALID, "remote write: malformed"},
    {"nothing inside", STR_INIT("\x00"), ERR_NONE, ""},
};

START_TEST(test_body)
{
    const struct body_case *c = &body_cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf decoded = BUF_INIT;
    struct batch batch = {.series_count = 77};
    struct err e = decode(&a, &decoded, c->body, 1000, &batch);
    ck_assert_msg(e.code == c->code, "row \"%s\": %s", c->name, err_text(&e));
    ck_assert_msg(!e.msg || strstr(e.msg, c->want), "row \"%s\": %s", c->name, err_text(&e));
    ROW_ASSERT(c->name, decoded.cap < 4096); /* no memory for what is refused */
    ROW_ASSERT(c->name, batch.series_count == (c->code == ERR_NONE ? 0 : 77));
    err_drop(e);
}
END_TEST

Suite *
decode_suite(void)
{
    Suite *s = suite_create("decode");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, test_headers, 0, ARRAY_LEN(header_cases));
    tcase_add_test(t, test_refused_series);
    tcase_add_test(t, test_zstd_limit);
    tcase_add_test(t, test_batch);
    tcase_add_loop_test(t, test_body, 0, ARRAY_LEN(body_cases));
    suite_add_tcase(s, t);
    return s;
}
