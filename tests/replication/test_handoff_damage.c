/* Flipped bits, missing segments, a disk that does not give one: what the damage has not reached
 * comes, what it has reached is counted, and the queue goes on. */
#include "tests/harness.h"

#include <errno.h>

#include "base/fs_fault.h"
#include "base/mem.h"
#include "base/rand.h"
#include "tests/replication/handoff_model.h"
#include "tsdb/wal/wal_tail.h"

enum { RECORDS = 80, RECORD_BYTES = 5000, A_PAGE = 1 + WAL_PAGE_BYTES / RECORD_BYTES + 1 };

static const char *
queue_dir(struct handoff_kit *k, struct buf *b)
{
    buf_clear(b);
    buf_printf(b, "%s/peer%%3A1", k->opts.dir);
    return buf_cstr(b);
}

/* The file of segment i of those there are. */
static const char *
segment_path(struct handoff_kit *k, size_t i, struct buf *b, uint64_t *ret_bytes)
{
    struct wal_segment_sizes sizes = VEC_INIT;
    CK_OK(wal_list_segments(fs_posix(), queue_dir(k, b), &sizes));
    ck_assert_uint_lt(i, sizes.n);
    *ret_bytes = sizes.v[i].bytes;
    buf_printf(b, "/%08ju", (uintmax_t)sizes.v[i].segment);
    vec_fini(&sizes);
    return buf_cstr(b);
}

static void
setup(struct handoff_kit *k, struct handoff_model *m, struct fs *fs)
{
    handoff_kit_init(k, fs, test_dir());
    *m = (struct handoff_model){.kit = k};
    handoff_kit_open(k);
    for (size_t i = 0; i < RECORDS; i++)
        CK_OK(handoff_model_append(m, 1, RECORD_BYTES, false));
    handoff_kit_close(k);
}

/* Everything comes but one run of records at most `lost` long; later ones do, too; and when all is
 * taken each is counted. */
static void
check_all_but(struct handoff_model *m, uint64_t lost)
{
    struct handoff_kit *k = m->kit;
    uint64_t missing = handoff_model_drain(m, lost);
    size_t runs = 0;
    for (size_t i = 0; i < RECORDS; i++)
        runs += !m->entries.v[i].seen && (i == 0 || m->entries.v[i - 1].seen);
    ck_assert_uint_le(runs, 1);
    bool inside = m->entries.v[0].seen && m->entries.v[RECORDS - 1].seen;
    CK_OK(handoff_model_append(m, 2, 100, false));
    ck_assert_uint_eq(handoff_model_drain(m, lost), missing);
    ck_assert(m->entries.v[RECORDS].seen && m->entries.v[RECORDS + 1].seen);
    handoff_model_ack(m, RECORDS + 2);
    struct handoff_stats s = handoff_stats(k->h);
    ck_assert_uint_eq(s.records, 0);
    ck_assert_uint_le(s.damaged, missing);
    if (inside) /* nobody knows of records at the very end or beginning */
        ck_assert_uint_eq(s.damaged, missing);
    ck_assert_uint_eq(s.replayed, RECORDS + 2 - missing);
    handoff_kit_reopen(k);
    handoff_model_drain(m, 0);
}

START_TEST(test_flips)
{
    struct rand_gen g = rand_gen_of((uint64_t)_i);
    for (int round = 0; round < 12; round++) {
        AUTO(handoff_kit_fini) struct handoff_kit k;
        AUTO(handoff_model_fini) struct handoff_model m;
        AUTO(buf_fini) struct buf path = BUF_INIT;
        AUTO(buf_fini) struct buf image = BUF_INIT;
        setup(&k, &m, fs_posix());
        uint64_t bytes;
        segment_path(&k, rand_below(&g, 7), &path, &bytes);
        CK_OK(fs_read_file(fs_posix(), buf_cstr(&path), 1 << 20, &image));
        size_t at = rand_below(&g, image.n);
        size_t end = size_min(image.n, at - at % WAL_PAGE_BYTES + WAL_PAGE_BYTES);
        for (uint64_t n = 1 + rand_below(&g, 10); n > 0; n--) /* in one page */
            image.p[at + rand_below(&g, end - at)] ^= (char)(1 + rand_below(&g, 255));
        CK_OK(fs_write_file(fs_posix(), buf_cstr(&path), buf_str(&image)));
        handoff_kit_open(&k);
        check_all_but(&m, A_PAGE);
    }
}
END_TEST

/* While it is written and read: the newest records are lost, and known to be. */
START_TEST(test_flip_of_the_end)
{
    AUTO(handoff_kit_fini) struct handoff_kit k;
    AUTO(handoff_model_fini) struct handoff_model m;
    AUTO(buf_fini) struct buf path = BUF_INIT;
    AUTO(buf_fini) struct buf image = BUF_INIT;
    handoff_kit_init(&k, fs_posix(), test_dir());
    m = (struct handoff_model){.kit = &k};
    handoff_kit_open(&k);
    for (size_t i = 0; i < 4; i++)
        CK_OK(handoff_model_append(&m, 1, RECORD_BYTES, false));
    uint64_t bytes;
    segment_path(&k, 0, &path, &bytes);
    AUTO(file_close) struct file *f = NULL;
    CK_OK(fs_open(fs_posix(), buf_cstr(&path), FS_WRITE_KEEP, &f));
    CK_OK(file_write_at(f, bytes - RECORD_BYTES - 100, STR("damage")));
    ck_assert_uint_eq(handoff_model_drain(&m, 2), 2);
    handoff_model_ack(&m, 2);
    struct handoff_stats s = handoff_stats(k.h);
    ck_assert_uint_eq(s.damaged, 2);
    ck_assert_uint_eq(s.records, 0); /* nothing more to wait for */
    ck_assert_uint_eq(s.bytes, 0);
    ck_assert_uint_eq(s.replayed, 2);
    for (size_t i = 2; i < 4; i++)
        m.entries.v[i].acked = true;
    CK_OK(handoff_model_append(&m, 1, RECORD_BYTES, false));
    handoff_model_drain(&m, 0);
    ck_assert_uint_eq(handoff_stats(k.h).damaged, 2);
}
END_TEST

/* A whole segment is gone, or of zeros, or of anything. */
START_TEST(test_segment)
{
    struct rand_gen g = rand_gen_of(5);
    for (size_t segment = 0; segment < 6; segment++) {
        AUTO(handoff_kit_fini) struct handoff_kit k;
        AUTO(handoff_model_fini) struct handoff_model m;
        AUTO(buf_fini) struct buf path = BUF_INIT;
        AUTO(buf_fini) struct buf junk = BUF_INIT;
        setup(&k, &m, fs_posix());
        uint64_t bytes;
        segment_path(&k, segment, &path, &bytes);
        for (uint64_t i = 0; i < bytes; i++)
            buf_put_u8(&junk, _i == 1 ? 0 : (uint8_t)rand_u64(&g));
        if (_i == 0)
            CK_OK(fs_remove_file(fs_posix(), buf_cstr(&path)));
        else
            CK_OK(fs_write_file(fs_posix(), buf_cstr(&path), buf_str(&junk)));
        handoff_kit_open(&k);
        check_all_but(&m, 2 * A_PAGE);
    }
}
END_TEST

/* Numbers far apart: nobody counts from one to the other. */
START_TEST(test_far_segment)
{
    AUTO(handoff_kit_fini) struct handoff_kit k;
    AUTO(handoff_model_fini) struct handoff_model m;
    AUTO(buf_fini) struct buf from = BUF_INIT;
    AUTO(buf_fini) struct buf to = BUF_INIT;
    setup(&k, &m, fs_posix());
    struct wal_segment_sizes sizes = VEC_INIT;
    CK_OK(wal_list_segments(fs_posix(), queue_dir(&k, &from), &sizes));
    buf_append(&to, buf_str(&from));
    buf_printf(&from, "/%08ju", (uintmax_t)vec_last(&sizes)->segment);
    vec_fini(&sizes);
    buf_printf(&to, "/4000000000000");
    CK_OK(fs_rename(fs_posix(), buf_cstr(&from), buf_cstr(&to)));
    handoff_kit_open(&k);
    handoff_model_drain(&m, 0);
    CK_OK(handoff_model_append(&m, 2, 100, false));
    handoff_model_drain(&m, 0);
    ck_assert_uint_eq(handoff_stats(k.h).damaged, 0);
}
END_TEST

/* A disk that fails is asked again; a segment that it does not give for a minute is left out. */
START_TEST(test_unreadable)
{
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    AUTO(handoff_kit_fini) struct handoff_kit k;
    AUTO(handoff_model_fini) struct handoff_model m;
    setup(&k, &m, fs);
    handoff_kit_open(&k);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct handoff_batch batch;
    ck_assert(handoff_model_read(&m, 1));
    fs_fault_break(fs, FS_FAULT_READ, EIO);
    struct err e = OK;
    for (int i = 0; i < RECORDS && e.code == ERR_NONE; i++) /* what is in memory still comes */
        e = handoff_read(k.h, &a, 1, &batch);
    CK_ERR(ERR_IO, e);
    CK_ERR(ERR_IO, handoff_read(k.h, &a, 1, &batch));
    clock_manual_advance_ms(&k.clock, HANDOFF_UNREADABLE_MS - 1);
    CK_ERR(ERR_IO, handoff_read(k.h, &a, 1, &batch));
    fs_fault_heal(fs);
    handoff_model_drain(&m, 0);

    handoff_model_rewind(&m);
    ck_assert(handoff_model_read(&m, 1));
    fs_fault_break(fs, FS_FAULT_READ, EIO);
    for (e = OK; e.code == ERR_NONE;)
        e = handoff_read(k.h, &a, 1, &batch);
    CK_ERR(ERR_IO, e);
    clock_manual_advance_ms(&k.clock, HANDOFF_UNREADABLE_MS);
    CK_ERR(ERR_IO, handoff_read(k.h, &a, 1, &batch)); /* the next one, which begins to count */
    fs_fault_heal(fs);
    m.last_id = 0;
    while (handoff_model_read(&m, 30000))
        ;
    handoff_model_ack(&m, RECORDS);
    uint64_t damaged = handoff_stats(k.h).damaged;
    ck_assert_uint_ge(damaged, 1);
    ck_assert_uint_le(damaged, 2 * A_PAGE);
    handoff_kit_close(&k);
}
END_TEST

Suite *
handoff_damage_suite(void)
{
    Suite *s = suite_create("handoff_damage");
    TCase *t = tcase_create("handoff_damage");
    tcase_add_loop_test(t, test_flips, 0, 10);
    tcase_add_test(t, test_flip_of_the_end);
    tcase_add_loop_test(t, test_segment, 0, 3);
    tcase_add_test(t, test_far_segment);
    tcase_add_test(t, test_unreadable);
    suite_add_tcase(s, t);
    return s;
}
