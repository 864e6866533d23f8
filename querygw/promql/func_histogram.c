/* func_histogram.c - windows that hold histograms: counts, ends, changes, sums and means.
 *
 * Sums and means are of windows of histograms only: with floats among them there is no result but
 * a warning. Source: prometheus promql/functions.go. */
#include "base/assert.h"
#include "querygw/promql/counter.h"
#include "querygw/promql/func_range_int.h"
#include "querygw/promql/histogram_total.h"

static struct err
give_float(double value, struct window_value *ret_value)
{
    *ret_value = (struct window_value){.kind = WINDOW_FLOAT, .value = value};
    return OK;
}

static struct err
give_histogram(const struct float_histogram *h, struct window_value *ret_value)
{
    *ret_value = (struct window_value){.kind = WINDOW_HISTOGRAM, .histogram = h};
    return OK;
}

struct err
mixed_note(const struct mixed_window *m, enum histogram_note note)
{
    return histogram_note_metric(m->x, note, m->range, m->series);
}

struct err
mixed_note_bounds(const struct mixed_window *m, unsigned findings, const char *operation)
{
    return histogram_note_findings(m->x, findings & FLOAT_HISTOGRAM_BOUNDS_DIFFER, m->range,
                                   operation);
}

struct err
mixed_count(const struct mixed_window *m, struct window_value *ret_value)
{
    size_t count = m->float_hi - m->float_lo + m->histogram_hi - m->histogram_lo;
    return give_float((double)count, ret_value);
}

struct err
mixed_present(const struct mixed_window *m, struct window_value *ret_value)
{
    (void)m;
    return give_float(1, ret_value);
}

/* --- ends of windows ----------------------------------------------------------------------- */

static bool
float_is_first(const struct mixed_window *m)
{
    return m->float_lo < m->float_hi &&
           m->w->t_ms[m->float_lo] < m->histograms->t_ms[m->histogram_lo];
}

static bool
float_is_last(const struct mixed_window *m)
{
    return m->float_lo < m->float_hi &&
           m->w->t_ms[m->float_hi - 1] > m->histograms->t_ms[m->histogram_hi - 1];
}

struct err
mixed_first(const struct mixed_window *m, struct window_value *ret_value)
{
    if (float_is_first(m))
        return give_float(m->w->values[m->float_lo], ret_value);
    return give_histogram(m->histograms->v[m->histogram_lo], ret_value);
}

struct err
mixed_last(const struct mixed_window *m, struct window_value *ret_value)
{
    if (float_is_last(m))
        return give_float(m->w->values[m->float_hi - 1], ret_value);
    return give_histogram(m->histograms->v[m->histogram_hi - 1], ret_value);
}

struct err
mixed_ts_of_first(const struct mixed_window *m, struct window_value *ret_value)
{
    int64_t t_ms =
        float_is_first(m) ? m->w->t_ms[m->float_lo] : m->histograms->t_ms[m->histogram_lo];
    return give_float((double)t_ms / 1000, ret_value);
}

struct err
mixed_ts_of_last(const struct mixed_window *m, struct window_value *ret_value)
{
    int64_t t_ms =
        float_is_last(m) ? m->w->t_ms[m->float_hi - 1] : m->histograms->t_ms[m->histogram_hi - 1];
    return give_float((double)t_ms / 1000, ret_value);
}

/* --- neighbours ---------------------------------------------------------------------------- */

enum { RESET_UNASKED, RESET_NO, RESET_YES };

/* Asked by every window that holds the pair, so the answer is kept. */
bool
histogram_was_reset(const struct mixed_window *m, size_t i)
{
    const struct float_histogram *const *v = m->histograms->v;
    ASSERT(i > 0);
    if (m->resets[i] == RESET_UNASKED) {
        bool started = m->starts && counter_started_at(m->starts, i);
        m->resets[i] = started || float_histogram_was_reset(v[i], v[i - 1]) ? RESET_YES : RESET_NO;
    }
    return m->resets[i] == RESET_YES;
}

enum neighbours { NEIGHBOURS_DIFFER, NEIGHBOURS_RESET };

static bool
floats_count(const struct mixed_window *m, size_t i, enum neighbours what)
{
    return what == NEIGHBOURS_RESET ? counter_was_reset(m->w, i)
                                    : values_differ(m->w->values[i - 1], m->w->values[i]);
}

static bool
histograms_count(const struct mixed_window *m, size_t i, enum neighbours what)
{
    const struct float_histogram *const *v = m->histograms->v;
    return what == NEIGHBOURS_RESET ? histogram_was_reset(m, i)
                                    : !float_histogram_equal(v[i], v[i - 1]);
}

/* Between the samples in order of their times; from a float to a histogram and back is always one
 * of what is counted. */
static struct err
count_neighbours(const struct mixed_window *m, enum neighbours what, struct window_value *ret_value)
{
    size_t f = m->float_lo, h = m->histogram_lo, count = 0;
    bool before_is_float = false;
    for (bool first = true; f < m->float_hi || h < m->histogram_hi; first = false) {
        bool is_float =
            h == m->histogram_hi || (f < m->float_hi && m->w->t_ms[f] < m->histograms->t_ms[h]);
        if (!first && is_float != before_is_float)
            count++;
        else if (!first && is_float)
            count += floats_count(m, f, what);
        else if (!first)
            count += histograms_count(m, h, what);
        before_is_float = is_float;
        if (is_float)
            f++;
        else
            h++;
    }
    TRY(exec_work(m->x, m->float_hi - m->float_lo + m->histogram_hi - m->histogram_lo));
    return give_float((double)count, ret_value);
}

struct err
mixed_changes(const struct mixed_window *m, struct window_value *ret_value)
{
    return count_neighbours(m, NEIGHBOURS_DIFFER, ret_value);
}

struct err
mixed_resets(const struct mixed_window *m, struct window_value *ret_value)
{
    return count_neighbours(m, NEIGHBOURS_RESET, ret_value);
}

/* --- sums ---------------------------------------------------------------------------------- */

static struct err
sum_or_mean(const struct mixed_window *m, enum histogram_total_kind kind,
            struct window_value *ret_value)
{
    *ret_value = (struct window_value){.kind = WINDOW_NOTHING};
    if (m->float_lo < m->float_hi)
        return mixed_note(m, HISTOGRAM_NOTE_MIXED);
    struct histogram_total total = {.arena = m->arena, .kind = kind};
    for (size_t i = m->histogram_lo; i < m->histogram_hi; i++) {
        const struct float_histogram *h = m->histograms->v[i];
        TRY(exec_work(m->x, 1 + h->positive.n + h->negative.n));
        histogram_total_add(&total, h);
    }
    if (total.incompatible)
        return mixed_note(m, HISTOGRAM_NOTE_MIXED_SCHEMAS);
    TRY(histogram_note_findings(m->x, histogram_total_findings(&total), m->range, "aggregation"));
    return give_histogram(histogram_total_value(&total), ret_value);
}

struct err
mixed_sum(const struct mixed_window *m, struct window_value *ret_value)
{
    return sum_or_mean(m, HISTOGRAM_TOTAL_SUM, ret_value);
}

struct err
mixed_avg(const struct mixed_window *m, struct window_value *ret_value)
{
    return sum_or_mean(m, HISTOGRAM_TOTAL_MEAN, ret_value);
}
