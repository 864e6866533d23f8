/* match.h - label matchers -> the series that match, wherever the lists of series are kept.
 *
 * A source knows, for each label pair, the series that carry it: a head keeps lists in memory,
 * a block has them in its index file. The rules of matching stand here, once.
 * Threads: as the source. */
#pragma once
#include "base/err.h"
#include "base/vec.h"
#include "tsdb/index/postings.h"
#include "tsdb/model/matcher.h"

VEC_TYPE(postings_lists, struct postings);

struct match_cache;
struct postings_source;
/* Lists are borrowed from the source or live in the arena. */
struct postings_source_ops {
    /* Appends the list of the pair name=value, when there is such a pair. */
    struct err (*find)(const struct postings_source *s, struct str name, struct str value,
                       struct arena *a, struct postings_lists *to);
    /* Appends the lists of all values of m->name for which matcher_match() says `verdict`. */
    struct err (*try_values)(const struct postings_source *s, const struct matcher *m, bool verdict,
                             struct arena *a, struct postings_lists *to);
    /* Every series. */
    struct err (*all)(const struct postings_source *s, struct arena *a, struct postings *ret_all);
    /* Above every number in the lists given so far. */
    uint32_t (*bound)(const struct postings_source *s);
    /* Where to keep unions of tried values' lists, and for how long they are good; NULL, as op or
     * as answer: nowhere. */
    struct match_cache *(*cache)(const struct postings_source *s, uint64_t *ret_generation);
};
/* The first member of every implementation. */
struct postings_source {
    const struct postings_source_ops *ops;
};

/* Numbers of all series that match every matcher (at least one); ascending. Fails as the
 * source does, or with ERR_LIMIT when the arena's budget is used up. */
struct err postings_match(const struct postings_source *s, struct matchers matchers,
                          struct arena *a, struct postings *ret_found);
