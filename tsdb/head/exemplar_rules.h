/* exemplar_rules.h - which exemplars a series takes.
 *
 * Pure. Source: prometheus tsdb/exemplar.go, spec/tsdb.md section 12. Threads: any. */
#pragma once
#include "base/vec.h"
#include "tsdb/head/append.h"

/* An exemplar with its labels as a canonical key: equal labels are equal bytes. */
struct exemplar_candidate {
    int64_t t_ms;
    uint64_t bits;
    struct str key;
};
/* Those of one series, and the key of the series. */
struct exemplar_candidates {
    struct buf series_key, keys;
    VEC(struct exemplar_candidate) v;
};
#define EXEMPLAR_CANDIDATES_INIT                                                                   \
    {                                                                                              \
        .series_key = BUF_INIT, .keys = BUF_INIT, .v = VEC_INIT                                    \
    }
void exemplar_candidates_fini(struct exemplar_candidates *c);
static inline void
auto_exemplar_candidates_fini(struct exemplar_candidates *c)
{
    exemplar_candidates_fini(c);
}

/* Fills an empty *c. Of those with fates[i] EXEMPLAR_STORED the labels are checked: what is
 * wrong with them becomes their fate. */
void exemplar_candidates_of(struct exemplar_candidates *c, struct labels series,
                            const struct exemplar *v, size_t n, uint8_t *fates);

/* `e` for a series whose newest one is `newest`: EXEMPLAR_STORED, _REPEATED or _OUT_OF_ORDER. Of
 * one time, the smaller value comes first; of one value, the smaller hash of the labels. */
enum exemplar_fate exemplar_judge(const struct exemplar_candidate *newest,
                                  const struct exemplar_candidate *e, int64_t window_ms);
