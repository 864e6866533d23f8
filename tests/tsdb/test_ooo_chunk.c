/* Late samples end up sorted whatever order they come in, the first of a time stays, and what is
 * encoded decodes to them. */
#include "tests/harness.h"

#include "base/mem.h"
#include "base/rand.h"
#include "tsdb/head/ooo_chunk.h"

static enum ooo_insert
insert(struct ooo_chunk *c, unsigned capacity, int64_t t_ms, uint64_t bits)
{
    return ooo_chunk_insert(c, capacity, (struct sample){t_ms, bits});
}

static const struct insert_case {
    const char *name;
    unsigned capacity;
    int64_t in[10];
    size_t n;
    char fates[11]; /* s stored, d duplicate, f full */
    int64_t want[10];
    size_t want_n;
} insert_cases[] = {
    {"ascending", 32, {1, 2, 3}, 3, "sss", {1, 2, 3}, 3},
    {"descending", 32, {3, 2, 1}, 3, "sss", {1, 2, 3}, 3},
    {"into the middle", 32, {1, 9, 5, 3, 7}, 5, "sssss", {1, 3, 5, 7, 9}, 5},
    {"twice the newest", 32, {1, 2, 2}, 3, "ssd", {1, 2}, 2},
    {"twice the oldest", 32, {1, 2, 1}, 3, "ssd", {1, 2}, 2},
    {"twice one between", 32, {1, 2, 3, 2}, 4, "sssd", {1, 2, 3}, 3},
    {"negative and extreme times", 32, {INT64_MAX, INT64_MIN, 0, -1}, 4, "ssss",
     {INT64_MIN, -1, 0, INT64_MAX}, 4},
    {"room for one", 1, {5, 5, 4}, 3, "sff", {5}, 1},
    {"full is asked before duplicate", 3, {1, 2, 3, 2}, 4, "sssf", {1, 2, 3}, 3},
    {"full but for one", 4, {1, 2, 3, 2, 4, 5}, 6, "sssdsf", {1, 2, 3, 4}, 4},
    {"no power of two", 5, {5, 4, 3, 2, 1, 0}, 6, "sssssf", {1, 2, 3, 4, 5}, 5},
};

START_TEST(test_insert)
{
    const struct insert_case *row = &insert_cases[_i];
    static const char letters[] = {[OOO_STORED] = 's', [OOO_DUPLICATE] = 'd', [OOO_FULL] = 'f'};
    struct ooo_chunk c = {0};
    for (size_t i = 0; i < row->n; i++)
        ROW_ASSERT(row->name,
                   letters[insert(&c, row->capacity, row->in[i], i)] == row->fates[i]);
    ROW_ASSERT(row->name, c.count == row->want_n && c.room >= c.count);
    ROW_ASSERT(row->name, c.room <= row->capacity);
    ROW_ASSERT(row->name, ooo_chunk_mint_ms(&c) == row->want[0]);
    ROW_ASSERT(row->name, ooo_chunk_maxt_ms(&c) == row->want[row->want_n - 1]);
    for (size_t i = 0; i < row->want_n; i++) {
        ROW_ASSERT(row->name, c.samples[i].t_ms == row->want[i]);
        size_t first = 0; /* with this time: its value is the one that stays */
        while (row->in[first] != row->want[i])
            first++;
        ROW_ASSERT(row->name, c.samples[i].bits == first);
    }
    ooo_chunk_clear(&c);
    ROW_ASSERT(row->name, c.count == 0 && c.room == 0 && c.samples == NULL);
}
END_TEST

/* Samples take 16 bytes each, and room for 4, 8, 16, 32 of them. */
START_TEST(test_room)
{
    struct ooo_chunk c = {0};
    for (unsigned i = 0; i < OOO_SAMPLES_MAX; i++) {
        unsigned want = 4;
        while (want < i + 1)
            want *= 2;
        ck_assert_int_eq(insert(&c, OOO_SAMPLES_MAX, (int64_t)i * 7919 % 257, i), OOO_STORED);
        ck_assert_uint_eq(c.room, want < OOO_SAMPLES_MAX ? want : OOO_SAMPLES_MAX);
    }
    ck_assert_int_eq(insert(&c, OOO_SAMPLES_MAX, 1000, 0), OOO_FULL);
    ck_assert_int_eq(insert(&c, OOO_SAMPLES_DEFAULT, 1000, 0), OOO_FULL); /* it was lowered */
    ooo_chunk_clear(&c);
}
END_TEST

static void
check_decoded(const struct ooo_chunk *c, const struct chunk_view *view)
{
    AUTO(sample_columns_fini) struct sample_columns got = SAMPLE_COLUMNS_INIT;
    CK_OK(chunk_decode_floats(view, INT64_MIN, INT64_MAX, &got));
    ck_assert_uint_eq(got.n, c->count);
    for (size_t i = 0; i < got.n; i++) {
        ck_assert_int_eq(got.t_ms[i], c->samples[i].t_ms);
        ck_assert_uint_eq(got.bits[i], c->samples[i].bits);
    }
    ck_assert_int_eq(view->mint_ms, got.t_ms[0]);
    ck_assert_int_eq(view->maxt_ms, got.t_ms[got.n - 1]);
}

/* Any capacity, values as wild as they come: the worst case fits. */
START_TEST(test_encode)
{
    struct rand_gen g = rand_gen_of(7);
    for (unsigned capacity = 1; capacity <= OOO_SAMPLES_MAX; capacity += capacity < 40 ? 1 : 43) {
        struct ooo_chunk c = {0};
        for (unsigned i = 0; i < capacity; i++) {
            uint64_t bits = i % 5 == 4 ? STALE_NAN_BITS : rand_u64(&g);
            while (insert(&c, capacity, (int64_t)rand_u64(&g), bits) != OOO_STORED)
                ;
        }
        AUTO(ooo_encoder_fini) struct ooo_encoder e = ooo_encoder_of(&c);
        struct chunk_view view;
        ck_assert(ooo_encoder_next(&e, &view));
        ck_assert_int_eq(view.encoding, CHUNK_XOR);
        check_decoded(&c, &view);
        ck_assert(!ooo_encoder_next(&e, &view));
        ooo_chunk_clear(&c);
    }
}
END_TEST

Suite *
ooo_chunk_suite(void)
{
    Suite *s = suite_create("ooo_chunk");
    TCase *t = tcase_create("ooo_chunk");
    tcase_add_loop_test(t, test_insert, 0, ARRAY_LEN(insert_cases));
    tcase_add_test(t, test_room);
    tcase_add_test(t, test_encode);
    suite_add_tcase(s, t);
    return s;
}
