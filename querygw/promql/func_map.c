/* func_map.c - arithmetic of one argument, rounding, clamping, trigonometry. */
#include "querygw/promql/func_map.h"

#include <math.h>

#include "base/mem.h"
#include "querygw/promql/arith.h"

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
MAP(log2, log2(v))
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
            c->present[i / 64] &= ~(UINT64_C(1) << (i % 64));
        c->values[i] = arith_max(least, arith_min(most, c->values[i]));
    }
}

static const struct map_function functions[] = {
    {PROMQL_FN_ABS, map_abs},
    {PROMQL_FN_ACOS, map_acos},
    {PROMQL_FN_ACOSH, map_acosh},
    {PROMQL_FN_ASIN, map_asin},
    {PROMQL_FN_ASINH, map_asinh},
    {PROMQL_FN_ATAN, map_atan},
    {PROMQL_FN_ATANH, map_atanh},
    {PROMQL_FN_CEIL, map_ceil},
    {PROMQL_FN_CLAMP, map_clamp},
    {PROMQL_FN_CLAMP_MAX, map_clamp_max},
    {PROMQL_FN_CLAMP_MIN, map_clamp_min},
    {PROMQL_FN_COS, map_cos},
    {PROMQL_FN_COSH, map_cosh},
    {PROMQL_FN_DAY_OF_MONTH, map_day_of_month},
    {PROMQL_FN_DAY_OF_WEEK, map_day_of_week},
    {PROMQL_FN_DAY_OF_YEAR, map_day_of_year},
    {PROMQL_FN_DAYS_IN_MONTH, map_days_in_month},
    {PROMQL_FN_DEG, map_deg},
    {PROMQL_FN_EXP, map_exp},
    {PROMQL_FN_FLOOR, map_floor},
    {PROMQL_FN_HOUR, map_hour},
    {PROMQL_FN_LN, map_ln},
    {PROMQL_FN_LOG10, map_log10},
    {PROMQL_FN_LOG2, map_log2},
    {PROMQL_FN_MINUTE, map_minute},
    {PROMQL_FN_MONTH, map_month},
    {PROMQL_FN_RAD, map_rad},
    {PROMQL_FN_ROUND, map_round},
    {PROMQL_FN_SGN, map_sgn},
    {PROMQL_FN_SIN, map_sin},
    {PROMQL_FN_SINH, map_sinh},
    {PROMQL_FN_SQRT, map_sqrt},
    {PROMQL_FN_TAN, map_tan},
    {PROMQL_FN_TANH, map_tanh},
    {PROMQL_FN_YEAR, map_year},
};

const struct map_function *
map_function_find(enum promql_fn id)
{
    for (size_t i = 0; i < ARRAY_LEN(functions); i++)
        if (functions[i].id == id)
            return &functions[i];
    return NULL;
}
