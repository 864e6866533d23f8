/* Requests between receivers: as Google's protobuf writes them, at random, and malformed. */
#include "tests/harness.h"

#include <jansson.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/pb.h"
#include "base/rand.h"
#include "proto/writeable.h"
#include "tests/proto/peer_request.h"

static json_t *
golden_rows(const char *of)
{
    json_error_t error;
    json_t *root = json_load_file(test_data("proto/writeable.json"), 0, &error);
    ck_assert_msg(root != NULL, "%s", error.text);
    json_t *rows = json_incref(json_object_get(root, of));
    json_decref(root);
    ck_assert_uint_gt(json_array_size(rows), 0);
    return rows;
}

static struct str
unhex(struct arena *a, const char *hex)
{
    size_t n = strlen(hex) / 2;
    char *bytes = arena_alloc(a, n + 1);
    for (size_t i = 0; i < n; i++) {
        unsigned byte;
        ck_assert_int_eq(sscanf(hex + 2 * i, "%2x", &byte), 1);
        bytes[i] = (char)byte;
    }
    return str_of(bytes, n);
}

/* --- what decodes, as text: the goldens' form ------------------------------------------------- */

static void
key_show(struct arena *a, struct str key, struct buf *to)
{
    struct labels labels;
    ck_assert_int_eq(label_key_decode(a, key, &labels), LABEL_FAULT_NONE);
    buf_append(to, STR("{"));
    for (size_t i = 0; i < labels.n; i++)
        buf_printf(to, "%.*s=%.*s,", STR_FMT(labels.v[i].name), STR_FMT(labels.v[i].value));
    buf_append(to, STR("}"));
}

static void
row_show(struct arena *a, const struct write_message *m, const struct append_row *row,
         struct buf *to)
{
    key_show(a, row->label_key, to);
    for (size_t i = 0; i < row->sample_count; i++) {
        const struct sample *s = &m->samples[row->first_sample + i];
        buf_printf(to, " %016jx@%jd", (uintmax_t)s->bits, (intmax_t)s->t_ms);
    }
    for (size_t i = 0; i < row->exemplar_count; i++) {
        const struct exemplar *e = &m->exemplars[row->first_exemplar + i];
        buf_printf(to, " e%016jx@%jd", (uintmax_t)e->bits, (intmax_t)e->t_ms);
    }
    for (size_t i = 0; i < row->histogram_count; i++) {
        const struct histogram_sample *h = &m->histograms[row->first_histogram + i];
        buf_printf(to, " h%d@%jd", (int)h->value.schema, (intmax_t)h->t_ms);
    }
    buf_append(to, STR("\n"));
}

static void
show(struct arena *a, const struct writeable_message *m, struct buf *to)
{
    buf_printf(to, "replica %jd\n", (intmax_t)m->replica);
    for (size_t i = 0; i < m->tuple_count; i++) {
        const struct writeable_tuple *t = &m->tuples[i];
        buf_printf(to, "%.*s:%zu\n", STR_FMT(t->tenant), t->series_count);
        for (size_t k = 0; k < t->row_count; k++)
            row_show(a, &m->all, &m->all.rows[t->first_row + k], to);
        for (size_t k = 0; k < t->metadata_count; k++) {
            const struct family_metadata *x = &m->all.metadata[t->first_metadata + k];
            buf_printf(to, "# %.*s %d %.*s %.*s\n", STR_FMT(x->family), (int)x->value.kind,
                       STR_FMT(x->value.unit), STR_FMT(x->value.help));
        }
    }
    for (size_t i = 0; i < m->part_count; i++)
        buf_printf(to, "part %u\n", m->part_tuples[i]);
}

/* In the order of the fields' numbers, as they write it. */
static void
encode(const struct writeable_message *m, struct buf *to)
{
    writeable_encode_replica(to, m->replica);
    for (size_t i = 0; i < m->tuple_count; i++) {
        const struct writeable_tuple *t = &m->tuples[i];
        struct append_request r = write_message_request(&m->all);
        r.row_count = t->row_count;
        r.metadata_count = t->metadata_count;
        if (r.row_count > 0)
            r.rows += t->first_row;
        if (r.metadata_count > 0)
            r.metadata += t->first_metadata;
        writeable_encode_tuple(to, t->tenant, &r);
    }
    writeable_encode_parts(to, m->part_tuples, m->part_count);
}

START_TEST(test_goldens)
{
    json_t *rows = golden_rows("requests"), *row;
    size_t i;
    json_array_foreach(rows, i, row)
    {
        AUTO(arena_fini) struct arena a = {0};
        AUTO(buf_fini) struct buf text = BUF_INIT, bytes = BUF_INIT;
        const char *name = json_string_value(json_object_get(row, "name"));
        struct str message = unhex(&a, json_string_value(json_object_get(row, "hex")));
        struct writeable_message m;
        CK_OK(writeable_decode(&a, message, &m));
        show(&a, &m, &text);
        ck_assert_msg(strcmp(buf_cstr(&text), json_string_value(json_object_get(row, "text"))) == 0,
                      "%s: %s", name, buf_cstr(&text));
        encode(&m, &bytes);
        if (json_is_true(json_object_get(row, "ours")))
            ROW_ASSERT(name, str_eq(buf_str(&bytes), message));
    }
    json_decref(rows);
}
END_TEST

START_TEST(test_golden_answers)
{
    json_t *rows = golden_rows("answers"), *row;
    size_t i;
    json_array_foreach(rows, i, row)
    {
        AUTO(arena_fini) struct arena a = {0};
        AUTO(buf_fini) struct buf bytes = BUF_INIT;
        struct str message = unhex(&a, json_string_value(json_object_get(row, "hex")));
        json_t *want = json_object_get(row, "outcomes");
        size_t n = json_array_size(want), got = SIZE_MAX;
        enum writeable_outcome outcomes[256];
        CK_OK(writeable_decode_outcomes(message, outcomes, n, &got));
        ck_assert_uint_eq(got, n);
        for (size_t k = 0; k < n; k++)
            ck_assert_int_eq(outcomes[k], json_integer_value(json_array_get(want, k)));
        writeable_encode_outcomes(&bytes, outcomes, n);
        ck_assert(str_eq(buf_str(&bytes), message));
    }
    json_decref(rows);
}
END_TEST

static const struct answer_case {
    const char *name;
    struct str message;
    size_t parts;
    enum err_code code;
    size_t count;
    enum writeable_outcome last;
} answer_cases[] = {
    {"of Thanos", STR_INIT(""), 2, ERR_NONE, 0, WRITEABLE_OK},
    {"other fields", STR_INIT("\x08\x01\x12\x01x"), 2, ERR_NONE, 0, WRITEABLE_OK},
    {"one by one", STR_INIT("\xc0\x3e\x00\xc0\x3e\x01"), 2, ERR_NONE, 2, WRITEABLE_CONFLICT},
    {"of a later version", STR_INIT("\xc2\x3e\x02\x01\x09"), 2, ERR_NONE, 2, WRITEABLE_FAILED},
    {"too few", STR_INIT("\xc2\x3e\x01\x01"), 2, ERR_INVALID, 0, WRITEABLE_OK},
    {"too many", STR_INIT("\xc2\x3e\x03\x01\x01\x01"), 2, ERR_INVALID, 0, WRITEABLE_OK},
    {"wire type", STR_INIT("\xc5\x3e\x01\x01\x01\x01"), 2, ERR_INVALID, 0, WRITEABLE_OK},
    {"cut number", STR_INIT("\xc2\x3e\x01\x81"), 1, ERR_INVALID, 0, WRITEABLE_OK},
    {"cut field", STR_INIT("\xc2\x3e\x05\x01"), 1, ERR_INVALID, 0, WRITEABLE_OK},
};

START_TEST(test_answers)
{
    const struct answer_case *c = &answer_cases[_i];
    enum writeable_outcome outcomes[4] = {WRITEABLE_OK};
    size_t count = 0;
    CK_ERR(c->code, writeable_decode_outcomes(c->message, outcomes, c->parts, &count));
    ROW_ASSERT(c->name, count == c->count);
    ROW_ASSERT(c->name, count == 0 || outcomes[count - 1] == c->last);
}
END_TEST

/* --- malformed, and above limits -------------------------------------------------------------- */

#define SERIES                                                                                     \
    "\x0a\x0d\x0a\x06\x0a\x01"                                                                     \
    "a"                                                                                            \
    "\x12\x01"                                                                                     \
    "b"                                                                                            \
    "\x12\x03\x10\x80\x01"

static const struct request_case {
    const char *name;
    struct str message;
    enum err_code code;
} request_cases[] = {
    {"a tuple", STR_INIT("\x22\x12" SERIES "\x12\x01t"), ERR_NONE},
    {"unknown fields", STR_INIT("\x2a\x01x\x22\x16" SERIES "\x1a\x02zz\x12\x01t\xc0\x3e\x01"),
     ERR_NONE},
    {"tenant twice", STR_INIT("\x22\x15" SERIES "\x12\x01s\x12\x01t"), ERR_NONE},
    {"parts one by one", STR_INIT("\x22\x00\x22\x00\xc0\x3e\x01\xc0\x3e\x01"), ERR_NONE},
    {"part of the older form", STR_INIT(SERIES "\xc0\x3e\x01"), ERR_NONE},
    {"long form of lengths", STR_INIT("\x22\x8f\x80\x80\x00" SERIES), ERR_NONE},
    {"tuple cut", STR_INIT("\x22\x13" SERIES "\x12\x01t"), ERR_INVALID},
    {"series beyond its tuple", STR_INIT("\x22\x0e" SERIES "\x12\x01t"), ERR_INVALID},
    {"tuple's wire type", STR_INIT("\x20\x01"), ERR_INVALID},
    {"series' wire type", STR_INIT("\x08\x01"), ERR_INVALID},
    {"series' wire type in a tuple", STR_INIT("\x22\x02\x08\x01"), ERR_INVALID},
    {"tenant's wire type", STR_INIT("\x10\x01"), ERR_INVALID},
    {"tenant's wire type in a tuple", STR_INIT("\x22\x02\x10\x01"), ERR_INVALID},
    {"replica's wire type", STR_INIT("\x1a\x01x"), ERR_INVALID},
    {"metadata's wire type", STR_INIT("\x22\x03\xc8\x3e\x01"), ERR_INVALID},
    {"parts' wire type", STR_INIT("\x22\x00\xc5\x3e\x01\x00\x00\x00"), ERR_INVALID},
    {"parts cut", STR_INIT("\x22\x00\xc2\x3e\x01\x81"), ERR_INVALID},
    {"a part too long", STR_INIT("\x22\x00\xc2\x3e\x02\x01\x01"), ERR_INVALID},
    {"a tuple of no part", STR_INIT("\x22\x00\x22\x00\xc2\x3e\x01\x01"), ERR_INVALID},
    {"a group", STR_INIT("\x23\x24"), ERR_INVALID},
    {"a group in a tuple", STR_INIT("\x22\x02\x23\x24"), ERR_INVALID},
    {"sample in a tuple", STR_INIT("\x22\x05\x0a\x03\x12\x01\x08"), ERR_INVALID},
};

START_TEST(test_requests)
{
    const struct request_case *c = &request_cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    struct writeable_message m = {0};
    CK_ERR(c->code, writeable_decode(&a, c->message, &m));
    if (c->code == ERR_NONE && m.all.row_count > 0) {
        ROW_ASSERT(c->name, m.tuple_count == 1 && m.tuples[0].row_count == 1);
        ROW_ASSERT(c->name, m.all.samples[0].t_ms == 128);
    }
}
END_TEST

/* Every prefix is refused or is a message itself, and nothing is read behind it. */
START_TEST(test_prefixes)
{
    struct str whole = STR("\x18\x02\x22\x12" SERIES "\x12\x01t\x22\x08\xca\x3e\x05\x12\x03up!"
                           "\xc2\x3e\x01\x02");
    for (size_t n = 0; n <= whole.n; n++) {
        AUTO(arena_fini) struct arena a = {0};
        struct writeable_message m = {0};
        char *exact = mem_dup_text(whole.p, n); /* ASan sees its end */
        err_drop(writeable_decode(&a, str_of(exact, n), &m));
        mem_free(exact);
    }
}
END_TEST

static void
put_many(struct buf *to, struct str what, size_t times)
{
    buf_clear(to);
    for (size_t i = 0; i < times; i++)
        buf_append(to, what);
}

START_TEST(test_limits)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf b = BUF_INIT;
    struct writeable_message m;
    put_many(&b, STR("\x22\x00"), WRITEABLE_TUPLES_MAX);
    CK_OK(writeable_decode(&a, buf_str(&b), &m));
    ck_assert_uint_eq(m.tuple_count, WRITEABLE_TUPLES_MAX);
    buf_append(&b, STR("\x22\x00"));
    CK_ERR(ERR_TOO_LARGE, writeable_decode(&a, buf_str(&b), &m));

    put_many(&b, STR("\xc0\x3e\x00"), WRITEABLE_PARTS_MAX);
    CK_OK(writeable_decode(&a, buf_str(&b), &m));
    ck_assert_uint_eq(m.part_count, WRITEABLE_PARTS_MAX);
    buf_append(&b, STR("\xc2\x3e\x01\x00"));
    CK_ERR(ERR_TOO_LARGE, writeable_decode(&a, buf_str(&b), &m));

    /* Over all tuples, those of remote write. */
    AUTO(buf_fini) struct buf series = BUF_INIT;
    put_many(&series, STR("\x0a\x00"), WRITE_SERIES_MAX / 2);
    buf_clear(&b);
    for (size_t i = 0; i < 2; i++) {
        pb_put_message(&b, 4, series.n);
        buf_append(&b, buf_str(&series));
    }
    CK_OK(writeable_decode(&a, buf_str(&b), &m));
    buf_append(&b, STR("\x22\x02\x0a\x00"));
    CK_ERR(ERR_TOO_LARGE, writeable_decode(&a, buf_str(&b), &m));
}
END_TEST

/* What memory does not suffice for is not begun. */
START_TEST(test_memory)
{
    AUTO(arena_fini) struct arena a;
    AUTO(buf_fini) struct buf b = BUF_INIT;
    struct writeable_message m;
    put_many(&b, STR("\x22\x00"), 1000);
    arena_init(&a, 1000 * sizeof *m.tuples - 1);
    CK_ERR(ERR_TOO_LARGE, writeable_decode(&a, buf_str(&b), &m));
    put_many(&b, STR("\xc0\x3e\x00"), 1000);
    CK_ERR(ERR_TOO_LARGE,
           (arena_charge(&a, a.limit_bytes - 3999), writeable_decode(&a, buf_str(&b), &m)));
    ck_assert_uint_lt(a.used_bytes - a.charged_bytes, 8000); /* a block for small things */
}
END_TEST

/* --- at random -------------------------------------------------------------------------------- */

enum { ROUNDS = 100, TUPLES = 4 };

/* What we encode, protobuf-c reads as what was there: a tuple has the series of a WriteRequest. */
static void
check_peer(const struct append_request *r, struct str tuple)
{
    struct reader reader = reader_of(tuple);
    struct pb_field f;
    ck_assert(pb_next(&reader, &f) && f.number == 4 && reader_left(&reader) == 0);
    Prompb__WriteRequest *got =
        prompb__write_request__unpack(NULL, f.bytes.n, (const uint8_t *)f.bytes.p);
    ck_assert_ptr_nonnull(got);
    ck_assert_uint_eq(got->n_timeseries, r->row_count);
    AUTO(arena_fini) struct arena a = {0};
    struct write_message m = {.samples = (struct sample *)(uintptr_t)r->samples,
                              .histograms = (struct histogram_sample *)(uintptr_t)r->histograms,
                              .exemplars = (struct exemplar *)(uintptr_t)r->exemplars};
    for (size_t i = 0; i < r->row_count; i++)
        peer_check_row(&a, got->timeseries[i], &r->rows[i], &m);
    prompb__write_request__free_unpacked(got, NULL);
}

START_TEST(test_random)
{
    struct rand_gen g = rand_gen_of(5);
    for (size_t round = 0; round < ROUNDS; round++) {
        AUTO(arena_fini) struct arena a = {0};
        AUTO(buf_fini) struct buf message = BUF_INIT, again = BUF_INIT;
        struct write_message sent[TUPLES];
        for (size_t i = 0; i < TUPLES; i++) {
            AUTO(buf_fini) struct buf tuple = BUF_INIT;
            CK_OK(remote_write_decode(&a, peer_pack(&a, peer_request_random(&g, &a)), &sent[i]));
            struct append_request r = write_message_request(&sent[i]);
            writeable_encode_tuple(&tuple, STR("tenant"), &r);
            check_peer(&r, buf_str(&tuple));
            buf_append(&message, buf_str(&tuple));
        }
        struct writeable_message got;
        CK_OK(writeable_decode(&a, buf_str(&message), &got));
        ck_assert_uint_eq(got.tuple_count, TUPLES);
        for (size_t i = 0; i < TUPLES; i++) {
            ck_assert_uint_eq(got.tuples[i].row_count, sent[i].row_count);
            ck_assert_uint_eq(got.tuples[i].metadata_count, sent[i].metadata_count);
        }
        encode(&got, &again);
        ck_assert(str_eq(buf_str(&again), buf_str(&message)));
    }
}
END_TEST

/* Both forms of one request give the same rows; the fields of our own stand in a tuple alone. */
START_TEST(test_forms_agree)
{
    struct rand_gen g = rand_gen_of(6);
    for (size_t round = 0; round < ROUNDS; round++) {
        AUTO(arena_fini) struct arena a = {0};
        AUTO(buf_fini) struct buf tuples = BUF_INIT, x = BUF_INIT, y = BUF_INIT;
        Prompb__WriteRequest *request = peer_request_random(&g, &a);
        request->n_metadata = 0; /* field 3 is the replica here */
        struct str older = peer_pack(&a, request);
        pb_put_message(&tuples, 4, older.n);
        buf_append(&tuples, older);
        struct writeable_message m, n;
        CK_OK(writeable_decode(&a, older, &m));
        CK_OK(writeable_decode(&a, buf_str(&tuples), &n));
        encode(&m, &x);
        encode(&n, &y);
        ck_assert(str_eq(buf_str(&x), buf_str(&y)) || request->n_timeseries == 0);
    }
}
END_TEST

Suite *
writeable_suite(void)
{
    Suite *s = suite_create("writeable");
    TCase *t = tcase_create("writeable");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_goldens);
    tcase_add_test(t, test_golden_answers);
    tcase_add_loop_test(t, test_answers, 0, ARRAY_LEN(answer_cases));
    tcase_add_loop_test(t, test_requests, 0, ARRAY_LEN(request_cases));
    tcase_add_test(t, test_prefixes);
    tcase_add_test(t, test_limits);
    tcase_add_test(t, test_memory);
    tcase_add_test(t, test_random);
    tcase_add_test(t, test_forms_agree);
    suite_add_tcase(s, t);
    return s;
}
