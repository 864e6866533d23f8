/* shortest.h - the shortest decimal that reads back as a double, for doubles of usual size.
 *
 * Between 1e-6 and 1e15 all that is needed fits into 128 bits and is exact; for the others there is
 * std::to_chars. Source: R. Giulietti, The Schubfach way to render doubles. Pure functions. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* digits / 10^places; digits do not end in 0 unless places is 0. */
struct shortest {
    uint64_t digits;
    unsigned places; /* at most SHORTEST_PLACES_MAX */
};
enum { SHORTEST_PLACES_MAX = 22 };

static inline bool
shortest_has(double v)
{
    return v >= 1e-6 && v < 1e15;
}

/* `v` is one that shortest_has(). Of several shortest decimals the nearest to v. */
struct shortest shortest_of(double v);
