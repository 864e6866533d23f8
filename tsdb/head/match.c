/* match.c - a head as a source of postings. */
#include "tsdb/head/match.h"

#include "tsdb/index/match.h"

struct head_source {
    struct postings_source source;
    const struct head *h;
};

static const struct head *
head_of(const struct postings_source *s)
{
    return container_of(s, const struct head_source, source)->h;
}

bool
series_pair_of_name(const struct head *h, uint32_t slot, uint32_t name, uint32_t *ret_pair)
{
    const uint32_t *set = head_cold(h, slot)->pairs;
    for (uint32_t i = 1; i <= set[0]; i++) {
        if (pairs_at(&h->pairs, set[i])->name == name) {
            *ret_pair = set[i];
            return true;
        }
    }
    return false;
}

static struct err
head_find(const struct postings_source *s, struct str name, struct str value, struct arena *a,
          struct postings_lists *to)
{
    (void)a; /* lists are viewed in place */
    const struct head *h = head_of(s);
    uint32_t id;
    if (pairs_find(&h->pairs, name, value, &id))
        vec_push(to, id_list_view(&pairs_at(&h->pairs, id)->series));
    return OK;
}

static struct err
head_try_values(const struct postings_source *s, const struct matcher *m, bool verdict,
                struct arena *a, struct postings_lists *to)
{
    (void)a;
    const struct head *h = head_of(s);
    uint32_t name;
    if (!pairs_find_name(&h->pairs, m->name, &name))
        return OK;
    struct postings pairs = id_list_view(&pairs_name_at(&h->pairs, name)->pairs);
    for (size_t i = 0; i < pairs.n; i++) {
        const struct pair *pair = pairs_at(&h->pairs, pairs.v[i]);
        if (matcher_match(m, pair_value(pair)) == verdict)
            vec_push(to, id_list_view(&pair->series));
    }
    return OK;
}

/* Above every number in the lists gathered so far: they were viewed before (H3). */
static uint32_t
head_bound(const struct postings_source *s)
{
    return atomic_load_explicit(&head_of(s)->series_count, memory_order_acquire);
}

static struct err
head_all(const struct postings_source *s, struct arena *a, struct postings *ret_all)
{
    *ret_all = postings_all(a, head_bound(s));
    return OK;
}

struct err
head_match(const struct head *h, struct matchers matchers, struct arena *a,
           struct postings *ret_found)
{
    static const struct postings_source_ops ops = {
        .find = head_find, .try_values = head_try_values, .all = head_all, .bound = head_bound};
    struct head_source s = {{&ops}, h};
    struct epoch_guard guard = epoch_enter(h->epoch);
    struct postings found;
    struct err e = postings_match(&s.source, matchers, a, &found);
    if (e.code == ERR_NONE) { /* it may be a list in place, which lives as long as the epoch */
        uint32_t *v = arena_alloc(a, found.n * sizeof *v);
        if (found.n > 0)
            memcpy(v, found.v, found.n * sizeof *v);
        *ret_found = (struct postings){v, found.n};
    }
    epoch_leave(h->epoch, guard);
    return e;
}
