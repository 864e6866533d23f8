/* The winner is the least of all, whatever the sources are at and whenever they end. */
#include "tests/harness.h"

#include "base/mem.h"
#include "base/rand.h"
#include "tsdb/compact/tournament.h"

enum { SOURCES_MAX = 17, ITEMS_MAX = 40, ENDED = 1000 };

static bool
before(const void *owner, size_t x, size_t y)
{
    const unsigned *v = owner;
    return v[x] != v[y] ? v[x] < v[y] : x < y;
}

static size_t
least_of(const unsigned *v, size_t n)
{
    size_t least = 0;
    for (size_t i = 1; i < n; i++) {
        if (before(v, i, least))
            least = i;
    }
    return least;
}

START_TEST(test_against_a_search)
{
    size_t n = (size_t)_i;
    struct rand_gen gen = rand_gen_of((uint64_t)n);
    for (int round = 0; round < 50; round++) {
        unsigned at[SOURCES_MAX];
        for (size_t i = 0; i < n; i++)
            at[i] = (unsigned)rand_below(&gen, 5) == 0 ? ENDED : (unsigned)rand_below(&gen, 9);
        struct tournament t;
        tournament_init(&t, n, before, at);
        for (size_t winner; at[winner = least_of(at, n)] != ENDED;) {
            ck_assert_uint_eq(tournament_winner(&t), winner);
            bool ends = rand_below(&gen, 8) == 0;
            at[winner] = ends ? ENDED : at[winner] + (unsigned)rand_below(&gen, 3);
            tournament_replay(&t);
        }
        ck_assert_uint_eq(tournament_winner(&t), 0); /* all have ended: the first of them */
        tournament_fini(&t);
    }
}
END_TEST

Suite *
tournament_suite(void)
{
    Suite *s = suite_create("tournament");
    TCase *t = tcase_create("core");
    tcase_add_loop_test(t, test_against_a_search, 1, SOURCES_MAX + 1);
    suite_add_tcase(s, t);
    return s;
}
