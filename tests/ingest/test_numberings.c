/* What other receivers number: learned with labels, found without, forgotten within bounds. */
#include "tests/harness.h"

#include "base/mem.h"
#include "ingest/numberings.h"
#include "proto/writeable_rows.h"

enum { SEED = 5 };

struct talk {
    struct arena arena;
    struct clock_manual clock;
    struct numberings *numberings;
};

static void
talk_begin(struct talk *t, size_t numbers_max)
{
    *t = (struct talk){.numberings = NULL};
    clock_manual_init(&t->clock, 1000);
    t->numberings = numberings_open(&(struct numberings_opts){
        .clock = &t->clock.clock, .hash_seed = SEED, .numbers_max = numbers_max});
}

static void
talk_end(struct talk *t)
{
    numberings_close(t->numberings);
    arena_fini(&t->arena);
}

/* A key that no series has, but which is one for a hash. */
static struct str
key_of(struct talk *t, uint32_t number)
{
    return arena_printf(&t->arena, "key %u", number);
}

/* A message of one row, with labels or without. Whether its series is known, and by the right key.
 */
static bool
say(struct talk *t, uint64_t numbering, uint32_t number, bool with_labels)
{
    struct str untold = str_of(append_labels_untold, 0), key = key_of(t, number);
    struct append_row row = {.label_key = with_labels ? key : untold, .sample_count = 1};
    struct writeable_tuple tuple = {.numbering = numbering, .row_count = 1};
    struct writeable_message m = {.all = {.rows = &row, .row_count = 1},
                                  .tuples = &tuple,
                                  .tuple_count = 1,
                                  .row_numbers = &number,
                                  .has_untold = !with_labels};
    const struct hash128 *keys;
    CK_OK(numberings_keys(t->numberings, &t->arena, &m, &keys));
    if (!keys)
        return false;
    struct hash128 want = hash128_seeded(key, SEED);
    ck_assert(keys[0].lo == want.lo && keys[0].hi == want.hi);
    return true;
}

START_TEST(test_learned)
{
    struct talk t;
    talk_begin(&t, 0);
    ck_assert(!say(&t, 7, 100000, false));
    ck_assert(say(&t, 7, 100000, true));
    ck_assert(say(&t, 7, 100000, false));
    ck_assert(!say(&t, 7, 100001, false)); /* in the same block */
    ck_assert(!say(&t, 7, 9, false));      /* in one that is not there */
    ck_assert(!say(&t, 8, 100000, false)); /* another's */
    ck_assert(!say(&t, 0, 100000, false)); /* nobody's */
    ck_assert(say(&t, 0, 100000, true));
    ck_assert(say(&t, 7, WRITEABLE_NO_NUMBER, true)); /* labels are enough */
    ck_assert(!say(&t, 7, WRITEABLE_NO_NUMBER, false));
    ck_assert(say(&t, 7, NUMBERING_NUMBERS_MAX, true));
    ck_assert(!say(&t, 7, NUMBERING_NUMBERS_MAX, false));
    ck_assert(say(&t, 7, 100000, false));
    talk_end(&t);
}
END_TEST

/* Nobody speaks of it for an hour; then the next one to come takes it away. */
START_TEST(test_idle)
{
    struct talk t;
    talk_begin(&t, 0);
    ck_assert(say(&t, 7, 1, true) && say(&t, 8, 1, true));
    clock_manual_advance_ms(&t.clock, NUMBERINGS_IDLE_MS - 1);
    ck_assert(say(&t, 8, 1, false));
    clock_manual_advance_ms(&t.clock, 2);
    ck_assert(say(&t, 8, 1, false));
    ck_assert(!say(&t, 7, 1, false));
    talk_end(&t);
}
END_TEST

/* Room for three blocks: the numbering that was used least lately goes. */
START_TEST(test_bound)
{
    struct talk t;
    talk_begin(&t, 3 * 4096);
    for (uint64_t numbering = 1; numbering <= 4; numbering++)
        ck_assert(say(&t, numbering, 1, true));
    ck_assert(say(&t, 1, 1, false) == false || say(&t, 2, 1, false) == false);
    ck_assert(say(&t, 4, 1, false));
    talk_end(&t);
}
END_TEST

Suite *
numberings_suite(void)
{
    Suite *s = suite_create("numberings");
    TCase *t = tcase_create("numberings");
    tcase_add_test(t, test_learned);
    tcase_add_test(t, test_idle);
    tcase_add_test(t, test_bound);
    suite_add_tcase(s, t);
    return s;
}
