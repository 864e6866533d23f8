/* aggregate_ratio.c - limit_ratio: a share of the series, chosen by the hash of their labels.
 *
 * Whether a series belongs to the share does not depend on the others: they stream through, and
 * groups make no difference. */
#include <math.h>

#include "base/numtext.h"
#include "querygw/promql/op.h"
#include "querygw/promql/scalar.h"

struct op_ratio {
    struct op op;
    struct op *child;
    double *ratio; /* a step; NULL before the first series */
};

static struct err
ratio_warn(struct op_ratio *o, double ratio, const char *cap)
{
    char text[NUMTEXT_BYTES_MAX];
    AUTO(buf_fini) struct buf note = BUF_INIT;
    buf_printf(&note,
               "PromQL warning: ratio value should be between -1 and 1, got %.*s, capping to %s",
               (int)numtext_g(ratio, text), text, cap);
    return notes_add(&o->op.x->notes, NOTE_WARNING, o->op.plan->aggregate.param_range,
                     buf_str(&note));
}

static struct err
ratio_read(struct op_ratio *o)
{
    uint32_t steps = o->op.plan->grid.steps;
    o->ratio = ARENA_ARRAY(o->op.x->arena, double, steps);
    TRY(scalar_fill(o->op.x, o->op.plan->aggregate.param, o->ratio));
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < steps; i++) {
        if (isnan(o->ratio[i]))
            return ERR(ERR_EXECUTION, "Ratio value is NaN");
        low = fmin(low, o->ratio[i]);
        high = fmax(high, o->ratio[i]);
    }
    if (high > 1)
        TRY(ratio_warn(o, high, "1"));
    return low < -1 ? ratio_warn(o, low, "-1") : OK;
}

/* A negative ratio means the series that 1 + ratio leaves out. */
static bool
ratio_keeps(double ratio, double place)
{
    double r = fmax(-1, fmin(1, ratio));
    return r >= 0 ? place < r : place >= 1 + r;
}

static struct err
ratio_next(struct op *op, struct column **ret_column)
{
    struct op_ratio *o = (struct op_ratio *)op;
    struct column *c;
    if (!o->ratio)
        TRY(ratio_read(o));
    do {
        TRY(op_next(o->child, &c));
        *ret_column = c;
        if (!c)
            return OK;
        TRY(exec_work(op->x, c->end - c->begin + 1));
        double place = (double)labels_hash(c->labels) / (double)UINT64_MAX;
        for (size_t i = c->begin; i < c->end; i++)
            if (!ratio_keeps(o->ratio[i], place))
                c->present[i / 64] &= ~(UINT64_C(1) << (i % 64));
    } while (!column_fit(c, op->plan->grid.steps));
    return OK;
}

static const struct op_ops ratio_ops = {ratio_next};

struct op *
op_ratio_open(struct exec *x, const struct plan_node *n)
{
    struct op_ratio *o = ARENA_NEW(x->arena, struct op_ratio);
    o->op = (struct op){&ratio_ops, x, n};
    o->child = op_open(x, n->aggregate.child);
    return &o->op;
}
