/* Many threads ask for parts, of tenants that come and go in a small cache, while rings are
 * exchanged under them: every answer is the one that a single thread gets. */
#include "tests/harness.h"

#include <pthread.h>
#include <stdio.h>

#include "base/lock.h"
#include "base/mem.h"
#include "base/rand.h"
#include "replication/ring.h"

enum { THREADS = 4, TENANTS = 12, ROUNDS = 400, SWAPS = 30 };

static const char json[] = "[{\"tenants\":[\"*\"],\"tenant_matcher_type\":\"glob\",\"algorithm\":"
                           "\"ketama\",\"endpoints\":["
                           "\"a\",\"b\",\"c\",\"d\",\"e\"],\"shuffle_sharding_config\":{\"shard_"
                           "size\":2,\"cache_size\":4}}]";

struct fixture {
    struct lock lock; /* guards `ring`, as a snapshot of the configuration is */
    struct ring *ring;
    uint16_t want[TENANTS][2];
    _Atomic(bool) wrong;
};

static struct ring *
open_ring(void)
{
    struct ring *r;
    struct ring_opts opts = {STR(json), RING_HASHMOD, 2};
    CK_OK(ring_open(&opts, &r));
    return r;
}

static struct err
ask(struct ring *r, size_t tenant, uint16_t got[2])
{
    char name[16];
    snprintf(name, sizeof name, "tenant-%zu", tenant);
    AUTO(ring_part_unref) const struct ring_part *part = NULL;
    TRY(ring_part(r, str_of_cstr(name), &part));
    const uint16_t *owners;
    TRY(ring_owners(part, 12345, &owners));
    memcpy(got, owners, 2 * sizeof *got);
    return OK;
}

static struct ring *
current(struct fixture *f)
{
    LOCKED(&f->lock);
    return ring_ref(f->ring);
}

static void *
ask_on(void *arg)
{
    struct fixture *f = arg;
    struct rand_gen g = rand_gen_of((uint64_t)(uintptr_t)&f);
    for (int i = 0; i < ROUNDS; i++) {
        AUTO(ring_unref) struct ring *r = current(f);
        size_t tenant = rand_below(&g, TENANTS);
        uint16_t got[2] = {0};
        struct err e = ask(r, tenant, got);
        if (e.code != ERR_NONE || memcmp(got, f->want[tenant], sizeof got) != 0)
            atomic_store(&f->wrong, true);
        err_drop(e);
    }
    return NULL;
}

START_TEST(test_threads)
{
    struct fixture f = {.ring = open_ring()};
    lock_init(&f.lock, LOCK_RANK_RELOAD);
    for (size_t i = 0; i < TENANTS; i++)
        CK_OK(ask(f.ring, i, f.want[i]));
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_on, &f), 0);
    for (int i = 0; i < SWAPS; i++) {
        struct ring *next = open_ring(), *old;
        {
            LOCKED(&f.lock);
            old = f.ring;
            f.ring = next;
        }
        ring_unref(old);
    }
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert(!atomic_load(&f.wrong));
    ring_unref(f.ring);
    lock_fini(&f.lock);
}
END_TEST

Suite *
ring_threads_suite(void)
{
    Suite *s = suite_create("ring_threads");
    TCase *t = tcase_create("ring_threads");
    tcase_add_test(t, test_threads);
    suite_add_tcase(s, t);
    return s;
}
