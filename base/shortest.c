/* shortest.c - looks for a decimal in the interval of reals that are read as v.
 *
 * v = c * 2^q. The interval goes half way to the neighbours of v; its ends belong to it when c is
 * even, for ties are read as the even one. It is scaled by 10^places, so that it is at least 1 and
 * less than 10 wide: it holds an integer, and one multiple of 10 at most. That one is the shortest;
 * failing that, of the integers around v one that lies within, the nearer of two.
 * All is counted in quarters, which half an interval is whole numbers of. A fraction that is cut
 * off leaves an odd number behind: it compares with whole numbers as what it was cut from. */
#include "base/shortest.h"

#include "base/assert.h"
#include "base/bytes.h"

enum { MANTISSA_BITS = 52, EXPONENT_BIAS = 1075 };

static const uint64_t powers_of_5[SHORTEST_PLACES_MAX + 1] = {
    1,
    5,
    25,
    125,
    625,
    3125,
    15625,
    78125,
    390625,
    1953125,
    9765625,
    48828125,
    244140625,
    1220703125,
    6103515625,
    30517578125,
    152587890625,
    762939453125,
    3814697265625,
    19073486328125,
    95367431640625,
    476837158203125,
    2384185791015625,
};

/* v and the ends of its interval, scaled, in quarters. */
struct scaled {
    uint64_t low, v, high;
    uint64_t open; /* 1: the ends do not belong to it */
};

/* The interval is 2^q wide, 3/4 of it at powers of 2: floor(log10(2^q)) and floor(log10(3/4 *
 * 2^q)), in fixed point. */
static int
places_of(int q, bool is_power_of_2)
{
    const int64_t log10_of_2 = 661971961083, log10_of_4_thirds = 274743187321; /* times 2^41 */
    int64_t width = q * log10_of_2 - (is_power_of_2 ? log10_of_4_thirds : 0);
    return -(int)(width >> 41);
}

static inline uint64_t
cut(unsigned __int128 x, unsigned bits)
{
    uint64_t rest = (uint64_t)x << (64 - bits);
    return (uint64_t)(x >> bits) | (rest != 0);
}

static struct scaled
scale(uint64_t c, int q, unsigned places, bool is_power_of_2)
{
    unsigned down = (unsigned)-q - places; /* what is left of the powers of 2; below 64 */
    uint64_t five = powers_of_5[places];
    unsigned __int128 x = (unsigned __int128)(4 * c) * five;
    return (struct scaled){
        .low = cut(x - (is_power_of_2 ? 1 : 2) * (unsigned __int128)five, down),
        .v = cut(x, down),
        .high = cut(x + 2 * (unsigned __int128)five, down),
        .open = c & 1,
    };
}

/* `other` if `take`: no branch, for which it is nobody can guess. */
static inline uint64_t
instead(uint64_t v, uint64_t other, bool take)
{
    return v ^ ((v ^ other) & -(uint64_t)take);
}

/* Of the integers around v. Both of them may lie within; the nearer one does, unless the interval
 * is lopsided. */
static inline uint64_t
pick_nearer(const struct scaled *s, bool is_power_of_2)
{
    uint64_t below = s->v / 4, above = below + 1, middle = 2 * (below + above);
    if (__builtin_expect(is_power_of_2, 0) && s->low + s->open > 4 * below)
        return above;
    return below + ((s->v > middle) | ((s->v == middle) & (below & 1)));
}

static inline uint64_t
pick(const struct scaled *s, bool is_power_of_2)
{
    uint64_t ten_below = s->v / 40 * 10, ten_above = ten_below + 10;
    uint64_t picked = pick_nearer(s, is_power_of_2);
    picked = instead(picked, ten_above, 4 * ten_above + s->open <= s->high);
    return instead(picked, ten_below, s->low + s->open <= 4 * ten_below);
}

struct shortest
shortest_of(double v)
{
    ASSERT(shortest_has(v));
    uint64_t bits = bits_of_f64(v), fraction = bits & ((UINT64_C(1) << MANTISSA_BITS) - 1);
    uint64_t c = fraction | UINT64_C(1) << MANTISSA_BITS; /* normal: v is not that small */
    int q = (int)(bits >> MANTISSA_BITS) - EXPONENT_BIAS;
    int places = places_of(q, fraction == 0);
    ASSERT(places > 0 && places <= SHORTEST_PLACES_MAX);
    struct scaled s = scale(c, q, (unsigned)places, fraction == 0);
    struct shortest d = {pick(&s, fraction == 0), (unsigned)places};
    while (d.places > 0 && d.digits % 10 == 0) {
        d.digits /= 10;
        d.places--;
    }
    return d;
}
