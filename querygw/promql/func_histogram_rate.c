/* func_histogram_rate.c - how fast histograms grow: rate, increase, delta, irate, idelta of windows
 * that hold some.
 *
 * As with floats (func_rate.c): the last less the first, and for counters what was reached at each
 * reset. Source: prometheus promql/functions.go (extrapolatedRate, histogramRate, instantValue). */
#include "querygw/promql/counter.h"
#include "querygw/promql/growth.h"

/* What the first sample counts for: nothing behind a reset right after it, so that its layout does
 * not matter either. */
static struct float_histogram
first_of(const struct mixed_window *m, bool is_counter)
{
    const struct float_histogram *const *v = m->histograms->v;
    if (!is_counter || !histogram_was_reset(m, m->histogram_lo + 1))
        return *v[m->histogram_lo];
    const struct float_histogram *second = v[m->histogram_lo + 1];
    return (struct float_histogram){
        .schema = second->schema, .bounds = second->bounds, .bound_n = second->bound_n};
}

/* The schema that every sample can be brought to; false when custom bounds and others meet. The
 * ends count always, what is between them for counters only. */
static bool
common_schema(const struct mixed_window *m, const struct float_histogram *first, bool is_counter,
              int32_t *ret_schema)
{
    const struct float_histogram *last = m->histograms->v[m->histogram_hi - 1];
    *ret_schema = last->schema < first->schema ? last->schema : first->schema;
    if (float_histogram_is_custom(first) != float_histogram_is_custom(last))
        return false;
    for (size_t i = m->histogram_lo + 1; is_counter && i + 1 < m->histogram_hi; i++) {
        const struct float_histogram *h = m->histograms->v[i];
        if (float_histogram_is_custom(h) != float_histogram_is_custom(first))
            return false;
        *ret_schema = h->schema < *ret_schema ? h->schema : *ret_schema;
    }
    return true;
}

/* Counters that are gauges, gauges that are counters: told, and computed all the same. */
static struct err
note_hints(const struct mixed_window *m, bool is_counter)
{
    const struct float_histogram *const *v = m->histograms->v;
    size_t lo = m->histogram_lo, hi = m->histogram_hi;
    bool gauge = false;
    if (!is_counter) {
        if (v[lo]->reset == HISTOGRAM_GAUGE && v[hi - 1]->reset == HISTOGRAM_GAUGE)
            return OK;
        return mixed_note(m, HISTOGRAM_NOTE_NO_GAUGE);
    }
    for (size_t i = lo; i < hi; i++)
        gauge = gauge || v[i]->reset == HISTOGRAM_GAUGE;
    return gauge ? mixed_note(m, HISTOGRAM_NOTE_NO_COUNTER) : OK;
}

/* Where nothing is left of the first sample, nothing falls behind it: a reset that is told all the
 * same adds nothing but what is noted about bounds. */
static bool
is_reset_of(const struct mixed_window *m, size_t i, const struct float_histogram *before)
{
    return (m->starts && counter_started_at(m->starts, i)) ||
           float_histogram_was_reset(m->histograms->v[i], before);
}

/* The growth over a window of two histograms or more; NULL behind a note. */
static struct err
growth_of(const struct mixed_window *m, bool is_counter, struct float_histogram **ret_growth)
{
    const struct float_histogram *const *v = m->histograms->v;
    size_t lo = m->histogram_lo, hi = m->histogram_hi;
    struct float_histogram first = first_of(m, is_counter);
    int32_t schema;
    unsigned findings = 0;
    *ret_growth = NULL;
    if (!common_schema(m, &first, is_counter, &schema))
        return mixed_note(m, HISTOGRAM_NOTE_MIXED_SCHEMAS);
    struct float_histogram *h = float_histogram_copy(v[hi - 1], m->arena);
    if (schema != h->schema)
        float_histogram_reduce(h, schema, m->arena);
    if (!float_histogram_subtract(h, &first, m->arena, &findings))
        return mixed_note(m, HISTOGRAM_NOTE_MIXED_SCHEMAS);
    TRY(mixed_note_bounds(m, findings, "subtraction"));
    findings = 0;
    for (size_t i = lo + 1; is_counter && i < hi; i++) {
        const struct float_histogram *before = i == lo + 1 ? &first : v[i - 1];
        if (!histogram_was_reset(m, i) || (i == lo + 1 && !is_reset_of(m, i, before)))
            continue;
        if (!float_histogram_add(h, before, m->arena, &findings))
            return mixed_note(m, HISTOGRAM_NOTE_MIXED_SCHEMAS);
    }
    TRY(mixed_note_bounds(m, findings, "addition"));
    TRY(note_hints(m, is_counter));
    h->reset = HISTOGRAM_GAUGE;
    float_histogram_compact(h, m->arena);
    *ret_growth = h;
    return OK;
}

/* The growth of a counter that was 0 at a time within the window: what it had reached at the first
 * sample counts as well. NULL behind a note. */
static struct err
growth_since_start(const struct mixed_window *m, struct float_histogram **growth)
{
    const struct float_histogram *first = m->histograms->v[m->histogram_lo];
    unsigned findings = 0;
    if (!*growth) {
        *growth = float_histogram_copy(first, m->arena);
        return OK;
    }
    if (!float_histogram_add(*growth, first, m->arena, &findings)) {
        *growth = NULL;
        return mixed_note(m, HISTOGRAM_NOTE_MIXED_SCHEMAS);
    }
    return mixed_note_bounds(m, findings, "addition");
}

enum rate_kind { RATE_COUNTER, RATE_GAUGE };

static struct err
extrapolated(const struct mixed_window *m, enum rate_kind kind, double range,
             struct window_value *ret_value)
{
    const struct histogram_points *p = m->histograms;
    size_t lo = m->histogram_lo, count = m->histogram_hi - lo;
    *ret_value = (struct window_value){.kind = WINDOW_NOTHING};
    if (m->float_lo < m->float_hi)
        return mixed_note(m, HISTOGRAM_NOTE_MIXED);
    int64_t before_ms = m->end_ms - p->t_ms[lo], after_ms = m->end_ms - p->t_ms[lo + count - 1];
    int64_t start_ms = kind == RATE_COUNTER && m->starts ? p->start_ms[lo] : 0;
    bool from_start = counter_start_within(start_ms, m->end_ms - m->w->range_ms, p->t_ms[lo]);
    struct float_histogram *h = NULL;
    TRY(exec_work(m->x, count));
    if (count > 1)
        TRY(growth_of(m, kind == RATE_COUNTER, &h));
    if (from_start && (h || count == 1))
        TRY(growth_since_start(m, &h));
    if (!h)
        return OK;
    struct growth_layout layout = {.range = range};
    double factor;
    if (from_start) {
        factor = growth_factor_since_start(range, m->end_ms - start_ms, before_ms, after_ms, count);
    } else {
        growth_layout_set(&layout, m->w->range_ms, before_ms, after_ms, count);
        factor = kind == RATE_COUNTER ? growth_factor(&layout, p->v[lo]->count, h->count)
                                      : layout.factor;
    }
    float_histogram_multiply(h, factor);
    *ret_value = (struct window_value){.kind = WINDOW_HISTOGRAM, .histogram = h};
    return OK;
}

struct err
mixed_rate(const struct mixed_window *m, struct window_value *ret_value)
{
    return extrapolated(m, RATE_COUNTER, duration_seconds(m->w->range_ms), ret_value);
}

struct err
mixed_increase(const struct mixed_window *m, struct window_value *ret_value)
{
    return extrapolated(m, RATE_COUNTER, 1, ret_value);
}

struct err
mixed_delta(const struct mixed_window *m, struct window_value *ret_value)
{
    return extrapolated(m, RATE_GAUGE, 1, ret_value);
}

/* --- the last two samples ------------------------------------------------------------------ */

enum instant_kind { INSTANT_RATE, INSTANT_DELTA };

/* How many of the last two samples are floats; the window has two samples or more. */
static size_t
floats_at_end(const struct mixed_window *m)
{
    size_t f = m->float_hi, h = m->histogram_hi, floats = 0;
    for (size_t i = 0; i < 2; i++) {
        bool is_float = h == m->histogram_lo ||
                        (f > m->float_lo && m->w->t_ms[f - 1] > m->histograms->t_ms[h - 1]);
        floats += is_float;
        if (is_float)
            f--;
        else
            h--;
    }
    return floats;
}

static void
instant_of_floats(const struct mixed_window *m, enum instant_kind kind,
                  struct window_value *ret_value)
{
    size_t i = m->float_hi - 1;
    double before = m->w->values[i - 1], last = m->w->values[i];
    bool reset = kind == INSTANT_RATE && counter_was_reset(m->w, i);
    double growth = reset ? last : last - before;
    double seconds = (double)(m->w->t_ms[i] - m->w->t_ms[i - 1]) / 1000;
    *ret_value = (struct window_value){.kind = WINDOW_FLOAT,
                                       .value = kind == INSTANT_RATE ? growth / seconds : growth};
}

static struct err
instant_of_histograms(const struct mixed_window *m, enum instant_kind kind,
                      struct window_value *ret_value)
{
    const struct histogram_points *p = m->histograms;
    size_t i = m->histogram_hi - 1;
    const struct float_histogram *before = p->v[i - 1], *last = p->v[i];
    bool gauges = before->reset == HISTOGRAM_GAUGE && last->reset == HISTOGRAM_GAUGE;
    bool a_gauge = before->reset == HISTOGRAM_GAUGE || last->reset == HISTOGRAM_GAUGE;
    if (kind == INSTANT_RATE && a_gauge)
        TRY(mixed_note(m, HISTOGRAM_NOTE_NO_COUNTER));
    if (kind == INSTANT_DELTA && !gauges)
        TRY(mixed_note(m, HISTOGRAM_NOTE_NO_GAUGE));
    struct float_histogram *h = float_histogram_copy(last, m->arena);
    if (kind == INSTANT_DELTA || !histogram_was_reset(m, i)) {
        unsigned findings = 0;
        if (!float_histogram_subtract(h, before, m->arena, &findings))
            return mixed_note(m, HISTOGRAM_NOTE_MIXED_SCHEMAS);
        TRY(mixed_note_bounds(m, findings, "subtraction"));
    }
    h->reset = HISTOGRAM_GAUGE;
    float_histogram_compact(h, m->arena);
    if (kind == INSTANT_RATE)
        float_histogram_divide(h, (double)(p->t_ms[i] - p->t_ms[i - 1]) / 1000);
    *ret_value = (struct window_value){.kind = WINDOW_HISTOGRAM, .histogram = h};
    return OK;
}

static struct err
instant(const struct mixed_window *m, enum instant_kind kind, struct window_value *ret_value)
{
    *ret_value = (struct window_value){.kind = WINDOW_NOTHING};
    if (m->float_hi - m->float_lo + m->histogram_hi - m->histogram_lo < 2)
        return OK;
    size_t floats = floats_at_end(m);
    if (floats == 1)
        return mixed_note(m, HISTOGRAM_NOTE_MIXED);
    if (floats == 0)
        return instant_of_histograms(m, kind, ret_value);
    instant_of_floats(m, kind, ret_value);
    return OK;
}

struct err
mixed_irate(const struct mixed_window *m, struct window_value *ret_value)
{
    return instant(m, INSTANT_RATE, ret_value);
}

struct err
mixed_idelta(const struct mixed_window *m, struct window_value *ret_value)
{
    return instant(m, INSTANT_DELTA, ret_value);
}
