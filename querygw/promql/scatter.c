/* scatter.c - sorts points by row: counts, then places. */
#include "querygw/promql/scatter.h"

#include "base/assert.h"

struct err
scatter_add(struct scatter *s, uint32_t row, uint32_t step, double value)
{
    TRY(exec_hold(s->x, 1));
    s->v = arena_more(s->x->arena, s->v, sizeof *s->v, s->count, &s->cap);
    s->v[s->count++] = (struct scatter_point){value, row, step};
    return OK;
}

struct err
scatter_seal(struct scatter *s, size_t rows)
{
    ASSERT(!s->starts);
    TRY(arena_check(s->x->arena));
    TRY(exec_work(s->x, s->count));
    s->starts = ARENA_ARRAY(s->x->arena, size_t, rows + 2);
    size_t *next = s->starts + 1; /* where the next point of a row goes: in the end its last + 1 */
    for (size_t i = 0; i < s->count; i++) {
        ASSERT(s->v[i].row < rows);
        next[s->v[i].row + 1]++;
    }
    for (size_t r = 0; r < rows; r++)
        next[r + 1] += next[r];
    struct scatter_point *sorted = ARENA_ARRAY(s->x->arena, struct scatter_point, s->count);
    for (size_t i = 0; i < s->count; i++)
        sorted[next[s->v[i].row]++] = s->v[i];
    s->v = sorted;
    return arena_check(s->x->arena);
}

void
scatter_row(const struct scatter *s, size_t row, struct column *to, uint32_t steps)
{
    column_clear(to, steps);
    for (size_t i = s->starts[row]; i < s->starts[row + 1]; i++) {
        const struct scatter_point *p = &s->v[i];
        bool again = column_has(to, p->step); /* -0 alone must stay what it is */
        column_set(to, p->step, again ? to->values[p->step] + p->value : p->value);
    }
    bool any = column_fit(to, steps);
    ASSERT(any);
}
