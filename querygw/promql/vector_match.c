/* vector_match.c - arithmetic and comparisons between two vectors: a / on (x) group_left b.
 *
 * The side that may have one element a match group is drained first and kept, by the number of
 * its group; the other side streams past it, each series against the columns of its group. The
 * series of a group on the kept side may follow each other in time, but where two meet at a
 * step and the other side has any element there, the match is refused. With fill() an element
 * without a partner is matched with a column of fill values, those of the kept side at the end.
 * Source: prometheus promql/engine.go (VectorBinop). */
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "querygw/promql/arith.h"
#include "querygw/promql/delayed_name.h"
#include "querygw/promql/element.h"
#include "querygw/promql/held.h"
#include "querygw/promql/op.h"
#include "querygw/promql/series_key.h"
#include "querygw/promql/vector_fill.h"

/* One match group of the kept side. */
struct match_group {
    struct held_column *columns;
    uint64_t *present; /* steps at which any of them has a value */
    uint64_t *taken;   /* one-to-one: steps that gave a result; NULL before the first */
    uint64_t *met;     /* fill of the many side: steps at which that has an element */
};

/* Two series of one group with a value at the same step. */
struct match_conflict {
    struct labels a, b;
};

struct op_vector_match {
    struct op op;
    struct op *many, *one;
    bool drained;
    struct key_map numbers; /* of groups */
    struct match_group *groups;
    size_t count, cap;
    size_t held;                             /* samples */
    const struct match_conflict **conflicts; /* the first a step; NULL while there is none */
    struct column *left;                     /* the current series of the many side */
    struct match_group *group;               /* its group */
    struct held_column *next;                /* of its group, yet to be matched */
    double *right;                           /* values of the one side, on the grid */
    struct column column;                    /* the result */
    bool drops_name;                         /* at once, not when the query ends */

    /* behind the last series of the many side: the group whose elements are filled up */
    bool many_done;
    size_t unmet;
    struct vector_fill fill;

    struct label_scratch scratch[2];
    struct label_guard guard; /* of results */
    struct arena *results;    /* histograms of the result; NULL before the first */
};

static struct hash128
match_key(struct op_vector_match *o, struct labels l)
{
    struct label_scratch *s = &o->scratch[0];
    struct labels key = labels_group(s, &o->op.plan->binary.matching->key, l);
    return labels_key(s, key, o->op.x->hash_seed);
}

/* --- the one side -------------------------------------------------------------------------- */

static struct err
group_for(struct op_vector_match *o, struct labels l, struct match_group **ret_group)
{
    uint32_t number;
    bool is_new;
    TRY(key_map_find_or_add(&o->numbers, match_key(o, l), &number, &is_new));
    if (is_new) {
        ASSERT(number == o->count);
        size_t words = column_words(o->op.plan->grid.steps);
        o->groups = arena_more(o->op.x->arena, o->groups, sizeof *o->groups, o->count, &o->cap);
        struct match_group *g = &o->groups[o->count++];
        *g = (struct match_group){.present = ARENA_ARRAY(o->op.x->arena, uint64_t, words)};
        if (o->op.plan->binary.matching->fills_many)
            g->met = ARENA_ARRAY(o->op.x->arena, uint64_t, words);
    }
    *ret_group = &o->groups[number];
    return arena_check(o->op.x->arena);
}

/* The labels of `h` and of the column that was there before it at `step`. */
static const struct match_conflict *
conflict_at(struct arena *a, const struct match_group *g, const struct held_column *h, size_t step)
{
    const struct held_column *before = g->columns;
    while (before && !held_has(before, step))
        before = before->next;
    ASSERT(before); /* g->present told so */
    struct match_conflict *c = ARENA_NEW(a, struct match_conflict);
    bool sorted = labels_cmp(before->labels, h->labels) <= 0;
    c->a = sorted ? before->labels : h->labels;
    c->b = sorted ? h->labels : before->labels;
    return c;
}

static void
note_conflicts(struct op_vector_match *o, const struct match_group *g, const struct held_column *h,
               size_t word)
{
    struct arena *a = o->op.x->arena;
    if (!o->conflicts)
        o->conflicts = ARENA_ARRAY(a, const struct match_conflict *, o->op.plan->grid.steps);
    for (uint64_t both = g->present[word] & held_word(h, word); both; both &= both - 1) {
        size_t step = word * 64 + (size_t)__builtin_ctzll(both);
        if (!o->conflicts[step])
            o->conflicts[step] = conflict_at(a, g, h, step);
    }
}

static struct err
drain_one(struct op_vector_match *o)
{
    for (struct column *c;;) {
        TRY(op_next(o->one, &c));
        if (!c)
            return OK;
        TRY(exec_work(o->op.x, c->end - c->begin + 1));
        struct match_group *g;
        struct held_column *h;
        TRY(group_for(o, c->labels, &g));
        TRY(held_copy(o->op.x, c, &h));
        o->held += h->samples;
        for (size_t w = h->begin / 64; w < column_words(h->end); w++) {
            if (g->present[w] & held_word(h, w))
                note_conflicts(o, g, h, w);
            g->present[w] |= held_word(h, w);
        }
        h->next = g->columns;
        g->columns = h;
    }
}

static struct err
refuse_conflict(struct op_vector_match *o, const struct match_conflict *c)
{
    const struct plan_matching *m = o->op.plan->binary.matching;
    AUTO(buf_fini) struct buf text = BUF_INIT;
    buf_append(&text, STR("found duplicate series for the match group "));
    labels_format_braces(labels_group(&o->scratch[0], &m->key, c->a), &text);
    buf_printf(&text, " on the %s hand-side of the operation: [",
               m->card == PROMQL_ONE_TO_MANY ? "left" : "right");
    labels_format_braces(c->a, &text);
    buf_append(&text, STR(", "));
    labels_format_braces(c->b, &text);
    return ERR(ERR_EXECUTION,
               "%.*s];many-to-many matching not allowed: matching labels must be unique on one "
               "side",
               STR_FMT(buf_str(&text)));
}

/* Where elements are filled in, the other side has one wherever this one has. */
static struct err
check_all_conflicts(struct op_vector_match *o)
{
    const struct plan_matching *m = o->op.plan->binary.matching;
    bool fills = m->fills_one || m->fills_many;
    for (size_t step = 0; fills && o->conflicts && step < o->op.plan->grid.steps; step++)
        if (o->conflicts[step])
            return refuse_conflict(o, o->conflicts[step]);
    return OK;
}

/* --- the many side ------------------------------------------------------------------------- */

static struct err
check_conflicts(struct op_vector_match *o, const struct column *c)
{
    for (size_t b, e = c->begin; o->conflicts && column_next_run(c, &b, &e);)
        for (size_t step = b; step < e; step++)
            if (o->conflicts[step])
                return refuse_conflict(o, o->conflicts[step]);
    return OK;
}

/* The next element of the one side that met none, with a filled in series of the many side;
 * o->left is NULL behind the last. */
static struct err
next_unmet(struct op_vector_match *o)
{
    o->left = NULL;
    while (!o->left && o->unmet < o->count) {
        o->group = &o->groups[o->unmet];
        const struct held_column *h = o->group->columns;
        if (!h) {
            o->unmet++;
            continue;
        }
        o->group->columns = h->next;
        TRY(exec_work(o->op.x, h->end - h->begin));
        o->left = vector_fill_many(&o->fill, h, o->group->met, &o->next);
    }
    return OK;
}

/* With fill(): o->left is matched in any case. */
static struct err
fill_left(struct op_vector_match *o)
{
    const struct plan_matching *m = o->op.plan->binary.matching;
    const struct column *c = o->left;
    struct match_group *g;
    TRY(group_for(o, c->labels, &g));
    for (size_t w = c->begin / 64; m->fills_many && w < column_words(c->end); w++)
        g->met[w] |= c->present[w];
    o->group = g;
    o->next = g->columns;
    if (m->fills_one)
        o->next = vector_fill_one(&o->fill, c->labels, g->present, g->columns);
    return OK;
}

/* Moves to the next series of the many side; o->left is NULL behind the last. */
static struct err
next_left(struct op_vector_match *o)
{
    const struct plan_matching *m = o->op.plan->binary.matching;
    uint32_t number;
    o->next = NULL;
    if (!o->many_done)
        TRY(op_next(o->many, &o->left));
    if (o->many_done || !o->left) {
        o->many_done = true;
        return m->fills_many ? next_unmet(o) : OK;
    }
    TRY(check_conflicts(o, o->left));
    if (m->fills_one || m->fills_many)
        return fill_left(o);
    if (!key_map_find(&o->numbers, match_key(o, o->left->labels), &number))
        return OK;
    o->group = &o->groups[number];
    o->next = o->group->columns;
    return OK;
}

/* The steps of o->column: those that o->left and `h` have in common; false when there is none. */
static bool
match_steps(struct op_vector_match *o, const struct held_column *h)
{
    uint32_t begin = o->left->begin > h->begin ? o->left->begin : h->begin;
    uint32_t end = o->left->end < h->end ? o->left->end : h->end;
    if (begin >= end)
        return false;
    column_clear(&o->column, o->op.plan->grid.steps);
    for (size_t w = begin / 64; w < column_words(end); w++)
        o->column.present[w] = o->left->present[w] & held_word(h, w);
    return column_fit(&o->column, o->op.plan->grid.steps);
}

/* Computes steps of floats. */
static void
match_floats(struct op_vector_match *o, const struct held_column *h)
{
    const struct plan_node *n = o->op.plan;
    struct column *to = &o->column;
    size_t begin = to->begin, bytes = (to->end - begin) * sizeof(double);
    memcpy(o->right + begin, h->values + (begin - h->begin), bytes);
    bool swapped = n->binary.matching->card == PROMQL_ONE_TO_MANY;
    const double *a = swapped ? o->right : o->left->values;
    const double *b = swapped ? o->left->values : o->right;
    if (promql_op_class(n->binary.op) == PROMQL_OP_ARITHMETIC) {
        arith_columns(n->binary.op, to->values, a, b, begin, to->end);
        return;
    }
    memcpy(to->values + begin, a + begin, bytes);
    arith_compare(n->binary.op, to, a, b,
                  n->binary.returns_bool ? ARITH_KEEP_BOOL : ARITH_KEEP_TRUE);
}

static struct err
match_element(struct op_vector_match *o, const struct held_column *h, size_t step)
{
    const struct plan_node *n = o->op.plan;
    struct element many = column_element(o->left, step), result;
    struct element one = {h->values[step - h->begin], held_histogram(h, step)};
    bool swapped = n->binary.matching->card == PROMQL_ONE_TO_MANY;
    enum element_outcome outcome;
    TRY(element_binary(o->op.x, n, o->results, swapped ? one : many, swapped ? many : one, &result,
                       &outcome));
    if (outcome != ELEMENT_REFUSED && n->binary.returns_bool)
        result = (struct element){.value = outcome == ELEMENT_KEPT};
    else if (outcome != ELEMENT_KEPT)
        column_unset(&o->column, step);
    if (column_has(&o->column, step))
        column_set_element(&o->column, o->op.x->arena, n->grid.steps, step, &result);
    return arena_check(o->results);
}

/* Computes steps one by one: some are histograms, or the operator is theirs. */
static struct err
match_elements(struct op_vector_match *o, const struct held_column *h)
{
    if (!o->results)
        o->results = exec_scratch(o->op.x);
    arena_reset(o->results);
    for (size_t i = o->column.begin; i < o->column.end; i++)
        if (column_has(&o->column, i))
            TRY(match_element(o, h, i));
    return OK;
}

/* Computes the steps that both have; *ret_any is false when a comparison keeps none. */
static struct err
match_values(struct op_vector_match *o, const struct held_column *h, bool *ret_any)
{
    const struct plan_node *n = o->op.plan;
    bool trims = promql_op_class(n->binary.op) == PROMQL_OP_TRIM;
    if (o->left->histograms || h->histograms || trims)
        TRY(match_elements(o, h));
    else
        match_floats(o, h);
    *ret_any = column_fit(&o->column, n->grid.steps);
    return OK;
}

static struct labels
match_labels(struct op_vector_match *o, const struct held_column *h)
{
    const struct plan_node *n = o->op.plan;
    const struct plan_matching *m = n->binary.matching;
    struct labels l = o->left->labels;
    if (o->drops_name)
        l = labels_drop_metric(&o->scratch[0], l);
    if (m->card == PROMQL_ONE_TO_ONE)
        return labels_group(&o->scratch[1], &m->result, l);
    return m->include.count ? labels_include(&o->scratch[1], &m->include, l, h->labels) : l;
}

/* One-to-one: a group has one match a step, also where a comparison would drop it. */
static struct err
take_steps(struct op_vector_match *o)
{
    struct match_group *g = o->group;
    if (!g->taken)
        g->taken = ARENA_ARRAY(o->op.x->arena, uint64_t, column_words(o->op.plan->grid.steps));
    uint64_t twice = 0;
    for (size_t w = o->column.begin / 64; w < column_words(o->column.end); w++) {
        twice |= g->taken[w] & o->column.present[w];
        g->taken[w] |= o->column.present[w];
    }
    if (twice)
        return ERR(ERR_EXECUTION, "multiple matches for labels: many-to-one matching must be "
                                  "explicit (group_left/group_right)");
    return arena_check(o->op.x->arena);
}

static struct err
vector_match_next(struct op *op, struct column **ret_column)
{
    struct op_vector_match *o = (struct op_vector_match *)op;
    if (!o->drained) {
        TRY(drain_one(o));
        TRY(check_all_conflicts(o));
    }
    o->drained = true;
    *ret_column = NULL;
    for (;;) {
        while (!o->next) {
            TRY(next_left(o));
            if (!o->left) {
                exec_release(op->x, o->held);
                o->held = 0;
                return OK;
            }
        }
        const struct held_column *h = o->next;
        o->next = h->next;
        TRY(exec_work(op->x, op->plan->grid.steps));
        if (!match_steps(o, h))
            continue;
        bool one_to_one = op->plan->binary.matching->card == PROMQL_ONE_TO_ONE;
        if (one_to_one)
            TRY(take_steps(o));
        bool any;
        TRY(match_values(o, h, &any));
        if (!any)
            continue;
        o->column.labels = match_labels(o, h);
        o->column.drop_name = op->x->limits.delays_names && op->plan->binary.returns_bool;
        if (!one_to_one || (o->drops_name && !delayed_is_lenient(op)))
            TRY(label_guard_pass(&o->guard, &o->column));
        *ret_column = &o->column;
        return OK;
    }
}

static const struct op_ops vector_match_ops = {vector_match_next};

struct op *
op_vector_match_open(struct exec *x, const struct plan_node *n)
{
    struct op_vector_match *o = ARENA_NEW(x->arena, struct op_vector_match);
    bool swapped = n->binary.matching->card == PROMQL_ONE_TO_MANY;
    o->op = (struct op){&vector_match_ops, x, n};
    o->many = op_open(x, swapped ? n->binary.right : n->binary.left);
    o->one = op_open(x, swapped ? n->binary.left : n->binary.right);
    o->drops_name = promql_op_class(n->binary.op) == PROMQL_OP_ARITHMETIC ||
                    (n->binary.returns_bool && !x->limits.delays_names);
    key_map_init(&o->numbers, x->arena);
    o->right = ARENA_ARRAY(x->arena, double, n->grid.steps);
    column_init(&o->column, x->arena, n->grid.steps);
    o->scratch[0].arena = o->scratch[1].arena = x->arena;
    vector_fill_init(&o->fill, x->arena, n->binary.matching, n->grid.steps);
    label_guard_init(&o->guard, x, LABEL_GUARD_DISJOINT, n->grid.steps);
    if (n->binary.matching->card != PROMQL_ONE_TO_ONE)
        o->guard.text = "multiple matches for labels: grouping labels must ensure unique matches";
    return &o->op;
}
