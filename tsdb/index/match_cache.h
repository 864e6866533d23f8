/* match_cache.h - what matchers found before: dashboards send the same ones every few seconds.
 *
 * An entry says which numbers lie on one side of a matcher, as long as a generation lasts: series
 * of a block, which never change, or values of a name, for who has more series every second. Many
 * sources share one cache; what has not been asked for longest leaves when it is full.
 * Threads: any. */
#pragma once
#include "base/mem.h"
#include "tsdb/index/postings.h"
#include "tsdb/model/matcher.h"

struct match_cache;

enum { MATCH_CACHE_ENTRY_PART = 8 }; /* an entry takes at most this part of the cache */

/* `bytes_max` of all entries together with their keys. */
struct match_cache *match_cache_open(size_t bytes_max);
/* Lists that were found stay until their arenas are dropped. NULL is allowed. */
void match_cache_close(struct match_cache *c);
DEFINE_AUTO(struct match_cache *, match_cache_close)

/* A number that nobody else of this cache has: for a source that stays as it is, or for the state
 * of one until it changes. What was put under an old one leaves by not being asked for. */
uint64_t match_cache_generation(struct match_cache *c);

/* *ret_found lives as long as the arena; its memory is the cache's and not of the arena's budget.
 */
bool match_cache_find(struct match_cache *c, uint64_t generation, const struct matcher *m,
                      enum matcher_side side, struct arena *a, struct postings *ret_found);
/* Copies `found`, unless it is too large or known already. */
void match_cache_put(struct match_cache *c, uint64_t generation, const struct matcher *m,
                     enum matcher_side side, struct postings found);

struct match_cache_stats {
    uint64_t hits, misses, evicted; /* since it was opened */
    uint64_t entries, bytes;
};
void match_cache_stats(struct match_cache *c, struct match_cache_stats *ret_stats);
