/* func_quantile.c - quantile_over_time(), mad_over_time().
 *
 * The values of the window are kept sorted while it slides; one that moves far is sorted anew. */
#include <string.h>

#include "base/assert.h"
#include "querygw/promql/func_range_int.h"
#include "querygw/promql/quantile.h"

enum { SLIDE_MAX = 64 }; /* values that come and go, before sorting anew is cheaper */

struct sorted_window {
    double *v; /* room for every value of the series */
    size_t n;
    struct window_cursor at; /* the window whose values they are */
};

/* The first value that is not less than `value`. */
static size_t
find_place(const struct sorted_window *s, double value)
{
    size_t low = 0, high = s->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (value_less(s->v[mid], value))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void
sorted_insert(struct sorted_window *s, double value)
{
    size_t i = find_place(s, value);
    memmove(s->v + i + 1, s->v + i, (s->n - i) * sizeof *s->v);
    s->v[i] = value;
    s->n++;
}

static void
sorted_remove(struct sorted_window *s, double value)
{
    size_t i = find_place(s, value);
    ASSERT(i < s->n && !value_less(value, s->v[i]));
    s->n--;
    memmove(s->v + i, s->v + i + 1, (s->n - i) * sizeof *s->v);
}

static void
sorted_move(struct sorted_window *s, const struct windows *w, const struct window_cursor *to)
{
    size_t changed = to->lo - s->at.lo + to->hi - s->at.hi;
    if (to->lo >= s->at.hi || changed > SLIDE_MAX) {
        s->n = to->hi - to->lo;
        memcpy(s->v, w->values + to->lo, s->n * sizeof *s->v);
        values_sort(s->v, s->n);
    } else {
        for (size_t i = s->at.lo; i < to->lo; i++)
            sorted_remove(s, w->values[i]);
        for (size_t i = s->at.hi; i < to->hi; i++)
            sorted_insert(s, w->values[i]);
    }
    s->at = *to;
}

struct err
run_quantile(struct exec *x, struct window_scratch *scratch, const struct windows *w,
             struct column *to)
{
    struct sorted_window s = {.v = window_scratch_get(scratch, w->n, sizeof *s.v)};
    struct window_cursor c = window_cursor_start();
    for (size_t step = 0; step < w->steps; step++) {
        if (!window_move(w, &c, step))
            continue;
        sorted_move(&s, w, &c);
        column_set(to, step, quantile_of_sorted(w->args[0][step], s.v, s.n));
        TRY(exec_work(x, s.n));
    }
    return OK;
}

/* The median of the distances from the median; NaN where a value is. */
struct err
run_mad(struct exec *x, struct window_scratch *scratch, const struct windows *w, struct column *to)
{
    struct sorted_window s = {.v = window_scratch_get(scratch, 2 * w->n, sizeof *s.v)};
    double *distances = s.v + w->n;
    struct window_cursor c = window_cursor_start();
    for (size_t step = 0; step < w->steps; step++) {
        if (!window_move(w, &c, step))
            continue;
        sorted_move(&s, w, &c);
        double median = isnan(s.v[0]) ? NAN : quantile_of_sorted(0.5, s.v, s.n);
        for (size_t i = 0; i < s.n; i++)
            distances[i] = fabs(s.v[i] - median);
        values_sort(distances, s.n);
        column_set(to, step, quantile_of_sorted(0.5, distances, s.n));
        TRY(exec_work(x, 8 * s.n)); /* sorting */
    }
    return OK;
}
