/* db_events.h - what a database counts since it was opened, for metrics.
 *
 * Threads: any; relaxed atomics. */
#pragma once
#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"

/* X(event). The order is of no meaning, but that what floats and histograms have stands side by
 * side, floats first. */
#define DB_EVENTS(X)                                                                               \
    X(DB_FLOATS_OUT_OF_ORDER) /* samples that were refused, by reason */                           \
    X(DB_HISTOGRAMS_OUT_OF_ORDER)                                                                  \
    X(DB_FLOATS_OUT_OF_BOUNDS)                                                                     \
    X(DB_HISTOGRAMS_OUT_OF_BOUNDS)                                                                 \
    X(DB_FLOATS_TOO_OLD)                                                                           \
    X(DB_HISTOGRAMS_TOO_OLD)                                                                       \
    X(DB_FLOATS_STORED) /* late ones included */                                                   \
    X(DB_HISTOGRAMS_STORED)                                                                        \
    X(DB_FLOATS_STORED_LATE)                                                                       \
    X(DB_HISTOGRAMS_STORED_LATE)                                                                   \
    X(DB_EXEMPLARS_OUT_OF_ORDER)                                                                   \
    X(DB_SERIES_REMOVED)                                                                           \
    X(DB_CHUNKS_CREATED) /* of the head: begun, or found by the replay; late ones, too */          \
    X(DB_CHUNKS_REMOVED)                                                                           \
    X(DB_LOG_DAMAGES) /* found by the replay, in log or late log */                                \
    X(DB_HEAD_CHUNKS_DAMAGES)                                                                      \
    X(DB_SNAPSHOTS_UNUSABLE)                                                                       \
    X(DB_HEAD_TRUNCATIONS) /* tried, as whatever has a second event for failures */                \
    X(DB_HEAD_TRUNCATIONS_FAILED)                                                                  \
    X(DB_CHECKPOINTS)                                                                              \
    X(DB_CHECKPOINTS_FAILED)                                                                       \
    X(DB_LOG_TRUNCATIONS)                                                                          \
    X(DB_LOG_TRUNCATIONS_FAILED)                                                                   \
    X(DB_COMPACTIONS_TRIED) /* blocks that were to be written, of samples or of blocks */          \
    X(DB_COMPACTIONS_DONE)                                                                         \
    X(DB_COMPACTIONS_FAILED)                                                                       \
    X(DB_COMPACTIONS_VERTICAL) /* of blocks that overlap; among those that were done */            \
    X(DB_RETENTIONS_BY_TIME) /* passes that found blocks to delete */                              \
    X(DB_RETENTIONS_BY_SIZE)

enum db_event {
#define X(event) event,
    DB_EVENTS(X)
#undef X
        DB_EVENT_COUNT
};

struct db_events {
    _Atomic(uint64_t) count[DB_EVENT_COUNT];
};

static inline void
db_events_add(struct db_events *e, enum db_event event, uint64_t n)
{
    atomic_fetch_add_explicit(&e->count[event], n, memory_order_relaxed);
}
static inline uint64_t
db_events_of(const struct db_events *e, enum db_event event)
{
    return atomic_load_explicit(&e->count[event], memory_order_relaxed);
}
/* Counts a try, and a failure of it unless the code is ERR_NONE. */
static inline void
db_events_add_try(struct db_events *e, enum db_event tried, enum db_event failed,
                  enum err_code code)
{
    db_events_add(e, tried, 1);
    db_events_add(e, failed, code != ERR_NONE);
}
