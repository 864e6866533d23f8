/* Every legal order of fields gives the same rows as the order that senders write; everything
 * that is not legal is refused with its place. */
#include "tests/harness.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/pb.h"
#include "proto/remote_write.h"

/* Pieces of messages. The time is 1700000000000, in six bytes. */
#define A_B                                                                                        \
    "\x0a\x06\x0a\x01"                                                                             \
    "a"                                                                                            \
    "\x12\x01"                                                                                     \
    "b"
#define C_D                                                                                        \
    "\x0a\x06\x0a\x01"                                                                             \
    "c"                                                                                            \
    "\x12\x01"                                                                                     \
    "d"
#define VALUE_ONE "\x09\x00\x00\x00\x00\x00\x00\xf0\x3f"
#define VALUE_TWO "\x09\x00\x00\x00\x00\x00\x00\x00\x40"
#define TIME      "\x10\x80\xd0\x95\xff\xbc\x31"
#define ONE       "\x12\x10" VALUE_ONE TIME
#define TWO       "\x12\x10" VALUE_TWO TIME
#define ZERO      "\x12\x07" TIME

/* What a message decodes to, as text: {name=value,...} value@time ...; a line a row. */
static void
key_show(struct str key, struct buf *to)
{
    struct reader r = reader_of(key);
    struct pb_field label;
    buf_append(to, STR("{"));
    while (pb_next(&r, &label)) {
        ck_assert_uint_eq(label.number, 1);
        struct reader pair = reader_of(label.bytes);
        struct pb_field part;
        while (pb_next(&pair, &part))
            buf_printf(to, part.number == 1 ? "%.*s=" : "%.*s,", STR_FMT(part.bytes));
    }
    ck_assert_int_eq(r.code, ERR_NONE);
    buf_append(to, STR("}"));
}

static void
message_show(const struct write_message *m, struct buf *to)
{
    for (size_t i = 0; i < m->row_count; i++) {
        const struct append_row *row = &m->rows[i];
        key_show(row->label_key, to);
        ck_assert(row->first_sample + row->sample_count <= m->sample_count);
        for (size_t k = 0; k < row->sample_count; k++) {
            const struct sample *s = &m->samples[row->first_sample + k];
            buf_printf(to, " %g@%jd", f64_of_bits(s->bits), (intmax_t)s->t_ms);
        }
        for (size_t k = 0; k < row->exemplar_count; k++)
            buf_printf(to, " exemplar@%jd", (intmax_t)m->exemplars[row->first_exemplar + k].t_ms);
        for (size_t k = 0; k < row->histogram_count; k++)
            buf_printf(to, " histogram@%jd",
                       (intmax_t)m->histograms[row->first_histogram + k].t_ms);
        buf_append(to, STR("\n"));
    }
}

static const struct body_case {
    const char *name;
    struct str body; /* of one TimeSeries */
    const char *want;
} good_bodies[] = {
    {"one sample", STR_INIT(A_B C_D ONE), "{a=b,c=d,} 1@1700000000000\n"},
    {"two samples", STR_INIT(A_B ONE TWO), "{a=b,} 1@1700000000000 2@1700000000000\n"},
    {"zero left out", STR_INIT(A_B ZERO), "{a=b,} 0@1700000000000\n"},
    {"zero, then one", STR_INIT(A_B ZERO ONE), "{a=b,} 0@1700000000000 1@1700000000000\n"},
    {"small time", STR_INIT(A_B "\x12\x0b" VALUE_ONE "\x10\x05"), "{a=b,} 1@5\n"},
    {"no time", STR_INIT(A_B "\x12\x09" VALUE_ONE), "{a=b,} 1@0\n"},
    {"empty sample", STR_INIT(A_B "\x12\x00"), "{a=b,} 0@0\n"},
    {"negative time", STR_INIT(A_B "\x12\x0b\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
     "{a=b,} 0@-1\n"},
    {"time before value", STR_INIT(A_B "\x12\x10" TIME VALUE_ONE), "{a=b,} 1@1700000000000\n"},
    {"value twice", STR_INIT(A_B "\x12\x19" VALUE_TWO TIME VALUE_ONE), "{a=b,} 1@1700000000000\n"},
    {"time twice", STR_INIT(A_B "\x12\x12" VALUE_ONE TIME "\x10\x05"), "{a=b,} 1@5\n"},
    {"unknown field in a sample", STR_INIT(A_B "\x12\x12" VALUE_ONE TIME "\x18\x07"),
     "{a=b,} 1@1700000000000\n"},
    {"samples before labels", STR_INIT(ONE A_B C_D), "{a=b,c=d,} 1@1700000000000\n"},
    {"labels apart", STR_INIT(A_B ONE C_D), "{a=b,c=d,} 1@1700000000000\n"},
    {"unknown fields", STR_INIT("\x78\x01" A_B "\x7a\x02zz" C_D ONE "\x7d\x01\x02\x03\x04"),
     "{a=b,c=d,} 1@1700000000000\n"},
    {"long form of a tag",
     STR_INIT("\x8a\x00\x06\x0a\x01"
              "a"
              "\x12\x01"
              "b" ONE),
     "{a=b,} 1@1700000000000\n"},
    {"long form of a length",
     STR_INIT("\x0a\x86\x80\x00\x0a\x01"
              "a"
              "\x12\x01"
              "b" ONE),
     "{a=b,} 1@1700000000000\n"},
    {"exemplar between", STR_INIT(A_B "\x1a\x00" ONE), "{a=b,} 1@1700000000000 exemplar@0\n"},
    {"exemplar behind", STR_INIT(A_B ONE "\x1a\x02\x18\x05"),
     "{a=b,} 1@1700000000000 exemplar@5\n"},
    {"exemplar alone", STR_INIT(A_B "\x1a\x00"), "{a=b,} exemplar@0\n"},
    {"histogram alone", STR_INIT(A_B "\x22\x02\x78\x05"), "{a=b,} histogram@5\n"},
    {"everything", STR_INIT("\x22\x02\x78\x01\x1a\x02\x18\x02" A_B ONE "\x22\x02\x78\x03\x1a\x00"),
     "{a=b,} 1@1700000000000 exemplar@2 exemplar@0 histogram@1 histogram@3\n"},
    {"labels alone", STR_INIT(A_B C_D), ""},
    {"sample alone", STR_INIT(ONE), "{} 1@1700000000000\n"},
    {"empty label", STR_INIT("\x0a\x00" ONE), "{} 1@1700000000000\n"},
    {"nothing", STR_INIT(""), ""},
};

static void
put_series(struct buf *to, struct str body)
{
    pb_put_message(to, 1, body.n);
    buf_append(to, body);
}

START_TEST(test_body)
{
    const struct body_case *c = &good_bodies[_i];
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf message = BUF_INIT, got = BUF_INIT;
    put_series(&message, c->body);
    struct write_message m;
    CK_OK(remote_write_decode(&a, buf_str(&message), &m));
    message_show(&m, &got);
    ck_assert_msg(strcmp(buf_cstr(&got), c->want) == 0, "row \"%s\": got %s", c->name,
                  buf_cstr(&got));
    ROW_ASSERT(c->name, m.series_count == 1);
}
END_TEST

START_TEST(test_known_keys_are_not_copied)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf message = BUF_INIT;
    put_series(&message, STR(A_B C_D ONE));
    put_series(&message, STR(ONE A_B C_D)); /* the general path gives a view, too */
    struct write_message m;
    CK_OK(remote_write_decode(&a, buf_str(&message), &m));
    ck_assert_uint_eq(m.row_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const char *p = m.rows[i].label_key.p;
        ck_assert(p > message.p && p < message.p + message.n);
        ck_assert(str_eq(m.rows[i].label_key, STR(A_B C_D)));
    }
}
END_TEST

START_TEST(test_counts)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf message = BUF_INIT;
    put_series(&message, STR(A_B ONE TWO));
    put_series(&message, STR(A_B "\x1a\x00\x1a\x00"));
    put_series(&message, STR(A_B));
    pb_put_bytes(&message, 3, STR("\x08\x01"));
    pb_put_u64(&message, 99, 7); /* from a later version */
    put_series(&message, STR(A_B "\x22\x00" ONE));
    struct write_message m;
    CK_OK(remote_write_decode(&a, buf_str(&message), &m));
    ck_assert_uint_eq(m.series_count, 4);
    ck_assert_uint_eq(m.row_count, 3);
    ck_assert_uint_eq(m.sample_count, 3);
    ck_assert_uint_eq(m.exemplar_count, 2);
    ck_assert_uint_eq(m.histogram_count, 1);
    ck_assert_uint_eq(m.metadata_count, 1);
    CK_OK(remote_write_decode(&a, STR(""), &m));
    ck_assert_uint_eq(m.series_count, 0);
}
END_TEST

/* Long values and long series leave the one- and two-byte lengths behind. */
START_TEST(test_long_fields)
{
    static const size_t value_bytes[] = {100, 127, 128, 130, 16000, 16383, 16384, 20000, 3 << 20};
    for (size_t i = 0; i < ARRAY_LEN(value_bytes); i++) {
        AUTO(arena_fini) struct arena a = {0};
        AUTO(buf_fini) struct buf key = BUF_INIT, message = BUF_INIT;
        char *value = memset(mem_alloc(value_bytes[i]), 'v', value_bytes[i]);
        pb_put_message(&key, 1, pb_bytes_size(1, 1) + pb_bytes_size(2, value_bytes[i]));
        pb_put_bytes(&key, 1, STR("n"));
        pb_put_bytes(&key, 2, str_of(value, value_bytes[i]));
        struct sample s = {1700000000000, 42};
        remote_write_encode_series(&message, buf_str(&key), &s, 1);
        remote_write_encode_series(&message, buf_str(&key), &s, 1);
        struct write_message m;
        CK_OK(remote_write_decode(&a, buf_str(&message), &m));
        ck_assert_uint_eq(m.row_count, 2);
        ck_assert(str_eq(m.rows[1].label_key, buf_str(&key)));
        ck_assert_int_eq(m.samples[1].t_ms, s.t_ms);
        ck_assert_uint_eq(m.samples[1].bits, s.bits);
        mem_free(value);
    }
}
END_TEST

static const struct bad_case {
    const char *name;
    struct str body, raw; /* one series with this body, then these bytes */
    const char *want;     /* part of the message */
} bad_cases[] = {
    {"label behind the end",
     STR_INIT("\x0a\x07\x0a\x01"
              "a"
              "\x12\x01"
              "b"),
     STR_INIT(""), "malformed field of the time series at byte 2"},
    {"label into the sample",
     STR_INIT("\x0a\x16\x0a\x01"
              "a"
              "\x12\x01"
              "b" ONE),
     STR_INIT(""), "malformed field of the time series at byte 2"},
    {"label is a number", STR_INIT("\x08\x01" ONE), STR_INIT(""), "wrong wire type"},
    {"sample is a number", STR_INIT(A_B "\x10\x01"), STR_INIT(""), "wrong wire type"},
    {"exemplar is a number", STR_INIT(A_B "\x18\x01"), STR_INIT(""), "wrong wire type"},
    {"histogram is a number", STR_INIT(A_B "\x20\x01"), STR_INIT(""), "wrong wire type"},
    {"sample cut short", STR_INIT(A_B "\x12\x10" VALUE_ONE), STR_INIT(""), "at byte 10"},
    {"value cut short", STR_INIT(A_B "\x12\x04\x09\x00\x00\x00"), STR_INIT(""), "malformed sample"},
    {"time cut short", STR_INIT(A_B "\x12\x0f" VALUE_ONE "\x10\x80\xd0\x95\xff\xbc"), STR_INIT(""),
     "malformed sample"},
    {"time of six bytes and more",
     STR_INIT(A_B "\x12\x10" VALUE_ONE "\x10\x80\xd0\x95\xff\xbc\xb1"), STR_INIT(""),
     "malformed sample"},
    {"time of 65 bits",
     STR_INIT(A_B "\x12\x14" VALUE_ONE "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),
     STR_INIT(""), "malformed sample"},
    {"value is a varint", STR_INIT(A_B "\x12\x02\x08\x01"), STR_INIT(""),
     "wrong wire type of the value"},
    {"value of 4 bytes", STR_INIT(A_B "\x12\x05\x0d\x00\x00\x00\x00"), STR_INIT(""),
     "wrong wire type of the value"},
    {"time is fixed64", STR_INIT(A_B "\x12\x09\x11\x00\x00\x00\x00\x00\x00\x00\x00"), STR_INIT(""),
     "wrong wire type of the timestamp"},
    {"field number 0", STR_INIT(A_B "\x02\x00" ONE), STR_INIT(""), "malformed field"},
    {"group", STR_INIT(A_B "\x7b" ONE), STR_INIT(""), "malformed field"},
    {"wire type 6", STR_INIT(A_B ONE "\x7e"), STR_INIT(""), "malformed field"},
    {"series behind the end", STR_INIT(A_B ONE), STR_INIT("\x0a\x20" A_B), "at byte 28"},
    {"series of 2^63 bytes", STR_INIT(A_B ONE),
     STR_INIT("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f" A_B), "malformed field at byte 28"},
    {"series is a number", STR_INIT(A_B ONE), STR_INIT("\x08\x01"), "wrong wire type at byte 28"},
    {"exemplar cut short", STR_INIT(A_B "\x1a\x02\x0a\x01"), STR_INIT(""),
     "malformed field of the exemplar at byte 12"},
    {"histogram cut short", STR_INIT(A_B "\x22\x02\x78\x80"), STR_INIT(""),
     "malformed field of the histogram at byte 12"},
    {"metadata is a number", STR_INIT(A_B ONE), STR_INIT("\x18\x01"), "wrong wire type"},
    {"tag cut short", STR_INIT(A_B ONE), STR_INIT("\x8a"), "malformed field"},
    {"tag without a length", STR_INIT(A_B ONE), STR_INIT("\x0a"), "malformed field"},
    {"text", STR_INIT(A_B ONE), STR_INIT("up{job=\"x\"} 1\n"), "malformed field"},
};

START_TEST(test_malformed)
{
    const struct bad_case *c = &bad_cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf message = BUF_INIT;
    put_series(&message, c->body);
    buf_append(&message, c->raw);
    struct write_message m = {.row_count = 77};
    struct err e = remote_write_decode(&a, buf_str(&message), &m);
    ck_assert_msg(e.code == ERR_INVALID, "row \"%s\": %s", c->name, err_name(e.code));
    ck_assert_msg(strstr(err_text(&e), c->want), "row \"%s\": %s", c->name, err_text(&e));
    ROW_ASSERT(c->name, m.row_count == 77);
    err_drop(e);
}
END_TEST

/* No prefix of a good message crashes, and none is taken for more than it holds. */
START_TEST(test_every_prefix)
{
    AUTO(buf_fini) struct buf message = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(good_bodies); i++)
        put_series(&message, good_bodies[i].body);
    for (size_t n = 0; n <= message.n; n++) {
        AUTO(arena_fini) struct arena a = {0};
        char *exact = mem_alloc(n); /* ASan watches its end */
        memcpy(exact, message.p, n);
        struct write_message m = {0};
        struct err e = remote_write_decode(&a, str_of(exact, n), &m);
        ck_assert(e.code == ERR_NONE || e.code == ERR_INVALID);
        ck_assert_uint_le(m.series_count, ARRAY_LEN(good_bodies));
        err_drop(e);
        mem_free(exact);
    }
}
END_TEST

START_TEST(test_series_limit)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf message = BUF_INIT;
    for (size_t i = 0; i < WRITE_SERIES_MAX; i++)
        buf_append(&message, STR("\x0a\x00"));
    struct write_message m;
    CK_OK(remote_write_decode(&a, buf_str(&message), &m));
    ck_assert_uint_eq(m.series_count, WRITE_SERIES_MAX);
    buf_append(&message, STR("\x0a\x00"));
    CK_ERR(ERR_TOO_LARGE, remote_write_decode(&a, buf_str(&message), &m));
}
END_TEST

static const struct limit_case {
    const char *name;
    struct str field; /* of the series, or of the request */
    size_t limit;
    bool of_request;
} limit_cases[] = {
    {"samples, fast path", STR_INIT(ZERO), WRITE_SAMPLES_MAX, false},
    {"samples, general path", STR_INIT("\x12\x00"), WRITE_SAMPLES_MAX, false},
    {"exemplars", STR_INIT("\x1a\x00"), WRITE_EXEMPLARS_MAX, false},
    {"histograms", STR_INIT("\x22\x00"), WRITE_HISTOGRAMS_MAX, false},
    {"metadata", STR_INIT("\x1a\x00"), WRITE_METADATA_MAX, true},
};

START_TEST(test_limits)
{
    const struct limit_case *c = &limit_cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf body = BUF_INIT, message = BUF_INIT;
    for (size_t i = 0; i < c->limit; i++)
        buf_append(c->of_request ? &message : &body, c->field);
    put_series(&message, buf_str(&body));
    struct write_message m;
    CK_OK(remote_write_decode(&a, buf_str(&message), &m));
    ROW_ASSERT(c->name, m.sample_count + m.exemplar_count + m.histogram_count + m.metadata_count ==
                            c->limit);
    if (c->of_request)
        buf_append(&message, c->field);
    else
        put_series(&message, c->field);
    CK_ERR(ERR_TOO_LARGE, remote_write_decode(&a, buf_str(&message), &m));
}
END_TEST

/* Two bytes may become very many: what an arena may not have is not taken. */
START_TEST(test_memory)
{
    const struct limit_case *c = &limit_cases[_i];
    struct arena a;
    AUTO(buf_fini) struct buf body = BUF_INIT, message = BUF_INIT;
    for (size_t i = 0; i < c->limit / 2; i++)
        buf_append(c->of_request ? &message : &body, c->field);
    put_series(&message, buf_str(&body));
    struct write_message m;
    arena_init(&a, 0);
    CK_OK(remote_write_decode(&a, buf_str(&message), &m));
    size_t whole = a.used_bytes;
    arena_fini(&a);
    for (size_t part = 2; part <= 16; part *= 2) {
        arena_init(&a, whole / part);
        CK_ERR(ERR_TOO_LARGE, remote_write_decode(&a, buf_str(&message), &m));
        ROW_ASSERT(c->name, a.used_bytes <= whole / part + (1 << 20));
        arena_fini(&a);
    }
}
END_TEST

Suite *
remote_write_suite(void)
{
    Suite *s = suite_create("remote_write");
    TCase *t = tcase_create("decode");
    tcase_add_loop_test(t, test_body, 0, ARRAY_LEN(good_bodies));
    tcase_add_test(t, test_known_keys_are_not_copied);
    tcase_add_test(t, test_counts);
    tcase_add_test(t, test_long_fields);
    tcase_add_loop_test(t, test_malformed, 0, ARRAY_LEN(bad_cases));
    tcase_add_test(t, test_every_prefix);
    tcase_add_test(t, test_series_limit);
    tcase_add_loop_test(t, test_limits, 0, ARRAY_LEN(limit_cases));
    tcase_add_loop_test(t, test_memory, 0, ARRAY_LEN(limit_cases));
    suite_add_tcase(s, t);
    return s;
}
