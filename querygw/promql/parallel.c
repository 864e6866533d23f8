/* parallel.c - evaluates the series of a leaf on the threads of a pool and hands them on in order.
 *
 * Series are independent of each other, so everything up to a column can be done by anybody; what
 * adds columns up stays with one thread and sees them in the order of the store, whence sums round
 * as they do without threads (E5). The first milliseconds are this thread's alone: most queries are
 * done then, and copies for others cost a tenth. Behind them it goes in rounds: series are copied
 * to batches, the pool evaluates them, this thread among others, and their columns are handed on.
 */
#include "querygw/promql/parallel.h"

#include "base/assert.h"
#include "base/mem.h"
#include "querygw/promql/batch.h"
#include "querygw/promql/delayed_name.h"
#include "querygw/promql/series_key.h"

enum {
    BATCHES_A_THREAD = 2, /* they do not take equally long */
    ALONE_NS = 50 * 1000 * 1000,
    LOOK_SERIES = 64, /* between two looks at the clock */
};

struct op_parallel {
    struct op op;
    struct op *leaf;              /* evaluates what this thread does alone */
    struct select_reader *reader; /* of the leaf */
    bool alone;
    uint64_t began_ns; /* 0 before the first series */
    size_t series;     /* since the last look at the clock */
    struct batch *batches;
    size_t batch_count; /* there are */
    size_t filled;      /* hold series of this round */
    size_t at;          /* the batch being handed on, */
    size_t at_column;   /* and its next column */
    bool ended;         /* the store has no more series */
    struct label_scratch labels;
    struct label_guard guard; /* of names dropped, over all batches */
};

static void
release_batches(void *op)
{
    struct op_parallel *o = op;
    for (size_t i = 0; i < o->batch_count; i++)
        batch_fini(&o->batches[i]);
}

static struct err
fill_batch(struct op_parallel *o, struct batch *b)
{
    batch_clear(b, o->op.x);
    while (!o->ended && !batch_is_full(b)) {
        bool more;
        TRY(select_pull(o->reader, &more));
        o->ended = !more;
        if (more)
            batch_add(b, o->reader, &o->reader->series);
        TRY(exec_work(o->op.x, 1));
    }
    return arena_check(&b->arena);
}

static void
run_one(void *arg, size_t i)
{
    struct op_parallel *o = arg;
    batch_run(&o->batches[i]);
}

/* One round: fills batches and has them evaluated. */
static struct err
next_round(struct op_parallel *o)
{
    o->filled = o->at = o->at_column = 0;
    while (!o->ended && o->filled < o->batch_count)
        TRY(fill_batch(o, &o->batches[o->filled++]));
    if (o->filled == 1)
        batch_run(&o->batches[0]);
    else
        pool_for_each(o->op.x->limits.pool, o->filled, run_one, o);
    return OK;
}

/* The name of what a function made; here, because equal labels may stand in two batches. */
static struct err
finish_labels(struct op_parallel *o, struct column *c)
{
    const struct plan_node *n = o->op.plan;
    if (n->kind != PLAN_RANGE_CALL || n->call.function->keeps_name)
        return OK;
    return drop_name(&o->guard, &o->labels, c);
}

/* The query has taken long enough for others to be asked. */
static bool
wants_help(struct op_parallel *o)
{
    const struct clock *clock = o->op.x->limits.clock;
    if (o->op.x->limits.batch_series)
        return true;
    if (!clock || ++o->series < LOOK_SERIES)
        return false;
    o->series = 0;
    uint64_t now_ns = clock_mono_ns(clock);
    if (o->began_ns == 0)
        o->began_ns = now_ns;
    return now_ns - o->began_ns >= ALONE_NS;
}

static void
ask_for_help(struct op_parallel *o)
{
    struct exec *x = o->op.x;
    o->alone = false;
    o->batch_count = (pool_threads(x->limits.pool) + 1) * BATCHES_A_THREAD;
    o->batches = ARENA_ARRAY(x->arena, struct batch, o->batch_count);
    for (size_t i = 0; i < o->batch_count; i++)
        batch_init(&o->batches[i], x, o->op.plan);
    arena_defer(x->arena, release_batches, o);
}

static struct err
parallel_next(struct op *op, struct column **ret_column)
{
    struct op_parallel *o = (struct op_parallel *)op;
    *ret_column = NULL;
    if (o->alone && wants_help(o))
        ask_for_help(o);
    if (o->alone) {
        TRY(op_next(o->leaf, ret_column));
        return *ret_column ? finish_labels(o, *ret_column) : OK;
    }
    for (;;) {
        if (o->at == o->filled) {
            if (o->ended)
                return OK;
            TRY(next_round(o));
            continue;
        }
        struct batch *b = &o->batches[o->at];
        if (o->at_column == 0) {
            TRY(batch_settle(b, op->x));
        }
        if (o->at_column == b->column_count) {
            o->at++;
            o->at_column = 0;
            continue;
        }
        *ret_column = &b->columns[o->at_column++];
        return finish_labels(o, *ret_column);
    }
}

static const struct op_ops parallel_ops = {parallel_next};

bool
parallel_is_possible(const struct exec *x, const struct plan_node *n)
{
    if (!x->limits.pool || (n->kind != PLAN_INSTANT && n->kind != PLAN_RANGE_CALL))
        return false;
    if (n->kind == PLAN_INSTANT)
        return true;
    for (size_t i = 0; i < n->call.arg_count; i++)
        if (n->call.args[i]->kind != PLAN_NUMBER)
            return false;
    return !n->call.select.subquery;
}

struct op *
op_parallel_open(struct exec *x, const struct plan_node *n)
{
    struct op_parallel *o = ARENA_NEW(x->arena, struct op_parallel);
    bool others_leave = x->leaves_names;
    o->op = (struct op){&parallel_ops, x, n};
    x->leaves_names = true;
    o->leaf = n->kind == PLAN_INSTANT ? op_instant_open(x, n) : op_range_call_open(x, n);
    x->leaves_names = others_leave;
    o->reader = x->readers; /* the one that was opened last */
    o->alone = true;
    o->labels.arena = x->arena;
    label_guard_init(&o->guard, x, LABEL_GUARD_UNIQUE, n->grid.steps);
    return &o->op;
}
