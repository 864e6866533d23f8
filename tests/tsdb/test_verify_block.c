/* Each part of a committed block of promtool is broken in turn: verify names the file, the place,
 * the rule and what is there. Where a checksum would hide the fault it is made right again. */
#include "tests/harness.h"

#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "tests/tsdb/verify_kit.h"

#define BLOCK      "01M84Q62B8G10XRWV5ZVN8NTTH"
#define INDEX      BLOCK "/index"
#define CHUNKS     BLOCK "/chunks/000001"
#define META       BLOCK "/meta.json"
#define TOMBSTONES BLOCK "/tombstones"
#define NOWHERE    FINDING_NO_OFFSET

/* How a file is changed, and which checksum is then made right. */
enum hurt { SET, CUT, REMOVE, RENAME, REPLACE };
enum seal { UNSEALED, SECTION, SERIES, TWO_SERIES, TOC, CHUNK };

/* Places in the index: symbols at 5, series at 96, 144, 192, ..., 368; lists of all at 460, of
 * __name__=a at 504, of kind=constant at 548; table at 708; contents at 854. */
enum {
    SYMBOLS = 5,
    FIRST = 96,
    SECOND = 144,
    LAST = 368,
    ALL_LIST = 460,
    NAME_LIST = 504,
    KIND_LIST = 548,
    TABLE = 708,
    CONTENTS = 854,
    FIRST_CHUNK = 8
};

static const struct hurt_case {
    const char *name, *file;
    enum hurt hurt;
    size_t at;        /* SET: where; CUT: bytes that stay */
    struct str bytes; /* SET; RENAME: the new name; REPLACE: "old|new" */
    enum seal seal;
    size_t seal_at;
    enum verify_rule rule;
    const char *want_file;
    uint64_t offset;
    const char *text;
} hurt_cases[] = {
    {"index: magic", INDEX, SET, 0, STR_INIT("x"), UNSEALED, 0, RULE_V1, INDEX, 0,
     "not an index file"},
    {"index: version 1", INDEX, SET, 4, STR_INIT("\1"), UNSEALED, 0, RULE_V1, INDEX, 4,
     "version 1 is not known"},
    {"index: almost nothing left", INDEX, CUT, 40, STR_INIT(""), UNSEALED, 0, RULE_V1, INDEX, 0,
     "less than an empty"},
    {"index: end cut off", INDEX, CUT, 900, STR_INIT(""), UNSEALED, 0, RULE_I1, INDEX, 848,
     "table of contents differs"},
    {"index: missing", INDEX, REMOVE, 0, STR_INIT(""), UNSEALED, 0, RULE_V1, INDEX, NOWHERE,
     "is missing"},
    {"index: contents flipped", INDEX, SET, 860, STR_INIT("x"), UNSEALED, 0, RULE_I1, INDEX,
     CONTENTS, "checksum of the table of contents"},
    {"index: section behind the end", INDEX, SET, CONTENTS + 8, STR_INIT("\1"), TOC, 0, RULE_V1,
     INDEX, CONTENTS + 8, "behind the end"},
    {"index: sections out of order", INDEX, SET, CONTENTS + 15, STR_INIT("\3"), TOC, 0, RULE_V1,
     INDEX, CONTENTS, "do not follow"},
    {"index: symbol flipped", INDEX, SET, 24, STR_INIT("~"), UNSEALED, 0, RULE_I1, INDEX, SYMBOLS,
     "checksum of the symbols"},
    {"index: symbols do not ascend", INDEX, SET, 24, STR_INIT("~"), SECTION, SYMBOLS, RULE_I2,
     INDEX, 25, "symbols do not ascend: \"constant\" behind \"~\""},
    {"index: more symbols announced", INDEX, SET, 12, STR_INIT("\15"), SECTION, SYMBOLS, RULE_V1,
     INDEX, 81, "symbol 12 of 13 is cut off"},
    {"index: fewer symbols announced", INDEX, SET, 12, STR_INIT("\13"), SECTION, SYMBOLS, RULE_V1,
     INDEX, 9, "symbols take 68 bytes, but have 72"},
    {"index: symbols longer than the file", INDEX, SET, SYMBOLS, STR_INIT("\1"), UNSEALED, 0,
     RULE_V1, INDEX, SYMBOLS, "the symbols is cut off"},
    {"index: series flipped", INDEX, SET, FIRST + 7, STR_INIT("x"), UNSEALED, 0, RULE_I1, INDEX,
     FIRST, "checksum of a series"},
    {"index: label without a symbol", INDEX, SET, FIRST + 5, STR_INIT("\40"), SERIES, FIRST,
     RULE_V3, INDEX, FIRST, "label without a symbol"},
    {"index: labels do not ascend", INDEX, SET, FIRST + 2, STR_INIT("\7\3\1\2"), SERIES, FIRST,
     RULE_V3, INDEX, FIRST, "labels do not ascend: \"__name__\" behind \"kind\""},
    {"index: label sets do not ascend", INDEX, SET, FIRST + 5, STR_INIT("\4"), TWO_SERIES, FIRST,
     RULE_V2, INDEX, SECOND, "label sets of series do not ascend"},
    {"index: list of a pair that its series lacks", INDEX, SET, FIRST + 5, STR_INIT("\2"), SERIES,
     FIRST, RULE_V4, INDEX, KIND_LIST,
     "list of kind=constant names series 6, which does not carry it"},
    {"index: padding", INDEX, SET, FIRST + 37, STR_INIT("\1"), UNSEALED, 0, RULE_V2, INDEX,
     FIRST + 37, "not zero"},
    {"index: length of a series", INDEX, SET, LAST, STR_INIT("\177"), UNSEALED, 0, RULE_V2, INDEX,
     LAST, "series is cut off"},
    {"index: list flipped", INDEX, SET, KIND_LIST + 9, STR_INIT("x"), UNSEALED, 0, RULE_I1, INDEX,
     KIND_LIST, "checksum of a postings list"},
    {"index: list does not ascend", INDEX, SET, NAME_LIST + 11, STR_INIT("\11"), SECTION, NAME_LIST,
     RULE_P1, INDEX, NAME_LIST + 12, "postings do not ascend: 9 behind 9"},
    {"index: list leaves the series", INDEX, SET, KIND_LIST + 11, STR_INIT("\140"), SECTION,
     KIND_LIST, RULE_P2, INDEX, KIND_LIST + 8, "posting 96 is not where series are"},
    {"index: list with a false count", INDEX, SET, KIND_LIST + 7, STR_INIT("\2"), SECTION,
     KIND_LIST, RULE_V1, INDEX, KIND_LIST, "another count than bytes"},
    {"index: series that no list names", INDEX, SET, ALL_LIST + 39, STR_INIT("\26"), SECTION,
     ALL_LIST, RULE_V2, INDEX, LAST, "here a series begins that no list names"},
    {"index: table flipped", INDEX, SET, TABLE + 20, STR_INIT("x"), UNSEALED, 0, RULE_I1, INDEX,
     TABLE, "checksum of the table of postings"},
    {"index: table does not ascend", INDEX, SET, 742, STR_INIT("z"), SECTION, TABLE, RULE_I2, INDEX,
     752, "pairs do not ascend: kind=counter behind kind=zonstant"},
    {"index: table with a list at no list", INDEX, SET, 750, STR_INIT("\245"), SECTION, TABLE,
     RULE_V1, INDEX, 549, "is not where lists are"},
    {"index: table with a false count", INDEX, SET, TABLE + 7, STR_INIT("\13"), SECTION, TABLE,
     RULE_V1, INDEX, TABLE + 4, "has 10 entries, says 11"},
    {"index: chunk named twice", INDEX, SET, 118, STR_INIT("\0"), SERIES, FIRST, RULE_V8, INDEX,
     FIRST, "series 6: chunk 8 is named twice"},
    {"index: chunks overlap", INDEX, SET, 113, STR_INIT("\200\0"), SERIES, FIRST, RULE_B2, INDEX,
     FIRST, "begins before the one in front ends"},
    {"index: chunk with other times", INDEX, SET, 103, STR_INIT("\202"), SERIES, FIRST, RULE_V9,
     CHUNKS, FIRST_CHUNK, "but the chunk is said to have"},
    {"index: chunk at another place", INDEX, SET, 112, STR_INIT("\11"), SERIES, FIRST, RULE_V8,
     CHUNKS, 9, "series 6: "},

    {"chunks: magic", CHUNKS, SET, 0, STR_INIT("x"), UNSEALED, 0, RULE_V7, CHUNKS, NOWHERE,
     "not a chunk file"},
    {"chunks: version", CHUNKS, SET, 4, STR_INIT("\2"), UNSEALED, 0, RULE_V7, CHUNKS, NOWHERE,
     "version 2"},
    {"chunks: a chunk flipped", CHUNKS, SET, 40, STR_INIT("xyz"), UNSEALED, 0, RULE_V8, CHUNKS,
     FIRST_CHUNK, "series 6: chunk at 8 has another checksum"},
    {"chunks: end cut off", CHUNKS, CUT, 3480, STR_INIT(""), UNSEALED, 0, RULE_V8, CHUNKS, 3478,
     "is cut off"},
    {"chunks: a false count", CHUNKS, SET, FIRST_CHUNK + 2, STR_INIT("\1"), CHUNK, FIRST_CHUNK,
     RULE_V9, CHUNKS, FIRST_CHUNK, "series 6: "},
    {"chunks: no samples", CHUNKS, SET, FIRST_CHUNK + 2, STR_INIT("\0\0"), CHUNK, FIRST_CHUNK,
     RULE_V9, CHUNKS, FIRST_CHUNK, "chunk without samples"},
    {"chunks: missing", CHUNKS, REMOVE, 0, STR_INIT(""), UNSEALED, 0, RULE_V8, INDEX, FIRST,
     "in a file that is not there"},
    {"chunks: a gap", CHUNKS, RENAME, 0, STR_INIT(BLOCK "/chunks/000002"), UNSEALED, 0, RULE_V7,
     BLOCK "/chunks", NOWHERE, "file 000001 is missing"},

    {"meta: missing", META, REMOVE, 0, STR_INIT(""), UNSEALED, 0, RULE_V5, META, NOWHERE, "meta"},
    {"meta: cut off", META, CUT, 100, STR_INIT(""), UNSEALED, 0, RULE_V5, META, NOWHERE, "line"},
    {"meta: version", META, REPLACE, 0, STR_INIT("\"version\": 1|\"version\": 2"), UNSEALED, 0,
     RULE_V5, META, NOWHERE, "version 2"},
    {"meta: of another block", META, REPLACE, 0, STR_INIT(BLOCK "|01M84Q62B8G10XRWV5ZVN8NTTZ"),
     UNSEALED, 0, RULE_V5, META, NOWHERE, "names another block"},
    {"meta: samples", META, REPLACE, 0, STR_INIT("1173|1174"), UNSEALED, 0, RULE_V6, META, NOWHERE,
     "counts 8 series, 15 chunks, 1174 samples; found 8, 15, 1173"},
    {"meta: series", META, REPLACE, 0, STR_INIT("\"numSeries\": 8|\"numSeries\": 7"), UNSEALED, 0,
     RULE_V6, META, NOWHERE, "counts 7 series"},
    {"meta: begins too late", META, REPLACE, 0, STR_INIT("1704067200000|1704067200001"), UNSEALED,
     0, RULE_V10, INDEX, FIRST, "leaves the block's range 1704067200001 to"},
    {"meta: ends too early", META, REPLACE, 0, STR_INIT("1704074200501|1704074200500"), UNSEALED, 0,
     RULE_V10, INDEX, LAST, "leaves the block's range"},

    {"tombstones: magic", TOMBSTONES, SET, 0, STR_INIT("x"), UNSEALED, 0, RULE_V11, TOMBSTONES,
     NOWHERE, "not such a file"},
    {"tombstones: flipped", TOMBSTONES, SET, 8, STR_INIT("x"), UNSEALED, 0, RULE_V11, TOMBSTONES,
     NOWHERE, "checksum"},
    {"tombstones: of no series", TOMBSTONES, SET, 5, STR_INIT("\5\2\4\315\212\140\310"), UNSEALED,
     5, RULE_V11, TOMBSTONES, NOWHERE, "deletes from series 5, which is not there"},
};

static void
seal_series(struct buf *b, size_t at)
{
    struct reader r = reader_of(str_skip(buf_str(b), at));
    struct str body = reader_ustr(&r);
    store_be32(b->p + (body.p - b->p) + body.n, crc32c(body));
}

static void
seal(struct buf *b, enum seal what, size_t at)
{
    struct reader r = reader_of(str_skip(buf_str(b), at));
    size_t n = b->n;
    switch (what) {
    case UNSEALED:
        return;
    case SECTION:
        n = load_be32(b->p + at);
        store_be32(b->p + at + 4 + n, crc32c(str_of(b->p + at + 4, n)));
        return;
    case TWO_SERIES:
        b->p[SECOND + 5] = 3; /* the value that the first one had */
        seal_series(b, SECOND);
        seal_series(b, at);
        return;
    case SERIES:
        seal_series(b, at);
        return;
    case TOC:
        store_be32(b->p + n - 4, crc32c(str_of(b->p + CONTENTS, n - CONTENTS - 4)));
        return;
    case CHUNK:
        n = reader_uvarint(&r) + 1; /* and its encoding */
        at += reader_offset(&r);
        store_be32(b->p + at + n, crc32c(str_of(b->p + at, n)));
        return;
    }
}

/* Of text: the first "old" becomes "new". */
static void
replace(struct buf *b, struct str both)
{
    struct str old = str_split(&both, '|');
    char *at = memmem(b->p, b->n, old.p, old.n);
    ck_assert(at != NULL && old.n == both.n);
    memcpy(at, both.p, both.n);
}

static void
hurt(const char *dir, const struct hurt_case *c)
{
    AUTO(buf_fini) struct buf bytes = BUF_INIT;
    kit_load(&bytes, dir, c->file);
    switch (c->hurt) {
    case SET:
        buf_reserve(&bytes, 16);
        memcpy(bytes.p + c->at, c->bytes.p, c->bytes.n);
        bytes.n = size_max(bytes.n, c->at + c->bytes.n);
        break;
    case CUT:
        bytes.n = c->at;
        break;
    case REMOVE:
        CK_OK(fs_remove_file(fs_posix(), kit_path(dir, c->file)));
        return;
    case RENAME:
        CK_OK(fs_rename(fs_posix(), kit_path(dir, c->file), kit_path(dir, c->bytes.p)));
        return;
    case REPLACE:
        replace(&bytes, c->bytes);
        break;
    }
    seal(&bytes, c->seal, c->seal_at);
    if (strcmp(c->file, TOMBSTONES) == 0 && c->at == 5) /* triples: their sum is behind them */
        store_be32(bytes.p + 8, crc32c(str_of(bytes.p + 5, 3)));
    kit_store(dir, c->file, buf_str(&bytes));
}

START_TEST(test_corruption)
{
    const struct hurt_case *c = &hurt_cases[_i];
    const char *dir = test_dir();
    kit_copy_tree(test_data("tsdb/block"), kit_path(dir, BLOCK));
    hurt(dir, c);
    kit_expect(c->name, dir, c->rule, c->want_file, c->offset, c->text);
}
END_TEST

START_TEST(test_sound)
{
    AUTO(buf_fini) struct buf found = BUF_INIT;
    const char *dir = test_dir();
    uint64_t broken;
    kit_copy_tree(test_data("tsdb/block"), kit_path(dir, BLOCK));
    kit_verify(dir, VERIFY_ALL, &found, &broken);
    ck_assert_msg(broken == 0 && found.n == 0, "%s", buf_cstr(&found));
    CK_OK(fs_remove_file(fs_posix(), kit_path(dir, TOMBSTONES))); /* nothing was deleted */
    kit_verify(dir, VERIFY_ALL, &found, &broken);
    ck_assert_msg(broken == 0 && found.n == 0, "%s", buf_cstr(&found));
}
END_TEST

/* Every byte of the index and of the chunks counts: whichever is flipped, it is noticed. */
START_TEST(test_every_byte)
{
    static const char *const files[] = {INDEX, CHUNKS, TOMBSTONES};
    enum { STEP = 7 };
    AUTO(buf_fini) struct buf bytes = BUF_INIT, found = BUF_INIT;
    const char *dir = test_dir();
    kit_copy_tree(test_data("tsdb/block"), kit_path(dir, BLOCK));
    kit_load(&bytes, dir, files[_i]);
    for (size_t at = 0; at < bytes.n; at += _i == 1 ? STEP : 1) {
        uint64_t broken;
        /* Not read by anybody: sections that newer writers leave out, and header padding. */
        bool unread = (_i == 0 && ((at >= 391 && at < ALL_LIST) || (at >= 676 && at < TABLE))) ||
                      (_i == 1 && at >= 5 && at < 8);
        bytes.p[at] ^= 0x10;
        kit_store(dir, files[_i], buf_str(&bytes));
        kit_verify(dir, VERIFY_FIRST, &found, &broken);
        ck_assert_msg(broken > 0 || unread, "byte %zu of %s", at, files[_i]);
        bytes.p[at] ^= 0x10;
    }
}
END_TEST

/* Two lists and two chunks are broken: all four are told, and nothing that follows from them. */
START_TEST(test_goes_on)
{
    AUTO(buf_fini) struct buf index = BUF_INIT, chunks = BUF_INIT, found = BUF_INIT;
    const char *dir = test_dir();
    uint64_t broken;
    kit_copy_tree(test_data("tsdb/block"), kit_path(dir, BLOCK));
    kit_load(&index, dir, INDEX);
    kit_load(&chunks, dir, CHUNKS);
    index.p[NAME_LIST + 9] ^= 1;
    index.p[KIND_LIST + 9] ^= 1;
    chunks.p[20] ^= 1;
    chunks.p[3490] ^= 1;
    kit_store(dir, INDEX, buf_str(&index));
    kit_store(dir, CHUNKS, buf_str(&chunks));
    kit_verify(dir, VERIFY_ALL, &found, &broken);
    ck_assert_str_eq(buf_cstr(&found),
                     "broken " INDEX " I1 at 504: checksum of a postings list differs\n"
                     "broken " INDEX " I1 at 548: checksum of a postings list differs\n"
                     "broken " CHUNKS " V8 at 8: series 6: chunk at 8 has another checksum\n"
                     "broken " CHUNKS
                     " V8 at 3478: series 23: chunk at 3478 has another checksum\n");
    ck_assert_uint_eq(broken, 4);
}
END_TEST

Suite *
verify_block_suite(void)
{
    Suite *s = suite_create("verify_block");
    TCase *t = tcase_create("verify_block");
    tcase_add_test(t, test_sound);
    tcase_add_loop_test(t, test_corruption, 0, ARRAY_LEN(hurt_cases));
    tcase_add_loop_test(t, test_every_byte, 0, 3);
    tcase_add_test(t, test_goes_on);
    suite_add_tcase(s, t);
    return s;
}
