/* meta.json: what is in it, and what it must not be. */
#include "tests/harness.h"

#include "tsdb/block/meta.h"

#define ULID "01M84Q62B8G10XRWV5ZVN8NTTH"
#define FRAME(more) "{\"ulid\":\"" ULID "\",\"version\":1,\"minTime\":5,\"maxTime\":9" more "}"

static const struct meta_case {
    const char *name, *text;
    enum err_code want;
} meta_cases[] = {
    {"least", FRAME(""), ERR_NONE},
    {"null members", FRAME(",\"stats\":null,\"compaction\":{\"parents\":null}"), ERR_NONE},
    {"unknown keys", FRAME(",\"thanos\":{\"labels\":{\"a\":\"b\\u0000\"}},\"x\":[1.5]"), ERR_NONE},
    {"spaces behind", FRAME("") " \n", ERR_NONE},
    {"empty", "", ERR_CORRUPT},
    {"cut", "{\"ulid\":\"" ULID "\",\"version\":1", ERR_CORRUPT},
    {"text behind", FRAME("") "x", ERR_CORRUPT},
    {"an array", "[]", ERR_CORRUPT},
    {"no version", "{\"ulid\":\"" ULID "\"}", ERR_CORRUPT},
    {"version 2", "{\"ulid\":\"" ULID "\",\"version\":2}", ERR_CORRUPT},
    {"version as text", "{\"ulid\":\"" ULID "\",\"version\":\"1\"}", ERR_CORRUPT},
    {"no ulid", "{\"version\":1}", ERR_INVALID},
    {"bad ulid", "{\"version\":1,\"ulid\":\"x\"}", ERR_INVALID},
    {"ulid is a number", "{\"version\":1,\"ulid\":1}", ERR_CORRUPT},
    {"time is a fraction", FRAME(",\"minTime\":1.5"), ERR_CORRUPT},
    {"ends before it starts", FRAME(",\"minTime\":10"), ERR_CORRUPT},
    {"negative count", FRAME(",\"stats\":{\"numSamples\":-1}"), ERR_CORRUPT},
    {"stats is a list", FRAME(",\"stats\":[]"), ERR_CORRUPT},
    {"level is negative", FRAME(",\"compaction\":{\"level\":-1}"), ERR_CORRUPT},
    {"level is huge", FRAME(",\"compaction\":{\"level\":9999999999}"), ERR_CORRUPT},
    {"parent is a text", FRAME(",\"compaction\":{\"parents\":[\"" ULID "\"]}"), ERR_INVALID},
    {"deletable is a number", FRAME(",\"compaction\":{\"deletable\":1}"), ERR_CORRUPT},
    {"number out of range", FRAME(",\"minTime\":99999999999999999999"), ERR_CORRUPT},
};

START_TEST(test_meta)
{
    const struct meta_case *c = &meta_cases[_i];
    struct block_meta m;
    struct err e = block_meta_parse(str_of_cstr(c->text), &m);
    ck_assert_msg(e.code == c->want, "%s: %s", c->name, err_text(&e));
    err_drop(e);
    if (c->want != ERR_NONE)
        return;
    ROW_ASSERT(c->name, m.mint_ms == 5 && m.maxt_ms == 9 && m.parents.n == 0);
    block_meta_fini(&m);
}
END_TEST

START_TEST(test_meta_fields)
{
    struct block_meta m;
    CK_OK(block_meta_parse(
        STR(FRAME(",\"stats\":{\"numSamples\":4,\"numSeries\":3,\"numChunks\":2,"
                  "\"numTombstones\":1},\"compaction\":{\"level\":2,\"deletable\":true,"
                  "\"hints\":[\"from-out-of-order\",7,\"new\",\"from-selected-series\"],"
                  "\"parents\":[{\"ulid\":\"" ULID "\",\"minTime\":0,\"maxTime\":0}]}")),
        &m));
    ck_assert(m.samples == 4 && m.series == 3 && m.chunks == 2 && m.deletions == 1);
    ck_assert_uint_eq(m.level, 2);
    ck_assert(m.deletable);
    ck_assert_uint_eq(m.hints, BLOCK_FROM_OUT_OF_ORDER | BLOCK_FROM_SELECTED_SERIES);
    ck_assert_uint_eq(m.parents.n, 1);
    ck_assert_int_eq(ulid_cmp(&m.parents.v[0], &m.ulid), 0);
    block_meta_fini(&m);
}
END_TEST

Suite *
meta_suite(void)
{
    Suite *s = suite_create("meta");
    TCase *t = tcase_create("core");
    tcase_add_loop_test(t, test_meta, 0, ARRAY_LEN(meta_cases));
    tcase_add_test(t, test_meta_fields);
    suite_add_tcase(s, t);
    return s;
}
