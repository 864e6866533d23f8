/* A queue gives out what was put into it, in order, again after a rewind and after a restart until
 * it is acknowledged. */
#include "tests/harness.h"

#include <errno.h>

#include "base/fs_fault.h"
#include "base/mem.h"
#include "tests/replication/handoff_kit.h"

static struct handoff_kit *
kit_open(struct handoff_kit *k)
{
    handoff_kit_init(k, fs_posix(), test_dir());
    handoff_kit_open(k);
    return k;
}

static void
append_many(struct handoff_kit *k, uint64_t first, uint64_t last, size_t bytes)
{
    for (uint64_t id = first; id <= last; id++)
        CK_OK(handoff_kit_append(k, id, bytes));
}

START_TEST(test_fifo)
{
    AUTO(handoff_kit_fini) struct handoff_kit k;
    kit_open(&k);
    handoff_kit_expect(&k, 0, 0);
    append_many(&k, 1, 40, 9000);
    uint64_t seq = handoff_kit_expect(&k, 1, 40);
    ck_assert_uint_eq(seq, 40);
    handoff_kit_expect(&k, 0, 0);
    append_many(&k, 41, 45, 10);
    handoff_kit_expect(&k, 41, 45);
    handoff_rewind(k.h);
    handoff_kit_expect(&k, 1, 45);
    handoff_ack(k.h, 44);
    handoff_rewind(k.h);
    handoff_kit_expect(&k, 45, 45);
    handoff_ack(k.h, 45);
    handoff_rewind(k.h);
    handoff_kit_expect(&k, 0, 0);
    struct handoff_stats s = handoff_stats(k.h);
    ck_assert_uint_eq(s.records, 0);
    ck_assert_uint_eq(s.bytes, 0);
    ck_assert_uint_eq(s.appended, 45);
    ck_assert_uint_eq(s.replayed, 45);
    ck_assert_uint_eq(s.damaged + s.dropped_age + s.dropped_bytes, 0);
    uint64_t disk;
    CK_OK(fs_tree_bytes(fs_posix(), k.opts.dir, &disk));
    ck_assert_uint_le(disk, 64 << 10); /* what was taken is gone */
}
END_TEST

/* As many as fit, but one at least; each with its number. */
START_TEST(test_batches)
{
    AUTO(handoff_kit_fini) struct handoff_kit k;
    kit_open(&k);
    AUTO(buf_fini) struct buf b = BUF_INIT;
    buf_reserve(&b, 100000);
    struct str records[4];
    static const size_t bytes[] = {100, 60, 40, 50000};
    for (size_t i = 0; i < 4; i++)
        records[i] = handoff_kit_record(&b, i + 1, bytes[i]);
    uint64_t seq;
    CK_OK(handoff_append(k.h, records, 4, 0, &seq));
    ck_assert_uint_eq(seq, 4);
    static const struct {
        size_t bytes_max, count;
    } reads[] = {{159, 1}, {100, 2}, {0, 1}, {1000, 0}};
    uint64_t next = 1;
    for (size_t i = 0; i < ARRAY_LEN(reads); i++) {
        AUTO(arena_fini) struct arena a;
        arena_init(&a, 0);
        struct handoff_batch batch;
        CK_OK(handoff_read(k.h, &a, reads[i].bytes_max, &batch));
        ck_assert_uint_eq(batch.count, reads[i].count);
        for (size_t j = 0; j < batch.count; j++, next++) {
            ck_assert_uint_eq(batch.seqs[j], next);
            ck_assert_uint_eq(handoff_kit_id(batch.records[j]), next);
        }
    }
}
END_TEST

/* An arena without room moves nothing. */
START_TEST(test_arena_budget)
{
    AUTO(handoff_kit_fini) struct handoff_kit k;
    kit_open(&k);
    append_many(&k, 1, 3, 20000);
    struct handoff_batch batch;
    {
        AUTO(arena_fini) struct arena a;
        arena_init(&a, 10000);
        CK_ERR(ERR_TOO_LARGE, handoff_read(k.h, &a, 100000, &batch));
    }
    {
        AUTO(arena_fini) struct arena a;
        arena_init(&a, 45000);
        CK_OK(handoff_read(k.h, &a, 100000, &batch));
        ck_assert_uint_ge(batch.count, 1); /* those that it has room for */
        ck_assert_uint_lt(batch.count, 3);
    }
    handoff_kit_expect(&k, batch.count + 1, 3);
}
END_TEST

START_TEST(test_restart)
{
    AUTO(handoff_kit_fini) struct handoff_kit k;
    kit_open(&k);
    append_many(&k, 1, 30, 5000);
    handoff_kit_reopen(&k);
    struct handoff_stats s = handoff_stats(k.h);
    ck_assert_uint_eq(s.records, 30);
    ck_assert_uint_ge(s.bytes, 30 * 5000);
    handoff_kit_expect(&k, 1, 30);
    handoff_ack(k.h, 17);
    handoff_kit_reopen(&k);
    ck_assert_uint_eq(handoff_stats(k.h).records, 13);
    append_many(&k, 31, 33, 100);
    ck_assert_uint_eq(handoff_kit_expect(&k, 18, 33), 33);
    handoff_ack(k.h, 33);
    for (int i = 0; i < 3; i++) { /* numbers go on, also when nothing is left */
        handoff_kit_reopen(&k);
        handoff_kit_expect(&k, 0, 0);
    }
    append_many(&k, 34, 34, 100);
    ck_assert_uint_eq(handoff_kit_expect(&k, 34, 34), 34);
    handoff_kit_reopen(&k);
    handoff_kit_expect(&k, 34, 34);
}
END_TEST

/* Cursors that are lost, or of no use, cost that records come again. */
START_TEST(test_lost_cursors)
{
    static const char *const junk[] = {NULL, "", "mnemeHO1", "0123456789"};
    AUTO(handoff_kit_fini) struct handoff_kit k;
    kit_open(&k);
    append_many(&k, 1, 4, 100);
    handoff_kit_expect(&k, 1, 4);
    handoff_ack(k.h, 2);
    handoff_kit_close(&k);
    AUTO(buf_fini) struct buf path = BUF_INIT;
    buf_printf(&path, "%s/cursors.mdb", k.opts.dir);
    ck_assert(fs_exists(fs_posix(), buf_cstr(&path)));
    if (junk[_i])
        CK_OK(fs_write_file(fs_posix(), buf_cstr(&path), str_of_cstr(junk[_i])));
    else
        CK_OK(fs_remove_file(fs_posix(), buf_cstr(&path)));
    handoff_kit_open(&k);
    handoff_kit_expect(&k, 1, 4);
    handoff_ack(k.h, 3);
    handoff_kit_reopen(&k);
    handoff_kit_expect(&k, 4, 4);
}
END_TEST

/* A second of acknowledgements, not each of them, is one commit. */
START_TEST(test_commits)
{
    AUTO(handoff_kit_fini) struct handoff_kit k;
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    handoff_kit_init(&k, fs, test_dir());
    handoff_kit_open(&k);
    append_many(&k, 1, 9, 100);
    handoff_kit_expect(&k, 1, 9);
    clock_manual_advance_ms(&k.clock, HANDOFF_COMMIT_MS);
    handoff_ack(k.h, 2); /* stored */
    handoff_ack(k.h, 5); /* not yet */
    AUTO(handoff_kit_fini) struct handoff_kit second;
    AUTO(buf_fini) struct buf from = BUF_INIT;
    AUTO(buf_fini) struct buf image = BUF_INIT;
    buf_printf(&from, "%s/cursors.mdb", k.opts.dir);
    CK_OK(fs_read_file(fs_posix(), buf_cstr(&from), 1 << 20, &image));
    clock_manual_advance_ms(&k.clock, HANDOFF_COMMIT_MS);
    handoffs_maintain(k.hs); /* stored though nobody acknowledges any more */
    handoff_kit_init(&second, fs_posix(), k.opts.dir);
    CK_ERR(ERR_CONFLICT, handoffs_open(&second.opts, &second.hs)); /* one process only */
    handoff_kit_close(&k);
    handoff_kit_open(&k);
    handoff_kit_expect(&k, 6, 9);
    handoff_kit_close(&k);
    CK_OK(fs_write_file(fs_posix(), buf_cstr(&from), buf_str(&image)));
    handoff_kit_open(&k);
    handoff_kit_expect(&k, 3, 9);
}
END_TEST

/* Every peer its own; those that nobody asks for are found, and can be dropped. */
START_TEST(test_peers)
{
    AUTO(handoff_kit_fini) struct handoff_kit k;
    kit_open(&k);
    struct handoff *other, *again;
    CK_OK(handoffs_of(k.hs, STR("../other:10901"), &other));
    CK_OK(handoffs_of(k.hs, STR("../other:10901"), &again));
    ck_assert_ptr_eq(other, again);
    CK_ERR(ERR_INVALID, handoffs_of(k.hs, STR(""), &again));
    struct handoff *mine = k.h;
    append_many(&k, 1, 3, 100);
    k.h = other;
    append_many(&k, 11, 15, 9000);
    handoff_kit_expect(&k, 11, 15);
    k.h = mine;
    handoff_kit_expect(&k, 1, 3);
    handoff_ack(k.h, 3);

    handoff_kit_close(&k);
    CK_OK(handoffs_open(&k.opts, &k.hs));
    ck_assert_uint_eq(handoffs_count(k.hs), 2); /* one of them is all taken, but still there */
    for (size_t i = 0; i < 2; i++) {
        if (str_eq(handoff_peer(handoffs_at(k.hs, i)), STR("../other:10901")))
            k.h = handoffs_at(k.hs, i);
    }
    ck_assert_uint_eq(handoff_stats(k.h).records, 5);
    handoff_kit_expect(&k, 11, 15);
    CK_OK(handoff_drop(k.h));
    ck_assert_uint_eq(handoff_stats(k.h).records, 0);
    handoff_kit_expect(&k, 0, 0);
    append_many(&k, 16, 17, 100); /* its numbers go on */
    ck_assert_uint_eq(handoff_kit_expect(&k, 16, 17), 7);
    CK_OK(handoff_drop(k.h));
    handoff_kit_close(&k);
    CK_OK(handoffs_open(&k.opts, &k.hs));
    ck_assert_uint_le(handoffs_count(k.hs), 1);
}
END_TEST

static uint64_t
oldest_of(struct handoff_kit *k)
{
    return (uint64_t)handoff_stats(k->h).oldest_ms;
}

/* The oldest is the one that waits to be acknowledged, not the one that waits to be read. */
START_TEST(test_oldest)
{
    AUTO(handoff_kit_fini) struct handoff_kit k;
    kit_open(&k);
    ck_assert_uint_eq(oldest_of(&k), 0);
    for (uint64_t id = 1; id <= 3; id++) {
        CK_OK(handoff_kit_append(&k, id, 100));
        clock_manual_advance_ms(&k.clock, 1000);
    }
    ck_assert_uint_eq(oldest_of(&k), 3000);
    for (uint64_t id = 1; id <= 3; id++) {
        AUTO(arena_fini) struct arena a;
        arena_init(&a, 0);
        struct handoff_batch batch;
        CK_OK(handoff_read(k.h, &a, 1, &batch));
        ck_assert_uint_eq(batch.count, 1);
        ck_assert_uint_eq(oldest_of(&k), 3000);
    }
    handoff_ack(k.h, 1);
    ck_assert_uint_eq(oldest_of(&k), 2000);
    handoff_rewind(k.h);
    ck_assert_uint_eq(oldest_of(&k), 2000);
    handoff_kit_reopen(&k);
    ck_assert_uint_eq(oldest_of(&k), 2000);
    handoff_kit_expect(&k, 2, 3);
    handoff_ack(k.h, 3);
    ck_assert_uint_eq(oldest_of(&k), 0);
    clock_manual_advance_ms(&k.clock, 1000);
    uint64_t seq;
    struct str record = STR("01234567"); /* of yesterday; one of tomorrow counts from now */
    CK_OK(handoff_append(k.h, &record, 1, clock_wall_ms(&k.clock.clock) - 500, &seq));
    ck_assert_uint_eq(oldest_of(&k), 500);
    CK_OK(handoff_append(k.h, &record, 1, INT64_MAX, &seq));
    handoff_kit_reopen(&k);
    clock_manual_advance_ms(&k.clock, 10);
    ck_assert_uint_eq(oldest_of(&k), 510);
}
END_TEST

START_TEST(test_metrics)
{
    AUTO(handoff_kit_fini) struct handoff_kit k;
    kit_open(&k);
    append_many(&k, 1, 5, 1000);
    handoff_kit_expect(&k, 1, 5);
    handoff_ack(k.h, 2);
    clock_manual_advance_ms(&k.clock, 2500);
    AUTO(buf_fini) struct buf text = BUF_INIT;
    metrics_write(k.metrics, METRICS_TEXT, &text);
    static const char *const lines[] = {
        "mneme_handoff_appended_total{peer=\"peer:1\"} 5\n",
        "mneme_handoff_replayed_total{peer=\"peer:1\"} 2\n",
        "mneme_handoff_records{peer=\"peer:1\"} 3\n",
        "mneme_handoff_oldest_seconds{peer=\"peer:1\"} 2.5\n",
        "mneme_handoff_dropped_records_total{peer=\"peer:1\",reason=\"age\"} 0\n",
        "mneme_handoff_dropped_records_total{peer=\"peer:1\",reason=\"bytes\"} 0\n",
        "mneme_handoff_dropped_records_total{peer=\"peer:1\",reason=\"damage\"} 0\n",
        "mneme_handoff_failures_total{peer=\"peer:1\",operation=\"append\"} 0\n",
    };
    const char *all = buf_cstr(&text);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        ck_assert_msg(strstr(all, lines[i]), "%s in\n%s", lines[i], all);
    }
}
END_TEST

Suite *
handoff_suite(void)
{
    Suite *s = suite_create("handoff");
    TCase *t = tcase_create("handoff");
    tcase_add_test(t, test_fifo);
    tcase_add_test(t, test_batches);
    tcase_add_test(t, test_arena_budget);
    tcase_add_test(t, test_restart);
    tcase_add_loop_test(t, test_lost_cursors, 0, 4);
    tcase_add_test(t, test_commits);
    tcase_add_test(t, test_peers);
    tcase_add_test(t, test_oldest);
    tcase_add_test(t, test_metrics);
    suite_add_tcase(s, t);
    return s;
}
