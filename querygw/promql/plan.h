/* plan.h - from a checked tree to what will be evaluated: typed operators, each with its grid
 * of steps, and selectors with the time window that they need.
 *
 * Planning is pure: no store, no clock. What can be known to fail without data is refused here, so
 * that nothing is half evaluated. Source of the semantics: spec/query.md section 5; prometheus
 * promql/engine.go (PreprocessExpr, getTimeRangesForSelector).
 * Threads: immutable after planning: any. */
#pragma once
#include "base/arena.h"
#include "base/regex.h"
#include "querygw/promql/ast.h"
#include "querygw/promql/func_map.h"
#include "querygw/promql/func_range.h"
#include "querygw/promql/series_key.h"
#include "querygw/promql/step.h"

/* Times and durations beyond this many ms on either side of 1970 (36 million years) are
 * refused, so that no sum of a few of them can overflow. */
#define PROMQL_TIME_MS_MAX (INT64_C(1) << 60)

enum {
    PROMQL_LOOKBACK_MS_DEFAULT = 5 * 60 * 1000,
    PROMQL_SUBQUERY_STEP_MS_DEFAULT = 60 * 1000, /* of [1h:] */
};

/* What a query is asked for. */
struct promql_span {
    int64_t start_ms, end_ms; /* both inclusive; equal for an instant query */
    int64_t step_ms;          /* 0: an instant query */
    int64_t lookback_ms;      /* > 0 */
};

/* Which samples a selector needs: for a step at time T those in (T - shift - window, T - shift].
 * With @ the grid has one step and shift leads to the fixed time. */
struct plan_select {
    struct matchers matchers;
    struct plan_node *subquery; /* samples are the points of this expression; or NULL */
    int64_t shift_ms;
    int64_t window_ms; /* the range, or the lookback of an instant selector */
    /* anchored and smoothed: how much of the window lies before and, smoothed alone, behind what
     * the selector is about; the shift leads to the end of all of it. */
    int64_t before_ms, after_ms;
    int64_t mint_ms, maxt_ms; /* all of it, inclusive */
    bool no_steps;            /* of the subquery: no window holds one; nothing is evaluated */
    bool fixed;               /* every step sees the window of the first: @ in a longer grid */
    bool gives_time;          /* INSTANT: the samples' times, in seconds, in place of values */
    bool stats_only;          /* of histograms only count and sum are looked at */
    bool keeps_histograms;    /* with gives_time: but histograms are what they are */
    bool gives_start;         /* INSTANT: their start timestamps */
    bool wants_starts;        /* start timestamps are read where the query uses them */
};

enum plan_kind {
    PLAN_NUMBER,        /* scalar */
    PLAN_TEXT,          /* string */
    PLAN_SCALAR_NEGATE, /* scalar: -a            */
    PLAN_SCALAR_BINARY, /* scalar: a op b        */
    PLAN_SCALAR_TIME,   /* scalar: time()        */
    PLAN_SCALAR_OF,     /* scalar: scalar(up)    */
    PLAN_SCALAR_PICK,   /* scalar: min_of(a, b)  */
    PLAN_INSTANT,       /* vector: up            */
    PLAN_RANGE,         /* matrix: up[5m], only as the whole of an instant query */
    PLAN_RANGE_CALL,    /* vector: rate(up[5m])  */
    PLAN_NEGATE,        /* vector: -a            */
    PLAN_VECTOR_SCALAR, /* vector: a op 2, 2 op a */
    PLAN_VECTOR_MATCH,  /* vector: a op b, both vectors */
    PLAN_VECTOR_SET,    /* vector: a and b, a or b, a unless b */
    PLAN_AGGREGATE,     /* vector: sum by (a) (b) */
    PLAN_VECTOR_OF,     /* vector: vector(1)     */
    PLAN_MAP,           /* vector: abs(up)       */
    PLAN_ABSENT,        /* vector: absent(up)    */
    PLAN_SORT,          /* vector: sort(up)      */
    PLAN_RELABEL,       /* vector: label_join(..) */
    PLAN_BUCKETS,       /* vector: histogram_quantile(0.9, up) */
    PLAN_INFO,          /* vector: info(up)      */
    PLAN_REPEAT,        /* vector: evaluates its child at one step, for all steps */
};

/* How the elements of two vectors find each other. */
struct plan_matching {
    enum promql_card card;
    struct grouping key;     /* the labels that must be equal */
    struct grouping result;  /* ONE_TO_ONE: the labels of the left side that the result keeps */
    struct grouping include; /* group_left (...): labels of the one side */

    /* fill(): elements of the other side are matched also where this one lacks a partner, with
     * these values. One-to-one, the right side is the one side. */
    bool fills_one, fills_many;
    double fill_one, fill_many;
};

enum { PLAN_BUCKETS_ARGS_MAX = 10 };

/* What becomes of the values of a PLAN_MAP. */
enum plan_map {
    PLAN_MAP_FUNCTION,
    PLAN_MAP_TIME,  /* timestamp(): the evaluation time */
    PLAN_MAP_KEEP,  /* nothing */
    PLAN_MAP_START, /* nothing; there are none unless the query uses start timestamps */
    PLAN_MAP_NONE,  /* they are dropped */
};

struct plan_node {
    enum plan_kind kind;
    struct promql_grid grid;
    struct promql_range range; /* of the query's text, for notes: the argument of a call */
    union {
        double number;
        struct str text;
        struct plan_node *child;   /* SCALAR_NEGATE, SCALAR_OF, VECTOR_OF, NEGATE, REPEAT */
        struct plan_select select; /* INSTANT, RANGE */
        struct {
            struct plan_node *args[2];
            bool greater;
        } pick;
        struct {
            enum promql_op op;
            struct plan_node *left, *right;
            bool returns_bool;
            bool scalar_left;                     /* VECTOR_SCALAR: which side is the scalar */
            const struct plan_matching *matching; /* VECTOR_MATCH, VECTOR_SET */
        } binary;
        struct {
            const struct range_function *function;
            struct plan_select select;
            struct plan_node *args[WINDOW_ARGS_MAX]; /* scalars */
            size_t arg_count;
            struct promql_range arg_range; /* of the first of them, for notes */
        } call;
        struct {
            enum plan_map what;
            const struct map_function *function;
            struct plan_node *child, *args[MAP_ARGS_MAX]; /* scalars */
            size_t arg_count;
        } map;
        struct {
            struct plan_node *child;
            struct labels labels; /* that the missing series would have */
        } absent;
        struct {
            struct plan_node *child;
            bool fraction;                                 /* between two bounds; else quantiles */
            struct plan_node *args[PLAN_BUCKETS_ARGS_MAX]; /* scalars */
            size_t arg_count;
            struct str label; /* that tells the quantile; empty: none, and one quantile */
        } buckets;
        struct {
            struct plan_node *child;
            struct str target, text; /* the label to set; the replacement or what joins */
            struct str *sources;     /* labels to take it from */
            size_t source_count;
            const struct regex *regex; /* what the only source must match; NULL: they are joined */
        } relabel;
        struct {
            struct plan_node *child;
            struct plan_node *series; /* the info series: an INSTANT, or a REPEAT of one */
            struct matchers names;    /* what a metric's name matches if it is an info metric's */
            struct matchers data;     /* of the labels to add; none: all are added */
        } info;
        struct {
            struct plan_node *child;
            bool by_labels, descending;
            bool in_range; /* nothing is sorted */
            bool warns;    /* of that; not where a range begins and ends at one time */
            struct str *names;
            size_t name_count;
        } sort;
        struct {
            enum promql_agg op;
            struct grouping grouping;
            struct plan_node *child;
            struct plan_node *param; /* a scalar: of topk and its like; or NULL */
            struct promql_range param_range, child_range;
            struct str label; /* count_values */
        } aggregate;
    };
};

struct promql_plan {
    struct plan_node *root;
    enum promql_type type; /* of the result */
    bool instant;          /* the result has one time, not a range */
    struct promql_span span;
    struct promql_grid grid;
    uint64_t cells; /* steps of all nodes: each may need a number for each of its steps */
};

/* ERR_INVALID: times out of range, durations that cannot be, an expression type that a range query
 * cannot have. ERR_EXECUTION: what Prometheus finds out while it evaluates. ERR_LIMIT: more steps
 * than PROMQL_STEPS_MAX. */
struct err promql_plan(struct arena *a, const struct promql_node *ast,
                       const struct promql_span *span, struct promql_plan **ret_plan);
