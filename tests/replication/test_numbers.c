/* Numbers of series here, and which of them a peer knows. */
#include "tests/harness.h"

#include "base/rand.h"
#include "replication/link_numbers.h"
#include "replication/numbers.h"

static struct hash128
key_of(uint64_t i)
{
    uint64_t bytes[1] = {i};
    return hash128_seeded(str_of((const char *)bytes, sizeof bytes), 3);
}

START_TEST(test_numbers)
{
    enum { KEYS = 5000 };
    struct numbers_of_node *node = numbers_open(clock_system(), 3, NUMBERS_MAX);
    AUTO(numbers_release) struct numbers *n = numbers_acquire(node);
    static struct hash128 keys[KEYS];
    static uint32_t numbers[KEYS];
    static uint64_t hashes[KEYS];
    for (size_t i = 0; i < KEYS; i++)
        keys[i] = key_of(i);
    numbers_find(n, keys, KEYS, numbers, hashes);
    for (uint32_t i = 0; i < KEYS; i += 2) {
        ck_assert_uint_eq(numbers[i], NUMBERS_NONE);
        ck_assert_uint_eq(numbers_add(n, keys[i], i * 7), i / 2);
        ck_assert_uint_eq(numbers_add(n, keys[i], 0), i / 2); /* it has one */
    }
    numbers_find(n, keys, KEYS, numbers, hashes);
    for (size_t i = 0; i < KEYS; i++) {
        ck_assert_uint_eq(numbers[i], i % 2 ? NUMBERS_NONE : i / 2);
        ck_assert(i % 2 || hashes[i] == i * 7);
    }
    numbers_close(node); /* what is held stays */
    ck_assert_uint_ne(numbers_id(n), 0);
}
END_TEST

/* A numbering ends by age; who has the old one goes on with it. */
START_TEST(test_age)
{
    struct clock_manual clock;
    clock_manual_init(&clock, 1000);
    struct numbers_of_node *node = numbers_open(&clock.clock, 3, NUMBERS_MAX);
    AUTO(numbers_release) struct numbers *before = numbers_acquire(node);
    (void)numbers_add(before, key_of(1), 2);
    clock_manual_advance_ms(&clock, NUMBERS_AGE_MS);
    AUTO(numbers_release) struct numbers *same = numbers_acquire(node);
    ck_assert_ptr_eq(before, same);
    clock_manual_advance_ms(&clock, 1);
    AUTO(numbers_release) struct numbers *after = numbers_acquire(node);
    ck_assert_uint_ne(numbers_id(before), numbers_id(after));
    struct hash128 key = key_of(1);
    uint32_t number;
    uint64_t hash = 0;
    numbers_find(after, &key, 1, &number, &hash);
    ck_assert_uint_eq(number, NUMBERS_NONE);
    numbers_find(before, &key, 1, &number, &hash);
    ck_assert(number == 0 && hash == 2);
    numbers_close(node);
}
END_TEST

/* A numbering that is full ends with the next write; until then series have none. */
START_TEST(test_full)
{
    struct numbers_of_node *node = numbers_open(clock_system(), 3, 2);
    AUTO(numbers_release) struct numbers *n = numbers_acquire(node);
    ck_assert(numbers_add(n, key_of(1), 0) == 0 && numbers_add(n, key_of(2), 0) == 1);
    AUTO(numbers_release) struct numbers *same = numbers_acquire(node);
    ck_assert_ptr_eq(n, same);
    ck_assert_uint_eq(numbers_add(n, key_of(3), 0), NUMBERS_NONE);
    ck_assert_uint_eq(numbers_add(n, key_of(2), 0), 1);
    AUTO(numbers_release) struct numbers *next = numbers_acquire(node);
    ck_assert_uint_ne(numbers_id(n), numbers_id(next));
    ck_assert_uint_eq(numbers_add(next, key_of(3), 0), 0);
    numbers_close(node);
}
END_TEST

static struct peer_rows *
rows_of(uint64_t numbering, const uint32_t *numbers, size_t n)
{
    struct peer_rows *r = peer_rows_new(shared_new(STR("full")), 1);
    uint32_t *copy = mem_array_zero(n, sizeof *copy);
    memcpy(copy, numbers, n * sizeof *copy);
    peer_rows_set_terse(r, numbering, copy, n, shared_new(STR("terse")), 5);
    return r;
}
#define ROWS(numbering, ...)                                                                       \
    rows_of((numbering), (uint32_t[]){__VA_ARGS__}, sizeof((uint32_t[]){__VA_ARGS__}) / 4)

START_TEST(test_peer_knows)
{
    struct link_numbers l = {.numbering = 0};
    AUTO(peer_rows_unref) struct peer_rows *some = ROWS(5, 1, 2, 1000000);
    AUTO(peer_rows_unref) struct peer_rows *more = ROWS(5, 2, 3);
    AUTO(peer_rows_unref) struct peer_rows *others = ROWS(6, 1);
    AUTO(peer_rows_unref) struct peer_rows *full = peer_rows_new(shared_new(STR("x")), 1);
    ck_assert(!link_numbers_suffice(&l, some));
    link_numbers_learn(&l, full); /* tells no numbers */
    link_numbers_learn(&l, some);
    ck_assert(link_numbers_suffice(&l, some) && !link_numbers_suffice(&l, more));
    ck_assert(!link_numbers_suffice(&l, others) && !link_numbers_suffice(&l, full));
    link_numbers_learn(&l, more);
    ck_assert(link_numbers_suffice(&l, more) && link_numbers_suffice(&l, some));
    link_numbers_forget(&l, others); /* of another numbering */
    ck_assert(link_numbers_suffice(&l, some));
    link_numbers_forget(&l, more);
    ck_assert(!link_numbers_suffice(&l, more) && !link_numbers_suffice(&l, some));
    link_numbers_learn(&l, others); /* a new numbering: nothing of the old one is known */
    ck_assert(link_numbers_suffice(&l, others) && !link_numbers_suffice(&l, some));
    link_numbers_fini(&l);
}
END_TEST

Suite *
numbers_suite(void)
{
    Suite *s = suite_create("numbers");
    TCase *t = tcase_create("numbers");
    tcase_add_test(t, test_numbers);
    tcase_add_test(t, test_age);
    tcase_add_test(t, test_full);
    tcase_add_test(t, test_peer_knows);
    suite_add_tcase(s, t);
    return s;
}
