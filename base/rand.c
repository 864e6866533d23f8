/* rand.c - the only caller of getrandom(2), and a small seeded generator. */
#include "base/rand.h"

#include <errno.h>
#include <sys/random.h>

#include "base/assert.h"

void
rand_bytes(void *to, size_t n)
{
    char *p = to;
    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            UNREACHABLE("getrandom: the kernel gives no random bytes");
        p += got;
        n -= (size_t)got;
    }
}

static uint64_t
splitmix_next(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

struct rand_gen
rand_gen_of(uint64_t seed)
{
    struct rand_gen g;
    for (size_t i = 0; i < 4; i++)
        g.state[i] = splitmix_next(&seed);
    return g;
}

static uint64_t
rotl(uint64_t v, unsigned by)
{
    return (v << by) | (v >> (64 - by));
}

uint64_t
rand_u64(struct rand_gen *g)
{
    uint64_t *s = g->state;
    uint64_t result = rotl(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotl(s[3], 45);
    return result;
}

uint64_t
rand_below(struct rand_gen *g, uint64_t bound)
{
    ASSERT(bound > 0);
    /* The lowest 2^64 mod bound values would make small results more likely. */
    uint64_t biased = (0 - bound) % bound, v;
    do
        v = rand_u64(g);
    while (v < biased);
    return v % bound;
}

double
rand_f64(struct rand_gen *g)
{
    return (double)(rand_u64(g) >> 11) * 0x1p-53;
}
