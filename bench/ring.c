/* Hashrings: the time of a row (hash, owners) and of a tenant (part), of building a ring; and over
 * a million series what each node gets and what a node that comes or goes moves. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "replication/ring_hash.h"
#include "replication/ring_movement.h"
#include "tsdb/model/label_key.h"

enum { SERIES = 1000000, KEYS = 1000, ROUNDS = 2000, PARTS = 200000 };

static void
must(struct err e)
{
    if (e.code != ERR_NONE) {
        fprintf(stderr, "bench/ring: %s\n", err_text(&e));
        exit(2);
    }
}

static uint64_t
now_ns(void)
{
    return clock_mono_ns(clock_system());
}

static struct ring *
open_ring(size_t nodes, size_t zones, enum ring_algorithm algorithm, const char *more)
{
    AUTO(buf_fini) struct buf json = BUF_INIT;
    buf_append(&json, STR("[{\"endpoints\":["));
    for (size_t i = 0; i < nodes; i++) {
        buf_printf(&json, "%s{\"address\":\"node-%zu.receive:10901\"", i ? "," : "", i);
        if (zones > 0)
            buf_printf(&json, ",\"az\":\"%zu\"", i % zones);
        buf_put_u8(&json, '}');
    }
    buf_printf(&json, "]%s}]", more);
    struct ring *r;
    must(ring_open(&(struct ring_opts){buf_str(&json), algorithm, 3}, &r));
    return r;
}

/* About 150 bytes, six labels. */
static void
put_key(size_t i, struct buf *key)
{
    char instance[40], pod[40];
    snprintf(instance, sizeof instance, "10.%zu.%zu.%zu:9100", i / 62500, i / 250 % 250, i % 250);
    snprintf(pod, sizeof pod, "frontend-%08zx", i * 2654435761u % 4294967296u);
    struct label v[] = {{STR("__name__"), STR("http_requests_total")},
                        {STR("code"), STR("200")},
                        {STR("instance"), str_of_cstr(instance)},
                        {STR("job"), STR("kubernetes-pods")},
                        {STR("method"), STR("GET")},
                        {STR("pod"), str_of_cstr(pod)}};
    buf_clear(key);
    label_key_encode((struct labels){v, ARRAY_LEN(v)}, key);
}

struct row_times {
    double key_bytes, hash_ns, owners_ns;
};

static struct row_times
time_rows(struct ring *r)
{
    struct buf keys[KEYS] = {BUF_INIT};
    struct row_times t = {.key_bytes = 0};
    for (size_t i = 0; i < KEYS; i++) {
        put_key(i, &keys[i]);
        t.key_bytes += (double)keys[i].n / KEYS;
    }
    const struct ring_part *part;
    must(ring_part(r, STR("default-tenant"), &part));
    uint64_t sum = 0, hash, began = now_ns();
    for (size_t i = 0; i < (size_t)ROUNDS * KEYS; i++) {
        must(ring_hash(STR("default-tenant"), buf_str(&keys[i % KEYS]), &hash));
        sum += hash;
    }
    t.hash_ns = (double)(now_ns() - began) / ROUNDS / KEYS;
    began = now_ns();
    for (size_t i = 0; i < (size_t)ROUNDS * KEYS; i++) {
        const uint16_t *owners;
        sum = sum * 6364136223846793005 + 1442695040888963407; /* as good as a hash */
        must(ring_owners(part, sum, &owners));
        sum += owners[0];
    }
    t.owners_ns = (double)(now_ns() - began) / ROUNDS / KEYS;
    ring_part_unref(part);
    for (size_t i = 0; i < KEYS; i++)
        buf_fini(&keys[i]);
    if (sum == 0)
        printf("\n");
    return t;
}

static double
time_parts(struct ring *r, size_t tenants)
{
    uint64_t began = now_ns();
    for (size_t i = 0; i < PARTS; i++) {
        char tenant[32];
        int n = snprintf(tenant, sizeof tenant, "tenant-%zu", i % tenants);
        const struct ring_part *part;
        must(ring_part(r, str_of(tenant, (size_t)n), &part));
        ring_part_unref(part);
    }
    return (double)(now_ns() - began) / PARTS;
}

static void
print_share(const struct ring_movement *m, size_t nodes)
{
    uint64_t least = UINT64_MAX, most = 0;
    for (size_t i = 0; i < nodes; i++) {
        least = u64_min(least, m->places[i].before);
        most = u64_max(most, m->places[i].before);
    }
    double even = (double)m->series * 3 / (double)nodes;
    printf("%5.1f%% %+5.1f%%", 100 * ((double)least / even - 1), 100 * ((double)most / even - 1));
}

static struct ring_movement
move(struct ring *from, struct ring *to)
{
    struct ring_movement m;
    ring_movement_init(&m, from, to);
    AUTO(buf_fini) struct buf key = BUF_INIT;
    for (size_t i = 0; i < SERIES; i++) {
        put_key(i, &key);
        must(ring_movement_add(&m, STR("default-tenant"), buf_str(&key)));
    }
    return m;
}

/* A row of the table; returns the milliseconds that building the ring takes. */
static double
compare(size_t nodes, size_t zones, enum ring_algorithm algorithm)
{
    uint64_t began = now_ns();
    AUTO(ring_unref) struct ring *from = open_ring(nodes, zones, algorithm, "");
    double ms = (double)(now_ns() - began) / 1e6;
    printf("| %s | %zu | %zu | ", algorithm == RING_KETAMA ? "ketama" : "hashmod", nodes, zones);
    for (int step = 0; step < 2; step++) {
        size_t other = step == 0 ? nodes + 1 : nodes - 1;
        if (other < 3) {
            printf(" | -");
            continue;
        }
        AUTO(ring_unref) struct ring *to = open_ring(other, zones, algorithm, "");
        AUTO(ring_movement_fini) struct ring_movement m = move(from, to);
        if (step == 0)
            print_share(&m, nodes);
        printf(" | %.2f%%", 100 * (double)m.copies_moved / (double)m.copies);
    }
    printf(" |\n");
    return ms;
}

int
main(void)
{
    printf("| algorithm | nodes | zones | share of a node, least and most | one more moves | one "
           "less moves |\n|---|---|---|---|---|---|\n");
    static const size_t sizes[] = {3, 10, 100};
    double build_ms = 0;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        build_ms = compare(sizes[i], 0, RING_KETAMA);
    (void)compare(9, 3, RING_KETAMA);
    (void)compare(99, 3, RING_KETAMA);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        (void)compare(sizes[i], 0, RING_HASHMOD);

    AUTO(ring_unref) struct ring *ten = open_ring(10, 0, RING_KETAMA, "");
    AUTO(ring_unref) struct ring *hundred = open_ring(100, 0, RING_KETAMA, "");
    AUTO(ring_unref) struct ring *mod = open_ring(100, 0, RING_HASHMOD, "");
    struct row_times t = time_rows(ten), large = time_rows(hundred), hashmod = time_rows(mod);
    static const char shards[] = ",\"shuffle_sharding_config\":{\"shard_size\":6}";
    uint64_t began = now_ns();
    AUTO(ring_unref) struct ring *sharded = open_ring(99, 3, RING_KETAMA, shards);
    double shards_ms = (double)(now_ns() - began) / 1e6;
    printf("{\"key_bytes\":%.0f,\"hash_ns\":%.1f,\"owners_10_ns\":%.1f,\"owners_100_ns\":%.1f,"
           "\"owners_hashmod_ns\":%.1f,\"part_ns\":%.0f,\"part_shard_cached_ns\":%.0f,",
           t.key_bytes, t.hash_ns, t.owners_ns, large.owners_ns, hashmod.owners_ns,
           time_parts(ten, 50), time_parts(sharded, 50));
    began = now_ns();
    for (size_t i = 0; i < 200; i++) {
        char tenant[32];
        int n = snprintf(tenant, sizeof tenant, "new-%zu", i);
        const struct ring_part *part;
        must(ring_part(sharded, str_of(tenant, (size_t)n), &part));
        ring_part_unref(part);
    }
    printf("\"part_shard_new_us\":%.0f,\"build_100_ms\":%.1f,\"build_99_with_shards_ms\":%.1f}\n",
           (double)(now_ns() - began) / 200 / 1e3, build_ms, shards_ms);
    return 0;
}
