/* Late samples end up sorted whatever order they come in, the first of a time stays, and what is
 * encoded decodes to them. */
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/rand.h"
#include "tests/tsdb/histogram_kit.h"
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
    {"negative and extreme times",
     32,
     {INT64_MAX, INT64_MIN, 0, -1},
     4,
     "ssss",
     {INT64_MIN, -1, 0, INT64_MAX},
     4},
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
        ROW_ASSERT(row->name, letters[insert(&c, row->capacity, row->in[i], i)] == row->fates[i]);
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

/* --- histograms ------------------------------------------------------------------------------- */

/* Samples at 1, 2, ... : "12" a float, "i12", "f12" histograms of either kind with that count,
 * "g12" a gauge, "!" a stale marker of the first kind. Pieces: encoding, first and last time, flag.
 */
static const struct piece_case {
    const char *name, *samples, *want;
} piece_cases[] = {
    {"one kind", "i1 i2 i3", "2:1-3:0"},
    {"the other kind", "f1 f2 f2", "3:1-3:0"},
    {"a reset", "i5 i6 i2 i3", "2:1-2:0 2:3-4:2"},
    {"a reset at every sample", "f3 f2 f1", "3:1-1:0 3:2-2:2 3:3-3:2"},
    {"gauges fall", "g3 g2 g1", "2:1-3:3"},
    {"a counter behind a gauge", "g3 i4", "2:1-1:3 2:2-2:1"},
    {"floats first", "1 2 i3", "1:1-2:0 2:3-3:0"},
    {"a float between: nobody compares", "i1 2 i3", "2:1-1:0 1:2-2:0 2:3-3:0"},
    {"a float between, and a reset", "i3 2 i1", "2:1-1:0 1:2-2:0 2:3-3:0"},
    {"both kinds in turns", "i1 f2 i3 f4", "2:1-1:0 3:2-2:0 2:3-3:0 3:4-4:0"},
    {"all floats at the end", "f1 2 3", "3:1-1:0 1:2-3:0"},
    {"a stale marker", "i1 i2 !", "2:1-3:0"},
    {"more than one piece behind it", "i1 ! i2 i1", "2:1-2:0 2:3-3:0 2:4-4:2"},
};

static bool
parse_value(const char *word, struct arena *a, struct histogram *ret_histogram)
{
    char text[128];
    if (strchr("ifg!", word[0]) == NULL)
        return false;
    unsigned count = (unsigned)strtoul(word + 1, NULL, 10);
    snprintf(text, sizeof text, "%c s=1 zc=%u n=%u sum=1%s", word[0] == 'f' ? 'f' : 'i', count,
             count, word[0] == 'g' ? " hint=gauge" : "");
    *ret_histogram = kit_parse(text, a);
    if (word[0] == '!')
        *ret_histogram = (struct histogram){.kind = HISTOGRAM_INTEGER, .sum = STALE_NAN_BITS};
    return true;
}

/* Inserts the words of a row, the last first, into room for 32 of them. */
static size_t
insert_words(struct ooo_chunk *c, const char *samples, struct arena *a)
{
    VEC(struct str) words = VEC_INIT;
    for (struct str rest = str_of_cstr(samples); rest.n > 0;)
        vec_push(&words, arena_str(a, str_split(&rest, ' ')));
    size_t n = words.n;
    for (size_t i = n; i-- > 0;) {
        struct histogram h;
        enum ooo_insert inserted =
            parse_value(words.v[i].p, a, &h)
                ? ooo_chunk_insert_histogram(c, OOO_SAMPLES_DEFAULT, (int64_t)i + 1, &h)
                : insert(c, OOO_SAMPLES_DEFAULT, (int64_t)i + 1,
                         bits_of_f64(strtod(words.v[i].p, NULL)));
        ck_assert_int_eq(inserted, OOO_STORED);
    }
    vec_fini(&words);
    return n;
}

/* What a piece holds is what was put in. */
static void
check_piece(const struct ooo_chunk *c, const struct chunk_view *view, struct arena *a, size_t *at)
{
    AUTO(sample_columns_fini) struct sample_columns floats = SAMPLE_COLUMNS_INIT;
    AUTO(histogram_columns_fini) struct histogram_columns histograms = HISTOGRAM_COLUMNS_INIT;
    if (view->encoding == CHUNK_XOR)
        CK_OK(chunk_decode_floats(view, INT64_MIN, INT64_MAX, &floats));
    else
        CK_OK(chunk_decode_histograms(view, INT64_MIN, INT64_MAX, a, &histograms));
    for (size_t i = 0; i < floats.n; i++, ++*at) {
        ck_assert_int_eq(floats.t_ms[i], c->samples[*at].t_ms);
        ck_assert_uint_eq(floats.bits[i], c->samples[*at].bits);
    }
    for (size_t i = 0; i < histograms.n; i++, ++*at) {
        ck_assert_int_eq(histograms.t_ms[i], c->samples[*at].t_ms);
        ck_assert(kit_counts_same(&histograms.values[i], c->histograms[*at]));
    }
}

START_TEST(test_pieces)
{
    const struct piece_case *row = &piece_cases[_i];
    AUTO(arena_fini) struct arena a;
    AUTO(buf_fini) struct buf got = BUF_INIT;
    arena_init(&a, 0);
    struct ooo_chunk c = {0};
    size_t n = insert_words(&c, row->samples, &a), at = 0;
    struct chunk_view view;
    AUTO(ooo_encoder_fini) struct ooo_encoder e = ooo_encoder_of(&c);
    while (ooo_encoder_next(&e, &view)) {
        buf_printf(&got, "%s%d:%jd-%jd:%d", got.n ? " " : "", (int)view.encoding,
                   (intmax_t)view.mint_ms, (intmax_t)view.maxt_ms,
                   (int)chunk_histogram_flag(&view));
        check_piece(&c, &view, &a, &at);
    }
    ck_assert_msg(strcmp(buf_cstr(&got), row->want) == 0, "%s: pieces %s", row->name,
                  buf_cstr(&got));
    ROW_ASSERT(row->name, at == n);
    ooo_chunk_clear(&c);
}
END_TEST

/* Ended before its last piece was told. */
START_TEST(test_pieces_given_up)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct ooo_chunk c = {0};
    insert_words(&c, "i5 i2 i1 7", &a);
    struct chunk_view view;
    AUTO(ooo_encoder_fini) struct ooo_encoder e = ooo_encoder_of(&c);
    ck_assert(ooo_encoder_next(&e, &view));
    ooo_chunk_clear(&c); /* the piece is the encoder's own */
    CK_OK(chunk_check(view.encoding, view.data, &(int64_t){0}, &(int64_t){0}));
}
END_TEST

/* The first of a time stays, and owns its lists. */
START_TEST(test_mixed)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct ooo_chunk c = {0};
    struct histogram h = kit_parse("i s=1 n=3 sum=1 p=0:1,2 m=4:0", &a);
    ck_assert_int_eq(insert(&c, 3, 10, 1), OOO_STORED);
    ck_assert_int_eq(ooo_chunk_insert_histogram(&c, 3, 10, &h), OOO_DUPLICATE);
    ck_assert(c.histograms == NULL); /* floats alone have no list of them */
    ck_assert_int_eq(ooo_chunk_insert_histogram(&c, 3, 5, &h), OOO_STORED);
    ck_assert_int_eq(insert(&c, 3, 5, 1), OOO_DUPLICATE);
    ck_assert_int_eq(insert(&c, 3, 7, 1), OOO_STORED);
    ck_assert_int_eq(ooo_chunk_insert_histogram(&c, 3, 8, &h), OOO_FULL);
    struct histogram copy = histogram_copy(&h, &a);
    memset((void *)h.positive.v, 0, 2 * sizeof *h.positive.v);
    memset((void *)h.positive_spans.v, 0, sizeof *h.positive_spans.v);
    ck_assert(c.histograms[0] && !c.histograms[1] && !c.histograms[2]);
    ck_assert(histogram_equal(c.histograms[0], &copy));
    ooo_chunk_clear(&c);
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
    tcase_add_loop_test(t, test_pieces, 0, ARRAY_LEN(piece_cases));
    tcase_add_test(t, test_pieces_given_up);
    tcase_add_test(t, test_mixed);
    suite_add_tcase(s, t);
    return s;
}
