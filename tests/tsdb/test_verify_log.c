/* Segments of a log, torn and flipped; checkpoints; the log of late samples. */
#include "tests/harness.h"

#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "tests/tsdb/verify_kit.h"

/* Segment 0 names series 1 and has a sample, segment 1 names series 2, segment 2 uses both. */
static void
write_three(const char *dir)
{
    kit_write_log(dir, "wal", (struct str[]){STR(SERIES_1), STR(SAMPLE_OF("\1"))}, 2);
    kit_write_log(dir, "wal", (struct str[]){STR(SERIES_2), STR(SAMPLE_OF("\1"))}, 2);
    kit_write_log(dir, "wal", (struct str[]){STR(SAMPLE_OF("\1")), STR(SAMPLE_OF("\2"))}, 2);
}
/* A series takes 14 bytes and its header 7; a sample 27 and 7. */
enum { SECOND_RECORD = 21, THREE_END = 68 };

/* What is done to a file of them. */
enum log_hurt { FLIP, CUT_TO, APPEND, REMOVE_FILE, AS_FILE };

static const struct segment_case {
    const char *name, *file;
    enum log_hurt hurt;
    size_t at;
    struct str bytes;
    enum verify_rule rule; /* RULE_NONE: told */
    const char *want_file;
    uint64_t offset;
    const char *text;
} segment_cases[] = {
    {"a flipped record", "wal/00000001", FLIP, 30, STR_INIT(""), RULE_W1, "wal/00000001",
     SECOND_RECORD, "checksum mismatch"},
    {"a flipped record at the end", "wal/00000002", FLIP, 60, STR_INIT(""), RULE_W1, "wal/00000002",
     34, "checksum"},
    {"a record whose name is lost", "wal/00000000", FLIP, 10, STR_INIT(""), RULE_W1, "wal/00000000",
     0, "checksum"},
    {"a torn record in the middle", "wal/00000001", CUT_TO, 50, STR_INIT(""), RULE_W1,
     "wal/00000001", SECOND_RECORD, "cut off"},
    {"a torn record at the end", "wal/00000002", CUT_TO, 60, STR_INIT(""), RULE_NONE,
     "wal/00000002", 34, "last record is torn"},
    {"a torn header at the end", "wal/00000002", CUT_TO, 37, STR_INIT(""), RULE_NONE,
     "wal/00000002", 34, "last record is torn"},
    {"a first fragment at the end", "wal/00000002", APPEND, 0,
     STR_INIT("\2\0\1\xc1\xd0\x43\x30"
              "a"),
     RULE_NONE, "wal/00000002", THREE_END, "last record is torn"},
    {"a first fragment with a false sum", "wal/00000002", APPEND, 0,
     STR_INIT("\2\0\1\0\0\0\0"
              "a"),
     RULE_W1, "wal/00000002", THREE_END, "checksum"},
    {"a middle without a beginning", "wal/00000002", APPEND, 0,
     STR_INIT("\3\0\1\xc1\xd0\x43\x30"
              "a"),
     RULE_W1, "wal/00000002", THREE_END, "without beginning"},
    {"an unknown flag", "wal/00000002", APPEND, 0,
     STR_INIT("\x21\0\1\0\0\0\0"
              "a"),
     RULE_W1, "wal/00000002", THREE_END, "unknown flag"},
    {"padding that is not zero", "wal/00000002", APPEND, 0, STR_INIT("\0\0\1"), RULE_W1,
     "wal/00000002", THREE_END, "not zero"},
    {"a missing segment", "wal/00000001", REMOVE_FILE, 0, STR_INIT(""), RULE_V12, "wal",
     FINDING_NO_OFFSET, "segment 00000001 is missing"},
    {"a checkpoint that is a file", "wal/checkpoint.00000000", AS_FILE, 0, STR_INIT(""), RULE_V12,
     "wal", FINDING_NO_OFFSET, "not a directory"},
    {"an unknown type", "wal/00000002", APPEND, 0,
     STR_INIT("\1\0\1\x7d\x7f\x52\xaf"
              "\143"),
     RULE_NONE, "wal", FINDING_NO_OFFSET, "1 records are of types that are not known"},
};

static void
hurt_segment(const char *dir, const struct segment_case *c)
{
    AUTO(buf_fini) struct buf bytes = BUF_INIT;
    if (c->hurt == REMOVE_FILE) {
        CK_OK(fs_remove_file(fs_posix(), kit_path(dir, c->file)));
        return;
    }
    if (c->hurt != AS_FILE)
        kit_load(&bytes, dir, c->file);
    if (c->hurt == FLIP)
        bytes.p[c->at] ^= 1;
    if (c->hurt == CUT_TO)
        bytes.n = c->at;
    buf_append(&bytes, c->bytes);
    if (c->bytes.n > 7 && c->bytes.p[0] == 1) /* a whole record gets its checksum */
        store_be32(bytes.p + bytes.n - c->bytes.n + 3, crc32c(str_skip(c->bytes, 7)));
    kit_store(dir, c->file, buf_str(&bytes));
}

START_TEST(test_segments)
{
    const struct segment_case *c = &segment_cases[_i];
    AUTO(buf_fini) struct buf found = BUF_INIT, want = BUF_INIT;
    const char *dir = test_dir();
    uint64_t broken;
    write_three(dir);
    hurt_segment(dir, c);
    if (c->rule != RULE_NONE) {
        kit_expect(c->name, dir, c->rule, c->want_file, c->offset, c->text);
        return;
    }
    kit_verify(dir, VERIFY_ALL, &found, &broken);
    if (c->offset == FINDING_NO_OFFSET)
        buf_printf(&want, "told %s - at -: %s", c->want_file, c->text);
    else
        buf_printf(&want, "told %s - at %ju: %s", c->want_file, (uintmax_t)c->offset, c->text);
    ck_assert_msg(broken == 0 && strstr(buf_cstr(&found), buf_cstr(&want)) != NULL,
                  "row \"%s\": %s", c->name, buf_cstr(&found));
}
END_TEST

/* A checkpoint names what its segments named; what is older is left over. */
START_TEST(test_checkpoint)
{
    AUTO(buf_fini) struct buf found = BUF_INIT;
    const char *dir = test_dir();
    uint64_t broken;
    write_three(dir);
    CK_OK(fs_remove_file(fs_posix(), kit_path(dir, "wal/00000000")));
    kit_write_log(dir, "wal/checkpoint.00000001", (struct str[]){STR(SERIES_1), STR(SERIES_2)}, 2);
    CK_OK(fs_make_dirs(fs_posix(), kit_path(dir, "wal/checkpoint.00000002.tmp")));
    kit_verify(dir, VERIFY_ALL, &found, &broken);
    ck_assert_uint_eq(broken, 0);
    ck_assert_str_eq(
        buf_cstr(&found),
        "told wal/00000001 - at -: left over: a checkpoint replaces it, or it was not "
        "finished\n"
        "told wal/checkpoint.00000002.tmp - at -: left over: a checkpoint replaces it, "
        "or it was not finished\n");
    CK_OK(fs_remove_tree(fs_posix(), kit_path(dir, "wal/checkpoint.00000001")));
    kit_write_log(dir, "wal/checkpoint.00000001", (struct str[]){STR(SERIES_1)}, 1);
    kit_expect("a checkpoint that lost a series", dir, RULE_H2, "wal/00000002", 34,
               "series 2 is used");
}
END_TEST

/* The log of late samples may speak of series that are gone. */
START_TEST(test_late_log)
{
    AUTO(buf_fini) struct buf found = BUF_INIT;
    const char *dir = test_dir();
    uint64_t broken;
    write_three(dir);
    kit_write_log(dir, "wbl", (struct str[]){STR(SAMPLE_OF("\1")), STR(SAMPLE_OF("\11"))}, 2);
    kit_verify(dir, VERIFY_ALL, &found, &broken);
    ck_assert_uint_eq(broken, 0);
    ck_assert_str_eq(buf_cstr(&found),
                     "told wbl - at -: speaks 1 times of series that the log does not name\n");
    kit_write_log(dir, "wbl", (struct str[]){STR("\2\0")}, 1);
    kit_expect("half a record", dir, RULE_V13, "wbl/00000001", 0, "type 2 ends");
}
END_TEST

Suite *
verify_log_suite(void)
{
    Suite *s = suite_create("verify_log");
    TCase *t = tcase_create("verify_log");
    tcase_add_loop_test(t, test_segments, 0, ARRAY_LEN(segment_cases));
    tcase_add_test(t, test_checkpoint);
    tcase_add_test(t, test_late_log);
    suite_add_tcase(s, t);
    return s;
}
