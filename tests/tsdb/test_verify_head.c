/* Head chunks and snapshots, made byte by byte, sound and with each fault; torn ends are told. */
#include "tests/harness.h"

#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "tests/tsdb/verify_kit.h"
#include "tsdb/chunk/xor.h"

/* --- head chunks ------------------------------------------------------------------------------ */

enum { CHUNK_BYTES_MAX_HERE = 256, SAMPLES = 5 };

struct made_chunk {
    uint64_t series_ref;
    int64_t mint_ms, shift_ms; /* its samples begin at mint_ms + shift_ms: 0 is right */
    bool out_of_order;
};

static size_t
encode(int64_t first_ms, uint8_t to[CHUNK_BYTES_MAX_HERE])
{
    struct xor_appender x;
    xor_init(&x);
    for (int i = 0; i < SAMPLES; i++)
        xor_append(&x, to, first_ms + i * 10, bits_of_f64(i));
    return xor_seal(&x, to);
}

/* The bytes of a file, as the format's description has them. */
static void
put_chunk(struct buf *to, const struct made_chunk *c)
{
    uint8_t data[CHUNK_BYTES_MAX_HERE];
    size_t n = encode(c->mint_ms + c->shift_ms, data), at = to->n;
    buf_put_be64(to, c->series_ref);
    buf_put_be64(to, (uint64_t)c->mint_ms);
    buf_put_be64(to, (uint64_t)c->mint_ms + (SAMPLES - 1) * 10);
    buf_put_u8(to, c->out_of_order ? 0x81 : 1);
    buf_put_ustr(to, str_of((const char *)data, n));
    buf_put_be32(to, crc32c(str_skip(buf_str(to), at)));
}

static const struct chunks_case {
    const char *name;
    struct made_chunk chunks[3];
    struct str behind; /* of the file */
    size_t cut_bytes;  /* of its end */
    size_t flip;       /* byte, 0: none */
    bool other_file;   /* one follows */
    enum verify_rule rule;
    uint64_t offset;
    const char *text;
} chunks_cases[] = {
    {.name = "two chunks", .chunks = {{1, 100, 0, false}, {1, 200, 0, false}}},
    {.name = "zeros behind",
     .chunks = {{1, 100, 0, false}},
     .behind = STR_INIT("\0\0\0\0\0\0\0\0\0\0")},
    {.name = "two series", .chunks = {{1, 100, 0, false}, {2, 100, 0, false}}},
    {.name = "a late chunk", .chunks = {{1, 100, 0, false}, {1, 50, 0, true}, {1, 200, 0, false}}},
    {.name = "times at the end of all", .chunks = {{1, INT64_MAX - 40, 0, false}}},
    {.name = "chunks overlap",
     .chunks = {{1, 100, 0, false}, {1, 130, 0, false}},
     .rule = RULE_H5,
     .offset = 8,
     .text = "series 1: chunk from 130 begins before"},
    {.name = "chunks touch",
     .chunks = {{1, 100, 0, false}, {1, 140, 0, false}},
     .rule = RULE_H5,
     .offset = 8,
     .text = "series 1: chunk from 140 begins before"},
    {.name = "an older chunk",
     .chunks = {{1, 100, 0, false}, {1, 10, 0, false}},
     .rule = RULE_H5,
     .offset = 8,
     .text = "chunk from 10"},
    {.name = "other times than its samples",
     .chunks = {{1, 100, 1, false}},
     .rule = RULE_V9,
     .offset = 8,
     .text = "samples from 101 to 141, but the chunk is said to have 100 to 140"},
    {.name = "a flipped byte",
     .chunks = {{1, 100, 0, false}, {1, 200, 0, false}},
     .flip = 45,
     .rule = RULE_V16,
     .offset = 8,
     .text = "checksum"},
    {.name = "torn in the middle",
     .chunks = {{1, 100, 0, false}},
     .cut_bytes = 3,
     .other_file = true,
     .rule = RULE_V16,
     .offset = 8,
     .text = "cut off"},
    {.name = "torn at the end",
     .chunks = {{1, 100, 0, false}},
     .cut_bytes = 3,
     .offset = 8,
     .text = "last chunk is torn"},
    {.name = "magic",
     .chunks = {{1, 100, 0, false}},
     .flip = 3,
     .rule = RULE_V15,
     .text = "not a head chunk file"},
    {.name = "version",
     .chunks = {{1, 100, 0, false}},
     .flip = 4,
     .rule = RULE_V15,
     .text = "not a head chunk file of version 1"},
    {.name = "zeros that are none",
     .chunks = {{1, 100, 0, false}},
     .behind = STR_INIT("\0\0\0\0\0\1"),
     .other_file = true,
     .rule = RULE_V16,
     .offset = 0,
     .text = "cut off"},
};

static void
make_chunks(const char *dir, const struct chunks_case *c)
{
    AUTO(buf_fini) struct buf file = BUF_INIT, other = BUF_INIT;
    buf_append(&file, STR("\1\x30\xbc\x91\1\0\0\0"));
    buf_append(&other, buf_str(&file));
    for (size_t i = 0; i < ARRAY_LEN(c->chunks) && c->chunks[i].series_ref > 0; i++)
        put_chunk(&file, &c->chunks[i]);
    buf_append(&file, c->behind);
    file.n -= c->cut_bytes;
    if (c->flip > 0)
        file.p[c->flip] ^= 2;
    CK_OK(fs_make_dirs(fs_posix(), kit_path(dir, "chunks_head")));
    kit_store(dir, "chunks_head/000001", buf_str(&file));
    if (c->other_file)
        kit_store(dir, "chunks_head/000002", buf_str(&other));
}

/* Offsets of chunks differ with their bytes: where one of the first chunk is wanted it is 8. */
START_TEST(test_chunks)
{
    const struct chunks_case *c = &chunks_cases[_i];
    AUTO(buf_fini) struct buf found = BUF_INIT;
    const char *dir = test_dir();
    uint64_t broken;
    make_chunks(dir, c);
    kit_verify(dir, VERIFY_FIRST, &found, &broken);
    const char *line = buf_cstr(&found);
    ROW_ASSERT(c->name, broken == (c->rule != RULE_NONE));
    if (!c->text) {
        ck_assert_msg(found.n == 0, "row \"%s\": %s", c->name, line);
        return;
    }
    AUTO(buf_fini) struct buf want = BUF_INIT;
    buf_printf(&want, "%s chunks_head/000001 %s at ", c->rule ? "broken" : "told",
               c->rule ? verify_rule_name(c->rule) : "-");
    ck_assert_msg(strncmp(line, buf_cstr(&want), want.n) == 0 && strstr(line, c->text) != NULL,
                  "row \"%s\": %s", c->name, line);
    bool exact = c->rule != RULE_H5 && c->offset == 8; /* H5 names the second chunk */
    ROW_ASSERT(c->name, !exact || strncmp(line + want.n, "8: ", 3) == 0);
}
END_TEST

START_TEST(test_chunk_files)
{
    static const struct chunks_case sound = {.chunks = {{1, 100, 0, false}}};
    AUTO(buf_fini) struct buf found = BUF_INIT;
    const char *dir = test_dir();
    uint64_t broken;
    make_chunks(dir, &sound);
    kit_store(dir, "chunks_head/000002", STR(""));
    kit_verify(dir, VERIFY_FIRST, &found, &broken);
    ck_assert_uint_eq(broken, 0);
    ck_assert_str_eq(buf_cstr(&found), "told chunks_head/000002 - at 0: has no header: its writer "
                                       "stopped as it made the file\n");
    CK_OK(fs_rename(fs_posix(), kit_path(dir, "chunks_head/000002"),
                    kit_path(dir, "chunks_head/000003")));
    kit_expect("a gap", dir, RULE_V15, "chunks_head", FINDING_NO_OFFSET, "file 000002 is missing");
}
END_TEST

/* --- snapshots -------------------------------------------------------------------------------- */

#define SNAPSHOT "chunk_snapshot.000000.0000000000"
static const struct snapshot_case {
    const char *name;
    struct str record;
    enum verify_rule rule;
    const char *text;
} snapshot_cases[] = {
    {"a series",
     STR_INIT(SERIES_1 "\0\0\0\0\0\0\0\0"
                       "\0"),
     RULE_NONE, NULL},
    {"deletions", STR_INIT("\2\4\1\1\2\4"), RULE_NONE, NULL},
    {"exemplars",
     STR_INIT(BASE_OF("\3", "\1") "\0\0"
                                  "valuebit"
                                  "\1\1t\1v"),
     RULE_NONE, NULL},
    {"half a series", STR_INIT(SERIES_1), RULE_V13, "series of a snapshot"},
    {"labels",
     STR_INIT("\1"
              "\0\0\0\0\0\0\0\1"
              "\2\1b\1x\1a\1y"
              "\0\0\0\0\0\0\0\0"
              "\0"),
     RULE_V13, "labels do not ascend"},
    {"a chunk that is none",
     STR_INIT(SERIES_1 "\0\0\0\0\0\0\0\0"
                       "\1"
                       "\0\0\0\0\0\0\0\1"
                       "\0\0\0\0\0\0\0\2"
                       "\1"
                       "\3abc"),
     RULE_V9, "series 1: "},
    {"half a chunk",
     STR_INIT(SERIES_1 "\0\0\0\0\0\0\0\0"
                       "\1"
                       "\0\0\0\0\0\0\0\1"),
     RULE_V13, "series of a snapshot"},
    {"deletions of another version", STR_INIT("\2\4\2\1\2\4"), RULE_V13, "deletions"},
    {"half a deletion", STR_INIT("\2\3\1\1\2"), RULE_V13, "deletions"},
    {"half an exemplar",
     STR_INIT(BASE_OF("\3", "\1") "\0\0"
                                  "val"),
     RULE_V13, "ends inside"},
};

START_TEST(test_snapshot)
{
    const struct snapshot_case *c = &snapshot_cases[_i];
    AUTO(buf_fini) struct buf found = BUF_INIT;
    const char *dir = test_dir();
    uint64_t broken;
    kit_write_log(dir, SNAPSHOT, &c->record, 1);
    if (c->rule != RULE_NONE) {
        kit_expect(c->name, dir, c->rule, SNAPSHOT "/00000000", 0, c->text);
        return;
    }
    kit_verify(dir, VERIFY_ALL, &found, &broken);
    ck_assert_msg(broken == 0 && found.n == 0, "row \"%s\": %s", c->name, buf_cstr(&found));
}
END_TEST

Suite *
verify_head_suite(void)
{
    Suite *s = suite_create("verify_head");
    TCase *t = tcase_create("verify_head");
    tcase_add_loop_test(t, test_chunks, 0, ARRAY_LEN(chunks_cases));
    tcase_add_test(t, test_chunk_files);
    tcase_add_loop_test(t, test_snapshot, 0, ARRAY_LEN(snapshot_cases));
    suite_add_tcase(s, t);
    return s;
}
