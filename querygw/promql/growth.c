/* growth.c - all the way to the border when the outermost sample is nearer to it than 1.1 average
 * distances between samples, by half a distance otherwise. */
#include "querygw/promql/growth.h"

static double
cut(double to_border, double distance)
{
    return to_border >= distance * 1.1 ? distance / 2 : to_border;
}

void
growth_layout_set(struct growth_layout *l, int64_t range_ms, int64_t before_ms, int64_t after_ms,
                  size_t count)
{
    l->before_ms = before_ms;
    l->after_ms = after_ms;
    l->count = count;
    l->sampled = (double)(before_ms - after_ms) / 1000;
    double distance = l->sampled / (double)(count - 1);
    l->to_start = cut((double)(range_ms - before_ms) / 1000, distance);
    l->to_end = cut((double)after_ms / 1000, distance);
    l->factor = (l->sampled + l->to_start + l->to_end) / l->sampled / l->range;
}

double
growth_factor_since_start(double range, int64_t started_ms, int64_t before_ms, int64_t after_ms,
                          size_t count)
{
    double distance = count > 1 ? (double)(before_ms - after_ms) / 1000 / (double)(count - 1) : 0;
    double to_end = cut((double)after_ms / 1000, distance);
    double sampled = (double)(started_ms - after_ms) / 1000;
    return (sampled + 0 + to_end) / sampled / range;
}
