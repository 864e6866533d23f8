/* Many threads append, one consumes, one maintains, one looks: every writer's records come in its
 * order, and all of them do unless bounds drop some. */
#include "tests/harness.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/rand.h"
#include "tests/replication/handoff_kit.h"

/* libcheck's assertions are for the main thread. */
enum { WRITERS = 4, APPENDS = 250 };

struct shared {
    struct handoff_kit kit;
    _Atomic(bool) over;
    bool bounded;
};
struct writer {
    struct shared *shared;
    uint64_t number;
    pthread_t thread;
};

/* Its id tells the writer and how many came before. */
static void *
write_all(void *arg)
{
    struct writer *w = arg;
    struct rand_gen g = rand_gen_of(w->number);
    uint64_t last_seq = 0;
    for (uint64_t i = 1; i <= APPENDS; i++) {
        AUTO(buf_fini) struct buf b = BUF_INIT;
        struct str record = handoff_kit_record(&b, w->number << 32 | i, 8 + rand_below(&g, 9000));
        uint64_t seq;
        struct err e = handoff_append(w->shared->kit.h, &record, 1, INT64_MAX, &seq);
        ASSERT(e.code == ERR_NONE && seq > last_seq);
        last_seq = seq;
    }
    return NULL;
}

static void *
maintain(void *arg)
{
    struct shared *s = arg;
    while (!atomic_load(&s->over)) {
        clock_manual_advance_ms(&s->kit.clock, 400);
        handoffs_maintain(s->kit.hs);
        struct handoff_stats stats = handoff_stats(s->kit.h);
        ASSERT(stats.records <= WRITERS * APPENDS);
        AUTO(buf_fini) struct buf text = BUF_INIT;
        metrics_write(s->kit.metrics, METRICS_TEXT, &text);
    }
    return NULL;
}

/* What was acknowledged of each writer, and what was seen in this pass. */
struct consumer {
    uint64_t acked[WRITERS], seen[WRITERS], count;
};

static void
take(struct consumer *c, struct str record, bool bounded)
{
    uint64_t id = handoff_kit_id(record), writer = id >> 32, n = (uint32_t)id;
    ck_assert_uint_lt(writer, WRITERS);
    if (bounded)
        ck_assert_uint_gt(n, c->seen[writer]);
    else
        ck_assert_uint_eq(n, c->seen[writer] + 1);
    c->seen[writer] = n;
}

/* One read, and what a consumer then does. False when there was nothing. */
static bool
consume(struct shared *s, struct consumer *c, struct rand_gen *g)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct handoff_batch batch;
    CK_OK(handoff_read(s->kit.h, &a, rand_below(g, 200000), &batch));
    if (batch.count == 0)
        return false;
    for (size_t i = 0; i < batch.count; i++)
        take(c, batch.records[i], s->bounded);
    switch (rand_below(g, 8)) {
    case 0:
        handoff_rewind(s->kit.h);
        memcpy(c->seen, c->acked, sizeof c->seen);
        break;
    case 1: /* nothing yet */
        break;
    default:
        handoff_ack(s->kit.h, batch.seqs[batch.count - 1]);
        memcpy(c->acked, c->seen, sizeof c->seen);
        c->count += batch.count;
    }
    return true;
}

START_TEST(test_threads)
{
    struct shared s = {.bounded = _i >= 2};
    handoff_kit_init(&s.kit, fs_posix(), test_dir());
    s.kit.opts.sync = _i & 1 ? WAL_SYNC_BATCH : WAL_SYNC_NONE;
    s.kit.opts.bytes_max = s.bounded ? 1 << 20 : 1 << 30;
    handoff_kit_open(&s.kit);
    struct writer writers[WRITERS];
    pthread_t maintainer;
    for (uint64_t i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.shared = &s, .number = i};
        ck_assert_int_eq(pthread_create(&writers[i].thread, NULL, write_all, &writers[i]), 0);
    }
    ck_assert_int_eq(pthread_create(&maintainer, NULL, maintain, &s), 0);
    struct consumer c = {.count = 0};
    struct rand_gen g = rand_gen_of(99);
    for (int i = 0; i < 300; i++)
        consume(&s, &c, &g);
    for (size_t i = 0; i < WRITERS; i++)
        ck_assert_int_eq(pthread_join(writers[i].thread, NULL), 0);
    while (handoff_stats(s.kit.h).records > 0) {
        if (!consume(&s, &c, &g)) {
            handoff_rewind(s.kit.h); /* what was not acknowledged comes again */
            memcpy(c.seen, c.acked, sizeof c.seen);
        }
    }
    atomic_store(&s.over, true);
    ck_assert_int_eq(pthread_join(maintainer, NULL), 0);
    struct handoff_stats stats = handoff_stats(s.kit.h);
    ck_assert_uint_eq(stats.appended, WRITERS * APPENDS);
    ck_assert_uint_eq(stats.replayed + stats.dropped_bytes + stats.dropped_age + stats.damaged,
                      WRITERS * APPENDS);
    if (!s.bounded) {
        ck_assert_uint_eq(stats.replayed, WRITERS * APPENDS);
        for (size_t i = 0; i < WRITERS; i++)
            ck_assert_uint_eq(c.acked[i], APPENDS);
    }
    handoff_kit_fini(&s.kit);
}
END_TEST

Suite *
handoff_threads_suite(void)
{
    Suite *s = suite_create("handoff_threads");
    TCase *t = tcase_create("handoff_threads");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, test_threads, 0, 4);
    suite_add_tcase(s, t);
    return s;
}
