/* Every series of the goldens lies on the nodes that Thanos puts it on, copy by copy. */
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "replication/ring.h"
#include "replication/ring_config.h"
#include "replication/ring_hash.h"
#include "tests/replication/golden.h"

static const char *const rings[] = {
    "hashmod-1-rf1",
    "hashmod-12-rf2-unsorted",
    "hashmod-3-rf1",
    "hashmod-3-rf3",
    "ketama-10-rf3",
    "ketama-10-rf5",
    "ketama-10-uneven-3az-rf3",
    "ketama-3-rf1",
    "ketama-3-rf3",
    "ketama-5-rf2",
    "ketama-5-rf3",
    "ketama-5-rf5",
    "ketama-6-2az-rf2",
    "ketama-6-2az-rf3",
    "ketama-9-3az-rf3",
    "ketama-9-3az-rf5",
    "multi-no-default-rf1",
    "multi-tenants-glob-rf2",
    "shuffle-10-noaz-size3-rf1-zone-off",
    "shuffle-10-noaz-size3-rf2-zone-on",
    "shuffle-12-3az-overrides-rf3",
    "shuffle-8-2az-size5-rf3-zone-on",
    "shuffle-9-3az-size3-rf3-zone-off",
    "shuffle-9-3az-size3-rf3-zone-on",
    "unknown-algorithm-rf2",
};

static void
open_golden(const json_t *root, struct ring **ret_ring)
{
    char *json = json_dumps(json_object_get(root, "hashring_config"), 0);
    struct ring_opts opts = {.json = str_of_cstr(json),
                             .algorithm = ring_algorithm_of(golden_text(root, "default_algorithm")),
                             .replication_factor = (unsigned)json_integer_value(
                                 json_object_get(root, "replication_factor"))};
    CK_OK(ring_open(&opts, ret_ring));
    free(json);
}

static void
check_owners(struct ring *r, const json_t *c, size_t at)
{
    struct str tenant = golden_text(c, "tenant");
    AUTO(ring_part_unref) const struct ring_part *part = NULL;
    struct err e = ring_part(r, tenant, &part);
    if (json_object_get(c, "error")) {
        ck_assert_msg(e.code == ERR_INTERNAL, "case %zu: %s", at, err_text(&e));
        err_drop(e);
        return;
    }
    CK_OK(e);
    AUTO(buf_fini) struct buf key = BUF_INIT;
    golden_label_key(json_object_get(c, "labels"), &key);
    uint64_t hash;
    CK_OK(ring_hash(tenant, buf_str(&key), &hash));
    ck_assert_msg(hash == golden_hex(c, "hash"), "case %zu", at);
    const uint16_t *owners;
    CK_OK(ring_owners(part, hash, &owners));
    const json_t *nodes = json_object_get(c, "nodes");
    ck_assert(json_array_size(nodes) == ring_replication_factor(r));
    for (size_t n = 0; n < json_array_size(nodes); n++) {
        struct str got = ring_node(r, owners[n])->address;
        ck_assert_msg(str_eq(got, str_of_cstr(json_string_value(json_array_get(nodes, n)))),
                      "case %zu: copy %zu on %.*s", at, n, STR_FMT(got));
    }
}

static void
check_shard(struct ring *r, struct str tenant, const json_t *want)
{
    AUTO(ring_part_unref) const struct ring_part *part = NULL;
    struct err e = ring_part(r, tenant, &part);
    if (!json_is_array(want)) {
        ck_assert(e.code == ERR_INTERNAL);
        err_drop(e);
        return;
    }
    CK_OK(e);
    size_t n;
    const uint16_t *nodes = ring_part_nodes(part, &n);
    ck_assert_msg(n == json_array_size(want), "%.*s has %zu nodes", STR_FMT(tenant), n);
    for (size_t i = 0; i < n; i++) {
        bool found = false;
        for (size_t w = 0; w < n; w++)
            found |= str_eq(ring_node(r, nodes[i])->address,
                            str_of_cstr(json_string_value(json_array_get(want, w))));
        ck_assert_msg(found, "%.*s must not lie on node %u", STR_FMT(tenant), nodes[i]);
    }
}

/* A hash that is a section's own belongs to that section. */
static void
check_sections(struct ring *r, const json_t *rows)
{
    AUTO(ring_part_unref) const struct ring_part *part = NULL;
    CK_OK(ring_part(r, STR("any"), &part));
    size_t at;
    const json_t *row;
    json_array_foreach(rows, at, row)
    {
        const uint16_t *owners;
        CK_OK(ring_owners(part, golden_hex(row, "hash"), &owners));
        const json_t *nodes = json_object_get(row, "replicas");
        for (size_t n = 0; n < json_array_size(nodes); n++)
            ck_assert(str_eq(ring_node(r, owners[n])->address,
                             str_of_cstr(json_string_value(json_array_get(nodes, n)))));
    }
}

START_TEST(test_golden)
{
    char name[64];
    snprintf(name, sizeof name, "%s.json", rings[_i / GOLDEN_COUNT]);
    json_t *root = golden_load(name, (enum golden)(_i % GOLDEN_COUNT));
    if (!root)
        return;
    AUTO(ring_unref) struct ring *r = NULL;
    open_golden(root, &r);
    size_t at;
    const json_t *c;
    json_array_foreach(json_object_get(root, "cases"), at, c)
    {
        check_owners(r, c, at);
    }
    ck_assert(at > 10);
    const char *tenant;
    json_t *shard;
    json_object_foreach(json_object_get(root, "tenant_shards"), tenant, shard)
    {
        check_shard(r, str_of_cstr(tenant), shard);
    }
    json_t *sections = json_object_get(root, "ring_sections_every_100th");
    if (sections)
        check_sections(r, sections);
    json_decref(root);
}
END_TEST

Suite *
ring_golden_suite(void)
{
    Suite *s = suite_create("ring_golden");
    TCase *t = tcase_create("ring_golden");
    tcase_add_loop_test(t, test_golden, 0, (int)ARRAY_LEN(rings) * GOLDEN_COUNT);
    suite_add_tcase(s, t);
    return s;
}
