/* db.h - one tenant's database: a head with its log, and the blocks beside it.
 *
 * Layout under its directory: <ULID>/, wal/, chunks_head/, lock (spec/tsdb.md section 0).
 * Threads: any, unless a function says otherwise. */
#pragma once
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "tsdb/db_events.h"
#include "tsdb/head/append.h"
#include "tsdb/head/cardinality.h"
#include "tsdb/model/matcher.h"
#include "tsdb/series_set.h"
#include "tsdb/wal/wal.h"

struct db;
struct match_cache;

struct db_opts {
    struct fs *fs;             /* borrowed for life, as clock and log */
    const struct clock *clock;
    struct log *log;           /* may be NULL */
    const char *dir;           /* copied; made when missing */
    uint64_t wal_segment_bytes;
    enum wal_sync_mode wal_sync;
    enum wal_compression wal_compression;
    int64_t block_range_ms;     /* 2 h: chunks never cross a multiple of it */
    int64_t block_range_max_ms; /* blocks of ranges up to it become one; block_range_ms: none do,
                                 * but overlapping ones */
    int64_t retention_ms;       /* blocks that end so long before the newest are deleted; 0: none */
    uint64_t retention_bytes;   /* the oldest blocks above it are; 0: no limit */
    int64_t future_window_ms;   /* 0: any future is accepted */
    int64_t ooo_window_ms;      /* so much older than the newest sample may come late; 0: nothing */
    uint32_t ooo_chunk_max;     /* late samples of an open chunk, at most OOO_SAMPLES_MAX; 0: 32 */
    uint32_t series_limit;      /* 0: SERIES_SLOTS_MAX */
    uint64_t replay_crew_bytes; /* a log of so many bytes is replayed by several threads */
    uint64_t hash_seed;         /* of append_request.row_keys; secret; 0: the head has its own */
    size_t exemplars_max;       /* 0: none; at most EXEMPLARS_CAPACITY_MAX (head/exemplars.h) */
    bool snapshot_on_finish; /* else a clean stop leaves none; a start uses any */
    struct labels external_labels; /* for meta.json; sorted; copied */
    struct match_cache *match_cache; /* of the blocks; shared, outlives them; NULL: none */
    int64_t cut_delay_ms; /* the head is cut that much later than it could be: staggers databases */
};
/* The defaults of production, without fs, clock and dir. */
struct db_opts db_opts_default(void);

/* Locks the directory, opens the blocks, repairs and replays the rest. A block that does not
 * open is an error, see tsdb/blocks.h. The caller owns *ret_db. */
struct err db_open(const struct db_opts *opts, struct db **ret_db);
/* Writes finished chunks, flushes and syncs the log, unlocks. No call may be in flight. */
struct err db_finish(struct db *db);
void db_close(struct db *db); /* after db_finish, or to drop as a crash would; NULL is allowed */

/* Stores every good sample of the request and returns once all are in the log. An error means
 * that nothing of this request may be taken as stored (ERR_NO_SPACE, ERR_IO, ERR_OVERLOAD);
 * refused rows and samples are no error, see *ret_result. The arena takes scratch memory. */
struct err db_append(struct db *db, const struct append_request *request, struct arena *a,
                     struct append_result *ret_result);

/* Series that match all matchers (at least one), sorted by labels. *ret_set borrows arena and
 * db until it is closed. */
struct err db_select(struct db *db, const struct select_query *q, struct matchers matchers,
                     struct arena *a, struct series_set **ret_set);

/* Without matchers: of every series. With: of the series that match. */
struct err db_label_names(struct db *db, const struct select_query *q, struct matchers matchers,
                          struct arena *a, struct str_list *ret_names);
struct err db_label_values(struct db *db, const struct select_query *q, struct str name,
                           struct matchers matchers, struct arena *a, struct str_list *ret_values);

/* What the query wants of the exemplars, by series sorted by labels. Copies in the arena. */
struct err db_exemplars(struct db *db, const struct exemplar_query *q, struct arena *a,
                        struct series_exemplars_list *ret_list);
/* What is known of the first `limit` metric families by name, or of the one called `family` when
 * that is not empty. Copies in the arena. */
struct err db_metadata(struct db *db, struct str family, size_t limit, struct arena *a,
                       struct family_metadata_list *ret_list);

/* What makes the head large; at most `limit` items a list. Texts in the arena. Visits
 * every series and every label pair of the head. */
struct err db_cardinality(struct db *db, size_t limit, struct arena *a,
                          struct cardinality *ret_cardinality);

/* meta.json of each block that readers see, as a line, in order of their time. In the arena. */
void db_block_metas(struct db *db, struct arena *a, struct str_list *ret_metas);

/* What became of a deletion. */
struct delete_result {
    size_t head_spans;   /* logged: of a series of the head each, hardly ever two */
    size_t block_series; /* that may have had samples in the range; of all blocks together */
    size_t blocks;       /* that have some of these */
};
/* Deletes samples in [mint, maxt], both inclusive, of the series that match all matchers (at least
 * one); exemplars and metadata stay. A query sees all of it, or nothing, and what was deleted is in
 * no block that is made later. Waits for a pass of maintenance. An error may have deleted some:
 * again deletes the rest; but when it is of the log (ERR_NO_SPACE, ERR_IO, ERR_OVERLOAD, before
 * anything else) nothing was, see head_delete(). */
struct err db_delete(struct db *db, struct matchers matchers, int64_t mint_ms, int64_t maxt_ms,
                     struct delete_result *ret_result);
/* Blocks out of which something was deleted are written anew without it, and what is left empty
 * goes; but for one behind which the head begins. *ret_blocks were. */
struct err db_clean_deletions(struct db *db, size_t *ret_blocks);

/* A copy of the database under <dir>/snapshots/<name>/, which any program that reads databases can
 * open: its blocks as hard links and, if asked for, its head as one block more. Waits for a pass of
 * maintenance, and holds off the next. *ret_name in the arena, with a NUL behind it. After an error
 * there is no snapshot. Nobody but the operator removes them. */
enum snapshot_scope { SNAPSHOT_WITH_HEAD, SNAPSHOT_BLOCKS };
#define DB_SNAPSHOTS_DIR "snapshots"
struct err db_snapshot(struct db *db, enum snapshot_scope scope, struct arena *a,
                       struct str *ret_name);

/* One background pass: maps finished chunks, tries to recover a poisoned log, cuts the head's
 * oldest hours into a block when they are due, deletes and compacts blocks, frees memory. Waits for
 * nobody. */
struct err db_maintain(struct db *db);
/* As db_maintain(), but cuts whatever the head has, as far as nobody has to be waited for;
 * *ret_empty once nothing is left in it. Samples up to the newest are out of bounds then. */
struct err db_flush(struct db *db, bool *ret_empty);

struct db_stats {
    uint64_t series, chunks_open, chunks_mapped;
    uint64_t samples_appended, series_created;
    uint64_t late_samples_appended; /* of the former */
    uint64_t blocks;
    uint64_t head_deletions; /* spans of single series; those of blocks are in their meta.json */
    uint64_t cuts, cuts_failed; /* of the head into blocks, since it was opened */
    uint64_t compactions;       /* of blocks, since it was opened */
    int64_t mint_ms, maxt_ms; /* of blocks and head; INT64_MAX, INT64_MIN while empty */
    int64_t head_mint_ms, head_maxt_ms;
    int64_t late_mint_ms, late_maxt_ms; /* that late samples had since it was opened */
    int64_t min_valid_ms; /* older samples are out of bounds */
    uint64_t wal_bytes, head_chunks_bytes;
    uint64_t wal_segment;                     /* being written */
    uint64_t wal_failures, late_log_failures; /* of writes, since it was opened */
    uint64_t block_bytes;                     /* of the files of all blocks */
    uint64_t exemplars, exemplars_max, exemplar_series, exemplars_appended;
    int64_t oldest_exemplar_ms; /* 0: there is none */
    int64_t replay_ms;          /* that it took to open */
    uint64_t events[DB_EVENT_COUNT];
    bool writable; /* the log is healthy */
};
void db_stats(struct db *db, struct db_stats *ret_stats);
/* Walks all structures in memory; ERR_CORRUPT naming the first that is wrong. No call may be in
 * flight; slow: for tests. */
struct err db_check(struct db *db);

DEFINE_AUTO(struct db *, db_close)
