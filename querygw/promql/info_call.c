/* info_call.c - info(): adds to each series the labels of its info series, such as target_info.
 *
 * The series are drained first, because their identifying labels say which info series to read.
 * Info series change over time: a series is yielded once for each combination of info series that
 * it meets, with the steps at which it does. Source: prometheus promql/info.go. */
#include <string.h>

#include "querygw/promql/info_series.h"

struct op_info {
    struct op op;
    struct op *child;
    struct info_series info;
    bool started;
    struct held_column **base; /* the child's series */
    size_t count, cap, at, held;
    bool begun;                       /* base[at] */
    uint64_t *pending;                /* its steps that were not yet yielded */
    const struct info_group **groups; /* of base[at]: one an info metric, or NULL */
    struct label *labels;             /* of the column */
    size_t label_count, labels_cap;
    struct column column;
    struct label_guard guard;
};

/* Series that are info series themselves pass as they are. */
static bool
is_info(const struct plan_node *n, struct labels labels)
{
    struct str name = labels_get(labels, STR(LABEL_METRIC_NAME));
    for (size_t i = 0; i < n->info.names.n; i++)
        if (!matcher_match(&n->info.names.v[i], name))
            return false;
    return true;
}

static struct err
info_start(struct op_info *o)
{
    struct exec *x = o->op.x;
    for (struct column *c;;) {
        TRY(op_next(o->child, &c));
        if (!c)
            break;
        TRY(exec_work(x, c->end - c->begin + 1));
        o->base = arena_more(x->arena, o->base, sizeof(struct held_column *), o->count, &o->cap);
        TRY(held_copy(x, c, &o->base[o->count]));
        o->held += o->base[o->count++]->samples;
        for (size_t w = 0; w < column_words(c->end); w++)
            o->info.asked[w] |= c->present[w];
        if (!is_info(o->op.plan, c->labels))
            TRY(info_series_want(&o->info, c->labels));
    }
    TRY(info_series_read(&o->info));
    o->groups = ARENA_ARRAY(x->arena, const struct info_group *, o->info.name_count);
    o->pending = ARENA_ARRAY(x->arena, uint64_t, column_words(o->op.plan->grid.steps));
    return arena_check(x->arena);
}

/* --- labels -------------------------------------------------------------------------------- */

/* Info series give this label. */
static bool
is_data_label(const struct plan_node *n, struct str name)
{
    if (str_eq(name, STR(LABEL_METRIC_NAME)))
        return false;
    for (size_t i = 0; i < n->info.data.n; i++)
        if (str_eq(n->info.data.v[i].name, name))
            return true;
    return n->info.data.n == 0;
}

static void
push_label(struct op_info *o, struct label l)
{
    o->labels =
        arena_more(o->op.x->arena, o->labels, sizeof *o->labels, o->label_count, &o->labels_cap);
    o->labels[o->label_count++] = l;
}

/* The labels of the series stay; `from` gives those that it does not have. */
static struct err
add_labels(struct op_info *o, size_t own, struct labels from)
{
    for (size_t i = 0; i < from.n; i++) {
        size_t k = 0;
        while (k < o->label_count && !str_eq(o->labels[k].name, from.v[i].name))
            k++;
        if (!is_data_label(o->op.plan, from.v[i].name) || k < own)
            continue;
        if (k == o->label_count)
            push_label(o, from.v[i]);
        else if (!str_eq(o->labels[k].value, from.v[i].value))
            return ERR(ERR_EXECUTION, "conflicting label: %.*s", STR_FMT(from.v[i].name));
    }
    return OK;
}

static uint32_t
winner_at(const struct op_info *o, size_t name, size_t step)
{
    return o->groups[name] ? o->groups[name]->winner[step] : 0;
}

/* Sets o->labels for what base[at] meets at `step`; *ret_met: that is any info series. */
static struct err
combine_labels(struct op_info *o, size_t step, bool *ret_met)
{
    struct labels own = o->base[o->at]->labels;
    o->label_count = 0;
    *ret_met = false;
    for (size_t i = 0; i < own.n; i++)
        push_label(o, own.v[i]);
    for (size_t name = 0; name < o->info.name_count; name++) {
        uint32_t winner = winner_at(o, name, step);
        *ret_met = *ret_met || winner;
        if (winner)
            TRY(add_labels(o, own.n, o->info.series[winner - 1]->labels));
    }
    labels_sort(o->labels, o->label_count);
    return arena_check(o->op.x->arena);
}

/* A series without info series stays, unless a label is asked for that it cannot have then. */
static bool
stays_alone(const struct plan_node *n)
{
    for (size_t i = 0; i < n->info.data.n; i++)
        if (!matcher_match(&n->info.data.v[i], STR("")))
            return false;
    return true;
}

/* --- steps --------------------------------------------------------------------------------- */

static void
begin_series(struct op_info *o)
{
    const struct held_column *h = o->base[o->at];
    o->begun = true;
    size_t words = column_words(o->op.plan->grid.steps);
    memset(o->pending, 0, words * sizeof *o->pending);
    for (size_t w = h->begin / 64; w < column_words(h->end); w++)
        o->pending[w] = held_word(h, w);
    bool info = is_info(o->op.plan, h->labels);
    for (size_t name = 0; name < o->info.name_count; name++)
        o->groups[name] = info ? NULL : info_series_find(&o->info, name, h->labels);
}

/* Takes the first pending step, and all at which the same info series are met, into the column. */
static void
take_steps(struct op_info *o, size_t first)
{
    const struct held_column *h = o->base[o->at];
    column_clear(&o->column, o->op.plan->grid.steps);
    o->column.drop_name = h->drop_name;
    for (size_t step = first; step < h->end; step++) {
        bool same = o->pending[step / 64] >> (step % 64) & 1;
        for (size_t name = 0; same && name < o->info.name_count; name++)
            same = winner_at(o, name, step) == winner_at(o, name, first);
        if (!same)
            continue;
        o->pending[step / 64] &= ~(UINT64_C(1) << (step % 64));
        if (held_histogram(h, step))
            column_set_histogram(&o->column, o->op.x->arena, o->op.plan->grid.steps, step,
                                 held_histogram(h, step));
        else
            column_set(&o->column, step, h->values[step - h->begin]);
    }
    column_fit(&o->column, o->op.plan->grid.steps);
}

/* Moves to the next step that is not yet yielded, of this series or a later one; false behind the
 * last. */
static bool
next_step(struct op_info *o, size_t *ret_step)
{
    for (; o->at < o->count; o->at++, o->begun = false) {
        if (!o->begun)
            begin_series(o);
        const struct held_column *h = o->base[o->at];
        for (size_t w = h->begin / 64; w < column_words(h->end); w++)
            if (o->pending[w]) {
                *ret_step = w * 64 + (size_t)__builtin_ctzll(o->pending[w]);
                return true;
            }
    }
    return false;
}

static struct err
info_next(struct op *op, struct column **ret_column)
{
    struct op_info *o = (struct op_info *)op;
    if (!o->started)
        TRY(info_start(o));
    o->started = true;
    *ret_column = NULL;
    for (size_t step; next_step(o, &step);) {
        bool met;
        TRY(exec_work(op->x, op->plan->grid.steps));
        TRY(combine_labels(o, step, &met));
        take_steps(o, step);
        if (!met && !is_info(op->plan, o->base[o->at]->labels) && !stays_alone(op->plan))
            continue;
        o->column.labels = (struct labels){o->labels, o->label_count};
        *ret_column = &o->column;
        return label_guard_pass(&o->guard, &o->column);
    }
    exec_release(op->x, o->held);
    o->held = 0;
    info_series_release(&o->info);
    return OK;
}

static const struct op_ops info_ops = {info_next};

struct op *
op_info_open(struct exec *x, const struct plan_node *n)
{
    struct op_info *o = ARENA_NEW(x->arena, struct op_info);
    o->op = (struct op){&info_ops, x, n};
    o->child = op_open(x, n->info.child);
    info_series_init(&o->info, x, n);
    column_init(&o->column, x->arena, n->grid.steps);
    label_guard_init(&o->guard, x, LABEL_GUARD_DISJOINT, n->grid.steps);
    return &o->op;
}
