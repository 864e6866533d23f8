/* tsdb_bench.h - the parts of bench/tsdb: each measures one thing and reports figures.
 *
 * Threads: one. */
#pragma once
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"

struct match_cache;
enum bench_after { BENCH_REMOVE, BENCH_KEEP };

struct bench {
    struct str dir;         /* an empty directory for databases; a part leaves nothing behind ... */
    enum bench_after after; /* ... but restart parts asked to keep theirs, in db */
    /* of databases that are opened from now on */
    struct match_cache *match_cache; /* NULL: none */
    bool snapshots;                  /* a clean stop leaves one */
    struct buf json;                 /* the figures so far, as members of an object */
};

/* One line for people, one member of the JSON object. Names end in their unit. */
void bench_figure(struct bench *b, const char *name, double value);

/* CPU and wall time since a start. */
struct bench_timer {
    uint64_t cpu_ns, wall_ns;
    struct bench_walls *each; /* where bench_write() puts the wall time of each request; or NULL */
};
struct bench_walls {
    VEC(uint64_t) ns;
};
struct bench_timer bench_start(void);
struct bench_timer bench_since(struct bench_timer start);

/* Resident bytes of this process, unused memory of the allocator given back first. */
uint64_t bench_resident_bytes(void);
/* The most that was resident since bench_forget_peak(). */
void bench_forget_peak(void);
uint64_t bench_peak_bytes(void);

struct err bench_compact(struct bench *b);
struct err bench_append(struct bench *b);
struct err bench_latency(struct bench *b);
struct err bench_memory(struct bench *b);
struct err bench_restart(struct bench *b);
struct err bench_restart_big(struct bench *b);
struct err bench_cut(struct bench *b);
struct err bench_decode(struct bench *b);
struct err bench_match(struct bench *b);
struct err bench_order(struct bench *b);
struct err bench_intersect(struct bench *b);
