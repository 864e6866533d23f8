/* Messages of other receivers: each tenant gets its rows in one batch, and each part is told what
 * became of it, whatever it travelled with. */
#include "tests/harness.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/rand.h"
#include "ingest/writeable.h"
#include "tsdb/db.h"

/* --- messages --------------------------------------------------------------------------------- */

struct maker {
    struct arena arena;
    struct buf message;
    uint32_t part_tuples[16];
    size_t part_count;
};

static struct str
key_of(struct arena *a, const char *pod)
{
    AUTO(buf_fini) struct buf key = BUF_INIT;
    struct label label = {STR("pod"), str_of_cstr(pod)};
    label_key_encode((struct labels){&label, 1}, &key);
    return arena_str(a, buf_str(&key));
}

/* A tuple of one series with samples at these times, ended by 0. */
static void
put_tuple(struct maker *m, const char *tenant, const char *pod, const int64_t *times_ms)
{
    struct sample samples[8];
    struct append_row row = {.label_key = key_of(&m->arena, pod)};
    for (; times_ms[row.sample_count]; row.sample_count++)
        samples[row.sample_count] = (struct sample){times_ms[row.sample_count], 7};
    struct append_request r = {
        .rows = &row, .row_count = 1, .samples = samples, .sample_count = row.sample_count};
    writeable_encode_tuple(&m->message, str_of_cstr(tenant), &r);
    if (m->part_count > 0)
        m->part_tuples[m->part_count - 1]++;
}
#define TUPLE(m, tenant, pod, ...) put_tuple((m), (tenant), (pod), (int64_t[]){__VA_ARGS__, 0})

static void
put_part(struct maker *m)
{
    m->part_tuples[m->part_count++] = 0;
}

static struct writeable_rows
decode(struct maker *m)
{
    struct writeable_rows rows;
    writeable_encode_parts(&m->message, m->part_tuples, m->part_count);
    CK_OK(ingest_decode_writeable(&m->arena, NULL, buf_str(&m->message), &rows));
    return rows;
}

static void
maker_fini(struct maker *m)
{
    arena_fini(&m->arena);
    buf_fini(&m->message);
}
static void
auto_maker_fini(struct maker *m)
{
    maker_fini(m);
}

/* --- stores ----------------------------------------------------------------------------------- */

/* Judges a row by the first letter of its pod: 'c' conflict, 'h' bad histogram, 'l' labels, 's'
 * too many series; and a tenant by its: 'd' its disk is full, 'x' it crashes. */
struct fake_store {
    bool marks_nothing; /* which rows are refused is not told */
    size_t calls, rows;
};

static char
pod_letter(struct str key)
{
    struct labels labels;
    AUTO(arena_fini) struct arena a = {0};
    ck_assert_int_eq(label_key_decode(&a, key, &labels), LABEL_FAULT_NONE);
    return labels.v[0].value.p[0];
}

static struct err
fake_append(void *arg, size_t index, const struct batch *batch, struct append_result *ret_result)
{
    struct fake_store *f = arg;
    (void)index;
    f->calls++;
    f->rows += batch->request.row_count;
    if (batch->tenant.p[0] == 'd')
        return ERR(ERR_NO_SPACE, "disk full");
    if (batch->tenant.p[0] == 'x')
        return ERR(ERR_INTERNAL, "crash");
    for (size_t i = 0; i < batch->request.row_count; i++) {
        const struct append_row *row = &batch->request.rows[i];
        char letter = pod_letter(row->label_key);
        uint8_t refusal = letter == 'h'           ? ROW_INVALID
                          : strchr("cls", letter) ? ROW_REFUSED
                                                  : ROW_TAKEN;
        ck_assert_uint_le(row->first_sample + row->sample_count, batch->request.sample_count);
        ret_result->fates[letter == 'c' ? SAMPLE_OUT_OF_ORDER : SAMPLE_STORED]++;
        ret_result->histograms_invalid += letter == 'h';
        ret_result->label_faults[letter == 'l' ? LABEL_FAULT_DUPLICATE : LABEL_FAULT_NONE]++;
        ret_result->series_over_limit += letter == 's';
        if (!f->marks_nothing)
            batch->request.row_refusals[i] = refusal;
    }
    return OK;
}

static struct writeable_stored
store_fake(struct maker *m, const struct writeable_rows *rows, struct fake_store *f)
{
    struct writeable_store store = {fake_append, f};
    struct writeable_stored stored;
    CK_OK(writeable_store_rows(rows, &m->arena, &store, &stored));
    return stored;
}

/* --- batches ---------------------------------------------------------------------------------- */

START_TEST(test_by_tenant)
{
    AUTO(maker_fini) struct maker m = {.message = BUF_INIT};
    TUPLE(&m, "t", "a", 1, 2);
    TUPLE(&m, "u", "b", 3);
    TUPLE(&m, "t", "c", 4);
    struct writeable_rows rows = decode(&m);
    ck_assert_uint_eq(rows.batch_count, 2);
    const struct append_request *t = &rows.batches[0].request, *u = &rows.batches[1].request;
    ck_assert(str_eq(rows.batches[0].tenant, STR("t")));
    ck_assert(str_eq(rows.batches[1].tenant, STR("u")));
    ck_assert_uint_eq(rows.batches[0].series_count, 2);
    ck_assert_uint_eq(t->row_count, 2);
    ck_assert_uint_eq(t->sample_count, 3);
    ck_assert_uint_eq(u->row_count, 1);
    ck_assert_int_eq(t->samples[t->rows[1].first_sample].t_ms, 4);
    ck_assert_int_eq(u->samples[u->rows[0].first_sample].t_ms, 3);
}
END_TEST

/* Of one tenant nothing is copied, however many tuples it has. */
START_TEST(test_one_tenant)
{
    AUTO(maker_fini) struct maker m = {.message = BUF_INIT};
    TUPLE(&m, "t", "a", 1, 2);
    TUPLE(&m, "t", "c", 4);
    struct writeable_rows rows = decode(&m);
    ck_assert_uint_eq(rows.batch_count, 1);
    ck_assert_ptr_eq(rows.batches[0].request.rows, rows.message.all.rows);
    ck_assert_uint_eq(rows.batches[0].request.row_count, 2);
}
END_TEST

START_TEST(test_metadata)
{
    AUTO(maker_fini) struct maker m = {.message = BUF_INIT};
    struct family_metadata told[2] = {{.family = STR("up")}, {.family = STR("down")}};
    struct append_request r = {.metadata = told, .metadata_count = 2};
    TUPLE(&m, "t", "a", 1);
    writeable_encode_tuple(&m.message, STR("u"), &r);
    r.metadata_count = 1;
    writeable_encode_tuple(&m.message, STR("t"), &r);
    struct writeable_rows rows = decode(&m);
    ck_assert_uint_eq(rows.batches[0].request.metadata_count, 1);
    ck_assert_uint_eq(rows.batches[1].request.metadata_count, 2);
    ck_assert(str_eq(rows.batches[1].request.metadata[1].family, STR("down")));
    ck_assert(!batch_has_samples(&rows.batches[1]));
}
END_TEST

static const char *const bad_tenants[] = {"", ".", "..", "a/b", "../../etc", "a\\b", "#gone-a"};

START_TEST(test_bad_tenant)
{
    AUTO(maker_fini) struct maker m = {.message = BUF_INIT};
    struct fake_store f = {0};
    put_part(&m);
    TUPLE(&m, "t", "a", 1);
    put_part(&m);
    TUPLE(&m, bad_tenants[_i], "a", 1);
    TUPLE(&m, "t", "a", 2);
    put_part(&m);
    TUPLE(&m, "t", "a", 3);
    struct writeable_rows rows = decode(&m);
    struct writeable_stored stored = store_fake(&m, &rows, &f);
    ck_assert_ptr_nonnull(rows.bad_tenant.p);
    ck_assert(str_eq(rows.bad_tenant, str_of_cstr(bad_tenants[_i])));
    ck_assert_int_eq(stored.parts[0], WRITEABLE_OK);
    ck_assert_int_eq(stored.parts[1], WRITEABLE_INVALID);
    ck_assert_int_eq(stored.parts[2], WRITEABLE_OK);
    ck_assert_int_eq(stored.worst, WRITEABLE_INVALID);
    ck_assert_uint_eq(f.rows, 3); /* the others are stored */
}
END_TEST

/* --- outcomes --------------------------------------------------------------------------------- */

static const struct outcome_case {
    const char *name;
    enum err_code code;
    struct append_result result;
    enum writeable_outcome want;
} outcome_cases[] = {
    {"stored", ERR_NONE, {.fates = {[SAMPLE_STORED] = 1, [SAMPLE_STORED_LATE] = 1}}, WRITEABLE_OK},
    {"repeated", ERR_NONE, {.fates = {[SAMPLE_REPEATED] = 3}}, WRITEABLE_OK},
    {"out of order", ERR_NONE, {.fates = {[SAMPLE_OUT_OF_ORDER] = 1}}, WRITEABLE_CONFLICT},
    {"duplicate", ERR_NONE, {.fates = {9, [SAMPLE_DUPLICATE] = 1}}, WRITEABLE_CONFLICT},
    {"out of bounds", ERR_NONE, {.fates = {[SAMPLE_OUT_OF_BOUNDS] = 1}}, WRITEABLE_CONFLICT},
    {"too old", ERR_NONE, {.fates = {[SAMPLE_TOO_OLD] = 1}}, WRITEABLE_CONFLICT},
    {"too new", ERR_NONE, {.fates = {[SAMPLE_TOO_NEW] = 1}}, WRITEABLE_CONFLICT},
    {"good labels", ERR_NONE, {.label_faults = {5}}, WRITEABLE_OK},
    {"bad labels", ERR_NONE, {.label_faults = {5, 1}}, WRITEABLE_CONFLICT},
    {"too many series", ERR_NONE, {.series_over_limit = 1}, WRITEABLE_CONFLICT},
    {"memory is short", ERR_NONE, {.series_unknown = 1}, WRITEABLE_CONFLICT},
    {"histogram",
     ERR_NONE,
     {.fates = {[SAMPLE_DUPLICATE] = 1}, .histograms_invalid = 1},
     WRITEABLE_INVALID},
    {"exemplars", ERR_NONE, {.exemplar_fates = {[EXEMPLAR_OUT_OF_ORDER] = 1}}, WRITEABLE_OK},
    {"metadata", ERR_NONE, {.metadata_refused = 1}, WRITEABLE_OK},
    {"disk full", ERR_NO_SPACE, {.fates = {[SAMPLE_DUPLICATE] = 1}}, WRITEABLE_UNAVAILABLE},
    {"disk", ERR_IO, {.series_created = 0}, WRITEABLE_UNAVAILABLE},
    {"not ready", ERR_UNAVAILABLE, {.series_created = 0}, WRITEABLE_UNAVAILABLE},
    {"overload", ERR_OVERLOAD, {.series_created = 0}, WRITEABLE_UNAVAILABLE},
    {"timeout", ERR_TIMEOUT, {.series_created = 0}, WRITEABLE_UNAVAILABLE},
    {"too large", ERR_TOO_LARGE, {.series_created = 0}, WRITEABLE_INVALID},
    {"invalid", ERR_INVALID, {.series_created = 0}, WRITEABLE_INVALID},
    {"conflict", ERR_CONFLICT, {.series_created = 0}, WRITEABLE_CONFLICT},
    {"internal", ERR_INTERNAL, {.series_created = 0}, WRITEABLE_FAILED},
    {"corrupt", ERR_CORRUPT, {.series_created = 0}, WRITEABLE_FAILED},
};

START_TEST(test_outcomes)
{
    const struct outcome_case *c = &outcome_cases[_i];
    ROW_ASSERT(c->name, writeable_outcome_of(c->code, &c->result) == c->want);
}
END_TEST

/* What a part alone would be told. */
static enum writeable_outcome
outcome_alone(char tenant, char pod)
{
    if (tenant == 'd')
        return WRITEABLE_UNAVAILABLE;
    if (tenant == 'x')
        return WRITEABLE_FAILED;
    if (tenant == '/')
        return WRITEABLE_INVALID;
    return pod == 'h'                               ? WRITEABLE_INVALID
           : pod == 'c' || pod == 'l' || pod == 's' ? WRITEABLE_CONFLICT
                                                    : WRITEABLE_OK;
}

START_TEST(test_parts_at_random)
{
    struct rand_gen g = rand_gen_of(3);
    for (size_t round = 0; round < 300; round++) {
        AUTO(maker_fini) struct maker m = {.message = BUF_INIT};
        enum writeable_outcome want[8] = {WRITEABLE_OK}, worst = WRITEABLE_OK;
        struct fake_store f = {0};
        size_t parts = 1 + rand_below(&g, 8);
        for (size_t p = 0; p < parts; p++) {
            put_part(&m);
            for (size_t i = rand_below(&g, 4); i > 0; i--) {
                const char tenant[] = {"tttuuvdx/"[rand_below(&g, 9)], 0};
                const char pod[] = {"aaaabbchls"[rand_below(&g, 10)], 0};
                TUPLE(&m, tenant, pod, 1 + (int64_t)rand_below(&g, 9));
                want[p] = writeable_outcome_worse(want[p], outcome_alone(tenant[0], pod[0]));
            }
            worst = writeable_outcome_worse(worst, want[p]);
        }
        struct writeable_rows rows = decode(&m);
        struct writeable_stored stored = store_fake(&m, &rows, &f);
        for (size_t p = 0; p < parts; p++)
            ck_assert_int_eq(stored.parts[p], want[p]);
        ck_assert_int_eq(stored.worst, worst);
        err_drop(stored.first);
    }
}
END_TEST

/* A store that does not tell which rows it refused has refused what travelled with them. */
START_TEST(test_unmarked)
{
    AUTO(maker_fini) struct maker m = {.message = BUF_INIT};
    struct fake_store f = {.marks_nothing = true};
    put_part(&m);
    TUPLE(&m, "t", "a", 1);
    put_part(&m);
    TUPLE(&m, "t", "c", 1);
    put_part(&m);
    TUPLE(&m, "u", "a", 1);
    struct writeable_rows rows = decode(&m);
    struct writeable_stored stored = store_fake(&m, &rows, &f);
    ck_assert_int_eq(stored.parts[0], WRITEABLE_CONFLICT);
    ck_assert_int_eq(stored.parts[1], WRITEABLE_CONFLICT);
    ck_assert_int_eq(stored.parts[2], WRITEABLE_OK);
}
END_TEST

/* Senders that tell of no parts learn of the whole, and everything good is stored. */
START_TEST(test_without_parts)
{
    AUTO(maker_fini) struct maker m = {.message = BUF_INIT};
    struct fake_store f = {0};
    TUPLE(&m, "d", "a", 1);
    TUPLE(&m, "t", "c", 1);
    TUPLE(&m, "t", "a", 1);
    TUPLE(&m, "..", "a", 1);
    struct writeable_rows rows = decode(&m);
    struct writeable_stored stored = store_fake(&m, &rows, &f);
    ck_assert_int_eq(stored.worst, WRITEABLE_UNAVAILABLE);
    ck_assert_int_eq(stored.first.code, ERR_NO_SPACE);
    ck_assert_uint_eq(stored.result.fates[SAMPLE_STORED], 1);
    ck_assert_uint_eq(f.calls, 2);
    err_drop(stored.first);
}
END_TEST

/* --- a real database -------------------------------------------------------------------------- */

struct db_store {
    struct db *db;
    struct arena *arena;
};

static struct err
db_store_append(void *arg, size_t index, const struct batch *batch,
                struct append_result *ret_result)
{
    struct db_store *s = arg;
    (void)index;
    return db_append(s->db, &batch->request, s->arena, ret_result);
}

/* Parts with rows of one series: what a later one adds, or has too late, is no fault of an earlier
 * one. */
START_TEST(test_one_series_in_parts)
{
    AUTO(maker_fini) struct maker m = {.message = BUF_INIT};
    struct db_opts opts = db_opts_default();
    struct db *db = NULL;
    opts.fs = fs_posix();
    opts.clock = clock_system();
    opts.dir = test_dir();
    opts.ooo_window_ms = _i ? 60000 : 0;
    CK_OK(db_open(&opts, &db));
    put_part(&m);
    TUPLE(&m, "t", "a", 100000, 110000, 120000);
    put_part(&m);
    TUPLE(&m, "t", "b", 100000, 110000);
    TUPLE(&m, "t", "a", 10000); /* out of order, or late */
    put_part(&m);
    TUPLE(&m, "t", "a", 130000);
    TUPLE(&m, "t", "c", 100000);
    put_part(&m);
    TUPLE(&m, "t", "a", 125000); /* likewise */
    struct writeable_rows rows = decode(&m);
    struct db_store s = {db, &m.arena};
    struct writeable_store store = {db_store_append, &s};
    struct writeable_stored stored;
    CK_OK(writeable_store_rows(&rows, &m.arena, &store, &stored));
    ck_assert_int_eq(stored.parts[0], WRITEABLE_OK);
    ck_assert_int_eq(stored.parts[1], _i ? WRITEABLE_OK : WRITEABLE_CONFLICT);
    ck_assert_int_eq(stored.parts[2], WRITEABLE_OK);
    ck_assert_int_eq(stored.parts[3], _i ? WRITEABLE_OK : WRITEABLE_CONFLICT);
    ck_assert_uint_eq(stored.result.fates[SAMPLE_STORED], 7);
    CK_OK(db_finish(db));
    db_close(db);
}
END_TEST

Suite *
writeable_suite(void)
{
    Suite *s = suite_create("writeable");
    TCase *t = tcase_create("writeable");
    tcase_add_test(t, test_by_tenant);
    tcase_add_test(t, test_one_tenant);
    tcase_add_test(t, test_metadata);
    tcase_add_loop_test(t, test_bad_tenant, 0, ARRAY_LEN(bad_tenants));
    tcase_add_loop_test(t, test_outcomes, 0, ARRAY_LEN(outcome_cases));
    tcase_add_test(t, test_parts_at_random);
    tcase_add_test(t, test_unmarked);
    tcase_add_test(t, test_without_parts);
    tcase_add_loop_test(t, test_one_series_in_parts, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
