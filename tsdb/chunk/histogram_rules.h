/* histogram_rules.h - whether a histogram continues a chunk, and how. Pure.
 *
 * Counters: a new chunk when anything was reset, or when it cannot be told (schema, threshold,
 * staleness). Gauges: counts may fall. Buckets that one of both lacks are added to it, and count
 * nothing; a bucket of a counter in use may not go.
 * Source: spec/tsdb.md section 4.7 (prometheus tsdb/chunkenc, appendable() and
 * appendableGauge()), and README.md for what integer and float chunks do differently.
 * Threads: any. */
#pragma once
#include "tsdb/chunk/chunk.h"
#include "tsdb/model/histogram.h"

enum histogram_fit {
    HISTOGRAM_FITS,    /* the same buckets */
    HISTOGRAM_WIDENED, /* the chunk has more buckets; the histogram gets them */
    HISTOGRAM_RECODED, /* the histogram has buckets that the chunk lacks: all samples of the
                          chunk are written again; it may lack some itself */
    HISTOGRAM_CUT,     /* begins a chunk of its own */
};

struct histogram_verdict {
    enum histogram_fit fit;
    enum chunk_flag flag; /* of the chunk that a cut begins */
    /* The chunk's spans afterwards, unless it was cut; borrowed from either, or in the arena. */
    struct histogram_spans positive, negative;
};

/* `last` is the newest histogram of a chunk with `flag`, in the chunk's layout and of the kind
 * of `h`. Merged spans are in `scratch`. */
struct histogram_verdict histogram_decide(const struct histogram *last, enum chunk_flag flag,
                                          const struct histogram *h, struct arena *scratch);
/* The flag of a chunk that begins with `h` because the one before was full, or had to end for
 * another reason than `h`. `last` and `flag` are the chunk's before, `last` NULL when there is
 * none of this kind. */
enum chunk_flag histogram_first_flag(const struct histogram *last, enum chunk_flag flag,
                                     const struct histogram *h);
/* Writes the buckets `words` of `from` as those of `to`, which has them all; new ones count 0. */
void histogram_spread(enum histogram_kind kind, struct histogram_spans from,
                      struct histogram_words words, struct histogram_spans to, uint64_t *ret);
