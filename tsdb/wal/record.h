/* record.h - bodies of log records: series, samples, deletions, marks of mapped chunks.
 *
 * The first byte is the type; unknown types are skipped by readers. Encoders append to a buf,
 * decoders walk a record with a cursor: init with the whole record, next until false, then
 * record_cursor_check(): trailing or missing bytes are ERR_CORRUPT. What they return are views
 * into the record. The other types: record_exemplars.h, record_histograms.h, record_metadata.h.
 * Source: spec/tsdb.md section 2 (prometheus tsdb/record). Threads: any. */
#pragma once
#include "base/arena.h"
#include "base/bytes.h"
#include "tsdb/model/interval.h"
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
    RECORD_SAMPLES_V2 = 11, /* 11 to 13: with start timestamps; read, never written */
    RECORD_HISTOGRAMS_V2 = 12,
    RECORD_FLOAT_HISTOGRAMS_V2 = 13,
};
/* 0 for an empty record. */
static inline unsigned
record_type_of(struct str record)
{
    return record.n ? (uint8_t)record.p[0] : 0;
}

/* --- encoding ----------------------------------------------------------------------------- */

/* Type 1: begin once, then one call a series. */
void record_begin_series(struct buf *to);
void record_put_series(struct buf *to, uint64_t ref, struct labels labels);

/* Type 2: the first sample fixes the bases that all others are deltas of. Exemplars and
 * histograms are written with the same struct. */
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

/* Type 3: begin once, then one call an interval. */
void record_begin_tombstones(struct buf *to);
void record_put_tombstone(struct buf *to, uint64_t ref, struct interval deleted);

/* Type 5, of the out-of-order log: what came before for the series lies in that chunk of
 * chunks_head (0: a new chunk was begun). */
void record_begin_mmap_markers(struct buf *to);
void record_put_mmap_marker(struct buf *to, uint64_t ref, uint64_t chunk_ref);

/* --- decoding ----------------------------------------------------------------------------- */

struct record_cursor {
    struct reader r;
    uint64_t ref0;    /* what the next reference is a delta of */
    int64_t t0_ms;    /* what all times are deltas of */
    int64_t start_ms; /* start timestamp of the sample returned last; 0: none */
    const char *what;

    const uint8_t *value; /* private, as all below: behind reference and time of that sample */
    int64_t start0_ms;
    enum { RECORD_POINTS_V1, RECORD_POINTS_V2_FIRST, RECORD_POINTS_V2 } points;
};
struct err record_cursor_check(const struct record_cursor *c);

void record_read_series(struct record_cursor *c, struct str record);
/* The array of labels is the arena's. Sorted as stored. */
bool record_next_series(struct record_cursor *c, struct arena *a, uint64_t *ret_ref,
                        struct labels *ret_labels);
/* Types 2 and 11. */
void record_read_samples(struct record_cursor *c, struct str record);
bool record_next_sample(struct record_cursor *c, uint64_t *ret_ref, struct sample *ret_sample);
struct ref_sample {
    uint64_t ref;
    struct sample sample;
};
/* As many as there are, at most `max`: for who has millions of them. */
size_t record_next_samples(struct record_cursor *c, struct ref_sample *to, size_t max);
/* One interval a call, both ends inclusive. */
void record_read_tombstones(struct record_cursor *c, struct str record);
bool record_next_tombstone(struct record_cursor *c, uint64_t *ret_ref, int64_t *ret_mint_ms,
                           int64_t *ret_maxt_ms);
void record_read_mmap_markers(struct record_cursor *c, struct str record);
bool record_next_mmap_marker(struct record_cursor *c, uint64_t *ret_ref, uint64_t *ret_chunk_ref);
