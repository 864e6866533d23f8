/* functions.h - the table of PromQL functions: names and types. What they compute stands with
 * the engine. Source: prometheus promql/parser/functions.go. Threads: any. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "querygw/promql/operators.h"

/* X(name, text, returns, count of declared arguments, (their types), variadic, experimental)
 * variadic 0: exactly the declared arguments. n > 0: the last declared one may be absent, or
 * stand up to n times. -1: any number of the last one, also none. */
#define PROMQL_FUNCTIONS(X)                                                                        \
    X(PROMQL_FN_ABS, "abs", VECTOR, 1, (PROMQL_VECTOR), 0, 0)                                      \
    X(PROMQL_FN_ABSENT, "absent", VECTOR, 1, (PROMQL_VECTOR), 0, 0)                                \
    X(PROMQL_FN_ABSENT_OVER_TIME, "absent_over_time", VECTOR, 1, (PROMQL_MATRIX), 0, 0)            \
    X(PROMQL_FN_ACOS, "acos", VECTOR, 1, (PROMQL_VECTOR), 0, 0)                                    \
    X(PROMQL_FN_ACOSH, "acosh", VECTOR, 1, (PROMQL_VECTOR), 0, 0)                                  \
    X(PROMQL_FN_ASIN, "asin", VECTOR, 1, (PROMQL_VECTOR), 0, 0)                                    \
    X(PROMQL_FN_ASINH, "asinh", VECTOR, 1, (PROMQL_VECTOR), 0, 0)                                  \
    X(PROMQL_FN_ATAN, "atan", VECTOR, 1, (PROMQL_VECTOR), 0, 0)                                    \
    X(PROMQL_FN_ATANH, "atanh", VECTOR, 1, (PROMQL_VECTOR), 0, 0)                                  \
    X(PROMQL_FN_AVG_OVER_TIME, "avg_over_time", VECTOR, 1, (PROMQL_MATRIX), 0, 0)                  \
    X(PROMQL_FN_CEIL, "ceil", VECTOR, 1, (PROMQL_VECTOR), 0, 0)                                    \
    X(PROMQL_FN_CHANGES, "changes", VECTOR, 1, (PROMQL_MATRIX), 0, 0)                              \
    X(PROMQL_FN_CLAMP, "clamp", VECTOR, 3, (PROMQL_VECTOR, PROMQL_SCALAR, PROMQL_SCALAR), 0, 0)    \
    X(PROMQL_FN_CLAMP_MAX, "clamp_max", VECTOR, 2, (PROMQL_VECTOR, PROMQL_SCALAR), 0, 0)           \
    X(PROMQL_FN_CLAMP_MIN, "clamp_min", VECTOR, 2, (PROMQL_VECTOR, PROMQL_SCALAR), 0, 0)           \
    X(PROMQL_FN_COS, "cos", VECTOR, 1, (PROMQL_VECTOR), 0, 0)                                      \
    X(PROMQL_FN_COSH, "cosh", VECTOR, 1, (PROMQL_VECTOR), 0, 0)                                    \
    X(PROMQL_FN_COUNT_OVER_TIME, "count_over_time", VECTOR, 1, (PROMQL_MATRIX), 0, 0)              \
    X(PROMQL_FN_DAY_OF_MONTH, "day_of_month", VECTOR, 1, (PROMQL_VECTOR), 1, 0)                    \
    X(PROMQL_FN_DAY_OF_WEEK, "day_of_week", VECTOR, 1, (PROMQL_VECTOR), 1, 0)                      \
    X(PROMQL_FN_DAY_OF_YEAR, "day_of_year", VECTOR, 1, (PROMQL_VECTOR), 1, 0)                      \
    X(PROMQL_FN_DAYS_IN_MONTH, "days_in_month", VECTOR, 1, (PROMQL_VECTOR), 1, 0)                  \
    X(PROMQL_FN_DEG, "deg", VECTOR, 1, (PROMQL_VECTOR), 0, 0)                                      \
    X(PROMQL_FN_DELTA, "delta", VECTOR, 1, (PROMQL_MATRIX), 0, 0)                                  \
    X(PROMQL_FN_DERIV, "deriv", VECTOR, 1, (PROMQL_MATRIX), 0, 0)                                  \
    X(PROMQL_FN_DOUBLE_EXPONENTIAL_SMOOTHING, "double_exponential_smoothing", VECTOR, 3,           \
      (PROMQL_MATRIX, PROMQL_SCALAR, PROMQL_SCALAR), 0, 1)                                         \
    X(PROMQL_FN_END, "end", SCALAR, 0, (PROMQL_NONE), 0, 1)                                        \
    X(PROMQL_FN_EXP, "exp", VECTOR, 1, (PROMQL_VECTOR), 0, 0)                                      \
    X(PROMQL_FN_FIRST_OVER_TIME, "first_over_time", VECTOR, 1, (PROMQL_MATRIX), 0, 0)              \
    X(PROMQL_FN_FLOOR, "floor", VECTOR, 1, (PROMQL_VECTOR), 0, 0)                                  \
    X(PROMQL_FN_HISTOGRAM_AVG, "histogram_avg", VECTOR, 1, (PROMQL_VECTOR), 0, 0)                  \
    X(PROMQL_FN_HISTOGRAM_COUNT, "histogram_count", VECTOR, 1, (PROMQL_VECTOR), 0, 0)              \
    X(PROMQL_FN_HISTOGRAM_FRACTION, "histogram_fraction", VECTOR, 3,                               \
      (PROMQL_SCALAR, PROMQL_SCALAR, PROMQL_VECTOR), 0, 0)                                         \
    X(PROMQL_FN_HISTOGRAM_QUANTILE, "histogram_quantile", VECTOR, 2,                               \
      (PROMQL_SCALAR, PROMQL_VECTOR), 0, 0)                                                        \
    X(PROMQL_FN_HISTOGRAM_QUANTILES, "histogram_quantiles", VECTOR, 4,                             \
      (PROMQL_VECTOR, PROMQL_STRING, PROMQL_SCALAR, PROMQL_SCALAR), 9, 1)                          \
    X(PROMQL_FN_HISTOGRAM_STDDEV, "histogram_stddev", VECTOR, 1, (PROMQL_VECTOR), 0, 0)            \
    X(PROMQL_FN_HISTOGRAM_STDVAR, "histogram_stdvar", VECTOR, 1, (PROMQL_VECTOR), 0, 0)            \
    X(PROMQL_FN_HISTOGRAM_SUM, "histogram_sum", VECTOR, 1, (PROMQL_VECTOR), 0, 0)                  \
    X(PROMQL_FN_HOUR, "hour", VECTOR, 1, (PROMQL_VECTOR), 1, 0)                                    \
    X(PROMQL_FN_IDELTA, "idelta", VECTOR, 1, (PROMQL_MATRIX), 0, 0)                                \
    X(PROMQL_FN_INCREASE, "increase", VECTOR, 1, (PROMQL_MATRIX), 0, 0)                            \
    X(PROMQL_FN_INFO, "info", VECTOR, 2, (PROMQL_VECTOR, PROMQL_VECTOR), 1, 1)                     \
    X(PROMQL_FN_IRATE, "irate", VECTOR, 1, (PROMQL_MATRIX), 0, 0)                                  \
    X(PROMQL_FN_LABEL_JOIN, "label_join", VECTOR, 4,                                               \
      (PROMQL_VECTOR, PROMQL_STRING, PROMQL_STRING, PROMQL_STRING), -1, 0)                         \
    X(PROMQL_FN_LABEL_REPLACE, "label_replace", VECTOR, 5,                                         \
      (PROMQL_VECTOR, PROMQL_STRING, PROMQL_STRING, PROMQL_STRING, PROMQL_STRING), 0, 0)           \
    X(PROMQL_FN_LAST_OVER_TIME, "last_over_time", VECTOR, 1, (PROMQL_MATRIX), 0, 0)                \
    X(PROMQL_FN_LN, "ln", VECTOR, 1, (PROMQL_VECTOR), 0, 0)                                        \
    X(PROMQL_FN_LOG10, "log10", VECTOR, 1, (PROMQL_VECTOR), 0, 0)                                  \
    X(PROMQL_FN_LOG2, "log2", VECTOR, 1, (PROMQL_VECTOR), 0, 0)                                    \
    X(PROMQL_FN_MAD_OVER_TIME, "mad_over_time", VECTOR, 1, (PROMQL_MATRIX), 0, 1)                  \
    X(PROMQL_FN_MAX_OF, "max_of", SCALAR, 2, (PROMQL_SCALAR, PROMQL_SCALAR), 0, 1)                 \
    X(PROMQL_FN_MAX_OVER_TIME, "max_over_time", VECTOR, 1, (PROMQL_MATRIX), 0, 0)                  \
    X(PROMQL_FN_MIN_OF, "min_of", SCALAR, 2, (PROMQL_SCALAR, PROMQL_SCALAR), 0, 1)                 \
    X(PROMQL_FN_MIN_OVER_TIME, "min_over_time", VECTOR, 1, (PROMQL_MATRIX), 0, 0)                  \
    X(PROMQL_FN_MINUTE, "minute", VECTOR, 1, (PROMQL_VECTOR), 1, 0)                                \
    X(PROMQL_FN_MONTH, "month", VECTOR, 1, (PROMQL_VECTOR), 1, 0)                                  \
    X(PROMQL_FN_PI, "pi", SCALAR, 0, (PROMQL_NONE), 0, 0)                                          \
    X(PROMQL_FN_PREDICT_LINEAR, "predict_linear", VECTOR, 2, (PROMQL_MATRIX, PROMQL_SCALAR), 0, 0) \
    X(PROMQL_FN_PRESENT_OVER_TIME, "present_over_time", VECTOR, 1, (PROMQL_MATRIX), 0, 0)          \
    X(PROMQL_FN_QUANTILE_OVER_TIME, "quantile_over_time", VECTOR, 2,                               \
      (PROMQL_SCALAR, PROMQL_MATRIX), 0, 0)                                                        \
    X(PROMQL_FN_RAD, "rad", VECTOR, 1, (PROMQL_VECTOR), 0, 0)                                      \
    X(PROMQL_FN_RANGE, "range", SCALAR, 0, (PROMQL_NONE), 0, 1)                                    \
    X(PROMQL_FN_RATE, "rate", VECTOR, 1, (PROMQL_MATRIX), 0, 0)                                    \
    X(PROMQL_FN_RESETS, "resets", VECTOR, 1, (PROMQL_MATRIX), 0, 0)                                \
    X(PROMQL_FN_ROUND, "round", VECTOR, 2, (PROMQL_VECTOR, PROMQL_SCALAR), 1, 0)                   \
    X(PROMQL_FN_SCALAR, "scalar", SCALAR, 1, (PROMQL_VECTOR), 0, 0)                                \
    X(PROMQL_FN_SGN, "sgn", VECTOR, 1, (PROMQL_VECTOR), 0, 0)                                      \
    X(PROMQL_FN_SIN, "sin", VECTOR, 1, (PROMQL_VECTOR), 0, 0)                                      \
    X(PROMQL_FN_SINH, "sinh", VECTOR, 1, (PROMQL_VECTOR), 0, 0)                                    \
    X(PROMQL_FN_SORT, "sort", VECTOR, 1, (PROMQL_VECTOR), 0, 0)                                    \
    X(PROMQL_FN_SORT_BY_LABEL, "sort_by_label", VECTOR, 2, (PROMQL_VECTOR, PROMQL_STRING), -1, 1)  \
    X(PROMQL_FN_SORT_BY_LABEL_DESC, "sort_by_label_desc", VECTOR, 2,                               \
      (PROMQL_VECTOR, PROMQL_STRING), -1, 1)                                                       \
    X(PROMQL_FN_SORT_DESC, "sort_desc", VECTOR, 1, (PROMQL_VECTOR), 0, 0)                          \
    X(PROMQL_FN_SQRT, "sqrt", VECTOR, 1, (PROMQL_VECTOR), 0, 0)                                    \
    X(PROMQL_FN_START, "start", SCALAR, 0, (PROMQL_NONE), 0, 1)                                    \
    X(PROMQL_FN_START_TIMESTAMP, "start_timestamp", VECTOR, 1, (PROMQL_VECTOR), 0, 1)              \
    X(PROMQL_FN_STDDEV_OVER_TIME, "stddev_over_time", VECTOR, 1, (PROMQL_MATRIX), 0, 0)            \
    X(PROMQL_FN_STDVAR_OVER_TIME, "stdvar_over_time", VECTOR, 1, (PROMQL_MATRIX), 0, 0)            \
    X(PROMQL_FN_STEP, "step", SCALAR, 0, (PROMQL_NONE), 0, 1)                                      \
    X(PROMQL_FN_SUM_OVER_TIME, "sum_over_time", VECTOR, 1, (PROMQL_MATRIX), 0, 0)                  \
    X(PROMQL_FN_TAN, "tan", VECTOR, 1, (PROMQL_VECTOR), 0, 0)                                      \
    X(PROMQL_FN_TANH, "tanh", VECTOR, 1, (PROMQL_VECTOR), 0, 0)                                    \
    X(PROMQL_FN_TIME, "time", SCALAR, 0, (PROMQL_NONE), 0, 0)                                      \
    X(PROMQL_FN_TIMESTAMP, "timestamp", VECTOR, 1, (PROMQL_VECTOR), 0, 0)                          \
    X(PROMQL_FN_TS_OF_FIRST_OVER_TIME, "ts_of_first_over_time", VECTOR, 1, (PROMQL_MATRIX), 0, 1)  \
    X(PROMQL_FN_TS_OF_LAST_OVER_TIME, "ts_of_last_over_time", VECTOR, 1, (PROMQL_MATRIX), 0, 1)    \
    X(PROMQL_FN_TS_OF_MAX_OVER_TIME, "ts_of_max_over_time", VECTOR, 1, (PROMQL_MATRIX), 0, 1)      \
    X(PROMQL_FN_TS_OF_MIN_OVER_TIME, "ts_of_min_over_time", VECTOR, 1, (PROMQL_MATRIX), 0, 1)      \
    X(PROMQL_FN_VECTOR, "vector", VECTOR, 1, (PROMQL_SCALAR), 0, 0)                                \
    X(PROMQL_FN_YEAR, "year", VECTOR, 1, (PROMQL_VECTOR), 1, 0)

enum promql_fn {
#define X(name, text, returns, count, args, variadic, experimental) name,
    PROMQL_FUNCTIONS(X)
#undef X
        PROMQL_FN_COUNT_OF
};

enum { PROMQL_FUNCTION_ARGS_MAX = 5 };

struct promql_function {
    enum promql_fn id;
    struct str name;
    enum promql_type returns;
    uint8_t arg_count; /* declared */
    enum promql_type args[PROMQL_FUNCTION_ARGS_MAX];
    int variadic;
    bool experimental;
};

/* NULL when there is none; names are case sensitive. */
const struct promql_function *promql_function_find(struct str name);
const struct promql_function *promql_function(enum promql_fn id);
