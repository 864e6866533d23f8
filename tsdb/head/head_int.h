/* head_int.h - the inside of a head, for the files of this folder. */
#pragma once
#include "base/lock.h"
#include "base/segarray.h"
#include "base/vec.h"
#include "tsdb/head/deletions.h"
#include "tsdb/head/head.h"
#include "tsdb/head/id_map.h"
#include "tsdb/head/isolation.h"
#include "tsdb/head/pairs.h"
#include "tsdb/head/series.h"

/* A series whose record may not be in the log yet; told again after a failure of the log. */
struct unlogged_series {
    uint32_t slot;
    wal_ticket ticket;
};
VEC_TYPE(slot_list, uint32_t);

/* A ref that nobody logs samples of any more, but segments up to this one may have some: its series
 * was forgotten, or goes on under another ref; then samples up to `until_ms` may still be wanted
 * (INT64_MIN: none are). As long as either counts, so does its record. */
struct past_ref {
    uint64_t ref, segment;
    int64_t until_ms;
};
VEC_TYPE(past_refs, struct past_ref);

/* A number under which late samples of a living series were logged or mapped before the start; the
 * series has another one now. As long as it has late samples, the log must say what that number
 * was: replay_late.c. */
struct late_alias {
    uint64_t ref;
    uint32_t slot;
};
VEC_TYPE(late_aliases, struct late_alias);

/* What is unlinked and waits until nobody can see it any more: forget.c. */
struct forgotten {
    struct slot_list slots, pairs;
    uint64_t epoch_mark; /* appends that might know them entered before */
};

struct head {
    /* configuration (immutable) */
    struct db_opts opts;
    char *dir, *wal_dir, *late_dir, *chunks_dir; /* owned */
    struct hash_secret secret;        /* of every fingerprint */

    /* what readers follow without locks */
    struct epoch *epoch;
    struct fp_table keys; /* hash of a label key -> slot; aliases of one series included */
    struct pairs pairs;
    struct segarray hot, cold; /* by slot */
    struct segarray late;      /* by slot: struct ooo_series *, owned; under the spin: late.h */
    struct id_map ids;         /* id -> slot; published after hot and cold of the slot */
    _Atomic(int64_t) min_valid_ms; /* blocks have what is older, or soon will */

    /* births */
    struct lock create_lock;
    uint64_t next_ref GUARDED_BY(create_lock);
    uint32_t slot_count GUARDED_BY(create_lock);         /* ever used */
    struct slot_list free_slots GUARDED_BY(create_lock); /* zeroed, of forgotten series */
    _Atomic(uint32_t) series_live; /* changed under create_lock */
    VEC(struct unlogged_series) unlogged GUARDED_BY(create_lock); /* ascending tickets */

    /* appends that meet in a series: claims.h */
    struct lock claims_lock;
    struct cond claim_ended;

    struct isolation isolation; /* which appends queries see */

    /* disk */
    struct wal *wal;
    struct wal *late_log; /* NULL: nothing is taken late, nor was before */
    struct head_chunks *chunks;
    uint32_t unread_file; /* first of chunks_head with a chunk that was not understood; kept */
    struct lock mapped_lock;
    struct slot_list finished GUARDED_BY(mapped_lock); /* a slot per chunk to be mapped */

    struct deletions *deletions; /* of the maintaining thread, as the next two; a reference */
    int64_t emptied_ms;        /* what is older was cut and left no block: D8 */
    struct deletion_list ends; /* that the log has still to be told */
    struct forgotten forgotten;
    struct past_refs past_refs;
    struct late_aliases late_aliases; /* ascending by ref */
    uint64_t unread_segment;  /* before it the log has series that nobody has read: a snapshot was
                               * there instead. Checkpoints of it keep them all (N9) */
    int64_t unread_until_ms;  /* no sample there is newer; INT64_MIN: all was read */

    bool log_unread; /* set by the replay, for unread_segment */
    bool holds_less; /* than its log or chunks_head: a snapshot would lose that */

    struct exemplars *exemplars;         /* owned */
    struct metadata_store *metadata;     /* owned */

    /* figures: relaxed atomics */
    _Atomic(int64_t) mint_ms, maxt_ms;
    _Atomic(int64_t) written_mono_ms; /* when the last write was */
    _Atomic(int64_t) late_mint_ms, late_maxt_ms; /* only widen */
    _Atomic(uint32_t) late_series;               /* that have late samples */
    _Atomic(bool) late_unlogged;                 /* the late log lacks samples; release, acquire */
    _Atomic(uint64_t) series_created, chunks_mapped;
    struct db_events events;
    int64_t replay_ms; /* that the replay took; immutable once it is open */
};

static inline struct series_hot *
head_hot(const struct head *h, uint32_t slot)
{
    return segarray_at(&h->hot, slot);
}
static inline struct series_cold *
head_cold(const struct head *h, uint32_t slot)
{
    return segarray_at(&h->cold, slot);
}

/* Log records that are built side by side in one buffer. */
struct record_list {
    struct buf bytes;
    VEC(size_t) starts;
};
#define RECORD_LIST_INIT {.bytes = BUF_INIT, .starts = VEC_INIT}
void record_list_fini(struct record_list *l);
static inline void
auto_record_list_fini(struct record_list *l)
{
    record_list_fini(l);
}
/* What is appended to l->bytes from now on is a record of its own. */
static inline void
record_list_begin(struct record_list *l)
{
    vec_push(&l->starts, l->bytes.n);
}
/* Views of the finished list, l->starts.n of them, in the arena. */
struct str *record_list_views(const struct record_list *l, struct arena *a);

/* create.c - the label set as views into the pairs' strings. */
struct labels head_labels(const struct head *h, uint32_t slot, struct arena *a);
/* Under the creation lock, or before the head is shared: makes a series, unpublished keys. */
uint32_t head_create_series(struct head *h, struct labels labels, uint64_t ref);
/* The slot of the i-th of the next births. */
uint32_t head_slot_of_birth(const struct head *h, uint32_t i);

/* Drops from `unlogged` what has reached the log meanwhile. Under the creation lock. */
void head_forget_logged(struct head *h);

/* A row that no fingerprint knew. */
struct append_miss {
    uint32_t row;
    struct hash128 key;       /* of the bytes as received */
    struct hash128 canonical; /* of the canonical key */
    struct labels labels;     /* checked and sorted; until it has a series */
};
/* Series that a request asks for. */
struct births {
    const struct append_miss *misses;
    size_t count;
    uint32_t *slots;      /* of rows: filled for those that get one */
    uint64_t series_max;  /* of the head */
    uint64_t *refused;    /* counts those above it */
    struct append_result *result; /* counts on */
};
/* Finds or makes the series of every miss and writes its slot to slots[miss.row]. Rows above
 * the series limit keep their slot and are counted. */
struct err head_create_missing(struct head *h, const struct births *births);

/* mapper.c - the series of these slots have finished chunks on the heap. */
void head_queue_finished(struct head *h, const struct slot_list *finished);
/* Moves what can be moved to chunks_head; the rest is tried again next time. One thread. */
struct err head_map_finished(struct head *h);

size_t head_finished_count(struct head *h);

/* replay.c - fills an empty head. With *ret_again the log was repaired, but the head holds more
 * than it: a new one has to be filled. */
struct err head_replay(struct head *h, bool *ret_again);

/* As the log is written. */
struct wal_opts head_wal_opts(const struct head *h);
/* append_metadata.c - head_log_metadata() into any log. */
struct err head_put_metadata(struct head *h, struct wal *log);
/* snapshot_take.c - if wanted, and possible; the log has been finished. */
void head_take_snapshot(struct head *h);

/* delete.c - more of them; nothing is logged. */
void head_add_deletions(struct head *h, const struct deletion_list *more);
/* Tells the log all of them again. */
struct err head_log_deletions(struct head *h);
/* Tells the log which series' deletions are over (D7). */
struct err head_log_ends(struct head *h);

/* truncate.c - `ref` is past: no more samples of it are logged. */
void head_remember_ref(struct head *h, uint64_t ref, int64_t until_ms);

/* Visits the slot of every series, in the order of ids. Within an epoch. */
struct slot_cursor {
    uint32_t at, bound; /* ids */
};
static inline struct slot_cursor
slot_cursor_of(const struct head *h)
{
    return (struct slot_cursor){0, id_map_bound(&h->ids)};
}
/* slot_none behind the last; its id is c->at - 1. */
uint32_t slot_cursor_next(struct slot_cursor *c, const struct head *h);

/* Chunks of all series, late ones included. No call may be in flight. */
size_t head_count_chunks(struct head *h);
/* The head is not idle; called once a request. */
void head_note_write(struct head *h);
/* Widens the head's time range; called once a request. */
void head_widen(struct head *h, int64_t mint_ms, int64_t maxt_ms);
/* Samples below it are out of bounds (spec/tsdb.md section 12). */
int64_t head_min_valid_ms(const struct head *h);
struct judge_limits head_judge_limits(const struct head *h, int64_t ooo_window_ms);
struct chunk_rule head_chunk_rule(const struct head *h);
