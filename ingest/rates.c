/* rates.c - token buckets. */
#include "ingest/rates.h"

#include "base/lock.h"
#include "base/map.h"
#include "base/vec.h"

enum { NS_A_SECOND = 1000000000, MS_A_SECOND = 1000, SWEEP_NS = NS_A_SECOND };

struct bucket {
    uint64_t filled_ns; /* monotonic: when `samples` was right */
    double samples;     /* below 0: owed */
    struct rate rate;   /* that it was last asked with */
};

struct rates {
    const struct clock *clock;
    struct lock lock;
    struct map buckets GUARDED_BY(lock); /* tenant -> struct bucket, owned */
    struct bucket rest GUARDED_BY(lock); /* of those that find no room */
    uint64_t swept_ns GUARDED_BY(lock);
};

struct rates *
rates_open(const struct clock *clock)
{
    struct rates *r = mem_alloc_zero(sizeof *r);
    r->clock = clock;
    lock_init(&r->lock, LOCK_RANK_LEAF);
    map_init(&r->buckets, MAP_KEYS_COPIED);
    return r;
}

void
rates_close(struct rates *r)
{
    if (!r)
        return;
    struct map_entry e = MAP_START;
    while (map_next(&r->buckets, &e))
        mem_free(e.value);
    map_fini(&r->buckets);
    lock_fini(&r->lock);
    mem_free(r);
}

static double
room_of(struct rate rate)
{
    return (double)(rate.burst > 0 ? rate.burst : rate.per_second);
}

/* Adds what has come since; one that was never used is full. */
static void
fill(struct bucket *b, struct rate rate, uint64_t now_ns)
{
    double room = room_of(rate);
    double seconds = (double)(now_ns - b->filled_ns) / NS_A_SECOND;
    double samples = b->filled_ns == 0 ? room : b->samples + seconds * (double)rate.per_second;
    b->samples = samples < room ? samples : room;
    b->filled_ns = now_ns;
    b->rate = rate;
}

/* Forgets the tenants whose buckets are full. */
static void
sweep(struct rates *r, uint64_t now_ns) REQUIRES(r->lock)
{
    VEC(struct str) idle = VEC_INIT;
    struct map_entry e = MAP_START;
    r->swept_ns = now_ns;
    while (map_next(&r->buckets, &e)) {
        struct bucket *b = e.value;
        fill(b, b->rate, now_ns);
        if (b->samples >= room_of(b->rate))
            vec_push(&idle, e.key);
    }
    vec_each (&idle, tenant) {
        struct bucket *b = map_get(&r->buckets, *tenant);
        (void)map_remove(&r->buckets, *tenant); /* the key dies with it */
        mem_free(b);
    }
    vec_fini(&idle);
}

static struct bucket *
bucket_of(struct rates *r, struct str tenant, uint64_t now_ns) REQUIRES(r->lock)
{
    struct bucket *b = map_get(&r->buckets, tenant);
    if (b)
        return b;
    if (r->buckets.count >= RATES_TENANTS_MAX && now_ns - r->swept_ns >= SWEEP_NS)
        sweep(r, now_ns);
    if (r->buckets.count >= RATES_TENANTS_MAX)
        return &r->rest;
    b = mem_alloc_zero(sizeof *b);
    (void)map_put(&r->buckets, tenant, b);
    return b;
}

bool
rates_take(struct rates *r, struct str tenant, struct rate rate, uint64_t samples,
           uint64_t *ret_wait_ms)
{
    uint64_t now_ns = clock_mono_ns(r->clock);
    double wanted = (double)samples, room = room_of(rate);
    double needed = wanted < room ? wanted : room;
    LOCKED(&r->lock);
    struct bucket *b = bucket_of(r, tenant, now_ns);
    fill(b, rate, now_ns);
    if (b->samples >= needed) {
        b->samples -= wanted;
        return true;
    }
    double wait_ms = (needed - b->samples) * MS_A_SECOND / (double)rate.per_second;
    *ret_wait_ms = wait_ms < 1e15 ? (uint64_t)wait_ms + 1 : UINT64_MAX;
    return false;
}
