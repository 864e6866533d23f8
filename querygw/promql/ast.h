/* ast.h - the syntax tree of a PromQL expression, as promql_parse() makes it.
 *
 * One tagged struct a node; everything a node points at lives in the arena of the parse,
 * texts included (nothing borrows from the query). A tree that promql_parse() returned is
 * well typed: every argument has the type its function wants, operands of binary operators
 * are scalars or instant vectors, a selector has a non-empty matcher. Its depth is at most
 * PROMQL_DEPTH_MAX, so walking it recursively is safe.
 * Times are milliseconds; a duration that stands as a plain number is a number literal in
 * seconds. Source: prometheus promql/parser/ast.go.
 * Threads: immutable after parsing: any (the engine may rewrite a tree it owns alone). */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "querygw/promql/functions.h"
#include "querygw/promql/operators.h"
#include "tsdb/model/matcher.h"

enum {
    PROMQL_DEPTH_MAX = 1000,         /* nodes on the longest way from the root to a leaf */
    PROMQL_NODES_MAX = 100000,       /* of one tree; matchers and grouping labels count too */
    PROMQL_TEXT_BYTES_MAX = 1 << 20, /* of one expression or selector */
};

enum promql_node_kind {
    PROMQL_NUMBER,          /* 1, 0x1f, 5m, NaN      */
    PROMQL_TEXT,            /* "a string"            */
    PROMQL_VECTOR_SELECTOR, /* up{job="x"} offset 5m */
    PROMQL_MATRIX_SELECTOR, /* up[5m]                */
    PROMQL_SUBQUERY,        /* expr[1h:5m]           */
    PROMQL_PAREN,           /* (expr)                */
    PROMQL_UNARY,           /* -expr; a signed number literal is folded into the number */
    PROMQL_BINARY,          /* a + on (x) b          */
    PROMQL_AGGREGATE,       /* sum by (x) (expr)     */
    PROMQL_CALL,            /* rate(up[5m])          */
    PROMQL_DURATION,        /* 5m * 2 within [] or after offset; never a child of another kind */
};

struct promql_node;

/* Bytes [start, end) of the query. */
struct promql_range {
    uint32_t start, end;
};

/* Label names in the order written. */
struct promql_labels {
    const struct str *v;
    size_t n;
};

struct promql_number {
    double value;     /* seconds when is_duration */
    bool is_duration; /* written with a unit: printed with one */
};

enum promql_at_kind { PROMQL_AT_NONE, PROMQL_AT_TIMESTAMP, PROMQL_AT_START, PROMQL_AT_END };

/* The @ modifier. */
struct promql_at {
    enum promql_at_kind kind;
    int64_t timestamp_ms; /* PROMQL_AT_TIMESTAMP only */
};

/* The offset modifier: positive looks back. At most one of the two is set. */
struct promql_offset {
    int64_t ms;               /* 0 when absent */
    struct promql_node *expr; /* a PROMQL_DURATION, or NULL */
};

struct promql_vector_selector {
    struct str name; /* written in front of the braces; empty otherwise */
    /* In the order written; for `name` an equality on __name__ at the end. */
    struct matchers matchers;
    struct promql_offset offset;
    struct promql_at at;
    bool anchored, smoothed; /* never both */
    bool is_info_selector;   /* second argument of info(): may lack a non-empty matcher */
};

struct promql_matrix_selector {
    struct promql_node *selector;   /* a PROMQL_VECTOR_SELECTOR that carries offset and @ */
    int64_t range_ms;               /* 0 when range_expr is set */
    struct promql_node *range_expr; /* a PROMQL_DURATION, or NULL */
};

struct promql_subquery {
    struct promql_node *expr;
    int64_t range_ms;                           /* 0 when range_expr is set */
    int64_t step_ms;                            /* 0: the default step, or step_expr is set */
    struct promql_node *range_expr, *step_expr; /* PROMQL_DURATION, or NULL */
    struct promql_offset offset;
    struct promql_at at;
};

struct promql_unary {
    enum promql_op op; /* PROMQL_ADD or PROMQL_SUB */
    struct promql_node *expr;
};

enum promql_card {
    PROMQL_ONE_TO_ONE,
    PROMQL_MANY_TO_ONE,  /* group_left  */
    PROMQL_ONE_TO_MANY,  /* group_right */
    PROMQL_MANY_TO_MANY, /* and, or, unless */
};

/* How the elements of two instant vectors find each other. */
struct promql_matching {
    enum promql_card card;
    bool on;                      /* on (labels); otherwise ignoring (labels) */
    struct promql_labels labels;  /* empty for neither on nor ignoring */
    struct promql_labels include; /* of group_left (...) or group_right (...) */
    bool has_fill_left, has_fill_right;
    double fill_left, fill_right; /* for an element of the other side without a partner */
};

struct promql_binary {
    enum promql_op op;
    bool returns_bool; /* the bool modifier */
    struct promql_node *left, *right;
    struct promql_matching *matching; /* NULL unless both sides are instant vectors */
};

struct promql_aggregate {
    const struct promql_aggregator *aggregator;
    bool without; /* the labels are dropped, not kept */
    struct promql_labels grouping;
    struct promql_node *expr;
    struct promql_node *param; /* NULL for aggregators without one */
};

struct promql_call {
    const struct promql_function *function;
    struct promql_node **args;
    size_t arg_count;
};

enum promql_duration_op {
    PROMQL_DURATION_NUMBER, /* a literal, in seconds, in `number` */
    PROMQL_DURATION_STEP,   /* step()  */
    PROMQL_DURATION_RANGE,  /* range() */
    PROMQL_DURATION_MIN_OF, /* min_of(left, right) */
    PROMQL_DURATION_MAX_OF,
    PROMQL_DURATION_BINARY, /* left op right; op is + - * / % ^ */
    PROMQL_DURATION_NEGATE, /* -right */
    PROMQL_DURATION_PLAIN,  /* right: a literal in parentheses, or behind a plus sign */
};

struct promql_duration {
    enum promql_duration_op kind;
    enum promql_op op;                /* PROMQL_DURATION_BINARY only */
    struct promql_number number;      /* PROMQL_DURATION_NUMBER only */
    struct promql_node *left, *right; /* PROMQL_DURATION nodes, as the kind says */
    bool wrapped;                     /* stood in parentheses */
};

struct promql_node {
    enum promql_node_kind kind;
    enum promql_type type;     /* of its value */
    struct promql_range range; /* where it stands in the query */
    uint32_t depth;            /* 1 for a leaf */
    union {
        struct promql_number number;
        struct str text;
        struct promql_vector_selector vector;
        struct promql_matrix_selector matrix;
        struct promql_subquery subquery;
        struct promql_node *paren;
        struct promql_unary unary;
        struct promql_binary binary;
        struct promql_aggregate aggregate;
        struct promql_call call;
        struct promql_duration duration;
    };
};

/* The i-th child that is an expression, NULL past the last: for walks over a whole tree.
 * An aggregation gives its expression first, then its parameter. Duration expressions are no
 * children. */
struct promql_node *promql_child(const struct promql_node *n, size_t i);
/* Through any number of parentheses. */
const struct promql_node *promql_unwrap(const struct promql_node *n);
