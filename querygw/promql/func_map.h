/* func_map.h - functions that map each element of a vector to a number, whatever the rest of
 * the vector is: abs(), clamp(), hour(), ...
 *
 * Each changes the values of a whole column in place. Source: prometheus promql/functions.go.
 * Pure functions. */
#pragma once
#include "querygw/promql/functions.h"
#include "querygw/promql/step.h"

enum { MAP_ARGS_MAX = 2 }; /* scalars beside the vector */

/* `args` hold a value a step for each scalar argument. Values of absent steps are arbitrary.
 * May make steps absent; does not touch begin and end. */
typedef void map_fn(struct column *c, const double *const *args);

struct map_function {
    enum promql_fn id;
    map_fn *run; /* of floats: histograms are left out; or NULL */
    double (*of_histogram)(
        const struct float_histogram *h); /* of histograms: floats are left out */
};

/* NULL for functions that are not of this kind. */
const struct map_function *map_function_find(enum promql_fn id);

map_fn map_minute, map_hour, map_day_of_week, map_day_of_month, map_day_of_year, map_days_in_month,
    map_month, map_year; /* func_date.c */
