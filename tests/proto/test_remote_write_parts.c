/* Native histograms, exemplars and metadata in every legal form, and what is refused of them:
 * all through a whole request, as it comes from outside. */
#include "tests/harness.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/pb.h"
#include "proto/remote_write.h"

#define ONE_HALF "\x00\x00\x00\x00\x00\x00\xe0\x3f"
#define TWO      "\x00\x00\x00\x00\x00\x00\x00\x40"

/* A request of one series with one field, or of one field of its own. */
static void
put_request(struct buf *to, uint32_t series_field, uint32_t request_field, struct str content)
{
    AUTO(buf_fini) struct buf series = BUF_INIT;
    if (series_field) {
        pb_put_message(&series, series_field, content.n);
        buf_append(&series, content);
        content = buf_str(&series);
    }
    pb_put_message(to, request_field, content.n);
    buf_append(to, content);
}

/* --- histograms ------------------------------------------------------------------------------- */

static void
show_number(const struct histogram *h, uint64_t word, struct buf *to)
{
    if (h->kind == HISTOGRAM_FLOAT)
        buf_printf(to, "%g", f64_of_bits(word));
    else
        buf_printf(to, "%jd", (intmax_t)(int64_t)word);
}

static void
show_side(const struct histogram *h, const char *name, struct histogram_spans spans,
          struct histogram_words words, struct buf *to)
{
    if (spans.n + words.n == 0)
        return;
    buf_printf(to, " %s", name);
    for (size_t i = 0; i < spans.n; i++)
        buf_printf(to, " %d+%u", spans.v[i].offset, spans.v[i].length);
    buf_append(to, STR(":"));
    for (size_t i = 0; i < words.n; i++) {
        buf_append(to, STR(" "));
        show_number(h, words.v[i], to);
    }
}

static void
histogram_show(const struct histogram_sample *s, struct buf *to)
{
    static const char *const resets[] = {"unknown", "yes", "no", "gauge"};
    const struct histogram *h = &s->value;
    buf_printf(to, "%s@%jd reset %s schema %d sum %g zero %g ",
               h->kind == HISTOGRAM_FLOAT ? "float" : "int", (intmax_t)s->t_ms, resets[h->reset],
               h->schema, f64_of_bits(h->sum), f64_of_bits(h->zero_threshold));
    show_number(h, h->zero_count, to);
    buf_append(to, STR(" of "));
    show_number(h, h->count, to);
    show_side(h, "pos", h->positive_spans, h->positive, to);
    show_side(h, "neg", h->negative_spans, h->negative, to);
    for (size_t i = 0; i < h->custom_bounds.n; i++)
        buf_printf(to, "%s%g", i ? " " : " bounds ", f64_of_bits(h->custom_bounds.v[i]));
}

#define NOTHING "reset unknown schema 0 sum 0 zero 0 0 of 0"

static const struct histogram_case {
    const char *name;
    struct str content;
    const char *want;
} histogram_cases[] = {
    {"empty", STR_INIT(""), "int@0 " NOTHING},
    {"count of 0, as an integer", STR_INIT("\x08\x00"), "int@0 " NOTHING},
    {"count of 0, as a float", STR_INIT("\x11\0\0\0\0\0\0\0\0"), "float@0 " NOTHING},
    {"last member of the oneof: float", STR_INIT("\x08\x07\x11" TWO),
     "float@0 reset unknown schema 0 sum 0 zero 0 0 of 2"},
    {"last member of the oneof: integer", STR_INIT("\x11" TWO "\x08\x07"),
     "int@0 reset unknown schema 0 sum 0 zero 0 0 of 7"},
    {"zero count of the other kind", STR_INIT("\x08\x07\x39" TWO),
     "int@0 reset unknown schema 0 sum 0 zero 0 0 of 7"},
    {"zero count twice, the other kind last", STR_INIT("\x08\x07\x30\x03\x39" TWO),
     "int@0 reset unknown schema 0 sum 0 zero 0 0 of 7"},
    {"scalars", STR_INIT("\x08\x07\x19" TWO "\x20\x05\x29" ONE_HALF "\x30\x03\x70\x03\x78\x09"),
     "int@9 reset gauge schema -3 sum 2 zero 0.5 3 of 7"},
    {"schema of custom buckets", STR_INIT("\x20\x69\x82\x01\x10" ONE_HALF TWO),
     "int@0 reset unknown schema -53 sum 0 zero 0 0 of 0 bounds 0.5 2"},
    {"schema of 64 bits is cut", STR_INIT("\x20\x83\x80\x80\x80\x80\x80\x80\x80\x80\x01"),
     "int@0 reset unknown schema -2 sum 0 zero 0 0 of 0"},
    {"reset hint from a later version", STR_INIT("\x70\x04"), "int@0 " NOTHING},
    {"negative time", STR_INIT("\x78\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "int@-1 " NOTHING},
    {"packed deltas", STR_INIT("\x5a\x04\x08\x03\x10\x02\x62\x02\x04\x01"),
     "int@0 " NOTHING " pos -2+2: 2 -1"},
    {"spans of nothing", STR_INIT("\x5a\x00\x42\x02\x10\x00"),
     "int@0 " NOTHING " pos 0+0: neg 0+0:"},
    {"deltas one by one, and packed", STR_INIT("\x48\x04\x4a\x02\x01\x02\x48\xd8\x04"),
     "int@0 " NOTHING " neg: 2 -1 1 300"},
    {"delta of 64 bits", STR_INIT("\x62\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
     "int@0 " NOTHING " pos: -9223372036854775808"},
    {"counts one by one, and packed", STR_INIT("\x11" TWO "\x69" ONE_HALF "\x6a\x10" TWO ONE_HALF),
     "float@0 reset unknown schema 0 sum 0 zero 0 0 of 2 pos: 0.5 2 0.5"},
    {"buckets of the other kind", STR_INIT("\x11" TWO "\x62\x01\x02\x52\x08" TWO),
     "float@0 reset unknown schema 0 sum 0 zero 0 0 of 2 neg: 2"},
    {"empty packed fields", STR_INIT("\x62\x00\x6a\x00\x82\x01\x00"), "int@0 " NOTHING},
    {"bounds one by one", STR_INIT("\x81\x01" ONE_HALF "\x81\x01" TWO),
     "int@0 " NOTHING " bounds 0.5 2"},
    {"start timestamp of 2.0, and unknown fields", STR_INIT("\x88\x01\x05\xfa\x01\x01x\x08\x02"),
     "int@0 reset unknown schema 0 sum 0 zero 0 0 of 2"},
    {"unknown field in a span", STR_INIT("\x5a\x06\x1a\x00\x08\x02\x10\x01\x62\x01\x02"),
     "int@0 " NOTHING " pos 1+1: 1"},
};

START_TEST(test_histogram)
{
    const struct histogram_case *c = &histogram_cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf message = BUF_INIT, got = BUF_INIT, again = BUF_INIT;
    put_request(&message, 4, 1, c->content);
    struct write_message m;
    CK_OK(remote_write_decode(&a, buf_str(&message), &m));
    ROW_ASSERT(c->name, m.histogram_count == 1 && m.row_count == 1);
    histogram_show(&m.histograms[0], &got);
    ck_assert_msg(strcmp(buf_cstr(&got), c->want) == 0, "row \"%s\": got %s", c->name,
                  buf_cstr(&got));

    remote_write_encode_row(&again, &m, &m.rows[0]);
    CK_OK(remote_write_decode(&a, buf_str(&again), &m));
    buf_clear(&got);
    histogram_show(&m.histograms[0], &got);
    ck_assert_msg(strcmp(buf_cstr(&got), c->want) == 0, "row \"%s\": again %s", c->name,
                  buf_cstr(&got));
}
END_TEST

/* --- exemplars -------------------------------------------------------------------------------- */

#define LABEL(name, value) "\x0a\x06\x0a\x01" name "\x12\x01" value

static const struct exemplar_case {
    const char *name;
    struct str content;
    const char *want;
} exemplar_cases[] = {
    {"empty", STR_INIT(""), "0@0"},
    {"full", STR_INIT(LABEL("a", "b") "\x11" TWO "\x18\x05"), "a=b 2@5"},
    {"any order, sorted", STR_INIT("\x18\x05" LABEL("z", "1") "\x11" TWO LABEL("a", "2")),
     "a=2 z=1 2@5"},
    {"empty value is absent",
     STR_INIT("\x0a\x03\x0a\x01"
              "a" LABEL("b", "1")),
     "b=1 0@0"},
    {"empty name",
     STR_INIT("\x0a\x03\x12\x01"
              "v"),
     "=v 0@0"},
    {"name twice", STR_INIT(LABEL("a", "1") LABEL("a", "2")), "a=1 a=2 0@0"},
    {"last one counts", STR_INIT("\x18\x05\x18\x06\x11" ONE_HALF "\x11" TWO), "2@6"},
    {"negative time", STR_INIT("\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "0@-1"},
    {"unknown fields",
     STR_INIT("\x20\x01"
              "\x0a\x08\x1a\x00\x0a\x01"
              "a"
              "\x12\x01"
              "b"),
     "a=b 0@0"},
};

static void
exemplar_show(const struct exemplar *e, struct buf *to)
{
    for (size_t i = 0; i < e->labels.n; i++)
        buf_printf(to, "%.*s=%.*s ", STR_FMT(e->labels.v[i].name), STR_FMT(e->labels.v[i].value));
    buf_printf(to, "%g@%jd", f64_of_bits(e->bits), (intmax_t)e->t_ms);
}

START_TEST(test_exemplar)
{
    const struct exemplar_case *c = &exemplar_cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf message = BUF_INIT, got = BUF_INIT, again = BUF_INIT;
    put_request(&message, 3, 1, c->content);
    struct write_message m;
    CK_OK(remote_write_decode(&a, buf_str(&message), &m));
    ROW_ASSERT(c->name, m.exemplar_count == 1 && m.row_count == 1);
    exemplar_show(&m.exemplars[0], &got);
    ck_assert_msg(strcmp(buf_cstr(&got), c->want) == 0, "row \"%s\": got %s", c->name,
                  buf_cstr(&got));
    remote_write_encode_row(&again, &m, &m.rows[0]);
    CK_OK(remote_write_decode(&a, buf_str(&again), &m));
    buf_clear(&got);
    exemplar_show(&m.exemplars[0], &got);
    ROW_ASSERT(c->name, strcmp(buf_cstr(&got), c->want) == 0);
}
END_TEST

/* A thousand labels are refused by their length alone: what is kept of them suffices for that. */
START_TEST(test_exemplar_of_many_labels)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf content = BUF_INIT, message = BUF_INIT;
    for (size_t i = 0; i < 1000; i++)
        buf_append(&content, STR(LABEL("a", "b")));
    put_request(&message, 3, 1, buf_str(&content));
    struct write_message m;
    CK_OK(remote_write_decode(&a, buf_str(&message), &m));
    ck_assert_uint_gt(m.exemplars[0].labels.n, EXEMPLAR_LABEL_CHARACTERS_MAX);
    ck_assert_uint_lt(m.exemplars[0].labels.n, 1000);
}
END_TEST

/* --- metadata --------------------------------------------------------------------------------- */

static const struct metadata_case {
    const char *name;
    struct str content;
    const char *want; /* family, kind, help, unit */
} metadata_cases[] = {
    {"empty", STR_INIT(""), "|unknown||"},
    {"full",
     STR_INIT("\x08\x01\x12\x01"
              "m"
              "\x22\x02"
              "h!"
              "\x2a\x01"
              "s"),
     "m|counter|h!|s"},
    {"any order",
     STR_INIT("\x2a\x01"
              "s"
              "\x12\x01"
              "m"
              "\x08\x07"),
     "m|stateset||s"},
    {"last one counts",
     STR_INIT("\x12\x01"
              "m"
              "\x12\x01"
              "n"
              "\x08\x01\x08\x05"),
     "n|summary||"},
    {"kind from a later version",
     STR_INIT("\x08\x08\x12\x01"
              "m"),
     "m|unknown||"},
    {"kind of 64 bits", STR_INIT("\x08\x81\x80\x80\x80\x80\x80\x80\x80\x80\x01"), "|unknown||"},
    {"unknown fields",
     STR_INIT("\x1a\x01x\x32\x01x\x12\x01"
              "m"),
     "m|unknown||"},
};

START_TEST(test_metadata)
{
    const struct metadata_case *c = &metadata_cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf message = BUF_INIT;
    put_request(&message, 0, 3, c->content);
    for (size_t round = 0; round < 2; round++) { /* as it came, then as we encode it */
        AUTO(buf_fini) struct buf got = BUF_INIT;
        struct write_message m;
        CK_OK(remote_write_decode(&a, buf_str(&message), &m));
        ROW_ASSERT(c->name, m.metadata_count == 1 && m.row_count == 0);
        const struct metadata *v = &m.metadata[0].value;
        buf_printf(&got, "%.*s|%s|%.*s|%.*s", STR_FMT(m.metadata[0].family),
                   metric_kind_text(v->kind), STR_FMT(v->help), STR_FMT(v->unit));
        ck_assert_msg(strcmp(buf_cstr(&got), c->want) == 0, "row \"%s\": got %s", c->name,
                      buf_cstr(&got));
        struct family_metadata copy = m.metadata[0];
        AUTO(buf_fini) struct buf again = BUF_INIT;
        remote_write_encode_metadata(&again, &copy);
        buf_clear(&message);
        buf_append(&message, buf_str(&again));
    }
}
END_TEST

/* --- what is refused -------------------------------------------------------------------------- */

enum part { HISTOGRAM = 4, EXEMPLAR = 3, METADATA = 0 };

static const struct bad_case {
    const char *name;
    enum part part;
    struct str content;
    enum err_code code;
    const char *want;
} bad_cases[] = {
    {"count is a double", HISTOGRAM, STR_INIT("\x09" TWO), ERR_INVALID,
     "wrong wire type of count_int of the histogram at byte 4"},
    {"float count is a varint", HISTOGRAM, STR_INIT("\x08\x01\x10\x01"), ERR_INVALID,
     "wrong wire type of count_float of the histogram at byte 6"},
    {"sum is a varint", HISTOGRAM, STR_INIT("\x18\x01"), ERR_INVALID, "type of sum"},
    {"schema is text", HISTOGRAM, STR_INIT("\x22\x01x"), ERR_INVALID, "type of schema"},
    {"timestamp is fixed", HISTOGRAM, STR_INIT("\x79" TWO), ERR_INVALID, "type of timestamp"},
    {"spans are a number", HISTOGRAM, STR_INIT("\x58\x01"), ERR_INVALID, "type of positive_spans"},
    {"deltas are doubles", HISTOGRAM, STR_INIT("\x61" TWO), ERR_INVALID, "type of positive_deltas"},
    {"counts are varints", HISTOGRAM, STR_INIT("\x50\x01"), ERR_INVALID, "type of negative_counts"},
    {"bounds of 4 bytes", HISTOGRAM, STR_INIT("\x85\x01\0\0\0\0"), ERR_INVALID,
     "type of custom_values"},
    {"packed counts of 7 bytes", HISTOGRAM,
     STR_INIT("\x6a\x07"
              "1234567"),
     ERR_INVALID, "malformed positive_counts of the histogram at byte 4"},
    {"packed delta cut short", HISTOGRAM, STR_INIT("\x62\x02\x01\x80"), ERR_INVALID,
     "malformed positive_deltas"},
    {"packed delta of 65 bits", HISTOGRAM,
     STR_INIT("\x4a\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), ERR_INVALID,
     "malformed negative_deltas"},
    {"packed delta of eleven bytes", HISTOGRAM,
     STR_INIT("\x4a\x0b\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), ERR_INVALID,
     "malformed negative_deltas"},
    {"span offset is text", HISTOGRAM, STR_INIT("\x5a\x02\x0a\x00"), ERR_INVALID,
     "wrong wire type in positive_spans"},
    {"span cut short", HISTOGRAM, STR_INIT("\x42\x01\x08"), ERR_INVALID,
     "malformed negative_spans"},
    {"histogram cut short", HISTOGRAM, STR_INIT("\x08\x01\x19\x00"), ERR_INVALID,
     "malformed field of the histogram at byte 6"},
    {"group in a histogram", HISTOGRAM, STR_INIT("\x0b"), ERR_INVALID, "malformed field"},

    {"label is a number", EXEMPLAR, STR_INIT("\x08\x01"), ERR_INVALID,
     "wrong wire type in the exemplar at byte 4"},
    {"value is a varint", EXEMPLAR, STR_INIT("\x10\x01"), ERR_INVALID, "type in the exemplar"},
    {"timestamp is fixed", EXEMPLAR, STR_INIT("\x19" TWO), ERR_INVALID, "type in the exemplar"},
    {"label name is a number", EXEMPLAR, STR_INIT("\x0a\x02\x08\x01"), ERR_INVALID,
     "wrong wire type in a label of the exemplar at byte 6"},
    {"label cut short", EXEMPLAR, STR_INIT("\x0a\x02\x0a\x05"), ERR_INVALID,
     "malformed label of the exemplar"},
    {"exemplar cut short", EXEMPLAR, STR_INIT("\x18\x05\x11\x00"), ERR_INVALID,
     "malformed field of the exemplar at byte 6"},

    {"type is text", METADATA, STR_INIT("\x0a\x00"), ERR_INVALID,
     "wrong wire type in the metadata at byte 2"},
    {"family is a number", METADATA, STR_INIT("\x08\x01\x10\x01"), ERR_INVALID,
     "wrong wire type in the metadata at byte 4"},
    {"help is a double", METADATA, STR_INIT("\x21" TWO), ERR_INVALID, "type in the metadata"},
    {"unit is a number", METADATA, STR_INIT("\x28\x01"), ERR_INVALID, "type in the metadata"},
    {"metadata cut short", METADATA, STR_INIT("\x12\x02m"), ERR_INVALID,
     "malformed field of the metadata at byte 2"},
};

START_TEST(test_refused)
{
    const struct bad_case *c = &bad_cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf message = BUF_INIT;
    put_request(&message, c->part, c->part == METADATA ? 3 : 1, c->content);
    struct write_message m = {.row_count = 77};
    struct err e = remote_write_decode(&a, buf_str(&message), &m);
    ck_assert_msg(e.code == c->code, "row \"%s\": %s", c->name, err_text(&e));
    ck_assert_msg(strstr(err_text(&e), c->want), "row \"%s\": %s", c->name, err_text(&e));
    ROW_ASSERT(c->name, m.row_count == 77);
    err_drop(e);
}
END_TEST

static const struct array_case {
    const char *name;
    struct str item; /* a field with one item */
} array_cases[] = {
    {"positive_deltas", STR_INIT("\x60\x02")},   {"negative_deltas", STR_INIT("\x48\x02")},
    {"positive_counts", STR_INIT("\x69" TWO)},   {"negative_counts", STR_INIT("\x51" TWO)},
    {"positive_spans", STR_INIT("\x5a\x00")},    {"negative_spans", STR_INIT("\x42\x00")},
    {"custom_values", STR_INIT("\x81\x01" TWO)},
};

START_TEST(test_bucket_limit)
{
    const struct array_case *c = &array_cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf content = BUF_INIT, message = BUF_INIT;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS_MAX; i++)
        buf_append(&content, c->item);
    put_request(&message, HISTOGRAM, 1, buf_str(&content));
    struct write_message m;
    CK_OK(remote_write_decode(&a, buf_str(&message), &m));
    buf_append(&content, c->item);
    buf_clear(&message);
    put_request(&message, HISTOGRAM, 1, buf_str(&content));
    struct err e = remote_write_decode(&a, buf_str(&message), &m);
    ROW_ASSERT(c->name, e.code == ERR_TOO_LARGE);
    ck_assert_msg(strstr(err_text(&e), c->name), "row \"%s\": %s", c->name, err_text(&e));
    err_drop(e);
}
END_TEST

Suite *
remote_write_parts_suite(void)
{
    Suite *s = suite_create("remote_write_parts");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, test_histogram, 0, ARRAY_LEN(histogram_cases));
    tcase_add_loop_test(t, test_exemplar, 0, ARRAY_LEN(exemplar_cases));
    tcase_add_test(t, test_exemplar_of_many_labels);
    tcase_add_loop_test(t, test_metadata, 0, ARRAY_LEN(metadata_cases));
    tcase_add_loop_test(t, test_refused, 0, ARRAY_LEN(bad_cases));
    tcase_add_loop_test(t, test_bucket_limit, 0, ARRAY_LEN(array_cases));
    suite_add_tcase(s, t);
    return s;
}
