/* plan_int.h - what the plan files share: the planner and the steps that lead from a tree to
 * operators. Functions with planning of their own stand in plan_call.c. */
#pragma once
#include "querygw/promql/plan.h"

struct planner {
    struct arena *arena;
    struct promql_span span;
    uint64_t *cells; /* counts steps of nodes */
    /* Of what stands around the node being planned: all that is asked of histograms are count and
     * sum, unless something wants their buckets too. */
    bool wants_stats, wants_buckets;
};

/* A node for `ast` over `grid`; the caller fills the rest. */
struct plan_node *plan_new(const struct planner *p, enum plan_kind kind,
                           const struct promql_node *ast, const struct promql_grid *grid);
/* Any expression; the highest parts that do not depend on time are evaluated once. */
struct err plan_expr(const struct planner *p, const struct promql_node *ast,
                     const struct promql_grid *grid, struct plan_node **ret_node);
/* The windows of an expression of type matrix. */
struct err plan_matrix(const struct planner *p, const struct promql_node *ast,
                       const struct promql_grid *grid, struct plan_select *ret_select);

/* How far an offset looks back, and a range or step with `expr` in place of `ms`. ERR_INVALID
 * with Prometheus' texts; never after plan_check_durations(). */
struct err plan_offset(const struct planner *p, const struct promql_offset *offset,
                       int64_t *ret_ms);
struct err plan_length(const struct planner *p, int64_t ms, const struct promql_node *expr,
                       int64_t *ret_ms);
/* All duration expressions of a tree: their errors come before all others. */
struct err plan_check_durations(const struct planner *p, const struct promql_node *ast);

struct err plan_call(const struct planner *p, const struct promql_node *ast,
                     const struct promql_grid *grid, struct plan_node **ret_node);
struct err plan_info(const struct planner *p, const struct promql_node *ast,
                     const struct promql_grid *grid, struct plan_node **ret_node);
/* The result of this call depends on the evaluation time even when its arguments do not. */
bool plan_call_reads_clock(const struct promql_node *call);
