/* Every key that was inserted is found with its number, before and after the table grew, and
 * no other key is; readers may look while it grows. */
#include "tests/harness.h"

#include <pthread.h>

#include "base/mem.h"
#include "tsdb/head/fingerprints.h"

enum { KEYS = 200000 };

static struct hash128
key_of(uint32_t i)
{
    return hash128_seeded(str_of((const char *)&i, sizeof i), 7);
}

START_TEST(test_find)
{
    AUTO(epoch_close) struct epoch *epoch = epoch_open();
    struct fp_table t;
    fp_init(&t, epoch);
    uint32_t id = 99;
    ck_assert(!fp_find(&t, key_of(0), &id));
    ck_assert_uint_eq(id, 99); /* untouched */
    for (uint32_t i = 0; i < KEYS; i += 2)
        fp_insert(&t, key_of(i), i);
    for (uint32_t i = 0; i < KEYS; i++) {
        ck_assert(fp_find(&t, key_of(i), &id) == (i % 2 == 0));
        if (i % 2 == 0)
            ck_assert_uint_eq(id, i);
    }
    ck_assert_uint_le(fp_bytes(&t), KEYS / 2 * 48);
    fp_fini(&t);
}
END_TEST

struct race {
    struct fp_table t;
    struct epoch *epoch;
    _Atomic(uint32_t) inserted;
    _Atomic(uint32_t) wrong;
};

static void *
look(void *arg)
{
    struct race *r = arg;
    for (uint32_t known = 0; known < KEYS / 4;) {
        known = atomic_load(&r->inserted);
        struct epoch_guard g = epoch_enter(r->epoch);
        for (uint32_t i = known > 500 ? known - 500 : 0; i < known; i++) {
            uint32_t id;
            if (!fp_find(&r->t, key_of(i), &id) || id != i)
                atomic_fetch_add(&r->wrong, 1);
        }
        epoch_leave(r->epoch, g);
    }
    return NULL;
}

START_TEST(test_readers_while_growing)
{
    struct race r = {.epoch = epoch_open()};
    fp_init(&r.t, r.epoch);
    pthread_t readers[2];
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&readers[i], NULL, look, &r), 0);
    for (uint32_t i = 0; i < KEYS / 4; i++) {
        fp_insert(&r.t, key_of(i), i);
        atomic_store(&r.inserted, i + 1);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(readers[i], NULL);
    ck_assert_uint_eq(atomic_load(&r.wrong), 0);
    fp_fini(&r.t);
    epoch_close(r.epoch);
}
END_TEST

Suite *
fingerprints_suite(void)
{
    Suite *s = suite_create("fingerprints");
    TCase *t = tcase_create("fingerprints");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_find);
    tcase_add_test(t, test_readers_while_growing);
    suite_add_tcase(s, t);
    return s;
}
