/* rates.h - how fast each tenant may write: a bucket of samples for each, filled by time.
 *
 * A request larger than a bucket is let through a full one, which then owes the rest: it would
 * never be let through otherwise. Tenants whose bucket is full need no memory and are forgotten
 * when room is short; past RATES_TENANTS_MAX busy ones, the others share one bucket.
 * Threads: any. */
#pragma once
#include <stdbool.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

enum { RATES_TENANTS_MAX = 10000 };

struct rates;
struct rates *rates_open(const struct clock *clock); /* borrowed for life */
void rates_close(struct rates *r);                   /* NULL is allowed */
DEFINE_AUTO(struct rates *, rates_close)

struct rate {
    uint64_t per_second; /* not 0 */
    uint64_t burst;      /* what a bucket holds; 0: per_second */
};
/* True, and they are taken, when the tenant may write that many samples now. Otherwise it may in
 * *ret_wait_ms, if nothing else takes them. */
bool rates_take(struct rates *r, struct str tenant, struct rate rate, uint64_t samples,
                uint64_t *ret_wait_ms);
