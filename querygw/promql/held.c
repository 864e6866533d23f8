/* held.c - copies of columns. */
#include "querygw/promql/held.h"

#include <string.h>

#include "base/assert.h"
#include "querygw/promql/histogram_point.h"

static struct err
copy_histograms(struct exec *x, const struct column *c, struct held_column *h)
{
    size_t samples;
    h->histograms = ARENA_ARRAY(x->arena, const struct float_histogram *, h->end - h->begin);
    TRY(histogram_points_keep(x, x->arena, c, h->histograms, &samples));
    h->samples += samples;
    return OK;
}

struct err
held_copy(struct exec *x, const struct column *c, struct held_column **ret_held)
{
    ASSERT(c->begin < c->end);
    size_t samples = column_count(c);
    TRY(exec_hold(x, samples));
    TRY(arena_check(x->arena));
    struct held_column *h = ARENA_NEW(x->arena, struct held_column);
    h->samples = samples;
    size_t from = c->begin / 64, words = column_words(c->end) - from, n = c->end - c->begin;
    h->labels = labels_copy(x->arena, c->labels);
    h->drop_name = c->drop_name;
    h->begin = c->begin;
    h->end = c->end;
    h->values = arena_alloc(x->arena, n * sizeof *h->values);
    memcpy(h->values, c->values + c->begin, n * sizeof *h->values);
    h->present = arena_alloc(x->arena, words * sizeof *h->present);
    memcpy(h->present, c->present + from, words * sizeof *h->present);
    *ret_held = h;
    return c->histograms ? copy_histograms(x, c, h) : OK;
}

void
held_add_to(const struct held_column *h, struct column *to, struct arena *a, uint32_t steps)
{
    for (size_t i = h->begin; i < h->end; i++) {
        if (!held_has(h, i))
            continue;
        const struct float_histogram *value = held_histogram(h, i);
        if (value)
            column_set_histogram(to, a, steps, i, value);
        else
            column_set(to, i, h->values[i - h->begin]);
    }
}
