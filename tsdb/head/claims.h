/* claims.h - one append at a time between judging a series' samples and storing them.
 *
 * The log must tell the samples of a series in the order in which they are stored: a replay
 * drops those that come late. So an append claims a series when it judges its samples and keeps
 * the claim until they are stored (or the log has failed). It never waits while it holds one:
 * what others have claimed it takes up again when its own is stored.
 * Threads: any append, within an epoch; the claim is guarded by the series' spin. */
#pragma once
#include "tsdb/head/head_int.h"

/* Distinguishes all appends inside an epoch; never 0. */
static inline uint8_t
claim_of(struct epoch_guard guard)
{
    _Static_assert(EPOCH_READERS_MAX < UINT8_MAX, "a claim is a byte");
    return (uint8_t)(guard.slot + 1);
}

enum claim_outcome {
    CLAIM_TAKEN,
    CLAIM_HAD,     /* by an earlier row with the same labels */
    CLAIM_REFUSED, /* another append has it */
    CLAIM_DEAD,    /* the series was forgotten: look its labels up again */
};
/* *ret_last is what to judge against, untouched when the claim is refused. */
enum claim_outcome claim_take(struct series_hot *hot, uint8_t claim, struct series_last *ret_last);
/* Ends a claim under the spin, which the caller holds; true: call claims_wake() without it. */
static inline bool
claim_end(struct series_hot *hot)
{
    bool awaited = hot->awaited;
    hot->claim = 0;
    hot->awaited = 0;
    return awaited;
}
void claims_wake(struct head *h);
/* Returns when nobody has claimed the series; others may again by then. */
void claims_wait(struct head *h, struct series_hot *hot);
