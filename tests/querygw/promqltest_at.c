/* promqltest_at.c - an expression that gives the same at every evaluation time. */
#include "base/mem.h"
#include "tests/querygw/promqltest_int.h"

/* The result of these depends on the evaluation time, whatever their arguments do. */
static bool
reads_clock(enum promql_fn id)
{
    static const enum promql_fn clocks[] = {
        PROMQL_FN_DAY_OF_MONTH,  PROMQL_FN_DAY_OF_WEEK, PROMQL_FN_DAY_OF_YEAR,
        PROMQL_FN_DAYS_IN_MONTH, PROMQL_FN_END,         PROMQL_FN_HOUR,
        PROMQL_FN_MINUTE,        PROMQL_FN_MONTH,       PROMQL_FN_PREDICT_LINEAR,
        PROMQL_FN_RANGE,         PROMQL_FN_START,       PROMQL_FN_STEP,
        PROMQL_FN_TIME,          PROMQL_FN_TIMESTAMP,   PROMQL_FN_YEAR};
    for (size_t i = 0; i < ARRAY_LEN(clocks); i++)
        if (clocks[i] == id)
            return true;
    return false;
}

static void
fix_at(struct promql_at *at, int64_t at_ms)
{
    if (at->kind != PROMQL_AT_TIMESTAMP) /* start() and end() are at_ms, too */
        *at = (struct promql_at){.kind = PROMQL_AT_TIMESTAMP, .timestamp_ms = at_ms};
}

/* A subquery with a fixed time fixes all within, clocks included. */
static bool
fix_below(struct promql_node *n, int64_t at_ms, bool within_fixed)
{
    if (n->kind == PROMQL_CALL && !within_fixed && reads_clock(n->call.function->id))
        return false;
    if (n->kind == PROMQL_VECTOR_SELECTOR && !within_fixed)
        fix_at(&n->vector.at, at_ms);
    if (n->kind == PROMQL_SUBQUERY && !within_fixed) {
        fix_at(&n->subquery.at, at_ms);
        within_fixed = true;
    }
    for (size_t i = 0; promql_child(n, i); i++)
        if (!fix_below(promql_child(n, i), at_ms, within_fixed))
            return false;
    return true;
}

bool
promqltest_fix_times(struct promql_node *ast, int64_t at_ms)
{
    return fix_below(ast, at_ms, false);
}
