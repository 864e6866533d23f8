/* A pipe, input by input: what it tells its driver to do, as a journal (peer_kit.h). That it does
 * the right thing in long stories is for tests/sim to find out. */
#include "tests/harness.h"
#include "tests/replication/peer_kit.h"

static struct peer_kit k;

static void
begin(struct peer_opts opts)
{
    peer_kit_init(&k, opts);
}

static void
end(void)
{
    peer_kit_fini(&k);
}

/* The pipe has met an unavailable peer with "a"; "a" is on disk and was read again. */
static void
begin_behind(void)
{
    begin((struct peer_opts){0});
    kit_push(&k, "a");
    kit_reply(&k, VOTE_UNAVAILABLE);
    kit_appended(&k);
    kit_tick(&k);
    kit_read(&k, 9);
    KIT_JOURNAL(&k, "send a; vote a unavailable; append a; read after 0; send a;");
}

/* --- direct ----------------------------------------------------------------------------------- */

START_TEST(test_group_commit)
{
    begin((struct peer_opts){0});
    kit_push(&k, "abcde");
    KIT_JOURNAL(&k, "send a;");
    kit_reply(&k, VOTE_OK);
    KIT_JOURNAL(&k, "vote a ok; send bcd;");
    kit_reply(&k, VOTE_OK);
    KIT_JOURNAL(&k, "vote b ok; vote c ok; vote d ok; send e;");
    kit_reply(&k, VOTE_OK);
    KIT_JOURNAL(&k, "vote e ok;");
    ck_assert(peer_is_empty(k.peer));
    ck_assert_uint_eq(peer_next_tick_ns(k.peer), UINT64_MAX);
    end();
}
END_TEST

START_TEST(test_replica_numbers)
{
    begin((struct peer_opts){0});
    kit_push(&k, "a");
    kit_push_to(&k, "b", 2, 1);
    kit_push_to(&k, "c", 1, 1);
    kit_push_to(&k, "d", 2, 1);
    kit_push_to(&k, "e", 1, 2); /* another ring: not before d */
    kit_push_to(&k, "f", 2, 2);
    kit_reply(&k, VOTE_OK);
    kit_reply(&k, VOTE_OK);
    kit_reply(&k, VOTE_OK);
    kit_reply(&k, VOTE_OK);
    KIT_JOURNAL(&k, "send a; vote a ok; send bd to 2; vote b ok; vote d ok; send c; vote c ok; "
                    "send e; vote e ok; send f to 2;");
    end();
}
END_TEST

START_TEST(test_mneme_takes_all_numbers)
{
    begin((struct peer_opts){0});
    kit_push(&k, "a");
    kit_push_to(&k, "b", 2, 1);
    kit_push_to(&k, "c", 1, 2);
    kit_reply_parts(&k, "o");
    KIT_JOURNAL(&k, "send a; vote a ok; mneme bc;");
    kit_reply_parts(&k, "ci");
    KIT_JOURNAL(&k, "vote b conflict; drop b refused; vote c invalid; drop c refused;");
    ck_assert(peer_is_empty(k.peer));
    end();
}
END_TEST

START_TEST(test_refusal_of_several)
{
    begin((struct peer_opts){0});
    kit_push(&k, "abcd");
    kit_reply(&k, VOTE_OK);
    KIT_JOURNAL(&k, "send a; vote a ok; send bcd;");
    kit_push(&k, "e");
    kit_reply(&k, VOTE_CONFLICT);
    KIT_JOURNAL(&k, "send b;");
    kit_reply(&k, VOTE_OK);
    KIT_JOURNAL(&k, "vote b ok; send c;");
    kit_reply(&k, VOTE_CONFLICT);
    KIT_JOURNAL(&k, "vote c conflict; drop c refused; send d;");
    kit_reply(&k, VOTE_OK);
    KIT_JOURNAL(&k, "vote d ok; send e;");
    end();
}
END_TEST

/* --- to disk and back --------------------------------------------------------------------------
 */

START_TEST(test_unavailable)
{
    begin((struct peer_opts){0});
    kit_push(&k, "ab");
    kit_reply(&k, VOTE_UNAVAILABLE);
    KIT_JOURNAL(&k, "send a; vote a unavailable; vote b unavailable; append ab;");
    kit_push(&k, "c"); /* backing off */
    KIT_JOURNAL(&k, "vote c unavailable;");
    kit_appended(&k);
    KIT_JOURNAL(&k, "append c;");
    kit_appended(&k);
    KIT_JOURNAL(&k, "");
    kit_tick(&k);
    ck_assert_uint_eq(k.now_ns, 1 + 100000000); /* the first wait has no jitter */
    KIT_JOURNAL(&k, "read after 0;");
    kit_read(&k, 2);
    KIT_JOURNAL(&k, "read after 2; send ab;");
    kit_read(&k, 2);
    kit_push(&k, "d"); /* still no success */
    KIT_JOURNAL(&k, "vote d unavailable; append d;");
    kit_reply(&k, VOTE_OK);
    KIT_JOURNAL(&k, "ack 2; send c;");
    kit_appended(&k);
    kit_push(&k, "e"); /* all was read but for d: e waits in memory */
    KIT_JOURNAL(&k, "read after 3;");
    kit_read(&k, 2);
    KIT_JOURNAL(&k, "");
    kit_reply(&k, VOTE_OK);
    KIT_JOURNAL(&k, "ack 3; send d;");
    ck_assert_uint_eq(peer_status(k.peer).state, PEER_CATCHING_UP);
    kit_reply(&k, VOTE_OK);
    KIT_JOURNAL(&k, "ack 4; send e;");
    ck_assert_uint_eq(peer_status(k.peer).state, PEER_DIRECT);
    kit_reply(&k, VOTE_OK);
    KIT_JOURNAL(&k, "vote e ok;");
    ck_assert(peer_is_empty(k.peer));
    end();
}
END_TEST

START_TEST(test_backoff_grows)
{
    begin_behind();
    uint64_t max_ms = 100;
    for (int i = 0; i < 10; i++) {
        uint64_t from_ns = k.now_ns;
        max_ms = u64_min(2 * max_ms, 5000);
        kit_reply(&k, VOTE_UNAVAILABLE);
        kit_tick(&k);
        KIT_JOURNAL(&k, "send a;");
        ck_assert(k.now_ns - from_ns >= 100000000);
        ck_assert(k.now_ns - from_ns <= max_ms * 1000000);
    }
    kit_reply(&k, VOTE_OK);
    ck_assert(!peer_status(k.peer).backing_off);
    end();
}
END_TEST

/* The message under way goes to disk before what comes behind it. */
START_TEST(test_slow)
{
    begin((struct peer_opts){0});
    kit_push(&k, "abc");
    kit_sleep(&k, 4999);
    KIT_JOURNAL(&k, "send a;");
    kit_tick(&k);
    KIT_JOURNAL(&k, "append abc;");
    kit_appended(&k);
    KIT_JOURNAL(&k, "read after 0;");
    kit_reply(&k, VOTE_OK);
    KIT_JOURNAL(&k, "vote a ok;");
    kit_read(&k, 9);
    KIT_JOURNAL(&k, "ack 1; send bc;"); /* a is not sent again */
    kit_reply(&k, VOTE_OK);             /* their writes still wait */
    KIT_JOURNAL(&k, "vote b ok; vote c ok; ack 3;");
    ck_assert(peer_is_empty(k.peer));
    end();
}
END_TEST

START_TEST(test_slow_then_unavailable)
{
    begin((struct peer_opts){0});
    kit_push(&k, "ab");
    kit_sleep(&k, 5000);
    kit_appended(&k);
    kit_read(&k, 9);
    kit_reply(&k, VOTE_UNAVAILABLE);
    KIT_JOURNAL(&k, "send a; append ab; read after 0; vote a unavailable; vote b unavailable;");
    kit_tick(&k);
    KIT_JOURNAL(&k, "send ab;");
    kit_reply(&k, VOTE_OK);
    KIT_JOURNAL(&k, "ack 2;");
    end();
}
END_TEST

START_TEST(test_queue_too_long)
{
    begin((struct peer_opts){.queue_bytes_max = 3 * 257});
    kit_push(&k, "abcd");
    KIT_JOURNAL(&k, "send a;");
    kit_push(&k, "e");
    KIT_JOURNAL(&k, "append abcde;");
    end();
}
END_TEST

START_TEST(test_memory_is_bounded)
{
    begin((struct peer_opts){.memory_bytes_max = 3 * 257});
    kit_push(&k, "abc");
    kit_push(&k, "d");
    KIT_JOURNAL(&k, "send a; drop d memory; vote d unavailable;");
    ck_assert_uint_eq(peer_status(k.peer).memory_bytes, 3 * 257);
    end();
}
END_TEST

START_TEST(test_disk_fails)
{
    begin((struct peer_opts){0});
    kit_push(&k, "ab");
    kit_reply(&k, VOTE_UNAVAILABLE);
    kit_append_failed(&k);
    KIT_JOURNAL(&k, "send a; vote a unavailable; vote b unavailable; append ab;");
    kit_tick(&k); /* from memory, since nothing is on disk */
    KIT_JOURNAL(&k, "send ab;");
    kit_push(&k, "c");
    kit_sleep(&k, 1000);
    KIT_JOURNAL(&k, "vote c unavailable; append abc;");
    kit_reply(&k, VOTE_OK);
    kit_append_failed(&k);
    KIT_JOURNAL(&k, "send c;"); /* a and b are done with */
    end();
}
END_TEST

START_TEST(test_falls_off)
{
    begin((struct peer_opts){0});
    kit_push(&k, "abcd");
    kit_sleep(&k, 5000);
    kit_appended(&k);
    kit_fall_off(&k, 2);
    KIT_JOURNAL(&k, "send a; append abcd; read after 0;");
    kit_read(&k, 9);
    KIT_JOURNAL(&k, "vote a unavailable; vote b unavailable;");
    kit_reply(&k, VOTE_OK);
    KIT_JOURNAL(&k, "send cd;");
    kit_reply(&k, VOTE_UNAVAILABLE);
    kit_fall_off(&k, 2);
    KIT_JOURNAL(&k, "vote c unavailable; vote d unavailable;");
    end();
}
END_TEST

/* An append is on disk, and read, before it is reported. */
START_TEST(test_read_before_reported)
{
    begin_behind();
    kit_push(&k, "b");
    KIT_JOURNAL(&k, "vote b unavailable; append b;");
    kit_appended(&k);
    kit_push(&k, "c");
    kit_sleep(&k, 5000);
    KIT_JOURNAL(&k, "read after 1; vote c unavailable; append c;");
    kit_append_now(&k);
    kit_read(&k, 9);
    kit_reply(&k, VOTE_OK);
    KIT_JOURNAL(&k, "ack 1; send b;"); /* of c nothing is known yet */
    kit_reply(&k, VOTE_OK);
    KIT_JOURNAL(&k, "ack 2;");
    kit_report(&k);
    KIT_JOURNAL(&k, "send c;");
    kit_reply(&k, VOTE_OK);
    KIT_JOURNAL(&k, "ack 3;");
    ck_assert(peer_is_empty(k.peer));
    end();
}
END_TEST

START_TEST(test_all_falls_off)
{
    begin((struct peer_opts){.handoff_acked = 3, .handoff_last = 9});
    kit_tick(&k);
    kit_push(&k, "a");
    KIT_JOURNAL(&k, "read after 3; append a;");
    kit_read(&k, 9); /* nothing up to 9 */
    KIT_JOURNAL(&k, "");
    kit_appended(&k);
    kit_read(&k, 9);
    KIT_JOURNAL(&k, "read after 9; send a;");
    end();
}
END_TEST

/* --- faults of the peer ------------------------------------------------------------------------
 */

START_TEST(test_failed)
{
    begin((struct peer_opts){.failed_tries_max = 3});
    kit_push(&k, "ab");
    kit_reply(&k, VOTE_FAILED);
    KIT_JOURNAL(&k, "send a; vote a failed; append ab;");
    ck_assert(!peer_status(k.peer).backing_off);
    kit_appended(&k);
    kit_tick(&k);
    kit_read(&k, 9);
    KIT_JOURNAL(&k, "read after 0; send ab;");
    kit_reply(&k, VOTE_FAILED); /* whose fault? */
    KIT_JOURNAL(&k, "send a;");
    kit_reply(&k, VOTE_FAILED);
    kit_tick(&k);
    KIT_JOURNAL(&k, "send a;");
    kit_reply(&k, VOTE_FAILED);
    KIT_JOURNAL(&k, "drop a failed; ack 1;");
    kit_tick(&k);
    KIT_JOURNAL(&k, "send b;");
    kit_reply(&k, VOTE_OK);
    KIT_JOURNAL(&k, "vote b ok; ack 2;");
    end();
}
END_TEST

START_TEST(test_one_part_unavailable)
{
    begin_behind();
    kit_reply_parts(&k, "o");
    kit_push(&k, "b");
    kit_push(&k, "cde");
    kit_reply_parts(&k, "o");
    KIT_JOURNAL(&k, "ack 1; mneme b; vote b ok; mneme cde;");
    kit_reply_parts(&k, "ouo");
    KIT_JOURNAL(&k, "vote c ok; vote d unavailable; vote e ok; append d;");
    ck_assert(!peer_status(k.peer).backing_off);
    kit_appended(&k);
    kit_tick(&k);
    kit_read(&k, 1);
    KIT_JOURNAL(&k, "read after 1; mneme d;");
    end();
}
END_TEST

/* Nothing is on disk to try with: the next part is. */
START_TEST(test_tries_again)
{
    begin((struct peer_opts){0});
    peer_connection_failed(k.peer, k.now_ns, STR("refused"));
    kit_sleep(&k, 100);
    kit_push(&k, "ab");
    KIT_JOURNAL(&k, "send a; vote b unavailable; append ab;");
    kit_reply(&k, VOTE_OK);
    kit_push(&k, "c");
    kit_appended(&k);
    kit_read(&k, 9);
    KIT_JOURNAL(&k, "vote a ok; read after 0; ack 1; send b;");
    end();
}
END_TEST

START_TEST(test_connection_failed)
{
    begin((struct peer_opts){0});
    peer_connection_failed(k.peer, k.now_ns, STR("refused"));
    kit_push(&k, "a");
    KIT_JOURNAL(&k, "vote a unavailable; append a;");
    end();
}
END_TEST

/* --- pace, order, ends --------------------------------------------------------------------------
 */

START_TEST(test_replay_pace)
{
    begin((struct peer_opts){
        .message_bytes_max = 257, .replay_bytes_per_s = 2570, .handoff_last = 0});
    kit_push(&k, "abc");
    kit_reply(&k, VOTE_UNAVAILABLE);
    kit_appended(&k);
    kit_tick(&k);
    kit_read(&k, 3);
    kit_journal(&k);
    uint64_t from_ns = k.now_ns;
    for (int i = 0; i < 2; i++) {
        kit_reply(&k, VOTE_OK);
        kit_tick(&k);
    }
    KIT_JOURNAL(&k, "ack 1; send b; ack 2; send c;");
    ck_assert_uint_eq((k.now_ns - from_ns) / 1000000, 200);
    end();
}
END_TEST

START_TEST(test_durable_first)
{
    begin((struct peer_opts){.order = PEER_DURABLE_FIRST});
    kit_push(&k, "a");
    KIT_JOURNAL(&k, "append a;");
    kit_push(&k, "b");
    kit_appended(&k);
    KIT_JOURNAL(&k, "append b; read after 0;");
    kit_read(&k, 9);
    KIT_JOURNAL(&k, "send a;");
    kit_reply(&k, VOTE_OK);
    kit_appended(&k);
    KIT_JOURNAL(&k, "vote a ok; ack 1; read after 1;");
    end();
}
END_TEST

START_TEST(test_flush)
{
    begin((struct peer_opts){0});
    kit_push(&k, "ab");
    peer_flush(k.peer, k.now_ns);
    KIT_JOURNAL(&k, "send a; vote b unavailable; append ab;");
    ck_assert(!peer_is_flushed(k.peer));
    kit_push(&k, "c");
    kit_appended(&k);
    kit_appended(&k);
    KIT_JOURNAL(&k, "vote c unavailable; append c;");
    ck_assert(peer_is_flushed(k.peer));
    kit_reply(&k, VOTE_OK);
    KIT_JOURNAL(&k, "vote a ok;");
    end();
}
END_TEST

START_TEST(test_close_tells)
{
    begin((struct peer_opts){0});
    kit_push(&k, "ab");
    KIT_JOURNAL(&k, "send a;");
    peer_close(TAKE(k.peer));
    KIT_JOURNAL(&k, "drop a closed; vote a unavailable; drop b closed; vote b unavailable;");
    end();
}
END_TEST

START_TEST(test_leave_by_hand)
{
    begin_behind();
    kit_reply(&k, VOTE_UNAVAILABLE);
    peer_leave(k.peer, k.now_ns, PEER_LEAVE_HAND_ON);
    KIT_JOURNAL(&k, "hand on a;");
    kit_push(&k, "b");
    kit_reply(&k, VOTE_OK);
    KIT_JOURNAL(&k, "vote b unavailable; ack 1; hand on b;");
    kit_reply(&k, VOTE_OK);
    ck_assert(peer_is_empty(k.peer));
    end();
}
END_TEST

/* What comes back from the peer that left is handed on, and that tells nothing to its write. */
START_TEST(test_leave_with_message)
{
    begin((struct peer_opts){0});
    kit_push(&k, "abc");
    kit_reply(&k, VOTE_OK);
    peer_leave(k.peer, k.now_ns, PEER_LEAVE_HAND_ON);
    KIT_JOURNAL(&k, "send a; vote a ok; send bc;");
    kit_reply(&k, VOTE_CONFLICT);
    KIT_JOURNAL(&k, "vote b unavailable; hand on b;");
    end();
}
END_TEST

START_TEST(test_notes_are_swept)
{
    begin((struct peer_opts){.waiting_max = 2});
    kit_push(&k, "abcd");
    kit_sleep(&k, 5000);
    kit_appended(&k);
    KIT_JOURNAL(&k, "send a; append abcd; vote c unavailable; vote d unavailable; read after 0;");
    ck_assert_uint_eq(peer_status(k.peer).waiting, 2);
    votes_expire(*vec_at(&k.boxes, 1), STR("deadline")); /* that of b */
    kit_sleep(&k, 1000);
    ck_assert_uint_eq(peer_status(k.peer).waiting, 1);
    end();
}
END_TEST

Suite *
peer_suite(void)
{
    Suite *s = suite_create("peer");
    TCase *t = tcase_create("peer");
    tcase_add_test(t, test_group_commit);
    tcase_add_test(t, test_replica_numbers);
    tcase_add_test(t, test_mneme_takes_all_numbers);
    tcase_add_test(t, test_refusal_of_several);
    tcase_add_test(t, test_unavailable);
    tcase_add_test(t, test_backoff_grows);
    tcase_add_test(t, test_slow);
    tcase_add_test(t, test_slow_then_unavailable);
    tcase_add_test(t, test_queue_too_long);
    tcase_add_test(t, test_memory_is_bounded);
    tcase_add_test(t, test_disk_fails);
    tcase_add_test(t, test_falls_off);
    tcase_add_test(t, test_read_before_reported);
    tcase_add_test(t, test_all_falls_off);
    tcase_add_test(t, test_failed);
    tcase_add_test(t, test_one_part_unavailable);
    tcase_add_test(t, test_tries_again);
    tcase_add_test(t, test_connection_failed);
    tcase_add_test(t, test_replay_pace);
    tcase_add_test(t, test_durable_first);
    tcase_add_test(t, test_flush);
    tcase_add_test(t, test_close_tells);
    tcase_add_test(t, test_leave_by_hand);
    tcase_add_test(t, test_leave_with_message);
    tcase_add_test(t, test_notes_are_swept);
    suite_add_tcase(s, t);
    return s;
}
