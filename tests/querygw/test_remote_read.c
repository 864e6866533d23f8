/* Remote read over a live server: samples and frames that Prometheus' own messages describe. */
#include "tests/harness.h"

#include <string.h>

#include "base/codec.h"
#include "base/crc32c.h"
#include "base/pb.h"
#include "proto/remote_read.h"
#include "tests/querygw/api_fixture.h"
#include "tests/querygw/series_notation.h"

static struct api_fixture f;

static void
setup(void)
{
    api_fixture_start(&f, (struct api_opts){.read_samples_max = 500});
    notation_load_text(&f.store,
                       "up{job=\"a\"} 0+1x100\n"
                       "up{job=\"b\"} 5 stale\n",
                       0, 1000);
}

static void
teardown(void)
{
    api_fixture_stop(&f);
}

/* Appends Query{start, end, matcher up}. */
static void
put_query(struct buf *to, int64_t start_ms, int64_t end_ms, const char *name)
{
    AUTO(buf_fini) struct buf matcher = BUF_INIT, query = BUF_INIT;
    pb_put_bytes(&matcher, 2, STR("__name__"));
    pb_put_bytes(&matcher, 3, str_of_cstr(name));
    pb_put_i64(&query, 1, start_ms);
    pb_put_i64(&query, 2, end_ms);
    pb_put_bytes(&query, 3, buf_str(&matcher));
    pb_put_bytes(to, 1, buf_str(&query));
}

static struct reply
ask(struct buf *message)
{
    AUTO(buf_fini) struct buf body = BUF_INIT;
    snappy_encode(buf_str(message), &body);
    return api_post(&f, "/api/v1/read", "application/x-protobuf", buf_str(&body));
}

/* The next field of this number, or empty. */
static struct str
next_bytes(struct reader *r, uint32_t number)
{
    struct pb_field field;
    while (pb_next(r, &field))
        if (field.number == number && field.wire == PB_LEN)
            return field.bytes;
    ck_assert_int_eq(r->code, ERR_NONE);
    return (struct str){0};
}

static size_t
count_fields(struct str message, uint32_t number)
{
    struct reader r = reader_of(message);
    struct pb_field field;
    size_t count = 0;
    while (pb_next(&r, &field))
        count += field.number == number;
    ck_assert_int_eq(r.code, ERR_NONE);
    return count;
}

START_TEST(test_samples)
{
    AUTO(buf_fini) struct buf message = BUF_INIT, decoded = BUF_INIT;
    put_query(&message, 10000, 19999, "up");
    put_query(&message, 0, 1000, "up");
    put_query(&message, 0, 1000, "nothing");
    AUTO(reply_fini) struct reply r = ask(&message);
    ck_assert_int_eq(r.status, 200);
    ck_assert(str_eq(reply_header(&r, "Content-Type"), STR("application/x-protobuf")));
    ck_assert(str_eq(reply_header(&r, "Content-Encoding"), STR("snappy")));
    CK_OK(snappy_decode(buf_str(&r.body), 1 << 20, &decoded));
    struct reader results = reader_of(buf_str(&decoded));
    struct str first = next_bytes(&results, 1), second = next_bytes(&results, 1);
    ck_assert_uint_eq(count_fields(buf_str(&decoded), 1), 3);
    ck_assert_uint_eq(count_fields(first, 1), 1); /* b has no sample then */
    struct reader series = reader_of(first);
    struct str a = next_bytes(&series, 1);
    ck_assert_uint_eq(count_fields(a, 1), 2);
    ck_assert_uint_eq(count_fields(a, 2), 10);
    ck_assert_uint_eq(count_fields(second, 1), 2); /* stale markers are samples here */
    series = reader_of(second);
    next_bytes(&series, 1);
    ck_assert_uint_eq(count_fields(next_bytes(&series, 1), 2), 2);
}
END_TEST

/* Cuts the next frame off, checks its sum and returns its message. */
static struct str
take_frame(struct reader *r)
{
    uint64_t n = reader_uvarint(r);
    uint32_t crc = reader_be32(r);
    struct str message = reader_bytes(r, n);
    ck_assert_int_eq(r->code, ERR_NONE);
    ck_assert_uint_eq(crc, crc32c(message));
    return message;
}

START_TEST(test_frames)
{
    f.store.chunk_samples = 40;
    AUTO(buf_fini) struct buf message = BUF_INIT;
    put_query(&message, 0, 99000, "up");
    put_query(&message, 0, 0, "up");
    pb_put_u64(&message, 2, READ_STREAMED_XOR_CHUNKS);
    AUTO(reply_fini) struct reply r = ask(&message);
    ck_assert_int_eq(r.status, 200);
    ck_assert(r.complete);
    ck_assert(str_eq(reply_header(&r, "Content-Type"),
                     STR("application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse")));
    struct reader frames = reader_of(buf_str(&r.body));
    static const size_t chunks[] = {3, 1, 1, 1};
    for (size_t i = 0; i < ARRAY_LEN(chunks); i++) {
        struct str frame = take_frame(&frames);
        struct reader series = reader_of(frame);
        struct str s = next_bytes(&series, 1);
        ck_assert_uint_eq(count_fields(s, 1), 2);
        ck_assert_uint_eq(count_fields(s, 2), chunks[i]);
        ck_assert_uint_eq(count_fields(frame, 2), i >= 2); /* query_index 0 is left out */
    }
    ck_assert_uint_eq(reader_left(&frames), 0);
}
END_TEST

/* Series too large for a frame come in several, each below the limit. */
START_TEST(test_large_frames)
{
    struct label l[] = {{STR("__name__"), STR("big")}};
    uint64_t bits = 1;
    for (int64_t t_ms = 0; t_ms < 150000; t_ms++) {
        bits = bits * UINT64_C(6364136223846793005) + 1442695040888963407;
        fake_store_add_bits(&f.store, (struct labels){l, 1}, t_ms * 1000 + t_ms % 7, bits);
    }
    f.store.chunk_samples = 5000;
    AUTO(buf_fini) struct buf message = BUF_INIT;
    put_query(&message, 0, INT64_MAX, "big");
    pb_put_u64(&message, 2, READ_STREAMED_XOR_CHUNKS);
    AUTO(reply_fini) struct reply r = ask(&message);
    ck_assert_int_eq(r.status, 200);
    struct reader frames = reader_of(buf_str(&r.body));
    size_t count = 0, chunks = 0;
    for (; reader_left(&frames); count++) {
        struct str frame = take_frame(&frames);
        ck_assert_uint_le(frame.n, 1 << 20);
        struct reader series = reader_of(frame);
        chunks += count_fields(next_bytes(&series, 1), 2);
    }
    ck_assert_uint_gt(count, 1);
    ck_assert_uint_eq(chunks, 30);
}
END_TEST

START_TEST(test_unknown_tenant)
{
    AUTO(buf_fini)
    struct buf message = BUF_INIT,
               body = BUF_INIT, request = BUF_INIT, decoded = BUF_INIT;
    put_query(&message, 0, 99000, "up");
    snappy_encode(buf_str(&message), &body);
    buf_printf(&request,
               "POST /api/v1/read HTTP/1.1\r\nHost: x\r\nTHANOS-TENANT: nobody\r\n"
               "Content-Length: %zu\r\n\r\n",
               body.n);
    buf_append(&request, buf_str(&body));
    AUTO(reply_fini) struct reply r = client_ask(f.port, buf_str(&request));
    ck_assert_int_eq(r.status, 200);
    CK_OK(snappy_decode(buf_str(&r.body), 1 << 20, &decoded));
    ck_assert(str_eq(buf_str(&decoded), STR("\x0a\x00"))); /* one empty result */
}
END_TEST

START_TEST(test_no_queries)
{
    AUTO(buf_fini) struct buf message = BUF_INIT;
    pb_put_u64(&message, 2, READ_STREAMED_XOR_CHUNKS);
    AUTO(reply_fini) struct reply r = ask(&message);
    ck_assert_int_eq(r.status, 200);
    ck_assert(r.complete && r.body.n == 0);
}
END_TEST

START_TEST(test_sample_limit)
{
    AUTO(buf_fini) struct buf message = BUF_INIT;
    for (int i = 0; i < 5; i++)
        put_query(&message, 0, 100000, "up");
    AUTO(reply_fini) struct reply r = ask(&message);
    ck_assert_int_eq(r.status, 400);
    ck_assert_str_eq(buf_cstr(&r.body), "exceeded sample limit (500)\n");
}
END_TEST

START_TEST(test_store_faults)
{
    AUTO(buf_fini) struct buf message = BUF_INIT;
    put_query(&message, 0, 99000, "up");
    f.store.fail_at = 1;
    AUTO(reply_fini) struct reply r = ask(&message);
    ck_assert_int_eq(r.status, 500);
    ck_assert_str_eq(buf_cstr(&r.body), "fake: select failed\n");
    pb_put_u64(&message, 2, READ_STREAMED_XOR_CHUNKS);
    f.store.fail_next_at = 2;
    AUTO(reply_fini) struct reply cut = ask(&message);
    ck_assert(!cut.complete); /* the client must not take it for the end */
}
END_TEST

static const struct bad_case {
    const char *name;
    struct str body;
    int status;
} bad_cases[] = {
    {"empty", STR_INIT(""), 400},
    {"no snappy", STR_INIT("\xff\xff\xff\xff\xff\xff"), 400},
    {"cut snappy", STR_INIT("\x0a\x00"), 400},
    {"too large", STR_INIT("\xff\xff\xff\xff\x0f"), 413},
    {"no message", STR_INIT("\x02\x04\x0a\x7f"), 400},
    {"no known type", STR_INIT("\x02\x04\x10\x63"), 400},
};

START_TEST(test_bad_requests)
{
    const struct bad_case *c = &bad_cases[_i];
    AUTO(reply_fini)
    struct reply r = api_post(&f, "/api/v1/read", "application/x-protobuf", c->body);
    ck_assert_msg(r.status == c->status, "%s: %d %s", c->name, r.status, buf_cstr(&r.body));
    ROW_ASSERT(c->name, str_starts_with(reply_header(&r, "Content-Type"), STR("text/plain")));
}
END_TEST

/* --- hints, external labels, frames ----------------------------------------------------------- */

static struct label external[] = {{STR_INIT("job"), STR_INIT("never")},
                                  {STR_INIT("zone"), STR_INIT("z1")}};

static void
setup_labeled(void)
{
    struct api_opts opts = {.read_samples_max = 500,
                            .read_frame_bytes_max = 300,
                            .external_labels = {external, ARRAY_LEN(external)}};
    api_fixture_start(&f, opts);
    notation_load_text(&f.store,
                       "up{job=\"a\"} 0+1x100\n"
                       "alone 5\n",
                       0, 1000);
}

/* Query{start, end, matchers, hints}; matchers "name=value" of equality. */
struct wish {
    const char *name;
    int64_t start_ms, end_ms;
    const char *matchers[3]; /* name, value, name, ... */
    const char *values[3];
    bool hinted;
    int64_t hint_start_ms, hint_end_ms;
    const char *func;
    const char *want; /* "labels:samples; " a series */
};

static void
put_wish(struct buf *to, const struct wish *w)
{
    AUTO(buf_fini) struct buf query = BUF_INIT;
    pb_put_i64(&query, 1, w->start_ms);
    pb_put_i64(&query, 2, w->end_ms);
    for (size_t i = 0; i < ARRAY_LEN(w->matchers) && w->matchers[i]; i++) {
        AUTO(buf_fini) struct buf matcher = BUF_INIT;
        pb_put_bytes(&matcher, 2, str_of_cstr(w->matchers[i]));
        pb_put_bytes(&matcher, 3, str_of_cstr(w->values[i]));
        pb_put_bytes(&query, 3, buf_str(&matcher));
    }
    if (w->hinted) {
        AUTO(buf_fini) struct buf hints = BUF_INIT;
        pb_put_bytes(&hints, 2, str_of_cstr(w->func ? w->func : ""));
        pb_put_i64(&hints, 3, w->hint_start_ms);
        pb_put_i64(&hints, 4, w->hint_end_ms);
        pb_put_bytes(&query, 4, buf_str(&hints));
    }
    pb_put_bytes(to, 1, buf_str(&query));
}

/* "name=value,..." of the labels, fields `number` of a series. */
static void
show_labels(struct str series, struct buf *to)
{
    struct reader r = reader_of(series);
    size_t n = count_fields(series, 1);
    for (size_t i = 0; i < n; i++) {
        struct reader label = reader_of(next_bytes(&r, 1));
        struct str name = next_bytes(&label, 1), value = next_bytes(&label, 2);
        buf_printf(to, "%s%.*s=%.*s", i ? "," : "", STR_FMT(name), STR_FMT(value));
    }
}

#define UP    "__name__=up,job=a,zone=z1"
#define ALONE "__name__=alone,job=never,zone=z1"

static const struct wish wishes[] = {
    {"labels are added", 0, 99000, {"__name__"}, {"up"}, .want = UP ":100; "},
    {"stored ones go first", 0, 0, {"__name__"}, {"alone"}, .want = ALONE ":1; "},
    {"asked for", 0, 0, {"__name__", "zone"}, {"up", "z1"}, .want = UP ":1; "},
    {"asked for by a series without", 0, 0, {"job"}, {"never"}, .want = ALONE ":1; "},
    {"another value", 0, 0, {"__name__", "zone"}, {"up", "z2"}, .want = ""},
    {"narrowed", 0, 99000, {"__name__"}, {"up"}, true, 10000, 19999, "rate", UP ":10; "},
    {"not widened", 10000, 19999, {"__name__"}, {"up"}, true, 0, 99000, "", UP ":10; "},
    {"hints without times", 10000, 19999, {"__name__"}, {"up"}, true, 0, 0, "", UP ":10; "},
    {"hints of another time", 0, 9999, {"__name__"}, {"up"}, true, 20000, 30000, "", ""},
    {"label sets only", 0, 99000, {"__name__"}, {"up"}, true, 0, 99000, "series", UP ":0; "},
};

START_TEST(test_wish)
{
    const struct wish *w = &wishes[_i];
    AUTO(buf_fini) struct buf message = BUF_INIT, decoded = BUF_INIT, got = BUF_INIT;
    put_wish(&message, w);
    AUTO(reply_fini) struct reply r = ask(&message);
    ck_assert_int_eq(r.status, 200);
    CK_OK(snappy_decode(buf_str(&r.body), 1 << 20, &decoded));
    struct reader results = reader_of(buf_str(&decoded));
    struct str result = next_bytes(&results, 1);
    struct reader all = reader_of(result);
    for (size_t n = count_fields(result, 1); n > 0; n--) {
        struct str series = next_bytes(&all, 1);
        show_labels(series, &got);
        buf_printf(&got, ":%zu; ", count_fields(series, 2));
    }
    ck_assert_msg(strcmp(buf_cstr(&got), w->want) == 0, "%s: %s", w->name, buf_cstr(&got));
}
END_TEST

/* Each frame has the labels and stays below the limit, though a chunk or two fit at most. */
START_TEST(test_frame_limit)
{
    f.store.chunk_samples = 10;
    AUTO(buf_fini) struct buf message = BUF_INIT;
    put_wish(&message, &wishes[0]);
    pb_put_u64(&message, 2, READ_STREAMED_XOR_CHUNKS);
    AUTO(reply_fini) struct reply r = ask(&message);
    ck_assert_int_eq(r.status, 200);
    struct reader frames = reader_of(buf_str(&r.body));
    size_t count = 0, chunks = 0;
    while (reader_left(&frames) > 0) {
        struct str frame = take_frame(&frames);
        AUTO(buf_fini) struct buf labels = BUF_INIT;
        struct reader fields = reader_of(frame);
        struct str series = next_bytes(&fields, 1);
        show_labels(series, &labels);
        ck_assert_str_eq(buf_cstr(&labels), UP);
        ck_assert_uint_le(frame.n, 300);
        chunks += count_fields(series, 2);
        count++;
    }
    ck_assert_uint_ge(chunks, 10);
    ck_assert_uint_gt(count, 3);
}
END_TEST

Suite *
remote_read_suite(void)
{
    Suite *s = suite_create("remote_read");
    TCase *t = tcase_create("remote_read");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_samples);
    tcase_add_test(t, test_frames);
    tcase_add_test(t, test_large_frames);
    tcase_add_test(t, test_unknown_tenant);
    tcase_add_test(t, test_no_queries);
    tcase_add_test(t, test_sample_limit);
    tcase_add_test(t, test_store_faults);
    tcase_add_loop_test(t, test_bad_requests, 0, ARRAY_LEN(bad_cases));
    suite_add_tcase(s, t);
    TCase *labeled = tcase_create("labeled");
    tcase_add_checked_fixture(labeled, setup_labeled, teardown);
    tcase_add_loop_test(labeled, test_wish, 0, ARRAY_LEN(wishes));
    tcase_add_test(labeled, test_frame_limit);
    suite_add_tcase(s, labeled);
    return s;
}
