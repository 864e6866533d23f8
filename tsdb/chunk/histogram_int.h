/* histogram_int.h - one sample of a histogram chunk to bits and back, for the files around it.
 *
 * Writer and reader predict a sample from the same state, so it is one struct and two functions:
 * first sample whole, later ones as changes. README.md has the format. */
#pragma once
#include "tsdb/chunk/chunk.h"
#include "tsdb/chunk/histogram_rules.h"
#include "tsdb/chunk/start_times.h"
#include "tsdb/chunk/xor_window.h"

enum {
    HISTOGRAM_HEADER_BYTES = 3,    /* be16 count, u8 flag; see struct histogram_cursor for ST */
    HISTOGRAM_FLAG_SHIFT = 6,      /* the flag is the top two bits of its byte */
    HISTOGRAM_SAMPLE_BITS_MIN = 4, /* time, count, zero count, sum: one bit each */
};

/* What the next sample is predicted from. */
struct histogram_state {
    uint64_t t_ms, delta_ms;          /* of the newest sample; 0 behind the first one */
    uint64_t count_delta, zero_delta; /* integers */
    struct xor_window count_window, zero_window, sum_window; /* the sum's: both kinds */
    /* The newest sample in the chunk's layout; its arrays are in `memory`. Of a stale one, counts
     * and buckets mean nothing. */
    struct histogram newest;
    uint64_t *buckets;          /* newest's, positive ones first */
    size_t n;                   /* how many */
    uint64_t *deltas;           /* integers: change of each bucket at the newest sample */
    struct xor_window *windows; /* floats: of each bucket */
    void *memory;               /* owned */
};

/* Room for a chunk with the layout of `layout` (its kind, spans, numbers of buckets and bounds),
 * which is copied; windows are `window`. */
void histogram_state_init(struct histogram_state *s, const struct histogram *layout,
                          struct xor_window window);
void histogram_state_fini(struct histogram_state *s);

/* The chunk's layout and its first sample; `s` was made for it. A stale marker has no layout. */
void histogram_state_put_first(struct histogram_state *s, struct bit_out *o, int64_t t_ms,
                               const struct histogram *h);
/* A further sample, in the buckets of the layout unless it is stale. */
void histogram_state_put(struct histogram_state *s, struct bit_out *o, int64_t t_ms,
                         const struct histogram *h);
/* The first sample, behind the layout; a further one. Past the end the reader is overrun. */
void histogram_state_take_first(struct histogram_state *s, struct bit_reader *r);
void histogram_state_take(struct histogram_state *s, struct bit_reader *r);

/* A histogram chunk from its first sample to its last. */
struct histogram_cursor {
    struct histogram_state state; /* of the newest sample read */
    struct bit_reader in;
    struct start_reader starts; /* encodings 5 and 6 */
    struct histogram layout;    /* arrays in the arena that came with it */
    enum chunk_flag flag;
    size_t count, read; /* samples */
};
/* Reads header and layout; with no samples there is no layout. ERR_CORRUPT. */
struct err histogram_cursor_init(struct histogram_cursor *c, enum chunk_encoding encoding,
                                 struct str data, struct arena *a);
void histogram_cursor_fini(struct histogram_cursor *c);
static inline void
auto_histogram_cursor_fini(struct histogram_cursor *c)
{
    histogram_cursor_fini(c);
}
/* The next of `count` samples. ERR_CORRUPT: cut off. */
struct err histogram_cursor_next(struct histogram_cursor *c);
/* The newest sample as readers get it: with its hint, of a stale marker only the sum, schemas
 * above 8 reduced. Arrays are borrowed from the cursor, or in the arena. */
struct err histogram_cursor_value(const struct histogram_cursor *c, struct arena *a,
                                  struct histogram *ret);

/* See chunk_decode_histograms() and chunk_check(). */
struct err histogram_decode(const struct chunk_view *c, int64_t mint_ms, int64_t maxt_ms,
                            struct arena *a, struct histogram_columns *to);
struct err histogram_check(enum chunk_encoding encoding, struct str data, int64_t *ret_mint_ms,
                           int64_t *ret_maxt_ms);
