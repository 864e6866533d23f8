/* write_gate.h - how many writes may be under way at once.
 *
 * Who finds it full waits for a place, on a thread of the pool that serves nothing but writes; not
 * for ever, since its sender does not wait for ever either. Threads: any. */
#pragma once
#include "base/clock.h"
#include "base/err.h"
#include "base/lock.h"
#include "base/metrics.h"

enum { GATE_WAIT_MS = 5000 }; /* Thanos' forward timeout */

struct write_gate {
    const struct clock *clock;
    struct metric *max, *in_flight, *total;
    struct lock lock;
    struct cond left_cond;
    uint64_t inside GUARDED_BY(lock);
    uint64_t limit GUARDED_BY(lock); /* 0: any number */
};

void write_gate_init(struct write_gate *g, struct metrics *m, const struct clock *clock);
void write_gate_fini(struct write_gate *g); /* nobody may be inside */
/* Holds from the next one on that wants to enter; 0: any number. */
void write_gate_set(struct write_gate *g, uint64_t limit);
/* ERR_UNAVAILABLE after GATE_WAIT_MS. Who has entered calls write_gate_leave(). */
struct err write_gate_enter(struct write_gate *g);
void write_gate_leave(struct write_gate *g);
