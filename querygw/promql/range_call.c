/* range_call.c - a function over a range selector: rate(up[5m]). */
#include "base/mem.h"
#include "base/quote.h"
#include "querygw/promql/counter.h"
#include "querygw/promql/delayed_name.h"
#include "querygw/promql/histogram_point.h"
#include "querygw/promql/op.h"
#include "querygw/promql/quantile.h"
#include "querygw/promql/scalar.h"
#include "querygw/promql/select.h"
#include "querygw/promql/series_key.h"

struct op_range_call {
    struct op op;
    struct select_reader *reader;
    struct window_scratch scratch;
    const double *args[WINDOW_ARGS_MAX];
    bool started;
    struct column column;
    struct label_scratch labels;
    struct label_guard guard; /* unused by functions that keep the name */
    struct arena *results;    /* histograms of the column; NULL before the first */
    bool leaves_name;
};

/* Prometheus counts the samples of every window, and apart from that each sample once. */
static void
count_samples(struct promql_stats *stats, const struct windows *w)
{
    if (w->pace.even && !stats->steps) {
        struct window_pace_counts counts = window_pace_count(w);
        stats_count(stats, 0, counts.total, counts.read);
        return;
    }
    struct window_cursor c = window_cursor_start();
    size_t read_to = 0;
    for (size_t step = 0; step < w->steps; step++) {
        if (!window_move(w, &c, step))
            continue;
        size_t read = c.hi > read_to ? c.hi - size_max(c.lo, read_to) : 0;
        stats_count(stats, step, c.hi - c.lo, read);
        read_to = c.hi;
    }
}

static bool
is_counter_name(struct str name)
{
    return str_ends_with(name, STR("_total")) || str_ends_with(name, STR("_sum")) ||
           str_ends_with(name, STR("_count")) || str_ends_with(name, STR("_bucket"));
}

static bool
has_float(const struct column *c)
{
    if (!c->histograms)
        return true;
    for (size_t i = c->begin; i < c->end; i++)
        if (column_has(c, i) && !c->histograms[i])
            return true;
    return false;
}

/* Histograms tell themselves whether they are counters. */
static struct err
note_no_counter(struct op_range_call *o)
{
    struct str name = labels_get(o->reader->series.labels, STR(LABEL_METRIC_NAME));
    if (name.n == 0 || is_counter_name(name) || !has_float(&o->column))
        return OK;
    AUTO(buf_fini) struct buf text = BUF_INIT;
    buf_append(&text, STR("PromQL info: metric might not be a counter, name does not end in "
                          "_total/_sum/_count/_bucket: "));
    quote_text(name, &text);
    return notes_add(&o->op.x->notes, NOTE_INFO, o->op.plan->range, buf_str(&text));
}

/* Values that are no quantiles, of the steps that have a result. */
static struct err
note_bad_quantiles(struct op_range_call *o)
{
    for (size_t i = o->column.begin; i < o->column.end; i++)
        if (column_has(&o->column, i))
            TRY(quantile_check(o->op.x, o->args[0][i], o->op.plan->call.arg_range));
    return OK;
}

/* Of so many windows. */
static struct err
note_overlaps(struct op_range_call *o, size_t windows)
{
    if (windows == 0)
        return OK;
    AUTO(buf_fini) struct buf text = BUF_INIT;
    buf_append(&text, STR("PromQL warning: sample has start time that overlaps with previous "
                          "sample timestamp for metric "));
    quote_text(labels_get(o->reader->series.labels, STR(LABEL_METRIC_NAME)), &text);
    return notes_add_times(&o->op.x->notes, NOTE_WARNING, o->op.plan->range, buf_str(&text),
                           windows);
}

static void
put_value(struct op_range_call *o, size_t step, const struct window_value *v)
{
    struct column *c = &o->column;
    if (v->kind == WINDOW_HISTOGRAM)
        column_set_histogram(c, o->op.x->arena, o->op.plan->grid.steps, step, v->histogram);
    else if (v->kind == WINDOW_FLOAT)
        column_set(c, step, v->value);
    else
        column_unset(c, step);
}

/* As count_samples(), of the histograms in the window. */
static void
count_histograms(struct promql_stats *stats, const struct mixed_window *m, size_t step,
                 size_t *read_to)
{
    for (size_t i = m->histogram_lo; i < m->histogram_hi; i++) {
        size_t samples = histogram_point_samples(m->histograms->v[i]);
        stats_count(stats, step, samples, i >= *read_to ? samples : 0);
    }
    *read_to = size_max(*read_to, m->histogram_hi);
}

static struct err
mix_window(struct op_range_call *o, const struct mixed_window *m, size_t step)
{
    const struct range_function *f = o->op.plan->call.function;
    struct window_value v;
    if (f->run_mixed) {
        TRY(f->run_mixed(m, &v));
        put_value(o, step, &v);
    } else if (m->float_lo < m->float_hi) {
        struct promql_range first = f->takes_quantile ? o->op.plan->call.arg_range : m->range;
        TRY(histogram_note_metric(o->op.x, HISTOGRAM_NOTE_IGNORED, first, m->series));
    }
    return exec_work(o->op.x, 1 + m->histogram_hi - m->histogram_lo);
}

/* The windows that hold histograms: their floats alone were computed before. */
static struct err
mix_in_histograms(struct op_range_call *o, const struct windows *w)
{
    const struct histogram_points *p = &o->reader->histograms;
    if (!o->results)
        o->results = exec_scratch(o->op.x);
    arena_reset(o->results);
    struct windows of_histograms = *w;
    of_histograms.t_ms = p->t_ms;
    of_histograms.n = p->n;
    of_histograms.pace = window_pace_find(&of_histograms);
    bool starts = o->op.plan->call.select.wants_starts && o->op.x->limits.use_start_timestamps;
    of_histograms.starts_ms = starts ? p->start_ms : NULL;
    if (starts && o->op.plan->call.function->wants_counter)
        TRY(note_overlaps(o, counter_overlaps(&of_histograms)));
    struct mixed_window m = {.x = o->op.x,
                             .arena = o->results,
                             .w = w,
                             .histograms = p,
                             .starts = starts ? &of_histograms : NULL,
                             .resets = ARENA_ARRAY(o->results, uint8_t, p->n),
                             .series = o->reader->series.labels,
                             .range = o->op.plan->range};
    struct window_cursor floats = window_cursor_start(), histograms = window_cursor_start();
    size_t read_to = 0;
    for (size_t step = 0; step < w->steps; step++) {
        window_move(w, &floats, step);
        if (!window_move(&of_histograms, &histograms, step))
            continue;
        m.float_lo = floats.lo;
        m.float_hi = floats.hi;
        m.histogram_lo = histograms.lo;
        m.histogram_hi = histograms.hi;
        m.end_ms = window_end_ms(w, step);
        count_histograms(&o->op.x->stats, &m, step, &read_to);
        TRY(mix_window(o, &m, step));
        TRY(arena_check(o->results));
    }
    return OK;
}

/* Computes the current series; *ret_any is false when no window gave a value. */
static struct err
range_call_fill(struct op_range_call *o, bool *ret_any)
{
    const struct plan_node *n = o->op.plan;
    const struct sample_columns *s = &o->reader->samples;
    struct windows w = {
        .t_ms = s->t_ms,
        .values = (const double *)(const void *)s->bits,
        .starts_ms = select_starts(o->reader),
        .n = s->n,
        .start_ms = n->grid.start_ms - n->call.select.shift_ms,
        .step_ms = n->call.select.fixed ? 0 : n->grid.step_ms,
        .range_ms = n->call.select.window_ms,
        .before_ms = n->call.select.before_ms,
        .after_ms = n->call.select.after_ms,
        .steps = n->grid.steps,
        .grid = &n->grid,
        .args = {o->args[0], o->args[1]},
    };
    w.pace = window_pace_find(&w);
    TRY(exec_work(o->op.x, w.n + w.steps));
    column_clear(&o->column, w.steps);
    count_samples(&o->op.x->stats, &w);
    const struct range_function *f = n->call.function;
    TRY((w.starts_ms ? f->run_started : f->run)(o->op.x, &o->scratch, &w, &o->column));
    if (w.starts_ms && f->wants_counter)
        TRY(note_overlaps(o, counter_overlaps(&w)));
    if (o->reader->histograms.n)
        TRY(mix_in_histograms(o, &w));
    *ret_any = column_fit(&o->column, w.steps);
    return OK;
}

static struct err
range_call_start(struct op_range_call *o)
{
    const struct plan_node *n = o->op.plan;
    o->started = true;
    for (size_t i = 0; i < n->call.arg_count; i++) {
        double *values = ARENA_ARRAY(o->op.x->arena, double, n->grid.steps);
        TRY(arena_check(o->op.x->arena));
        TRY(scalar_fill(o->op.x, n->call.args[i], values));
        o->args[i] = values;
    }
    return OK;
}

static struct err
range_call_next(struct op *op, struct column **ret_column)
{
    struct op_range_call *o = (struct op_range_call *)op;
    const struct range_function *f = op->plan->call.function;
    *ret_column = NULL;
    if (!o->started)
        TRY(range_call_start(o));
    for (bool any = false; !any;) {
        bool more;
        TRY(select_next(o->reader, &more));
        if (!more)
            return OK;
        select_drop_stale(o->reader);
        TRY(range_call_fill(o, &any));
    }
    if (f->wants_counter)
        TRY(note_no_counter(o));
    if (f->takes_quantile)
        TRY(note_bad_quantiles(o));
    o->column.labels = o->reader->series.labels;
    o->column.drop_name = select_drops_name(o->reader);
    if (!f->keeps_name && !o->leaves_name)
        TRY(drop_name(&o->guard, &o->labels, &o->column));
    *ret_column = &o->column;
    return OK;
}

static const struct op_ops range_call_ops = {range_call_next};

struct op *
op_range_call_open(struct exec *x, const struct plan_node *n)
{
    struct op_range_call *o = ARENA_NEW(x->arena, struct op_range_call);
    o->op = (struct op){&range_call_ops, x, n};
    o->leaves_name = x->leaves_names;
    struct promql_grid grid = n->grid;
    if (n->call.select.fixed)
        grid.steps = 1;
    o->reader = select_open(x, &n->call.select, &grid);
    o->scratch.arena = o->labels.arena = x->arena;
    column_init(&o->column, x->arena, n->grid.steps);
    label_guard_init(&o->guard, x, LABEL_GUARD_UNIQUE, n->grid.steps);
    return &o->op;
}
