/* Which blocks go by age, by size, by share of the disk. */
#include "tests/harness.h"

#include <string.h>

#include "base/mem.h"
#include "tsdb/compact/retention.h"

enum { BLOCKS_MAX = 5 };

static const struct retention_case {
    const char *name;
    struct {
        int64_t maxt;
        uint64_t bytes;
        bool deletable;
    } blocks[BLOCKS_MAX]; /* up to the first with bytes 0 */
    uint64_t other_bytes;
    struct retention_limits limits;
    const char *want; /* letters, from the newest block back */
} retention_cases[] = {
    {"none", {{0, 0, false}}, 0, {.time_ms = 1, .bytes = 1}, ""},
    {"no limit", {{10, 5, false}, {20, 5, false}}, 999, {.time_ms = 0}, ""},
    {"marked", {{10, 5, true}, {20, 5, false}}, 0, {.time_ms = 0}, "a"},
    {"the only one is marked", {{10, 5, true}}, 0, {.time_ms = 0}, "a"},

    {"as old as the limit", {{10, 5, false}, {20, 5, false}}, 0, {.time_ms = 10}, "a"},
    {"just younger", {{10, 5, false}, {20, 5, false}}, 0, {.time_ms = 11}, ""},
    {"the newest never goes by age", {{10, 5, false}}, 0, {.time_ms = 1}, ""},
    {"all behind the first old one",
     {{5, 5, false}, {30, 5, false}, {9, 5, false}, {31, 5, false}}, 0, {.time_ms = 15}, "ca"},
    {"as new as the newest", {{20, 5, false}, {20, 5, false}}, 0, {.time_ms = 1}, ""},
    {"all of time apart", {{INT64_MIN, 5, false}, {INT64_MAX, 5, false}}, 0,
     {.time_ms = INT64_MAX}, "a"},
    {"negative is no limit", {{10, 5, false}, {20, 5, false}}, 0, {.time_ms = -1}, ""},

    {"they just fit", {{10, 5, false}, {20, 5, false}}, 0, {.bytes = 10}, ""},
    {"one too many", {{10, 5, false}, {20, 5, false}}, 0, {.bytes = 9}, "a"},
    {"even the newest", {{10, 5, false}, {20, 5, false}}, 0, {.bytes = 4}, "ba"},
    {"the log counts", {{10, 5, false}, {20, 5, false}}, 1, {.bytes = 10}, "a"},
    {"the log alone is too large", {{10, 5, false}}, 11, {.bytes = 10}, "a"},
    {"a small one behind a large one goes too",
     {{10, 1, false}, {20, 100, false}, {30, 5, false}}, 0, {.bytes = 10}, "ba"},
    {"a marked one counts", {{10, 5, false}, {20, 5, true}}, 0, {.bytes = 5}, "ba"},
    {"more than a number holds", {{10, UINT64_MAX, false}, {20, 5, false}}, 0,
     {.bytes = UINT64_MAX}, "a"},

    {"by both, age is stricter",
     {{10, 5, false}, {20, 5, false}, {30, 5, false}}, 0, {.time_ms = 10, .bytes = 10}, "ba"},
    {"by both, size is stricter",
     {{10, 5, false}, {20, 5, false}, {30, 5, false}}, 0, {.time_ms = 20, .bytes = 9}, "ba"},

    {"a tenth of the disk", {{10, 5, false}, {20, 5, false}}, 0,
     {.disk_percent = 10, .disk_bytes = 99}, "a"},
    {"a tenth of the disk is enough", {{10, 5, false}, {20, 5, false}}, 0,
     {.disk_percent = 10, .disk_bytes = 100}, ""},
    {"the share counts, not the bytes", {{10, 5, false}, {20, 5, false}}, 0,
     {.bytes = 1, .disk_percent = 10, .disk_bytes = 100}, ""},
    {"unknown disk: the bytes count", {{10, 5, false}, {20, 5, false}}, 0,
     {.bytes = 9, .disk_percent = 10}, "a"},
    {"unknown disk, no bytes", {{10, 5, false}, {20, 5, false}}, 0, {.disk_percent = 10}, ""},
};

START_TEST(test_retention)
{
    const struct retention_case *c = &retention_cases[_i];
    struct block_meta metas[BLOCKS_MAX];
    struct retention_block blocks[BLOCKS_MAX];
    size_t n = 0, chosen[BLOCKS_MAX];
    for (; n < BLOCKS_MAX && c->blocks[n].bytes > 0; n++) {
        metas[n] = (struct block_meta){.ulid = {{(uint8_t)n}},
                                       .mint_ms = INT64_MIN,
                                       .maxt_ms = c->blocks[n].maxt,
                                       .deletable = c->blocks[n].deletable};
        blocks[n] = (struct retention_block){&metas[n], c->blocks[n].bytes};
    }
    char got[BLOCKS_MAX + 1] = "";
    size_t count = retention_choose(blocks, n, c->other_bytes, &c->limits, chosen);
    for (size_t i = 0; i < count; i++)
        got[i] = (char)('a' + chosen[i]);
    got[count] = '\0';
    ck_assert_msg(strcmp(got, c->want) == 0, "%s: got \"%s\", want \"%s\"", c->name, got, c->want);
}
END_TEST

Suite *
retention_suite(void)
{
    Suite *s = suite_create("retention");
    TCase *t = tcase_create("core");
    tcase_add_loop_test(t, test_retention, 0, ARRAY_LEN(retention_cases));
    suite_add_tcase(s, t);
    return s;
}
