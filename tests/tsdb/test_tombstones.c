/* Deletions of a block are joined and found by series; damaged files are refused. */
#include "tests/harness.h"

#include "base/bytes.h"
#include "base/crc32c.h"
#include "tsdb/block/tombstones.h"

/* A file around triples; `bad` is added to the checksum. */
static void
frame(struct buf *to, struct str triples, uint32_t bad)
{
    buf_put_be32(to, TOMBSTONES_MAGIC);
    buf_put_u8(to, TOMBSTONES_VERSION);
    buf_append(to, triples);
    buf_put_be32(to, crc32c(triples) + bad);
}

static const struct tombstone_case {
    const char *name;
    struct str triples; /* uvarint id, varint mint, varint maxt */
    uint32_t bad;
    enum err_code want;
    size_t series, spans;
} tombstone_cases[] = {
    {"none", STR_INIT(""), 0, ERR_NONE, 0, 0},
    {"one", STR_INIT("\x05\x02\x04"), 0, ERR_NONE, 1, 1},
    {"a single time", STR_INIT("\x05\x02\x02"), 0, ERR_NONE, 1, 1},
    {"two series, not sorted", STR_INIT("\x06\x02\x04\x05\x02\x04"), 0, ERR_NONE, 2, 2},
    {"overlap", STR_INIT("\x05\x02\x06\x05\x04\x08"), 0, ERR_NONE, 1, 1},
    {"neighbours", STR_INIT("\x05\x06\x08\x05\x02\x04"), 0, ERR_NONE, 1, 1},
    {"apart", STR_INIT("\x05\x08\x08\x05\x02\x04"), 0, ERR_NONE, 1, 2},
    {"all of time", STR_INIT("\x05\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
                             "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\x05\x02\x04"),
     0, ERR_NONE, 1, 1},
    {"checksum", STR_INIT("\x05\x02\x04"), 1, ERR_CORRUPT, 0, 0},
    {"cut", STR_INIT("\x05\x02"), 0, ERR_CORRUPT, 0, 0},
    {"cut in the second", STR_INIT("\x05\x02\x04\x05"), 0, ERR_CORRUPT, 0, 0},
    {"ends before it starts", STR_INIT("\x05\x04\x02"), 0, ERR_CORRUPT, 0, 0},
    {"number too long", STR_INIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x04\x04"), 0,
     ERR_CORRUPT, 0, 0},
};

START_TEST(test_tombstones)
{
    const struct tombstone_case *c = &tombstone_cases[_i];
    AUTO(buf_fini) struct buf image = BUF_INIT;
    frame(&image, c->triples, c->bad);
    AUTO(tombstones_fini) struct tombstones t = TOMBSTONES_INIT;
    struct err e = tombstones_parse(buf_str(&image), &t);
    ck_assert_msg(e.code == c->want, "%s: %s", c->name, err_text(&e));
    err_drop(e);
    ROW_ASSERT(c->name, t.series.n == c->series && t.spans.n == c->spans);
    const struct interval *spans = NULL;
    ROW_ASSERT(c->name, (tombstones_of(&t, 5, &spans) > 0) == (c->series > 0));
    ROW_ASSERT(c->name, tombstones_of(&t, 4, &spans) == 0 && tombstones_of(&t, 7, &spans) == 0);
}
END_TEST

START_TEST(test_tombstone_frames)
{
    AUTO(buf_fini) struct buf image = BUF_INIT;
    frame(&image, STR("\x05\x02\x04"), 0);
    struct tombstones t = TOMBSTONES_INIT;
    for (size_t n = 0; n < image.n; n++)
        CK_ERR(ERR_CORRUPT, tombstones_parse(str_of(image.p, n), &t));
    image.p[4] = 2;
    CK_ERR(ERR_UNIMPLEMENTED, tombstones_parse(buf_str(&image), &t));
    image.p[4] = 1;
    image.p[0] = 7;
    CK_ERR(ERR_CORRUPT, tombstones_parse(buf_str(&image), &t));
}
END_TEST

Suite *
tombstones_suite(void)
{
    Suite *s = suite_create("tombstones");
    TCase *t = tcase_create("core");
    tcase_add_loop_test(t, test_tombstones, 0, ARRAY_LEN(tombstone_cases));
    tcase_add_test(t, test_tombstone_frames);
    suite_add_tcase(s, t);
    return s;
}
