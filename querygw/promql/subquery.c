/* subquery.c - from the columns of an expression to samples.
 *
 * Operators may yield one series in parts that follow each other in time (E3); a function over
 * ranges must see it whole. Where the expression can do that it is drained first, and the parts
 * are joined by their labels. */
#include "querygw/promql/subquery.h"

#include "base/bytes.h"
#include "querygw/promql/held.h"
#include "querygw/promql/op.h"
#include "querygw/promql/series_key.h"

struct subquery {
    struct exec *x; /* borrowed */
    const struct plan_node *plan;
    struct op *child;
    struct column column; /* joined parts; no room without drains */
    bool joins, drained;
    struct key_map numbers; /* of label sets */
    struct label_scratch scratch;
    struct held_column **series; /* the parts of a label set */
    size_t count, cap, yielded, held;
    bool drop_name; /* of the series last yielded */
};

/* Never yields two columns with equal labels. */
static bool
yields_whole_series(const struct plan_node *n)
{
    if (n->kind == PLAN_REPEAT)
        return yields_whole_series(n->child);
    if (n->kind == PLAN_AGGREGATE) {
        enum promql_agg op = n->aggregate.op;
        bool picks = op == PROMQL_AGG_TOPK || op == PROMQL_AGG_BOTTOMK || op == PROMQL_AGG_LIMITK ||
                     op == PROMQL_AGG_LIMIT_RATIO;
        return !picks || yields_whole_series(n->aggregate.child);
    }
    return n->kind == PLAN_INSTANT || n->kind == PLAN_RANGE_CALL;
}

struct subquery *
subquery_open(struct exec *x, const struct plan_node *expr)
{
    struct subquery *s = ARENA_NEW(x->arena, struct subquery);
    s->x = x;
    s->plan = expr;
    s->child = op_open(x, expr);
    s->joins = !yields_whole_series(expr);
    s->scratch.arena = x->arena;
    key_map_init(&s->numbers, x->arena);
    if (s->joins)
        column_init(&s->column, x->arena, expr->grid.steps);
    return s;
}

/* The samples that the expression looks at are not counted: those of the subquery are. */
static struct err
child_next(struct subquery *s, struct column **ret_column)
{
    struct promql_stats before = s->x->stats;
    s->x->stats.steps = NULL;
    TRY(op_next(s->child, ret_column));
    s->x->stats.samples_total = before.samples_total;
    s->x->stats.samples_read = before.samples_read;
    s->x->stats.steps = before.steps;
    return OK;
}

static struct err
subquery_drain(struct subquery *s)
{
    for (struct column *c;;) {
        TRY(child_next(s, &c));
        if (!c)
            return OK;
        uint32_t number;
        bool is_new;
        struct held_column *h;
        struct hash128 key = labels_key(&s->scratch, c->labels, s->x->hash_seed);
        TRY(key_map_find_or_add(&s->numbers, key, &number, &is_new));
        if (is_new) {
            s->series =
                arena_more(s->x->arena, s->series, sizeof(struct held_column *), s->count, &s->cap);
            s->series[s->count++] = NULL;
        }
        TRY(held_copy(s->x, c, &h));
        s->held += h->samples;
        h->next = s->series[number];
        s->series[number] = h;
    }
}

/* The next series with all its parts; NULL behind the last. */
static struct err
joined_next(struct subquery *s, struct column **ret_column)
{
    uint32_t steps = s->plan->grid.steps;
    if (!s->drained)
        TRY(subquery_drain(s));
    s->drained = true;
    *ret_column = NULL;
    if (s->yielded == s->count) {
        exec_release(s->x, s->held);
        s->held = 0;
        return OK;
    }
    uint32_t first = UINT32_MAX;
    column_clear(&s->column, steps);
    for (const struct held_column *h = s->series[s->yielded]; h; h = h->next) {
        s->column.labels = h->labels;
        if (h->begin < first) /* the earliest part tells what becomes of the name */
            s->column.drop_name = h->drop_name;
        first = h->begin < first ? h->begin : first;
        held_add_to(h, &s->column, s->x->arena, steps);
        TRY(exec_work(s->x, h->end - h->begin));
    }
    s->yielded++;
    column_fit(&s->column, steps);
    *ret_column = &s->column;
    return OK;
}

struct err
subquery_next(struct subquery *s, struct labels *ret_labels, struct sample_columns *to,
              struct histogram_points *histograms, struct arena *a, bool *ret_more)
{
    struct column *c;
    TRY(s->joins ? joined_next(s, &c) : child_next(s, &c));
    *ret_more = c != NULL;
    if (!c)
        return OK;
    size_t count = column_count(c);
    TRY(exec_hold(s->x, count));
    TRY(exec_work(s->x, c->end - c->begin));
    sample_columns_reserve(to, count);
    for (size_t b, e = c->begin; column_next_run(c, &b, &e);)
        for (size_t i = b; i < e; i++) {
            int64_t t_ms = grid_time_ms(&s->plan->grid, i);
            const struct float_histogram *h = column_histogram(c, i);
            if (h) {
                histogram_points_add(histograms, a, t_ms, 0, h);
                continue;
            }
            to->t_ms[to->n] = t_ms;
            to->bits[to->n++] = bits_of_f64(c->values[i]);
        }
    exec_release(s->x, count - to->n);
    *ret_labels = c->labels;
    s->drop_name = c->drop_name;
    return OK;
}

bool
subquery_drops_name(const struct subquery *s)
{
    return s->drop_name;
}
