/* The hashring file: what Thanos accepts is accepted and means the same, what it refuses is
 * refused; and messages say where. */
#include "tests/harness.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "replication/ring_config.h"
#include "replication/ring_hash.h"
#include "tests/replication/golden.h"

/* --- goldens ------------------------------------------------------------------------------- */

static struct ring_opts
golden_opts(const json_t *c)
{
    return (struct ring_opts){.json = golden_text(c, "config_text"),
                              .algorithm = ring_algorithm_of(golden_text(c, "default_algorithm")),
                              .replication_factor = (unsigned)json_integer_value(
                                  json_object_get(c, "replication_factor"))};
}

static const json_t *
find_address(const json_t *endpoints, struct str address)
{
    for (size_t i = 0; i < json_array_size(endpoints); i++) {
        const json_t *e = json_array_get(endpoints, i);
        if (str_eq(golden_text(e, "address"), address))
            return e;
    }
    return NULL;
}

/* In any order: hashmod has sorted them in the goldens. Where there are brackets, Thanos cuts the
 * address in two. */
static void
check_endpoints(const json_t *c, const struct ring_config *config)
{
    const json_t *want = json_object_get(c, "endpoints");
    if (!want)
        return;
    size_t count = 0;
    for (size_t h = 0; h < config->n; h++) {
        for (size_t e = 0; e < config->v[h].endpoint_count; e++, count++) {
            const struct ring_node *n = &config->v[h].endpoints[e];
            const json_t *w = find_address(want, n->address);
            ck_assert_msg(w != NULL, "%.*s", STR_FMT(n->address));
            ck_assert(str_eq(n->zone, golden_text(w, "az")));
            struct str capnproto = golden_text(w, "capnproto_address");
            if (n->address.p[0] == '[')
                capnproto = STR("[::1]:19391");
            ck_assert_msg(str_eq(n->capnproto_address, capnproto), "%.*s",
                          STR_FMT(n->capnproto_address));
        }
    }
    ck_assert(count == json_array_size(want));
}

/* The series `up` of tenant tt. Thanos is asked for the first copy alone, here all must be there.
 */
static void
check_get(const json_t *c, struct ring *r)
{
    AUTO(ring_part_unref) const struct ring_part *part = NULL;
    struct err e = ring_part(r, STR("tt"), &part);
    if (!json_object_get(c, "get_node") || ring_node_count(r) < ring_replication_factor(r)) {
        ck_assert_msg(e.code == ERR_INTERNAL, "%s", err_text(&e));
        err_drop(e);
        return;
    }
    CK_OK(e);
    uint64_t hash;
    const uint16_t *owners;
    CK_OK(ring_hash(STR("tt"), STR("\x0a\x0e\x0a\x08__name__\x12\x02up"), &hash));
    CK_OK(ring_owners(part, hash, &owners));
    struct str got = ring_node(r, owners[0])->address;
    ck_assert_msg(str_eq(got, golden_text(c, "get_node")), "%.*s", STR_FMT(got));
}

START_TEST(test_golden)
{
    json_t *root = golden_load("config.json", GOLDEN_OWN);
    const json_t *cases = json_object_get(root, "cases");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        struct ring_opts opts = golden_opts(c);
        AUTO(ring_unref) struct ring *r = NULL;
        struct err e = ring_open(&opts, &r);
        if (json_object_get(c, "error")) {
            ck_assert_msg(e.code == ERR_INVALID, "%s", opts.json.p);
            err_drop(e);
            continue;
        }
        CK_OK(e);
        AUTO(arena_fini) struct arena a = {0};
        struct ring_config config;
        CK_OK(ring_config_parse(&a, opts.json, &config));
        check_endpoints(c, &config);
        check_get(c, r);
    }
    ck_assert(json_array_size(cases) >= 25);
    json_decref(root);
}
END_TEST

/* --- what the goldens leave out ------------------------------------------------------------ */

static const struct refused_case {
    const char *json;
    const char *text; /* of the error */
} refused_cases[] = {
    {"", "hashrings: line 1: "},
    {"[", "hashrings: line 1: "},
    {"5", "hashrings: a number, want an array of objects"},
    {"[5]", "hashring 1: is a number, want an object"},
    {"[{\"hashring\":5}]", "hashring 1: hashring: is a number, want a text"},
    {"[{},{\"hashring\":\"b\",\"endpoints\":{}}]",
     "hashring \"b\": endpoints: is an object, want an array of endpoints"},
    {"[{\"endpoints\":[\"a\",null]}]", "hashring 1: endpoints: endpoint 2: address must be set"},
    {"[{\"hashring\":\"r\",\"endpoints\":[\"a\",{\"address\":5}]}]",
     "hashring \"r\": endpoints: endpoint 2: address: is a number, want a text"},
    {"[{\"endpoints\":[\"a\",[]]}]",
     "hashring 1: endpoints: endpoint 2: is an array, want an address or an object"},
    {"[{\"endpoints\":[true]}]",
     "hashring 1: endpoints: endpoint 1: is true, want an address or an object"},
    {"[{\"tenants\":\"a\"}]", "hashring 1: tenants: is a text, want an array of texts"},
    {"[{\"tenants\":[\"a\",7]}]", "hashring 1: tenants: item 2: is a number, want a text"},
    {"[{\"algorithm\":[]}]", "hashring 1: algorithm: is an array, want a text"},
    {"[{\"external_labels\":[]}]", "hashring 1: external_labels: is an array, want an object"},
    {"[{\"external_labels\":{\"a\":1}}]",
     "hashring 1: external_labels: a: is a number, want a text"},
    {"[{\"shuffle_sharding_config\":{\"shard_size\":1.5}}]",
     "hashring 1: shuffle_sharding_config: shard_size: is a fraction, want a whole number"},
    {"[{\"shuffle_sharding_config\":{\"zone_awareness_disabled\":1}}]",
     "hashring 1: shuffle_sharding_config: zone_awareness_disabled: is a number, want true or "
     "false"},
    {"[{\"shuffle_sharding_config\":{\"overrides\":[{},{\"tenants\":1}]}}]",
     "hashring 1: shuffle_sharding_config: overrides: item 2: tenants: is a number, want an array "
     "of texts"},
    {"[{\"hashring\":\"\xff\"}]", "hashrings: line 1: "},
};

START_TEST(test_refused)
{
    const struct refused_case *c = &refused_cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    struct ring_config config;
    struct err e = ring_config_parse(&a, str_of_cstr(c->json), &config);
    ck_assert_msg(e.code == ERR_INVALID, "%s", c->json);
    ck_assert_msg(strncmp(err_text(&e), c->text, strlen(c->text)) == 0, "%s: %s", c->json,
                  err_text(&e));
    err_drop(e);
}
END_TEST

/* What reading leaves is right, and building is not. */
static const struct unbuilt_case {
    const char *json;
    enum ring_algorithm algorithm;
    unsigned replication_factor;
    const char *text;
} unbuilt_cases[] = {
    {"[]", RING_KETAMA, 0, "replication factor 0, want 1 to 64"},
    {"[]", RING_KETAMA, 65, "replication factor 65, want 1 to 64"},
    {"[{\"hashring\":\"z\",\"endpoints\":[\"a:1\",{\"address\":\"b:1\",\"az\":\"1\"}]}]",
     RING_HASHMOD, 1,
     "hashring \"z\": endpoint 2 (b:1) has an az, which hashmod does not know: use "
     "ketama or leave it out"},
    {"[{\"endpoints\":[{\"address\":\"b:1\",\"az\":\"1\"}],\"algorithm\":\"maglev\"}]", RING_KETAMA,
     1,
     "hashring 1: endpoint 1 (b:1) has an az, which hashmod does not know: use ketama or leave "
     "it out"},
    /* One zone of one endpoint and one of three hold at most three copies. */
    {"[{\"hashring\":\"u\",\"endpoints\":[{\"address\":\"a:1\",\"az\":\"1\"},"
     "{\"address\":\"b:1\",\"az\":\"2\"},{\"address\":\"c:1\",\"az\":\"2\"},"
     "{\"address\":\"d:1\",\"az\":\"2\"}]}]",
     RING_KETAMA, 4,
     "hashring \"u\": 4 copies cannot be spread over the zones: zone \"1\" has 1 "
     "endpoints, so that no zone may take more than 2 copies"},
    /* The same, where only shards are ever asked for. */
    {"[{\"hashring\":\"u\",\"endpoints\":[{\"address\":\"a:1\",\"az\":\"1\"},"
     "{\"address\":\"b:1\",\"az\":\"2\"},{\"address\":\"c:1\",\"az\":\"2\"},"
     "{\"address\":\"d:1\",\"az\":\"2\"}],\"shuffle_sharding_config\":{\"shard_size\":4}}]",
     RING_KETAMA, 4, "hashring \"u\": 4 copies cannot be spread"},
};

START_TEST(test_unbuilt)
{
    const struct unbuilt_case *c = &unbuilt_cases[_i];
    struct ring_opts opts = {str_of_cstr(c->json), c->algorithm, c->replication_factor};
    struct ring *r = NULL;
    struct err e = ring_open(&opts, &r);
    ck_assert_msg(e.code == ERR_INVALID && strncmp(err_text(&e), c->text, strlen(c->text)) == 0,
                  "%s: %s", c->json, err_text(&e));
    err_drop(e);
}
END_TEST

START_TEST(test_too_many)
{
    AUTO(buf_fini) struct buf json = BUF_INIT;
    for (int ring = 0; ring < 2; ring++) {
        buf_append(&json, ring ? STR("]},{\"endpoints\":[") : STR("[{\"endpoints\":["));
        for (int i = 0; i < RING_NODES_MAX / 2 + ring; i++)
            buf_printf(&json, "%s\"n%d\"", i ? "," : "", i);
    }
    buf_append(&json, STR("]}]"));
    struct ring_opts opts = {buf_str(&json), RING_HASHMOD, 1};
    struct ring *r = NULL;
    CK_ERR(ERR_INVALID, ring_open(&opts, &r));
    AUTO(mem_free) char *large = mem_alloc_zero(RING_JSON_BYTES_MAX + 1);
    opts.json = str_of(large, RING_JSON_BYTES_MAX + 1);
    CK_ERR(ERR_INVALID, ring_open(&opts, &r));
}
END_TEST

static const char all_fields[] =
    "[{\"HASHRING\":\"h\",\"tenants\":[\"a\",null,\"b\"],\"tenant_matcher_type\":\"glob\","
    "\"endpoints\":[\"x\",{\"az\":\"z\",\"address\":\"[fe80::1]:9\",\"capnproto_address\":null}],"
    "\"algorithm\":\"ketama\",\"external_labels\":{\"l\":\"v\",\"n\":null},\"unknown\":[1],"
    "\"shuffle_sharding_config\":{\"shard_size\":2,\"cache_size\":-3,\"zone_awareness_disabled\":"
    "true,"
    "\"overrides\":[{\"shard_size\":1,\"tenants\":[\"a\"]},null,"
    "{\"tenants\":[\"t\"],\"tenant_matcher_type\":\"exact\"}]}},null]";

START_TEST(test_fields)
{
    AUTO(arena_fini) struct arena a = {0};
    struct ring_config config;
    CK_OK(ring_config_parse(&a, STR(all_fields), &config));
    ck_assert(config.n == 2);
    const struct hashring_config *h = &config.v[0];
    ck_assert(str_eq(h->name, STR("h")) && h->has_algorithm && h->algorithm == RING_KETAMA);
    ck_assert(h->tenants.type == TENANT_MATCH_GLOB && h->tenants.n == 3 && h->tenants.v[1].n == 0);
    ck_assert(h->endpoint_count == 2);
    ck_assert(str_eq(h->endpoints[0].capnproto_address, STR("x:19391")));
    ck_assert(str_eq(h->endpoints[1].capnproto_address, STR("[fe80::1]:19391")));
    ck_assert(str_eq(h->endpoints[1].zone, STR("z")));
    ck_assert(h->external_label_count == 2 && str_eq(h->external_labels[0].value, STR("v")));
    ck_assert(h->external_labels[1].value.n == 0);
    ck_assert(h->shards.shard_size == 2 && h->shards.cache_size == RING_CACHE_TENANTS_DEFAULT);
    ck_assert(h->shards.zone_awareness_disabled && h->shards.override_count == 3);
    ck_assert(h->shards.overrides[0].tenants.type == TENANT_MATCH_NONE); /* Thanos' odd default */
    ck_assert(h->shards.overrides[2].tenants.type == TENANT_MATCH_EXACT);
    h = &config.v[1];
    ck_assert(h->tenants.type == TENANT_MATCH_ALL && h->endpoint_count == 0 && !h->has_algorithm);
    CK_OK(ring_config_parse(&a, STR(" null "), &config));
    ck_assert(config.n == 0);
}
END_TEST

Suite *
ring_config_suite(void)
{
    Suite *s = suite_create("ring_config");
    TCase *t = tcase_create("ring_config");
    tcase_add_test(t, test_golden);
    tcase_add_loop_test(t, test_refused, 0, ARRAY_LEN(refused_cases));
    tcase_add_loop_test(t, test_unbuilt, 0, ARRAY_LEN(unbuilt_cases));
    tcase_add_test(t, test_too_many);
    tcase_add_test(t, test_fields);
    suite_add_tcase(s, t);
    return s;
}
