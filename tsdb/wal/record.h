/* record.h - bodies of log records. Source: spec/tsdb.md section 2 (prometheus tsdb/record).
 *
 * The first byte is the type; unknown types are skipped by readers. Encoders append to a buf,
 * decoders walk a record with an iterator of views. Threads: any. */
#pragma once
#include "base/arena.h"
#include "base/bytes.h"
#include "tsdb/model/labels.h"
#include "tsdb/model/sample.h"

enum record_type {
    RECORD_SERIES = 1,
    RECORD_SAMPLES = 2,
    RECORD_TOMBSTONES = 3,
    RECORD_EXEMPLARS = 4,
    RECORD_MMAP_MARKERS = 5,
    RECORD_METADATA = 6,
    RECORD_HISTOGRAMS = 7,
    RECORD_FLOAT_HISTOGRAMS = 8,
    RECORD_CUSTOM_HISTOGRAMS = 9,
    RECORD_CUSTOM_FLOAT_HISTOGRAMS = 10,
    RECORD_SAMPLES_V2 = 11,
    RECORD_HISTOGRAMS_V2 = 12,
    RECORD_FLOAT_HISTOGRAMS_V2 = 13,
};
/* 0 for an empty record. */
static inline unsigned
record_type_of(struct str record)
{
    return record.n ? (uint8_t)record.p[0] : 0;
}

/* Type 1: begin once, then one call a series. */
void record_begin_series(struct buf *to);
void record_put_series(struct buf *to, uint64_t ref, struct labels labels);

/* Type 2: the first sample fixes the bases that all others are deltas of. */
struct record_samples_writer {
    struct buf *to;
    uint64_t ref0;
    int64_t t0_ms;
};
/* Makes room for `count` samples, so that putting needs no checks of its own. */
void record_begin_samples(struct record_samples_writer *w, struct buf *to, uint64_t ref0,
                          int64_t t0_ms, size_t count);
enum { RECORD_SAMPLE_BYTES_MAX = UVARINT_BYTES_MAX * 2 + 8 };
static inline void
record_put_sample(struct record_samples_writer *w, uint64_t ref, int64_t t_ms, uint64_t bits)
{
    char *at = w->to->p + w->to->n;
    char *end = at;
    end += store_varint(end, (int64_t)(ref - w->ref0));
    end += store_varint(end, (int64_t)((uint64_t)t_ms - (uint64_t)w->t0_ms));
    store_be64(end, bits);
    w->to->n += (size_t)(end + 8 - at);
}

/* Decoding: init with the whole record, then next until false; check with
 * record_cursor_check() afterwards: trailing or missing bytes are ERR_CORRUPT. */
struct record_cursor {
    struct reader r;
    uint64_t ref0;
    int64_t t0_ms;
    const char *what;
};
void record_read_series(struct record_cursor *c, struct str record);
/* Labels are views into the record, the array is the arena's. Sorted as stored. */
bool record_next_series(struct record_cursor *c, struct arena *a, uint64_t *ret_ref,
                        struct labels *ret_labels);
void record_read_samples(struct record_cursor *c, struct str record);
bool record_next_sample(struct record_cursor *c, uint64_t *ret_ref, struct sample *ret_sample);
/* Type 3: one interval a call, both ends inclusive. */
void record_read_tombstones(struct record_cursor *c, struct str record);
bool record_next_tombstone(struct record_cursor *c, uint64_t *ret_ref, int64_t *ret_mint_ms,
                           int64_t *ret_maxt_ms);
struct err record_cursor_check(const struct record_cursor *c);
