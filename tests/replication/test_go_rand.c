/* The numbers of Go's math/rand with the seeds that shuffle sharding makes of tenants and zones,
 * past the generator's whole state too. */
#include "tests/harness.h"

#include <stdlib.h>

#include "replication/go_rand.h"
#include "tests/replication/golden.h"

static void
check_draws(const json_t *c, struct go_rand *r, const char *key, bool (*wanted)(size_t))
{
    const json_t *draws = json_object_get(c, key);
    size_t n = json_array_size(draws), at = 0;
    for (size_t draw = 0; at < n; draw++) {
        uint64_t got = go_rand_u64(r);
        if (wanted(draw)) {
            uint64_t want = strtoull(json_string_value(json_array_get(draws, at++)), NULL, 16);
            ck_assert_msg(got == want, "seed %s: number %zu", golden_text(c, "seed").p, draw);
        }
    }
}

static bool
every_draw(size_t draw)
{
    (void)draw;
    return true;
}

static bool
late_draw(size_t draw)
{
    return draw <= 3 || (draw >= 604 && draw <= 611) || draw == 699;
}

START_TEST(test_golden)
{
    json_t *root = golden_load("shuffle_seed.json", (enum golden)_i);
    if (!root)
        return;
    struct go_rand_table table;
    go_rand_table_init(&table);
    size_t at;
    const json_t *c;
    json_array_foreach(json_object_get(root, "cases"), at, c)
    {
        struct go_rand r;
        go_rand_seed(&r, &table, strtoll(golden_text(c, "seed").p, NULL, 10));
        check_draws(c, &r, "draws", every_draw);
        check_draws(c, &r, "draws_at_0_to_3_604_to_611_699", late_draw);
    }
    ck_assert(at > 50);
    json_decref(root);
}
END_TEST

/* Go's documentation: the first Int63() of seed 1; and seeds that are the same modulo 2^31 - 1. */
START_TEST(test_seeds)
{
    struct go_rand_table table;
    go_rand_table_init(&table);
    struct go_rand a, b;
    go_rand_seed(&a, &table, 1);
    ck_assert((go_rand_u64(&a) & INT64_MAX) == 5577006791947779410);
    go_rand_seed(&a, &table, 0);
    go_rand_seed(&b, &table, 89482311);
    ck_assert(go_rand_u64(&a) == go_rand_u64(&b));
    go_rand_seed(&a, &table, -5);
    go_rand_seed(&b, &table, INT32_MAX - 5);
    ck_assert(go_rand_u64(&a) == go_rand_u64(&b));
}
END_TEST

Suite *
go_rand_suite(void)
{
    Suite *s = suite_create("go_rand");
    TCase *t = tcase_create("go_rand");
    tcase_add_loop_test(t, test_golden, 0, GOLDEN_COUNT);
    tcase_add_test(t, test_seeds);
    suite_add_tcase(s, t);
    return s;
}
