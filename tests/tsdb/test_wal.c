/* What was acknowledged is read back, in order, whatever sizes the records have, however many
 * threads write at once, and wherever the owner begins segments. */
#include "tests/harness.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/fs_fault.h"
#include "base/mem.h"
#include "tests/tsdb/wal_help.h"
#include "tsdb/wal/checkpoint.h"
#include "tsdb/wal/record.h"
#include "tsdb/wal/wal_reader.h"

/* --- layout ------------------------------------------------------------------------------- */

/* Every distance to the end of a page and of a segment, and records longer than a segment. */
static size_t
size_of_record(int story, uint64_t i)
{
    switch (story) {
    case 0:
        return 1 + i % 40;
    case 1: /* i = 0, 2, ..: up to 0..39 bytes before the end of a page */
        return i % 2 ? 30 : WAL_PAGE_BYTES - 7 - 37 - i % 80 / 2;
    case 2:
        return 1 + i * i * 97 % 50000;
    case 3:
        return i % 5 == 2 ? 200000 : 3000;
    default:
        return WAL_PAGE_BYTES - 7 + i % 3 - 1;
    }
}

START_TEST(test_round_trip)
{
    enum { RECORDS = 70, BATCH = 7 };
    int story = _i / 2;
    const char *dir = test_dir();
    struct wal_opts opts = wal_test_opts(fs_posix(), dir);
    opts.sync = story == 2 ? WAL_SYNC_BATCH : WAL_SYNC_NONE; /* syncs take time */
    opts.compression = _i & 1 ? WAL_SNAPPY : WAL_PLAIN;
    AUTO(wal_close) struct wal *w = wal_test_open(&opts);
    for (uint64_t i = 0; i < RECORDS;) {
        AUTO(buf_fini) struct buf b = BUF_INIT;
        buf_reserve(&b, BATCH * 200000); /* views stay valid */
        struct str batch[BATCH];
        size_t n = 0;
        for (; n < BATCH && i < RECORDS; n++, i++)
            batch[n] = wal_make_record(&b, i, size_of_record(story, i));
        wal_ticket ticket;
        CK_OK(wal_enqueue(w, batch, n, &ticket));
        CK_OK(wal_wait(w, ticket));
        ck_assert_uint_eq(wal_written(w), ticket);
    }
    AUTO(wal_log_fini) struct wal_log crashed; /* as a killed process leaves it */
    wal_log_read(&crashed, fs_posix(), dir);
    ck_assert_msg(crashed.end.code == ERR_NONE, "%s", err_text(&crashed.end));
    ck_assert_uint_eq(crashed.ends.n, RECORDS);
    CK_OK(wal_finish(w));
    CK_ERR(ERR_UNAVAILABLE, wal_test_log(w, 1, 1));
    AUTO(wal_log_fini) struct wal_log log;
    wal_log_read(&log, fs_posix(), dir);
    ck_assert_int_eq(log.end.code, ERR_NONE);
    ck_assert_uint_eq(log.ends.n, RECORDS);
    for (size_t i = 0; i < RECORDS; i++)
        wal_test_check(&log, i, i, size_of_record(story, i));
}
END_TEST

/* Segments are whole pages and no longer than their size, unless one record alone is. */
START_TEST(test_segment_sizes)
{
    const char *dir = test_dir();
    struct wal_opts opts = wal_test_opts(fs_posix(), dir);
    AUTO(wal_close) struct wal *w = wal_test_open(&opts);
    ck_assert_uint_eq(wal_segment(w), 0);
    for (uint64_t i = 0; i < 50; i++)
        CK_OK(wal_test_log(w, i, i == 20 ? 300000 : 5000));
    CK_OK(wal_finish(w));
    uint64_t first, last, huge = 0, total = 0;
    bool none;
    CK_OK(wal_segments(fs_posix(), dir, &first, &last, &none));
    ck_assert_uint_eq(last, wal_segment(w));
    ck_assert_uint_gt(last, 4);
    for (uint64_t s = first; s <= last; s++) {
        char path[300];
        snprintf(path, sizeof path, "%s/%08ju", dir, (uintmax_t)s);
        struct fs_stat st;
        CK_OK(fs_stat(fs_posix(), path, &st));
        ck_assert_uint_eq(st.size_bytes % WAL_PAGE_BYTES, 0);
        huge += st.size_bytes > opts.segment_bytes;
        total += st.size_bytes;
    }
    ck_assert_uint_eq(huge, 1);
    ck_assert_uint_eq(total, wal_bytes_written(w));
    CK_OK(wal_health(w));
    AUTO(wal_close) struct wal *again = wal_test_open(&opts); /* never appends to an old segment */
    ck_assert_uint_eq(wal_segment(again), last + 1);
}
END_TEST

/* The example in README.md. */
START_TEST(test_example)
{
    static const char want[] = "\x01\x00\x25\xa7\x44\x38\xcc"
                               "\x02\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\x03\xe8"
                               "\x00\x00\x3f\xf0\0\0\0\0\0\0"
                               "\x02\x00\x40\x00\0\0\0\0\0\0";
    const char *dir = test_dir();
    struct wal_opts opts = wal_test_opts(fs_posix(), dir);
    AUTO(wal_close) struct wal *w = wal_test_open(&opts);
    AUTO(buf_fini) struct buf b = BUF_INIT, path = BUF_INIT, got = BUF_INIT;
    struct record_samples_writer samples;
    record_begin_samples(&samples, &b, 1, 1000, 2);
    record_put_sample(&samples, 1, 1000, bits_of_f64(1));
    record_put_sample(&samples, 2, 1000, bits_of_f64(2));
    struct str record = buf_str(&b);
    wal_ticket ticket;
    CK_OK(wal_enqueue(w, &record, 1, &ticket));
    CK_OK(wal_wait(w, ticket));
    buf_printf(&path, "%s/00000000", dir);
    CK_OK(fs_read_file(fs_posix(), buf_cstr(&path), 4096, &got));
    ck_assert(str_eq(buf_str(&got), STR(want)));
}
END_TEST

START_TEST(test_open_errors)
{
    const char *dir = test_dir();
    struct wal_opts opts = wal_test_opts(fs_posix(), dir);
    wal_close(wal_test_open(&opts));
    wal_close(wal_test_open(&opts));
    wal_close(wal_test_open(&opts));
    AUTO(buf_fini) struct buf path = BUF_INIT;
    buf_printf(&path, "%s/00000001", dir);
    CK_OK(fs_remove_file(fs_posix(), buf_cstr(&path)));
    struct wal *w = NULL;
    CK_ERR(ERR_CORRUPT, wal_open(&opts, &w));
    ck_assert_ptr_null(w);
    for (uint64_t n = 1; n <= 2; n++) { /* create, sync of the directory */
        AUTO(fs_fault_close)
        struct fs *fs =
            fs_fault_open(fs_posix(), &(struct fs_fault_opts){.fail_call = n, .errnum = ENOSPC});
        opts = wal_test_opts(fs, test_dir());
        CK_ERR(ERR_NO_SPACE, wal_open(&opts, &w));
        ck_assert_ptr_null(w);
    }
    wal_close(NULL);
}
END_TEST

START_TEST(test_limits)
{
    struct wal_opts opts = wal_test_opts(fs_posix(), test_dir());
    opts.segment_bytes = WAL_SEGMENT_BYTES_DEFAULT;
    AUTO(wal_close) struct wal *w = wal_test_open(&opts);
    wal_ticket ticket = 9;
    CK_OK(wal_enqueue(w, NULL, 0, &ticket));
    ck_assert_uint_eq(ticket, 0);
    CK_OK(wal_wait(w, 0));
    AUTO(mem_free) char *big = mem_array_zero(WAL_RECORD_BYTES_MAX + 1, 1);
    big[0] = 1;
    struct str record = str_of(big, WAL_RECORD_BYTES_MAX + 1);
    CK_ERR(ERR_TOO_LARGE, wal_enqueue(w, &record, 1, &ticket));
    record.n = 30 << 20;
    CK_OK(wal_enqueue(w, &record, 1, &ticket));
    CK_OK(wal_enqueue(w, &record, 1, &ticket));
    CK_ERR(ERR_OVERLOAD, wal_enqueue(w, &record, 1, &ticket));
    CK_OK(wal_wait(w, ticket));
    record.n = WAL_RECORD_BYTES_MAX; /* an empty queue takes any record */
    CK_OK(wal_enqueue(w, &record, 1, &ticket));
    CK_OK(wal_wait(w, ticket));
    ck_assert_uint_eq(ticket, 3);
}
END_TEST

START_TEST(test_finish_fails)
{
    for (uint64_t n = 1;; n++) {
        AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
        struct wal_opts opts = wal_test_opts(fs, test_dir());
        AUTO(wal_close) struct wal *w = wal_test_open(&opts);
        AUTO(buf_fini) struct buf b = BUF_INIT;
        struct str record = wal_make_record(&b, 1, 100);
        wal_ticket ticket;
        CK_OK(wal_enqueue(w, &record, 1, &ticket));
        fs_fault_arm(fs, &(struct fs_fault_opts){.fail_call = n, .errnum = ENOSPC});
        struct err e = wal_finish(w); /* writes what is queued */
        bool fired = fs_fault_fired(fs);
        ck_assert_int_eq(e.code, fired ? ERR_NO_SPACE : ERR_NONE);
        err_drop(e);
        if (!fired) {
            CK_OK(wal_wait(w, ticket));
            break;
        }
    }
}
END_TEST

/* --- many writers ------------------------------------------------------------------------- */

enum { WRITERS = 4, RECORDS_EACH = 400 };

struct writer_thread {
    pthread_t thread;
    struct wal *w;
    uint64_t first_seed;
    size_t more_bytes; /* a record has */
    uint64_t failed;   /* of its records */
    bool acknowledged[RECORDS_EACH];
    _Atomic(bool) done;
};

static void *
write_records(void *arg)
{
    struct writer_thread *t = arg;
    for (uint64_t i = 0; i < RECORDS_EACH; i++) {
        struct err e = wal_test_log(t->w, t->first_seed + i, t->more_bytes + 50 + i % 300);
        t->acknowledged[i] = e.code == ERR_NONE;
        t->failed += e.code != ERR_NONE;
        err_drop(e);
    }
    atomic_store(&t->done, true);
    return NULL;
}

/* The records of each writer are in order and exactly those that were acknowledged. */
static void
check_writers(const char *dir, const struct writer_thread *threads)
{
    AUTO(wal_log_fini) struct wal_log log;
    wal_log_read(&log, fs_posix(), dir);
    ck_assert_int_eq(log.end.code, ERR_NONE);
    size_t next[WRITERS] = {0}, total = 0;
    AUTO(buf_fini) struct buf b = BUF_INIT;
    for (size_t r = 0; r < log.ends.n; r++) {
        bool found = false;
        for (size_t t = 0; t < WRITERS && !found; t++) {
            while (next[t] < RECORDS_EACH && !threads[t].acknowledged[next[t]])
                next[t]++;
            uint64_t i = next[t];
            buf_clear(&b);
            if (i < RECORDS_EACH &&
                str_eq(wal_log_at(&log, r),
                       wal_make_record(&b, threads[t].first_seed + i, 50 + i % 300))) {
                found = true;
                next[t]++;
            }
        }
        ck_assert_msg(found, "record %zu was not acknowledged, or is out of order", r);
    }
    for (size_t t = 0; t < WRITERS; t++)
        total += RECORDS_EACH - threads[t].failed;
    ck_assert_uint_eq(log.ends.n, total);
}

/* Begins a segment while others write; it fails when the disk does. */
static void
cut(struct wal *w, uint64_t *segment)
{
    uint64_t before = *segment;
    struct err e = wal_cut(w, segment);
    ck_assert(e.code == ERR_NONE || e.code == ERR_NO_SPACE);
    ck_assert(e.code ? *segment == before : *segment >= before);
    err_drop(e);
}

/* Asking for times keeps leaders from beginning for a moment; it must not forget whom it kept.
 * Large records take so long to write that all three often meet. */
START_TEST(test_asked_meanwhile)
{
    struct wal_opts opts = wal_test_opts(fs_posix(), test_dir());
    AUTO(wal_close) struct wal *w = wal_test_open(&opts);
    struct writer_thread threads[2] = {{.w = w, .more_bytes = 100000},
                                       {.w = w, .more_bytes = 100000}};
    for (size_t t = 0; t < 2; t++)
        ck_assert_int_eq(pthread_create(&threads[t].thread, NULL, write_records, &threads[t]), 0);
    while (!atomic_load(&threads[0].done) || !atomic_load(&threads[1].done))
        (void)wal_newest_ms(w, 0);
    for (size_t t = 0; t < 2; t++) {
        ck_assert_int_eq(pthread_join(threads[t].thread, NULL), 0);
        ck_assert_uint_eq(threads[t].failed, 0);
    }
}
END_TEST

/* Bit 0: the disk fails now and then, and the owner recovers the log. Bit 2: the owner begins
 * segments. */
START_TEST(test_writers)
{
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    const char *dir = test_dir();
    struct wal_opts opts = wal_test_opts(fs, dir);
    opts.sync = _i & 2 ? WAL_SYNC_BATCH : WAL_SYNC_NONE;
    opts.compression = WAL_SNAPPY;
    AUTO(wal_close) struct wal *w = wal_test_open(&opts);
    struct writer_thread threads[WRITERS] = {0};
    for (size_t t = 0; t < WRITERS; t++) {
        threads[t].w = w;
        threads[t].first_seed = 10000 * (t + 1);
        ck_assert_int_eq(pthread_create(&threads[t].thread, NULL, write_records, &threads[t]), 0);
    }
    uint64_t segment = 0;
    for (int round = 0; round < 30 && _i & 5; round++) {
        clock_sleep_ns(clock_system(), 2000000);
        if (_i & 4)
            cut(w, &segment);
        if (_i & 1)
            fs_fault_break(fs, FS_FAULT_WRITE | FS_FAULT_CREATE, ENOSPC);
        clock_sleep_ns(clock_system(), 500000);
        if (_i & 4)
            cut(w, &segment);
        fs_fault_heal(fs);
        struct err health = wal_health(w);
        if (health.code)
            CK_OK(wal_recover(w, NULL, 0));
        err_drop(health);
    }
    for (size_t t = 0; t < WRITERS; t++)
        pthread_join(threads[t].thread, NULL);
    if (!(_i & 1))
        CK_OK(wal_finish(w));
    check_writers(dir, threads);
}
END_TEST

/* --- segments begun on demand --------------------------------------------------------------- */

START_TEST(test_cut)
{
    const char *dir = test_dir();
    struct wal_opts opts = wal_test_opts(fs_posix(), dir);
    opts.sync = _i ? WAL_SYNC_BATCH : WAL_SYNC_NONE;
    AUTO(wal_close) struct wal *w = wal_test_open(&opts);
    uint64_t segment = 9, offset;
    CK_OK(wal_cut(w, &segment)); /* nothing was written yet */
    ck_assert_uint_eq(segment, 0);
    for (uint64_t i = 0; i < 5; i++) {
        CK_OK(wal_test_log(w, i, 100));
        CK_OK(wal_cut(w, &segment));
        ck_assert_uint_eq(segment, i + 1);
        ck_assert_uint_eq(wal_segment(w), segment);
        CK_OK(wal_cut(w, &segment)); /* empty: it is new enough */
        ck_assert_uint_eq(segment, i + 1);
    }
    CK_OK(wal_finish(w));
    CK_ERR(ERR_UNAVAILABLE, wal_cut(w, &segment));
    AUTO(wal_reader_close) struct wal_reader *r = NULL;
    CK_OK(wal_reader_open(fs_posix(), dir, 0, &r));
    AUTO(buf_fini) struct buf b = BUF_INIT;
    struct str record;
    bool more;
    for (uint64_t i = 0; i < 5; i++) {
        CK_OK(wal_reader_next(r, &record, &more));
        wal_reader_where(r, &segment, &offset);
        ck_assert(more && str_eq(record, wal_make_record(&b, i, 100)));
        ck_assert_uint_eq(segment, i);
        ck_assert_uint_eq(offset, 0);
    }
    CK_OK(wal_reader_next(r, &record, &more));
    ck_assert(!more);
}
END_TEST

/* Whichever of its calls fails: the log is poisoned, recovers, and has all that was logged. */
START_TEST(test_cut_fails)
{
    for (uint64_t n = 1;; n++) {
        AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
        const char *dir = test_dir();
        struct wal_opts opts = wal_test_opts(fs, dir);
        opts.sync = _i ? WAL_SYNC_BATCH : WAL_SYNC_NONE;
        AUTO(wal_close) struct wal *w = wal_test_open(&opts);
        CK_OK(wal_test_log(w, 1, 100));
        AUTO(buf_fini) struct buf b = BUF_INIT;
        struct str waits = wal_make_record(&b, 2, 100); /* not written yet when the cut comes */
        wal_ticket ticket;
        CK_OK(wal_enqueue(w, &waits, 1, &ticket));
        fs_fault_arm(fs,
                     &(struct fs_fault_opts){.fail_call = n, .errnum = ENOSPC, .torn_bytes = 1000});
        uint64_t segment = 0;
        struct err e = wal_cut(w, &segment);
        bool fired = fs_fault_fired(fs);
        fs_fault_heal(fs);
        ck_assert_int_eq(e.code, fired ? ERR_NO_SPACE : ERR_NONE);
        err_drop(e);
        if (fired) {
            CK_ERR(ERR_NO_SPACE, wal_cut(w, &segment));
            CK_ERR(ERR_NO_SPACE, wal_wait(w, ticket));
            CK_OK(wal_recover(w, NULL, 0));
            CK_OK(wal_cut(w, &segment));
        } else {
            CK_OK(wal_wait(w, ticket));
        }
        CK_OK(wal_test_log(w, 3, 100));
        CK_OK(wal_finish(w));
        AUTO(wal_log_fini) struct wal_log log;
        wal_log_read(&log, fs_posix(), dir);
        ck_assert_msg(log.end.code == ERR_NONE, "%s", err_text(&log.end));
        ck_assert_uint_eq(log.ends.n, fired ? 2 : 3);
        wal_test_check(&log, 0, 1, 100);
        wal_test_check(&log, log.ends.n - 1, 3, 100);
        if (!fired)
            break;
    }
}
END_TEST

/* The out-of-order log: the same thing in another directory, with marks of mapped chunks, and
 * truncated without a checkpoint. */
START_TEST(test_wbl)
{
    AUTO(mem_free) char *dir = fs_path_below(test_dir(), STR("wbl"));
    struct wal_opts opts = wal_test_opts(fs_posix(), dir);
    AUTO(wal_close) struct wal *w = wal_test_open(&opts);
    uint64_t segment = 0, ref, chunk_ref;
    for (uint64_t i = 0; i < 3; i++) {
        AUTO(buf_fini) struct buf b = BUF_INIT;
        record_begin_mmap_markers(&b);
        record_put_mmap_marker(&b, i, i << 32 | 8);
        struct str record = buf_str(&b);
        wal_ticket ticket;
        CK_OK(wal_enqueue(w, &record, 1, &ticket));
        CK_OK(wal_wait(w, ticket));
        CK_OK(wal_cut(w, &segment));
    }
    CK_OK(wal_truncate(fs_posix(), dir, segment - 2));
    CK_OK(wal_finish(w));
    wal_close(TAKE(w));
    AUTO(wal_log_fini) struct wal_log log;
    wal_log_read(&log, fs_posix(), dir);
    ck_assert_int_eq(log.end.code, ERR_NONE);
    ck_assert_uint_eq(log.ends.n, 1);
    struct record_cursor c;
    record_read_mmap_markers(&c, wal_log_at(&log, 0));
    ck_assert(record_next_mmap_marker(&c, &ref, &chunk_ref));
    ck_assert(ref == 2 && chunk_ref == (UINT64_C(2) << 32 | 8));
    w = wal_test_open(&opts);
    ck_assert_uint_eq(wal_segment(w), segment + 1);
    AUTO(mem_free) char *inside = fs_path_below(dir, STR("wal"));
    ck_assert(!fs_exists(fs_posix(), inside)); /* no name of another log */
}
END_TEST

Suite *
wal_suite(void)
{
    Suite *s = suite_create("wal");
    TCase *t = tcase_create("wal");
    tcase_add_loop_test(t, test_round_trip, 0, 10);
    tcase_add_test(t, test_segment_sizes);
    tcase_add_test(t, test_example);
    tcase_add_test(t, test_open_errors);
    tcase_add_test(t, test_limits);
    tcase_add_test(t, test_finish_fails);
    tcase_add_test(t, test_asked_meanwhile);
    tcase_add_loop_test(t, test_writers, 0, 8);
    tcase_add_loop_test(t, test_cut, 0, 2);
    tcase_add_loop_test(t, test_cut_fails, 0, 2);
    tcase_add_test(t, test_wbl);
    suite_add_tcase(s, t);
    return s;
}
