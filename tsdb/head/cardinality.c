/* cardinality.c - one pass over the pairs, one over the series.
 *
 * Lengths of lists stand for numbers of series: while series are being forgotten a list may
 * still have ids that lead to none, until it was shrunk. Looking at every id would cost as much
 * as reading all postings, to be exact for the moments of a cut.
 * Time: O(pairs + series + chunks), memory: O(limit). Nothing is remembered between calls. */
#include "tsdb/head/cardinality.h"

#include "tsdb/head/head_int.h"

enum { SERIES_AN_EPOCH = 1 << 16 }; /* what others retire can be freed in between */

struct count {
    struct ranks metrics, names, bytes, pairs;
    uint64_t pair_count;
};

/* Of a name or value in a label set of Prometheus: a byte of length before it, or four. */
static uint64_t
text_bytes(uint64_t n)
{
    enum { SHORT_MAX = 254 };
    return n + (n <= SHORT_MAX ? 1 : 4);
}

static void
count_name(const struct pairs *p, const struct pair_name *name, struct count *c)
{
    bool is_metric = str_eq(name->text, STR("__name__"));
    struct postings pairs = id_list_view(&name->pairs);
    uint64_t values = 0, bytes = 0;
    for (size_t i = 0; i < pairs.n; i++) {
        const struct pair *pair = pairs_at(p, pairs.v[i]);
        struct str value = pair_value(pair);
        uint64_t series = id_list_view(&pair->series).n;
        if (series == 0)
            continue; /* about to go, or just made */
        values++;
        bytes += series * (text_bytes(name->text.n) + text_bytes(value.n));
        ranks_add(&c->pairs, (struct rank){name->text, value, series});
        if (is_metric)
            ranks_add(&c->metrics, (struct rank){.name = value, .amount = series});
    }
    if (values == 0)
        return;
    c->pair_count += values;
    ranks_add(&c->names, (struct rank){.name = name->text, .amount = values});
    ranks_add(&c->bytes, (struct rank){.name = name->text, .amount = bytes});
}

/* Texts are views into the pairs until the end: so all of it within one epoch. */
static void
count_pairs(const struct head *h, size_t limit, struct arena *a, struct cardinality *to)
{
    struct count c = {RANKS_INIT(limit), RANKS_INIT(limit), RANKS_INIT(limit), RANKS_INIT(limit),
                      0};
    struct epoch_guard guard = epoch_enter(h->epoch);
    uint32_t names = atomic_load_explicit(&h->pairs.name_count, memory_order_acquire);
    for (uint32_t i = 0; i < names; i++)
        count_name(&h->pairs, pairs_name_at(&h->pairs, i), &c);
    to->pairs = c.pair_count;
    to->series_by_metric = ranks_copy(&c.metrics, a);
    to->values_by_name = ranks_copy(&c.names, a);
    to->bytes_by_name = ranks_copy(&c.bytes, a);
    to->series_by_pair = ranks_copy(&c.pairs, a);
    epoch_leave(h->epoch, guard);
    ranks_fini(&c.metrics);
    ranks_fini(&c.names);
    ranks_fini(&c.bytes);
    ranks_fini(&c.pairs);
}

static uint64_t
chunks_of(const struct head *h, uint32_t slot)
{
    struct series_hot *hot = head_hot(h, slot);
    spin_acquire(&hot->spin);
    uint64_t n = hot->xor.count > 0;
    for (const struct head_chunk *c = head_cold(h, slot)->newest; c; c = c->older)
        n++;
    spin_release(&hot->spin);
    return n;
}

/* Counters would have to follow chunks through appends, replays and cuts; figures that somebody
 * asks for now and then are not worth that. */
static uint64_t
count_chunks(const struct head *h)
{
    struct slot_cursor cursor = slot_cursor_of(h);
    uint64_t n = 0;
    for (uint32_t slot = 0; slot != slot_none;) {
        struct epoch_guard guard = epoch_enter(h->epoch);
        for (uint32_t i = 0; i < SERIES_AN_EPOCH; i++) {
            slot = slot_cursor_next(&cursor, h);
            if (slot == slot_none)
                break;
            n += chunks_of(h, slot);
        }
        epoch_leave(h->epoch, guard);
    }
    return n;
}

struct err
head_cardinality(struct head *h, size_t limit, struct arena *a, struct cardinality *ret_cardinality)
{
    *ret_cardinality = (struct cardinality){
        .series = atomic_load_explicit(&h->series_live, memory_order_relaxed),
        .chunks = count_chunks(h),
        .mint_ms = atomic_load_explicit(&h->mint_ms, memory_order_relaxed),
        .maxt_ms = atomic_load_explicit(&h->maxt_ms, memory_order_relaxed),
    };
    count_pairs(h, limit, a, ret_cardinality);
    return arena_check(a);
}
