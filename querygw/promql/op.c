/* op.c - which operator evaluates which node. */
#include "querygw/promql/op.h"

#include "base/assert.h"
#include "querygw/promql/measure.h"
#include "querygw/promql/parallel.h"

static struct op *
open_aggregate(struct exec *x, const struct plan_node *n)
{
    switch (n->aggregate.op) {
    case PROMQL_AGG_SUM:
    case PROMQL_AGG_AVG:
    case PROMQL_AGG_MIN:
    case PROMQL_AGG_MAX:
    case PROMQL_AGG_COUNT:
    case PROMQL_AGG_GROUP:
    case PROMQL_AGG_STDDEV:
    case PROMQL_AGG_STDVAR:
        return op_aggregate_open(x, n);
    case PROMQL_AGG_TOPK:
    case PROMQL_AGG_BOTTOMK:
        return op_pick_open(x, n);
    case PROMQL_AGG_LIMITK:
        return op_limit_open(x, n);
    case PROMQL_AGG_LIMIT_RATIO:
        return op_ratio_open(x, n);
    case PROMQL_AGG_COUNT_VALUES:
        return op_values_open(x, n);
    case PROMQL_AGG_QUANTILE:
        return op_quantile_open(x, n);
    case PROMQL_AGG_COUNT_OF:
        break;
    }
    UNREACHABLE("not an aggregator");
}

static struct op *
open_plain(struct exec *x, const struct plan_node *n)
{
    switch (n->kind) {
    case PLAN_INSTANT:
        return parallel_is_possible(x, n) ? op_parallel_open(x, n) : op_instant_open(x, n);
    case PLAN_RANGE_CALL:
        return parallel_is_possible(x, n) ? op_parallel_open(x, n) : op_range_call_open(x, n);
    case PLAN_NEGATE:
        return op_negate_open(x, n);
    case PLAN_VECTOR_SCALAR:
        return op_vector_scalar_open(x, n);
    case PLAN_VECTOR_MATCH:
        return op_vector_match_open(x, n);
    case PLAN_VECTOR_SET:
        return op_vector_set_open(x, n);
    case PLAN_AGGREGATE:
        return open_aggregate(x, n);
    case PLAN_REPEAT:
        return op_repeat_open(x, n);
    case PLAN_VECTOR_OF:
        return op_vector_of_open(x, n);
    case PLAN_MAP:
        return op_map_open(x, n);
    case PLAN_ABSENT:
        return op_absent_open(x, n);
    case PLAN_BUCKETS:
        return op_buckets_open(x, n);
    case PLAN_RELABEL:
        return op_relabel_open(x, n);
    case PLAN_INFO:
        return op_info_open(x, n);
    case PLAN_SORT:
        return op_sort_open(x, n);
    case PLAN_NUMBER:
    case PLAN_TEXT:
    case PLAN_SCALAR_NEGATE:
    case PLAN_SCALAR_BINARY:
    case PLAN_SCALAR_TIME:
    case PLAN_SCALAR_OF:
    case PLAN_SCALAR_PICK:
    case PLAN_RANGE:
        break;
    }
    UNREACHABLE("not of type vector: the parser types operands, engine.c the root");
}

struct op *
op_open(struct exec *x, const struct plan_node *n)
{
    return x->limits.measures ? op_measured_open(x, n, open_plain) : open_plain(x, n);
}
