/* head.h - the newest samples of one tenant, in memory, with their log and finished chunks.
 *
 * README.md tells the story; append.c, read.c, replay.c and mapper.c are its chapters.
 * Threads: any, unless a function says otherwise. */
#pragma once
#include "tsdb/db.h"
#include "tsdb/db_events.h"
#include "tsdb/head/head_chunks.h"
#include "tsdb/model/interval.h"

struct deletions;
struct exemplars;
struct head;
struct metadata_store;

enum {
    HEAD_SERIES_MAX = 1 << 30,
    HEAD_REF_BITS = 40, /* of a series' number in the log, as with Prometheus */
    HEAD_CREATE_CHUNK = 256, /* series born under one hold of the creation lock */
};

#define HEAD_REF_MAX ((UINT64_C(1) << HEAD_REF_BITS) - 1)

/* Repairs and replays <dir>/wal and <dir>/chunks_head, then opens both for writing. Samples
 * before `min_valid_ms` are in blocks: they are neither replayed nor taken (INT64_MIN: none). */
struct err head_open(const struct db_opts *opts, int64_t min_valid_ms, struct head **ret_head);
/* No call may be in flight: writes all finished chunks, ends the log cleanly. */
struct err head_finish(struct head *h);
void head_close(struct head *h); /* NULL is allowed */

/* The functions behind db.h's of the same name. */
struct err head_append(struct head *h, const struct append_request *request, struct arena *a,
                       struct append_result *ret_result);
/* What blocks have, as the caller's view of the database says. */
struct head_since {
    int64_t mint_ms;         /* older samples that came in order */
    head_chunk_ref late_ref; /* late samples in chunks of chunks_head up to it */
    /* And what is deleted; borrowed until the set is closed. */
    const struct deletions *deletions;
};
struct err head_select(struct head *h, const struct select_query *q, struct head_since since,
                       struct matchers matchers, struct arena *a, struct series_set **ret_set);
/* Every series, for who writes a block of them: exactly the samples of the query's range that are
 * not deleted, in order ones or, of chunks in chunks_head up to `upto`, late ones. The maintaining
 * thread only. */
struct series_set *head_select_all(struct head *h, const struct select_query *q, struct arena *a);
struct series_set *head_select_late(struct head *h, const struct select_query *q,
                                    head_chunk_ref upto, struct arena *a);
/* Late samples are in it. */
bool head_has_late(const struct head *h);
struct err head_label_names(struct head *h, const struct select_query *q, struct matchers matchers,
                            struct arena *a, struct str_list *ret_names);
struct err head_label_values(struct head *h, const struct select_query *q, struct str name,
                             struct matchers matchers, struct arena *a,
                             struct str_list *ret_values);
struct err head_cardinality(struct head *h, size_t limit, struct arena *a,
                            struct cardinality *ret_cardinality);
/* What is counted: by the database, too. Owned by the head, as the next two. */
struct db_events *head_events(struct head *h);
/* What the head keeps beside samples. */
struct exemplars *head_exemplars(struct head *h);
struct metadata_store *head_metadata(struct head *h);

/* Logs the metadata of all families that have series: what a checkpoint cannot carry over, since
 * it keeps no records of series that are gone. One thread. */
struct err head_log_metadata(struct head *h);

/* --- deletions; the maintaining thread only --------------------------------------------------- */

/* Deletes samples of matching series in `asked`, as far as there are any. *ret_spans: how many were
 * logged. A failure has deleted nothing, unless more than a million series matched: then it says
 * how much. Readers see it with a view that has head_deletions(). */
struct err head_delete(struct head *h, struct matchers matchers, struct interval asked,
                       size_t *ret_spans);
/* A cut left no block, because all was deleted: the log says until when (D8). */
struct err head_log_emptied(struct head *h, int64_t end_ms);
/* What is older is in blocks, or deleted; INT64_MIN: nobody has said. */
int64_t head_emptied_ms(const struct head *h);
/* All that stand; borrowed until the next call that deletes or forgets. */
struct deletions *head_deletions(const struct head *h);

/* --- cutting: what is oldest leaves the head for a block; the maintaining thread only --------- */

/* Nothing older than `end_ms` is taken from now on. Appends that began before may still be under
 * way: what is older is complete once head_is_settled() says so of the mark. */
uint64_t head_begin_cut(struct head *h, int64_t end_ms);
bool head_is_settled(struct head *h, uint64_t mark);
/* Unlinks all that is older and all that is left without samples. No query that was begun before
 * a block with those samples was there may still be under way. */
struct err head_forget(struct head *h, int64_t end_ms);
/* Frees what was unlinked; queries that were begun before head_forget() must be over. False
 * while an append might still see some of it: again later. */
bool head_free_forgotten(struct head *h);

/* Takes out of the log what is older than `end_ms`, which blocks have on the disk: a checkpoint
 * stands for what is left of the older segments. Nobody waits for it. A failure leaves the log as
 * it was, or with more than it needs. */
struct err head_truncate_log(struct head *h, int64_t end_ms);

/* --- the same for late samples ---------------------------------------------------------------- */

struct head_late_cut {
    head_chunk_ref upto;      /* late chunks up to it leave; 0: there are none */
    int64_t mint_ms, maxt_ms; /* of their samples */
    uint64_t segment;         /* of the late log: those before it tell of these chunks only */
    uint64_t print;           /* of the chunk `upto`: ooo_log.h */
};
/* All late samples that are there go to chunks_head. */
struct err head_begin_late_cut(struct head *h, struct head_late_cut *ret_cut);
/* Blocks have them, on the disk: from now on no replay brings them back. */
struct err head_truncate_late_log(struct head *h, const struct head_late_cut *cut);
/* And no query that was begun before is under way. */
void head_drop_late(struct head *h, head_chunk_ref upto);

/* Maps finished chunks and, when the log is poisoned, tries to recover it. One thread. */
struct err head_maintain(struct head *h);
/* Since the last write, or since it was opened. */
int64_t head_idle_ms(struct head *h);
void head_stats(struct head *h, struct db_stats *ret_stats);
/* ERR_CORRUPT naming the first invariant of README.md that does not hold. No call may be in
 * flight; slow: for tests. */
struct err head_check(struct head *h);

DEFINE_AUTO(struct head *, head_close)
