/* operators.h - value types and the tables of operators and aggregators of PromQL.
 * Source: prometheus promql/parser/lex.go and generated_parser.y. Threads: any. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* X(name, name in APIs, name in error texts) */
#define PROMQL_TYPES(X)                                                                            \
    X(PROMQL_NONE, "none", "none")                                                                 \
    X(PROMQL_SCALAR, "scalar", "scalar")                                                           \
    X(PROMQL_VECTOR, "vector", "instant vector")                                                   \
    X(PROMQL_MATRIX, "matrix", "range vector")                                                     \
    X(PROMQL_STRING, "string", "string")

enum promql_type {
#define X(name, text, documented) name,
    PROMQL_TYPES(X)
#undef X
};

const char *promql_type_text(enum promql_type type);
const char *promql_type_documented(enum promql_type type);

enum promql_op_class {
    PROMQL_OP_ARITHMETIC,
    PROMQL_OP_COMPARISON,
    PROMQL_OP_SET,
    PROMQL_OP_TRIM, /* of native histograms */
};

/* X(name, text, class, precedence): a higher one binds tighter; ^ is right associative. */
#define PROMQL_OPS(X)                                                                              \
    X(PROMQL_OR, "or", SET, 1)                                                                     \
    X(PROMQL_AND, "and", SET, 2)                                                                   \
    X(PROMQL_UNLESS, "unless", SET, 2)                                                             \
    X(PROMQL_EQ, "==", COMPARISON, 3)                                                              \
    X(PROMQL_NE, "!=", COMPARISON, 3)                                                              \
    X(PROMQL_LT, "<", COMPARISON, 3)                                                               \
    X(PROMQL_LE, "<=", COMPARISON, 3)                                                              \
    X(PROMQL_GT, ">", COMPARISON, 3)                                                               \
    X(PROMQL_GE, ">=", COMPARISON, 3)                                                              \
    X(PROMQL_TRIM_UPPER, "</", TRIM, 3)                                                            \
    X(PROMQL_TRIM_LOWER, ">/", TRIM, 3)                                                            \
    X(PROMQL_ADD, "+", ARITHMETIC, 4)                                                              \
    X(PROMQL_SUB, "-", ARITHMETIC, 4)                                                              \
    X(PROMQL_MUL, "*", ARITHMETIC, 5)                                                              \
    X(PROMQL_DIV, "/", ARITHMETIC, 5)                                                              \
    X(PROMQL_MOD, "%", ARITHMETIC, 5)                                                              \
    X(PROMQL_ATAN2, "atan2", ARITHMETIC, 5)                                                        \
    X(PROMQL_POW, "^", ARITHMETIC, 6)

enum promql_op {
#define X(name, text, class, precedence) name,
    PROMQL_OPS(X)
#undef X
    PROMQL_OP_COUNT
};

const char *promql_op_text(enum promql_op op);
enum promql_op_class promql_op_class(enum promql_op op);
int promql_op_precedence(enum promql_op op);

/* X(name, text, type of the parameter, experimental) */
#define PROMQL_AGGREGATORS(X)                                                                      \
    X(PROMQL_AGG_AVG, "avg", NONE, 0)                                                              \
    X(PROMQL_AGG_BOTTOMK, "bottomk", SCALAR, 0)                                                    \
    X(PROMQL_AGG_COUNT, "count", NONE, 0)                                                          \
    X(PROMQL_AGG_COUNT_VALUES, "count_values", STRING, 0)                                          \
    X(PROMQL_AGG_GROUP, "group", NONE, 0)                                                          \
    X(PROMQL_AGG_LIMITK, "limitk", SCALAR, 1)                                                      \
    X(PROMQL_AGG_LIMIT_RATIO, "limit_ratio", SCALAR, 1)                                            \
    X(PROMQL_AGG_MAX, "max", NONE, 0)                                                              \
    X(PROMQL_AGG_MIN, "min", NONE, 0)                                                              \
    X(PROMQL_AGG_QUANTILE, "quantile", SCALAR, 0)                                                  \
    X(PROMQL_AGG_STDDEV, "stddev", NONE, 0)                                                        \
    X(PROMQL_AGG_STDVAR, "stdvar", NONE, 0)                                                        \
    X(PROMQL_AGG_SUM, "sum", NONE, 0)                                                              \
    X(PROMQL_AGG_TOPK, "topk", SCALAR, 0)

enum promql_agg {
#define X(name, text, param, experimental) name,
    PROMQL_AGGREGATORS(X)
#undef X
    PROMQL_AGG_COUNT_OF
};

struct promql_aggregator {
    enum promql_agg id;
    struct str name;
    enum promql_type param; /* PROMQL_NONE: takes no parameter */
    bool experimental;
};

const struct promql_aggregator *promql_aggregator(enum promql_agg id);
