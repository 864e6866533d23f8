/* Every rule of pages and fragments, on images made by hand; directories of segments; and a
 * repair that may be cut short at any of its steps. */
#include "tests/harness.h"

#include <stdio.h>

#include "base/bytes.h"
#include "base/codec.h"
#include "base/crc32c.h"
#include "base/fs_fault.h"
#include "base/mem.h"
#include "tests/tsdb/wal_help.h"
#include "tsdb/wal/wal.h"
#include "tsdb/wal/wal_frames.h"
#include "tsdb/wal/wal_reader.h"

enum { FULL = 1, FIRST = 2, MIDDLE = 3, LAST = 4, SNAPPY = 8, ZSTD = 16, PAGE = 32 << 10 };

static void
put_fragment(struct buf *b, int head, struct str data)
{
    buf_put_u8(b, (uint8_t)head);
    buf_put_be16(b, (uint16_t)data.n);
    buf_put_be32(b, crc32c(data));
    buf_append(b, data);
}

static void
put_zeros(struct buf *b, size_t n)
{
    for (; n > 0; n--)
        buf_put_u8(b, 0);
}

static void
pad_to_page(struct buf *b)
{
    put_zeros(b, (PAGE - b->n % PAGE) % PAGE);
}

/* --- images ------------------------------------------------------------------------------- */

static void
image_empty(struct buf *b)
{
    (void)b;
}
static void
image_one(struct buf *b)
{
    put_fragment(b, FULL, STR("one"));
}
static void
image_two(struct buf *b)
{
    image_one(b), put_fragment(b, FULL, STR("two"));
}
static void
image_empty_record(struct buf *b)
{
    put_fragment(b, FULL, STR("")), image_one(b);
}
static void
image_zeros(struct buf *b)
{
    image_one(b), put_zeros(b, 3 * PAGE), pad_to_page(b);
}
static void
image_pages(struct buf *b)
{
    image_one(b), pad_to_page(b), image_two(b), put_zeros(b, 100);
}
static void
image_split(struct buf *b)
{
    put_fragment(b, FIRST, STR("on")), put_fragment(b, MIDDLE, STR("")),
        put_fragment(b, LAST, STR("e"));
}
static void
image_split_over_padding(struct buf *b)
{
    put_fragment(b, FIRST, STR("on")), pad_to_page(b), put_fragment(b, LAST, STR("e"));
}
static void
image_six_left(struct buf *b) /* a page with less than a header left is full */
{
    put_zeros(b, PAGE - 6 - 10), b->n = 0;
    AUTO(buf_fini) struct buf data = BUF_INIT;
    put_zeros(&data, PAGE - 7 - 6);
    data.p[0] = 'x';
    put_fragment(b, FULL, buf_str(&data)), put_zeros(b, 6), image_one(b);
}
static void
image_snappy(struct buf *b)
{
    AUTO(buf_fini) struct buf z = BUF_INIT;
    snappy_encode(STR("one"), &z);
    put_fragment(b, FULL | SNAPPY, buf_str(&z));
}
static void
image_zstd(struct buf *b)
{
    AUTO(buf_fini) struct buf z = BUF_INIT;
    zstd_encode(STR("one"), &z);
    put_fragment(b, FULL | ZSTD, buf_str(&z));
}
static void
image_both_flags(struct buf *b) /* snappy wins; the last fragment's flags count */
{
    AUTO(buf_fini) struct buf z = BUF_INIT;
    snappy_encode(STR("one"), &z);
    put_fragment(b, FIRST, str_of(z.p, 2));
    put_fragment(b, LAST | SNAPPY | ZSTD, str_skip(buf_str(&z), 2));
}
static void
image_torn_header(struct buf *b)
{
    image_two(b), b->n -= 3 + 4;
}
static void
image_torn_data(struct buf *b)
{
    image_two(b), b->n -= 1;
}
static void
image_torn_record(struct buf *b)
{
    image_one(b), put_fragment(b, FIRST, STR("t"));
}
static void
image_torn_before_padding(struct buf *b)
{
    image_one(b), put_fragment(b, FIRST, STR("t")), pad_to_page(b);
}
static void
image_bad_crc(struct buf *b)
{
    image_two(b), b->p[b->n - 1] ^= 1;
}
static void
image_bad_padding(struct buf *b)
{
    image_one(b), put_zeros(b, 10), buf_put_u8(b, 1), put_zeros(b, 10);
}
static void
image_last_alone(struct buf *b)
{
    image_one(b), put_fragment(b, LAST, STR("x"));
}
static void
image_middle_alone(struct buf *b)
{
    image_one(b), put_fragment(b, MIDDLE, STR("x"));
}
static void
image_full_inside(struct buf *b)
{
    image_one(b), put_fragment(b, FIRST, STR("x")), put_fragment(b, FULL, STR("two"));
}
static void
image_first_inside(struct buf *b)
{
    image_one(b), put_fragment(b, FIRST, STR("x")), put_fragment(b, FIRST, STR("y"));
}
static void
image_kind_5(struct buf *b)
{
    image_one(b), put_fragment(b, 5, STR("x"));
}
static void
image_flag_32(struct buf *b)
{
    image_one(b), put_fragment(b, FULL | 32, STR("x"));
}
static void
image_flag_alone(struct buf *b)
{
    image_one(b), put_fragment(b, SNAPPY, STR("x"));
}
static void
image_over_page(struct buf *b)
{
    AUTO(buf_fini) struct buf data = BUF_INIT;
    put_zeros(&data, PAGE - 7 - 9);
    image_one(b), put_fragment(b, FULL, buf_str(&data));
}
static void
image_bad_snappy(struct buf *b)
{
    image_one(b), put_fragment(b, FULL | SNAPPY, STR("xyz"));
}
static void
image_bad_zstd(struct buf *b)
{
    image_one(b), put_fragment(b, FULL | ZSTD, STR("xyz"));
}
static void
image_huge_snappy(struct buf *b) /* announces 4 GiB - 1 */
{
    image_one(b), put_fragment(b, FULL | SNAPPY,
                               STR("\xff\xff\xff\xff\x0f"
                                   "abc"));
}

static const struct image_case {
    const char *name;
    void (*make)(struct buf *b);
    enum err_code code;
    size_t records; /* before the end or the fault */
    uint64_t offset;
} image_cases[] = {
    {"empty", image_empty, ERR_NONE, 0, 0},
    {"one", image_one, ERR_NONE, 1, 0},
    {"two", image_two, ERR_NONE, 2, 0},
    {"an empty record", image_empty_record, ERR_NONE, 2, 0},
    {"zero pages", image_zeros, ERR_NONE, 1, 0},
    {"padded page", image_pages, ERR_NONE, 3, 0},
    {"split", image_split, ERR_NONE, 1, 0},
    {"split over padding", image_split_over_padding, ERR_NONE, 1, 0},
    {"six bytes left", image_six_left, ERR_NONE, 2, 0},
    {"snappy", image_snappy, ERR_NONE, 1, 0},
    {"zstd", image_zstd, ERR_NONE, 1, 0},
    {"both flags", image_both_flags, ERR_NONE, 1, 0},
    {"torn header", image_torn_header, ERR_CORRUPT, 1, 10},
    {"torn data", image_torn_data, ERR_CORRUPT, 1, 10},
    {"torn record", image_torn_record, ERR_CORRUPT, 1, 10},
    {"torn before padding", image_torn_before_padding, ERR_CORRUPT, 1, 10},
    {"bad checksum", image_bad_crc, ERR_CORRUPT, 1, 10},
    {"bad padding", image_bad_padding, ERR_CORRUPT, 1, 10},
    {"last alone", image_last_alone, ERR_CORRUPT, 1, 10},
    {"middle alone", image_middle_alone, ERR_CORRUPT, 1, 10},
    {"full inside a record", image_full_inside, ERR_CORRUPT, 1, 10},
    {"first inside a record", image_first_inside, ERR_CORRUPT, 1, 10},
    {"kind 5", image_kind_5, ERR_CORRUPT, 1, 10},
    {"flag 32", image_flag_32, ERR_CORRUPT, 1, 10},
    {"a flag without a kind", image_flag_alone, ERR_CORRUPT, 1, 10},
    {"longer than its page", image_over_page, ERR_CORRUPT, 1, 10},
    {"bad snappy", image_bad_snappy, ERR_CORRUPT, 1, 10},
    {"bad zstd", image_bad_zstd, ERR_CORRUPT, 1, 10},
    {"too long when decompressed", image_huge_snappy, ERR_LIMIT, 1, 10},
};

START_TEST(test_images)
{
    const struct image_case *c = &image_cases[_i];
    AUTO(buf_fini) struct buf b = BUF_INIT;
    c->make(&b);
    AUTO(wal_frames_fini) struct wal_frames f = WAL_FRAMES_INIT;
    wal_frames_begin(&f, buf_str(&b));
    struct str record = STR(""), last = STR("");
    bool more = true;
    size_t records = 0;
    struct err e = OK;
    while ((e = wal_frames_next(&f, &record, &more)).code == ERR_NONE && more) {
        last = record;
        records++;
    }
    ck_assert_msg(e.code == c->code, "%s: %s", c->name, err_text(&e));
    ROW_ASSERT(c->name, records == c->records);
    if (c->code)
        ROW_ASSERT(c->name, f.record_at == c->offset);
    else if (records > 0 && last.n > 0 && last.n < 10)
        ROW_ASSERT(c->name, str_eq(last, STR("one")) || str_eq(last, STR("two")));
    err_drop(e);
}
END_TEST

/* A record of more fragments than the limit allows is refused before it fills the memory. */
START_TEST(test_endless_record)
{
    AUTO(buf_fini) struct buf b = BUF_INIT, data = BUF_INIT;
    put_zeros(&data, PAGE - 7);
    put_fragment(&b, FIRST, buf_str(&data));
    buf_reserve(&b, (size_t)PAGE * (WAL_RECORD_BYTES_MAX / (PAGE - 7) + 2));
    put_fragment(&b, MIDDLE, buf_str(&data));
    for (int i = 0; i < WAL_RECORD_BYTES_MAX / (PAGE - 7); i++)
        buf_append(&b, str_of(b.p + PAGE, PAGE));
    AUTO(wal_frames_fini) struct wal_frames f = WAL_FRAMES_INIT;
    wal_frames_begin(&f, buf_str(&b));
    struct str record;
    bool more;
    CK_ERR(ERR_LIMIT, wal_frames_next(&f, &record, &more));
    ck_assert_uint_eq(f.record_at, 0);
}
END_TEST

/* --- directories -------------------------------------------------------------------------- */

static void
write_file(const char *dir, const char *name, struct str bytes)
{
    AUTO(buf_fini) struct buf path = BUF_INIT;
    buf_printf(&path, "%s/%s", dir, name);
    CK_OK(fs_write_file(fs_posix(), buf_cstr(&path), bytes));
}

START_TEST(test_segment_list)
{
    static const struct {
        const char *name;
        const char *files[4];
        enum err_code code;
        bool none;
        uint64_t first, last;
    } rows[] = {
        {"nothing", {NULL}, ERR_NONE, true, 0, 0},
        {"one", {"00000007"}, ERR_NONE, false, 7, 7},
        {"three", {"00000002", "00000000", "00000001"}, ERR_NONE, false, 0, 2},
        {"nine digits", {"99999999", "100000000"}, ERR_NONE, false, 99999999, 100000000},
        {"others are ignored",
         {"00000001", "00000003.repair", "series_state.json", "7"},
         ERR_NONE,
         false,
         1,
         1},
        {"zeros in front of nine digits", {"000000001"}, ERR_NONE, true, 0, 0},
        {"gap", {"00000001", "00000003"}, ERR_CORRUPT, false, 0, 0},
        {"number above 64 bits", {"99999999999999999999"}, ERR_NONE, true, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *dir = test_dir();
        for (size_t j = 0; j < ARRAY_LEN(rows[i].files) && rows[i].files[j]; j++)
            write_file(dir, rows[i].files[j], STR(""));
        uint64_t first = 0, last = 0;
        bool none = false;
        struct err e = wal_segments(fs_posix(), dir, &first, &last, &none);
        ROW_ASSERT(rows[i].name, e.code == rows[i].code);
        ROW_ASSERT(rows[i].name,
                   none == rows[i].none && first == rows[i].first && last == rows[i].last);
        err_drop(e);
        AUTO(wal_reader_close) struct wal_reader *r = NULL;
        e = wal_reader_open(fs_posix(), dir, 0, &r);
        ROW_ASSERT(rows[i].name, e.code == rows[i].code);
        err_drop(e);
    }
    uint64_t first, last;
    bool none = false;
    CK_OK(wal_segments(fs_posix(), "/nonexistent/wal", &first, &last, &none));
    ck_assert(none);
}
END_TEST

START_TEST(test_checkpoints)
{
    const char *dir = test_dir();
    AUTO(buf_fini) struct buf path = BUF_INIT, found = BUF_INIT;
    uint64_t segment = 0;
    bool none = false;
    CK_OK(wal_last_checkpoint(fs_posix(), dir, &found, &segment, &none));
    ck_assert(none && found.n == 0);
    static const char *const dirs[] = {"checkpoint.00000003", "checkpoint.00000012",
                                       "checkpoint.00000020.tmp", "checkpoint.", "checkpoint.x"};
    for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
        buf_clear(&path);
        buf_printf(&path, "%s/%s", dir, dirs[i]);
        CK_OK(fs_make_dirs(fs_posix(), buf_cstr(&path)));
    }
    CK_OK(wal_last_checkpoint(fs_posix(), dir, &found, &segment, &none));
    ck_assert(!none && segment == 12);
    ck_assert(str_ends_with(buf_str(&found), STR("/checkpoint.00000012")));
    write_file(dir, "checkpoint.00000013", STR(""));
    CK_ERR(ERR_CORRUPT, wal_last_checkpoint(fs_posix(), dir, &found, &segment, &none));
}
END_TEST

START_TEST(test_first_segment)
{
    const char *dir = test_dir();
    AUTO(buf_fini) struct buf b = BUF_INIT;
    image_one(&b);
    write_file(dir, "00000003", buf_str(&b));
    write_file(dir, "00000004", STR(""));
    image_one(&b);
    write_file(dir, "00000005", buf_str(&b));
    static const struct {
        uint64_t first;
        size_t want;
    } rows[] = {{0, 3}, {3, 3}, {4, 2}, {5, 2}, {6, 0}, {UINT64_MAX, 0}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(wal_reader_close) struct wal_reader *r = NULL;
        CK_OK(wal_reader_open(fs_posix(), dir, rows[i].first, &r));
        struct str record;
        bool more = true;
        size_t n = 0;
        for (;; n++) {
            CK_OK(wal_reader_next(r, &record, &more));
            if (!more)
                break;
            uint64_t segment, offset;
            wal_reader_where(r, &segment, &offset);
            ck_assert_uint_ge(segment, rows[i].first);
            ck_assert(offset == 0 || offset == 10);
        }
        ck_assert_uint_eq(n, rows[i].want);
        ck_assert_uint_eq(record.n, 0);
        CK_OK(wal_reader_next(r, &record, &more)); /* the end stays the end */
        ck_assert(!more);
    }
}
END_TEST

/* --- repair ------------------------------------------------------------------------------- */

enum { DAMAGE_SEGMENT = 2, SEGMENTS = 5, RECORDS_A_SEGMENT = 4 };

/* A log of five segments whose third is damaged: the image in question behind four records. */
static size_t
make_damaged(const char *dir, const struct image_case *damage)
{
    AUTO(buf_fini) struct buf b = BUF_INIT, record = BUF_INIT;
    for (int segment = 0; segment < SEGMENTS; segment++) {
        buf_clear(&b);
        for (int i = 0; i < RECORDS_A_SEGMENT; i++) {
            buf_clear(&record);
            struct str r =
                wal_make_record(&record, (uint64_t)(segment * RECORDS_A_SEGMENT + i), 100);
            put_fragment(&b, FULL, r);
        }
        if (segment == DAMAGE_SEGMENT) {
            pad_to_page(&b);
            AUTO(buf_fini) struct buf image = BUF_INIT;
            damage->make(&image);
            buf_append(&b, buf_str(&image));
        }
        char name[16];
        snprintf(name, sizeof name, "%08d", segment + 10);
        write_file(dir, name, buf_str(&b));
    }
    return (DAMAGE_SEGMENT + 1) * RECORDS_A_SEGMENT + damage->records;
}

/* Reads; repairs when there is something; reads again: exactly the good records. */
static void
repair_and_check(const char *name, const char *dir, size_t want)
{
    AUTO(wal_log_fini) struct wal_log before;
    wal_log_read(&before, fs_posix(), dir);
    ROW_ASSERT(name, before.ends.n == want);
    if (before.end.code)
        CK_OK(wal_repair(fs_posix(), dir, before.segment, before.offset));
    AUTO(wal_log_fini) struct wal_log after;
    wal_log_read(&after, fs_posix(), dir);
    ck_assert_msg(after.end.code == ERR_NONE, "%s: %s", name, err_text(&after.end));
    ROW_ASSERT(name, str_eq(buf_str(&before.bytes), buf_str(&after.bytes)));
    uint64_t first, last;
    bool none;
    CK_OK(wal_segments(fs_posix(), dir, &first, &last, &none));
    ROW_ASSERT(name, !none && first == 10 && last == 10 + DAMAGE_SEGMENT);
}

/* Loops over the damaged images: the repair dies at each of its calls, with and without the
 * power. */
START_TEST(test_repair)
{
    const struct image_case *c = &image_cases[_i];
    if (c->code != ERR_CORRUPT)
        return;
    for (int power = 0; power < 2; power++) {
        for (uint64_t n = 1;; n++) {
            const char *dir = test_dir();
            size_t want = make_damaged(dir, c);
            AUTO(wal_log_fini) struct wal_log log;
            wal_log_read(&log, fs_posix(), dir);
            ROW_ASSERT(c->name, log.end.code == ERR_CORRUPT);
            ROW_ASSERT(c->name, log.segment == 10 + DAMAGE_SEGMENT);
            AUTO(fs_fault_close)
            struct fs *fs = fs_fault_open(
                fs_posix(), &(struct fs_fault_opts){.fail_call = n, .mode = FS_FAULT_CRASH});
            struct err e = wal_repair(fs, dir, log.segment, log.offset);
            bool fired = fs_fault_fired(fs);
            ROW_ASSERT(c->name, (e.code == ERR_NONE) == !fired);
            err_drop(e);
            if (power)
                CK_OK(fs_fault_power_cut(fs));
            repair_and_check(c->name, dir, want);
            if (!fired)
                break;
        }
    }
}
END_TEST

START_TEST(test_repair_nothing)
{
    const char *dir = test_dir();
    CK_ERR(ERR_NOT_FOUND, wal_repair(fs_posix(), dir, 3, 0));
    AUTO(buf_fini) struct buf b = BUF_INIT;
    image_two(&b);
    write_file(dir, "00000003", buf_str(&b));
    CK_OK(wal_repair(fs_posix(), dir, 3, b.n));
    CK_OK(wal_repair(fs_posix(), dir, 3, b.n + 1000)); /* never longer than it was */
    AUTO(wal_log_fini) struct wal_log log;
    wal_log_read(&log, fs_posix(), dir);
    ck_assert_uint_eq(log.ends.n, 2);
    CK_OK(wal_repair(fs_posix(), dir, 3, 0));
    AUTO(wal_log_fini) struct wal_log none;
    wal_log_read(&none, fs_posix(), dir);
    ck_assert_uint_eq(none.ends.n, 0);
}
END_TEST

Suite *
wal_reader_suite(void)
{
    Suite *s = suite_create("wal_reader");
    TCase *t = tcase_create("wal_reader");
    tcase_add_loop_test(t, test_images, 0, ARRAY_LEN(image_cases));
    tcase_add_test(t, test_endless_record);
    tcase_add_test(t, test_segment_list);
    tcase_add_test(t, test_checkpoints);
    tcase_add_test(t, test_first_segment);
    tcase_add_loop_test(t, test_repair, 0, ARRAY_LEN(image_cases));
    tcase_add_test(t, test_repair_nothing);
    suite_add_tcase(s, t);
    return s;
}
