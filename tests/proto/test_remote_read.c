/* Read requests as senders write them, in every legal form, and what must be refused; answers
 * are read back by the code that protobuf-c generates. */
#include "tests/harness.h"

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "base/pb.h"
#include "proto/remote_read.h"
#include "tests/proto/prompb.pb-c.h"
#include "tsdb/model/histogram.h"

/* up="b", and a query of [1, 2] for it. */
#define MATCHER                                                                                    \
    "\x1a\x07\x12\x02"                                                                             \
    "up"                                                                                           \
    "\x1a\x01"                                                                                     \
    "b"
#define QUERY "\x0a\x0d\x08\x01\x10\x02" MATCHER

static void
request_show(const struct read_request *request, struct buf *to)
{
    buf_printf(to, "%s", request->response_type == READ_SAMPLES ? "samples" : "chunks");
    for (size_t i = 0; i < request->query_count; i++) {
        const struct read_query *q = &request->queries[i];
        buf_printf(to, " [%jd %jd", (intmax_t)q->mint_ms, (intmax_t)q->maxt_ms);
        for (size_t k = 0; k < q->matchers.n; k++) {
            buf_append(to, STR(" "));
            matcher_format(&q->matchers.v[k], to);
        }
        if (q->hints.given)
            buf_printf(to, " for %.*s %jd %jd", STR_FMT(q->hints.func), (intmax_t)q->hints.start_ms,
                       (intmax_t)q->hints.end_ms);
        buf_append(to, STR("]"));
    }
}

static const struct request_case {
    const char *name;
    struct str message;
    const char *want;
} good_requests[] = {
    {"empty", STR_INIT(""), "samples"},
    {"one query", STR_INIT(QUERY), "samples [1 2 up=\"b\"]"},
    {"two queries", STR_INIT(QUERY "\x0a\x00"), "samples [1 2 up=\"b\"] [0 0]"},
    {"not equal",
     STR_INIT("\x0a\x07\x1a\x05\x08\x01\x12\x01"
              "a"),
     "samples [0 0 a!=\"\"]"},
    {"regex",
     STR_INIT("\x0a\x0c\x1a\x0a\x08\x02\x12\x01"
              "a"
              "\x1a\x03"
              "x.*"),
     "samples [0 0 a=~\"x.*\"]"},
    {"not regex",
     STR_INIT("\x0a\x0a\x1a\x08\x08\x03\x12\x01"
              "a"
              "\x1a\x01"
              "x"),
     "samples [0 0 a!~\"x\"]"},
    {"times last", STR_INIT("\x0a\x0d" MATCHER "\x10\x02\x08\x01"), "samples [1 2 up=\"b\"]"},
    {"negative time", STR_INIT("\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
     "samples [-1 0]"},
    {"hints without times", STR_INIT("\x0a\x0a\x08\x01\x22\x04\x08\x05\x12\x00\x10\x02"),
     "samples [1 2 for  0 0]"},
    {"empty hints", STR_INIT("\x0a\x02\x22\x00"), "samples [0 0 for  0 0]"},
    {"all hints",
     STR_INIT("\x0a\x17\x22\x15\x08\x05\x12\x04"
              "rate"
              "\x18\x03\x20\x04\x2a\x03"
              "job"
              "\x30\x01\x38\x09"),
     "samples [0 0 for rate 3 4]"},
    {"unknown fields", STR_INIT("\x7a\x01x" QUERY "\x78\x01"), "samples [1 2 up=\"b\"]"},
    {"samples accepted", STR_INIT("\x10\x00"), "samples"},
    {"chunks accepted", STR_INIT("\x10\x01"), "chunks"},
    {"chunks first", STR_INIT("\x10\x01\x10\x00"), "chunks"},
    {"samples first, packed", STR_INIT("\x12\x02\x00\x01"), "samples"},
    {"a later type first", STR_INIT("\x12\x02\x07\x01"), "chunks"},
    {"empty packed list", STR_INIT("\x12\x00"), "samples"},
};

START_TEST(test_request)
{
    const struct request_case *c = &good_requests[_i];
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf got = BUF_INIT;
    struct read_request request;
    CK_OK(read_request_decode(&a, c->message, &request));
    request_show(&request, &got);
    ck_assert_msg(strcmp(buf_cstr(&got), c->want) == 0, "row \"%s\": got %s", c->name,
                  buf_cstr(&got));
}
END_TEST

static const struct bad_request_case {
    const char *name;
    struct str message;
    const char *want;
} bad_requests[] = {
    {"cut short", STR_INIT("\x0a\x0d\x08\x01\x10\x02"), "malformed request"},
    {"text", STR_INIT("match[]=up"), "malformed request"},
    {"query is a number", STR_INIT("\x08\x01"), "wrong wire type"},
    {"time is text", STR_INIT("\x0a\x03\x0a\x01x"), "wrong wire type of a query's time"},
    {"matcher is a number", STR_INIT("\x0a\x02\x18\x01"), "wrong wire type of a query's matcher"},
    {"hints are a number", STR_INIT("\x0a\x02\x20\x01"), "wrong wire type of a query's hints"},
    {"hint's time is text", STR_INIT("\x0a\x05\x22\x03\x1a\x01x"), "a hint's time"},
    {"hint's function is a number", STR_INIT("\x0a\x04\x22\x02\x10\x01"), "a hint's function"},
    {"hints cut short", STR_INIT("\x0a\x04\x22\x02\x12\x09"), "malformed hints"},
    {"query cut short", STR_INIT("\x0a\x02\x1a\x09"), "malformed query"},
    {"matcher cut short", STR_INIT("\x0a\x04\x1a\x02\x12\x09"), "malformed matcher"},
    {"matcher type is text", STR_INIT("\x0a\x05\x1a\x03\x0a\x01x"), "a matcher's type"},
    {"matcher name is a number", STR_INIT("\x0a\x04\x1a\x02\x10\x01"), "a matcher's name"},
    {"matcher value is a number", STR_INIT("\x0a\x04\x1a\x02\x18\x01"), "a matcher's value"},
    {"matcher type 4",
     STR_INIT("\x0a\x07\x1a\x05\x08\x04\x12\x01"
              "a"),
     "unknown matcher type 4"},
    {"bad regex",
     STR_INIT("\x0a\x0a\x1a\x08\x08\x02\x12\x01"
              "a"
              "\x1a\x01("),
     "matcher"},
    {"no known answer", STR_INIT("\x10\x05"), "none of the accepted"},
    {"accepted type is a double", STR_INIT("\x11\x00\x00\x00\x00\x00\x00\x00\x00"), "wrong wire"},
    {"packed list cut short", STR_INIT("\x12\x01\x80"), "malformed list"},
};

START_TEST(test_bad_request)
{
    const struct bad_request_case *c = &bad_requests[_i];
    AUTO(arena_fini) struct arena a = {0};
    struct read_request request = {.query_count = 77};
    struct err e = read_request_decode(&a, c->message, &request);
    ck_assert_msg(e.code == ERR_INVALID, "row \"%s\": %s", c->name, err_name(e.code));
    ck_assert_msg(strstr(err_text(&e), c->want), "row \"%s\": %s", c->name, err_text(&e));
    ROW_ASSERT(c->name, request.query_count == 77);
    err_drop(e);
}
END_TEST

static void
put_many(struct buf *to, struct str field, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_append(to, field);
}

START_TEST(test_request_limits)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf queries = BUF_INIT, matchers = BUF_INIT, message = BUF_INIT;
    struct read_request request;
    put_many(&queries, STR("\x0a\x00"), READ_QUERIES_MAX);
    CK_OK(read_request_decode(&a, buf_str(&queries), &request));
    ck_assert_uint_eq(request.query_count, READ_QUERIES_MAX);
    put_many(&queries, STR("\x0a\x00"), 1);
    CK_ERR(ERR_INVALID, read_request_decode(&a, buf_str(&queries), &request));

    put_many(&matchers, STR(MATCHER), READ_MATCHERS_MAX + 1);
    pb_put_bytes(&message, 1, str_of(matchers.p, matchers.n - strlen(MATCHER)));
    CK_OK(read_request_decode(&a, buf_str(&message), &request));
    ck_assert_uint_eq(request.queries[0].matchers.n, READ_MATCHERS_MAX);
    buf_clear(&message);
    pb_put_bytes(&message, 1, buf_str(&matchers));
    CK_ERR(ERR_INVALID, read_request_decode(&a, buf_str(&message), &request));
}
END_TEST

static const struct label label_list[] = {{STR_INIT("__name__"), STR_INIT("up")},
                                          {STR_INIT("job"), STR_INIT("node")}};
static const struct labels some_labels = {label_list, ARRAY_LEN(label_list)};

static const struct histogram_columns no_histograms = HISTOGRAM_COLUMNS_INIT;

START_TEST(test_response)
{
    int64_t times[] = {0, -5, 1700000000000};
    uint64_t bits[] = {bits_of_f64(1), 0, bits_of_f64(2.5)};
    struct sample_columns samples = {times, bits, 3, 3}, none = SAMPLE_COLUMNS_INIT;
    AUTO(buf_fini) struct buf to = BUF_INIT;
    struct read_response r;
    read_response_init(&r, &to);
    read_response_begin_query(&r);
    read_response_series(&r, some_labels, &samples, &no_histograms);
    struct histogram histogram = {.kind = HISTOGRAM_INTEGER, .zero_count = 7, .count = 7};
    int64_t start = 0;
    struct histogram_columns histograms = {&times[1], &start, &histogram, 1, 1};
    read_response_series(&r, some_labels, &none, &histograms);
    read_response_end_query(&r);
    read_response_begin_query(&r); /* matched nothing: an empty result stands for it */
    read_response_end_query(&r);
    read_response_fini(&r);

    Prompb__ReadResponse *got = prompb__read_response__unpack(NULL, to.n, (const uint8_t *)to.p);
    ck_assert_ptr_nonnull(got);
    ck_assert_uint_eq(got->n_results, 2);
    ck_assert_uint_eq(got->results[1]->n_timeseries, 0);
    ck_assert_uint_eq(got->results[0]->n_timeseries, 2);
    const Prompb__TimeSeries *series = got->results[0]->timeseries[0];
    ck_assert_uint_eq(series->n_labels, 2);
    ck_assert_str_eq(series->labels[0]->name, "__name__");
    ck_assert_str_eq(series->labels[1]->value, "node");
    ck_assert_uint_eq(series->n_samples, 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(series->samples[i]->timestamp, times[i]);
        ck_assert_uint_eq(bits_of_f64(series->samples[i]->value), bits[i]);
    }
    ck_assert_uint_eq(series->n_histograms, 0);
    series = got->results[0]->timeseries[1];
    ck_assert_uint_eq(series->n_samples, 0);
    ck_assert_uint_eq(series->n_histograms, 1);
    ck_assert_int_eq(series->histograms[0]->timestamp, -5);
    ck_assert_uint_eq(series->histograms[0]->count_int, 7);
    prompb__read_response__free_unpacked(got, NULL);
}
END_TEST

START_TEST(test_stale_marker_keeps_its_bits)
{
    int64_t t = 1;
    uint64_t bits = STALE_NAN_BITS;
    struct sample_columns samples = {&t, &bits, 1, 1};
    AUTO(buf_fini) struct buf to = BUF_INIT;
    struct read_response r;
    read_response_init(&r, &to);
    read_response_begin_query(&r);
    read_response_series(&r, (struct labels){NULL, 0}, &samples, &no_histograms);
    read_response_end_query(&r);
    read_response_fini(&r);
    ck_assert(str_eq(buf_str(&to), STR("\x0a\x0f\x0a\x0d\x12\x0b"
                                       "\x09\x02\x00\x00\x00\x00\x00\xf0\x7f\x10\x01")));
}
END_TEST

START_TEST(test_frames)
{
    const struct chunk_view chunks[] = {
        {.mint_ms = -1, .maxt_ms = 1700000000000, .encoding = CHUNK_XOR, .data = STR("abc")},
        {.mint_ms = 0, .maxt_ms = 0, .encoding = CHUNK_HISTOGRAM, .data = STR("")},
    };
    AUTO(buf_fini) struct buf to = BUF_INIT;
    read_frame_encode(&to, 0, some_labels, chunks, 2);
    read_frame_encode(&to, 300, some_labels, NULL, 0);

    struct reader r = reader_of(buf_str(&to));
    for (size_t frame = 0; frame < 2; frame++) {
        size_t bytes = reader_uvarint(&r);
        uint32_t crc = reader_be32(&r);
        struct str payload = reader_bytes(&r, bytes);
        ck_assert_int_eq(r.code, ERR_NONE);
        ck_assert_uint_eq(crc, crc32c(payload));
        Prompb__ChunkedReadResponse *got =
            prompb__chunked_read_response__unpack(NULL, payload.n, (const uint8_t *)payload.p);
        ck_assert_ptr_nonnull(got);
        ck_assert_int_eq(got->query_index, frame == 0 ? 0 : 300);
        ck_assert_uint_eq(got->n_chunked_series, 1);
        const Prompb__ChunkedSeries *series = got->chunked_series[0];
        ck_assert_str_eq(series->labels[1]->name, "job");
        ck_assert_uint_eq(series->n_chunks, frame == 0 ? 2 : 0);
        for (size_t i = 0; i < series->n_chunks; i++) {
            const Prompb__Chunk *chunk = series->chunks[i];
            ck_assert_int_eq(chunk->min_time_ms, chunks[i].mint_ms);
            ck_assert_int_eq(chunk->max_time_ms, chunks[i].maxt_ms);
            ck_assert_uint_eq(chunk->type, chunks[i].encoding);
            ck_assert(str_eq(str_of((char *)chunk->data.data, chunk->data.len), chunks[i].data));
        }
        prompb__chunked_read_response__free_unpacked(got, NULL);
    }
    ck_assert_uint_eq(reader_left(&r), 0);
}
END_TEST

Suite *
remote_read_suite(void)
{
    Suite *s = suite_create("remote_read");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, test_request, 0, ARRAY_LEN(good_requests));
    tcase_add_loop_test(t, test_bad_request, 0, ARRAY_LEN(bad_requests));
    tcase_add_test(t, test_request_limits);
    tcase_add_test(t, test_response);
    tcase_add_test(t, test_stale_marker_keeps_its_bits);
    tcase_add_test(t, test_frames);
    suite_add_tcase(s, t);
    return s;
}
