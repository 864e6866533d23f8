/* Seeds and sizes of shards are Thanos'; a shard has as many nodes of each zone as it should. */
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "replication/shuffle.h"
#include "tests/replication/golden.h"

START_TEST(test_golden_seed)
{
    json_t *root = golden_load("shuffle_seed.json", GOLDEN_OWN);
    size_t at, seeds = 0;
    const json_t *c;
    json_array_foreach(json_object_get(root, "cases"), at, c)
    {
        if (!json_object_get(c, "tenant"))
            continue;
        int64_t want = strtoll(golden_text(c, "seed").p, NULL, 10);
        ck_assert(shuffle_seed(golden_text(c, "tenant"), golden_text(c, "zone")) == want);
        seeds++;
    }
    ck_assert(seeds > 10);
    json_decref(root);
}
END_TEST

START_TEST(test_golden_per_zone)
{
    json_t *root = golden_load("shuffle_per_zone.json", GOLDEN_OWN);
    size_t at;
    const json_t *c;
    json_array_foreach(json_object_get(root, "cases"), at, c)
    {
        json_int_t size = json_integer_value(json_object_get(c, "shard_size"));
        size_t zones = (size_t)json_integer_value(json_object_get(c, "zones"));
        ck_assert(shuffle_per_zone(size, zones) ==
                  (uint64_t)json_integer_value(json_object_get(c, "per_zone")));
    }
    ck_assert(at > 10);
    ck_assert(shuffle_per_zone(-5, 2) == 0);
    ck_assert(shuffle_per_zone(INT64_MAX, 1) == INT64_MAX);
    json_decref(root);
}
END_TEST

enum { ENDPOINTS = 12, ZONES = 3 };

/* Endpoint i is in zone i % 3, but for those from `odd` on, which are in the first. */
static struct shuffle *
make(size_t odd, bool zone_awareness_disabled)
{
    static const struct str names[ZONES] = {STR_INIT("a"), STR_INIT("b"), STR_INIT("c")};
    static char texts[ENDPOINTS][8];
    struct str addresses[ENDPOINTS];
    uint16_t zones[ENDPOINTS], nodes[ENDPOINTS];
    for (size_t i = 0; i < ENDPOINTS; i++) {
        snprintf(texts[i], sizeof texts[i], "n%zu", i);
        addresses[i] = str_of_cstr(texts[i]);
        zones[i] = (uint16_t)(i >= odd ? 0 : i % ZONES);
        nodes[i] = (uint16_t)i;
    }
    AUTO(mem_free) struct ketama_section *sections = ketama_sections_new(addresses, ENDPOINTS);
    return shuffle_new(&(struct shuffle_opts){.sections = sections,
                                              .section_count = ENDPOINTS * KETAMA_SECTIONS,
                                              .zones = zones,
                                              .nodes = nodes,
                                              .endpoint_count = ENDPOINTS,
                                              .zone_names = names,
                                              .zone_count = ZONES,
                                              .zone_awareness_disabled = zone_awareness_disabled});
}

static const struct size_case {
    const char *name;
    size_t odd;
    bool zone_awareness_disabled;
    int64_t shard_size;
    size_t want[ZONES]; /* of each zone; all 0: refused */
    size_t want_all;
} size_cases[] = {
    {"one a zone", ENDPOINTS, false, 3, {1, 1, 1}, 3},
    {"rounded up", ENDPOINTS, false, 4, {2, 2, 2}, 6},
    {"all", ENDPOINTS, false, 12, {4, 4, 4}, 12},
    {"none", ENDPOINTS, false, 0, {0, 0, 0}, 0},
    {"below none", ENDPOINTS, false, -7, {0, 0, 0}, 0},
    {"a small zone is full", 6, false, 6, {2, 2, 2}, 6},
    {"a small zone is too small", 6, false, 7, {0, 0, 0}, SIZE_MAX},
    {"no zones", 6, true, 7, {0, 0, 0}, 7},
    {"no zones, too many", 6, true, 13, {0, 0, 0}, SIZE_MAX},
};

START_TEST(test_sizes)
{
    const struct size_case *c = &size_cases[_i];
    AUTO(shuffle_free) struct shuffle *s = make(c->odd, c->zone_awareness_disabled);
    for (int tenant = 0; tenant < 50; tenant++) {
        char name[16];
        snprintf(name, sizeof name, "tenant-%d", tenant);
        bool chosen[ENDPOINTS] = {false};
        struct err e = shuffle_choose(s, str_of_cstr(name), c->shard_size, chosen);
        size_t got[ZONES] = {0}, all = 0;
        for (size_t i = 0; i < ENDPOINTS; i++) {
            got[i >= c->odd ? 0 : i % ZONES] += chosen[i];
            all += chosen[i];
        }
        if (c->want_all == SIZE_MAX) {
            ROW_ASSERT(c->name, e.code == ERR_INVALID && all == 0);
            err_drop(e);
            continue;
        }
        CK_OK(e);
        ROW_ASSERT(c->name, all == c->want_all);
        for (size_t z = 0; z < ZONES && !c->zone_awareness_disabled; z++)
            ROW_ASSERT(c->name, got[z] == c->want[z]);
    }
}
END_TEST

Suite *
shuffle_suite(void)
{
    Suite *s = suite_create("shuffle");
    TCase *t = tcase_create("shuffle");
    tcase_add_test(t, test_golden_seed);
    tcase_add_test(t, test_golden_per_zone);
    tcase_add_loop_test(t, test_sizes, 0, ARRAY_LEN(size_cases));
    suite_add_tcase(s, t);
    return s;
}
