/* checkpoint.h - what stands for the segments that a log can do without.
 *
 * A checkpoint N is a directory of segments that holds what is still wanted of segments 0 to N:
 * with it they can go. The owner decides what is wanted.
 *
 *   wal_cut(w, &segment);                       the log goes on in a segment of its own
 *   last = ...                                  below `segment`; Prometheus takes two thirds
 *   wal_checkpoint(&opts, last, &filter, &stats);
 *   wal_truncate(fs, dir, last);
 *
 * A log without checkpoints (wbl) is truncated alone. Life cycle, and what a crash leaves:
 * README.md. Source: spec/tsdb.md section 3 (prometheus tsdb/wlog/checkpoint.go).
 * Threads: the log's owner, one at a time; beside everything that wal.h allows to others. */
#pragma once
#include <stdbool.h>

#include "tsdb/wal/wal.h"

/* What is wanted. Series, deletions and metadata go with their series; samples, histograms and
 * exemplars below mint_ms go, as do deletions that end before it. */
struct checkpoint_filter {
    /* Says the same for a reference throughout one checkpoint. */
    bool (*keep_series)(void *arg, uint64_t ref);
    void *arg;
    int64_t mint_ms;
    /* No sample, histogram or exemplar of the segment is at or behind mint_ms: they are not even
     * read. NULL: nothing of that kind is known. */
    bool (*is_older)(void *arg, uint64_t segment);
    /* Segments below it have not been read since they were written, and may be damaged. What stands
     * behind the damage in its segment is left out then. */
    uint64_t unread_end;
};

struct checkpoint_count {
    uint64_t total, dropped;
};
struct checkpoint_stats {
    struct checkpoint_count series, samples, tombstones, exemplars, metadata;
    uint64_t damaged_segments; /* below unread_end */
    uint64_t older_segments;   /* whose samples, histograms and exemplars are not counted */
    uint64_t other_records;    /* of types that we do not judge; kept as they are */
};

/* Makes checkpoint `last` of the newest checkpoint and the segments behind it up to `last`, which
 * must not be written to any more. It is on the disk when this returns. Of `opts` sync does not
 * matter. A checkpoint `last` or later that exists is enough. Damage of any other input is
 * ERR_CORRUPT with segment and offset; a failure leaves no checkpoint, but for one of the last
 * sync, which leaves it or not. */
struct err wal_checkpoint(const struct wal_opts *opts, uint64_t last,
                          const struct checkpoint_filter *filter,
                          struct checkpoint_stats *ret_stats);
/* Deletes segments up to `last` and checkpoints below it; `last` must be below the segment that
 * is written to. ERR_CONFLICT, and nothing is done, when there are checkpoints but none of `last`
 * or later: segments would be missing. May fail halfway, and be called again. */
struct err wal_truncate(struct fs *fs, const char *dir, uint64_t last);
/* What a crash may have left: unfinished checkpoints, and what a truncation had still to delete.
 * wal_open() does it. */
struct err wal_remove_leftovers(struct fs *fs, const char *dir);
