/* func_map.c - arithmetic of one argument, rounding, clamping, trigonometry. */
#include "querygw/promql/func_map.h"

#include <math.h>

#include "base/binary_log.h"
#include "base/mem.h"
#include "querygw/promql/arith.h"
#include "querygw/promql/histogram_stats.h"

/* Defines map_<name>(), which replaces each value v by `result`. */
#define MAP(name, result)                                                                          \
    static void map_##name(struct column *c, const double *const *args)                            \
    {                                                                                              \
        (void)args;                                                                                \
        for (size_t i = c->begin; i < c->end; i++) {                                               \
            double v = c->values[i];                                                               \
            c->values[i] = (result);                                                               \
        }                                                                                          \
    }

MAP(abs, fabs(v))
MAP(ceil, ceil(v))
MAP(floor, floor(v))
MAP(exp, exp(v))
MAP(ln, log(v))
MAP(log2, binary_log(v))
MAP(log10, log10(v))
MAP(sqrt, sqrt(v))
MAP(sgn, v<0 ? -1 : v> 0 ? 1 : v)
MAP(deg, v * 180 / M_PI)
MAP(rad, v *M_PI / 180)
MAP(sin, sin(v))
MAP(cos, cos(v))
MAP(tan, tan(v))
MAP(asin, asin(v))
MAP(acos, acos(v))
MAP(atan, atan(v))
MAP(sinh, sinh(v))
MAP(cosh, cosh(v))
MAP(tanh, tanh(v))
MAP(asinh, asinh(v))
MAP(acosh, acosh(v))
MAP(atanh, atanh(v))

/* Halves go up, also below 0. */
static void
map_round(struct column *c, const double *const *args)
{
    for (size_t i = c->begin; i < c->end; i++) {
        double inverse = 1.0 / args[0][i]; /* multiplied with, for rounding like Prometheus' */
        c->values[i] = floor(c->values[i] * inverse + 0.5) / inverse;
    }
}

static void
map_clamp_min(struct column *c, const double *const *args)
{
    for (size_t i = c->begin; i < c->end; i++)
        c->values[i] = arith_max(args[0][i], c->values[i]);
}

static void
map_clamp_max(struct column *c, const double *const *args)
{
    for (size_t i = c->begin; i < c->end; i++)
        c->values[i] = arith_min(args[0][i], c->values[i]);
}

/* Nothing is left of a step where the borders are crossed. */
static void
map_clamp(struct column *c, const double *const *args)
{
    for (size_t i = c->begin; i < c->end; i++) {
        double least = args[0][i], most = args[1][i];
        if (most < least)
            column_unset(c, i);
        c->values[i] = arith_max(least, arith_min(most, c->values[i]));
    }
}

static double
histogram_count(const struct float_histogram *h)
{
    return h->count;
}

static double
histogram_sum(const struct float_histogram *h)
{
    return h->sum;
}

static double
histogram_avg(const struct float_histogram *h)
{
    return h->sum / h->count;
}

static double
histogram_stddev(const struct float_histogram *h)
{
    return sqrt(histogram_stats_variance(h));
}

static const struct map_function functions[] = {
    {.id = PROMQL_FN_HISTOGRAM_AVG, .of_histogram = histogram_avg},
    {.id = PROMQL_FN_HISTOGRAM_COUNT, .of_histogram = histogram_count},
    {.id = PROMQL_FN_HISTOGRAM_STDDEV, .of_histogram = histogram_stddev},
    {.id = PROMQL_FN_HISTOGRAM_STDVAR, .of_histogram = histogram_stats_variance},
    {.id = PROMQL_FN_HISTOGRAM_SUM, .of_histogram = histogram_sum},
    {PROMQL_FN_ABS, map_abs, NULL},
    {PROMQL_FN_ACOS, map_acos, NULL},
    {PROMQL_FN_ACOSH, map_acosh, NULL},
    {PROMQL_FN_ASIN, map_asin, NULL},
    {PROMQL_FN_ASINH, map_asinh, NULL},
    {PROMQL_FN_ATAN, map_atan, NULL},
    {PROMQL_FN_ATANH, map_atanh, NULL},
    {PROMQL_FN_CEIL, map_ceil, NULL},
    {PROMQL_FN_CLAMP, map_clamp, NULL},
    {PROMQL_FN_CLAMP_MAX, map_clamp_max, NULL},
    {PROMQL_FN_CLAMP_MIN, map_clamp_min, NULL},
    {PROMQL_FN_COS, map_cos, NULL},
    {PROMQL_FN_COSH, map_cosh, NULL},
    {PROMQL_FN_DAY_OF_MONTH, map_day_of_month, NULL},
    {PROMQL_FN_DAY_OF_WEEK, map_day_of_week, NULL},
    {PROMQL_FN_DAY_OF_YEAR, map_day_of_year, NULL},
    {PROMQL_FN_DAYS_IN_MONTH, map_days_in_month, NULL},
    {PROMQL_FN_DEG, map_deg, NULL},
    {PROMQL_FN_EXP, map_exp, NULL},
    {PROMQL_FN_FLOOR, map_floor, NULL},
    {PROMQL_FN_HOUR, map_hour, NULL},
    {PROMQL_FN_LN, map_ln, NULL},
    {PROMQL_FN_LOG10, map_log10, NULL},
    {PROMQL_FN_LOG2, map_log2, NULL},
    {PROMQL_FN_MINUTE, map_minute, NULL},
    {PROMQL_FN_MONTH, map_month, NULL},
    {PROMQL_FN_RAD, map_rad, NULL},
    {PROMQL_FN_ROUND, map_round, NULL},
    {PROMQL_FN_SGN, map_sgn, NULL},
    {PROMQL_FN_SIN, map_sin, NULL},
    {PROMQL_FN_SINH, map_sinh, NULL},
    {PROMQL_FN_SQRT, map_sqrt, NULL},
    {PROMQL_FN_TAN, map_tan, NULL},
    {PROMQL_FN_TANH, map_tanh, NULL},
    {PROMQL_FN_YEAR, map_year, NULL},
};

const struct map_function *
map_function_find(enum promql_fn id)
{
    for (size_t i = 0; i < ARRAY_LEN(functions); i++)
        if (functions[i].id == id)
            return &functions[i];
    return NULL;
}
