/* ooo_series.h - the late samples of one series: an open chunk, and finished ones behind it.
 *
 * Few series have late samples; those that do own one of these beside their two halves. Finished
 * chunks overlap each other and in-order chunks as they like; each is on the heap until it can be
 * read from chunks_head. Storing a sample, by whoever has the series' claim:
 *
 *   open is full: seal      open is empty: ooo_series_marker() for the late log (ooo_log.h)
 *   insert
 *
 * and by the mapper (late.c), for each chunk that is unwritten: head_chunks_write_late(),
 * head_chunks_flush(), set_mapped. A chunk that cannot be written stays on the heap and is tried
 * again. Once a block has them: drop. Invariants O1 to O6: README.md.
 * Threads: every call under the spin of the series; finished chunks are changed by one thread at
 * a time, so that writing needs no spin. Readers get copies: what is given up is freed at once. */
#pragma once
#include "base/arena.h"
#include "tsdb/chunk/recode.h"
#include "tsdb/head/head_chunks.h"
#include "tsdb/head/ooo_chunk.h"
#include "tsdb/model/interval.h"

struct ooo_finished {
    int64_t mint_ms, maxt_ms;
    uint32_t bytes; /* at data */
    uint8_t encoding;
    uint8_t mapped; /* 0: data is on the heap, owned; 1: in chunks_head, by ref */
    union {
        uint8_t *data;
        head_chunk_ref ref;
    };
};
_Static_assert(sizeof(struct ooo_finished) == 32, "as struct head_chunk");

/* All zero: no late samples. */
struct ooo_series {
    struct ooo_chunk open;
    struct ooo_finished *finished; /* oldest first; owned */
    uint32_t finished_count, finished_room;
};

void ooo_series_fini(struct ooo_series *o);
/* Nothing is in it: its owner may drop it. */
static inline bool
ooo_series_is_empty(const struct ooo_series *o)
{
    return o->open.count == 0 && o->finished_count == 0;
}

static inline enum ooo_insert
ooo_series_insert(struct ooo_series *o, unsigned capacity, struct sample s)
{
    return ooo_chunk_insert(&o->open, capacity, s);
}
static inline enum ooo_insert
ooo_series_insert_histogram(struct ooo_series *o, unsigned capacity, int64_t t_ms,
                            const struct histogram *h)
{
    return ooo_chunk_insert_histogram(&o->open, capacity, t_ms, h);
}
/* Turns the open chunk, if any, into finished ones on the heap. */
void ooo_series_seal(struct ooo_series *o);

/* The oldest chunk that is on the heap; false when there is none. *ret_chunk lives until
 * finished chunks change. */
bool ooo_series_unwritten(const struct ooo_series *o, struct chunk_view *ret_chunk);
/* That chunk can be read as `ref`, which is above those of all chunks before. */
void ooo_series_set_mapped(struct ooo_series *o, head_chunk_ref ref);
/* For a replay: a chunk found in chunks_head, in the order of refs. */
void ooo_series_add_mapped(struct ooo_series *o, const struct head_chunk_info *info);
/* The times of all that is in it; it is not empty. */
struct interval ooo_series_range(const struct ooo_series *o);
/* A mapped chunk has this ref. */
bool ooo_series_has(const struct ooo_series *o, head_chunk_ref ref);
/* Frees chunks on the heap that are byte for byte one of the mapped ones: what a replay seals
 * may have been written by the process before. Returns how many. */
size_t ooo_series_drop_copies(struct ooo_series *o, const struct head_chunks *chunks);
/* Forgets mapped chunks up to `ref`: a block has them. Returns how many. */
size_t ooo_series_drop(struct ooo_series *o, head_chunk_ref ref);

/* What the late log is told before the first sample of an open chunk. */
enum ooo_marker {
    OOO_MARKER_NONE, /* nothing: an earlier chunk is not written, so a replay has to keep it */
    OOO_MARKER,      /* all earlier samples are in chunk *ret_ref or before; 0: there are none */
};
enum ooo_marker ooo_series_marker(const struct ooo_series *o, head_chunk_ref *ret_ref);

/* Which chunks a reader wants. */
struct ooo_range {
    int64_t mint_ms, maxt_ms;
    head_chunk_ref above_ref; /* mapped chunks up to it are about to be dropped: without them */
    head_chunk_ref upto_ref;  /* 0: all; else mapped chunks up to it only, as compaction wants */
};
/* Appends what overlaps the range, oldest chunk first, the open one last. Bytes from the heap are
 * copied to the arena, those of chunks_head live as head_chunks_data() says. */
void ooo_series_collect(const struct ooo_series *o, const struct head_chunks *chunks,
                        const struct ooo_range *range, struct arena *a, struct chunk_views *to);

/* O1 and O2 hold. For checks. */
bool ooo_series_check(const struct ooo_series *o);
