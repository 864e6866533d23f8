/* clock.c - the machine's clocks, and one that tests turn by hand. */
#include "base/clock.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>

#include "base/assert.h"
#include "base/mem.h"

#define NS_PER_S  UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
/* Not 0, which callers may use for "no deadline". */
#define MANUAL_MONO_START_NS NS_PER_S

static uint64_t
read_ns(clockid_t id)
{
    struct timespec t;
    int failed = clock_gettime(id, &t);
    ASSERT(!failed); /* these clocks exist on every Linux */
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static int64_t
system_wall_ms(const struct clock *c)
{
    (void)c;
    struct timespec t;
    int failed = clock_gettime(CLOCK_REALTIME, &t);
    ASSERT(!failed);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static uint64_t
system_mono_ns(const struct clock *c)
{
    (void)c;
    return read_ns(CLOCK_MONOTONIC);
}

static void
system_sleep_ns(const struct clock *c, uint64_t ns)
{
    uint64_t now_ns = system_mono_ns(c), end_ns;
    if (__builtin_add_overflow(now_ns, ns, &end_ns))
        end_ns = UINT64_MAX;
    struct timespec end = {
        .tv_sec = (time_t)(end_ns / NS_PER_S),
        .tv_nsec = (long)(end_ns % NS_PER_S),
    };
    int failed;
    do { /* the end is absolute, so that signals do not prolong the sleep */
        failed = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL);
    } while (failed == EINTR);
    ASSERT(!failed);
}

const struct clock *
clock_system(void)
{
    static const struct clock system_clock = {
        .wall_ms = system_wall_ms,
        .mono_ns = system_mono_ns,
        .sleep_ns = system_sleep_ns,
    };
    return &system_clock;
}

uint64_t
clock_process_cpu_ns(void)
{
    return read_ns(CLOCK_PROCESS_CPUTIME_ID);
}

/* --- manual ------------------------------------------------------------------------------- */

static struct clock_manual *
manual_of(const struct clock *c)
{
    return container_of(c, struct clock_manual, clock);
}

static int64_t
manual_wall_ms(const struct clock *c)
{
    return atomic_load_explicit(&manual_of(c)->now_wall_ms, memory_order_relaxed);
}

static uint64_t
manual_mono_ns(const struct clock *c)
{
    return atomic_load_explicit(&manual_of(c)->now_mono_ns, memory_order_relaxed);
}

static void
manual_sleep_ns(const struct clock *c, uint64_t ns)
{
    struct clock_manual *m = manual_of(c);
    uint64_t from = atomic_fetch_add_explicit(&m->now_mono_ns, ns, memory_order_relaxed);
    /* Whole milliseconds crossed, so that many short sleeps add up on both clocks. */
    int64_t crossed_ms = (int64_t)((from + ns) / NS_PER_MS - from / NS_PER_MS);
    atomic_fetch_add_explicit(&m->now_wall_ms, crossed_ms, memory_order_relaxed);
}

void
clock_manual_init(struct clock_manual *m, int64_t wall_ms)
{
    m->clock = (struct clock){
        .wall_ms = manual_wall_ms,
        .mono_ns = manual_mono_ns,
        .sleep_ns = manual_sleep_ns,
    };
    atomic_init(&m->now_wall_ms, wall_ms);
    atomic_init(&m->now_mono_ns, MANUAL_MONO_START_NS);
}

void
clock_manual_advance_ms(struct clock_manual *m, int64_t ms)
{
    ASSERT(ms >= 0); /* monotonic time never goes back; set now_wall_ms for a clock step */
    manual_sleep_ns(&m->clock, (uint64_t)ms * NS_PER_MS);
}
