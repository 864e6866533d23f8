/* What was flushed is read back, now and after reopening; from damage on files are dropped and
 * the rest survives; Prometheus' own files are read. */
#include "tests/harness.h"

#include <stdio.h>

#include "base/fs_fault.h"
#include "tests/tsdb/golden.h"
#include "tsdb/head/head_chunks.h"

enum { CHUNKS = 40 };

struct seen {
    uint64_t series[4 * CHUNKS];
    size_t n;
    int restarts;
};

static struct err
see(void *arg, const struct head_chunk_info *info)
{
    struct seen *s = arg;
    if (!info) {
        s->n = 0;
        s->restarts++;
        return OK;
    }
    if (s->n < ARRAY_LEN(s->series))
        s->series[s->n] = info->series_ref;
    s->n++;
    return OK;
}

static struct head_chunks *
open_chunks(struct fs *fs, const char *dir, struct seen *seen, struct err *lost)
{
    *seen = (struct seen){0};
    struct head_chunks *h = NULL;
    CK_OK(head_chunks_open(fs, dir, see, seen, lost, &h));
    return h;
}

static struct chunk_view
chunk_of(int i, char bytes[64])
{
    memset(bytes, i, 64);
    return (struct chunk_view){i * 100, i * 100 + 99, CHUNK_XOR,
                               str_of(bytes, 20 + (size_t)i % 44)};
}

/* `files` files of CHUNKS chunks each, numbered on from `first`. */
static void
fill(const char *dir, int files, head_chunk_ref *ret_refs)
{
    for (int file = 0; file < files; file++) {
        struct seen seen;
        struct err lost;
        AUTO(head_chunks_close) struct head_chunks *h = open_chunks(fs_posix(), dir, &seen, &lost);
        ck_assert_int_eq(lost.code, ERR_NONE);
        ck_assert_uint_eq(seen.n, file * CHUNKS);
        for (int i = 0; i < CHUNKS; i++) {
            char bytes[64];
            struct chunk_view c = chunk_of(i, bytes);
            CK_OK(head_chunks_write(h, (uint64_t)(file * CHUNKS + i + 1), &c,
                                    &ret_refs[file * CHUNKS + i]));
        }
        CK_OK(head_chunks_flush(h));
        for (int i = 0; i < CHUNKS; i++) {
            char bytes[64];
            struct chunk_view c = chunk_of(i, bytes);
            ck_assert(str_eq(head_chunks_data(h, ret_refs[file * CHUNKS + i]), c.data));
        }
        CK_OK(head_chunks_finish(h));
    }
}

START_TEST(test_round_trip)
{
    const char *dir = test_dir();
    head_chunk_ref refs[3 * CHUNKS];
    fill(dir, 3, refs);
    struct seen seen;
    struct err lost;
    AUTO(head_chunks_close) struct head_chunks *h = open_chunks(fs_posix(), dir, &seen, &lost);
    ck_assert_int_eq(lost.code, ERR_NONE);
    ck_assert_uint_eq(seen.n, 3 * CHUNKS);
    for (size_t i = 0; i < seen.n; i++) {
        char bytes[64];
        ck_assert_uint_eq(seen.series[i], i + 1);
        ck_assert(str_eq(head_chunks_data(h, refs[i]), chunk_of((int)(i % CHUNKS), bytes).data));
    }
}
END_TEST

/* What is done to the middle one of three files, and how many chunks are left. */
static const struct damage_case {
    const char *name;
    int64_t offset; /* negative: from the end */
    const char *bytes;
    int64_t truncate; /* bytes cut off the end */
    size_t left_min, left_max;
    bool lost;
} damage_cases[] = {
    {"flipped byte in a chunk", 500, "\x55\x55", 0, CHUNKS, CHUNKS, true},
    {"bad magic", 0, "oops", 0, CHUNKS, CHUNKS, true},
    {"unknown version", 4, "\x09", 0, CHUNKS, CHUNKS, true},
    {"cut in the middle of a chunk", 0, NULL, 7, CHUNKS, CHUNKS, true},
    {"huge length", 8 + 25, "\xff\xff\xff\x7f", 0, CHUNKS, CHUNKS, true},
};

START_TEST(test_damage)
{
    const struct damage_case *c = &damage_cases[_i];
    const char *dir = test_dir();
    head_chunk_ref refs[3 * CHUNKS];
    fill(dir, 3, refs);
    char path[512];
    snprintf(path, sizeof path, "%s/000002", dir);
    AUTO(file_close) struct file *f = NULL;
    CK_OK(fs_open(fs_posix(), path, FS_WRITE_KEEP, &f));
    uint64_t size;
    CK_OK(file_size(f, &size));
    if (c->bytes)
        CK_OK(file_write_at(f, (uint64_t)c->offset, str_of_cstr(c->bytes)));
    CK_OK(file_truncate(f, size - (uint64_t)c->truncate));

    struct seen seen;
    struct err lost;
    struct head_chunks *h = open_chunks(fs_posix(), dir, &seen, &lost);
    ROW_ASSERT(c->name, (lost.code == ERR_CORRUPT) == c->lost);
    ROW_ASSERT(c->name, seen.n >= c->left_min && seen.n <= c->left_max);
    ROW_ASSERT(c->name, seen.restarts == 1);
    err_drop(lost);
    head_chunks_close(h);
    h = open_chunks(fs_posix(), dir, &seen, &lost); /* the healing holds */
    ROW_ASSERT(c->name, lost.code == ERR_NONE && seen.n == CHUNKS);
    head_chunks_close(h);
}
END_TEST

START_TEST(test_gap_and_headless)
{
    const char *dir = test_dir();
    head_chunk_ref refs[3 * CHUNKS];
    fill(dir, 3, refs);
    char path[512];
    snprintf(path, sizeof path, "%s/000004", dir);
    CK_OK(fs_write_file(fs_posix(), path, STR("\0\0\0\0\0"))); /* died before its header */
    struct seen seen;
    struct err lost;
    struct head_chunks *h = open_chunks(fs_posix(), dir, &seen, &lost);
    ck_assert_int_eq(lost.code, ERR_NONE);
    ck_assert_uint_eq(seen.n, 3 * CHUNKS);
    head_chunks_close(h);
    snprintf(path, sizeof path, "%s/000002", dir);
    CK_OK(fs_remove_file(fs_posix(), path));
    h = open_chunks(fs_posix(), dir, &seen, &lost);
    ck_assert_int_eq(lost.code, ERR_CORRUPT);
    err_drop(lost);
    ck_assert_uint_eq(seen.n, CHUNKS);
    head_chunks_close(h);
}
END_TEST

START_TEST(test_full_disk)
{
    const char *dir = test_dir();
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    struct seen seen;
    struct err lost;
    struct head_chunks *h = open_chunks(fs, dir, &seen, &lost);
    char bytes[64];
    struct chunk_view c = chunk_of(1, bytes);
    head_chunk_ref first, ref;
    CK_OK(head_chunks_write(h, 1, &c, &first));
    CK_OK(head_chunks_flush(h));
    for (int i = 0; i < 3; i++) {
        struct fs_fault_opts torn = {
            .fail_call = 1, .errnum = 28, .torn_bytes = 5, .calls = FS_FAULT_WRITE};
        fs_fault_arm(fs, &torn);
        CK_OK(head_chunks_write(h, 2, &c, &ref));
        CK_ERR(ERR_NO_SPACE, head_chunks_flush(h));
    }
    fs_fault_heal(fs);
    CK_OK(head_chunks_write(h, 3, &c, &ref));
    CK_OK(head_chunks_flush(h));
    ck_assert(str_eq(head_chunks_data(h, first), c.data));
    ck_assert(str_eq(head_chunks_data(h, ref), c.data));
    head_chunks_close(h);
    h = open_chunks(fs_posix(), dir, &seen, &lost);
    ck_assert_int_eq(lost.code, ERR_NONE);
    ck_assert_uint_eq(seen.n, 2);
    ck_assert_uint_eq(seen.series[1], 3);
    head_chunks_close(h);
}
END_TEST

/* Prometheus preallocates and leaves zeros; its chunks of all encodings are visited. */
START_TEST(test_golden)
{
    const char *golden = golden_path("prometheus-3.14/kill9-plain/chunks_head/000001");
    if (!golden)
        return;
    AUTO(buf_fini) struct buf bytes = BUF_INIT;
    CK_OK(fs_read_file(fs_posix(), golden, 1 << 20, &bytes));
    const char *dir = test_dir();
    char path[512];
    snprintf(path, sizeof path, "%s/000001", dir);
    CK_OK(fs_write_file(fs_posix(), path, buf_str(&bytes)));
    struct seen seen;
    struct err lost;
    struct head_chunks *h = open_chunks(fs_posix(), dir, &seen, &lost);
    ck_assert_int_eq(lost.code, ERR_NONE);
    ck_assert_uint_gt(seen.n, 10);
    head_chunks_close(h);
}
END_TEST

Suite *
head_chunks_suite(void)
{
    Suite *s = suite_create("head_chunks");
    TCase *t = tcase_create("head_chunks");
    tcase_add_test(t, test_round_trip);
    tcase_add_loop_test(t, test_damage, 0, ARRAY_LEN(damage_cases));
    tcase_add_test(t, test_gap_and_headless);
    tcase_add_test(t, test_full_disk);
    tcase_add_test(t, test_golden);
    suite_add_tcase(s, t);
    return s;
}
