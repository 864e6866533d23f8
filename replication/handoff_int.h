/* handoff_int.h - a queue from inside; for handoff*.c only.
 *
 * Who may touch what. `lock` guards the state and is never held over I/O. Two flags under it make
 * I/O exclusive instead: `healing` (looking at the directory, opening and recovering the log;
 * nobody appends or tidies then) and `tidying` (the table of segments, removing them). What the
 * consumer reads with is its own. */
#pragma once
#include "base/lock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/metrics.h"
#include "base/vec.h"
#include "replication/handoff.h"
#include "replication/handoff_cursors.h"
#include "replication/handoff_record.h"
#include "tsdb/wal/wal_tail.h"

/* --- figures -------------------------------------------------------------------------------- */

#define HANDOFF_DROPPED  "mneme_handoff_dropped_records_total"
#define HANDOFF_FAILURES "mneme_handoff_failures_total"
/* X(id, metric type, name, second label or NULL, its value) */
#define HANDOFF_FIGURES(X)                                                                         \
    X(BYTES, GAUGE, "mneme_handoff_bytes", NULL, NULL)                                             \
    X(RECORDS, GAUGE, "mneme_handoff_records", NULL, NULL)                                         \
    X(OLDEST, GAUGE, "mneme_handoff_oldest_seconds", NULL, NULL)                                   \
    X(APPENDED, COUNTER, "mneme_handoff_appended_total", NULL, NULL)                               \
    X(REPLAYED, COUNTER, "mneme_handoff_replayed_total", NULL, NULL)                               \
    X(DROPPED_BYTES, COUNTER, HANDOFF_DROPPED, "reason", "bytes")                                  \
    X(DROPPED_AGE, COUNTER, HANDOFF_DROPPED, "reason", "age")                                      \
    X(DROPPED_DAMAGE, COUNTER, HANDOFF_DROPPED, "reason", "damage")                                \
    X(DROPPED_REQUEST, COUNTER, HANDOFF_DROPPED, "reason", "request")                              \
    X(FAILED_APPEND, COUNTER, HANDOFF_FAILURES, "operation", "append")                             \
    X(FAILED_READ, COUNTER, HANDOFF_FAILURES, "operation", "read")                                 \
    X(FAILED_REMOVE, COUNTER, HANDOFF_FAILURES, "operation", "remove")                             \
    X(FAILED_CURSOR, COUNTER, HANDOFF_FAILURES, "operation", "cursor")
enum handoff_figure {
#define X(id, type, name, label, value) HANDOFF_##id,
    HANDOFF_FIGURES(X)
#undef X
        HANDOFF_FIGURE_COUNT
};

#define HANDOFF_GONE_PREFIX  "#gone-" /* no peer's directory begins so */
#define HANDOFF_CURSORS_NAME "cursors.mdb"

/* --- one queue ------------------------------------------------------------------------------ */

struct handoff_segment {
    uint64_t number, bytes;
    uint64_t first_seq; /* of the first record in it that can be read; 0: none is known */
    int64_t first_ms;   /* of that one */
    bool looked_at;     /* all of it, for that record */
};
VEC_TYPE(handoff_segments, struct handoff_segment);

/* One answer of handoff_read() that is not acknowledged, or not all of it. */
struct handoff_mark {
    uint64_t first_seq, last_seq;
    uint64_t count, counted; /* records in it; of them counted as replayed or dropped */
    uint64_t lost;           /* by damage, before or between them */
    int64_t first_ms;        /* of its first record */
    struct wal_position end; /* the record behind it begins there or later */
};

#define HANDOFF_TIME_NONE INT64_MIN

/* What the consumer reads with. */
struct handoff_reader {
    struct wal_tail *tail; /* owned; NULL before it is needed */
    bool seek;             /* it does not stand where reading goes on */
    bool peeked;           /* one record was fetched and not given out: head and record */
    struct handoff_head head;
    struct str record;    /* a view of the tail's memory */
    uint64_t fetched_seq; /* newest record that was fetched, or passed over, since the last seek */
    struct wal_position unreadable_at; /* what the disk does not give ... */
    uint64_t unreadable_ns;            /* ... since then; 0: nothing */
};

struct handoff {
    struct handoffs *set; /* immutable, as all up to `order` */
    char *peer;           /* owned, as both below */
    char *name;           /* of its directory */
    char *dir;
    struct metric *figures[HANDOFF_FIGURE_COUNT]; /* of the registry */

    struct lock order;
    uint64_t next_seq GUARDED_BY(order);

    struct lock lock;
    struct cond changed; /* of the flags and of `appending` */
    struct wal *
        wal GUARDED_BY(lock);      /* NULL before the first append; owned; changed by the healer */
    bool scanned GUARDED_BY(lock); /* its directory has been looked at; likewise */
    bool healing GUARDED_BY(lock), tidying GUARDED_BY(lock);
    unsigned appending GUARDED_BY(lock);       /* appends under way */
    uint64_t appending_bytes GUARDED_BY(lock); /* of them */
    uint64_t heal_at_ns GUARDED_BY(lock);      /* not before */
    struct err trouble GUARDED_BY(lock);       /* why healing failed last; owned */

    /* Ascending; whoever tidies may read it without the lock, and alone changes it, under it. */
    struct handoff_segments segments GUARDED_BY(lock);
    uint64_t active GUARDED_BY(lock);       /* the segment that was written when it was made */
    uint64_t closed_bytes GUARDED_BY(lock); /* of all segments but that one */
    uint64_t next_segment GUARDED_BY(lock); /* never used before; 0: none was */

    uint64_t last_seq GUARDED_BY(lock); /* newest record known to be durable */
    int64_t last_ms GUARDED_BY(lock);   /* its time */
    uint64_t acked_seq GUARDED_BY(lock);
    uint64_t stored_seq GUARDED_BY(lock);            /* what LMDB knows */
    struct wal_position acked_at GUARDED_BY(lock);   /* the next record begins there or later */
    uint64_t read_seq GUARDED_BY(lock);              /* newest that was given out */
    struct wal_position read_at GUARDED_BY(lock);    /* as acked_at */
    int64_t unread_ms GUARDED_BY(lock);              /* time of the first one not given out */
    VEC(struct handoff_mark) marks GUARDED_BY(lock); /* ascending */
    uint64_t drop_log_ns GUARDED_BY(lock);           /* when drops were logged last; 0: never */
    uint64_t drop_unlogged GUARDED_BY(lock);         /* records since */

    struct handoff_reader reader;
    struct log_throttle log_damage;
};

struct handoffs {
    struct fs *fs; /* borrowed, as clock, log and metrics; immutable, as all up to `lock` */
    char *dir;     /* owned */
    const struct clock *clock;
    struct log *log;
    struct metrics *metrics;
    uint64_t bytes_max, segment_bytes;
    int64_t age_max_ms;
    enum wal_sync_mode sync;
    size_t cursor_map_bytes;
    struct file *held; /* the directory's lock; owned */
    struct metric_family *families[HANDOFF_FIGURE_COUNT];
    struct handoff_cursor_list loaded; /* what an earlier process left */

    struct lock lock;
    struct map by_peer GUARDED_BY(lock);
    VEC(struct handoff *) all GUARDED_BY(lock); /* owned */
    bool committing GUARDED_BY(lock);
    uint64_t committed_ns GUARDED_BY(lock);

    _Atomic(uint64_t) acks;          /* since the last commit; relaxed: a hint */
    struct handoff_cursors *cursors; /* the committer's; owned; NULL: to be opened */
    struct log_throttle log_failures;
};

static inline void
handoff_count(struct handoff *h, enum handoff_figure figure, uint64_t amount)
{
    metric_add(h->figures[figure], (double)amount);
}
static inline struct err
handoff_err_copy(const struct err *e)
{
    return e->code == ERR_NONE ? OK : ERR(e->code, "%s", err_text(e));
}
/* Newest record that is taken or given out. */
static inline uint64_t
handoff_seen(const struct handoff *h) REQUIRES(h->lock)
{
    return u64_max(h->acked_seq, h->read_seq);
}

/* --- what the files do for each other ------------------------------------------------------- */

/* handoffs.c: stores the cursors that moved. */
enum handoffs_when { HANDOFFS_WHEN_DUE, HANDOFFS_NOW };
void handoffs_commit(struct handoffs *hs, enum handoffs_when when);
/* Counts a failure that nobody is told, and logs it; consumes `e`. OK is fine. */
void handoff_failed(struct handoff *h, enum handoff_figure figure, const char *what, struct err e);

/* handoff_metrics.c */
void handoffs_register(struct handoffs *hs);
void handoff_register(struct handoff *h);

/* handoff_heal.c: afterwards the directory has been looked at; or also the log is good and
 * h->appending counts the caller. */
struct err handoff_begin_read(struct handoff *h);
struct err handoff_begin_append(struct handoff *h);
/* Nobody appends, heals or tidies until it is ended. */
void handoff_begin_alone(struct handoff *h);
void handoff_end_alone(struct handoff *h);

/* handoff_scan.c: what an earlier process left; the caller heals or is alone. */
struct err handoff_scan(struct handoff *h);
/* The table as the disk has it now; the caller scans or tidies. */
struct err handoff_refresh(struct handoff *h);

/* handoff_read.c: the next record becomes reader.peeked, if there is one. Consumer. */
struct err handoff_peek(struct handoff *h);

/* Counts the records of a mark up to `seq`; returns how many are counted for the first time. */
uint64_t handoff_count_part(struct handoff_mark *m, uint64_t seq);
static inline void
handoff_drop_marks(struct handoff *h, size_t count) REQUIRES(h->lock)
{
    h->marks.n -= count;
    if (count > 0)
        memmove(h->marks.v, h->marks.v + count, h->marks.n * sizeof *h->marks.v);
}

/* handoff_bounds.c: removes what was acknowledged or is outside the bounds with `incoming` bytes
 * more; waits for whoever does so already. */
struct err handoff_tidy(struct handoff *h, uint64_t incoming);
/* The same when it seems that there is something to do; nobody is told a failure. */
void handoff_tidy_if_needed(struct handoff *h);
