/* tenant_plan.c - see tenant_plan.h. */
#include "tsdb/tenant_plan.h"

#include "base/assert.h"
#include "base/hash.h"
#include "base/mem.h"

uint64_t
tenant_phase(struct str name)
{
    return hash64(name);
}

int64_t
tenant_pass_interval_ms(int64_t unwritten_ms)
{
    return i64_max(TENANT_PASS_MS, i64_min(unwritten_ms / 2, TENANT_PASS_IDLE_MS_MAX));
}

int64_t
tenant_due_ms(int64_t now_ms, int64_t interval_ms, uint64_t phase)
{
    ASSERT(now_ms >= 0 && interval_ms > 0);
    uint64_t interval = (uint64_t)interval_ms;
    uint64_t from = (uint64_t)now_ms + (interval + 1) / 2;
    return (int64_t)(from + (phase % interval + interval - from % interval) % interval);
}

int64_t
tenant_backoff_ms(unsigned failures)
{
    ASSERT(failures > 0);
    unsigned doublings = failures - 1 < 16 ? failures - 1 : 16;
    return i64_min((int64_t)TENANT_PASS_MS << doublings, TENANT_BACKOFF_MS_MAX);
}

enum tenant_step
tenant_next_step(const struct tenant_idleness *i, int64_t flush_after_ms, int64_t close_after_ms)
{
    if (!i->head_empty)
        return i->unwritten_ms >= flush_after_ms ? TENANT_FLUSH : TENANT_LEAVE;
    return !i->referenced && i->unused_ms >= close_after_ms ? TENANT_CLOSE : TENANT_LEAVE;
}

int64_t
tenant_expires_in_ms(const struct tenant_remains *r, int64_t now_wall_ms, int64_t retention_ms)
{
    int64_t age_ms, left_ms;
    if (retention_ms <= 0 || r->newest_ms == INT64_MIN)
        return TENANT_DUE_NEVER;
    if (__builtin_sub_overflow(now_wall_ms, r->newest_ms, &age_ms))
        age_ms = r->newest_ms < now_wall_ms ? INT64_MAX : INT64_MIN;
    if (__builtin_sub_overflow(retention_ms, age_ms, &left_ms) || left_ms == INT64_MAX)
        return TENANT_DUE_NEVER;
    int64_t unused_left_ms = i64_min(retention_ms, TENANT_PRUNE_UNUSED_MS) - r->unused_ms;
    return i64_max(i64_max(left_ms + 1, unused_left_ms), 0);
}

bool
tenant_is_expired(const struct tenant_remains *r, int64_t now_wall_ms, int64_t retention_ms)
{
    return r->blocks_to_ship == 0 && tenant_expires_in_ms(r, now_wall_ms, retention_ms) == 0;
}
