/* label_stats.h - which labels make up a set of series: counts a pair and a name, as
 * `promtool tsdb analyze` counts them (prometheus cmd/promtool/tsdb.go).
 *
 * Memory grows with the distinct pairs. Threads: one at a time. */
#pragma once
#include "base/arena.h"
#include "base/map.h"
#include "base/vec.h"
#include "tsdb/model/labels.h"

struct label_stat {
    struct str key;      /* "name=value", or a name */
    uint64_t series;     /* that have it */
    uint64_t covered_ms; /* from first to last sample, of all those series together */
    /* of a name: */
    uint64_t values, value_bytes; /* distinct ones, and how long they are in all */
};

struct label_stats {
    struct arena arena;      /* keys and stats */
    struct map pairs, names; /* to struct label_stat */
    struct buf key;
    uint64_t series, entries; /* entries: labels of all series */
};
void label_stats_init(struct label_stats *s);
void label_stats_fini(struct label_stats *s);
static inline void
auto_label_stats_fini(struct label_stats *s)
{
    label_stats_fini(s);
}
void label_stats_add(struct label_stats *s, struct labels labels, int64_t mint_ms, int64_t maxt_ms);

/* How much of `range_ms` the series of a stat do not cover, in series: how much it churns. */
uint64_t label_stat_churn(const struct label_stat *stat, uint64_t range_ms);

/* --- amounts of something in each chunk --------------------------------------------------------
 */

enum { DISTRIBUTION_VALUES_MAX = 1 << 20 }; /* larger amounts count as that */

struct distribution {
    VEC(uint64_t) counts; /* how often each amount was seen */
    uint64_t n, sum;
    size_t least, greatest;
};
void distribution_add(struct distribution *d, size_t amount);
void distribution_fini(struct distribution *d);
/* Lines of equal ranges of amounts, with a bar of '#' in percent of `total`; as promtool. */
void distribution_format(const struct distribution *d, const char *what, uint64_t total,
                         struct buf *to);
/* Ten lines, how many percent of 120 samples the chunks hold; as promtool 2 had it. */
void distribution_format_fullness(const struct distribution *samples, uint64_t total,
                                  struct buf *to);
