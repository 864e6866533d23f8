/* tenant_plan.h - when a tenant is looked at and what is then done with it: pure decisions.
 *
 * Times named `..._ms` without "wall" are of the monotonic clock, samples' times are wall time.
 * Threads: any. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum {
    TENANT_PASS_MS = 1000,                     /* between passes over a tenant that is written */
    TENANT_PASS_IDLE_MS_MAX = 5 * 60 * 1000,   /* between those over one that is not */
    TENANT_EXPIRY_CHECK_MS_MAX = 3600 * 1000,  /* the wall clock may jump: look again by then */
    TENANT_PRUNE_UNUSED_MS = 24 * 3600 * 1000, /* and at most the retention */
    TENANT_BACKOFF_MS_MAX = 8000,              /* between attempts of what fails */
    TENANT_CLOSE_AFTER_MS = 5 * 60 * 1000,     /* unused, with an empty head */
};
/* Due in the far future: never by itself. */
#define TENANT_DUE_NEVER INT64_MAX

/* The same for a name on every machine and in every process: spreads tenants over time. */
uint64_t tenant_phase(struct str name);
/* Time from one pass to the next over an open tenant that nobody wrote to for `unwritten_ms`. */
int64_t tenant_pass_interval_ms(int64_t unwritten_ms);
/* About `interval_ms` from now (half to one and a half), at the tenant's place in the interval. */
int64_t tenant_due_ms(int64_t now_ms, int64_t interval_ms, uint64_t phase);
/* After that many failures in a row, at least one. */
int64_t tenant_backoff_ms(unsigned failures);

/* How long a head may stay unwritten. Flushing makes older samples invalid, so that senders who
 * come back after an outage must have had time to: as long as a head keeps what is written. */
static inline int64_t
tenant_flush_after_ms(int64_t block_range_ms)
{
    return block_range_ms / 2 * 3;
}

/* An open tenant between two passes. */
struct tenant_idleness {
    int64_t unwritten_ms, unused_ms; /* since the last write; since anybody used it */
    bool referenced;
    bool head_empty;
};
enum tenant_step { TENANT_LEAVE, TENANT_FLUSH, TENANT_CLOSE };
enum tenant_step tenant_next_step(const struct tenant_idleness *i, int64_t flush_after_ms,
                                  int64_t close_after_ms);

/* A closed tenant's directory may be removed when all it has is older than the retention (so every
 * block has outlived it), no block waits to be shipped to a bucket, and nobody has used it for a
 * while, so that a restored backup can be looked at. One without any sample is kept, as with
 * Thanos: nobody knows whose directory it is. */
struct tenant_remains {
    int64_t newest_ms; /* sample, wall time; INT64_MIN without any */
    uint64_t blocks_to_ship;
    int64_t unused_ms;
};
/* Retention 0 keeps everything. */
bool tenant_is_expired(const struct tenant_remains *r, int64_t now_wall_ms, int64_t retention_ms);
/* How long it cannot be expired, if nobody uses it; TENANT_DUE_NEVER when it never will be. */
int64_t tenant_expires_in_ms(const struct tenant_remains *r, int64_t now_wall_ms,
                             int64_t retention_ms);
