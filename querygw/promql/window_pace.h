/* window_pace.h - windows over samples that come at an even pace: their bounds by arithmetic.
 *
 * Scrapes are evenly apart, and a query's steps are mostly a multiple of that: then every window
 * begins and ends a fixed number of samples behind the one before it. Pure functions. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers of samples as they would be without a first and a last one: step k sees the samples
 * [lo + k * every, hi + k * every), as far as there are some. Zeros: there is no such pace. */
struct window_pace {
    bool even;
    int64_t lo, hi, every;
};

static inline size_t
window_pace_at(int64_t number, size_t n)
{
    return number < 0 ? 0 : (uint64_t)number > n ? n : (size_t)number;
}

struct windows;
/* `even` when the samples are equally far apart, and steps a multiple of that. */
struct window_pace window_pace_find(const struct windows *w);

/* The samples of all windows, counted a window; and those that are in any. The pace is even. */
struct window_pace_counts {
    uint64_t total, read;
};
struct window_pace_counts window_pace_count(const struct windows *w);
