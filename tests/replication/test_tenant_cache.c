/* The cache keeps what was asked for last, never more than its limit, and drops each reference
 * once. */
#include "tests/harness.h"

#include <stdio.h>

#include "base/mem.h"
#include "replication/tenant_cache.h"

static int counts[10];

static void
count_ref(const void *value)
{
    (*(int *)value)++;
}
static void
count_unref(const void *value)
{
    (*(int *)value)--;
}

static struct tenant_cache *
make(uint64_t tenants_max)
{
    memset(counts, 0, sizeof counts);
    return tenant_cache_new(&(struct tenant_cache_opts){tenants_max, count_ref, count_unref});
}

static struct str
name_of(int i)
{
    static char text[8];
    snprintf(text, sizeof text, "t%d", i);
    return str_of_cstr(text);
}

static bool
has(struct tenant_cache *c, int i)
{
    const void *value = tenant_cache_get(c, name_of(i));
    ck_assert(value == NULL || value == &counts[i]);
    if (value)
        count_unref(value);
    return value != NULL;
}

START_TEST(test_order)
{
    struct tenant_cache *c = make(3);
    for (int i = 0; i < 3; i++)
        tenant_cache_put(c, name_of(i), &counts[i]);
    ck_assert(has(c, 0)); /* newest again; 1 is the oldest */
    tenant_cache_put(c, name_of(3), &counts[3]);
    ck_assert(has(c, 0) && !has(c, 1) && has(c, 2) && has(c, 3));
    tenant_cache_put(c, name_of(4), &counts[4]);
    ck_assert(!has(c, 0) && has(c, 2) && has(c, 3) && has(c, 4));
    ck_assert(counts[0] == 0 && counts[1] == 0 && counts[2] == 1 && counts[4] == 1);
    struct tenant_cache_stats s = tenant_cache_stats(c);
    ck_assert(s.requests == 9 && s.hits == 7 && s.evicted == 2 && s.items == 3 && s.items_max == 3);
    tenant_cache_free(c);
    for (int i = 0; i < 10; i++)
        ck_assert(counts[i] == 0);
}
END_TEST

START_TEST(test_one)
{
    struct tenant_cache *c = make(1);
    for (int i = 0; i < 10; i++) {
        tenant_cache_put(c, name_of(i), &counts[i]);
        ck_assert(has(c, i) && (i == 0 || !has(c, i - 1)));
    }
    tenant_cache_put(c, name_of(9), &counts[8]); /* found out by somebody else: the first stays */
    ck_assert(has(c, 9) && counts[8] == 0 && counts[9] == 1);
    tenant_cache_free(c);
    tenant_cache_free(NULL);
}
END_TEST

Suite *
tenant_cache_suite(void)
{
    Suite *s = suite_create("tenant_cache");
    TCase *t = tcase_create("tenant_cache");
    tcase_add_test(t, test_order);
    tcase_add_test(t, test_one);
    suite_add_tcase(s, t);
    return s;
}
