/* The greatest of many amounts, against sorting all of them. */
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/rand.h"
#include "tsdb/model/ranks.h"

static const struct ranks_case {
    const char *name;
    size_t limit;
    const char *want;
} ranks_cases[] = {
    {"none", 0, ""},
    {"one", 1, "d=18446744073709551615 "},
    {"equal amounts by name", 4, "d=18446744073709551615 b=7 a=1 a=b=1 "},
    {"as many as there are", 6, "d=18446744073709551615 b=7 a=1 a=b=1 c=1 z=0 "},
    {"more than there are", 1000, "d=18446744073709551615 b=7 a=1 a=b=1 c=1 z=0 "},
};

START_TEST(test_limits)
{
    const struct ranks_case *c = &ranks_cases[_i];
    AUTO(arena_fini) struct arena a;
    AUTO(buf_fini) struct buf text = BUF_INIT;
    AUTO(ranks_fini) struct ranks ranks = RANKS_INIT(c->limit);
    arena_init(&a, 0);
    ranks_add(&ranks, (struct rank){STR("c"), STR(""), 1});
    ranks_add(&ranks, (struct rank){STR("z"), STR(""), 0});
    ranks_add(&ranks, (struct rank){STR("b"), STR(""), 7});
    ranks_add(&ranks, (struct rank){STR("a"), STR("b"), 1});
    ranks_add(&ranks, (struct rank){STR("a"), STR(""), 1});
    ranks_add(&ranks, (struct rank){STR("d"), STR(""), UINT64_MAX});
    struct rank_list list = ranks_copy(&ranks, &a);
    for (size_t i = 0; i < list.n; i++)
        buf_printf(&text, "%.*s=%ju ", STR_FMT(list.v[i].name), (uintmax_t)list.v[i].amount);
    ck_assert_msg(strcmp(buf_cstr(&text), c->want) == 0, "%s: %s", c->name, buf_cstr(&text));
}
END_TEST

struct item {
    char name[16];
    uint64_t amount;
};

static int
compare_items(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    if (x->amount != y->amount)
        return x->amount > y->amount ? -1 : 1;
    return strcmp(x->name, y->name);
}

START_TEST(test_random)
{
    enum { ITEMS = 300, ROUNDS = 200 };
    struct rand_gen g = rand_gen_of(1);
    static struct item items[ITEMS];
    for (int round = 0; round < ROUNDS; round++) {
        size_t n = (size_t)rand_below(&g, ITEMS), limit = (size_t)rand_below(&g, 40);
        uint64_t amounts = 1 + rand_below(&g, 200); /* few: many are equal */
        AUTO(ranks_fini) struct ranks ranks = RANKS_INIT(limit);
        for (size_t i = 0; i < n; i++) {
            items[i].amount = rand_below(&g, amounts);
            snprintf(items[i].name, sizeof items[i].name, "%ju",
                     (uintmax_t)(rand_below(&g, 1000) * ITEMS + i));
            ranks_add(&ranks,
                      (struct rank){.name = str_of_cstr(items[i].name), .amount = items[i].amount});
            ck_assert_uint_le(ranks.kept.n, limit);
        }
        ranks_sort(&ranks); /* names point into items: before those are sorted */
        AUTO(arena_fini) struct arena a;
        arena_init(&a, 0);
        struct rank_list list = ranks_copy(&ranks, &a);
        qsort(items, n, sizeof *items, compare_items);
        ck_assert_uint_eq(list.n, n < limit ? n : limit);
        for (size_t i = 0; i < list.n; i++)
            ck_assert(str_eq(list.v[i].name, str_of_cstr(items[i].name)) &&
                      list.v[i].amount == items[i].amount);
    }
}
END_TEST

Suite *
ranks_suite(void)
{
    Suite *s = suite_create("ranks");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, test_limits, 0, sizeof ranks_cases / sizeof *ranks_cases);
    tcase_add_test(t, test_random);
    suite_add_tcase(s, t);
    return s;
}
