/* The terse form of parts says what the full one says; numbers change nothing of where rows go. */
#include "tests/harness.h"

#include "base/codec.h"
#include "base/mem.h"
#include "proto/series_encode.h"
#include "proto/writeable.h"
#include "replication/peer_wire.h"
#include "tests/replication/place_kit.h"

enum { SEED = 11 };

static bool
is_terse(const struct append_row *row)
{
    return row->sample_count == 1 && row->histogram_count == 0 && row->exemplar_count == 0;
}

/* Rows of one tuple in both forms: by number those that can be, in order, and the others in full.
 */
static void
check_tuple(const struct writeable_message *full, const struct writeable_message *terse, size_t i)
{
    const struct writeable_tuple *f = &full->tuples[i], *t = &terse->tuples[i];
    struct append_request from = write_message_request(&full->all);
    struct append_request to = write_message_request(&terse->all);
    size_t told = t->first_row, untold = t->first_row;
    ck_assert(str_eq(f->tenant, t->tenant) && f->row_count == t->row_count);
    ck_assert(f->numbering == t->numbering && f->numbering != 0);
    for (size_t k = 0; k < t->row_count; k++)
        untold += append_row_has_labels(&to.rows[t->first_row + k]);
    for (size_t k = f->first_row; k < f->first_row + f->row_count; k++) {
        const struct append_row *row = &from.rows[k];
        ck_assert_uint_ne(full->row_numbers[k], WRITEABLE_NO_NUMBER);
        if (!is_terse(row)) {
            AUTO(buf_fini) struct buf x = BUF_INIT, y = BUF_INIT;
            series_encode(&x, &from, row);
            series_encode(&y, &to, &to.rows[told++]);
            ck_assert(str_eq(buf_str(&x), buf_str(&y)));
            continue;
        }
        const struct sample *want = &from.samples[row->first_sample];
        const struct sample *got = &to.samples[to.rows[untold].first_sample];
        ck_assert_uint_eq(terse->row_numbers[untold], full->row_numbers[k]);
        ck_assert(to.rows[untold].sample_count == 1 && got->t_ms == want->t_ms);
        ck_assert_uint_eq(got->bits, want->bits);
        untold++;
    }
    ck_assert_uint_eq(untold, t->first_row + t->row_count);
}

static void
check_part(struct arena *a, const struct peer_rows *rows)
{
    AUTO(buf_fini) struct buf plain = BUF_INIT;
    struct writeable_message full, terse;
    size_t numbers = 0;
    CK_OK(zstd_decode(shared_bytes(rows->terse), rows->terse_plain_bytes, &plain));
    ck_assert_uint_eq(plain.n, rows->terse_plain_bytes);
    CK_OK(writeable_decode(a, shared_bytes(rows->tuples), &full));
    CK_OK(writeable_decode(a, buf_str(&plain), &terse));
    ck_assert(full.tuple_count == terse.tuple_count && full.tuple_count == rows->tuple_count);
    for (size_t i = 0; i < full.tuple_count; i++) {
        ck_assert_uint_eq(full.tuples[i].numbering, rows->numbering);
        check_tuple(&full, &terse, i);
    }
    for (size_t i = 0; i < full.all.row_count; i++)
        ck_assert_uint_eq(full.row_numbers[i], rows->numbers[numbers++]);
    ck_assert_uint_eq(numbers, rows->number_count);
}

/* With numbers as without: the same parts for the same nodes; the keys are those of the rows. */
START_TEST(test_terse)
{
    struct rand_gen g = rand_gen_of((uint64_t)_i);
    struct place_case c = {.algorithm = RING_KETAMA,
                           .copies = 1 + (unsigned)_i % 3,
                           .nodes = 3 + (size_t)_i % 5,
                           .local = _i % 2 ? 1 : RING_NODE_NONE,
                           .mneme_of = 1 + (unsigned)_i % 2};
    AUTO(ring_unref) struct ring *ring = place_kit_ring(&c);
    struct numbers_of_node *node = numbers_open(clock_system(), SEED, NUMBERS_MAX);
    AUTO(numbers_release) struct numbers *numbers = numbers_acquire(node);
    struct peer_packers packers;
    peer_packers_init(&packers);
    for (int round = 0; round < 5; round++) { /* more and more series are known */
        AUTO(arena_fini) struct arena a = {0};
        AUTO(placed_fini) struct placed with = {0}, without = {0};
        struct rewritten w = place_kit_write(&g, &a);
        struct place_opts opts = place_kit_opts(&c, &a, ring);
        CK_OK(place_rows(&a, &opts, &w, &without));
        opts = place_kit_opts(&c, &a, ring);
        opts.numbers = numbers;
        opts.secret = numbers_secret(node);
        opts.packers = &packers;
        CK_OK(place_rows(&a, &opts, &w, &with));
        ck_assert_uint_eq(with.part_count, without.part_count);
        for (size_t i = 0; i < with.part_count; i++) {
            ck_assert(with.parts[i].node == without.parts[i].node &&
                      with.parts[i].row_count == without.parts[i].row_count);
            check_part(&a, with.parts[i].rows);
        }
        for (size_t b = 0; b < with.local.count; b++) {
            const struct append_request *r = &with.local.batches[b].batch.request;
            for (size_t i = 0; i < r->row_count; i++) {
                struct hash128 key = hash128_seeded(r->rows[i].label_key, SEED);
                ck_assert(r->row_keys[i].lo == key.lo && r->row_keys[i].hi == key.hi);
            }
        }
    }
    peer_packers_fini(&packers);
    numbers_close(node);
}
END_TEST

/* --- written when somebody asks --------------------------------------------------------------- */

static void
hold(void *arg)
{
    ++*(int *)arg;
}

static void
let_go(void *arg)
{
    --*(int *)arg;
}

/* The same bytes as when they are written at once; what they come from is held until then, or until
 * nobody can ask any more. */
START_TEST(test_later)
{
    struct rand_gen g = rand_gen_of((uint64_t)_i);
    struct place_case c = {.algorithm = RING_KETAMA,
                           .copies = 2,
                           .nodes = 5,
                           .local = RING_NODE_NONE,
                           .mneme_of = 1 + (unsigned)_i % 2};
    AUTO(ring_unref) struct ring *ring = place_kit_ring(&c);
    struct numbers_of_node *node = numbers_open(clock_system(), SEED, NUMBERS_MAX);
    AUTO(numbers_release) struct numbers *numbers = numbers_acquire(node);
    struct peer_packers packers;
    AUTO(arena_fini) struct arena a = {0};
    AUTO(placed_fini) struct placed now = {0}, later = {0};
    int held = 0;
    peer_packers_init(&packers);
    struct rewritten w = place_kit_write(&g, &a);
    struct place_opts opts = place_kit_opts(&c, &a, ring);
    opts.numbers = numbers;
    opts.secret = numbers_secret(node);
    opts.packers = &packers;
    CK_OK(place_rows(&a, &opts, &w, &now));
    opts.plan = place_kit_opts(&c, &a, ring).plan;
    opts.keeper = (struct place_keeper){hold, let_go, &held};
    CK_OK(place_rows(&a, &opts, &w, &later));
    ck_assert_uint_eq(later.part_count, now.part_count);
    ck_assert(now.part_count == 0 || held > 0);
    for (size_t i = 0; i < later.part_count; i += 2) { /* of the others nobody asks */
        struct peer_rows *x = now.parts[i].rows, *y = later.parts[i].rows;
        ck_assert_uint_eq(x->plain_bytes, y->plain_bytes);
        ck_assert(str_eq(shared_bytes(peer_rows_tuples(x)), shared_bytes(peer_rows_tuples(y))));
        ck_assert_ptr_eq(peer_rows_tuples(y), peer_rows_tuples(y));
        check_part(&a, y);
    }
    placed_fini(&later);
    later = (struct placed){.part_count = 0};
    ck_assert_int_eq(held, 0);
    peer_packers_fini(&packers);
    numbers_close(node);
}
END_TEST

Suite *
place_terse_suite(void)
{
    Suite *s = suite_create("place_terse");
    TCase *t = tcase_create("place_terse");
    tcase_add_loop_test(t, test_terse, 0, 30);
    tcase_add_loop_test(t, test_later, 0, 20);
    suite_add_tcase(s, t);
    return s;
}
