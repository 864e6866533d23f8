/* Items keep their address, start as zeros, and are found where another thread put them. */
#include "config.h"

#include "tests/harness.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/segarray.h"

struct item {
    uint64_t index;
    char rest[24];
};

START_TEST(test_addresses)
{
    enum { COUNT = 100000 };
    struct segarray a;
    segarray_init(&a, sizeof(struct item), _Alignof(struct item));
    AUTO(mem_free) struct item **seen = mem_array_zero(COUNT, sizeof *seen);
    for (uint32_t i = 0; i < COUNT; i++) {
        segarray_ensure(&a, i);
        seen[i] = segarray_at(&a, i);
        static const struct item zero;
        ck_assert_int_eq(memcmp(seen[i], &zero, sizeof zero), 0);
        memset(seen[i], 0xff, sizeof *seen[i]);
        seen[i]->index = i;
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        ck_assert_ptr_eq(segarray_at(&a, i), seen[i]);
        ck_assert_uint_eq(seen[i]->index, i);
    }
    segarray_fini(&a);
}
END_TEST

static const struct edge_case {
    const char *name;
    uint32_t item;
    unsigned segments;
} edge_cases[] = {
    {"first", 0, 1},
    {"last of segment 0", 63, 1},
    {"first of segment 1", 64, 2},
    {"last of segment 1", 191, 2},
    {"first of segment 2", 192, 3},
    {"far", 1000000, 14},
};

/* A gap is filled: all items below exist too, and no segment above. */
START_TEST(test_edges)
{
    const struct edge_case *c = &edge_cases[_i];
    struct segarray a;
    segarray_init(&a, 16, 16);
    segarray_ensure(&a, c->item);
    segarray_ensure(&a, c->item);
    for (unsigned k = 0; k < SEGARRAY_SEGMENTS; k++)
        ROW_ASSERT(c->name, (atomic_load(&a.segments[k]) != NULL) == (k < c->segments));
    char *last = segarray_at(&a, c->item);
    memset(last, 1, 16);
    ROW_ASSERT(c->name, (uintptr_t)last % 16 == 0);
    segarray_fini(&a);
}
END_TEST

START_TEST(test_align)
{
    static const size_t aligns[] = {1, 8, 64, 4096};
    struct segarray a;
    segarray_init(&a, aligns[_i], aligns[_i]);
    segarray_ensure(&a, 5000);
    for (uint32_t i = 0; i <= 5000; i++)
        ck_assert_uint_eq((uintptr_t)segarray_at(&a, i) % aligns[_i], 0);
    segarray_fini(&a);
}
END_TEST

#if HAVE_JEMALLOC /* not in sanitizer builds, which have their own idea of memory */
static size_t
resident_pages(void)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    CK_OK(fs_read_file(fs_posix(), "/proc/self/statm", 1024, &b));
    struct str rest = buf_str(&b);
    uint64_t pages = 0;
    str_split(&rest, ' ');
    CK_OK(str_parse_u64(str_split(&rest, ' '), &pages));
    return pages;
}

START_TEST(test_untouched_is_not_resident)
{
    struct segarray a;
    segarray_init(&a, 64, 64);
    size_t before = resident_pages();
    segarray_ensure(&a, 10000000); /* more than 640 MB of addresses */
    ck_assert_uint_lt(resident_pages() - before, 4096);
    segarray_fini(&a);
}
END_TEST
#endif

struct shared {
    struct segarray a;
    _Atomic(uint32_t) published; /* items below it are written; release pairs with acquire */
};

static void *
read_published(void *arg)
{
    struct shared *s = arg;
    uint32_t n = 0;
    while (n < 20000) {
        n = atomic_load_explicit(&s->published, memory_order_acquire);
        for (uint32_t i = n > 100 ? n - 100 : 0; i < n; i++)
            ck_assert_uint_eq(*(uint32_t *)segarray_at(&s->a, i), i * 3);
    }
    return NULL;
}

START_TEST(test_readers)
{
    struct shared s = {.published = 0};
    segarray_init(&s.a, sizeof(uint32_t), sizeof(uint32_t));
    pthread_t reader;
    ck_assert_int_eq(pthread_create(&reader, NULL, read_published, &s), 0);
    for (uint32_t i = 0; i < 20000; i++) {
        segarray_ensure(&s.a, i);
        *(uint32_t *)segarray_at(&s.a, i) = i * 3;
        atomic_store_explicit(&s.published, i + 1, memory_order_release);
    }
    pthread_join(reader, NULL);
    segarray_fini(&s.a);
}
END_TEST

Suite *
segarray_suite(void)
{
    Suite *s = suite_create("segarray");
    TCase *t = tcase_create("segarray");
    tcase_add_test(t, test_addresses);
    tcase_add_loop_test(t, test_edges, 0, ARRAY_LEN(edge_cases));
    tcase_add_loop_test(t, test_align, 0, 4);
#if HAVE_JEMALLOC
    tcase_add_test(t, test_untouched_is_not_resident);
#endif
    tcase_add_test(t, test_readers);
    suite_add_tcase(s, t);
    return s;
}
