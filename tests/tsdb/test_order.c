/* Sorting by ranks gives the order of labels_cmp(), whatever the texts and their number. */
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rand.h"
#include "base/vec.h"
#include "tsdb/head/order.h"

enum { LABELS_MAX = 8 };

/* Pairs made so far, by number, and the numbers of each set. */
struct world {
    struct rand_gen gen;
    struct arena texts;
    VEC(struct label) pairs;
    VEC(struct order_item) items;
    VEC(struct labels) sets; /* by payload */
};

static struct label
pair_label(const void *arg, uint32_t pair)
{
    return ((const struct world *)arg)->pairs.v[pair];
}

static struct order_source
source_of(const struct world *w)
{
    return (struct order_source){w, pair_label};
}

static void
world_init(struct world *w, uint64_t seed)
{
    *w = (struct world){.gen = rand_gen_of(seed)};
    arena_init(&w->texts, 0);
}

static void
world_fini(struct world *w)
{
    vec_fini(&w->pairs);
    vec_fini(&w->items);
    vec_fini(&w->sets);
    arena_fini(&w->texts);
}

/* The number of a pair, made when it is new. Linear: worlds are small. */
static uint32_t
intern(struct world *w, struct label l)
{
    for (uint32_t i = 0; i < w->pairs.n; i++) {
        if (str_eq(w->pairs.v[i].name, l.name) && str_eq(w->pairs.v[i].value, l.value))
            return i;
    }
    vec_push(&w->pairs,
             ((struct label){arena_str(&w->texts, l.name), arena_str(&w->texts, l.value)}));
    return (uint32_t)w->pairs.n - 1;
}

static void
add_set(struct world *w, const struct label *v, size_t n)
{
    struct labels set = labels_copy(&w->texts, (struct labels){v, n});
    uint32_t *pairs = arena_alloc(&w->texts, (n + 1) * sizeof *pairs);
    pairs[0] = (uint32_t)n;
    for (size_t i = 0; i < n; i++)
        pairs[i + 1] = intern(w, v[i]);
    vec_push(&w->items, ((struct order_item){
                            .key = 1, .of = pairs, .left = 99, .payload = (uint32_t)w->sets.n}));
    vec_push(&w->sets, set);
}

static int
compare_sets(const void *a, const void *b)
{
    return labels_cmp(*(const struct labels *)a, *(const struct labels *)b);
}

/* Sorts both ways; every payload must be there once. */
static void
check_order(struct world *w, const char *name)
{
    size_t n = w->items.n;
    order_by_labels(w->items.v, n, source_of(w));
    AUTO(mem_free) struct labels *want = mem_alloc((n + 1) * sizeof *want);
    AUTO(mem_free) uint8_t *seen = mem_alloc_zero(n + 1);
    for (size_t i = 0; i < n; i++)
        want[i] = w->sets.v[i];
    if (n > 0)
        qsort(want, n, sizeof *want, compare_sets);
    for (size_t i = 0; i < n; i++) {
        uint32_t payload = w->items.v[i].payload;
        ROW_ASSERT(name, payload < n && !seen[payload]++);
        ROW_ASSERT(name, labels_eq(w->sets.v[payload], want[i]));
    }
}

/* How the texts of a row are made: what a key holds ends within, at or behind the common part. */
static const struct random_case {
    const char *name;
    size_t sets;
    const char *prefix; /* of every text */
    unsigned alphabet;  /* bytes from 0 on behind it */
    unsigned bytes_max; /* of those */
    unsigned names;     /* label names to choose from */
} random_cases[] = {
    {"none", 0, "", 2, 3, 3},
    {"one", 1, "", 2, 3, 3},
    {"few: compared directly", 64, "", 2, 3, 3},
    {"one more: ranked", 65, "", 2, 3, 3},
    {"zero bytes in texts", 600, "", 2, 4, 4},
    {"zero bytes around the end of a key", 600, "123456", 2, 3, 3},
    {"all bytes", 600, "x", 256, 2, 6},
    {"two keys", 600, "12345678901", 4, 5, 5},
    {"one pair only", 100, "", 1, 0, 1},
    {"long texts", 300, "0123456789012345678901234567890123456789", 3, 20, 3},
};

static struct str
random_text(struct world *w, const struct random_case *c)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    buf_append(&text, str_of_cstr(c->prefix));
    for (uint64_t n = rand_below(&w->gen, c->bytes_max + 1u); n > 0; n--)
        buf_put_u8(&text, (uint8_t)rand_below(&w->gen, c->alphabet));
    return arena_str(&w->texts, buf_str(&text));
}

static void
add_random_set(struct world *w, const struct random_case *c, const struct str *names)
{
    struct label v[LABELS_MAX];
    size_t n = 0;
    for (unsigned i = 0; i < c->names; i++) { /* names ascend */
        if (rand_below(&w->gen, 4) != 0)
            v[n++] = (struct label){names[i], random_text(w, c)};
    }
    add_set(w, v, n);
}

START_TEST(test_random)
{
    const struct random_case *c = &random_cases[_i];
    struct world w;
    world_init(&w, 1000 + (uint64_t)_i);
    struct str names[LABELS_MAX] = {{NULL, 0}};
    size_t n = 0;
    for (int tries = 0; n < c->names && tries < 100; tries++) {
        struct str name = random_text(&w, c);
        bool known = false;
        for (size_t i = 0; i < n; i++)
            known |= str_eq(names[i], name);
        if (!known)
            names[n++] = name;
    }
    str_sort(names, n);
    struct random_case row = *c;
    row.names = (unsigned)n;
    for (size_t i = 0; i < c->sets; i++)
        add_random_set(&w, &row, names);
    check_order(&w, c->name);
    world_fini(&w);
}
END_TEST

/* Sets that are prefixes of each other, up to the largest allowed, and with two labels a key. */
START_TEST(test_prefixes)
{
    struct world w;
    world_init(&w, 7);
    struct label v[LABELS_COUNT_MAX];
    char text[LABELS_COUNT_MAX][8];
    for (size_t i = 0; i < LABELS_COUNT_MAX; i++) {
        (void)snprintf(text[i], sizeof text[i], "l%05zu", i);
        v[i] = (struct label){str_of_cstr(text[i]), STR("")};
    }
    for (size_t n = LABELS_COUNT_MAX + 1; n-- > 0;)
        add_set(&w, v, n);
    for (size_t n = 1; n < LABELS_COUNT_MAX; n += 3) {
        struct label last = v[n - 1];
        v[n - 1].value = STR("x");
        add_set(&w, v, n);
        v[n - 1] = last;
    }
    check_order(&w, "prefixes");
    world_fini(&w);
}
END_TEST

/* A common part beyond the keys of texts is compared as a whole. */
START_TEST(test_long_common_prefix)
{
    enum { COMMON = 5000, SETS = 200 };
    struct world w;
    world_init(&w, 8);
    static char text[COMMON + 8];
    memset(text, 'a', sizeof text);
    for (unsigned i = 0; i < SETS; i++) {
        unsigned x = i * 7919 % SETS; /* another order */
        (void)snprintf(text + COMMON, 8, "%05u", x);
        struct str value = str_of(text, COMMON + (x % 2 ? 5 : 3));
        struct label v[] = {{STR("a"), value}, {STR("b"), x % 3 ? STR("1") : STR("2")}};
        add_set(&w, v, ARRAY_LEN(v));
    }
    check_order(&w, "common prefix");
    world_fini(&w);
}
END_TEST

/* Pair numbers far apart: only the pages with pairs are used. */
static struct label
sparse_label(const void *arg, uint32_t pair)
{
    (void)arg;
    static const struct str values[] = {STR_INIT("c"), STR_INIT("a"), STR_INIT("b")};
    return (struct label){STR("n"), values[pair / 1000000000]};
}

START_TEST(test_sparse_numbers)
{
    static const uint32_t sets[3][2] = {{1, 7}, {1, 1000000009}, {1, 2000000001}};
    struct order_item items[300];
    for (uint32_t i = 0; i < ARRAY_LEN(items); i++)
        items[i] = (struct order_item){.of = sets[i % 3], .payload = i % 3};
    order_by_labels(items, ARRAY_LEN(items), (struct order_source){NULL, sparse_label});
    for (size_t i = 0; i < ARRAY_LEN(items); i++)
        ck_assert_uint_eq(items[i].payload, (i / 100 + 1) % 3);
}
END_TEST

Suite *
order_suite(void)
{
    Suite *s = suite_create("order");
    TCase *t = tcase_create("order");
    tcase_add_loop_test(t, test_random, 0, ARRAY_LEN(random_cases));
    tcase_add_test(t, test_prefixes);
    tcase_add_test(t, test_long_common_prefix);
    tcase_add_test(t, test_sparse_numbers);
    suite_add_tcase(s, t);
    return s;
}
