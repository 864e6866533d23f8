/* Random requests in both encodings give the same; every rule of OTLP's JSON; hostile messages are
 * refused before they cost memory; answers are what a client's decoder reads. */
#include "tests/harness.h"

#include "base/mem.h"
#include "base/pb.h"
#include "tests/proto/otlp_make.h"

enum { ROUNDS = 300 };

static void
dump(enum otlp_encoding encoding, struct str body, struct buf *to)
{
    AUTO(arena_fini) struct arena a = {0};
    struct otlp_request r = {0};
    CK_OK(otlp_decode(&a, encoding, body, &r));
    otlp_make_dump(&r, to);
}

START_TEST(test_round_trip)
{
    struct rand_gen g = rand_gen_of((uint64_t)_i);
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf packed = BUF_INIT, json = BUF_INIT, x = BUF_INIT, y = BUF_INIT;
    for (int i = 0; i < ROUNDS / 10; i++) {
        ProtobufCMessage *m = otlp_make_message(&a, &g, &otlp__export_request__descriptor);
        buf_clear(&packed), buf_clear(&json), buf_clear(&x), buf_clear(&y);
        otlp_make_pack(m, &packed);
        otlp_make_json(m, &json);
        dump(OTLP_PROTOBUF, buf_str(&packed), &x);
        dump(OTLP_JSON, buf_str(&json), &y);
        size_t at = 0;
        while (at < x.n && at < y.n && x.p[at] == y.p[at])
            at++;
        ck_assert_msg(str_eq(buf_str(&x), buf_str(&y)), "seed %d, %d: %.300s\n--- JSON\n%.300s", _i,
                      i, buf_cstr(&x) + at, buf_cstr(&y) + at);
    }
}
END_TEST

/* A request with one metric whose JSON is given; the point of a gauge in the rest. */
#define METRIC(json)                                                                               \
    "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"m\"," json "}]}]}]}"
#define POINT(json) METRIC("\"gauge\":{\"dataPoints\":[{" json "}]}")
#define VALUE(json) POINT("\"attributes\":[{\"key\":\"k\",\"value\":" json "}]")

static const struct json_case {
    const char *name, *json;
    enum err_code code;
    const char *want; /* part of the dump, or of the message */
} json_cases[] = {
    {"nothing", "{}", ERR_NONE, ""},
    {"integer as text", POINT("\"asInt\":\"-3\""), ERR_NONE, "1:c008000000000000"},
    {"integer as number", POINT("\"asInt\":-3"), ERR_NONE, "1:c008000000000000"},
    {"integer as whole double", POINT("\"asInt\":1e3"), ERR_NONE, "1:408f400000000000"},
    {"double", POINT("\"asDouble\":0.5"), ERR_NONE, "1:3fe0000000000000"},
    {"double as integer", POINT("\"asDouble\":1"), ERR_NONE, "1:3ff0000000000000"},
    {"double as text", POINT("\"asDouble\":\"0.5\""), ERR_NONE, "1:3fe0000000000000"},
    {"infinite", POINT("\"asDouble\":\"-Infinity\""), ERR_NONE, "1:fff0000000000000"},
    {"not a number", POINT("\"asDouble\":\"NaN\""), ERR_NONE, "1:7ff8000000000000"},
    {"time as text", POINT("\"timeUnixNano\":\"18446744073709551615\""), ERR_NONE,
     "0-18446744073709551615"},
    {"enum by number", METRIC("\"sum\":{\"aggregationTemporality\":2,\"isMonotonic\":true}"),
     ERR_NONE, " 2 2 1"},
    {"enum by name",
     METRIC("\"sum\":{\"aggregationTemporality\":\"AGGREGATION_TEMPORALITY_DELTA\"}"), ERR_NONE,
     " 2 1 0"},
    {"unknown enum number", METRIC("\"sum\":{\"aggregationTemporality\":7}"), ERR_NONE, " 2 7 0"},
    {"null is absent", POINT("\"asInt\":null,\"attributes\":null"), ERR_NONE, " 0:0"},
    {"unknown names", POINT("\"asInt\":1,\"later\":{\"x\":[1]}"), ERR_NONE, "1:3ff"},
    {"snake case is unknown", POINT("\"as_int\":1"), ERR_NONE, " 0:0"},
    {"ids as hex",
     POINT("\"exemplars\":[{\"asInt\":\"1\",\"spanId\":\"6162636465666768\",\"traceId\":"
           "\"4A4b4c4d4e4f50515253545556575859\"}]"),
     ERR_NONE, "1:3ff0000000000000 JKLMNOPQRSTUVWXYabcdefgh"},
    {"text", VALUE("{\"stringValue\":\"\\u00e9\\u0000x\"}"), ERR_NONE, "k=\xc3\xa9"},
    {"bool", VALUE("{\"boolValue\":true}"), ERR_NONE, "k=true;"},
    {"int", VALUE("{\"intValue\":\"-9223372036854775808\"}"), ERR_NONE, "k=-9223372036854775808;"},
    {"small double", VALUE("{\"doubleValue\":1e-9}"), ERR_NONE, "k=1e-9;"},
    {"large double", VALUE("{\"doubleValue\":1e21}"), ERR_NONE, "k=1e+21;"},
    {"plain double", VALUE("{\"doubleValue\":1000000.5}"), ERR_NONE, "k=1000000.5;"},
    {"bytes", VALUE("{\"bytesValue\":\"_-8=\"}"), ERR_NONE, "k=/+8=;"},
    {"list", VALUE("{\"arrayValue\":{\"values\":[{\"intValue\":1},{\"stringValue\":\"<\"},{}]}}"),
     ERR_NONE, "k=[1,\"\\u003c\",null];"},
    {"map",
     VALUE("{\"kvlistValue\":{\"values\":[{\"key\":\"z\",\"value\":{\"doubleValue\":0.5}},"
           "{\"key\":\"a\",\"value\":{\"arrayValue\":{}}}]}}"),
     ERR_NONE, "k={\"a\":[],\"z\":0.5};"},
    {"no value", VALUE("{}"), ERR_NONE, "k=;"},
    {"empty text", "", ERR_INVALID, "line 1, column 0"},
    {"not JSON", "{\"resourceMetrics\":[}", ERR_INVALID, "otlp: JSON, line 1, column 21"},
    {"a list", "[]", ERR_INVALID, "a ExportRequest is not an object"},
    {"text behind", "{} {}", ERR_INVALID, "end of file expected"},
    {"object for list", "{\"resourceMetrics\":{}}", ERR_INVALID, "resource_metrics is not a list"},
    {"number for object", METRIC("\"gauge\":1"), ERR_INVALID, "a Gauge is not an object"},
    {"number for text", "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":1}]}]}]}",
     ERR_INVALID, "name is not a text"},
    {"text for bool", METRIC("\"sum\":{\"isMonotonic\":\"true\"}"), ERR_INVALID,
     "is_monotonic is not true or false"},
    {"half an integer", POINT("\"asInt\":1.5"), ERR_INVALID, "as_int is not a whole number"},
    {"no integer", POINT("\"asInt\":\"1x\""), ERR_INVALID, "as_int is not a whole number"},
    {"integer too large", POINT("\"asInt\":\"9223372036854775808\""), ERR_INVALID,
     "as_int is not within the range"},
    {"negative time", POINT("\"timeUnixNano\":-1"), ERR_INVALID, "not within the range"},
    {"flags too large", POINT("\"flags\":4294967296"), ERR_INVALID, "not within the range"},
    {"scale too small",
     METRIC("\"exponentialHistogram\":{\"dataPoints\":[{\"scale\":-2147483649}]}"), ERR_INVALID,
     "scale is not within the range"},
    {"unknown enum name", METRIC("\"sum\":{\"aggregationTemporality\":\"DELTA\"}"), ERR_INVALID,
     "not a whole number"},
    {"double is a word", POINT("\"asDouble\":\"much\""), ERR_INVALID, "as_double is not a number"},
    {"odd hex", POINT("\"exemplars\":[{\"spanId\":\"616\"}]"), ERR_INVALID,
     "span_id is not hexadecimal"},
    {"no hex", POINT("\"exemplars\":[{\"traceId\":\"zz\"}]"), ERR_INVALID,
     "trace_id is not hexadecimal"},
    {"no base64", VALUE("{\"bytesValue\":\"a?==\"}"), ERR_INVALID, "bytes_value is not base64"},
    {"base64 cut short", VALUE("{\"bytesValue\":\"AAAAA\"}"), ERR_INVALID, "not base64"},
    {"not UTF-8", VALUE("{\"stringValue\":\"\xff\"}"), ERR_INVALID, "unable to decode byte 0xff"},
};

START_TEST(test_json)
{
    const struct json_case *c = &json_cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf text = BUF_INIT;
    struct otlp_request r = {0};
    struct err e = otlp_decode(&a, OTLP_JSON, str_of_cstr(c->json), &r);
    ck_assert_msg(e.code == c->code, "row \"%s\": %s", c->name, err_text(&e));
    if (e.code == ERR_NONE)
        otlp_make_dump(&r, &text);
    const char *got = e.code ? err_text(&e) : buf_cstr(&text);
    ck_assert_msg(strstr(got, c->want), "row \"%s\": %s", c->name, got);
    err_drop(e);
}
END_TEST

static const struct message_case {
    const char *name;
    struct str message;
    const char *want;
} message_cases[] = {
    {"cut short", STR_INIT("\x0a\x05\x0a"), "malformed field of a ExportRequest"},
    {"inner length too large", STR_INIT("\x0a\x02\x0a\x05"),
     "malformed field of a ResourceMetrics"},
    {"group", STR_INIT("\x0b\x0c"), "malformed field"},
    {"field number 0", STR_INIT("\x02\x00"), "malformed field"},
    {"wrong wire type", STR_INIT("\x08\x01"), "wrong wire type of field 1 of a ExportRequest"},
    {"packed doubles of 7 bytes",
     STR_INIT("\x0a\x0f\x12\x0d\x12\x0b\x4a\x09\x0a\x07\x3a\x05"
              "12345"),
     "malformed field of a HistogramDataPoint"},
    {"value of a wrong type",
     STR_INIT("\x0a\x08\x0a\x06\x0a\x04\x12\x02"
              "\x08\x01"),
     "malformed field of a AnyValue"},
};

START_TEST(test_malformed)
{
    const struct message_case *c = &message_cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    struct otlp_request r = {.resource_count = 77};
    struct err e = otlp_decode(&a, OTLP_PROTOBUF, c->message, &r);
    ck_assert_msg(e.code == ERR_INVALID && strstr(err_text(&e), c->want), "row \"%s\": %s", c->name,
                  err_text(&e));
    ROW_ASSERT(c->name, r.resource_count == 77);
    err_drop(e);
}
END_TEST

/* `message` as field `number` of a message that replaces it. */
static void
wrap(struct buf *message, uint32_t number)
{
    struct buf outer = BUF_INIT;
    pb_put_message(&outer, number, message->n);
    buf_append(&outer, buf_str(message));
    buf_fini(message);
    *message = outer;
}

/* Messages of which two stand one behind the other, and the numbers of the fields around them, from
 * the inside. Protobuf merges them; so does protobuf-c but for messages within a oneof, of which it
 * keeps the last, and zeroes, which it takes for set: test_merged() has those. */
static const struct joined_case {
    const ProtobufCMessageDescriptor *type;
    uint32_t around[5];
} joined_cases[] = {
    {&otlp__resource_metrics__descriptor, {1}},
    {&otlp__key_value__descriptor, {1, 1, 1}},
    {&otlp__number_data_point__descriptor, {1, 5, 2, 2, 1}},
    {&otlp__number_data_point__descriptor, {1, 7, 2, 2, 1}},
    {&otlp__histogram_data_point__descriptor, {1, 9, 2, 2, 1}},
    {&otlp__summary_data_point__descriptor, {1, 11, 2, 2, 1}},
};

START_TEST(test_joined)
{
    const struct joined_case *c = &joined_cases[_i];
    struct rand_gen g = rand_gen_of((uint64_t)_i);
    for (int i = 0; i < ROUNDS; i++) {
        AUTO(arena_fini) struct arena a = {0};
        AUTO(buf_fini) struct buf message = BUF_INIT, json = BUF_INIT, x = BUF_INIT, y = BUF_INIT;
        otlp_make_pack(otlp_make_message(&a, &g, c->type), &message);
        buf_append(&message, STR("\xf2\x07\x01x")); /* a field 126, which nobody knows */
        otlp_make_pack(otlp_make_message(&a, &g, c->type), &message);
        for (size_t k = 0; k < ARRAY_LEN(c->around) && c->around[k] > 0; k++)
            wrap(&message, c->around[k]);
        ProtobufCMessage *peer = protobuf_c_message_unpack(&otlp__export_request__descriptor, NULL,
                                                           message.n, (const uint8_t *)message.p);
        ck_assert_ptr_nonnull(peer);
        otlp_make_json(peer, &json);
        protobuf_c_message_free_unpacked(peer, NULL);
        dump(OTLP_PROTOBUF, buf_str(&message), &x);
        dump(OTLP_JSON, buf_str(&json), &y);
        ck_assert_msg(str_eq(buf_str(&x), buf_str(&y)), "%s, %d: %.300s\n--- JSON\n%.300s",
                      c->type->short_name, i, buf_cstr(&x), buf_cstr(&y));
    }
}
END_TEST

static const struct merged_case {
    const char *name;
    struct str metric;
    enum otlp_type type;
    size_t points;
    int32_t offset; /* of the positive buckets of the first point */
} merged_cases[] = {
    {"a gauge twice", STR_INIT("\x2a\x02\x0a\x00\x2a\x04\x0a\x00\x0a\x00"), OTLP_GAUGE, 3, 0},
    {"a gauge, then a sum", STR_INIT("\x2a\x02\x0a\x00\x3a\x04\x0a\x00\x0a\x00"), OTLP_SUM, 2, 0},
    {"a gauge, a sum, a gauge", STR_INIT("\x2a\x02\x0a\x00\x3a\x02\x0a\x00\x2a\x02\x0a\x00"),
     OTLP_GAUGE, 1, 0},
    {"buckets twice", STR_INIT("\x52\x0c\x0a\x0a\x42\x02\x08\x06\x42\x04\x12\x02\x01\x02"),
     OTLP_EXPONENTIAL, 1, 3},
};

START_TEST(test_merged)
{
    const struct merged_case *c = &merged_cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf message = BUF_INIT;
    buf_append(&message, c->metric);
    wrap(&message, 2), wrap(&message, 2), wrap(&message, 1);
    struct otlp_request r = {0};
    CK_OK(otlp_decode(&a, OTLP_PROTOBUF, buf_str(&message), &r));
    ROW_ASSERT(c->name, r.resource_count == 1 && r.resources[0].metric_count == 1);
    const struct otlp_metric *m = &r.resources[0].metrics[0];
    ROW_ASSERT(c->name, m->type == c->type);
    ROW_ASSERT(c->name, m->point_count == c->points);
    ROW_ASSERT(c->name, m->points[0].positive.offset == c->offset);
    ROW_ASSERT(c->name, m->points[0].positive.counts.n == (c->offset ? 2 : 0));
}
END_TEST

/* Lists in lists as the value of an attribute of a resource: `levels` of them. */
static struct err
decode_nested(size_t levels)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf m = BUF_INIT;
    for (size_t i = 0; i < levels; i++) {
        wrap(&m, 1); /* ArrayValue.values */
        wrap(&m, 5); /* AnyValue.array_value */
    }
    static const uint32_t outwards[] = {2, 1, 1, 1}; /* KeyValue, Resource, ... */
    for (size_t i = 0; i < ARRAY_LEN(outwards); i++)
        wrap(&m, outwards[i]);
    struct otlp_request r;
    return otlp_decode(&a, OTLP_PROTOBUF, buf_str(&m), &r);
}

START_TEST(test_depth)
{
    CK_OK(decode_nested(17));
    CK_ERR(ERR_INVALID, decode_nested(18));
    CK_ERR(ERR_INVALID, decode_nested(5000));
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf json = BUF_INIT;
    for (int i = 0; i < 100000; i++)
        buf_append(&json, STR("["));
    struct otlp_request r;
    CK_ERR(ERR_INVALID, otlp_decode(&a, OTLP_JSON, buf_str(&json), &r));
}
END_TEST

/* Two bytes a resource, and 16 times as many in memory. */
START_TEST(test_memory)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf message = BUF_INIT, json = BUF_INIT;
    for (int i = 0; i < 9000000; i++)
        buf_append(&message, STR("\x0a\x00"));
    struct otlp_request r;
    CK_ERR(ERR_TOO_LARGE, otlp_decode(&a, OTLP_PROTOBUF, buf_str(&message), &r));
    ck_assert_uint_eq(a.used_bytes, 0);
    buf_append(&json, STR("{\"resourceMetrics\":["));
    for (int i = 0; i < 600000; i++)
        buf_append(&json, STR("{},"));
    CK_ERR(ERR_TOO_LARGE, otlp_decode(&a, OTLP_JSON, buf_str(&json), &r));
    ck_assert_uint_eq(a.used_bytes, 0);
}
END_TEST

START_TEST(test_answers)
{
    AUTO(buf_fini) struct buf to = BUF_INIT;
    otlp_encode_answer(OTLP_PROTOBUF, 0, STR(""), &to);
    ck_assert_uint_eq(to.n, 0);
    otlp_encode_answer(OTLP_PROTOBUF, 3, STR("why"), &to);
    ck_assert(str_eq(buf_str(&to), STR("\x0a\x07\x08\x03\x12\x03why")));
    buf_clear(&to);
    otlp_encode_status(OTLP_PROTOBUF, 3, STR("why"), &to);
    ck_assert(str_eq(buf_str(&to), STR("\x08\x03\x12\x03why")));
    buf_clear(&to);
    otlp_encode_status(OTLP_PROTOBUF, 3, STR("a\xff"), &to);
    ck_assert(str_eq(buf_str(&to), STR("\x08\x03\x12\x04"
                                       "a\xef\xbf\xbd")));
    buf_clear(&to);
    otlp_encode_answer(OTLP_PROTOBUF, 1, STR("\xff"), &to);
    ck_assert(str_eq(buf_str(&to), STR("\x0a\x07\x08\x01\x12\x03\xef\xbf\xbd")));
    buf_clear(&to);
    otlp_encode_answer(OTLP_JSON, 0, STR(""), &to);
    otlp_encode_answer(OTLP_JSON, 3, STR("a \"b\""), &to);
    otlp_encode_status(OTLP_JSON, 3, STR("why"), &to);
    ck_assert_str_eq(buf_cstr(&to), "{}{\"partialSuccess\":{\"rejectedDataPoints\":\"3\","
                                    "\"errorMessage\":\"a \\\"b\\\"\"}}"
                                    "{\"code\":3,\"message\":\"why\"}");
}
END_TEST

Suite *
otlp_suite(void)
{
    Suite *s = suite_create("otlp");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, test_json, 0, ARRAY_LEN(json_cases));
    tcase_add_loop_test(t, test_malformed, 0, ARRAY_LEN(message_cases));
    tcase_add_test(t, test_depth);
    tcase_add_test(t, test_memory);
    tcase_add_test(t, test_answers);
    tcase_add_loop_test(t, test_round_trip, 0, 10);
    tcase_add_loop_test(t, test_merged, 0, ARRAY_LEN(merged_cases));
    tcase_add_loop_test(t, test_joined, 0, ARRAY_LEN(joined_cases));
    suite_add_tcase(s, t);
    return s;
}
