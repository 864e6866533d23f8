/* clock.h - time as an interface, so that tests and simulation can turn it.
 *
 * Wall time is int64 milliseconds since the Unix epoch (the unit of samples); monotonic time
 * is uint64 nanoseconds and only for differences and deadlines. No other file reads the time.
 * Threads: any. */
#pragma once
#include <stdint.h>

struct clock {
    int64_t (*wall_ms)(const struct clock *c);
    uint64_t (*mono_ns)(const struct clock *c);
    void (*sleep_ns)(const struct clock *c, uint64_t ns);
};

/* The machine's clocks. Never freed. */
const struct clock *clock_system(void);

/* A clock that stands still until it is moved; sleeping moves it. For tests. */
struct clock_manual {
    struct clock clock; /* pass &m.clock on */
    _Atomic(int64_t) now_wall_ms;
    _Atomic(uint64_t) now_mono_ns;
};
void clock_manual_init(struct clock_manual *m, int64_t wall_ms);
void clock_manual_advance_ms(struct clock_manual *m, int64_t ms);

static inline int64_t
clock_wall_ms(const struct clock *c)
{
    return c->wall_ms(c);
}
static inline uint64_t
clock_mono_ns(const struct clock *c)
{
    return c->mono_ns(c);
}
static inline void
clock_sleep_ns(const struct clock *c, uint64_t ns)
{
    c->sleep_ns(c, ns);
}
/* CPU time that the calling process has used, in ns. */
uint64_t clock_process_cpu_ns(void);
