/* func_extended_histogram.c - what func_extended.c does, of histograms: rate, increase, delta,
 * changes and resets over extended windows, and smoothed instant selectors.
 *
 * Source: prometheus promql/functions.go (extendedHistogramRate, interpolateHistograms,
 * pickFirstSampleIndices), promql/engine.go (smoothSeries). */
#include "querygw/promql/extended.h"
#include "querygw/promql/func_range_int.h"

/* Between the histograms i - 1 and i, strictly; NULL behind a note. A counter that was reset starts
 * from 0. */
static struct err
interpolate(const struct mixed_window *m, size_t i, int64_t at_ms, bool counter,
            const struct float_histogram **ret_histogram)
{
    const struct histogram_points *p = m->histograms;
    const struct float_histogram *before = p->v[i - 1];
    double fraction = (double)(at_ms - p->t_ms[i - 1]) / (double)(p->t_ms[i] - p->t_ms[i - 1]);
    struct float_histogram *h = float_histogram_copy(p->v[i], m->arena);
    unsigned findings = 0;
    *ret_histogram = NULL;
    if (counter && histogram_was_reset(m, i)) {
        float_histogram_multiply(h, fraction);
        *ret_histogram = h;
        return OK;
    }
    if (!float_histogram_subtract(h, before, m->arena, &findings))
        return mixed_note(m, HISTOGRAM_NOTE_MIXED_SCHEMAS);
    TRY(mixed_note_bounds(m, findings, "subtraction"));
    float_histogram_multiply(h, fraction);
    findings = 0;
    if (!float_histogram_add(h, before, m->arena, &findings))
        return mixed_note(m, HISTOGRAM_NOTE_MIXED_SCHEMAS);
    TRY(mixed_note_bounds(m, findings, "addition"));
    *ret_histogram = h;
    return OK;
}

/* --- growth -------------------------------------------------------------------------------- */

/* False when no histogram is behind the begin of the window. */
static bool
find_window(const struct mixed_window *m, struct extended_window *ret_window)
{
    const int64_t *t_ms = m->histograms->t_ms;
    struct extended_window e = extended_window_at(m->w, m->end_ms);
    size_t lo = m->histogram_lo, hi = m->histogram_hi, inside = lo;
    while (inside < hi && t_ms[inside] <= e.begin_ms)
        inside++;
    size_t end = inside;
    while (end < hi && t_ms[end] < e.end_ms)
        end++;
    if (!extended_window_set(&e, lo, hi, inside, end))
        return false;
    *ret_window = e;
    return !e.smoothed || t_ms[e.first] <= e.end_ms;
}

/* Custom bounds and exponential ones do not go together; gauges that are taken for counters are
 * told of, and computed all the same. */
static struct err
check_kinds(const struct mixed_window *m, const struct extended_window *e, bool counter,
            bool *ret_fit)
{
    const struct float_histogram *const *v = m->histograms->v;
    *ret_fit = true;
    for (size_t i = e->first; *ret_fit && i <= e->last; i++) {
        *ret_fit = float_histogram_is_custom(v[i]) == float_histogram_is_custom(v[e->first]);
        if (*ret_fit && counter && v[i]->reset == HISTOGRAM_GAUGE)
            TRY(mixed_note(m, HISTOGRAM_NOTE_NO_COUNTER));
    }
    return *ret_fit ? OK : mixed_note(m, HISTOGRAM_NOTE_MIXED_SCHEMAS);
}

struct borders {
    const struct float_histogram *left, *right; /* NULL behind a note */
    bool left_is_between;
};

static struct err
find_borders(const struct mixed_window *m, const struct extended_window *e, bool counter,
             struct borders *ret_borders)
{
    const struct histogram_points *p = m->histograms;
    struct borders b = {.left = p->v[e->first], .right = p->v[e->last]};
    b.left_is_between = e->smoothed && p->t_ms[e->first] < e->begin_ms;
    if (b.left_is_between)
        TRY(interpolate(m, e->first + 1, e->begin_ms, counter, &b.left));
    if (e->smoothed && e->last_has_left && p->t_ms[e->last] > e->end_ms)
        TRY(interpolate(m, e->last, e->end_ms, counter, &b.right));
    *ret_borders = b;
    return OK;
}

/* `now` stands for the histogram i or is what it became at the end of the window, `before` for the
 * one before it or what that became at the begin. */
static bool
began_anew(const struct mixed_window *m, size_t i, const struct float_histogram *before,
           const struct float_histogram *now)
{
    const struct float_histogram *const *v = m->histograms->v;
    if (now == v[i] && before == v[i - 1])
        return histogram_was_reset(m, i);
    return float_histogram_was_reset(now, before);
}

static struct err
add_lost(const struct mixed_window *m, const struct float_histogram *lost,
         struct float_histogram **sum)
{
    unsigned findings = 0;
    if (!*sum) {
        *sum = float_histogram_copy(lost, m->arena);
        return OK;
    }
    if (!float_histogram_add(*sum, lost, m->arena, &findings))
        return mixed_note(m, HISTOGRAM_NOTE_MIXED_SCHEMAS); /* never, behind check_kinds() */
    return mixed_note_bounds(m, findings, "addition");
}

/* What the counter lost to resets on the way from border to border; NULL for nothing. The value at
 * the end stands for the last sample: it carries its hint, and a reset is not to count twice. */
static struct err
lost_to_resets(const struct mixed_window *m, const struct extended_window *e,
               const struct borders *b, struct float_histogram **ret_lost)
{
    const struct float_histogram *const *v = m->histograms->v, *before = b->left;
    size_t i = e->first + 1;
    *ret_lost = NULL;
    if (b->left_is_between && histogram_was_reset(m, i))
        before = v[i++]; /* that reset is behind the value at the begin */
    if (i > e->last)
        return OK;
    for (; i <= e->last; i++) {
        const struct float_histogram *now = i < e->last ? v[i] : b->right;
        if (began_anew(m, i, before, now))
            TRY(add_lost(m, before, ret_lost));
        before = now;
    }
    return OK;
}

/* From border to border; NULL behind a note. */
static struct err
growth_between(const struct mixed_window *m, const struct extended_window *e, bool counter,
               struct float_histogram **ret_growth)
{
    struct borders b;
    unsigned findings = 0;
    *ret_growth = NULL;
    TRY(find_borders(m, e, counter, &b));
    if (!b.left || !b.right)
        return OK;
    if (!counter && (b.left->reset != HISTOGRAM_GAUGE || b.right->reset != HISTOGRAM_GAUGE))
        TRY(mixed_note(m, HISTOGRAM_NOTE_NO_GAUGE));
    struct float_histogram *h = float_histogram_copy(b.right, m->arena), *lost = NULL;
    if (!float_histogram_subtract(h, b.left, m->arena, &findings))
        return mixed_note(m, HISTOGRAM_NOTE_MIXED_SCHEMAS);
    TRY(mixed_note_bounds(m, findings, "subtraction"));
    if (counter)
        TRY(lost_to_resets(m, e, &b, &lost));
    if (lost)
        TRY(add_lost(m, lost, &h));
    *ret_growth = h;
    return OK;
}

enum growth_kind { GROWTH_PER_SECOND, GROWTH_INCREASE, GROWTH_DELTA };

static struct err
give_growth(const struct mixed_window *m, enum growth_kind kind, struct window_value *ret_value)
{
    bool counter = kind != GROWTH_DELTA, fit;
    struct extended_window e;
    struct float_histogram *h;
    *ret_value = (struct window_value){.kind = WINDOW_NOTHING};
    if (m->float_lo < m->float_hi)
        return mixed_note(m, HISTOGRAM_NOTE_MIXED);
    if (!find_window(m, &e))
        return OK;
    TRY(check_kinds(m, &e, counter, &fit));
    if (!fit)
        return OK;
    TRY(growth_between(m, &e, counter, &h));
    if (!h)
        return OK;
    if (kind == GROWTH_PER_SECOND)
        float_histogram_divide(h, duration_seconds(e.end_ms - e.begin_ms));
    h->reset = HISTOGRAM_GAUGE;
    float_histogram_compact(h, m->arena);
    *ret_value = (struct window_value){.kind = WINDOW_HISTOGRAM, .histogram = h};
    return OK;
}

struct err
mixed_rate_between(const struct mixed_window *m, struct window_value *ret_value)
{
    return give_growth(m, GROWTH_PER_SECOND, ret_value);
}

struct err
mixed_increase_between(const struct mixed_window *m, struct window_value *ret_value)
{
    return give_growth(m, GROWTH_INCREASE, ret_value);
}

struct err
mixed_delta_between(const struct mixed_window *m, struct window_value *ret_value)
{
    return give_growth(m, GROWTH_DELTA, ret_value);
}

/* --- neighbours ---------------------------------------------------------------------------- */

/* Anchored: from the last sample at or before the begin on, float or histogram; false when none is
 * behind the begin. */
static bool
from_anchor(const struct mixed_window *m, struct mixed_window *ret_window)
{
    const int64_t *float_ms = m->w->t_ms, *histogram_ms = m->histograms->t_ms;
    int64_t begin_ms = extended_window_at(m->w, m->end_ms).begin_ms;
    size_t f = m->float_lo, h = m->histogram_lo;
    while (f < m->float_hi && float_ms[f] <= begin_ms)
        f++;
    while (h < m->histogram_hi && histogram_ms[h] <= begin_ms)
        h++;
    if (f == m->float_hi && h == m->histogram_hi)
        return false;
    bool floats_before = f > m->float_lo, histograms_before = h > m->histogram_lo;
    if (floats_before && (!histograms_before || float_ms[f - 1] >= histogram_ms[h - 1]))
        f--;
    else if (histograms_before)
        h--;
    *ret_window = *m;
    ret_window->float_lo = f;
    ret_window->histogram_lo = h;
    return true;
}

static struct err
since_anchor(const struct mixed_window *m, mixed_window_fn *run, struct window_value *ret_value)
{
    struct mixed_window from;
    *ret_value = (struct window_value){.kind = WINDOW_NOTHING};
    return from_anchor(m, &from) ? run(&from, ret_value) : OK;
}

struct err
mixed_changes_between(const struct mixed_window *m, struct window_value *ret_value)
{
    return since_anchor(m, mixed_changes, ret_value);
}

struct err
mixed_resets_between(const struct mixed_window *m, struct window_value *ret_value)
{
    return since_anchor(m, mixed_resets, ret_value);
}

/* --- smoothed instant selectors ------------------------------------------------------------ */

/* Where none follows, the last one, of which nobody knows what was before it. */
static struct err
smooth_at(const struct mixed_window *m, int64_t time_ms,
          const struct float_histogram **ret_histogram)
{
    const struct histogram_points *p = m->histograms;
    size_t next = m->histogram_lo;
    while (next < m->histogram_hi && p->t_ms[next] < time_ms)
        next++;
    *ret_histogram = NULL;
    if (next < m->histogram_hi && p->t_ms[next] == time_ms) {
        *ret_histogram = p->v[next];
    } else if (next > m->histogram_lo && next < m->histogram_hi) {
        bool gauges =
            p->v[next - 1]->reset == HISTOGRAM_GAUGE && p->v[next]->reset == HISTOGRAM_GAUGE;
        if (float_histogram_is_custom(p->v[next - 1]) != float_histogram_is_custom(p->v[next]))
            return mixed_note(m, HISTOGRAM_NOTE_MIXED_SCHEMAS);
        return interpolate(m, next, time_ms, !gauges, ret_histogram);
    } else if (next > m->histogram_lo) {
        struct float_histogram *last = ARENA_NEW(m->arena, struct float_histogram);
        *last = *p->v[next - 1]; /* shares the buckets */
        last->reset = HISTOGRAM_RESET_UNKNOWN;
        *ret_histogram = last;
    }
    return OK;
}

struct err
extended_smooth_histograms(const struct select_reader *r, struct promql_range range,
                           struct arena *a, struct column *to)
{
    const struct plan_select *s = r->what;
    const struct histogram_points *p = &r->histograms;
    struct windows of_floats = {.t_ms = r->samples.t_ms,
                                .n = r->samples.n,
                                .start_ms = r->grid.start_ms - s->shift_ms,
                                .step_ms = r->grid.step_ms,
                                .range_ms = s->window_ms};
    struct windows of_histograms = of_floats;
    of_histograms.t_ms = p->t_ms;
    of_histograms.n = p->n;
    struct mixed_window m = {.x = r->x,
                             .arena = a,
                             .w = &of_floats,
                             .histograms = p,
                             .resets = ARENA_ARRAY(a, uint8_t, p->n),
                             .series = r->series.labels,
                             .range = range};
    struct window_cursor floats = window_cursor_start(), histograms = window_cursor_start();
    for (size_t step = 0; step < r->grid.steps; step++) {
        bool any_floats = window_move(&of_floats, &floats, step);
        if (!window_move(&of_histograms, &histograms, step))
            continue;
        const struct float_histogram *h = NULL;
        m.histogram_lo = histograms.lo;
        m.histogram_hi = histograms.hi;
        if (any_floats)
            TRY(mixed_note(&m, HISTOGRAM_NOTE_MIXED));
        else
            TRY(smooth_at(&m, window_end_ms(&of_floats, step) - s->after_ms, &h));
        if (h)
            column_set_histogram(to, r->x->arena, r->grid.steps, step, h);
        else
            column_unset(to, step);
        TRY(exec_work(r->x, 1 + histograms.hi - histograms.lo));
        TRY(arena_check(a));
    }
    return OK;
}
