/* Set operations on postings agree with naive ones, whatever the lengths and distances. */
#include "tests/harness.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/rand.h"
#include "tsdb/index/postings.h"

/* --- naive versions ------------------------------------------------------------------------- */

enum { LISTS_MAX = 40 };

static bool
contains(struct postings p, uint32_t x)
{
    size_t low = 0, high = p.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (p.v[middle] < x)
            low = middle + 1;
        else
            high = middle;
    }
    return low < p.n && p.v[low] == x;
}

static int
by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* All numbers of all lists, sorted, each once. */
static struct postings
plain_union(struct arena *a, const struct postings *lists, size_t count)
{
    size_t n = 0, distinct = 0;
    for (size_t i = 0; i < count; i++)
        n += lists[i].n;
    uint32_t *v = arena_alloc(a, (n + 1) * sizeof *v);
    n = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < lists[i].n; j++)
            v[n++] = lists[i].v[j];
    }
    qsort(v, n, sizeof *v, by_number);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || v[i] != v[i - 1])
            v[distinct++] = v[i];
    }
    return (struct postings){v, distinct};
}

static struct postings
plain_intersect(struct arena *a, const struct postings *lists, size_t count)
{
    uint32_t *v = arena_alloc(a, (lists[0].n + 1) * sizeof *v);
    size_t n = 0;
    for (size_t j = 0; j < lists[0].n; j++) {
        bool in_all = true;
        for (size_t i = 1; i < count; i++)
            in_all &= contains(lists[i], lists[0].v[j]);
        if (in_all)
            v[n++] = lists[0].v[j];
    }
    return (struct postings){v, n};
}

static struct postings
plain_subtract(struct arena *a, struct postings all, struct postings drop)
{
    uint32_t *v = arena_alloc(a, (all.n + 1) * sizeof *v);
    size_t n = 0;
    for (size_t j = 0; j < all.n; j++) {
        if (!contains(drop, all.v[j]))
            v[n++] = all.v[j];
    }
    return (struct postings){v, n};
}

/* --- random lists --------------------------------------------------------------------------- */

/* A row is a universe: numbers are start + k * distance, with k below `places`. */
static const struct lists_case {
    const char *name;
    uint32_t start, distance, places;
} lists_cases[] = {
    {"from 0", 0, 1, 3000},
    {"far from 0", 4000000000, 1, 3000},
    {"up to the last number", UINT32_MAX - 2999, 1, 3000},
    {"spaced", 16, 100, 3000},
    {"sparse", 5, 100003, 3000},
    {"all of 32 bits", 0, 1431655, 3000},
    {"two far ends", 0, UINT32_MAX, 2},
    {"few", 7, 3, 9},
};

/* In a copy of its exact size, so that ASan sees a read outside. Free ->v. */
static struct postings
random_list(struct rand_gen *gen, const struct lists_case *c)
{
    uint64_t density = UINT64_C(1) << rand_below(gen, 12);
    uint32_t *v = mem_alloc(c->places * sizeof *v);
    size_t n = 0;
    for (uint32_t k = 0; k < c->places; k++) {
        if (rand_below(gen, density) == 0)
            v[n++] = c->start + k * c->distance;
    }
    uint32_t *exact = mem_alloc(n * sizeof *exact);
    memcpy(exact, v, n * sizeof *exact);
    mem_free(v);
    return (struct postings){exact, n};
}

static void
check_equal(struct postings got, struct postings want, const char *name, const char *what)
{
    size_t same = 0; /* one assertion a list: each costs a system call */
    while (same < want.n && same < got.n && got.v[same] == want.v[same])
        same++;
    ck_assert_msg(same == want.n && same == got.n,
                  "%s, %s: %zu numbers instead of %zu, other from index %zu on", name, what, got.n,
                  want.n, same);
}

static void
check_operations(struct arena *a, const struct postings *lists, size_t count, const char *name)
{
    struct postings copy[LISTS_MAX];
    memcpy(copy, lists, count * sizeof *copy);
    check_equal(postings_intersect(a, copy, count), plain_intersect(a, lists, count), name,
                "intersect");
    check_equal(postings_union(a, lists, count), plain_union(a, lists, count), name, "union");
    check_equal(postings_subtract(a, lists[0], lists[count - 1]),
                plain_subtract(a, lists[0], lists[count - 1]), name, "subtract");
}

START_TEST(test_random)
{
    enum { ROUNDS = 40 };
    const struct lists_case *c = &lists_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct rand_gen gen = rand_gen_of(42 + (uint64_t)_i);
    for (int round = 0; round < ROUNDS; round++) {
        arena_reset(&a);
        struct postings lists[LISTS_MAX];
        size_t count = round % 2 ? 2 : 1 + rand_below(&gen, round % 8 ? 4 : LISTS_MAX);
        for (size_t i = 0; i < count; i++)
            lists[i] = random_list(&gen, c);
        check_operations(&a, lists, count, c->name);
        for (size_t i = 0; i < count; i++)
            mem_free((void *)lists[i].v);
    }
}
END_TEST

/* Every pair of subsets of a few numbers: all ways in which blocks of four can meet and end. */
START_TEST(test_all_subsets)
{
    enum { NUMBERS = 10 };
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    uint32_t v[2][NUMBERS];
    for (unsigned pair = 0; pair < 1u << (2 * NUMBERS); pair += 61) {
        struct postings lists[2];
        for (unsigned l = 0; l < 2; l++) {
            size_t n = 0;
            for (unsigned bit = 0; bit < NUMBERS; bit++) {
                if (pair >> (l * NUMBERS + bit) & 1)
                    v[l][n++] = bit;
            }
            lists[l] = (struct postings){v[l], n};
        }
        arena_reset(&a);
        check_operations(&a, lists, 2, "subsets");
    }
}
END_TEST

/* Much longer and much shorter lists: galloping, from both sides. */
START_TEST(test_lengths)
{
    enum { LONG = 5000 };
    static const size_t shorts[] = {1, 2, 5, 100, 155, 156, 157, 158, 4999};
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct rand_gen gen = rand_gen_of(9);
    static uint32_t many[LONG], few[LONG];
    for (size_t s = 0; s < ARRAY_LEN(shorts); s++) {
        arena_reset(&a);
        for (uint32_t i = 0; i < LONG; i++)
            many[i] = 3 * i + 2;
        uint32_t x = (uint32_t)(s % 3);
        for (size_t i = 0; i < shorts[s]; i++) {
            few[i] = x;
            x += 1 + (uint32_t)rand_below(&gen, 2 * (3 * LONG / shorts[s]));
        }
        struct postings lists[2] = {{many, LONG}, {few, shorts[s]}};
        check_operations(&a, lists, 2, "long and short");
        struct postings other[2] = {lists[1], lists[0]};
        check_operations(&a, other, 2, "short and long");
    }
}
END_TEST

/* A union takes memory by the numbers there are, not by the highest of them. */
START_TEST(test_union_memory)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 1 << 16);
    const uint32_t ends[] = {0, UINT32_MAX}, middle[] = {1u << 31};
    struct postings lists[] = {{ends, 2}, {middle, 1}, {ends, 2}};
    struct postings got = postings_union(&a, lists, 3);
    check_equal(got, (struct postings){(uint32_t[]){0, 1u << 31, UINT32_MAX}, 3}, "ends", "union");
    CK_OK(arena_check(&a));
}
END_TEST

START_TEST(test_empty)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct postings all = postings_all(&a, 5), none = {NULL, 0};
    ck_assert_uint_eq(all.n, 5);
    ck_assert_uint_eq(postings_intersect(&a, (struct postings[]){all, none}, 2).n, 0);
    ck_assert_uint_eq(postings_union(&a, NULL, 0).n, 0);
    ck_assert_uint_eq(postings_union(&a, (struct postings[]){none, none}, 2).n, 0);
    ck_assert_ptr_eq(postings_union(&a, (struct postings[]){none, all, none}, 3).v, all.v);
    ck_assert_uint_eq(postings_subtract(&a, none, all).n, 0);
    ck_assert_uint_eq(postings_subtract(&a, all, none).n, 5);
    ck_assert(!postings_check((struct postings){(uint32_t[]){1, 1}, 2}));
    ck_assert(!postings_check((struct postings){(uint32_t[]){2, 1}, 2}));
}
END_TEST

Suite *
postings_suite(void)
{
    Suite *s = suite_create("postings");
    TCase *t = tcase_create("postings");
    tcase_add_loop_test(t, test_random, 0, ARRAY_LEN(lists_cases));
    tcase_add_test(t, test_all_subsets);
    tcase_add_test(t, test_lengths);
    tcase_add_test(t, test_union_memory);
    tcase_add_test(t, test_empty);
    suite_add_tcase(s, t);
    return s;
}
