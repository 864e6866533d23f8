/* pace.h - so many bytes a second, in pieces of any size. Threads: one at a time (pure).
 *
 * A piece may go as soon as what went before is paid for, and is then paid for as a whole: pieces
 * larger than a second's worth pass, too. */
#pragma once
#include <stdint.h>

struct pace {
    uint64_t bytes_per_second; /* 0: as fast as can be */
    uint64_t burst_ns;         /* how much time without sending may be made up for */
    uint64_t paid_ns;          /* monotonic time at which all that went is paid for */
};

/* `burst_bytes` may go at once after a time without sending. */
struct pace pace_of(uint64_t bytes_per_second, uint64_t burst_bytes);
/* How long to wait before the next piece may go; 0: now. */
uint64_t pace_wait_ns(const struct pace *p, uint64_t now_ns);
/* A piece went. */
void pace_take(struct pace *p, uint64_t now_ns, uint64_t bytes);
