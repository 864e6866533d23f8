/* Legal forms of remote write 2.0 and the rows that they give; what is malformed, with its place;
 * what is refused alone; limits. */
#include "tests/harness.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/pb.h"
#include "proto/remote_write2.h"

/* clang-format off: strings are cut where a digit would go on with the escape before it */
/* Symbols, by reference: 0 "", 1 __name__, 2 up, 3 a, 4 b, 5 c, 6 help, 7 up_total. */
#define SYMBOLS                                                                                    \
    "\x22\x00"                                                                                     \
    "\x22\x08"                                                                                     \
    "__name__"                                                                                     \
    "\x22\x02"                                                                                     \
    "up"                                                                                           \
    "\x22\x01"                                                                                     \
    "a"                                                                                            \
    "\x22\x01"                                                                                     \
    "b"                                                                                            \
    "\x22\x01"                                                                                     \
    "c"                                                                                            \
    "\x22\x04"                                                                                     \
    "help"                                                                                         \
    "\x22\x08"                                                                                     \
    "up_total"
#define UP        "\x0a\x02\x01\x02" /* {__name__="up"} */
#define UP_A_B    "\x0a\x04\x01\x02\x03\x04"
#define VALUE_ONE "\x09\x00\x00\x00\x00\x00\x00\xf0\x3f"
#define TIME      "\x10\x80\xd0\x95\xff\xbc\x31" /* 1700000000000 */
#define START     "\x18\x80\xd0\x95\xff\xbc\x31"
#define ONE       "\x12\x10" VALUE_ONE TIME
#define ZERO      "\x12\x07" TIME
#define T         "1700000000000"
/* clang-format on */

static void
key_show(struct str key, struct buf *to)
{
    struct reader r = reader_of(key);
    struct pb_field label, part;
    while (pb_next(&r, &label)) {
        struct reader pair = reader_of(label.bytes);
        while (pb_next(&pair, &part))
            buf_printf(to, part.number == 1 ? "%.*s=" : "%.*s ", STR_FMT(part.bytes));
    }
    ck_assert_int_eq(r.code, ERR_NONE);
}

static void
exemplar_show(const struct exemplar *e, struct buf *to)
{
    buf_append(to, STR("#"));
    for (size_t i = 0; i < e->labels.n; i++)
        buf_printf(to, "%.*s=%.*s ", STR_FMT(e->labels.v[i].name), STR_FMT(e->labels.v[i].value));
    buf_printf(to, "%g@%jd ", f64_of_bits(e->bits), (intmax_t)e->t_ms);
}

/* Rows, each with a ';', then metadata, what was refused, and how many start timestamps. */
static void
message_show(const struct write_message *m, struct buf *to)
{
    for (size_t i = 0; i < m->row_count; i++) {
        const struct append_row *row = &m->rows[i];
        key_show(row->label_key, to);
        for (size_t k = row->first_sample; k < row->first_sample + row->sample_count; k++)
            buf_printf(to, "%g@%jd ", f64_of_bits(m->samples[k].bits),
                       (intmax_t)m->samples[k].t_ms);
        for (size_t k = 0; k < row->histogram_count; k++) {
            const struct histogram_sample *h = &m->histograms[row->first_histogram + k];
            buf_printf(to, "h%ju@%jd ", (uintmax_t)h->value.count, (intmax_t)h->t_ms);
        }
        for (size_t k = 0; k < row->exemplar_count; k++)
            exemplar_show(&m->exemplars[row->first_exemplar + k], to);
        buf_append(to, STR("; "));
    }
    for (size_t i = 0; i < m->metadata_count; i++)
        buf_printf(to, "%.*s:%s:%.*s:%.*s ", STR_FMT(m->metadata[i].family),
                   metric_kind_text(m->metadata[i].value.kind), STR_FMT(m->metadata[i].value.help),
                   STR_FMT(m->metadata[i].value.unit));
    if (m->refused.without_name + m->refused.without_samples > 0) {
        buf_printf(to, "unnamed %zu empty %zu first ", m->refused.without_name,
                   m->refused.without_samples);
        key_show(m->refused.first_key, to);
    }
    if (m->start_timestamp_count > 0)
        buf_printf(to, "starts %zu", m->start_timestamp_count);
}

static const struct series_case {
    const char *name;
    struct str series; /* one TimeSeries; empty: two, see `message` */
    const char *want;
} series_cases[] = {
    {"one sample", STR_INIT(UP ONE), "__name__=up 1@" T " ; "},
    {"labels", STR_INIT(UP_A_B ONE), "__name__=up a=b 1@" T " ; "},
    {"two samples, one of them 0", STR_INIT(UP ZERO ONE), "__name__=up 0@" T " 1@" T " ; "},
    {"samples before labels", STR_INIT(ONE UP), "__name__=up 1@" T " ; "},
    {"labels on both sides", STR_INIT(UP ONE "\x0a\x02\x03\x04"), "__name__=up a=b 1@" T " ; "},
    {"references one by one", STR_INIT("\x08\x01\x08\x02" ONE), "__name__=up 1@" T " ; "},
    {"a pair across two fields", STR_INIT("\x08\x01\x0a\x03\x02\x03\x04" ONE),
     "__name__=up a=b 1@" T " ; "},
    {"references longer than they need be", STR_INIT("\x0a\x05\x81\x00\x82\x80\x00" ONE),
     "__name__=up 1@" T " ; "},
    {"unsorted labels stay so", STR_INIT("\x0a\x04\x03\x04\x01\x02" ONE),
     "a=b __name__=up 1@" T " ; "},
    {"empty value", STR_INIT("\x0a\x04\x01\x02\x03\x00" ONE), "__name__=up a=1@" T " ; "},
    {"empty name", STR_INIT("\x0a\x04\x01\x02\x00\x03" ONE), "__name__=up a 1@" T " ; "},
    {"unknown fields", STR_INIT(UP ONE "\x30\x05\xfa\x01\x01x"), "__name__=up 1@" T " ; "},
    {"negative time", STR_INIT(UP "\x12\x0b\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
     "__name__=up 0@-1 ; "},
    {"empty sample", STR_INIT(UP "\x12\x00"), "__name__=up 0@0 ; "},
    {"start timestamp", STR_INIT(UP "\x12\x17" VALUE_ONE TIME START),
     "__name__=up 1@" T " ; starts 1"},
    {"start timestamp of a 0", STR_INIT(UP "\x12\x0e" TIME START ONE),
     "__name__=up 0@" T " 1@" T " ; starts 1"},
    {"start timestamp first", STR_INIT(UP "\x12\x17" START VALUE_ONE TIME),
     "__name__=up 1@" T " ; starts 1"},
    {"short start timestamp", STR_INIT(UP "\x12\x12" VALUE_ONE TIME "\x18\x05"),
     "__name__=up 1@" T " ; starts 1"},
    {"start timestamp of 0", STR_INIT(UP "\x12\x12" VALUE_ONE TIME "\x18\x00"),
     "__name__=up 1@" T " ; "},
    {"histogram", STR_INIT(UP "\x1a\x04\x08\x07\x78\x09"), "__name__=up h7@9 ; "},
    {"histogram with a start", STR_INIT(UP "\x1a\x07\x08\x07\x78\x09\x88\x01\x05"),
     "__name__=up h7@9 ; starts 1"},
    {"both kinds", STR_INIT(UP ONE "\x1a\x02\x08\x07"), "__name__=up 1@" T " h7@0 ; "},
    {"exemplar", STR_INIT(UP ONE "\x22\x0f\x0a\x02\x03\x04\x11\0\0\0\0\0\0\xf0\x3f\x18\x05"),
     "__name__=up 1@" T " #a=b 1@5 ; "},
    {"exemplar: sorted, without empty values",
     STR_INIT(UP ONE "\x22\x08\x0a\x06\x05\x04\x04\x00\x03\x04"),
     "__name__=up 1@" T " #a=b c=b 0@0 ; "},
    {"empty exemplar", STR_INIT(UP ONE "\x22\x00"), "__name__=up 1@" T " #0@0 ; "},
    {"metadata", STR_INIT(UP ONE "\x2a\x06\x08\x02\x18\x06\x20\x03"),
     "__name__=up 1@" T " ; up:gauge:help:a "},
    {"metadata of a counter's name", STR_INIT("\x0a\x02\x01\x07" ONE "\x2a\x02\x08\x01"),
     "__name__=up_total 1@" T " ; up_total:counter:: "},
    {"metadata in front", STR_INIT("\x2a\x02\x08\x02" UP ONE), "__name__=up 1@" T " ; up:gauge:: "},
    {"empty metadata", STR_INIT(UP ONE "\x2a\x00"), "__name__=up 1@" T " ; "},
    {"metadata that says nothing", STR_INIT(UP ONE "\x2a\x06\x08\x00\x18\x00\x20\x00"),
     "__name__=up 1@" T " ; "},
    {"kind from a later version", STR_INIT(UP ONE "\x2a\x04\x08\x08\x18\x06"),
     "__name__=up 1@" T " ; up:unknown:help: "},
    {"no samples", STR_INIT(UP), "unnamed 0 empty 1 first __name__=up "},
    {"exemplar alone", STR_INIT(UP "\x22\x00"), "unnamed 0 empty 1 first __name__=up "},
    {"metadata alone", STR_INIT(UP "\x2a\x02\x08\x02"), "unnamed 0 empty 1 first __name__=up "},
    {"no name", STR_INIT("\x0a\x02\x03\x04" ONE "\x1a\x00\x22\x00\x2a\x02\x08\x02"),
     "unnamed 1 empty 0 first a=b "},
    {"empty metric name", STR_INIT("\x0a\x04\x01\x00\x03\x04" ONE),
     "unnamed 1 empty 0 first __name__=a=b "},
    {"no labels", STR_INIT(ONE), "unnamed 1 empty 0 first "},
    {"nothing", STR_INIT(""), "unnamed 1 empty 0 first "},
};

static void
put_series(struct buf *to, struct str series)
{
    pb_put_message(to, 5, series.n);
    buf_append(to, series);
}

static void
check_message(const char *name, struct str message, const char *want)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf got = BUF_INIT;
    struct write_message m;
    struct err e = remote_write2_decode(&a, message, &m);
    ck_assert_msg(e.code == ERR_NONE, "row \"%s\": %s", name, err_text(&e));
    message_show(&m, &got);
    ck_assert_msg(strcmp(buf_cstr(&got), want) == 0, "row \"%s\": got \"%s\"", name,
                  buf_cstr(&got));
}

/* The symbols in front, behind, and in a buffer that ends with the message. */
START_TEST(test_series)
{
    const struct series_case *c = &series_cases[_i];
    AUTO(buf_fini) struct buf front = BUF_INIT, behind = BUF_INIT;
    buf_append(&front, STR(SYMBOLS));
    put_series(&front, c->series);
    check_message(c->name, buf_str(&front), c->want);
    put_series(&behind, c->series);
    buf_append(&behind, STR(SYMBOLS));
    char *exact = mem_alloc(behind.n);
    memcpy(exact, behind.p, behind.n);
    check_message(c->name, str_of(exact, behind.n), c->want);
    mem_free(exact);
}
END_TEST

/* What every series of a family tells comes out once, news of it again; refused series among good
 * ones leave nothing behind. */
START_TEST(test_many_series)
{
    static const struct str series[] = {
        STR_INIT(UP ONE "\x2a\x02\x08\x02"),
        STR_INIT(UP_A_B ONE "\x2a\x02\x08\x02"),
        STR_INIT("\x0a\x02\x03\x04" ONE "\x22\x00"),
        STR_INIT(UP "\x22\x00"),
        STR_INIT("\x0a\x02\x01\x07" ONE "\x2a\x02\x08\x01"),
        STR_INIT(UP ONE "\x2a\x02\x08\x02"),
        STR_INIT(UP_A_B ZERO "\x22\x00\x2a\x04\x08\x02\x18\x06"),
    };
    AUTO(buf_fini) struct buf message = BUF_INIT;
    buf_append(&message, STR(SYMBOLS));
    for (size_t i = 0; i < ARRAY_LEN(series); i++)
        put_series(&message, series[i]);
    check_message("many", buf_str(&message),
                  "__name__=up 1@" T " ; __name__=up a=b 1@" T " ; __name__=up_total 1@" T
                  " ; __name__=up 1@" T " ; __name__=up a=b 0@" T " #0@0 ; "
                  "up:gauge:: up_total:counter:: up:gauge:help: "
                  "unnamed 1 empty 1 first a=b ");
}
END_TEST

/* Rows that follow each other share most labels: whatever differs, each has its own. */
START_TEST(test_neighbours)
{
    enum { LABELS = 5, VALUES = 3, ROWS = 300 };
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf message = BUF_INIT;
    AUTO(remote_write2_fini) struct remote_write2 w;
    remote_write2_init(&w);
    static const char *const values[VALUES] = {"v", "a longer one",
                                               ("one that is even longer, "
                                                "beyond what is copied at once, and then some")};
    struct str keys[ROWS];
    uint64_t dice = 1;
    for (size_t i = 0; i < ROWS; i++) {
        struct label labels[LABELS];
        AUTO(buf_fini) struct buf key = BUF_INIT;
        size_t n = 1 + (dice >> 60) % LABELS;
        for (size_t k = 0; k < n; k++) {
            dice = dice * UINT64_C(6364136223846793005) + 1;
            size_t v = dice >> 62 ? (dice >> 40) % VALUES : 0;
            labels[k] = (struct label){k == 0 ? STR("__name__") : arena_printf(&a, "name_%zu", k),
                                       str_of_cstr(values[v])};
        }
        label_key_encode((struct labels){labels, n}, &key);
        keys[i] = arena_str(&a, buf_str(&key));
        struct sample s = {1700000000000, 7};
        struct append_row row = {.label_key = keys[i], .sample_count = 1};
        remote_write2_add(&w, &(struct write_message){.samples = &s}, &row,
                          (struct remote_write2_extras){.start_ms = 0});
    }
    remote_write2_encode(&w, &message);
    struct write_message m;
    CK_OK(remote_write2_decode(&a, buf_str(&message), &m));
    ck_assert_uint_eq(m.row_count, ROWS);
    for (size_t i = 0; i < ROWS; i++)
        ck_assert(str_eq(m.rows[i].label_key, keys[i]));
}
END_TEST

/* --- what is refused ---------------------------------------------------------------------------
 */

static const struct bad_case {
    const char *name;
    struct str message;
    const char *want;
} bad_cases[] = {
    {"first symbol is not empty", STR_INIT("\x22\x01x"), "the first symbol is not empty at byte 2"},
    {"no symbols", STR_INIT("\x2a\x04" UP), "label reference 1 to one of 0 symbols"},
    {"reference behind the table", STR_INIT("\x22\x00\x2a\x04" UP),
     "label reference 1 to one of 1 symbols in the message at byte 4"},
    {"reference of 64 bits", STR_INIT(SYMBOLS "\x2a\x07\x0a\x05\x01\xff\xff\xff\x7f"),
     "label reference 268435455"},
    {"odd references", STR_INIT(SYMBOLS "\x2a\x05\x0a\x03\x01\x02\x03"),
     "odd number of label references (3) in the message at byte 43"},
    {"odd references and a sample", STR_INIT(SYMBOLS "\x2a\x17\x0a\x03\x01\x02\x03" ONE),
     "odd number of label references (3)"},
    {"exemplar: reference behind the table",
     STR_INIT(SYMBOLS "\x2a\x0a" UP "\x22\x04\x0a\x02\x03\x08"),
     "label reference 8 to one of 8 symbols in the message at byte 49"},
    {"exemplar: odd references", STR_INIT(SYMBOLS "\x2a\x09" UP "\x22\x03\x0a\x01\x03"),
     "odd number of label references (1) in the message at byte 49"},
    {"metadata: help behind the table", STR_INIT(SYMBOLS "\x2a\x1a" UP ONE "\x2a\x02\x18\x09"),
     "reference without a symbol in the metadata at byte 67"},
    {"metadata: unit behind the table", STR_INIT(SYMBOLS "\x2a\x1a" UP ONE "\x2a\x02\x20\x08"),
     "reference without a symbol in the metadata"},
    {"symbol is a number", STR_INIT("\x20\x01"), "wrong wire type at byte 0"},
    {"series is a number", STR_INIT("\x28\x01"), "wrong wire type at byte 0"},
    {"reference is a double",
     STR_INIT("\x2a\x09\x09"
              "12345678"),
     "wrong wire type of the label references at byte 2"},
    {"packed reference cut short", STR_INIT("\x2a\x03\x0a\x01\x80"),
     "malformed label references at byte 2"},
    {"sample is a number", STR_INIT("\x2a\x02\x10\x01"), "wrong wire type in the time series"},
    {"metadata is a number", STR_INIT("\x2a\x02\x28\x01"), "wrong wire type in the time series"},
    {"start timestamp is fixed",
     STR_INIT(SYMBOLS "\x2a\x0f" UP "\x12\x09\x19"
                      "12345678"),
     "type of the timestamp"},
    {"value is a varint", STR_INIT("\x2a\x04\x12\x02\x08\x01"), "type of the value in the sample"},
    {"histogram in the place of 1.0", STR_INIT("\x2a\x04\x22\x02\x08\x07"),
     "label reference 7 to one of 0 symbols"},
    {"start of a histogram is text", STR_INIT("\x2a\x05\x1a\x03\x8a\x01\x00"),
     "wrong wire type of start_timestamp of the histogram"},
    {"exemplar's value is a varint", STR_INIT("\x2a\x04\x22\x02\x10\x01"),
     "wrong wire type in the exemplar at byte 4"},
    {"exemplar cut short", STR_INIT("\x2a\x03\x22\x01\x18"), "malformed field of the exemplar"},
    {"type is text", STR_INIT(SYMBOLS "\x2a\x1a" UP ONE "\x2a\x02\x0a\x00"),
     "wrong wire type in the metadata"},
    {"metadata cut short", STR_INIT(SYMBOLS "\x2a\x19" UP ONE "\x2a\x01\x08"),
     "malformed field of the metadata"},
    {"series cut short", STR_INIT("\x2a\x02\x12\x05"), "malformed field of the time series"},
    {"message cut short", STR_INIT(SYMBOLS "\x2a\x05\x00"), "malformed field at byte 41"},
    {"length of 64 bits", STR_INIT("\x22\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
     "malformed field at byte 0"},
    {"group", STR_INIT("\x23"), "malformed field at byte 0"},
};

START_TEST(test_refused)
{
    const struct bad_case *c = &bad_cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    struct write_message m = {.row_count = 77};
    struct err e = remote_write2_decode(&a, c->message, &m);
    ck_assert_msg(e.code == ERR_INVALID, "row \"%s\": %s", c->name, err_text(&e));
    ck_assert_msg(strstr(err_text(&e), c->want), "row \"%s\": %s", c->name, err_text(&e));
    ck_assert_uint_eq(m.row_count, 77);
    err_drop(e);
}
END_TEST

/* A message of 1.0 has none of the fields of 2.0. */
START_TEST(test_other_version)
{
    AUTO(arena_fini) struct arena a = {0};
    struct write_message m;
    CK_OK(remote_write2_decode(&a, STR("\x0a\x06\x0a\x04\x0a\x02up\x1a\x02\x08\x01"), &m));
    ck_assert_uint_eq(m.series_count + m.row_count + m.metadata_count, 0);
    CK_OK(remote_write2_decode(&a, STR(""), &m));
    ck_assert_uint_eq(m.series_count, 0);
}
END_TEST

/* --- limits ------------------------------------------------------------------------------------
 */

static void
repeat(struct buf *to, struct str piece, size_t times)
{
    buf_reserve(to, times * piece.n);
    for (size_t i = 0; i < times; i++)
        buf_append(to, piece);
}

static void
check_too_large(const struct buf *message, const char *want)
{
    AUTO(arena_fini) struct arena a = {0};
    struct write_message m;
    struct err e = remote_write2_decode(&a, buf_str(message), &m);
    ck_assert_msg(e.code == ERR_TOO_LARGE && strstr(err_text(&e), want), "%s", err_text(&e));
    err_drop(e);
}

START_TEST(test_symbols_limit)
{
    AUTO(buf_fini) struct buf message = BUF_INIT;
    repeat(&message, STR("\x22\x00"), WRITE_SYMBOLS_MAX + 1);
    check_too_large(&message, "too many symbols");
}
END_TEST

START_TEST(test_series_limit)
{
    AUTO(buf_fini) struct buf message = BUF_INIT;
    repeat(&message, STR("\x2a\x00"), WRITE_SERIES_MAX + 1);
    check_too_large(&message, "too many timeseries");
}
END_TEST

START_TEST(test_refs_limit)
{
    AUTO(buf_fini) struct buf message = BUF_INIT, series = BUF_INIT;
    buf_append(&message, STR(SYMBOLS));
    pb_put_message(&series, 1, WRITE_REFS_MAX + 2);
    repeat(&series, STR("\x01\x02"), WRITE_REFS_MAX / 2 + 1);
    put_series(&message, buf_str(&series));
    check_too_large(&message, "too many label references");
}
END_TEST

/* A few bytes that name a large symbol again and again: as one series, and as many small ones. */
START_TEST(test_key_bytes_limit)
{
    static const size_t symbol_bytes[] = {1 << 20, 120};
    for (size_t round = 0; round < ARRAY_LEN(symbol_bytes); round++) {
        AUTO(buf_fini) struct buf message = BUF_INIT, large = BUF_INIT;
        repeat(&large, STR("x"), symbol_bytes[round]);
        buf_append(&message, STR(SYMBOLS));
        pb_put_message(&message, 4, large.n);
        buf_append(&message, buf_str(&large));
        AUTO(buf_fini) struct buf refs = BUF_INIT, series = BUF_INIT;
        buf_append(&refs, STR("\x01\x02"));
        repeat(&refs, STR("\x03\x08"), 64);
        pb_put_message(&series, 1, refs.n);
        buf_append(&series, buf_str(&refs));
        buf_append(&series, STR(ONE));
        size_t count = round == 0 ? 1 : WRITE_KEY_BYTES_MAX / (64 * symbol_bytes[round]);
        for (size_t i = 0; i < count; i++)
            put_series(&message, buf_str(&series));
        check_too_large(&message, "labels of the request take more than");
    }
}
END_TEST

Suite *
remote_write2_suite(void)
{
    Suite *s = suite_create("remote_write2");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, test_series, 0, ARRAY_LEN(series_cases));
    tcase_add_test(t, test_many_series);
    tcase_add_test(t, test_neighbours);
    tcase_add_loop_test(t, test_refused, 0, ARRAY_LEN(bad_cases));
    tcase_add_test(t, test_other_version);
    tcase_add_test(t, test_symbols_limit);
    tcase_add_test(t, test_series_limit);
    tcase_add_test(t, test_refs_limit);
    tcase_add_test(t, test_key_bytes_limit);
    suite_add_tcase(s, t);
    return s;
}
