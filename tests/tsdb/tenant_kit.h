/* tenant_kit.h - tenants over a clock that the test turns. */
#pragma once
#include "tests/tsdb/head_kit.h"
#include "tsdb/tenants.h"

enum { KIT_HOUR_MS = 3600 * 1000 };
static const int64_t kit_now_ms = INT64_C(1700000000000); /* wall time at the start */

struct tenant_kit {
    struct clock_manual clock;
    struct pool *pool;
    struct metrics *metrics;
    struct tenants_opts opts; /* a test may change them before it starts */
    struct tenants *tenants;
};

/* Options for `dir` on `fs` (NULL: the real one). Heads count as empty and flushing does nothing:
 * so a closed database is one whose log is replayed. */
void tenant_kit_init(struct tenant_kit *k, const char *dir, struct fs *fs);
void tenant_kit_start(struct tenant_kit *k);
/* Clean; what is open is finished. */
void tenant_kit_stop(struct tenant_kit *k);
void tenant_kit_fini(struct tenant_kit *k);

/* One sample, stored. */
void tenant_kit_put(struct tenant_kit *k, const char *tenant, const char *labels, int64_t t_ms,
                    double value);
/* Everything of a tenant, as kit_dump(); NULL when there is no such tenant. */
const char *tenant_kit_dump(struct tenant_kit *k, struct arena *a, const char *tenant);
/* Turns the clock and lets maintenance run. */
void tenant_kit_pass(struct tenant_kit *k, int64_t ms);
/* The value that an exposition shows for a name with its labels; -1 when it has none. */
double tenant_kit_metric(struct tenant_kit *k, const char *name);
size_t tenant_kit_in_state(struct tenant_kit *k, const char *state);
