/* Which blocks are compacted next, by the rules of Prometheus' leveled compaction. */
#include "tests/harness.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tsdb/compact/plan.h"

enum { BLOCKS_MAX = 10 };

struct row {
    int64_t mint, maxt;
    bool failed;
    uint64_t series, deletions;
    unsigned hints;
};

#define B(mint, maxt) {mint, maxt, false, 0, 0, 0}
#define F(mint, maxt) {mint, maxt, true, 0, 0, 0} /* failed */
#define D(mint, maxt, series, deletions) {mint, maxt, false, series, deletions, 0}
#define H(mint, maxt, hints) {mint, maxt, false, 0, 0, hints}
enum {
    OOO = BLOCK_FROM_OUT_OF_ORDER,
    STALE = BLOCK_FROM_STALE_SERIES,
    SELECTED = BLOCK_FROM_SELECTED_SERIES,
};

/* Ranges 20, 60, 180 but where a row says otherwise. */
static const struct plan_case {
    const char *name;
    struct row blocks[BLOCKS_MAX]; /* up to the first of length 0 */
    const char *want;              /* letters: a is the first block */
    int64_t max_range;
} plan_cases[] = {
    {"none", {B(0, 0)}, "", 0},
    {"one", {B(0, 20)}, "", 0},
    {"two are too few: the newest is left alone", {B(0, 20), B(20, 40)}, "", 0},
    {"three, but the range may still grow", {B(0, 20), B(20, 40), B(40, 60)}, "", 0},
    {"a newer one says that the range is done",
     {B(0, 20), B(20, 40), B(40, 60), B(60, 80)}, "abc", 0},
    {"given out of order, chosen in order", {B(40, 60), B(60, 80), B(0, 20), B(20, 40)}, "cda", 0},
    {"a gap within the range", {B(0, 20), B(40, 60), B(60, 80)}, "ab", 0},
    {"not full, but another is behind it",
     {B(0, 20), B(20, 40), B(60, 80), B(120, 140)}, "ab", 0},
    {"not full, and only the newest is behind it", {B(0, 20), B(20, 40), B(60, 80)}, "", 0},
    {"not full, and the newest touches it", {B(0, 20), B(20, 40), B(40, 60), B(45, 60)}, "cd", 0},
    {"blocks of two ranges are not mixed", {B(20, 40), B(40, 60), B(60, 80), B(80, 100)}, "ab", 0},
    {"not aligned: the border of a range is between them",
     {B(40, 60), B(60, 80), B(80, 100)}, "", 0},
    {"one alone in its range", {B(40, 60), B(120, 140), B(240, 260)}, "", 0},
    {"the second range", {B(0, 60), B(60, 120), B(120, 180), B(180, 240)}, "abc", 0},
    {"the smaller range goes first",
     {B(0, 60), B(60, 120), B(120, 180), B(180, 200), B(200, 220), B(220, 240), B(240, 260)},
     "def", 0},
    {"different lengths, the smaller range",
     {B(0, 60), B(60, 80), B(80, 100), B(180, 200), B(200, 220)}, "bc", 0},
    {"a small and a large one", {B(0, 60), B(60, 80), B(180, 200), B(240, 260)}, "ab", 0},
    {"longer than the greatest range",
     {B(0, 540), B(540, 560), B(560, 580), B(600, 620), B(660, 680)}, "bc", 0},
    {"over a border of its range, then others",
     {B(10, 70), B(80, 100), B(100, 120), B(140, 160), B(180, 200)}, "bc", 0},
    {"before 1970", {B(-60, -40), B(-40, -20), B(-20, 0), B(0, 20)}, "abc", 0},
    {"around 1970 there is a border", {B(-20, 0), B(0, 20), B(20, 40)}, "", 0},
    {"the ends of time", {B(INT64_MIN, INT64_MIN + 20), B(INT64_MAX - 20, INT64_MAX)}, "", 0},
    {"all of time", {B(INT64_MIN, INT64_MAX), B(INT64_MAX - 20, INT64_MAX)}, "ab", 0},
    {"no range but the smallest", {B(0, 20), B(20, 40), B(40, 60), B(60, 80)}, "", 20},
    {"the greatest range is too small", {B(0, 60), B(60, 120), B(120, 180), B(180, 240)}, "", 60},

    {"one failed", {B(0, 20), F(20, 40), B(40, 60), B(60, 80)}, "", 0},
    {"one failed, another range is sound",
     {F(0, 20), B(20, 40), B(60, 80), B(80, 100), B(120, 140), B(180, 200)}, "cd", 0},
    {"failed, but overlapping", {F(0, 20), F(10, 30)}, "ab", 0},

    {"overlap", {B(0, 20), B(19, 40)}, "ab", 0},
    {"touching is no overlap", {B(0, 20), B(20, 40)}, "", 0},
    {"overlap with the newest", {B(0, 20), B(20, 40), B(40, 60), B(50, 70)}, "cd", 0},
    {"overlap goes before ranges", {B(0, 20), B(20, 40), B(40, 60), B(60, 80), B(70, 90)}, "de", 0},
    {"the first run of overlaps", {B(0, 20), B(10, 30), B(40, 60), B(50, 70)}, "ab", 0},
    {"a chain", {B(0, 20), B(10, 30), B(25, 40), B(40, 60)}, "abc", 0},
    {"within a long one, not with each other",
     {B(0, 100), B(10, 20), B(30, 40), B(100, 120)}, "abc", 0},
    {"the same time", {B(0, 20), B(0, 20), B(0, 20)}, "abc", 0},
    {"no range is needed", {B(0, 20), B(10, 30)}, "ab", 20},

    {"6 % deleted", {D(0, 60, 99, 6), B(60, 120)}, "a", 0},
    {"5 % deleted", {D(0, 60, 99, 5), B(60, 120)}, "", 0},
    {"much deleted, but the newest", {D(0, 60, 100, 1), D(60, 120, 100, 90)}, "", 0},
    {"much deleted, but small", {D(0, 20, 100, 90), B(60, 80)}, "", 0},
    {"small, as many deletions as series", {D(0, 20, 100, 100), B(60, 80)}, "a", 0},
    {"small without anything", {D(0, 20, 0, 0), B(60, 80)}, "", 0},
    {"from the newest back", {D(0, 60, 9, 9), D(180, 240, 9, 9), B(360, 380)}, "b", 0},
    {"a small one ends the search", {D(0, 60, 9, 9), B(180, 200), B(360, 380)}, "", 0},
    {"ranges go before deletions",
     {B(0, 20), B(20, 40), B(40, 60), D(60, 120, 9, 9), B(180, 200)}, "abc", 0},

    {"stale ones by themselves",
     {H(0, 20, STALE), B(20, 40), H(30, 50, STALE),
      H(40, 60, STALE)},
     "cd", 0},
    {"an overlap of two kinds is none",
     {H(0, 20, STALE), H(0, 20, SELECTED), B(0, 20)},
     "", 0},
    {"others before stale ones",
     {H(0, 20, STALE), H(0, 20, STALE), B(0, 20),
      B(0, 20)},
     "cd", 0},
    {"stale before selected",
     {H(0, 20, SELECTED), H(0, 20, SELECTED),
      H(0, 20, STALE), H(0, 20, STALE)},
     "cd", 0},
    {"stale and selected is stale",
     {H(0, 20, SELECTED),
      H(0, 20, SELECTED | STALE)},
     "", 0},
    {"out of order is no kind of its own",
     {H(0, 20, OOO), B(10, 30)}, "ab", 0},
    {"not with what ends behind all in order",
     {B(0, 20), H(20, 40, OOO), H(40, 60, OOO), H(60, 80, OOO)}, "", 0},
    {"an overlap that ends behind all in order", {B(0, 20), H(10, 40, OOO)}, "", 0},
    {"until something in order does",
     {B(0, 20), H(20, 40, OOO), H(40, 60, OOO), B(40, 60), H(60, 80, OOO)}, "cd", 0},
    {"overlaps behind all in order",
     {B(0, 20), H(20, 40, OOO), H(20, 40, OOO), H(40, 60, OOO)}, "bc", 0},
    {"others go before those",
     {B(0, 20), B(0, 20), H(20, 40, OOO), H(20, 40, OOO)}, "ab", 0},
    {"nothing is in order", {H(0, 20, OOO), H(20, 40, OOO), H(40, 60, OOO), H(60, 80, OOO)}, "", 0},
};

START_TEST(test_plan)
{
    const struct plan_case *c = &plan_cases[_i];
    struct block_meta metas[BLOCKS_MAX];
    const struct block_meta *list[BLOCKS_MAX];
    size_t n = 0, chosen[BLOCKS_MAX];
    for (; n < BLOCKS_MAX && c->blocks[n].mint != c->blocks[n].maxt; n++) {
        const struct row *r = &c->blocks[n];
        metas[n] = (struct block_meta){.ulid = {{(uint8_t)n}},
                                       .mint_ms = r->mint,
                                       .maxt_ms = r->maxt,
                                       .failed = r->failed,
                                       .series = r->series,
                                       .deletions = r->deletions,
                                       .hints = r->hints};
        list[n] = &metas[n];
    }
    struct compact_ranges ranges = compact_ranges_of(20, c->max_range ? c->max_range : 200);
    char got[BLOCKS_MAX + 1] = "";
    size_t count = compact_plan(list, n, &ranges, chosen);
    for (size_t i = 0; i < count; i++)
        got[i] = (char)('a' + chosen[i]);
    got[count] = '\0';
    ck_assert_msg(strcmp(got, c->want) == 0, "%s: got \"%s\", want \"%s\"", c->name, got, c->want);
}
END_TEST

static const struct range_case {
    const char *name;
    int64_t min, max;
    size_t n;
    int64_t last;
} range_cases[] = {
    {"two hours, a month", 7200000, 2678400000, 6, 7200000 * INT64_C(243)},
    {"a tenth of 15 days", 7200000, 129600000, 3, 64800000},
    {"just the third", 10, 90, 3, 90},
    {"just below the third", 10, 89, 2, 30},
    {"equal", 10, 10, 1, 10},
    {"below the least", 10, 5, 1, 10},
    {"all of time", 1, INT64_MAX, COMPACT_RANGES_MAX, 19683},
    {"no room to multiply", INT64_MAX / 2, INT64_MAX, 1, INT64_MAX / 2},
};

START_TEST(test_ranges)
{
    const struct range_case *c = &range_cases[_i];
    struct compact_ranges r = compact_ranges_of(c->min, c->max);
    ROW_ASSERT(c->name, r.n == c->n && r.v[0] == c->min && r.v[r.n - 1] == c->last);
}
END_TEST

Suite *
plan_suite(void)
{
    Suite *s = suite_create("plan");
    TCase *t = tcase_create("core");
    tcase_add_loop_test(t, test_plan, 0, ARRAY_LEN(plan_cases));
    tcase_add_loop_test(t, test_ranges, 0, ARRAY_LEN(range_cases));
    suite_add_tcase(s, t);
    return s;
}
