/* shared.c - a counted buffer. */
#include "base/shared.h"

#include <stdatomic.h>

#include "base/assert.h"

struct shared {
    _Atomic(unsigned) refs; /* relaxed up, acq_rel down: the last one frees */
    struct buf bytes;       /* immutable */
};

struct shared *
shared_new(struct str copied)
{
    struct buf bytes = BUF_INIT;
    buf_append(&bytes, copied);
    return shared_take(&bytes);
}

struct shared *
shared_take(struct buf *moved)
{
    struct shared *s = mem_alloc_zero(sizeof *s);
    atomic_init(&s->refs, 1);
    s->bytes = *moved;
    *moved = (struct buf)BUF_INIT;
    return s;
}

struct shared *
shared_ref(struct shared *s)
{
    unsigned refs = atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    ASSERT(refs > 0);
    return s;
}

void
shared_unref(struct shared *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    buf_fini(&s->bytes);
    mem_free(s);
}

struct str
shared_bytes(const struct shared *s)
{
    return buf_str(&s->bytes);
}
