/* replay_int.h - the inside of a replay: replay.c, replay_*.c. */
#pragma once
#include "tsdb/head/late.h"
#include "tsdb/head/snapshot.h"
#include "tsdb/wal/wal_frames.h"

/* --- refs of the log -> series ---------------------------------------------------------------- */

/* A series may have several refs: its labels were born again, or a restart chose the first. */
struct ref_entry {
    _Atomic(uint32_t) slot; /* + 1; 0: no such series; stored last, release pairs with acquire */
};
enum { REF_PAGE_LOG2 = 8, REF_PAGE_ENTRIES = 1 << REF_PAGE_LOG2 };
struct ref_page {
    struct ref_entry entries[REF_PAGE_ENTRIES];
};

/* Pages of neighbouring refs, found by hash: refs of one process are dense, but begin anywhere.
 * Adding by one thread, while others, within an epoch, look up what was added before they were
 * told of it. */
struct replay_refs {
    struct fp_table of_page;
    struct segarray pages; /* of struct ref_page */
    uint32_t page_count;
};
void replay_refs_init(struct replay_refs *t, struct epoch *epoch);
void replay_refs_fini(struct replay_refs *t);
/* Made when missing: with slot 0. */
struct ref_entry *replay_refs_make(struct replay_refs *t, uint64_t ref);

/* A reader's place: the page that it found last. */
struct ref_place {
    uint64_t number;
    struct ref_page *page; /* NULL: none */
};
/* NULL when nothing near `ref` was made. */
struct ref_page *replay_refs_page(const struct replay_refs *t, uint64_t ref);
static inline struct ref_entry *
replay_refs_find(const struct replay_refs *t, struct ref_place *at, uint64_t ref)
{
    if (!at->page || at->number != ref >> REF_PAGE_LOG2)
        *at = (struct ref_place){ref >> REF_PAGE_LOG2, replay_refs_page(t, ref)};
    return at->page ? &at->page->entries[ref % REF_PAGE_ENTRIES] : NULL;
}
/* References are unique as they are; mixing only spreads them over a table. */
static inline struct hash128
ref_key(uint64_t ref)
{
    uint64_t mixed = ref * UINT64_C(0x9e3779b97f4a7c15);
    return (struct hash128){mixed, mixed ^ ref << 40};
}

/* --- chunks_head ------------------------------------------------------------------------------ */

/* Mapped chunks of one reference, newest first, until its series shows up in the log. */
struct chain {
    uint64_t ref;
    struct head_chunk *newest;
    uint32_t chunk_count;
};
struct chains {
    struct fp_table of_ref;
    VEC(struct chain) v;
};

/* --- the replay ------------------------------------------------------------------------------- */

struct crew;

struct slot_deletion {
    uint32_t slot;
    struct interval span;
};

struct log_place {
    uint64_t segment, offset;
};

struct replay {
    struct head *h;
    struct replay_refs refs;
    struct segarray floors_ms; /* by slot, int64: what is not above it is in mapped chunks. Most
                                * samples of a long log are skipped by looking here alone */
    struct chains chains;
    VEC(struct slot_deletion) deletions; /* refs of series may still change */
    VEC(struct head_chunk_info) late; /* late chunks of chunks_head, in its order */
    head_chunk_ref first_ref;         /* of the first chunk there; 0: none */
    struct crew *crew;                /* who applies samples */
    struct sample_columns columns;    /* scratch */
    struct arena scratch;             /* of one record */
    struct arena chunk_scratch;       /* of one mapped chunk */
    struct ref_place place;
    struct buf key_bytes;
    struct buf plain;        /* a record that was decompressed */
    struct log_place damage; /* where reading stopped, when it stopped at damage */
    bool mapping_failed;
    bool from_snapshot; /* the log is read behind `snapshot` only */
    struct snapshot_pos snapshot;
    struct buf snapshot_path;
    int64_t min_valid_ms; /* blocks have what is older */
    uint64_t ref_max;     /* seen anywhere: also of series that the log does not name any more */
    struct {
        uint64_t samples, skipped, unknown_refs, histograms_dropped; /* mostly of the crew */
        uint64_t other_records, other_chunks;
    } count;
};

static inline int64_t *
floor_of(const struct replay *r, uint32_t slot)
{
    return segarray_at(&r->floors_ms, slot);
}

/* replay.c - the series of a record, made when the labels are new: *ret_slot. It has an open chunk
 * of floats from `open_ms` on (INT64_MAX: none), so that nobody will ask what was before. */
struct err replay_one_series(struct replay *r, uint64_t ref, struct labels labels, int64_t open_ms,
                             uint32_t *ret_slot);

/* The slot that a ref of the log leads to now; slot_none: there is no such series, or it was
 * dropped (replay_deletions.c). Nobody must be born under a ref that was used. */
uint32_t replay_slot_of(struct replay *r, uint64_t ref);

/* replay_deletions.c - of the log, and one of a snapshot. */
struct err replay_deletions(struct replay *r, struct str record);
void replay_deletion(struct replay *r, uint64_t ref, struct interval span);
/* The head has them, once all series have the refs that they keep. */
void replay_settle_deletions(struct replay *r);

/* replay_snapshot.c - chooses the snapshot to begin with, if one is of use. */
struct err replay_find_snapshot(struct replay *r);
/* Deletes it, if one was chosen: before anything is deleted that only it and the log have. */
struct err replay_drop_snapshot(struct replay *r);
/* Loads it, behind replay_open_chunks(). *ret_again: it was bad and is deleted, but the head holds
 * some of it. */
struct err replay_snapshot(struct replay *r, bool *ret_again);

/* replay_chunks.c */
void chains_init(struct replay *r);
void chains_fini(struct replay *r);
/* Opens chunks_head and gathers its chunks by reference. */
struct err replay_open_chunks(struct replay *r);
/* The chain of a reference, with chunks; or NULL. */
struct chain *chain_of(struct replay *r, uint64_t ref);
/* Gives a series the mapped chunks of `chain` in place of all that it has: the log repeats what
 * is not in them. Chunks that do not decode are left out, for the log has their samples. */
void chain_attach(struct replay *r, uint32_t slot, struct chain *chain, int64_t open_ms);
/* The series as it was born: its chunks and samples are freed, nobody else can see them. */
void replay_make_blank(struct replay *r, uint32_t slot);

/* replay_others.c - what is not samples; by the thread that reads the log. */
struct err replay_exemplars(struct replay *r, struct str record);
struct err replay_metadata(struct replay *r, struct str record);

/* replay_late.c - a late chunk of chunks_head; kept until the log has named the series. */
void replay_keep_late(struct replay *r, const struct head_chunk_info *info);
/* After the log: gives series their late chunks, then what the late log has. */
struct err replay_late(struct replay *r);

/* replay_crew.c - samples are applied by several threads, each series by one of them in the order
 * of the log. The thread that reads the log hands over records of samples and histograms as they
 * are stored; they are copied. */
enum crew_size { CREW_ALONE, CREW_FULL };
struct err crew_start(struct replay *r, enum crew_size size);
/* Stops threads, adds up what they counted. */
void crew_stop(struct replay *r);
/* ERR_CORRUPT for a malformed record, this one or one before: its place is in r->damage. */
struct err crew_hand_over(struct replay *r, const struct wal_stored *stored, struct log_place at);
/* Returns once all is applied; fails as crew_hand_over(). */
struct err crew_await(struct replay *r);
