/* ring_config.h - the hashring file: JSON, read as Thanos reads it.
 *
 * Unknown keys are ignored, the case of keys too; null is as good as absent; a wrong type is an
 * error. Stricter than Go's reader in one point: text must be UTF-8.
 * Source: spec/receive.md 2.3. Threads: any (pure). */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "replication/ring.h"

enum {
    RING_JSON_BYTES_MAX = 4 << 20, /* as conf/reload reads */
    RING_CACHE_TENANTS_DEFAULT =
        100, /* shards that are remembered, where cache_size is not above 0 */
};

enum tenant_match {
    TENANT_MATCH_ALL,
    TENANT_MATCH_EXACT,
    TENANT_MATCH_GLOB,
    TENANT_MATCH_NONE, /* a type that nobody knows */
};
struct tenant_matcher {
    enum tenant_match type;
    struct str *v; /* names or patterns */
    size_t n;
};

struct shard_override {
    int64_t shard_size;
    struct tenant_matcher tenants; /* never TENANT_MATCH_ALL: a type that is left out is none */
};
struct shard_config {
    int64_t shard_size; /* not above 0: no shuffle sharding */
    uint64_t cache_size;
    bool zone_awareness_disabled;
    struct shard_override *overrides;
    size_t override_count;
};

struct hashring_config {
    struct str name;
    struct tenant_matcher tenants;
    struct ring_node *endpoints; /* addresses are never empty, Cap'n Proto's are filled in */
    size_t endpoint_count;
    bool has_algorithm; /* false: that of the flag */
    enum ring_algorithm algorithm;
    struct ring_label *external_labels;
    size_t external_label_count;
    struct shard_config shards;
};
struct ring_config {
    struct hashring_config *v;
    size_t n; /* 0: an empty list, or null */
};

/* Everything is in the arena. ERR_INVALID names the hashring and the endpoint. */
struct err ring_config_parse(struct arena *a, struct str json, struct ring_config *ret_config);
/* As the flag and the file spell it; what nobody knows is hashmod. */
enum ring_algorithm ring_algorithm_of(struct str name);
/* `"name"`, or its number from 1 where it has none: for messages. In the arena. */
const char *hashring_title(struct arena *a, const struct hashring_config *h, size_t index);
