/* handoff_kit.h - what the tests of hand-off queues share: queues with a clock that is turned by
 * hand, and records that tell which they are. */
#pragma once
#include "base/clock.h"
#include "base/fs.h"
#include "base/metrics.h"
#include "replication/handoff.h"

struct handoff_kit {
    struct handoffs_opts opts; /* as the next handoff_kit_open() takes them */
    struct clock_manual clock;
    struct metrics *metrics;
    struct handoffs *hs; /* NULL while closed */
    struct handoff *h;   /* the queue of peer "peer:1" */
};
/* Segments of two pages, 1 MiB, an hour, no syncs; nothing is open yet. */
void handoff_kit_init(struct handoff_kit *k, struct fs *fs, const char *dir);
void handoff_kit_fini(struct handoff_kit *k);
static inline void
auto_handoff_kit_fini(struct handoff_kit *k)
{
    handoff_kit_fini(k);
}
void handoff_kit_open(struct handoff_kit *k);
void handoff_kit_close(struct handoff_kit *k);
void handoff_kit_reopen(struct handoff_kit *k);
/* Without storing anything: the process died. */
void handoff_kit_kill(struct handoff_kit *k, struct fs *fault);

/* A record of at least 8 bytes that tells its id. Threads: any. */
struct str handoff_kit_record(struct buf *to, uint64_t id, size_t bytes);
/* The id; fails the test when any other byte of it is wrong. */
uint64_t handoff_kit_id(struct str record);
/* Appends record `id`, at the clock's time. */
struct err handoff_kit_append(struct handoff_kit *k, uint64_t id, size_t bytes);
/* Reads everything that is there, which must be records `first` to `last` by id, none for 0, 0;
 * returns the number of the last one. */
uint64_t handoff_kit_expect(struct handoff_kit *k, uint64_t first, uint64_t last);
