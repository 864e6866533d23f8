/* Cursors are read back; of a damaged file all those that are whole; a map grows; failures of the
 * disk leave the old file. */
#include "tests/harness.h"

#include <errno.h>
#include <stdio.h>

#include "base/fs_fault.h"
#include "base/rand.h"
#include "replication/handoff.h"
#include "replication/handoff_cursors.h"

static const char *
path_of(struct buf *path)
{
    buf_printf(path, "%s/cursors.mdb", test_dir());
    return buf_cstr(path);
}

/* The number stored for a name; 0: none. */
static uint64_t
find(const struct handoff_cursor_list *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++) {
        if (strcmp(l->v[i].name, name) == 0)
            return l->v[i].seq;
    }
    return 0;
}

static void
check_stored(const char *path, const struct handoff_cursor *want, size_t count)
{
    AUTO(handoff_cursor_list_fini) struct handoff_cursor_list got = VEC_INIT;
    CK_OK(handoff_cursors_load(fs_posix(), path, &got));
    for (size_t i = 0; i < count; i++)
        ck_assert_uint_eq(find(&got, want[i].name), want[i].seq);
}

START_TEST(test_round_trip)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    const char *path = path_of(&b);
    char longest[HANDOFF_NAME_BYTES_MAX + 1] = {0};
    memset(longest, 'n', HANDOFF_NAME_BYTES_MAX);
    struct handoff_cursor cursors[] = {{"a", 1}, {"peer%3A1", UINT64_MAX}, {longest, 77}};
    check_stored(path, NULL, 0); /* a missing file has none */
    AUTO(handoff_cursors_close) struct handoff_cursors *c = NULL;
    CK_OK(handoff_cursors_open(fs_posix(), path, 0, cursors, 2, &c));
    check_stored(path, cursors, 2);
    cursors[0].seq = 100;
    CK_OK(handoff_cursors_store(c, cursors, ARRAY_LEN(cursors)));
    check_stored(path, cursors, ARRAY_LEN(cursors)); /* beside the process that writes */
    handoff_cursors_close(TAKE(c));
    check_stored(path, cursors, ARRAY_LEN(cursors));

    CK_OK(handoff_cursors_open(fs_posix(), path, 0, cursors, 2, &c)); /* begins anew */
    cursors[2].seq = 0;
    check_stored(path, cursors, ARRAY_LEN(cursors));
}
END_TEST

/* A thousand commits into a map of a few pages, and then more cursors than it has room for. */
START_TEST(test_map_grows)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    const char *path = path_of(&b);
    AUTO(handoff_cursors_close) struct handoff_cursors *c = NULL;
    CK_OK(handoff_cursors_open(fs_posix(), path, 32 << 10, NULL, 0, &c));
    enum { COUNT = 700 };
    static char names[COUNT][80];
    static struct handoff_cursor cursors[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof names[i], "receive-%zu.receive.monitoring.svc.local%%3A10901", i);
        cursors[i] = (struct handoff_cursor){names[i], i + 1};
    }
    for (uint64_t i = 0; i < 50; i++) {
        cursors[i % 3].seq += i;
        CK_OK(handoff_cursors_store(c, cursors, 3));
    }
    check_stored(path, cursors, 3);
    CK_OK(handoff_cursors_store(c, cursors, COUNT));
    handoff_cursors_close(TAKE(c));
    check_stored(path, cursors, COUNT);
}
END_TEST

static void
fill(const char *path, uint64_t commits, struct handoff_cursor *cursors, size_t count)
{
    AUTO(handoff_cursors_close) struct handoff_cursors *c = NULL;
    CK_OK(handoff_cursors_open(fs_posix(), path, 0, cursors, count, &c));
    for (uint64_t i = 1; i < commits; i++) {
        cursors[i % count].seq = 10 * i;
        CK_OK(handoff_cursors_store(c, cursors, count));
    }
}

/* Whatever bytes the file has, a cursor is one that was stored for that name. */
START_TEST(test_damage)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    const char *path = path_of(&b);
    struct handoff_cursor cursors[] = {{"a", 1}, {"bb", 2}, {"ccc", 3}};
    fill(path, 20, cursors, 3);
    AUTO(buf_fini) struct buf whole = BUF_INIT;
    CK_OK(fs_read_file(fs_posix(), path, 1 << 20, &whole));
    struct rand_gen g = rand_gen_of(11);
    size_t found = 0;
    for (int round = 0; round < 3000; round++) {
        AUTO(buf_fini) struct buf damaged = BUF_INIT;
        buf_append(&damaged, buf_str(&whole));
        for (uint64_t n = 1 + rand_below(&g, 40); n > 0; n--)
            damaged.p[rand_below(&g, damaged.n)] ^= (char)(1 + rand_below(&g, 255));
        if (round % 4 == 0)
            damaged.n = rand_below(&g, damaged.n + 1);
        AUTO(handoff_cursor_list_fini) struct handoff_cursor_list got = VEC_INIT;
        handoff_cursors_scan(buf_str(&damaged), &got);
        ck_assert_uint_le(got.n, 3);
        found += got.n;
        for (size_t i = 0; i < 3; i++)
            ck_assert_uint_le(find(&got, cursors[i].name), cursors[i].seq);
    }
    ck_assert_uint_ge(found, 3000); /* most of them survive */

    static const char *const junk[] = {"", "x", "mnemeHO1", "mnemeHO1mnemeHO1mnemeHO1\0\5aaaa"};
    for (size_t i = 0; i < ARRAY_LEN(junk); i++) { /* any file is replaced */
        CK_OK(fs_write_file(fs_posix(), path, str_of_cstr(junk[i])));
        check_stored(path, NULL, 0);
        AUTO(handoff_cursors_close) struct handoff_cursors *c = NULL;
        CK_OK(handoff_cursors_open(fs_posix(), path, 0, cursors, 3, &c));
        check_stored(path, cursors, 3);
    }
}
END_TEST

/* The name comes last: until then the old file is there, whole. */
START_TEST(test_failures)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    const char *path = path_of(&b);
    struct handoff_cursor before[] = {{"a", 1}, {"bb", 2}};
    struct handoff_cursor after[] = {{"a", 5}, {"bb", 6}};
    fill(path, 1, before, 2);
    for (uint64_t n = 1;; n++) {
        AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
        fs_fault_arm(fs, &(struct fs_fault_opts){.fail_call = n, .errnum = ENOSPC});
        AUTO(handoff_cursors_close) struct handoff_cursors *c = NULL;
        struct err e = handoff_cursors_open(fs, path, 0, after, 2, &c);
        bool fired = fs_fault_fired(fs);
        ck_assert_int_eq(e.code, fired ? ERR_NO_SPACE : ERR_NONE);
        err_drop(e);
        check_stored(path, fired ? before : after, 2);
        if (!fired)
            break;
    }
    AUTO(handoff_cursors_close) struct handoff_cursors *c = NULL;
    CK_ERR(ERR_IO, handoff_cursors_open(fs_posix(), "/nonexistent/x", 0, after, 2, &c));
    ck_assert_ptr_null(c);
}
END_TEST

Suite *
handoff_cursors_suite(void)
{
    Suite *s = suite_create("handoff_cursors");
    TCase *t = tcase_create("handoff_cursors");
    tcase_add_test(t, test_round_trip);
    tcase_add_test(t, test_map_grows);
    tcase_add_test(t, test_damage);
    tcase_add_test(t, test_failures);
    suite_add_tcase(s, t);
    return s;
}
