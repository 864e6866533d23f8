/* scratch.c - a short stack of warm memory under a lock. */
#include "receiver/scratch.h"

#include "base/budget.h"
#include "base/mem.h"

static size_t
kept_bytes_max(const struct budget *budget)
{
    size_t part = budget ? budget->limit_bytes / SCRATCH_KEPT_PART : 0;
    return part > 0 ? size_min(SCRATCH_KEPT_BYTES_MAX, part) : SCRATCH_KEPT_BYTES_MAX;
}

void
scratch_pool_init(struct scratch_pool *p, struct budget *budget)
{
    *p = (struct scratch_pool){.budget = budget, .kept_bytes_max = kept_bytes_max(budget)};
    lock_init(&p->lock, LOCK_RANK_LEAF);
}

static void
scratch_free(struct scratch *s)
{
    arena_fini(&s->arena);
    buf_fini(&s->decoded);
    mem_free(s);
}

void
scratch_pool_fini(struct scratch_pool *p)
{
    for (size_t i = 0; i < p->kept_count; i++)
        scratch_free(p->kept[i]);
    lock_fini(&p->lock);
}

static struct scratch *
kept_or_new(struct scratch_pool *p)
{
    {
        LOCKED(&p->lock);
        if (p->kept_count > 0)
            return p->kept[--p->kept_count];
    }
    struct scratch *s = mem_alloc_zero(sizeof *s);
    arena_init_shared(&s->arena, 0, p->budget);
    return s;
}

/* What a large request can have when it is alone, but for a little that others always hold: what
 * needs more is told so, and need not try again. */
static size_t
most_beside(const struct budget *budget, size_t body_bytes)
{
    if (!budget || budget->limit_bytes == 0)
        return 0;
    size_t most = budget_large_max(budget) - budget->limit_bytes / SCRATCH_OTHERS_PART;
    return most - size_min(body_bytes, most - 1);
}

struct scratch *
scratch_acquire(struct scratch_pool *p, size_t body_bytes)
{
    struct scratch *s = kept_or_new(p);
    s->arena.limit_bytes = most_beside(p->budget, body_bytes);
    return s;
}

void
scratch_release(struct scratch_pool *p, struct scratch *s)
{
    arena_reset(&s->arena);
    buf_clear(&s->decoded);
    if (s->arena.used_bytes + s->decoded.cap <= p->kept_bytes_max) {
        LOCKED(&p->lock);
        if (p->kept_count < SCRATCH_KEPT_MAX) {
            p->kept[p->kept_count++] = s;
            return;
        }
    }
    scratch_free(s);
}
