/* A log is read from any of its records on, as behind a snapshot. */
#include "tests/harness.h"

#include "base/mem.h"
#include "tests/tsdb/wal_help.h"
#include "tsdb/wal/wal_reader.h"

enum { RECORDS = 40, RECORD_BYTES = 9000 }; /* several segments, records over pages */

struct places {
    uint64_t segment[RECORDS + 1], offset[RECORDS + 1];
};

/* Records 0 .. RECORDS-1, and where each begins. */
static const char *
make_log(struct places *p)
{
    const char *dir = test_dir();
    struct wal_opts opts = wal_test_opts(fs_posix(), dir);
    AUTO(wal_close) struct wal *w = wal_test_open(&opts);
    for (uint64_t i = 0; i < RECORDS; i++)
        CK_OK(wal_test_log(w, i, RECORD_BYTES));
    CK_OK(wal_finish(w));
    AUTO(wal_reader_close) struct wal_reader *r = NULL;
    CK_OK(wal_reader_open(fs_posix(), dir, 0, &r));
    struct str record;
    bool more;
    for (size_t i = 0; i < RECORDS; i++) {
        CK_OK(wal_reader_next(r, &record, &more));
        ck_assert(more);
        wal_reader_where(r, &p->segment[i], &p->offset[i]);
    }
    ck_assert_uint_gt(p->segment[RECORDS - 1], 2);
    return dir;
}

/* Skipping to (segment, offset) leaves the records from `want` on. */
static void
check_skip(const char *name, const char *dir, uint64_t segment, uint64_t offset, size_t want)
{
    AUTO(wal_reader_close) struct wal_reader *r = NULL;
    AUTO(buf_fini) struct buf b = BUF_INIT;
    CK_OK(wal_reader_open(fs_posix(), dir, 0, &r));
    wal_reader_skip(r, segment, offset);
    for (;; want++) {
        struct str record;
        bool more;
        CK_OK(wal_reader_next(r, &record, &more));
        if (!more)
            break;
        buf_clear(&b);
        ROW_ASSERT(name, str_eq(record, wal_make_record(&b, want, RECORD_BYTES)));
    }
    ROW_ASSERT(name, want == RECORDS);
}

START_TEST(test_every_record)
{
    struct places p;
    const char *dir = make_log(&p);
    for (size_t i = 0; i < RECORDS; i++)
        check_skip("a record", dir, p.segment[i], p.offset[i], i);
}
END_TEST

START_TEST(test_edges)
{
    struct places p;
    const char *dir = make_log(&p);
    size_t second = 0; /* first record of segment 1 */
    while (p.segment[second] == 0)
        second++;
    uint64_t last = p.segment[RECORDS - 1];
    check_skip("nothing", dir, 0, 0, 0);
    check_skip("a whole segment", dir, 1, 0, second);
    check_skip("the end of a segment", dir, 0, 2 * WAL_PAGE_BYTES, second);
    check_skip("behind the end of a segment", dir, 0, UINT64_MAX, second);
    check_skip("the end of the log", dir, last, UINT64_MAX, RECORDS);
    check_skip("segments that are not there", dir, last + 1, 0, RECORDS);
    check_skip("much later ones", dir, last + 5, 77, RECORDS);
}
END_TEST

/* No record begins there: told, with the offset. */
START_TEST(test_inside)
{
    struct places p;
    AUTO(wal_reader_close) struct wal_reader *r = NULL;
    struct str record;
    bool more;
    CK_OK(wal_reader_open(fs_posix(), make_log(&p), 0, &r));
    wal_reader_skip(r, 0, p.offset[1] + 3);
    CK_ERR(ERR_CORRUPT, wal_reader_next(r, &record, &more));
    uint64_t segment, offset;
    wal_reader_where(r, &segment, &offset);
    ck_assert(segment == 0 && offset == p.offset[1] + 3);
}
END_TEST

/* --- records that are passed over ------------------------------------------------------------ */

static void
check_passed_over(enum wal_compression compression, uint32_t unwanted)
{
    const char *dir = test_dir();
    struct wal_opts opts = wal_test_opts(fs_posix(), dir);
    opts.compression = compression;
    AUTO(wal_close) struct wal *w = wal_test_open(&opts);
    AUTO(buf_fini) struct buf b = BUF_INIT;
    for (uint64_t i = 0; i < RECORDS; i++) {
        buf_clear(&b);
        (void)wal_make_record(&b, i, i % 3 == 0 ? RECORD_BYTES : 20);
        b.p[0] = (char)(i % 40); /* types of today, and two that no mask can name */
        memset(b.p + 1, 'x', i % 5 == 0 ? b.n - 1 : 1);
        wal_ticket ticket;
        struct str record = buf_str(&b);
        CK_OK(wal_enqueue(w, &record, 1, &ticket));
        CK_OK(wal_wait(w, ticket));
    }
    AUTO(wal_reader_close) struct wal_reader *r = NULL;
    CK_OK(wal_reader_open(fs_posix(), dir, 0, &r));
    wal_reader_pass_over(r, unwanted);
    for (uint64_t i = 0; i < RECORDS; i++) {
        if (i < 32 && unwanted >> i & 1)
            continue;
        struct str record;
        bool more;
        CK_OK(wal_reader_next(r, &record, &more));
        ck_assert(more && (uint8_t)record.p[0] == i % 40);
        ck_assert_uint_eq(record.n, i % 3 == 0 ? RECORD_BYTES : 20);
    }
    struct str record;
    bool more;
    CK_OK(wal_reader_next(r, &record, &more));
    ck_assert(!more && record.n == 0);
}

START_TEST(test_pass_over)
{
    static const uint32_t masks[] = {0, 1, 0x84, 0xaaaaaaaa, UINT32_MAX};
    check_passed_over(WAL_PLAIN, masks[_i]);
    check_passed_over(WAL_SNAPPY, masks[_i]);
}
END_TEST

Suite *
wal_reader_skip_suite(void)
{
    Suite *s = suite_create("wal_reader_skip");
    TCase *t = tcase_create("wal_reader_skip");
    tcase_add_test(t, test_every_record);
    tcase_add_test(t, test_edges);
    tcase_add_test(t, test_inside);
    tcase_add_loop_test(t, test_pass_over, 0, 5);
    suite_add_tcase(s, t);
    return s;
}
