/* Series by number: samples there and back, numbers beside series, and bytes that are neither. */
#include "tests/harness.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/rand.h"
#include "proto/writeable.h"
#include "proto/writeable_rows.h"

enum { SAMPLES_MAX = 300 };

static uint64_t
random_bits(struct rand_gen *g)
{
    static const double special[] = {
        0.0,  -0.0, 1.0, -1.0, 0.5, 2251799813685247.0, 2251799813685248.0, -2251799813685247.0,
        1e300};
    switch (rand_below(g, 4)) {
    case 0:
        return bits_of_f64(special[rand_below(g, ARRAY_LEN(special))]);
    case 1:
        return rand_u64(g); /* NaN of any kind among them */
    default:
        return bits_of_f64((double)rand_below(g, 1000000) - 1000);
    }
}

static size_t
random_samples(struct rand_gen *g, struct numbered_sample *samples)
{
    size_t n = rand_below(g, SAMPLES_MAX);
    for (size_t i = 0; i < n; i++) {
        bool wild = rand_below(g, 10) == 0;
        samples[i].number = wild ? (uint32_t)rand_u64(g) : (uint32_t)i;
        samples[i].sample.t_ms = wild ? (int64_t)rand_u64(g) : 1700000000000 + (int64_t)i % 3;
        samples[i].sample.bits = random_bits(g);
    }
    return n;
}

START_TEST(test_samples)
{
    struct rand_gen g = rand_gen_of((uint64_t)_i);
    struct numbered_sample samples[SAMPLES_MAX], got[SAMPLES_MAX];
    static char bytes[NUMBERED_COUNT_BYTES_MAX + SAMPLES_MAX * NUMBERED_SAMPLE_BYTES_MAX];
    size_t n = random_samples(&g, samples), count = SAMPLES_MAX + 1;
    struct str all = str_of(bytes, (size_t)(numbered_samples_store(bytes, samples, n) - bytes));
    CK_OK(numbered_samples_count(all, &count));
    ck_assert_uint_eq(count, n);
    CK_OK(numbered_samples_load(all, got, n));
    for (size_t i = 0; i < n; i++)
        ck_assert(got[i].number == samples[i].number &&
                  got[i].sample.t_ms == samples[i].sample.t_ms &&
                  got[i].sample.bits == samples[i].sample.bits);
    for (size_t cut = 0; cut < all.n; cut += 1 + cut / 7) { /* cut short anywhere */
        struct err e = numbered_samples_count(str_of(bytes, cut), &count);
        if (e.code == ERR_NONE)
            e = numbered_samples_load(str_of(bytes, cut), got, count);
        ck_assert_int_eq(e.code, ERR_INVALID);
        err_drop(e);
    }
}
END_TEST

/* --- in a message ----------------------------------------------------------------------------- */

static void
put_series(struct buf *content, char pod)
{
    char key[] = {0x0a, 0x06, 0x0a, 0x01, 'p', 0x12, 0x01, pod};
    struct sample sample = {1000, bits_of_f64(pod)};
    struct append_row row = {.label_key = str_of(key, sizeof key), .sample_count = 1};
    struct append_request r = {.rows = &row, .row_count = 1, .samples = &sample, .sample_count = 1};
    AUTO(buf_fini) struct buf tuple = BUF_INIT;
    writeable_encode_tuple(&tuple, STR(""), &r);
    buf_append(content, str_skip(buf_str(&tuple), 2)); /* behind tag and length of the tuple */
}

static void
put_numbers(struct buf *content, const uint32_t *numbers, size_t n)
{
    size_t bytes = writeable_numbers_bytes(n);
    buf_reserve(content, bytes);
    char *end = writeable_store_numbers(content->p + content->n, 77, numbers, n);
    ck_assert_ptr_eq(end, content->p + content->n + bytes);
    content->n += bytes;
}

/* Two with labels and numbers, one by number; then a tuple without any. */
START_TEST(test_message)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf content = BUF_INIT, message = BUF_INIT;
    static const struct numbered_sample untold = {9, {2000, 5}};
    put_series(&content, 'a');
    put_series(&content, 'b');
    put_numbers(&content, (uint32_t[]){4, WRITEABLE_NO_NUMBER}, 2);
    writeable_encode_numbered(&content, 77, &untold, 1);
    writeable_encode_content(&message, buf_str(&content), STR("t"));
    buf_clear(&content);
    put_series(&content, 'c');
    writeable_encode_content(&message, buf_str(&content), STR("u"));

    struct writeable_message m;
    CK_OK(writeable_decode(&a, buf_str(&message), &m));
    ck_assert(m.has_untold && m.tuple_count == 2 && m.all.row_count == 4);
    ck_assert(m.tuples[0].numbering == 77 && m.tuples[1].numbering == 0);
    ck_assert(str_eq(m.tuples[0].tenant, STR("t")) && str_eq(m.tuples[1].tenant, STR("u")));
    static const uint32_t numbers[] = {4, WRITEABLE_NO_NUMBER, 9, WRITEABLE_NO_NUMBER};
    for (size_t i = 0; i < 4; i++) {
        ck_assert_uint_eq(m.row_numbers[i], numbers[i]);
        ck_assert_int_eq(append_row_has_labels(&m.all.rows[i]), i != 2);
    }
    const struct sample *s = &m.all.samples[m.all.rows[2].first_sample];
    ck_assert(m.all.rows[2].sample_count == 1 && s->t_ms == 2000 && s->bits == 5);
}
END_TEST

START_TEST(test_other_counts)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf content = BUF_INIT, message = BUF_INIT;
    struct writeable_message m;
    put_series(&content, 'a');
    put_series(&content, 'b');
    put_numbers(&content, (uint32_t[]){1, 2, 3}, _i ? 3 : 1); /* fewer, more than series */
    writeable_encode_content(&message, buf_str(&content), STR("t"));
    CK_ERR(ERR_INVALID, writeable_decode(&a, buf_str(&message), &m));
}
END_TEST

Suite *
writeable_rows_suite(void)
{
    Suite *s = suite_create("writeable_rows");
    TCase *t = tcase_create("writeable_rows");
    tcase_add_loop_test(t, test_samples, 0, 100);
    tcase_add_test(t, test_message);
    tcase_add_loop_test(t, test_other_counts, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
