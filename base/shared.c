/* shared.c - a counted buffer. */
#include "base/shared.h"

#include <stdatomic.h>

#include "base/assert.h"
#include "base/budget.h"

struct shared {
    _Atomic(unsigned) refs; /* relaxed up, acq_rel down: the last one frees */
    struct buf bytes;       /* immutable, as all below */
    struct budget *budget;  /* that they are charged to; NULL: none */
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
    return shared_take_charged(moved, NULL);
}

struct shared *
shared_take_charged(struct buf *moved, struct budget *budget)
{
    struct shared *s = mem_alloc_zero(sizeof *s);
    atomic_init(&s->refs, 1);
    s->bytes = *moved;
    s->budget = budget;
    if (budget)
        budget_charge(budget, s->bytes.cap);
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
    if (s->budget)
        budget_give_back(s->budget, s->bytes.cap);
    buf_fini(&s->bytes);
    mem_free(s);
}

struct str
shared_bytes(const struct shared *s)
{
    return buf_str(&s->bytes);
}
