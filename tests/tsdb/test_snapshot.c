/* A snapshot reads back as it was written, the newest that fits the log is found, and what is not
 * whole is told. Faults while writing: test_snapshot_failure.c; Prometheus' own: _golden.c. */
#include "tests/harness.h"

#include <stdio.h>

#include "base/mem.h"
#include "tests/tsdb/snapshot_kit.h"
#include "tests/tsdb/wal_help.h"

static const struct snapshot_pos place = {7, 65536};
static const char place_name[] = "chunk_snapshot.000007.0000065536";

static const char *
path_of(const char *dir, const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static const struct content_case {
    const char *name;
    struct snapshot_kit kit;
} content_cases[] = {
    {"empty", {1, 0, 0, 0}},
    {"series alone", {2, 50, 0, 0}},
    {"deletions alone", {3, 0, 9, 0}},
    {"exemplars alone", {4, 0, 0, 9}},
    {"everything, snappy", {5, 300, 20, 500}},
    {"everything, plain", {6, 300, 20, 500}},
    {"as many exemplars as a record has", {7, 1, 1, SNAPSHOT_EXEMPLARS_MAX}},
    {"one more", {8, 1, 1, SNAPSHOT_EXEMPLARS_MAX + 1}},
    {"records of several pages and more", {9, 3, 40000, 2 * SNAPSHOT_EXEMPLARS_MAX + 7}},
};

START_TEST(test_round_trip)
{
    const struct content_case *c = &content_cases[_i];
    const char *dir = test_dir();
    CK_OK(snapshot_kit_write(fs_posix(), dir, place, &c->kit));
    const char *path = path_of(dir, place_name);
    snapshot_kit_check(fs_posix(), path, &c->kit);

    AUTO(wal_log_fini) struct wal_log log;
    wal_log_read(&log, fs_posix(), path);
    CK_OK(log.end);
    size_t exemplar_records =
        (c->kit.exemplars + SNAPSHOT_EXEMPLARS_MAX - 1) / SNAPSHOT_EXEMPLARS_MAX;
    ROW_ASSERT(c->name, log.ends.n == c->kit.series + 1 + exemplar_records);
}
END_TEST

/* More than waits in memory at once. */
START_TEST(test_batches)
{
    enum { BIG = 60000, COUNT = SNAPSHOT_BATCH_BYTES / BIG + 20 };
    const char *dir = test_dir();
    AUTO(snapshot_writer_close) struct snapshot_writer *w = NULL;
    struct snapshot_opts opts = {.fs = fs_posix(), .dir = dir, .pos = place};
    CK_OK(snapshot_writer_open(&opts, &w));
    char *bytes = mem_alloc_zero(BIG);
    struct snapshot_series s = {.open = {1, 2, CHUNK_XOR, {bytes, BIG}}};
    for (s.ref = 1; s.ref <= COUNT; s.ref++) {
        bytes[s.ref % BIG] = (char)s.ref;
        CK_OK(snapshot_add_series(w, &s));
    }
    CK_OK(snapshot_writer_finish(w));
    AUTO(snapshot_reader_close) struct snapshot_reader *r = NULL;
    CK_OK(snapshot_reader_open(fs_posix(), path_of(dir, place_name), &r));
    memset(bytes, 0, BIG);
    for (uint64_t ref = 1; ref <= COUNT; ref++) {
        struct snapshot_item item;
        bytes[ref % BIG] = (char)ref;
        CK_OK(snapshot_reader_next(r, &item));
        ck_assert(item.kind == SNAPSHOT_SERIES && item.series.ref == ref);
        ck_assert(str_eq(item.series.open.data, str_of(bytes, BIG)));
    }
    mem_free(bytes);
}
END_TEST

/* --- which one counts ------------------------------------------------------------------------- */

/* Directories that are there, segments of the log, and what is found and left of them. */
static const struct find_case {
    const char *name;
    const char *dirs[4];
    int log_last; /* -1: no log */
    const char *want;
    const char *left; /* of `dirs`, by letter; the others are deleted */
} find_cases[] = {
    {"nothing", {NULL}, 3, NULL, ""},
    {"one", {"chunk_snapshot.000003.0000000100"}, 3, "chunk_snapshot.000003.0000000100", "a"},
    {"the log went on",
     {"chunk_snapshot.000003.0000000100"},
     9,
     "chunk_snapshot.000003.0000000100",
     "a"},
    {"the log is behind", {"chunk_snapshot.000004.0000000100"}, 3, NULL, ""},
    {"the log is behind the newest",
     {"chunk_snapshot.000004.0000000100", "chunk_snapshot.000002.0000000100"},
     3,
     NULL,
     ""},
    {"no log", {"chunk_snapshot.000000.0000000100"}, -1, NULL, ""},
    {"newest segment",
     {"chunk_snapshot.000002.0000000900", "chunk_snapshot.000003.0000000100"},
     3,
     "chunk_snapshot.000003.0000000100",
     "b"},
    {"newest offset",
     {"chunk_snapshot.000003.0000000900", "chunk_snapshot.000003.0000000100"},
     3,
     "chunk_snapshot.000003.0000000900",
     "a"},
    {"by number, not by name",
     {"chunk_snapshot.999999.0000000900", "chunk_snapshot.1000000.0000000100"},
     1000000,
     "chunk_snapshot.1000000.0000000100",
     "b"},
    {"an unfinished one",
     {"chunk_snapshot.000003.0000000900.tmp", "chunk_snapshot.000003.0000000100"},
     3,
     "chunk_snapshot.000003.0000000100",
     "b"},
    {"only an unfinished one", {"chunk_snapshot.000003.0000000900.tmp"}, 3, NULL, ""},
    {"other names",
     {"chunk_snapshot.3.100", "chunk_snapshot.000003", "chunk_snapshot.000003.00000001x0",
      "chunk_snapshots.000003.0000000100"},
     3,
     NULL,
     "abcd"},
    {"other names of unfinished ones",
     {"chunk_snapshot.3.100.tmp", "x.tmp", "chunk_snapshot.000003.0000000900.tmp.tmp"},
     3,
     NULL,
     "abc"},
};

/* Only the last segment matters, as behind a checkpoint. */
static void
make_log(const char *dir, int last)
{
    char path[512];
    snprintf(path, sizeof path, "%s/wal", dir);
    CK_OK(fs_make_dirs(fs_posix(), path));
    for (int i = last < 2 ? 0 : last - 1; i <= last; i++) {
        snprintf(path, sizeof path, "%s/wal/%08d", dir, i);
        CK_OK(fs_write_file(fs_posix(), path, str_of("\0\0\0\0\0", (size_t)i % 5)));
    }
}

START_TEST(test_find)
{
    const struct find_case *c = &find_cases[_i];
    const char *dir = test_dir();
    for (size_t i = 0; i < ARRAY_LEN(c->dirs) && c->dirs[i]; i++) {
        char below[600];
        snprintf(below, sizeof below, "%s/00000000", path_of(dir, c->dirs[i]));
        CK_OK(fs_make_dirs(fs_posix(), path_of(dir, c->dirs[i])));
        CK_OK(fs_write_file(fs_posix(), below, STR("x")));
    }
    make_log(dir, c->log_last);
    AUTO(buf_fini) struct buf path = BUF_INIT, wal_dir = BUF_INIT;
    buf_printf(&wal_dir, "%s/wal", dir);
    struct snapshot_pos pos = {99, 99};
    bool none;
    CK_OK(snapshot_find(fs_posix(), dir, buf_cstr(&wal_dir), &path, &pos, &none));
    ROW_ASSERT(c->name, none == (c->want == NULL));
    if (c->want) {
        unsigned long long segment, offset;
        ROW_ASSERT(c->name, strcmp(buf_cstr(&path), path_of(dir, c->want)) == 0);
        sscanf(c->want, "chunk_snapshot.%llu.%llu", &segment, &offset);
        ROW_ASSERT(c->name, pos.segment == segment && pos.offset == offset);
    }
    for (size_t i = 0; i < ARRAY_LEN(c->dirs) && c->dirs[i]; i++)
        ROW_ASSERT(c->name, fs_exists(fs_posix(), path_of(dir, c->dirs[i])) ==
                                (strchr(c->left, 'a' + (int)i) != NULL));
    CK_OK(snapshot_delete_all(fs_posix(), dir));
    CK_OK(snapshot_find(fs_posix(), dir, buf_cstr(&wal_dir), &path, &pos, &none));
    ROW_ASSERT(c->name, none);
}
END_TEST

/* A file with such a name is no snapshot and not ours to delete. */
START_TEST(test_file)
{
    const char *dir = test_dir();
    AUTO(buf_fini) struct buf path = BUF_INIT, wal_dir = BUF_INIT;
    make_log(dir, 9);
    CK_OK(fs_write_file(fs_posix(), path_of(dir, place_name), STR("x")));
    buf_printf(&wal_dir, "%s/wal", dir);
    struct snapshot_pos pos;
    bool none;
    CK_OK(snapshot_find(fs_posix(), dir, buf_cstr(&wal_dir), &path, &pos, &none));
    ck_assert(none && fs_exists(fs_posix(), path_of(dir, place_name)));
}
END_TEST

START_TEST(test_pos_of_log)
{
    const char *dir = test_dir();
    struct snapshot_pos pos;
    AUTO(buf_fini) struct buf wal_dir = BUF_INIT;
    buf_printf(&wal_dir, "%s/wal", dir);
    CK_ERR(ERR_NOT_FOUND, snapshot_pos_of_log(fs_posix(), buf_cstr(&wal_dir), &pos));
    make_log(dir, 13);
    CK_OK(snapshot_pos_of_log(fs_posix(), buf_cstr(&wal_dir), &pos));
    ck_assert(pos.segment == 13 && pos.offset == 3);
}
END_TEST

/* --- what is not whole ------------------------------------------------------------------------ */

/* Records as given make a snapshot by hand. */
static const struct whole_case {
    const char *name;
    struct str records[3];
    enum err_code code;
} whole_cases[] = {
    {"deletions alone", {STR_INIT("\2\1\1")}, ERR_NONE},
    {"nothing", {{NULL, 0}}, ERR_CORRUPT},
    {"no deletions", {STR_INIT("\1\0\0\0\0\0\0\0\7\0\0\0\0\0\0\0\0\0\0")}, ERR_CORRUPT},
    {"a series behind",
     {STR_INIT("\2\1\1"), STR_INIT("\1\0\0\0\0\0\0\0\7\0\0\0\0\0\0\0\0\0\0")},
     ERR_CORRUPT},
    {"a bad series", {STR_INIT("\1\0\0"), STR_INIT("\2\1\1")}, ERR_CORRUPT},
    {"bad deletions", {STR_INIT("\2\1\2")}, ERR_CORRUPT},
    {"bad exemplars", {STR_INIT("\2\1\1"), STR_INIT("\3\0")}, ERR_CORRUPT},
    {"a type of a later version", {STR_INIT("\2\1\1"), STR_INIT("\4\0")}, ERR_UNIMPLEMENTED},
};

static struct err
read_all(const char *path)
{
    AUTO(snapshot_reader_close) struct snapshot_reader *r = NULL;
    TRY(snapshot_reader_open(fs_posix(), path, &r));
    for (;;) {
        struct snapshot_item item;
        TRY(snapshot_reader_next(r, &item));
        if (item.kind == SNAPSHOT_END)
            return OK;
    }
}

START_TEST(test_whole)
{
    const struct whole_case *c = &whole_cases[_i];
    const char *dir = test_dir();
    struct wal_opts opts = wal_test_opts(fs_posix(), dir);
    AUTO(wal_close) struct wal *log = wal_test_open(&opts);
    size_t n = 0;
    while (n < ARRAY_LEN(c->records) && c->records[n].n > 0)
        n++;
    wal_ticket ticket;
    CK_OK(wal_enqueue(log, c->records, n, &ticket));
    CK_OK(wal_finish(log));
    struct err e = read_all(dir);
    ck_assert_msg(e.code == c->code, "row \"%s\": %s", c->name, err_text(&e));
    err_drop(e);
}
END_TEST

/* Without syncs: there are many. */
static void
put_file(const char *path, struct str bytes)
{
    AUTO(file_close) struct file *f = NULL;
    CK_OK(fs_open(fs_posix(), path, FS_WRITE_OVER, &f));
    CK_OK(file_write_at(f, 0, bytes));
}

/* Cut anywhere, or with a byte turned, it is refused. */
START_TEST(test_damage)
{
    const char *dir = test_dir();
    struct snapshot_kit kit = {11, 12, 3, 5};
    CK_OK(snapshot_kit_write(fs_posix(), dir, place, &kit));
    char file[600];
    snprintf(file, sizeof file, "%s/00000000", path_of(dir, place_name));
    AUTO(buf_fini) struct buf good = BUF_INIT, bad = BUF_INIT;
    CK_OK(fs_read_file(fs_posix(), file, 1 << 20, &good));
    size_t used = good.n;
    while (used > 0 && good.p[used - 1] == 0)
        used--; /* padding of the page */
    for (size_t i = 0; i < used; i += 13) {
        buf_clear(&bad);
        buf_append(&bad, str_of(good.p, i));
        put_file(file, buf_str(&bad));
        struct err e = read_all(path_of(dir, place_name));
        ck_assert_msg(e.code == ERR_CORRUPT, "cut at %zu", i);
        err_drop(e);
        buf_append(&bad, str_of(good.p + i, good.n - i));
        bad.p[i] ^= 0x20;
        put_file(file, buf_str(&bad));
        e = read_all(path_of(dir, place_name));
        ck_assert_msg(e.code == ERR_CORRUPT, "byte %zu turned", i);
        err_drop(e);
    }
}
END_TEST

Suite *
snapshot_suite(void)
{
    Suite *s = suite_create("snapshot");
    TCase *t = tcase_create("snapshot");
    tcase_add_loop_test(t, test_round_trip, 0, ARRAY_LEN(content_cases));
    tcase_add_test(t, test_batches);
    tcase_add_loop_test(t, test_find, 0, ARRAY_LEN(find_cases));
    tcase_add_test(t, test_file);
    tcase_add_test(t, test_pos_of_log);
    tcase_add_loop_test(t, test_whole, 0, ARRAY_LEN(whole_cases));
    tcase_add_test(t, test_damage);
    suite_add_tcase(s, t);
    return s;
}
