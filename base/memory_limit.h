/* memory_limit.h - one limit for the memory of a process, and how close it is.
 *
 * A part of the limit belongs to budgets whose users count their bytes: requests in flight and
 * queries. The rest is for what lives longer (heads, caches, the allocator's slack): its level is
 * what the kernel says of the process less what the budgets count, against the limit less what the
 * budgets may take. So queries are answered when the heads are full, and the other way round.
 *
 * A request's share of its budget is asked for before it is taken (budget.h, arena_admit()): its
 * body, what that is decompressed to, the arrays that it is decoded to. One alone may have no more
 * than scratch.h says, and large ones leave a quarter of the budget to small ones.
 *
 *   MEMORY_TIGHT  nothing is begun that stays: no new series
 *   MEMORY_FULL   no writes either, until there is room
 *
 * The kernel is asked at most every MEMORY_LOOK_NS, by one of those who want to know.
 * Threads: any, but for opening and closing. */
#pragma once
#include <stdint.h>

#include "base/budget.h"
#include "base/clock.h"

enum {
    MEMORY_LOOK_NS = 20 * 1000 * 1000,
    MEMORY_TIGHT_PERCENT = 65, /* of what is not the budgets': a head that is cut into a block takes
                                * half as much again */
    MEMORY_FULL_PERCENT = 95,
    MEMORY_REQUESTS_PART = 8, /* an eighth of the limit is for requests in flight, */
    MEMORY_QUERIES_PART = 4,  /* a quarter for queries */
};
/* For requests in flight without a limit, and at most. */
#define MEMORY_REQUESTS_BYTES_DEFAULT ((size_t)512 << 20)

enum memory_level { MEMORY_ROOM, MEMORY_TIGHT, MEMORY_FULL };
enum memory_refusal { MEMORY_REFUSED_SERIES, MEMORY_REFUSED_WRITE, MEMORY_REFUSED_QUERY };
enum { MEMORY_REFUSALS = MEMORY_REFUSED_QUERY + 1 };

struct memory_limit {
    uint64_t bytes;         /* 0: none; immutable */
    struct budget requests; /* bodies, what they are decoded to, answers */
    struct budget queries;  /* no limit without a memory limit */

    /* private */
    struct metrics *metrics; /* NULL before memory_limit_register() */
    const struct clock *clock;
    uint64_t (*read_used)(void *arg);
    void *read_arg;
    _Atomic(uint64_t) looked_ns;  /* the last look at the kernel's figure; 0: none yet */
    _Atomic(uint64_t) kept_bytes; /* what it was then, less the budgets' */
    _Atomic(uint64_t) refusals[MEMORY_REFUSALS];
};

struct metrics;

/* `read_used` (NULL: the kernel's figure of this process) tells the bytes that nobody but the
 * process can free. */
void memory_limit_init(struct memory_limit *m, uint64_t bytes, const struct clock *clock,
                       uint64_t (*read_used)(void *arg), void *arg);
/* mneme_memory_limit_bytes and its like; `m` outlives the registry's expositions. */
void memory_limit_register(struct memory_limit *m, struct metrics *metrics);

/* MEMORY_ROOM for NULL, and without a limit. */
enum memory_level memory_limit_level(struct memory_limit *m);
/* What is about to be kept counts at once, until the next look at the kernel's figure. NULL is
 * allowed. */
void memory_limit_expect(struct memory_limit *m, size_t bytes);
/* Counts something that was refused because of the level or of a budget. NULL is allowed. */
void memory_limit_refused(struct memory_limit *m, enum memory_refusal what);
