/* Whichever call of the file system fails, once or for good, with and without a power cut: what was
 * appended comes out in order, and nothing that was refused does while the process lives. */
#include "tests/harness.h"

#include <errno.h>

#include "base/fs_fault.h"
#include "base/mem.h"
#include "tests/replication/handoff_model.h"

/* Appends that span segments, reads, acknowledgements that remove. Goes on whatever fails, but for
 * a process that dies: it ends with its first append that fails, which may be there afterwards,
 * wholly or in part. */
static void
tell_story(struct handoff_model *m, bool dying)
{
    struct handoff_kit *k = m->kit;
    static const size_t bytes[] = {100, 30000, 9, 70000, 2000};
    for (size_t i = 0; i < 30; i++) {
        struct err e = handoff_model_append(m, 1 + i % 3, bytes[i % ARRAY_LEN(bytes)], dying);
        bool dead = dying && e.code != ERR_NONE;
        err_drop(e);
        if (dead)
            return;
        if (i % 4 == 1)
            while (handoff_model_read(m, 40000))
                ;
        if (i % 8 == 5 && m->last_id > 3)
            handoff_model_ack(m, m->last_id - 3);
        if (i % 5 == 2)
            clock_manual_advance_ms(&k->clock, 2000);
        handoffs_maintain(k->hs);
        if (i == 20)
            handoff_model_rewind(m);
    }
}

static void
setup(struct handoff_model *m, struct handoff_kit *k, struct fs *fs, int variant)
{
    handoff_kit_init(k, fs, test_dir());
    k->opts.sync = variant & 1 ? WAL_SYNC_BATCH : WAL_SYNC_NONE;
    k->opts.bytes_max = 4 << 20;
    *m = (struct handoff_model){.kit = k};
}

START_TEST(test_once)
{
    static const size_t torn[] = {0, 5000};
    bool fired = true;
    for (uint64_t n = 1; fired; n++) {
        AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
        AUTO(handoff_kit_fini) struct handoff_kit k;
        AUTO(handoff_model_fini) struct handoff_model m;
        setup(&m, &k, fs, _i);
        handoff_kit_open(&k);
        fs_fault_arm(fs, &(struct fs_fault_opts){.fail_call = n,
                                                 .errnum = _i & 2 ? ENOSPC : EIO,
                                                 .torn_bytes = torn[_i >> 1 & 1]});
        tell_story(&m, false);
        fired = fs_fault_fired(fs);
        fs_fault_heal(fs);
        clock_manual_advance_ms(&k.clock, HANDOFF_HEAL_MS);
        CK_OK(handoff_model_append(&m, 2, 500, false)); /* it has recovered */
        handoff_model_drain(&m, 0);
        handoff_kit_reopen(&k);
        handoff_model_drain(&m, 0);
        ck_assert_uint_eq(handoff_stats(k.h).damaged, 0);
        handoff_kit_close(&k);
    }
}
END_TEST

START_TEST(test_crash)
{
    bool power_cut = _i & 2;
    bool fired = true;
    for (uint64_t n = 1; fired; n++) {
        AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
        AUTO(handoff_kit_fini) struct handoff_kit k;
        AUTO(handoff_model_fini) struct handoff_model m;
        setup(&m, &k, fs, power_cut ? 1 : _i);
        handoff_kit_open(&k);
        fs_fault_arm(fs, &(struct fs_fault_opts){.fail_call = n,
                                                 .torn_bytes = n * 977 % 40000,
                                                 .mode = FS_FAULT_CRASH});
        tell_story(&m, true);
        fired = fs_fault_fired(fs);
        handoff_kit_kill(&k, fs);
        if (power_cut)
            CK_OK(fs_fault_power_cut(fs));
        handoff_kit_open(&k);
        handoff_model_drain(&m, 0);
        ck_assert_uint_eq(handoff_stats(k.h).damaged, 0);
        CK_OK(handoff_model_append(&m, 3, 700, false));
        handoff_model_drain(&m, 0);
        handoff_kit_close(&k);
    }
}
END_TEST

/* A start that fails somewhere can be made again, and what it has opened can be used. */
START_TEST(test_start)
{
    bool fired = true;
    for (uint64_t n = 1; fired; n++) {
        AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
        AUTO(handoff_kit_fini) struct handoff_kit k;
        AUTO(handoff_model_fini) struct handoff_model m;
        setup(&m, &k, fs, 1);
        handoff_kit_open(&k);
        fs_fault_arm(fs, &(struct fs_fault_opts){
                             .fail_call = 40, .torn_bytes = 3000, .mode = FS_FAULT_CRASH});
        tell_story(&m, true);
        handoff_kit_kill(&k, fs);
        fs_fault_arm(fs, &(struct fs_fault_opts){.fail_call = n,
                                                 .calls = FS_FAULT_MUTATING | FS_FAULT_READ});
        struct err e = handoffs_open(&k.opts, &k.hs);
        fired = fs_fault_fired(fs);
        fs_fault_heal(fs);
        if (e.code != ERR_NONE) {
            ck_assert(fired);
            CK_ERR(ERR_IO, e);
            CK_OK(handoffs_open(&k.opts, &k.hs));
        }
        CK_OK(handoffs_of(k.hs, STR("peer:1"), &k.h));
        clock_manual_advance_ms(&k.clock, HANDOFF_HEAL_MS);
        handoff_model_drain(&m, 0);
        CK_OK(handoff_model_append(&m, 3, 700, false));
        handoff_model_drain(&m, 0);
        handoff_kit_close(&k);
    }
}
END_TEST

/* Appends fail, reads and acknowledgements go on; it recovers when there is room, with as many
 * attempts as there are seconds. */
START_TEST(test_full_disk)
{
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    AUTO(handoff_kit_fini) struct handoff_kit k;
    AUTO(handoff_model_fini) struct handoff_model m;
    setup(&m, &k, fs, 0);
    handoff_kit_open(&k);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 5; i++)
            CK_OK(handoff_model_append(&m, 2, 20000, false));
        fs_fault_break(fs, FS_FAULT_WRITE | (round % 2 ? FS_FAULT_CREATE : 0), ENOSPC);
        CK_ERR(ERR_NO_SPACE, handoff_model_append(&m, 2, 20000, false));
        CK_ERR(ERR_NO_SPACE, handoff_model_append(&m, 2, 20000, false));
        fs_fault_arm(fs, &(struct fs_fault_opts){.fail_call = 0});
        fs_fault_break(fs, FS_FAULT_WRITE | (round % 2 ? FS_FAULT_CREATE : 0), ENOSPC);
        for (int i = 0; i < 100; i++)
            CK_ERR(ERR_NO_SPACE, handoff_model_append(&m, 2, 20000, false));
        ck_assert_uint_eq(fs_fault_calls(fs), 0); /* not again within the second */
        while (handoff_model_read(&m, 50000))
            ;
        ck_assert_uint_eq(m.last_id, m.entries.n);
        handoff_model_ack(&m, m.last_id - 4);
        clock_manual_advance_ms(&k.clock, HANDOFF_HEAL_MS);
        CK_ERR(ERR_NO_SPACE, handoff_model_append(&m, 1, 20000, false));
        fs_fault_heal(fs);
        clock_manual_advance_ms(&k.clock, HANDOFF_HEAL_MS);
        CK_OK(handoff_model_append(&m, 1, 10, false));
        handoff_model_drain(&m, 0);
        ck_assert_uint_eq(handoff_stats(k.h).records, 5);
    }
    handoff_kit_reopen(&k);
    handoff_model_drain(&m, 0);
    ck_assert_uint_eq(handoff_stats(k.h).damaged, 0);
    handoff_kit_close(&k);
}
END_TEST

/* Also the drop of a queue can fail, and be done again; a rest of it is removed at the start. */
START_TEST(test_drop)
{
    bool fired = true;
    for (uint64_t n = 1; fired; n++) {
        AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
        AUTO(handoff_kit_fini) struct handoff_kit k;
        AUTO(handoff_model_fini) struct handoff_model m;
        setup(&m, &k, fs, 0);
        handoff_kit_open(&k);
        for (int i = 0; i < 3; i++)
            CK_OK(handoff_model_append(&m, 2, 60000, false));
        handoff_model_drain(&m, 0);
        fs_fault_arm(fs, &(struct fs_fault_opts){.fail_call = n,
                                                 .mode = _i ? FS_FAULT_CRASH : FS_FAULT_ONCE});
        struct err e = handoff_drop(k.h);
        fired = fs_fault_fired(fs);
        ck_assert_int_eq(e.code, fired ? ERR_IO : ERR_NONE);
        err_drop(e);
        if (_i) {
            handoff_kit_kill(&k, fs);
            handoff_kit_open(&k);
        }
        fs_fault_heal(fs);
        clock_manual_advance_ms(&k.clock, HANDOFF_HEAL_MS);
        CK_OK(handoff_drop(k.h));
        for (size_t i = 0; i < m.entries.n; i++)
            m.entries.v[i].acked = true;
        handoff_model_rewind(&m);
        ck_assert(!handoff_model_read(&m, 1000));
        CK_OK(handoff_model_append(&m, 2, 100, false));
        handoff_model_drain(&m, 0);
        handoff_kit_reopen(&k);
        handoff_model_drain(&m, 0);
        handoff_kit_close(&k);
        AUTO(fs_list_fini) struct fs_list list = VEC_INIT;
        CK_OK(fs_list_dir(fs_posix(), k.opts.dir, &list));
        vec_each (&list, entry)
            ck_assert_msg(entry->name[0] != '#', "%s", entry->name);
    }
}
END_TEST

Suite *
handoff_failure_suite(void)
{
    Suite *s = suite_create("handoff_failure");
    TCase *t = tcase_create("handoff_failure");
    tcase_add_loop_test(t, test_once, 0, 4);
    tcase_add_loop_test(t, test_crash, 0, 4);
    tcase_add_test(t, test_start);
    tcase_add_test(t, test_full_disk);
    tcase_add_loop_test(t, test_drop, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
