/* view.c - reference counts of views, and through them of blocks. */
#include "tsdb/view.h"

#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/head/deletions.h"

/* Closes the blocks that only this view still held; slow, so never under the lock. */
static void
view_free(struct view *view)
{
    if (!view)
        return;
    blocks_close(&view->blocks);
    deletions_unref(view->head.deletions);
    mem_free(view);
}

static struct view *
view_new(struct blocks *blocks, struct view_bounds head)
{
    struct view *view = mem_alloc_zero(sizeof *view);
    view->blocks = *blocks;
    view->head = head;
    deletions_ref(head.deletions);
    view->holders = 1; /* for being current */
    *blocks = (struct blocks)BLOCKS_INIT;
    return view;
}

void
views_init(struct views *v, struct blocks *blocks, struct view_bounds head)
{
    lock_init(&v->lock, LOCK_RANK_DB_VIEWS);
    struct view *first = view_new(blocks, head);
    first->number = 1;
    LOCKED(&v->lock);
    vec_push(&v->live, first);
}

void
views_fini(struct views *v)
{
    if (v->live.n == 0)
        return; /* never begun */
    ASSERT(v->live.n == 1);
    ASSERT(v->live.v[0]->holders == 1);
    view_free(v->live.v[0]);
    vec_fini(&v->live);
    lock_fini(&v->lock);
}

const struct view *
views_acquire(struct views *v)
{
    LOCKED(&v->lock);
    struct view *current = *vec_last(&v->live);
    current->holders++;
    return current;
}

/* One holder less; the view itself when that was the last, to be freed without the lock. */
static struct view *
drop_holder(struct views *v, const struct view *held) REQUIRES(v->lock)
{
    for (size_t i = 0; i < v->live.n; i++) { /* few: the current one, and those of slow queries */
        struct view *view = v->live.v[i];
        if (view != held)
            continue;
        ASSERT(view->holders > 0);
        if (--view->holders > 0)
            return NULL;
        v->live.n--;
        memmove(&v->live.v[i], &v->live.v[i + 1], (v->live.n - i) * sizeof(struct view *));
        return view;
    }
    UNREACHABLE("a view that is not live");
}

void
views_release(struct views *v, const struct view *held)
{
    struct view *unused;
    {
        LOCKED(&v->lock);
        unused = drop_holder(v, held);
    }
    view_free(unused);
}

/* `next` becomes current. */
static uint64_t
replace(struct views *v, struct view *next, struct view **ret_unused) REQUIRES(v->lock)
{
    struct view *before = *vec_last(&v->live);
    next->number = before->number + 1;
    vec_push(&v->live, next);
    *ret_unused = drop_holder(v, before);
    return next->number;
}

uint64_t
views_publish(struct views *v, struct blocks *blocks, struct view_bounds head)
{
    struct view *next = view_new(blocks, head), *unused;
    uint64_t number;
    {
        LOCKED(&v->lock);
        number = replace(v, next, &unused);
    }
    view_free(unused);
    return number;
}

bool
views_passed(struct views *v, uint64_t number)
{
    LOCKED(&v->lock);
    return v->live.v[0]->number >= number;
}
