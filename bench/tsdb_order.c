/* tsdb_order.c - order_by_labels() on a fleet's label sets in random order, and on sets of which
 * each has a pair of its own. */
#include <stdio.h>

#include "base/mem.h"
#include "base/rand.h"
#include "base/vec.h"
#include "bench/loadgen_series.h"
#include "bench/tsdb_bench.h"
#include "tsdb/head/order.h"
#include "tsdb/head/pairs.h"

enum { SERIES = 1000000 };

static struct label
pair_label(const void *arg, uint32_t pair)
{
    const struct pairs *p = arg;
    const struct pair *found = pairs_at(p, pair);
    return (struct label){pairs_name_at(p, found->name)->text, pair_value(found)};
}

enum uniqueness { PAIRS_SHARED, PAIR_EACH };

/* The pair numbers of series `i`, in the arena. */
static const uint32_t *
make_series(struct pairs *p, struct arena *a, uint64_t i, enum uniqueness uniqueness)
{
    static const struct load_spec spec = {.seed = 1, .churn_every = 1};
    struct load_label texts[LOAD_LABELS_MAX];
    struct label labels[LOAD_LABELS_MAX + 1];
    size_t n = load_labels(&spec, i, 0, texts);
    for (size_t l = 0; l < n; l++)
        labels[l] = (struct label){str_of_cstr(texts[l].name), str_of_cstr(texts[l].value)};
    char id[32];
    if (uniqueness == PAIR_EACH) {
        (void)snprintf(id, sizeof id, "/docker/%016jx",
                       (uintmax_t)(i * UINT64_C(0x9e3779b97f4a7c15)));
        labels[n++] = (struct label){STR("zz_id"), str_of_cstr(id)};
    }
    uint32_t *ids = arena_alloc(a, (n + 1) * sizeof *ids);
    ids[0] = (uint32_t)n;
    pairs_intern(p, (struct labels){labels, n}, ids + 1);
    return ids;
}

static void
shuffle(struct order_item *items, size_t n)
{
    struct rand_gen gen = rand_gen_of(3);
    for (size_t i = n; i > 1; i--) {
        size_t j = rand_below(&gen, i);
        struct order_item item = items[j];
        items[j] = items[i - 1];
        items[i - 1] = item;
    }
}

static void
measure(struct bench *b, enum uniqueness uniqueness, const char *born, const char *shuffled)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct epoch *epoch = epoch_open();
    struct pairs pairs;
    pairs_init(&pairs, epoch, 1);
    struct order_item *items = mem_array_zero(SERIES, sizeof *items);
    for (uint32_t i = 0; i < SERIES; i++)
        items[i] = (struct order_item){.of = make_series(&pairs, &a, i, uniqueness), .payload = i};
    struct order_source source = {&pairs, pair_label};
    struct bench_timer start = bench_start();
    order_by_labels(items, SERIES, source);
    bench_figure(b, born, (double)bench_since(start).cpu_ns / 1e6);
    shuffle(items, SERIES);
    start = bench_start();
    order_by_labels(items, SERIES, source);
    bench_figure(b, shuffled, (double)bench_since(start).cpu_ns / 1e6);
    mem_free(items);
    pairs_fini(&pairs);
    epoch_close(epoch);
}

struct err
bench_order(struct bench *b)
{
    measure(b, PAIRS_SHARED, "order_1m_by_birth_ms", "order_1m_shuffled_ms");
    measure(b, PAIR_EACH, "order_1m_unique_by_birth_ms", "order_1m_unique_shuffled_ms");
    return OK;
}
