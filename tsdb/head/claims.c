/* claims.c - taking a series, and waiting for one that is taken. */
#include "tsdb/head/claims.h"

enum claim_outcome
claim_take(struct series_hot *hot, uint8_t claim, struct series_last *ret_last)
{
    spin_acquire(&hot->spin);
    uint8_t before = hot->claim;
    bool dead = hot->dead;
    if (!dead && (before == 0 || before == claim)) {
        hot->claim = claim;
        series_prefetch_tail(hot);
        *ret_last = series_last_of(hot);
    }
    spin_release(&hot->spin);
    if (dead)
        return CLAIM_DEAD;
    if (before == 0)
        return CLAIM_TAKEN;
    return before == claim ? CLAIM_HAD : CLAIM_REFUSED;
}

void
claims_wake(struct head *h)
{
    LOCKED(&h->claims_lock);
    cond_broadcast(&h->claim_ended);
}

/* Asks to be woken; false when there is nothing to wait for. Called under the claims' lock: who
 * ends the claim after this takes that lock before it wakes. */
static bool
must_wait(struct series_hot *hot)
{
    spin_acquire(&hot->spin);
    bool claimed = hot->claim != 0;
    hot->awaited = claimed;
    spin_release(&hot->spin);
    return claimed;
}

void
claims_wait(struct head *h, struct series_hot *hot)
{
    LOCKED(&h->claims_lock);
    while (must_wait(hot))
        cond_wait(&h->claim_ended, &h->claims_lock);
}
