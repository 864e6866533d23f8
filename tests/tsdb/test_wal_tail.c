/* A log is read while it is written; of a damaged one everything is read but what the damage has
 * reached. */
#include "tests/harness.h"

#include <errno.h>

#include "base/fs_fault.h"
#include "base/mem.h"
#include "base/rand.h"
#include "tests/tsdb/wal_help.h"
#include "tsdb/wal/wal_tail.h"

enum { DAMAGED_RECORDS = 60 };

/* Of record i: some in a page, some over several, now and then one longer than a segment. */
static size_t
bytes_of(uint64_t i)
{
    static const size_t bytes[] = {1, 300, 9000, 40000, 7, 32761, 32760, 150000, 20, 2000};
    return bytes[i * 7 % ARRAY_LEN(bytes)];
}

static void
check_record(struct str record, uint64_t i)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    ck_assert_msg(str_eq(record, wal_make_record(&b, i, bytes_of(i))), "record %ju", (uintmax_t)i);
}

/* Reads what is there, which must be records *next and on. */
static void
follow(struct wal_tail *t, struct wal_position end, uint64_t *next)
{
    for (;;) {
        struct str record;
        bool more;
        CK_OK(wal_tail_next(t, end, &record, &more));
        if (!more)
            return;
        check_record(record, (*next)++);
    }
}

START_TEST(test_follow)
{
    const char *dir = test_dir();
    struct wal_opts opts = wal_test_opts(fs_posix(), dir);
    opts.sync = _i ? WAL_SYNC_BATCH : WAL_SYNC_NONE;
    opts.compression = _i ? WAL_SNAPPY : WAL_PLAIN;
    AUTO(wal_close) struct wal *w = wal_test_open(&opts);
    AUTO(wal_tail_close) struct wal_tail *t = wal_tail_open(fs_posix(), dir);
    struct rand_gen g = rand_gen_of(1);
    uint64_t logged = 0, read = 0;
    follow(t, wal_end(w), &read);
    while (logged < 300) {
        for (uint64_t n = rand_below(&g, 5); n > 0; n--, logged++)
            CK_OK(wal_test_log(w, logged, bytes_of(logged)));
        uint64_t cut_to;
        if (rand_below(&g, 20) == 0)
            CK_OK(wal_cut(w, &cut_to));
        if (rand_below(&g, 3) > 0)
            continue;
        follow(t, wal_end(w), &read);
        ck_assert_uint_eq(read, logged);
    }
    CK_OK(wal_finish(w)); /* its padding is no record */
    follow(t, wal_end(w), &read);
    ck_assert_uint_eq(read, logged);
}
END_TEST

/* From any record on, and a second time. */
START_TEST(test_seek)
{
    const char *dir = test_dir();
    struct wal_opts opts = wal_test_opts(fs_posix(), dir);
    AUTO(wal_close) struct wal *w = wal_test_open(&opts);
    for (uint64_t i = 0; i < 50; i++)
        CK_OK(wal_test_log(w, i, bytes_of(i)));
    AUTO(wal_tail_close) struct wal_tail *t = wal_tail_open(fs_posix(), dir);
    struct wal_position at[50];
    for (uint64_t i = 0; i < 50; i++) {
        struct str record;
        bool more;
        CK_OK(wal_tail_next(t, wal_end(w), &record, &more));
        check_record(record, i);
        at[i] = wal_tail_where(t);
    }
    for (uint64_t i = 50; i > 0; i--) {
        wal_tail_seek(t, at[i - 1]);
        uint64_t next = i - 1;
        follow(t, wal_end(w), &next);
        ck_assert_uint_eq(next, 50);
    }
    wal_tail_seek(t, at[3]);
    uint64_t next = 3;
    follow(t, at[20], &next); /* not further than it is told */
    ck_assert_uint_eq(next, 20);
}
END_TEST

/* What failed is never read, nor is what a rollback takes away. */
START_TEST(test_rollback)
{
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    const char *dir = test_dir();
    struct wal_opts opts = wal_test_opts(fs, dir);
    AUTO(wal_close) struct wal *w = wal_test_open(&opts);
    AUTO(wal_tail_close) struct wal_tail *t = wal_tail_open(fs, dir);
    uint64_t read = 0;
    for (uint64_t i = 0; i < 40; i++) {
        CK_OK(wal_test_log(w, i, bytes_of(i)));
        if (i % 3 == 0)
            follow(t, wal_end(w), &read);
        fs_fault_arm(fs, &(struct fs_fault_opts){.fail_call = 1, .torn_bytes = 5000});
        CK_ERR(ERR_IO, wal_test_log(w, 1000, 20000));
        if (i % 3 == 1)
            follow(t, wal_end(w), &read);
        CK_OK(wal_recover(w, NULL, 0));
    }
    follow(t, wal_end(w), &read);
    ck_assert_uint_eq(read, 40);
}
END_TEST

/* --- damage ------------------------------------------------------------------------------- */

struct placed {
    struct wal_position begin, end;
};

static struct wal_position
write_placed(const char *dir, struct placed *records)
{
    struct wal_opts opts = wal_test_opts(fs_posix(), dir);
    opts.segment_bytes = 8 * WAL_PAGE_BYTES;
    AUTO(wal_close) struct wal *w = wal_test_open(&opts);
    for (uint64_t i = 0; i < DAMAGED_RECORDS; i++)
        CK_OK(wal_test_log(w, i, bytes_of(i)));
    struct wal_position end = wal_end(w);
    AUTO(wal_tail_close) struct wal_tail *t = wal_tail_open(fs_posix(), dir);
    for (uint64_t i = 0; i < DAMAGED_RECORDS; i++) {
        struct str record;
        bool more;
        CK_OK(wal_tail_next(t, end, &record, &more));
        records[i] = (struct placed){wal_tail_where(t), wal_tail_behind(t)};
    }
    return end;
}

/* Flips bits of the byte, or puts them back. */
static void
flip(const char *dir, struct wal_position at, uint8_t bits)
{
    AUTO(buf_fini) struct buf path = BUF_INIT;
    AUTO(file_close) struct file *f = NULL;
    buf_printf(&path, "%s/%08ju", dir, (uintmax_t)at.segment);
    CK_OK(fs_open(fs_posix(), buf_cstr(&path), FS_WRITE_KEEP, &f));
    char byte;
    size_t n;
    CK_OK(file_read_at(f, at.offset, &byte, 1, &n));
    ck_assert_uint_eq(n, 1);
    byte = (char)(byte ^ bits);
    CK_OK(file_write_at(f, at.offset, str_of(&byte, 1)));
}

/* A record is out of reach of damage in a page that it has no byte in. */
static bool
may_be_lost(const struct placed *r, struct wal_position at)
{
    uint64_t page = at.offset / WAL_PAGE_BYTES;
    return r->begin.segment == at.segment && r->begin.offset / WAL_PAGE_BYTES <= page &&
           (r->end.offset - 1) / WAL_PAGE_BYTES >= page;
}

START_TEST(test_damage)
{
    const char *dir = test_dir();
    struct placed records[DAMAGED_RECORDS];
    struct wal_position end = write_placed(dir, records);
    struct rand_gen g = rand_gen_of(7);
    for (int round = 0; round < 400; round++) {
        const struct placed *hit = &records[rand_below(&g, DAMAGED_RECORDS)];
        uint64_t bytes = hit->end.offset - hit->begin.offset;
        uint64_t into =
            rand_below(&g, 2) ? rand_below(&g, u64_min(bytes, 8)) : rand_below(&g, bytes);
        struct wal_position at = {hit->begin.segment, hit->begin.offset + into};
        uint8_t bits = (uint8_t)(1 + rand_below(&g, 255));
        flip(dir, at, bits);
        AUTO(wal_tail_close) struct wal_tail *t = wal_tail_open(fs_posix(), dir);
        size_t next = 0, faults = 0;
        for (bool more = true; more;) {
            struct str record;
            struct err e = wal_tail_next(t, end, &record, &more);
            if (e.code) {
                ck_assert_msg(e.code == ERR_CORRUPT, "%s", err_text(&e));
                err_drop(e);
                ck_assert_uint_lt(++faults, 20);
                more = true;
                continue;
            }
            struct wal_position where = wal_tail_where(t);
            while (next < DAMAGED_RECORDS &&
                   (!more || records[next].begin.segment != where.segment ||
                    records[next].begin.offset != where.offset))
                ck_assert_msg(may_be_lost(&records[next], at), "record %zu", next), next++;
            if (more)
                check_record(record, next++);
        }
        ck_assert_uint_eq(next, DAMAGED_RECORDS);
        flip(dir, at, bits);
    }
}
END_TEST

/* A segment that is missing is told once; a log with a gap is written behind it. */
START_TEST(test_missing)
{
    const char *dir = test_dir();
    struct wal_opts opts = wal_test_opts(fs_posix(), dir);
    AUTO(wal_close) struct wal *w = wal_test_open(&opts);
    uint64_t cut_to;
    for (uint64_t i = 0; i < 4; i++) {
        CK_OK(wal_test_log(w, 10 * i, bytes_of(0)));
        CK_OK(wal_cut(w, &cut_to));
    }
    wal_close(TAKE(w));
    AUTO(buf_fini) struct buf path = BUF_INIT;
    buf_printf(&path, "%s/00000002", dir);
    CK_OK(fs_remove_file(fs_posix(), buf_cstr(&path)));
    CK_ERR(ERR_CORRUPT, wal_open(&opts, &w));
    opts.begin_segment = 9;
    CK_OK(wal_open(&opts, &w));
    CK_OK(wal_test_log(w, 40, bytes_of(0)));

    AUTO(wal_tail_close) struct wal_tail *t = wal_tail_open(fs_posix(), dir);
    uint64_t seen = 0, missing = 0;
    for (bool more = true; more;) {
        struct str record;
        struct err e = wal_tail_next(t, wal_end(w), &record, &more);
        if (e.code == ERR_NONE && more) {
            seen += seen == 2; /* record 2 is gone */
            check_record(record, 10 * seen++);
        }
        missing += e.code != ERR_NONE;
        more = more || e.code;
        if (e.code)
            CK_ERR(ERR_NOT_FOUND, e);
    }
    ck_assert_uint_eq(seen, 5);
    ck_assert_uint_eq(missing, 5); /* 2, and 5 to 8 */

    struct wal_segment_sizes sizes = VEC_INIT;
    CK_OK(wal_list_segments(fs_posix(), dir, &sizes));
    static const uint64_t want[] = {0, 1, 3, 4, 9};
    ck_assert_uint_eq(sizes.n, ARRAY_LEN(want));
    for (size_t i = 0; i < sizes.n; i++)
        ck_assert_uint_eq(sizes.v[i].segment, want[i]);
    ck_assert_uint_eq(sizes.v[3].bytes, 0);
    ck_assert_uint_eq(sizes.v[0].bytes, WAL_PAGE_BYTES);
    vec_fini(&sizes);
}
END_TEST

/* A disk that cannot be read gives an error, and is asked again. */
START_TEST(test_read_failure)
{
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    const char *dir = test_dir();
    struct wal_opts opts = wal_test_opts(fs, dir);
    AUTO(wal_close) struct wal *w = wal_test_open(&opts);
    for (uint64_t i = 0; i < 30; i++)
        CK_OK(wal_test_log(w, i, bytes_of(i)));
    for (uint64_t n = 1;; n++) {
        AUTO(wal_tail_close) struct wal_tail *t = wal_tail_open(fs, dir);
        fs_fault_arm(fs, &(struct fs_fault_opts){.fail_call = n, .calls = FS_FAULT_READ});
        uint64_t next = 0;
        for (bool more = true; more;) {
            struct str record;
            struct err e = wal_tail_next(t, wal_end(w), &record, &more);
            if (e.code == ERR_NONE && more)
                check_record(record, next++);
            more = more || e.code;
            if (e.code)
                CK_ERR(ERR_IO, e);
        }
        ck_assert_uint_eq(next, 30);
        if (!fs_fault_fired(fs))
            break;
    }
}
END_TEST

Suite *
wal_tail_suite(void)
{
    Suite *s = suite_create("wal_tail");
    TCase *t = tcase_create("wal_tail");
    tcase_add_loop_test(t, test_follow, 0, 2);
    tcase_add_test(t, test_seek);
    tcase_add_test(t, test_rollback);
    tcase_add_test(t, test_damage);
    tcase_add_test(t, test_missing);
    tcase_add_test(t, test_read_failure);
    suite_add_tcase(s, t);
    return s;
}
