/* Clusters under a virtual clock (sim.h): stories of faults, each from its seed.
 *
 * Story k has the seed SIM_SEED + k: SIM_SEED=77 SIM_SEEDS=1 SIM_TELL=1 tells that of seed 77 line
 * by line. SIM_SEEDS=10000 tells as many. */
#include <stdlib.h>

#include "tests/sim/sim.h"

enum { SEEDS_DEFAULT = 10000, SEEDS_A_TEST = 100 };

static uint64_t
number_from(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

START_TEST(test_stories)
{
    uint64_t first = (uint64_t)_i * SEEDS_A_TEST;
    uint64_t end = u64_min(first + SEEDS_A_TEST, number_from("SIM_SEEDS", SEEDS_DEFAULT));
    struct sim_sums sums = {0};
    for (uint64_t k = first; k < end; k++)
        sim_tell_story(number_from("SIM_SEED", 1) + k, getenv("SIM_TELL") != NULL, &sums);
    if (first == 0)
        printf("sim: %ju stories: writes %ju stored, %ju refused, %ju unavailable; %ju parts, "
               "%ju spilled, %ju replayed, %ju dropped, %ju lost in %ju crashes; %ju events\n",
               (uintmax_t)(end - first), (uintmax_t)sums.stored, (uintmax_t)sums.refused,
               (uintmax_t)sums.unavailable, (uintmax_t)sums.parts, (uintmax_t)sums.spilled,
               (uintmax_t)sums.replayed, (uintmax_t)sums.dropped, (uintmax_t)sums.lost,
               (uintmax_t)sums.crashes, (uintmax_t)sums.events);
}
END_TEST

Suite *
sim_suite(void)
{
    Suite *s = suite_create("sim");
    TCase *t = tcase_create("sim");
    tcase_set_timeout(t, 120);
    uint64_t seeds = number_from("SIM_SEEDS", SEEDS_DEFAULT);
    tcase_add_loop_test(t, test_stories, 0, (int)((seeds + SEEDS_A_TEST - 1) / SEEDS_A_TEST));
    suite_add_tcase(s, t);
    return s;
}
