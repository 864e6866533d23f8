/* Ketama against a model that does what the contract says, section by section: owners of hashes on,
 * before and behind each section, in rings of any zones; what can be spread and what cannot. */
#include "tests/harness.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/rand.h"
#include "replication/ketama.h"

enum { ENDPOINTS_MAX = 9, ZONES_MAX = 4, STEPS_MAX = 100000 };

struct fixture {
    size_t endpoints, zones;
    unsigned copies;
    uint16_t nodes[ENDPOINTS_MAX], zone_of[ENDPOINTS_MAX];
    uint32_t sizes[ZONES_MAX];
    struct ketama_section *sections;
    struct ketama_opts opts;
};

static void
fixture_make(struct fixture *f, struct rand_gen *g)
{
    static const struct str names[ZONES_MAX] = {STR_INIT(""), STR_INIT("b"), STR_INIT("c"),
                                                STR_INIT("d")};
    static char texts[ENDPOINTS_MAX][8];
    struct str addresses[ENDPOINTS_MAX];
    memset(f, 0, sizeof *f);
    f->endpoints = 1 + rand_below(g, ENDPOINTS_MAX);
    f->zones = 1 + rand_below(g, ZONES_MAX);
    f->copies = 1 + (unsigned)rand_below(g, ENDPOINTS_MAX);
    for (size_t i = 0; i < f->endpoints; i++) {
        snprintf(texts[i], sizeof texts[i], "n%zu", i);
        addresses[i] = str_of_cstr(texts[i]);
        f->nodes[i] = (uint16_t)(100 + i);
        /* Half of them in one zone, so that others are too small. */
        f->zone_of[i] = (uint16_t)(rand_below(g, 2) ? 0 : rand_below(g, f->zones));
        f->sizes[f->zone_of[i]]++;
    }
    f->sections = ketama_sections_new(addresses, f->endpoints);
    f->opts = (struct ketama_opts){f->sections,  f->endpoints * KETAMA_SECTIONS,
                                   f->nodes,     f->zone_of,
                                   names,        f->sizes,
                                   f->endpoints, f->zones,
                                   f->copies};
}

/* The walk as it is told; false: it goes round in circles. */
static bool
model(const struct fixture *f, size_t at, uint16_t *owners)
{
    bool taken[ENDPOINTS_MAX] = {false};
    uint32_t counts[ZONES_MAX] = {0};
    size_t zones = 0, n = f->opts.section_count;
    for (size_t z = 0; z < f->zones; z++)
        zones += f->sizes[z] > 0;
    unsigned copy = 0;
    for (size_t step = 0; copy < f->copies; step++) {
        if (step > 3 * n)
            return false;
        uint16_t e = f->sections[(at + step) % n].endpoint;
        uint32_t fewest = UINT32_MAX, count = counts[f->zone_of[e]];
        for (size_t z = 0; z < f->zones; z++)
            if (f->sizes[z] > 0 && counts[z] < fewest)
                fewest = counts[z];
        if (taken[e] || (zones > 1 && count > 0 && count > fewest))
            continue;
        taken[e] = true;
        counts[f->zone_of[e]]++;
        owners[copy++] = f->nodes[e];
    }
    return true;
}

static void
check(const struct fixture *f, const struct ketama *k, uint64_t hash)
{
    size_t at = 0;
    while (at < f->opts.section_count && f->sections[at].hash < hash)
        at++;
    uint16_t want[ENDPOINTS_MAX];
    ck_assert(model(f, at % f->opts.section_count, want));
    ck_assert_mem_eq(ketama_owners(k, hash), want, f->copies * sizeof *want);
}

START_TEST(test_model)
{
    struct rand_gen g = rand_gen_of(7);
    int refused = 0, spread = 0;
    for (int round = 0; round < 60; round++) {
        struct fixture f;
        fixture_make(&f, &g);
        AUTO(mem_free) void *sections = f.sections;
        AUTO(ketama_free) struct ketama *k = NULL;
        struct err e = ketama_new(&f.opts, &k);
        uint16_t owners[ENDPOINTS_MAX];
        if (f.endpoints < f.copies || !model(&f, 0, owners)) {
            ck_assert(e.code == ERR_INVALID);
            err_drop(e);
            refused += f.endpoints >= f.copies;
            continue;
        }
        CK_OK(e);
        spread += f.zones > 1;
        size_t last = f.opts.section_count - 1;
        check(&f, k, 0);
        check(&f, k, f.sections[last].hash);
        check(&f, k, f.sections[last].hash + 1);
        check(&f, k, UINT64_MAX);
        for (int i = 0; i < 40; i++) {
            uint64_t on = f.sections[rand_below(&g, f.opts.section_count)].hash;
            check(&f, k, on);
            check(&f, k, on - 1);
            check(&f, k, on + 1);
            check(&f, k, rand_u64(&g));
        }
    }
    ck_assert_msg(refused > 3 && spread > 10, "%d, %d", refused, spread);
}
END_TEST

/* One address twice is two endpoints, in the order in which they were given. */
START_TEST(test_equal_hashes)
{
    const struct str addresses[] = {STR("a"), STR("a")};
    AUTO(mem_free) struct ketama_section *v = ketama_sections_new(addresses, 2);
    for (size_t i = 0; i < 2 * KETAMA_SECTIONS; i++) {
        ck_assert(v[i].endpoint == i % 2);
        ck_assert(i == 0 || v[i].hash >= v[i - 1].hash);
        ck_assert(i % 2 == 0 || v[i].hash == v[i - 1].hash);
    }
}
END_TEST

Suite *
ketama_suite(void)
{
    Suite *s = suite_create("ketama");
    TCase *t = tcase_create("ketama");
    tcase_add_test(t, test_model);
    tcase_add_test(t, test_equal_hashes);
    suite_add_tcase(s, t);
    return s;
}
