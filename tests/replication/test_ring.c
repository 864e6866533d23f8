/* What a ring promises beside being Thanos': dense nodes, parts that outlive the cache,
 * differences, tenants without an end, and hashes whose copies wrap around. */
#include "tests/harness.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/rand.h"
#include "replication/ring.h"

static struct ring *
open_ring(const char *json, enum ring_algorithm algorithm, unsigned rf)
{
    struct ring *r;
    struct ring_opts opts = {str_of_cstr(json), algorithm, rf};
    CK_OK(ring_open(&opts, &r));
    return r;
}

static const char two_rings[] =
    "[{\"hashring\":\"one\",\"tenants\":[\"t\"],\"endpoints\":[\"b:1\",\"a:1\",\"b:1\"],"
    "\"external_labels\":{\"x\":\"y\"}},"
    "{\"hashring\":\"two\",\"algorithm\":\"ketama\",\"tenants\":[\"g*\"],"
    "\"tenant_matcher_type\":\"glob\",\"endpoints\":[{\"address\":\"a:1\"},"
    "{\"address\":\"a:1\",\"az\":\"z\"},\"c:1\"]}]";

START_TEST(test_nodes)
{
    AUTO(ring_unref) struct ring *r = open_ring(two_rings, RING_HASHMOD, 2);
    static const char *const want[][2] = {{"b:1", ""}, {"a:1", ""}, {"a:1", "z"}, {"c:1", ""}};
    ck_assert(ring_node_count(r) == ARRAY_LEN(want));
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        ck_assert(str_eq(ring_node(r, i)->address, str_of_cstr(want[i][0])));
        ck_assert(str_eq(ring_node(r, i)->zone, str_of_cstr(want[i][1])));
    }
    ck_assert(ring_hashring_count(r) == 2 && ring_replication_factor(r) == 2);
    const struct ring_hashring *one = ring_hashring(r, 0), *two = ring_hashring(r, 1);
    ck_assert(str_eq(one->name, STR("one")) && one->algorithm == RING_HASHMOD);
    ck_assert(one->node_count == 3 && one->nodes[0] == 0 && one->nodes[1] == 1 && !one->nodes[2]);
    ck_assert(one->external_label_count == 1 && !one->tenants.globs && one->tenants.n == 1);
    ck_assert(two->algorithm == RING_KETAMA && two->tenants.globs && two->nodes[0] == 1);
    AUTO(ring_part_unref) const struct ring_part *part = NULL;
    CK_OK(ring_part(r, STR("t"), &part));
    size_t n;
    const uint16_t *nodes = ring_part_nodes(part, &n);
    ck_assert(n == 2 && nodes[0] == 0 && nodes[1] == 1 && ring_part_hashring(part) == one);
}
END_TEST

/* Order, patterns, exact names; the second answer is remembered and is the same. */
static const struct tenant_case {
    const char *tenant;
    const char *hashring; /* NULL: no hashring takes it */
} tenant_cases[] = {
    {"exact", "first"}, {"twice", "first"}, {"globbed", "glob"}, {"glob/bed", NULL},
    {"globx", "exact"}, {"", NULL},         {"none", NULL},
};
static const char tenant_rings[] =
    "[{\"hashring\":\"first\",\"endpoints\":[\"a\"],\"tenants\":[\"exact\",\"twice\"]},"
    "{\"hashring\":\"exact\",\"endpoints\":[\"a\"],\"tenants\":[\"globx\",\"twice\"],"
    "\"tenant_matcher_type\":\"exact\"},"
    "{\"hashring\":\"never\",\"endpoints\":[\"a\"],\"tenants\":[\"none\"],"
    "\"tenant_matcher_type\":\"regex\"},"
    "{\"hashring\":\"glob\",\"endpoints\":[\"a\"],\"tenants\":[\"x\",\"glob*\"],"
    "\"tenant_matcher_type\":\"glob\"}]";

START_TEST(test_tenants)
{
    AUTO(ring_unref) struct ring *r = open_ring(tenant_rings, RING_HASHMOD, 1);
    for (size_t i = 0; i < 3 * ARRAY_LEN(tenant_cases); i++) {
        const struct tenant_case *c = &tenant_cases[i % ARRAY_LEN(tenant_cases)];
        AUTO(ring_part_unref) const struct ring_part *part = NULL;
        struct err e = ring_part(r, str_of_cstr(c->tenant), &part);
        if (!c->hashring) {
            ROW_ASSERT(c->tenant, e.code == ERR_INTERNAL);
            err_drop(e);
            continue;
        }
        CK_OK(e);
        ROW_ASSERT(c->tenant, str_eq(ring_part_hashring(part)->name, str_of_cstr(c->hashring)));
    }
}
END_TEST

START_TEST(test_tenants_endless)
{
    AUTO(ring_unref)
    struct ring *r = open_ring(
        "[{\"tenants\":[\"t*\"],\"tenant_matcher_type\":\"glob\",\"endpoints\":[\"a\",\"b\",\"c\"],"
        "\"algorithm\":\"ketama\",\"shuffle_sharding_config\":{\"shard_size\":2,\"cache_size\":3}}"
        "]",
        RING_HASHMOD, 1);
    AUTO(ring_part_unref) const struct ring_part *kept = NULL;
    CK_OK(ring_part(r, STR("t-kept"), &kept));
    uint16_t owner = 0;
    const uint16_t *owners;
    CK_OK(ring_owners(kept, 5, &owners));
    owner = *owners;
    for (int i = 0; i < 40; i++) {
        char tenant[16];
        snprintf(tenant, sizeof tenant, "t%d", i);
        AUTO(ring_part_unref) const struct ring_part *part = NULL;
        CK_OK(ring_part(r, str_of_cstr(tenant), &part));
        size_t n;
        (void)ring_part_nodes(part, &n);
        ck_assert(n == 2);
    }
    CK_OK(ring_owners(kept, 5, &owners)); /* forgotten long ago, and still there */
    ck_assert(*owners == owner);
    AUTO(ring_part_unref) const struct ring_part *again = NULL;
    CK_OK(ring_part(r, STR("t-kept"), &again));
    ck_assert(again != kept);
    CK_OK(ring_owners(again, 5, &owners));
    ck_assert(*owners == owner);
}
END_TEST

/* A shard that cannot be made is the write's error, for those tenants alone. */
START_TEST(test_shard_refused)
{
    AUTO(ring_unref)
    struct ring *r = open_ring(
        "[{\"hashring\":\"h\",\"endpoints\":[\"a\",\"b\",\"c\"],\"algorithm\":\"ketama\","
        "\"shuffle_sharding_config\":{\"shard_size\":2,\"overrides\":["
        "{\"shard_size\":-1,\"tenants\":[\"none\"],\"tenant_matcher_type\":\"exact\"},"
        "{\"shard_size\":4,\"tenants\":[\"[\",\"many*\"],\"tenant_matcher_type\":\"glob\"},"
        "{\"shard_size\":1,\"tenants\":[\"fine\"]}]}}]",
        RING_HASHMOD, 2);
    const struct ring_part *part = NULL;
    CK_ERR(ERR_INTERNAL, ring_part(r, STR("none"), &part));
    struct err e = ring_part(r, STR("many2"), &part);
    ck_assert_str_eq(err_text(&e),
                     "hashring \"h\": tenant \"many2\": shard size 4: zone \"\" has 3 "
                     "nodes, 4 are needed");
    err_drop(e);
    ck_assert(part == NULL);
    CK_OK(ring_part(r, STR("fine"), &part));
    ring_part_unref(part);
}
END_TEST

/* Copies of the last hashes have numbers that start again at 0. */
START_TEST(test_hashmod_wraps)
{
    AUTO(ring_unref)
    struct ring *r =
        open_ring("[{\"endpoints\":[\"g\",\"f\",\"e\",\"d\",\"c\",\"b\",\"a\"]}]", RING_HASHMOD, 5);
    AUTO(ring_part_unref) const struct ring_part *part = NULL;
    CK_OK(ring_part(r, STR(""), &part));
    for (uint64_t i = 0; i < 40; i++) {
        uint64_t hash = i - 20;
        const uint16_t *owners;
        CK_OK(ring_owners(part, hash, &owners));
        for (uint64_t n = 0; n < 5; n++)
            ck_assert_msg(owners[n] == 6 - (hash + n) % 7, "hash %ju copy %ju", (uintmax_t)hash,
                          (uintmax_t)n);
    }
}
END_TEST

START_TEST(test_single)
{
    AUTO(ring_unref) struct ring *r = NULL;
    CK_OK(ring_open_single(STR(""), 1, &r));
    const struct ring_part *part;
    const uint16_t *owners;
    CK_OK(ring_part(r, STR("anybody"), &part));
    CK_OK(ring_owners(part, UINT64_MAX, &owners));
    ck_assert(owners[0] == 0 && ring_node_count(r) == 1 && ring_node(r, 0)->address.n == 0);
    AUTO(ring_unref) struct ring *copies = NULL;
    CK_OK(ring_open_single(STR("a:1"), 2, &copies));
    CK_ERR(ERR_INTERNAL, ring_part(copies, STR("anybody"), &part)); /* as Thanos */
}
END_TEST

START_TEST(test_diff)
{
    AUTO(ring_unref)
    struct ring *from = open_ring("[{\"endpoints\":[\"a\",\"b\",\"c\"]}]", RING_KETAMA, 1);
    AUTO(ring_unref)
    struct ring *to =
        open_ring("[{\"endpoints\":[\"d\",\"c\",{\"address\":\"a\",\"az\":\"z\"},\"b\",\"e\"]}]",
                  RING_KETAMA, 1);
    AUTO(arena_fini) struct arena a = {0};
    struct ring_diff d = ring_diff(&a, from, to);
    ck_assert(d.kept == 2 && d.added == 3 && d.removed == 1);
    static const uint16_t olds[] = {RING_NODE_NONE, 2, RING_NODE_NONE, 1, RING_NODE_NONE};
    static const uint16_t news[] = {RING_NODE_NONE, 3, 1};
    ck_assert_mem_eq(d.old_index, olds, sizeof olds);
    ck_assert_mem_eq(d.new_index, news, sizeof news);
}
END_TEST

Suite *
ring_suite(void)
{
    Suite *s = suite_create("ring");
    TCase *t = tcase_create("ring");
    tcase_add_test(t, test_nodes);
    tcase_add_test(t, test_tenants);
    tcase_add_test(t, test_tenants_endless);
    tcase_add_test(t, test_shard_refused);
    tcase_add_test(t, test_hashmod_wraps);
    tcase_add_test(t, test_single);
    tcase_add_test(t, test_diff);
    suite_add_tcase(s, t);
    return s;
}
