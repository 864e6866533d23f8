/* ring_config.c - tables of keys over jansson's tree. */
#include "replication/ring_config.h"

#include <jansson.h>

#include "base/assert.h"

/* Reads a value that is not null. */
typedef struct err (*value_reader)(struct arena *a, const json_t *v, void *to);
struct key {
    const char *name;
    value_reader read;
    size_t offset;
};

static const char *
type_name(const json_t *v)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array",  [JSON_STRING] = "a text",
        [JSON_INTEGER] = "a number", [JSON_REAL] = "a fraction", [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",      [JSON_NULL] = "null",
    };
    return names[json_typeof(v)];
}

static struct err
wrong_type(const json_t *v, const char *want)
{
    return ERR(ERR_INVALID, "is %s, want %s", type_name(v), want);
}

/* --- values -------------------------------------------------------------------------------- */

static struct err
read_text(struct arena *a, const json_t *v, void *to)
{
    if (!json_is_string(v))
        return wrong_type(v, "a text");
    *(struct str *)to = arena_str(a, str_of(json_string_value(v), json_string_length(v)));
    return OK;
}

static struct err
read_bool(struct arena *a, const json_t *v, void *to)
{
    (void)a;
    if (!json_is_boolean(v))
        return wrong_type(v, "true or false");
    *(bool *)to = json_is_true(v);
    return OK;
}

static struct err
read_int(struct arena *a, const json_t *v, void *to)
{
    (void)a;
    if (!json_is_integer(v))
        return wrong_type(v, "a whole number");
    *(int64_t *)to = json_integer_value(v);
    return OK;
}

struct texts {
    struct str *v;
    size_t n;
};

static struct err
read_texts(struct arena *a, const json_t *v, void *to)
{
    if (!json_is_array(v))
        return wrong_type(v, "an array of texts");
    size_t n = json_array_size(v);
    struct str *texts = ARENA_ARRAY(a, struct str, n + 1);
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(v, i);
        if (json_is_null(item))
            texts[i] = STR(""); /* as Go has it */
        else
            TRY_IN(read_text(a, item, &texts[i]), "item %zu", i + 1);
    }
    *(struct texts *)to = (struct texts){texts, n};
    return OK;
}

/* Each member of an object that a row of the table names. Two spellings of a key: the last counts.
 */
static struct err
read_object(struct arena *a, const json_t *v, const struct key *keys, size_t n, void *to)
{
    if (!json_is_object(v))
        return wrong_type(v, "an object");
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)v, name, member)
    {
        for (size_t i = 0; i < n; i++) {
            if (!str_eq_nocase(str_of_cstr(name), str_of_cstr(keys[i].name)) ||
                json_is_null(member))
                continue;
            TRY_IN(keys[i].read(a, member, (char *)to + keys[i].offset), "%s", keys[i].name);
        }
    }
    return OK;
}

/* --- tenants ------------------------------------------------------------------------------- */

struct matcher_texts {
    struct texts tenants;
    struct str type;
};

static struct tenant_matcher
matcher_of(const struct matcher_texts *m)
{
    enum tenant_match type = TENANT_MATCH_NONE;
    if (str_eq(m->type, STR("exact")))
        type = TENANT_MATCH_EXACT;
    else if (str_eq(m->type, STR("glob")))
        type = TENANT_MATCH_GLOB;
    return (struct tenant_matcher){type, m->tenants.v, m->tenants.n};
}

/* --- endpoints ----------------------------------------------------------------------------- */

static const struct key endpoint_keys[] = {
    {"address", read_text, offsetof(struct ring_node, address)},
    {"capnproto_address", read_text, offsetof(struct ring_node, capnproto_address)},
    {"az", read_text, offsetof(struct ring_node, zone)},
};

/* The host of an address: what stands before the first ':', or in brackets, with them. */
static struct str
host_of(struct str address)
{
    size_t bracket = address.p[0] == '[' ? str_find_byte(address, ']') : address.n;
    if (bracket < address.n)
        return str_of(address.p, bracket + 1);
    return str_of(address.p, str_find_byte(address, ':'));
}

static struct err
read_endpoint(struct arena *a, const json_t *v, struct ring_node *to)
{
    *to = (struct ring_node){STR(""), STR(""), STR("")};
    if (json_is_string(v))
        TRY(read_text(a, v, &to->address));
    else if (json_is_object(v))
        TRY(read_object(a, v, endpoint_keys, ARRAY_LEN(endpoint_keys), to));
    else if (!json_is_null(v))
        return wrong_type(v, "an address or an object");
    if (to->address.n == 0)
        return ERR(ERR_INVALID, "address must be set");
    if (to->capnproto_address.n == 0)
        to->capnproto_address = arena_printf(a, "%.*s:19391", STR_FMT(host_of(to->address)));
    return OK;
}

struct endpoints {
    struct ring_node *v;
    size_t n;
};

static struct err
read_endpoints(struct arena *a, const json_t *v, void *to)
{
    if (!json_is_array(v))
        return wrong_type(v, "an array of endpoints");
    size_t n = json_array_size(v);
    if (n > RING_NODES_MAX)
        return ERR(ERR_INVALID, "%zu endpoints, at most %d", n, RING_NODES_MAX);
    struct ring_node *nodes = ARENA_ARRAY(a, struct ring_node, n + 1);
    for (size_t i = 0; i < n; i++)
        TRY_IN(read_endpoint(a, json_array_get(v, i), &nodes[i]), "endpoint %zu", i + 1);
    *(struct endpoints *)to = (struct endpoints){nodes, n};
    return OK;
}

/* --- shards -------------------------------------------------------------------------------- */

struct override_texts {
    int64_t shard_size;
    struct matcher_texts matcher;
};
static const struct key override_keys[] = {
    {"shard_size", read_int, offsetof(struct override_texts, shard_size)},
    {"tenants", read_texts, offsetof(struct override_texts, matcher.tenants)},
    {"tenant_matcher_type", read_text, offsetof(struct override_texts, matcher.type)},
};

struct overrides {
    struct shard_override *v;
    size_t n;
};

static struct err
read_overrides(struct arena *a, const json_t *v, void *to)
{
    if (!json_is_array(v))
        return wrong_type(v, "an array of objects");
    size_t n = json_array_size(v);
    struct shard_override *overrides = ARENA_ARRAY(a, struct shard_override, n + 1);
    for (size_t i = 0; i < n; i++) {
        struct override_texts o = {.shard_size = 0};
        const json_t *item = json_array_get(v, i);
        if (!json_is_null(item))
            TRY_IN(read_object(a, item, override_keys, ARRAY_LEN(override_keys), &o), "item %zu",
                   i + 1);
        overrides[i] = (struct shard_override){o.shard_size, matcher_of(&o.matcher)};
    }
    *(struct overrides *)to = (struct overrides){overrides, n};
    return OK;
}

struct shard_fields {
    int64_t shard_size, cache_size;
    bool zone_awareness_disabled;
    struct overrides overrides;
};
static const struct key shard_keys[] = {
    {"shard_size", read_int, offsetof(struct shard_fields, shard_size)},
    {"cache_size", read_int, offsetof(struct shard_fields, cache_size)},
    {"zone_awareness_disabled", read_bool, offsetof(struct shard_fields, zone_awareness_disabled)},
    {"overrides", read_overrides, offsetof(struct shard_fields, overrides)},
};

static struct err
read_shards(struct arena *a, const json_t *v, void *to)
{
    return read_object(a, v, shard_keys, ARRAY_LEN(shard_keys), to);
}

/* --- hashrings ----------------------------------------------------------------------------- */

struct ring_labels {
    struct ring_label *v;
    size_t n;
};

static struct err
read_labels(struct arena *a, const json_t *v, void *to)
{
    if (!json_is_object(v))
        return wrong_type(v, "an object");
    struct ring_labels labels = {ARENA_ARRAY(a, struct ring_label, json_object_size(v) + 1), 0};
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)v, name, value)
    {
        struct ring_label *l = &labels.v[labels.n++];
        l->name = arena_str(a, str_of_cstr(name));
        l->value = STR("");
        if (!json_is_null(value))
            TRY_IN(read_text(a, value, &l->value), "%s", name);
    }
    *(struct ring_labels *)to = labels;
    return OK;
}

struct hashring_fields {
    struct str name, algorithm;
    struct matcher_texts matcher;
    struct endpoints endpoints;
    struct ring_labels external_labels;
    struct shard_fields shards;
};
static const struct key hashring_keys[] = {
    {"hashring", read_text, offsetof(struct hashring_fields, name)},
    {"tenants", read_texts, offsetof(struct hashring_fields, matcher.tenants)},
    {"tenant_matcher_type", read_text, offsetof(struct hashring_fields, matcher.type)},
    {"endpoints", read_endpoints, offsetof(struct hashring_fields, endpoints)},
    {"algorithm", read_text, offsetof(struct hashring_fields, algorithm)},
    {"external_labels", read_labels, offsetof(struct hashring_fields, external_labels)},
    {"shuffle_sharding_config", read_shards, offsetof(struct hashring_fields, shards)},
};

enum ring_algorithm
ring_algorithm_of(struct str name)
{
    return str_eq(name, STR("ketama")) ? RING_KETAMA : RING_HASHMOD;
}

static void
hashring_of(const struct hashring_fields *f, struct hashring_config *to)
{
    struct matcher_texts m = f->matcher;
    if (m.type.n == 0)
        m.type = STR("exact");
    *to = (struct hashring_config){
        .name = f->name,
        .tenants = matcher_of(&m),
        .endpoints = f->endpoints.v,
        .endpoint_count = f->endpoints.n,
        .has_algorithm = f->algorithm.n > 0,
        .algorithm = ring_algorithm_of(f->algorithm),
        .external_labels = f->external_labels.v,
        .external_label_count = f->external_labels.n,
        .shards = {.shard_size = f->shards.shard_size,
                   .cache_size = f->shards.cache_size > 0 ? (uint64_t)f->shards.cache_size
                                                          : RING_CACHE_TENANTS_DEFAULT,
                   .zone_awareness_disabled = f->shards.zone_awareness_disabled,
                   .overrides = f->shards.overrides.v,
                   .override_count = f->shards.overrides.n},
    };
    if (m.tenants.n == 0)
        to->tenants.type = TENANT_MATCH_ALL;
}

const char *
hashring_title(struct arena *a, const struct hashring_config *h, size_t index)
{
    if (h->name.n == 0)
        return arena_printf(a, "%zu", index + 1).p;
    return arena_printf(a, "\"%.*s\"", STR_FMT(h->name)).p;
}

static struct err
read_hashring(struct arena *a, const json_t *v, size_t index, struct hashring_config *to)
{
    struct hashring_fields f = {.name = STR("")};
    struct hashring_config named = {.name = STR("")};
    const json_t *name = json_object_get(v, "hashring"); /* NULL when v is no object */
    if (json_is_string(name))
        TRY(read_text(a, name, &named.name));
    if (!json_is_null(v))
        TRY_IN(read_object(a, v, hashring_keys, ARRAY_LEN(hashring_keys), &f), "hashring %s",
               hashring_title(a, &named, index));
    hashring_of(&f, to);
    return OK;
}

static void
auto_tree(json_t **tree)
{
    json_decref(*tree);
}

struct err
ring_config_parse(struct arena *a, struct str json, struct ring_config *ret_config)
{
    if (json.n > RING_JSON_BYTES_MAX)
        return ERR(ERR_INVALID, "hashrings of %zu bytes, at most %d", json.n, RING_JSON_BYTES_MAX);
    json_error_t error;
    __attribute__((cleanup(auto_tree))) json_t *tree =
        json_loadb(json.n ? json.p : "", json.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (!tree)
        return ERR(ERR_INVALID, "hashrings: line %d: %s", error.line, error.text);
    if (!json_is_array(tree) && !json_is_null(tree))
        return ERR(ERR_INVALID, "hashrings: %s, want an array of objects", type_name(tree));
    struct ring_config c = {.n = json_array_size(tree)};
    c.v = ARENA_ARRAY(a, struct hashring_config, c.n + 1);
    for (size_t i = 0; i < c.n; i++)
        TRY(read_hashring(a, json_array_get(tree, i), i, &c.v[i]));
    *ret_config = c;
    return OK;
}
