/* ooo_chunk.h - the open chunk of a series' late samples: sorted, not compressed, small.
 *
 * Late samples come in any order, so they wait in an array until there are enough of them to be
 * encoded as Prometheus' out-of-order heads are (spec/tsdb.md section 12, "OOO"; prometheus
 * tsdb/ooo_head.go). Of two samples at one time the first stays, whatever kinds they are.
 * Threads: the owner's lock. */
#pragma once
#include "base/str.h"
#include "tsdb/chunk/histogram_chunk.h"

enum {
    OOO_SAMPLES_DEFAULT = 32, /* of an open chunk; an option, 1 to OOO_SAMPLES_MAX */
    OOO_SAMPLES_MAX = 255,
};

/* All zero: empty. */
struct ooo_chunk {
    struct sample *samples;        /* ascending in time; owned; NULL without room */
    struct histogram **histograms; /* beside them: the value of a sample that is no float, else
                                    * NULL; each one owned, as the list; NULL without any */
    uint8_t count, room;
};

enum ooo_insert {
    OOO_STORED,
    OOO_DUPLICATE, /* a sample with this time is there already */
    OOO_FULL,      /* asked before anything else: the chunk has to be finished first */
};
enum ooo_insert ooo_chunk_insert(struct ooo_chunk *c, unsigned capacity, struct sample s);
/* `h` keeps the rules of histogram_validate(); it is copied. */
enum ooo_insert ooo_chunk_insert_histogram(struct ooo_chunk *c, unsigned capacity, int64_t t_ms,
                                           const struct histogram *h);
/* Frees the samples; the chunk is empty then. */
void ooo_chunk_clear(struct ooo_chunk *c);

/* Of a chunk that is not empty. */
static inline int64_t
ooo_chunk_mint_ms(const struct ooo_chunk *c)
{
    return c->samples[0].t_ms;
}
static inline int64_t
ooo_chunk_maxt_ms(const struct ooo_chunk *c)
{
    return c->samples[c->count - 1].t_ms;
}

/* Encodes a chunk's samples, piece by piece: a piece is what goes into one encoded chunk. Another
 * kind begins a piece, and so does a histogram that does not continue the one before.
 *
 *   AUTO(ooo_encoder_fini) struct ooo_encoder e = ooo_encoder_of(&chunk);
 *   while (ooo_encoder_next(&e, &view)) use(view);       until the next call or fini
 */
struct ooo_encoder {
    const struct ooo_chunk *chunk; /* borrowed, unchanged */
    size_t next;                   /* first sample that is in no piece */
    struct buf bytes;              /* of the piece told last, if it was of floats */
    struct histogram_appender *told, *begun; /* the piece told last; the next; may be NULL */
};
static inline struct ooo_encoder
ooo_encoder_of(const struct ooo_chunk *c)
{
    return (struct ooo_encoder){.chunk = c, .bytes = BUF_INIT};
}
bool ooo_encoder_next(struct ooo_encoder *e, struct chunk_view *ret_chunk);
void ooo_encoder_fini(struct ooo_encoder *e);
static inline void
auto_ooo_encoder_fini(struct ooo_encoder *e)
{
    ooo_encoder_fini(e);
}
