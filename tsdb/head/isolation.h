/* isolation.h - a query never sees half a request.
 *
 * Every append that stores gets the next sequence number and is active until its last sample is
 * stored. A query takes a snapshot: the numbers that were active, and the last one given. Before
 * it reads anything it looks once at each of its series and notes up to which time it may read:
 * to the newest sample, or, when the append that stored last is hidden from it, to what was there
 * before that append. A series remembers its last append only (series_cold.seq, before_ms); what
 * an append overwrites is kept in `overwritten` while somebody may still need it, which takes two
 * appends to one series within the microseconds in which somebody stores or looks.
 * So a series costs 12 bytes, an append to it one comparison.
 * Late samples are not isolated, as with Prometheus (spec/tsdb.md section 12).
 * Threads: any; an append is named by its place in the epoch. */
#pragma once
#include <stdbool.h>

#include "base/epoch.h"
#include "base/lock.h"
#include "base/vec.h"

/* Of appends; compared modulo 2^32, so what is older than 2^30 must be set to 0: see
 * isolation_is_due(). */
typedef uint32_t append_seq;

/* What a series knew of an append before the next one came. */
struct overwritten {
    uint32_t slot;
    append_seq seq;
    int64_t before_ms;
    uint32_t next; /* position + 1 of one that was there before, in the same bucket; 0: none */
};

struct isolation {
    _Atomic(append_seq) last;                    /* given out */
    _Atomic(uint64_t) active[EPOCH_READERS_MAX]; /* 0, ACTIVE_SOON, or ACTIVE | number */
    struct lock lock;
    VEC(append_seq) looking GUARDED_BY(lock); /* by each looker: the oldest hidden from it */
    _Atomic(uint32_t) lookers;                /* looking.n */
    /* Two requests may meet in very many series: found by slot, and swept when there are twice as
     * many as the last sweep has left. */
    VEC(struct overwritten) overwritten GUARDED_BY(lock);
    uint32_t *buckets GUARDED_BY(lock);   /* of slots: position + 1 of the newest; owned */
    size_t bucket_count GUARDED_BY(lock); /* 0 or a power of two, at least overwritten.n */
    size_t sweep_at GUARDED_BY(lock);
    _Atomic(uint32_t) kept;     /* overwritten.n */
    _Atomic(append_seq) newest; /* none of overwritten is newer; read behind `kept` */
    append_seq scrubbed;        /* of the maintaining thread */
};
void isolation_init(struct isolation *i);
void isolation_fini(struct isolation *i);

static inline bool
seq_before(append_seq a, append_seq b)
{
    return (int32_t)(a - b) < 0;
}

/* --- storing ---------------------------------------------------------------------------------- */

struct append_stamp {
    append_seq seq;
    append_seq keep_from; /* what a series knows of this append or a later one must be kept */
};
struct append_stamp isolation_begin(struct isolation *i, struct epoch_guard guard);
/* All is stored. */
void isolation_end(struct isolation *i, struct epoch_guard guard);
/* Keeps what is about to be overwritten in a claimed series; before it is, so without its spin. */
void isolation_keep(struct isolation *i, struct append_stamp stamp, struct overwritten o);

/* --- looking ---------------------------------------------------------------------------------- */

struct look {
    append_seq last; /* later ones are hidden */
    append_seq oldest;
    unsigned active_count;
    append_seq active[EPOCH_READERS_MAX]; /* hidden, too */
};
void isolation_look(struct isolation *i, struct look *ret_look);
/* Every series was looked at. */
void isolation_look_end(struct isolation *i, const struct look *look);
bool look_hides(const struct look *l, append_seq seq);
/* For a flagged series: the least of *end_ms and what hidden appends found there. */
void isolation_look_back(struct isolation *i, const struct look *l, uint32_t slot, int64_t *end_ms);

/* So many numbers were given since the last time that series must forget old ones soon; true
 * once, to the maintaining thread, which then sets those to 0 for which isolation_is_old(). */
bool isolation_is_due(struct isolation *i);
bool isolation_is_old(const struct isolation *i, append_seq seq);
