/* handoff.h - what a peer could not be given yet: a queue on disk for each peer.
 *
 *   TRY(handoffs_open(&opts, &hs));
 *   TRY(handoffs_of(hs, peer, &h));
 *   TRY(handoff_append(h, records, count, now_ms, &seq));     any thread, durable when it returns
 *   TRY(handoff_read(h, arena, bytes_max, &batch));           the peer's one consumer
 *   handoff_ack(h, batch.seqs[batch.count - 1]);              or handoff_rewind(h)
 *   handoffs_maintain(hs);                                    once a second
 *
 * Records are opaque bytes with a number each (seq), ascending from 1, that no other record of this
 * queue ever has. They are given out in that order, at least once: after a crash what was taken in
 * the last second may come again. Bounds in bytes and age drop the oldest records, a segment at a
 * time. On disk: README.md.
 * Threads: any that may block, for all but what is said of the consumer: one at a time. */
#pragma once
#include "base/arena.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "tsdb/wal/wal.h"

struct log;
struct metrics;
struct handoffs; /* the queues of a node */
struct handoff;  /* the queue of a peer */

enum {
    HANDOFF_PEERS_MAX = 8192,     /* queues of a node */
    HANDOFF_NAME_BYTES_MAX = 240, /* of a peer's name, escaped */
    HANDOFF_HEAD_BYTES = 17,      /* before each record on disk */
    HANDOFF_RECORD_BYTES_MAX = WAL_RECORD_BYTES_MAX - HANDOFF_HEAD_BYTES,
    HANDOFF_SEGMENT_BYTES_DEFAULT = 16 << 20,
    HANDOFF_BYTES_MIN = 8 * WAL_PAGE_BYTES, /* the least that a queue may be bounded to */
    HANDOFF_COMMIT_MS = 1000,               /* cursors are stored that often at most, ...  */
    HANDOFF_COMMIT_ACKS = 4096,             /* or after so many acknowledgements */
    HANDOFF_HEAL_MS = 1000,                 /* between attempts to write again */
    HANDOFF_UNREADABLE_MS = 60000,          /* then a segment that cannot be read is left out */
};
#define HANDOFF_BYTES_DEFAULT  ((uint64_t)1 << 30)
#define HANDOFF_AGE_MS_DEFAULT ((int64_t)6 * 3600 * 1000)

struct handoffs_opts {
    struct fs *fs;             /* borrowed for life, as clock, log and metrics */
    const char *dir;           /* <data>/handoff; made when missing */
    const struct clock *clock; /* wall time for ages, monotonic time for intervals */
    struct log *log;           /* NULL is allowed */
    struct metrics *metrics;
    uint64_t bytes_max;     /* on disk, a peer; 0: HANDOFF_BYTES_DEFAULT */
    int64_t age_max_ms;     /* 0: HANDOFF_AGE_MS_DEFAULT */
    uint64_t segment_bytes; /* 0: the default; rounded to pages, at most an eighth of bytes_max */
    enum wal_sync_mode sync;
    size_t cursor_map_bytes; /* LMDB's map to begin with, it grows; 0: 1 MiB */
};

/* ERR_CONFLICT while another process has the directory. A queue that cannot be read now is logged,
 * and looked at again when it is used. */
struct err handoffs_open(const struct handoffs_opts *opts, struct handoffs **ret_handoffs);
/* Stores cursors, ends the logs; nobody may use a queue any more. NULL is allowed. */
void handoffs_close(struct handoffs *hs);
DEFINE_AUTO(struct handoffs *, handoffs_close)

/* Finds or makes it; lives as long as the set. Nothing is written before the first append.
 * ERR_INVALID: no peer can be called so; ERR_LIMIT: HANDOFF_PEERS_MAX. */
struct err handoffs_of(struct handoffs *hs, struct str peer, struct handoff **ret_handoff);
/* All there are, those on disk of peers that nobody asked for among them; 0 .. count-1 never change
 * place. */
size_t handoffs_count(struct handoffs *hs);
struct handoff *handoffs_at(struct handoffs *hs, size_t i);
/* What time does: ages, cursors not stored yet, segments not needed any more. Failures are logged
 * and counted, and it is all tried again. */
void handoffs_maintain(struct handoffs *hs);

struct str handoff_peer(const struct handoff *h); /* lives as long as the queue */

/* At the end of the queue, in their order; *ret_last_seq is the number of the last one. Durable (in
 * the kernel, or on the disk with WAL_SYNC_BATCH) when it returns; after a failure none of them is
 * there, unless the process dies before the queue has recovered: then some may come after all.
 * Their age counts from `newest_ms`, the wall time at which they came, now at the latest.
 * Drops the oldest where there is no room within bytes_max. ERR_NO_SPACE: the disk is full;
 * ERR_TOO_LARGE: a record above HANDOFF_RECORD_BYTES_MAX, or all together above half of bytes_max;
 * ERR_OVERLOAD: too much waits to be written, or what is old cannot be removed. Never waits for the
 * consumer, nor the consumer for it. `count` > 0. */
struct err handoff_append(struct handoff *h, const struct str *records, size_t count,
                          int64_t newest_ms, uint64_t *ret_last_seq);

struct handoff_batch {
    const struct str *records; /* in the arena, as seqs */
    const uint64_t *seqs;      /* ascending */
    size_t count;              /* 0: there is nothing more now */
};
/* The oldest records behind those read before: as many as have bytes_max bytes together, but one at
 * least. Consumer. What is damaged is left out, counted and logged. A failure (the disk, the
 * arena's budget) moves nothing. */
struct err handoff_read(struct handoff *h, struct arena *arena, size_t bytes_max,
                        struct handoff_batch *ret_batch);
/* All records up to `seq` have been taken, or given up. Consumer. */
void handoff_ack(struct handoff *h, uint64_t seq);
/* Reading begins again behind what was acknowledged. Consumer. */
void handoff_rewind(struct handoff *h);
/* Empties the queue and removes its files, whatever was acknowledged. Consumer; fails where files
 * cannot be removed, and then has to be called again. */
struct err handoff_drop(struct handoff *h);

struct handoff_stats {
    uint64_t bytes;              /* on disk, in segments that hold what was not acknowledged */
    uint64_t records;            /* not acknowledged */
    int64_t oldest_ms;           /* how long the oldest of them has waited; 0: none, or just now */
    uint64_t appended, replayed; /* records, since the set was opened, as all below */
    uint64_t dropped_bytes, dropped_age, damaged;
};
struct handoff_stats handoff_stats(struct handoff *h);
/* Numbers of the newest record that was acknowledged and of the newest one; the same: nothing is
 * left. */
void handoff_span(struct handoff *h, uint64_t *ret_acked_seq, uint64_t *ret_last_seq);
