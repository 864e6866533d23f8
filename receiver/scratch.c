/* scratch.c - a short stack of warm memory under a lock. */
#include "receiver/scratch.h"

#include "base/mem.h"

void
scratch_pool_init(struct scratch_pool *p)
{
    *p = (struct scratch_pool){.kept_count = 0};
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

struct scratch *
scratch_acquire(struct scratch_pool *p)
{
    {
        LOCKED(&p->lock);
        if (p->kept_count > 0)
            return p->kept[--p->kept_count];
    }
    struct scratch *s = mem_alloc_zero(sizeof *s);
    arena_init(&s->arena, 0); /* bounded by the limits of decoding */
    return s;
}

void
scratch_release(struct scratch_pool *p, struct scratch *s)
{
    arena_reset(&s->arena);
    buf_clear(&s->decoded);
    if (s->arena.used_bytes + s->decoded.cap <= SCRATCH_KEPT_BYTES_MAX) {
        LOCKED(&p->lock);
        if (p->kept_count < SCRATCH_KEPT_MAX) {
            p->kept[p->kept_count++] = s;
            return;
        }
    }
    scratch_free(s);
}
