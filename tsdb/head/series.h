/* series.h - one series in memory: a hot cache line for appends, a cold half for the rest.
 *
 * The hot line holds all that an append reads and writes: two cache misses a sample, this line
 * and the end of the chunk's buffer. Everything in both halves is guarded by hot->spin but
 * `ref` and `pairs`, which never change after the series was published.
 * A series whose newest sample is a native histogram (SERIES_HISTOGRAM) pays for an appender of
 * its own (histogram_chunk.h); of the xor half then only time, count and flags mean something.
 * Threads: any, under the spin. */
#pragma once
#include <stdbool.h>

#include "base/lock.h"
#include "tsdb/chunk/histogram_chunk.h"
#include "tsdb/chunk/xor.h"
#include "tsdb/head/append.h"
#include "tsdb/head/head_chunks.h"
#include "tsdb/head/judge.h"
#include "tsdb/model/interval.h"

enum {
    CHUNK_BYTES_CUT = 1024 - XOR_SAMPLE_BYTES_MAX, /* above it no sample is added */
    CHUNK_SAMPLES_AIM = 120,                       /* chunks are evened out around this */
    CHUNK_SAMPLES_CUT = 2 * CHUNK_SAMPLES_AIM,
    SERIES_TAIL_BYTES_MAX = 1280, /* of an open chunk's buffer */
    HISTOGRAM_BYTES_AIM = 1024,   /* chunks of histograms are evened out around this */
    HISTOGRAM_BYTES_CUT = 2 * HISTOGRAM_BYTES_AIM, /* from here on a sample begins a new one, */
    HISTOGRAM_SAMPLES_MIN = 10,                    /* if the chunk has as many as these */
    SERIES_REOPEN_BYTES_MAX = SERIES_TAIL_BYTES_MAX - XOR_SAMPLE_BYTES_MAX - 8,
};

struct series_hot {
    struct spin spin;
    uint8_t tail_class : 5; /* size of the buffer: see series.c */
    uint8_t has_last : 1;   /* xor.t_ms is that of a stored sample; xor.bits, if it is a float */
    uint8_t awaited : 1;    /* somebody waits for the claim to end */
    uint8_t dead : 1;       /* forgotten: takes no samples any more; see forget.c */
    uint8_t claim;    /* the append that logs samples of it and has not stored them; see claims.h */
    uint8_t ref_high; /* number of the series in the log: 40 bits */
    uint32_t ref_low;
    union {            /* owned */
        uint8_t *tail; /* buffer of the open chunk; NULL while xor.count is 0 */
        /* SERIES_HISTOGRAM: ends with the newest sample. With xor.count 0 it is only what the next
         * one is compared with: its chunk was finished or dropped. */
        struct histogram_appender *histograms;
    };
    struct xor_appender xor;
    int64_t next_cut_ms; /* a sample at or past it starts a new chunk */
};
_Static_assert(sizeof(struct series_hot) == 64, "one cache line a series");

/* A finished chunk of the head; the list goes from newest to oldest. */
struct head_chunk {
    struct head_chunk *older;
    int64_t mint_ms;
    uint32_t span_ms; /* maxt - mint; chunks never cross a block range */
    uint32_t bytes : 24;
    uint32_t encoding : 7;
    uint32_t mapped : 1; /* 0: data is on the heap, owned; 1: in head_chunks, by ref */
    union {
        uint8_t *data;
        head_chunk_ref ref;
    };
};
_Static_assert(sizeof(struct head_chunk) == 32, "16 of these a series and day");
enum { HEAD_CHUNK_BYTES_MAX = (1 << 24) - 1 }; /* of its data */

/* In xor.flags. */
enum {
    SERIES_OVERWRITTEN = 1,   /* isolation.h keeps something of it, perhaps */
    SERIES_HISTOGRAM = 2,     /* the newest sample is a native histogram */
    SERIES_CUT_PREDICTED = 4, /* next_cut_ms evens out the chunks of histograms */
    SERIES_LATE = 8,          /* it has late samples beside these halves: late.h */
};

struct series_cold {
    uint32_t *pairs; /* [0] = count, then pair numbers sorted by label name; owned; immutable */
    struct head_chunk *newest;
    int64_t before_ms;     /* its newest sample before the append `seq`; INT64_MIN: none */
    uint32_t seq;          /* the append that stored last: isolation.h; 0: visible to all */
    uint32_t open_span_ms; /* from the first to the newest sample of the open chunk */
};
_Static_assert(sizeof(struct series_cold) == 32, "half a cache line");

/* Both zeroed before; takes `pairs`. */
void series_init(struct series_hot *hot, struct series_cold *cold, uint64_t ref, uint32_t *pairs);
/* Before the head is shared. */
void series_set_ref(struct series_hot *hot, uint64_t ref);
/* Leaves both zeroed. */
void series_fini(struct series_hot *hot, struct series_cold *cold);

/* Whoever stores a sample soon: the write behind the open chunk's bytes should not miss the cache,
 * for the next spin waits for it. */
static inline void
series_prefetch_tail(const struct series_hot *hot)
{
    __builtin_prefetch((const void *)((uintptr_t)hot->tail + hot->xor.used_bytes), 1);
}

/* Of the open chunk, if there is one. */
static inline int64_t
series_open_mint_ms(const struct series_hot *hot, const struct series_cold *cold)
{
    return hot->xor.t_ms - cold->open_span_ms;
}
static inline uint64_t
series_ref(const struct series_hot *hot)
{
    return (uint64_t)hot->ref_high << 32 | hot->ref_low;
}

static inline bool
series_has_histograms(const struct series_hot *hot)
{
    return hot->xor.flags & SERIES_HISTOGRAM;
}

/* The newest sample of a series, if it has one: what the next is judged against. */
struct series_last {
    struct sample sample; /* of a histogram, only the time */
    bool known;
    const struct histogram *histogram; /* NULL: a float; borrowed until the next append */
};
static inline struct series_last
series_last_of(const struct series_hot *hot)
{
    const struct histogram *histogram = NULL;
    if (__builtin_expect(series_has_histograms(hot), 0))
        histogram = histogram_appender_newest(hot->histograms);
    return (struct series_last){{hot->xor.t_ms, hot->xor.bits}, hot->has_last, histogram};
}
/* What becomes of a sample behind `last`: judge.h. Pure. */
enum sample_fate series_judge_rest(const struct judge_limits *limits, struct series_last last,
                                   struct sample s);
static inline enum sample_fate
series_judge(const struct judge_limits *limits, struct series_last last, struct sample s)
{
    if (judge_in_order(limits, (struct judge_last){last.sample.t_ms, last.known}, s.t_ms))
        return SAMPLE_STORED;
    return series_judge_rest(limits, last, s); /* any other fate */
}
enum sample_fate series_judge_histogram(const struct judge_limits *limits, struct series_last last,
                                        const struct histogram_sample *s);
/* Of samples that are in order whatever their time, and never late: a replay's. */
static inline struct judge_limits
series_limits_of_replay(void)
{
    return (struct judge_limits){.min_valid_ms = INT64_MIN};
}
/* A float's stale marker behind a histogram stands for one of the histogram's kind. */
static inline bool
series_marks_histogram(struct series_last last, struct sample s)
{
    return __builtin_expect(s.bits == STALE_NAN_BITS, 0) && last.known && last.histogram;
}
static inline struct histogram_sample
series_stale_histogram(int64_t t_ms, enum histogram_kind kind)
{
    return (struct histogram_sample){t_ms, {.kind = kind, .sum = STALE_NAN_BITS}};
}
/* Where chunks end beside their size. */
struct chunk_rule {
    int64_t block_range_ms; /* they do not cross a multiple of it */
    int64_t begin_ms;       /* one that began earlier takes no more: a block will have it */
};
/* Stores a sample that was judged SAMPLE_STORED. When that finished a chunk, returns it (it is
 * in the series' list already), else NULL. */
struct head_chunk *series_append(struct series_hot *hot, struct series_cold *cold, struct sample s,
                                 struct chunk_rule rule);
/* The same for a histogram, which keeps the rules of histogram_validate(). */
struct head_chunk *series_append_histogram(struct series_hot *hot, struct series_cold *cold,
                                           const struct histogram_sample *s,
                                           struct chunk_rule rule);
/* Unlinks the finished chunks that end before `end_ms`, and drops the open one if it does. The
 * caller frees what is returned, the newest first, with the data of those on the heap once no
 * reader can be copying it. */
struct head_chunk *series_drop_before(struct series_hot *hot, struct series_cold *cold,
                                      int64_t end_ms);
static inline bool
series_is_empty(const struct series_hot *hot, const struct series_cold *cold)
{
    return hot->xor.count == 0 && !cold->newest && !(hot->xor.flags & SERIES_LATE);
}
/* Finishes the open chunk, if any: clean stop. Returns it or NULL. */
struct head_chunk *series_seal(struct series_hot *hot, struct series_cold *cold);
/* Gives a series without an open chunk that of `x`, of at most SERIES_REOPEN_BYTES_MAX, so that it
 * goes on as if it had never been written down. `quarter_ms`: the time of its sample number
 * CHUNK_SAMPLES_AIM / 4; asked for only when there are more. */
void series_reopen(struct series_hot *hot, struct series_cold *cold, const struct xor_appender *x,
                   const struct chunk_view *open, int64_t quarter_ms, int64_t block_range_ms);
/* The same with a chunk of histograms, which is taken; where it ends may be settled anew. */
void series_reopen_histograms(struct series_hot *hot, struct series_cold *cold,
                              struct histogram_appender *a, int64_t block_range_ms);
/* For a series whose open chunk is empty: what the next sample is judged against. */
void series_set_last(struct series_hot *hot, struct sample last);
void series_set_last_histogram(struct series_hot *hot, const struct histogram_sample *last);

/* Bytes that the open chunk, if there is one, would have if it were finished now. */
size_t series_open_bytes(const struct series_hot *hot);
/* Copies it to `to`, which has room for them. */
struct chunk_view series_snapshot(const struct series_hot *hot, const struct series_cold *cold,
                                  uint8_t *to);
/* The open chunk fits its buffer; no buffer without one. For checks. */
bool series_check_tail(const struct series_hot *hot);

static inline int64_t
head_chunk_maxt_ms(const struct head_chunk *c)
{
    return c->mint_ms + c->span_ms;
}
