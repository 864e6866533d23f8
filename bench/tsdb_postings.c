/* tsdb_postings.c - set operations on lists of a million series numbers.
 *
 * dense: half of the numbers below 2 million, as the lists of a young head; sparse: as many from
 * all of 32 bits, as in large block files or after much churn. Best of some rounds. */
#include "base/arena.h"
#include "base/mem.h"
#include "base/rand.h"
#include "bench/tsdb_bench.h"
#include "tsdb/index/postings.h"

enum { ITEMS = 1000000, SHORT_ITEMS = 1000, SHORT_LISTS = 1000, ROUNDS = 7 };

enum { DENSE = 2, SPARSE = 4000 }; /* mean distance of two numbers */

/* Ascending, `gap` apart on average. */
static struct postings
random_list(struct arena *a, struct rand_gen *gen, size_t n, uint64_t gap)
{
    uint32_t *v = arena_alloc(a, n * sizeof *v);
    uint64_t x = rand_below(gen, gap);
    for (size_t i = 0; i < n; i++) {
        v[i] = (uint32_t)x;
        x += 1 + (gap > 2 ? rand_below(gen, 2 * gap - 1) : rand_below(gen, 3));
    }
    return (struct postings){v, n};
}

/* A list of which about half is also in `other`. */
static struct postings
half_of(struct arena *a, struct rand_gen *gen, struct postings other)
{
    uint32_t *v = arena_alloc(a, other.n * sizeof *v);
    for (size_t i = 0; i < other.n; i++) {
        v[i] = other.v[i];
        if (i + 1 < other.n && other.v[i + 1] > v[i] + 1)
            v[i] += (uint32_t)rand_below(gen, 2);
    }
    return (struct postings){v, other.n};
}

enum operation { INTERSECT, UNION, SUBTRACT };

static void
measure(struct bench *b, const char *name, enum operation op, const struct postings *lists,
        size_t count)
{
    uint64_t best_ns = UINT64_MAX;
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(mem_free) struct postings *copy = mem_array_zero(count, sizeof *copy);
    for (int round = 0; round < ROUNDS; round++) {
        arena_reset(&a);
        memcpy(copy, lists, count * sizeof *copy);
        struct bench_timer start = bench_start();
        switch (op) {
        case INTERSECT:
            (void)postings_intersect(&a, copy, count);
            break;
        case UNION:
            (void)postings_union(&a, copy, count);
            break;
        case SUBTRACT:
            (void)postings_subtract(&a, copy[0], copy[1]);
            break;
        }
        best_ns = u64_min(best_ns, bench_since(start).cpu_ns);
    }
    bench_figure(b, name, (double)best_ns / 1e6);
}

struct err
bench_intersect(struct bench *b)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct rand_gen gen = rand_gen_of(5);
    struct postings dense[2], sparse[2], tiny[2];
    for (int i = 0; i < 2; i++)
        dense[i] = random_list(&a, &gen, ITEMS, DENSE);
    sparse[0] = random_list(&a, &gen, ITEMS, SPARSE);
    sparse[1] = half_of(&a, &gen, sparse[0]);
    tiny[0] = random_list(&a, &gen, SHORT_ITEMS, ITEMS / SHORT_ITEMS * (uint64_t)DENSE);
    tiny[1] = dense[1];
    struct postings *parts = arena_alloc(&a, SHORT_LISTS * sizeof *parts),
                    *far = arena_alloc(&a, SHORT_LISTS * sizeof *far);
    for (size_t i = 0; i < SHORT_LISTS; i++) {
        parts[i] = random_list(&a, &gen, SHORT_ITEMS, 2000);
        far[i] = random_list(&a, &gen, SHORT_ITEMS, 4000000);
    }
    measure(b, "intersect_1m_1m_dense_ms", INTERSECT, dense, 2);
    measure(b, "intersect_1m_1m_sparse_ms", INTERSECT, sparse, 2);
    measure(b, "intersect_1k_1m_ms", INTERSECT, tiny, 2);
    measure(b, "union_1m_1m_dense_ms", UNION, dense, 2);
    measure(b, "union_1m_1m_sparse_ms", UNION, sparse, 2);
    measure(b, "union_1000_times_1k_dense_ms", UNION, parts, SHORT_LISTS);
    measure(b, "union_1000_times_1k_sparse_ms", UNION, far, SHORT_LISTS);
    measure(b, "union_2_times_1k_sparse_ms", UNION, far, 2);
    measure(b, "subtract_1m_1m_dense_ms", SUBTRACT, dense, 2);
    measure(b, "subtract_1m_1k_ms", SUBTRACT, (struct postings[]){tiny[1], tiny[0]}, 2);
    measure(b, "subtract_1k_1m_ms", SUBTRACT, tiny, 2);
    return OK;
}
