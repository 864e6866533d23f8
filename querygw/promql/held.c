/* held.c - copies of columns. */
#include "querygw/promql/held.h"

#include <string.h>

#include "base/assert.h"

struct err
held_copy(struct exec *x, const struct column *c, struct held_column **ret_held)
{
    ASSERT(c->begin < c->end);
    TRY(exec_hold(x, column_count(c)));
    TRY(arena_check(x->arena));
    struct held_column *h = ARENA_NEW(x->arena, struct held_column);
    size_t from = c->begin / 64, words = column_words(c->end) - from, n = c->end - c->begin;
    h->labels = labels_copy(x->arena, c->labels);
    h->begin = c->begin;
    h->end = c->end;
    h->values = arena_alloc(x->arena, n * sizeof *h->values);
    memcpy(h->values, c->values + c->begin, n * sizeof *h->values);
    h->present = arena_alloc(x->arena, words * sizeof *h->present);
    memcpy(h->present, c->present + from, words * sizeof *h->present);
    *ret_held = h;
    return OK;
}
