/* go_rand.c - Go's generator; and its table without the 7.8e12 steps.
 *
 * Let s[n] be the sequence of numbers with the seed's words as s[0] to s[606]. Since
 * s[n + 607] = s[n] + s[n + 334], multiplying by t modulo p(t) = t^607 - t^334 - 1 is a step: with
 * t^N = sum c[i] t^i modulo p, s[N + k] = sum c[i] s[i + k], all modulo 2^64. 43 squarings do. */
#include "replication/go_rand.h"

#include <string.h>

#include "base/mem.h"

enum {
    WORDS = GO_RAND_WORDS,
    TAP = 273,
    MIDDLE = WORDS - TAP, /* p(t) = t^WORDS - t^MIDDLE - 1 */
    WARM_UP = 20,         /* numbers of the seeding that nobody uses */
    SEED_OF_ZERO = 89482311,
};
static const uint64_t table_steps = 7800000000000;

/* --- seeding ------------------------------------------------------------------------------- */

/* Lehmer's generator: 48271 x modulo 2^31 - 1. */
static uint64_t
lehmer_next(uint64_t x)
{
    uint64_t y = x * 48271, m = INT32_MAX;
    y = (y & m) + (y >> 31);
    return y >= m ? y - m : y;
}

static uint64_t
lehmer_seed(int64_t seed)
{
    int64_t x = seed % INT32_MAX;
    if (x < 0)
        x += INT32_MAX;
    return x == 0 ? SEED_OF_ZERO : (uint64_t)x;
}

/* Three numbers a word, each so many bits above the next. */
static void
fill(uint64_t words[WORDS], int64_t seed, unsigned shift)
{
    uint64_t x = lehmer_seed(seed);
    for (int i = 0; i < WARM_UP; i++)
        x = lehmer_next(x);
    for (int i = 0; i < WORDS; i++) {
        uint64_t a = lehmer_next(x), b = lehmer_next(a);
        x = lehmer_next(b);
        words[i] = a << 2 * shift ^ b << shift ^ x;
    }
}

void
go_rand_seed(struct go_rand *r, const struct go_rand_table *t, int64_t seed)
{
    fill(r->words, seed, 20);
    for (int i = 0; i < WORDS; i++)
        r->words[i] ^= t->words[i];
    r->tap = 0;
    r->feed = MIDDLE;
}

uint64_t
go_rand_u64(struct go_rand *r)
{
    r->tap = (r->tap == 0 ? WORDS : r->tap) - 1;
    r->feed = (r->feed == 0 ? WORDS : r->feed) - 1;
    return r->words[r->feed] += r->words[r->tap];
}

/* --- the table ----------------------------------------------------------------------------- */

/* v of degree below 2 * WORDS, modulo p. */
static void
reduce(uint64_t v[2 * WORDS])
{
    for (int d = 2 * WORDS - 1; d >= WORDS; d--) {
        v[d - WORDS] += v[d];
        v[d - TAP] += v[d];
    }
}

/* c = c * c modulo p; `v` is room. */
static void
square(uint64_t c[WORDS], uint64_t v[2 * WORDS])
{
    memset(v, 0, 2 * WORDS * sizeof *v);
    for (int i = 0; i < WORDS; i++) {
        v[2 * i] += c[i] * c[i];
        uint64_t twice = 2 * c[i];
        for (int j = i + 1; j < WORDS; j++)
            v[i + j] += twice * c[j];
    }
    reduce(v);
    memcpy(c, v, WORDS * sizeof *c);
}

/* c = c * t modulo p */
static void
shift_up(uint64_t c[WORDS])
{
    uint64_t top = c[WORDS - 1];
    memmove(c + 1, c, (WORDS - 1) * sizeof *c);
    c[0] = top;
    c[MIDDLE] += top;
}

/* c = t^n modulo p */
static void
power(uint64_t n, uint64_t c[WORDS], uint64_t v[2 * WORDS])
{
    memset(c, 0, WORDS * sizeof *c);
    c[0] = 1;
    for (int bit = 63; bit >= 0; bit--) {
        square(c, v);
        if (n >> bit & 1)
            shift_up(c);
    }
}

/* Where s[n] lies among the words. */
static size_t
place_of(uint64_t n)
{
    return (size_t)((MIDDLE - 1 + WORDS - n % WORDS) % WORDS);
}

void
go_rand_table_init(struct go_rand_table *t)
{
    uint64_t c[WORDS], s[2 * WORDS], words[WORDS];
    power(table_steps, c, s);
    fill(words, 1, 10);
    for (size_t n = 0; n < WORDS; n++)
        s[n] = words[place_of(n)];
    for (size_t n = WORDS; n < 2 * WORDS; n++)
        s[n] = s[n - WORDS] + s[n - TAP];
    for (size_t k = 0; k < WORDS; k++) {
        uint64_t sum = 0;
        for (size_t i = 0; i < WORDS; i++)
            sum += c[i] * s[i + k];
        t->words[place_of(table_steps + k)] = sum;
    }
}
