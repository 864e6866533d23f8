/* Which series belong to a shard: by the hash that every other store computes. */
#include "base/hash.h"
#include "base/mem.h"
#include "querygw/store/store_shard.h"
#include "tests/harness.h"

static struct label series[] = {
    {STR_INIT("__name__"), STR_INIT("up")},
    {STR_INIT("job"), STR_INIT("a")},
    {STR_INIT("pod"), STR_INIT("x")},
};
static struct str pod[] = {STR_INIT("pod")},
                  job_and_name[] = {STR_INIT("job"), STR_INIT("__name__")};

static const struct hash_case {
    const char *name;
    struct shard shard; /* index and total are the test's */
    struct str hashed;
} hash_cases[] = {
    {"by one", {.by = true, .labels = pod, .label_count = 1}, STR_INIT("pod\xffx\xff")},
    {"without one",
     {.labels = pod, .label_count = 1},
     STR_INIT("__name__\xff"
              "up\xffjob\xff"
              "a\xff")},
    {"by two, in the order of the series",
     {.by = true, .labels = job_and_name, .label_count = 2},
     STR_INIT("__name__\xff"
              "up\xffjob\xff"
              "a\xff")},
    {"by none", {.by = true}, STR_INIT("")},
    {"without none",
     {.by = false},
     STR_INIT("__name__\xff"
              "up\xffjob\xff"
              "a\xffpod\xffx\xff")},
};

START_TEST(test_hash)
{
    const struct hash_case *c = &hash_cases[_i];
    AUTO(buf_fini) struct buf scratch = BUF_INIT;
    struct labels labels = {series, ARRAY_LEN(series)};
    for (int64_t total = 1; total < 8; total++) {
        for (int64_t index = 0; index < total; index++) {
            struct shard shard = c->shard;
            shard.index = index;
            shard.total = total;
            bool want = hash64(c->hashed) % (uint64_t)total == (uint64_t)index;
            ROW_ASSERT(c->name, shard_has(&shard, labels, &scratch) == want);
        }
    }
}
END_TEST

START_TEST(test_no_shards)
{
    AUTO(buf_fini) struct buf scratch = BUF_INIT;
    struct labels labels = {series, ARRAY_LEN(series)};
    ck_assert(shard_has(&(struct shard){.index = 5, .total = 0}, labels, &scratch));
    ck_assert(shard_has(&(struct shard){.index = 5, .total = -1}, labels, &scratch));
    ck_assert(!shard_has(&(struct shard){.index = 5, .total = 2}, labels, &scratch));
    ck_assert(!shard_has(&(struct shard){.index = -1, .total = 2}, labels, &scratch));
}
END_TEST

Suite *
store_shard_suite(void)
{
    Suite *s = suite_create("store_shard");
    TCase *t = tcase_create("store_shard");
    tcase_add_loop_test(t, test_hash, 0, ARRAY_LEN(hash_cases));
    tcase_add_test(t, test_no_shards);
    suite_add_tcase(s, t);
    return s;
}
