/* plan_duration.c - the values of duration expressions: [5m * 2], offset -step().
 *
 * They depend on nothing but the query's own times, step() and range(), so they are numbers
 * before anything is planned. An instant query has a step of 0 and a range of 0. Source:
 * prometheus promql/durations.go. Positions in errors are byte offsets there: begin and end. */
#include <math.h>

#include "base/assert.h"
#include "querygw/promql/arith.h"
#include "querygw/promql/plan_int.h"

/* 2^63 ns, inclusive: what a literal may not even reach. */
static const double duration_seconds_max = 9223372036.854775807;

/* What Prometheus says where an expression stands: operators with operands from the first to the
 * last of these, whatever encloses them. */
static struct promql_range
duration_place(const struct promql_node *n)
{
    const struct promql_duration *d = &n->duration;
    struct promql_range r = n->range;
    if (d->left)
        r.start = duration_place(d->left).start;
    if (d->right)
        r.end = duration_place(d->right).end;
    return r;
}

static struct err
duration_fail(const struct promql_node *n, const char *what)
{
    struct promql_range r = duration_place(n);
    return ERR(ERR_INVALID, "%u:%u: %s", (unsigned)r.start, (unsigned)r.end, what);
}

static struct err
duration_value(const struct planner *p, const struct promql_node *n, double *ret_seconds)
{
    const struct promql_duration *d = &n->duration;
    double left = 0, right = 0;
    if (d->left)
        TRY(duration_value(p, d->left, &left));
    if (d->right)
        TRY(duration_value(p, d->right, &right));
    switch (d->kind) {
    case PROMQL_DURATION_NUMBER:
        *ret_seconds = d->number.value;
        return OK;
    case PROMQL_DURATION_STEP:
        *ret_seconds = duration_seconds(p->span.step_ms);
        return OK;
    case PROMQL_DURATION_RANGE:
        *ret_seconds = duration_seconds(p->span.end_ms - p->span.start_ms);
        return OK;
    case PROMQL_DURATION_MIN_OF:
        *ret_seconds = arith_min(left, right);
        return OK;
    case PROMQL_DURATION_MAX_OF:
        *ret_seconds = arith_max(left, right);
        return OK;
    case PROMQL_DURATION_BINARY:
        if (right == 0 && d->op == PROMQL_DIV)
            return duration_fail(n, "division by zero");
        if (right == 0 && d->op == PROMQL_MOD)
            return duration_fail(n, "modulo by zero");
        *ret_seconds = arith_scalar(d->op, left, right);
        return OK;
    case PROMQL_DURATION_NEGATE:
        *ret_seconds = -right;
        return OK;
    case PROMQL_DURATION_PLAIN:
        *ret_seconds = right;
        return OK;
    }
    UNREACHABLE("not a kind of duration");
}

/* A length that is not positive is refused, and here one below 1 ms as well. */
static struct err
duration_of(const struct planner *p, const struct promql_node *n, bool is_length, int64_t *ret_ms)
{
    double seconds;
    TRY(duration_value(p, n, &seconds));
    if (!isfinite(seconds))
        return duration_fail(n, "duration is NaN or infinite");
    if (is_length && seconds * 1000 < 1)
        return duration_fail(n, "duration must be greater than 0");
    if (fabs(seconds) > duration_seconds_max)
        return duration_fail(n, "duration is out of range");
    *ret_ms = (int64_t)(seconds * 1000);
    return OK;
}

struct err
plan_offset(const struct planner *p, const struct promql_offset *offset, int64_t *ret_ms)
{
    *ret_ms = offset->ms;
    return offset->expr ? duration_of(p, offset->expr, false, ret_ms) : OK;
}

struct err
plan_length(const struct planner *p, int64_t ms, const struct promql_node *expr, int64_t *ret_ms)
{
    *ret_ms = ms;
    return expr ? duration_of(p, expr, true, ret_ms) : OK;
}

static struct err
check_subquery(const struct planner *p, const struct promql_subquery *q)
{
    int64_t ms;
    TRY(plan_offset(p, &q->offset, &ms));
    TRY(plan_length(p, q->step_ms, q->step_expr, &ms));
    return plan_length(p, q->range_ms, q->range_expr, &ms);
}

struct err
plan_check_durations(const struct planner *p, const struct promql_node *n)
{
    int64_t ms;
    if (n->kind == PROMQL_VECTOR_SELECTOR)
        TRY(plan_offset(p, &n->vector.offset, &ms));
    else if (n->kind == PROMQL_MATRIX_SELECTOR)
        TRY(plan_length(p, n->matrix.range_ms, n->matrix.range_expr, &ms));
    else if (n->kind == PROMQL_SUBQUERY)
        TRY(check_subquery(p, &n->subquery));
    for (size_t i = 0; promql_child(n, i); i++)
        TRY(plan_check_durations(p, promql_child(n, i)));
    return OK;
}
