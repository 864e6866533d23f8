/* pace.c - so many bytes a second: a leaky bucket kept as the time at which it is empty. */
#include "replication/pace.h"

#include "base/mem.h"

enum { NS_A_SECOND = 1000000000 };

/* Rounded up, and cut at 292 years, half of what fits. */
static uint64_t
ns_of(const struct pace *p, uint64_t bytes)
{
    if (p->bytes_per_second == 0)
        return 0;
    unsigned __int128 ns =
        ((unsigned __int128)bytes * NS_A_SECOND + p->bytes_per_second - 1) / p->bytes_per_second;
    return ns > INT64_MAX ? INT64_MAX : (uint64_t)ns;
}

struct pace
pace_of(uint64_t bytes_per_second, uint64_t burst_bytes)
{
    struct pace p = {.bytes_per_second = bytes_per_second};
    p.burst_ns = ns_of(&p, burst_bytes);
    return p;
}

uint64_t
pace_wait_ns(const struct pace *p, uint64_t now_ns)
{
    return p->paid_ns > now_ns ? p->paid_ns - now_ns : 0;
}

void
pace_take(struct pace *p, uint64_t now_ns, uint64_t bytes)
{
    uint64_t from = now_ns > p->burst_ns ? now_ns - p->burst_ns : 0;
    p->paid_ns = u64_min(u64_max(p->paid_ns, from), INT64_MAX) + ns_of(p, bytes);
}
