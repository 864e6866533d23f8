/* Bounds in bytes and age drop whole segments at the old end, count what they drop, and nothing
 * else is lost. */
#include "tests/harness.h"

#include <errno.h>

#include "base/fs_fault.h"
#include "base/mem.h"
#include "tests/replication/handoff_kit.h"

enum { RECORD_BYTES = 10000 };

static uint64_t
segment_bytes(struct handoff_kit *k)
{
    AUTO(buf_fini) struct buf path = BUF_INIT;
    buf_printf(&path, "%s/peer%%3A1", k->opts.dir);
    uint64_t bytes;
    CK_OK(fs_tree_bytes(fs_posix(), buf_cstr(&path), &bytes));
    return bytes;
}

START_TEST(test_bytes)
{
    AUTO(handoff_kit_fini) struct handoff_kit k;
    handoff_kit_init(&k, fs_posix(), test_dir());
    handoff_kit_open(&k);
    for (uint64_t id = 1; id <= 300; id++) {
        CK_OK(handoff_kit_append(&k, id, RECORD_BYTES));
        ck_assert_uint_le(segment_bytes(&k), k.opts.bytes_max);
    }
    struct handoff_stats s = handoff_stats(k.h);
    ck_assert_uint_eq(s.dropped_bytes + s.records, 300);
    ck_assert_uint_eq(s.dropped_age + s.damaged, 0);
    ck_assert_uint_ge(s.records * RECORD_BYTES, k.opts.bytes_max - 4 * k.opts.segment_bytes);
    if (_i)
        handoff_kit_reopen(&k);
    handoff_kit_expect(&k, s.dropped_bytes + 1, 300);
    ck_assert_uint_eq(handoff_stats(k.h).damaged, 0);
}
END_TEST

/* What was read and not acknowledged goes, too; the reader goes on behind it. */
START_TEST(test_bytes_while_read)
{
    AUTO(handoff_kit_fini) struct handoff_kit k;
    handoff_kit_init(&k, fs_posix(), test_dir());
    handoff_kit_open(&k);
    uint64_t id = 1;
    for (; id <= 50; id++)
        CK_OK(handoff_kit_append(&k, id, RECORD_BYTES));
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct handoff_batch batch;
    CK_OK(handoff_read(k.h, &a, 20 * RECORD_BYTES, &batch));
    ck_assert_uint_eq(batch.count, 20);
    for (; id <= 250; id++)
        CK_OK(handoff_kit_append(&k, id, RECORD_BYTES));
    struct handoff_stats s = handoff_stats(k.h);
    ck_assert_uint_gt(s.dropped_bytes, 50);
    handoff_ack(k.h, 20); /* too late: they are gone, and counted as that */
    ck_assert_uint_eq(handoff_stats(k.h).replayed, 0);
    handoff_kit_expect(&k, s.dropped_bytes + 1, 250);
    handoff_rewind(k.h);
    handoff_kit_expect(&k, s.dropped_bytes + 1, 250);
    handoff_ack(k.h, 250);
    s = handoff_stats(k.h);
    ck_assert_uint_eq(s.dropped_bytes + s.replayed, 250);
    ck_assert_uint_eq(s.damaged, 0);
}
END_TEST

START_TEST(test_age)
{
    AUTO(handoff_kit_fini) struct handoff_kit k;
    handoff_kit_init(&k, fs_posix(), test_dir());
    handoff_kit_open(&k);
    for (uint64_t id = 1; id <= 60; id++) { /* a minute each; six to a segment */
        CK_OK(handoff_kit_append(&k, id, RECORD_BYTES));
        clock_manual_advance_ms(&k.clock, 60000);
    }
    if (_i)
        handoff_kit_reopen(&k);
    for (uint64_t minutes = 1; minutes <= 60; minutes++) {
        clock_manual_advance_ms(&k.clock, 60000);
        handoffs_maintain(k.hs);
        struct handoff_stats s = handoff_stats(k.h);
        ck_assert_uint_eq(s.dropped_age + s.records, 60);
        ck_assert_uint_le(s.dropped_age, minutes);     /* none that is not an hour old */
        ck_assert_uint_ge(s.dropped_age + 7, minutes); /* but those beside younger ones */
    }
    clock_manual_advance_ms(&k.clock, 60000);
    handoffs_maintain(k.hs); /* the segment that was being written */
    struct handoff_stats s = handoff_stats(k.h);
    ck_assert_uint_eq(s.dropped_age, 60);
    ck_assert_uint_eq(s.dropped_bytes + s.damaged + s.records + s.bytes, 0);
    ck_assert_uint_eq(segment_bytes(&k), 0);
    handoff_kit_expect(&k, 0, 0);
    CK_OK(handoff_kit_append(&k, 61, 100));
    handoff_kit_expect(&k, 61, 61);
}
END_TEST

START_TEST(test_too_large)
{
    AUTO(handoff_kit_fini) struct handoff_kit k;
    handoff_kit_init(&k, fs_posix(), test_dir());
    k.opts.bytes_max = HANDOFF_BYTES_MIN - 1;
    CK_ERR(ERR_INVALID, handoffs_open(&k.opts, &k.hs));
    k.opts.bytes_max = 1 << 20;
    handoff_kit_open(&k);
    CK_ERR(ERR_TOO_LARGE, handoff_kit_append(&k, 1, 1 << 20));
    CK_ERR(ERR_TOO_LARGE, handoff_kit_append(&k, 1, (512 << 10) - HANDOFF_HEAD_BYTES + 1));
    struct str huge = {"", HANDOFF_RECORD_BYTES_MAX + 1u}; /* is not looked at */
    uint64_t seq = 77;
    CK_ERR(ERR_TOO_LARGE, handoff_append(k.h, &huge, 1, 0, &seq));
    ck_assert_uint_eq(seq, 77);
    for (uint64_t id = 1; id <= 9; id++) /* longer than a segment each, two at a time fit */
        CK_OK(handoff_kit_append(&k, id, (512 << 10) - HANDOFF_HEAD_BYTES));
    ck_assert_uint_le(segment_bytes(&k), k.opts.bytes_max);
    struct handoff_stats s = handoff_stats(k.h);
    ck_assert_uint_ge(s.records, 1);
    handoff_kit_expect(&k, s.dropped_bytes + 1, 9);
}
END_TEST

/* What is old cannot be removed: then new records are refused, and only then. */
START_TEST(test_stuck)
{
    AUTO(handoff_kit_fini) struct handoff_kit k;
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    handoff_kit_init(&k, fs, test_dir());
    handoff_kit_open(&k);
    fs_fault_break(fs, FS_FAULT_REMOVE, EIO);
    uint64_t id = 1;
    struct err e = OK;
    while (id < 300 && (e = handoff_kit_append(&k, id, RECORD_BYTES)).code == ERR_NONE)
        id++;
    ck_assert_msg(e.code == ERR_OVERLOAD, "%s", err_text(&e));
    err_drop(e);
    ck_assert_uint_ge(id * RECORD_BYTES, k.opts.bytes_max / 10 * 9);
    ck_assert_uint_le(segment_bytes(&k), k.opts.bytes_max);
    fs_fault_heal(fs);
    CK_OK(handoff_kit_append(&k, id, RECORD_BYTES));
    struct handoff_stats s = handoff_stats(k.h);
    ck_assert_uint_gt(s.dropped_bytes, 0);
    handoff_kit_expect(&k, s.dropped_bytes + 1, id);
    handoff_kit_close(&k);
}
END_TEST

Suite *
handoff_bounds_suite(void)
{
    Suite *s = suite_create("handoff_bounds");
    TCase *t = tcase_create("handoff_bounds");
    tcase_add_loop_test(t, test_bytes, 0, 2);
    tcase_add_test(t, test_bytes_while_read);
    tcase_add_loop_test(t, test_age, 0, 2);
    tcase_add_test(t, test_too_large);
    tcase_add_test(t, test_stuck);
    suite_add_tcase(s, t);
    return s;
}
