/* read_names.c - label names and values of a head. */
#include "tsdb/head/head_int.h"

#include "base/mem.h"
#include "tsdb/head/match.h"

static void
list_push(struct str_list *l, struct str s)
{
    l->v[l->n++] = s;
}

static struct str_list
list_sorted(struct str_list l)
{
    str_sort(l.v, l.n);
    return l;
}

/* Names (or, for one name, pairs) that occur in the series found, each once. */
static struct str_list
collect_names(const struct head *h, struct head_found found, struct arena *a)
{
    uint32_t count = atomic_load_explicit(&h->pairs.name_count, memory_order_acquire);
    bool *seen = ARENA_ARRAY(a, bool, count);
    struct str_list names = {ARENA_ARRAY(a, struct str, count), 0};
    for (size_t i = 0; i < found.n; i++) {
        const uint32_t *set = head_cold(h, found.slots[i])->pairs;
        for (uint32_t j = 1; j <= set[0]; j++) {
            uint32_t name = pairs_at(&h->pairs, set[j])->name;
            if (name >= count || seen[name])
                continue; /* born after the count was taken, or had already */
            seen[name] = true;
            list_push(&names, pairs_name_at(&h->pairs, name)->text);
        }
    }
    return list_sorted(names);
}

struct err
head_label_names(struct head *h, const struct select_query *q, struct matchers matchers,
                 struct arena *a, struct str_list *ret_names)
{
    (void)q; /* as Prometheus' head: names are not tied to a time */
    if (matchers.n > 0) {
        struct head_found found;
        TRY(head_match(h, matchers, a, &found));
        *ret_names = collect_names(h, found, a);
        return arena_check(a);
    }
    uint32_t count = atomic_load_explicit(&h->pairs.name_count, memory_order_acquire);
    struct str_list names = {ARENA_ARRAY(a, struct str, count), 0};
    for (uint32_t i = 0; i < count; i++)
        list_push(&names, pairs_name_at(&h->pairs, i)->text);
    *ret_names = list_sorted(names);
    return arena_check(a);
}

/* Values of one name in the series found, each once. */
static struct str_list
collect_values(const struct head *h, uint32_t name, struct head_found found, struct arena *a)
{
    uint32_t pair_count = atomic_load_explicit(&h->pairs.pair_count, memory_order_acquire);
    uint64_t *seen = ARENA_ARRAY(a, uint64_t, pair_count / 64 + 1);
    struct str_list values = {ARENA_ARRAY(a, struct str, found.n), 0};
    for (size_t i = 0; i < found.n; i++) {
        uint32_t pair;
        if (!series_pair_of_name(h, found.slots[i], name, &pair) || pair >= pair_count)
            continue;
        uint64_t mask = UINT64_C(1) << (pair % 64);
        if (seen[pair / 64] & mask)
            continue;
        seen[pair / 64] |= mask;
        list_push(&values, pair_value(pairs_at(&h->pairs, pair)));
    }
    return list_sorted(values);
}

/* Every value of one name. */
static struct str_list
all_values(const struct head *h, uint32_t name, struct arena *a)
{
    struct postings pairs = id_list_view(&pairs_name_at(&h->pairs, name)->pairs);
    struct str_list values = {ARENA_ARRAY(a, struct str, pairs.n), 0};
    for (size_t i = 0; i < pairs.n; i++)
        list_push(&values, pair_value(pairs_at(&h->pairs, pairs.v[i])));
    return list_sorted(values);
}

struct err
head_label_values(struct head *h, const struct select_query *q, struct str name,
                  struct matchers matchers, struct arena *a, struct str_list *ret_values)
{
    (void)q;
    struct head_found found = {NULL, 0};
    if (matchers.n > 0)
        TRY(head_match(h, matchers, a, &found));
    *ret_values = (struct str_list){NULL, 0};
    struct epoch_guard guard = epoch_enter(h->epoch);
    uint32_t name_id;
    if (pairs_find_name(&h->pairs, name, &name_id))
        *ret_values = matchers.n > 0 ? collect_values(h, name_id, found, a)
                                     : all_values(h, name_id, a);
    epoch_leave(h->epoch, guard);
    return arena_check(a);
}
