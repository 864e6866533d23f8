/* exec.c - the limits of a running query. */
#include "querygw/promql/exec.h"

#include "base/assert.h"

struct err
exec_check(struct exec *x)
{
    x->work = 0;
    const struct promql_limits *l = &x->limits;
    if (l->clock && l->deadline_ns && clock_mono_ns(l->clock) >= l->deadline_ns)
        return ERR(ERR_TIMEOUT, "query timed out in expression evaluation");
    if (l->canceled && l->canceled(l->arg))
        return ERR(ERR_CANCELED, "query was canceled in expression evaluation");
    return arena_check(x->arena);
}

struct err
exec_hold(struct exec *x, size_t samples)
{
    x->samples_held += samples;
    x->stats.samples_peak = u64_max(x->stats.samples_peak, x->samples_held);
    size_t limit = x->limits.samples_max ? x->limits.samples_max : PROMQL_SAMPLES_MAX_DEFAULT;
    if (x->samples_held > limit)
        return ERR(ERR_LIMIT, "query processing would load too many samples into memory in "
                              "query execution");
    return OK;
}

void
exec_release(struct exec *x, size_t samples)
{
    ASSERT(samples <= x->samples_held);
    x->samples_held -= samples;
}

static void
release_scratch(void *arena)
{
    arena_fini(arena);
}

struct arena *
exec_scratch(struct exec *x)
{
    struct arena *a = ARENA_NEW(x->arena, struct arena);
    arena_init_like(a, x->arena);
    arena_defer(x->arena, release_scratch, a);
    return a;
}
