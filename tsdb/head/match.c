/* match.c - a head as a source of postings. */
#include "tsdb/head/match.h"

#include "base/vec.h"
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

/* Above every id in the lists gathered so far: they were viewed before (H3). */
static uint32_t
head_bound(const struct postings_source *s)
{
    return id_map_bound(&head_of(s)->ids);
}

/* Ids of the living. */
static struct err
head_all(const struct postings_source *s, struct arena *a, struct postings *ret_all)
{
    const struct head *h = head_of(s);
    struct slot_cursor c = slot_cursor_of(h);
    VEC(uint32_t) ids = VEC_INIT;
    while (slot_cursor_next(&c, h) != slot_none)
        vec_push(&ids, c.at - 1);
    uint32_t *v = arena_alloc(a, ids.n * sizeof *v);
    if (ids.n > 0)
        memcpy(v, ids.v, ids.n * sizeof *v);
    *ret_all = (struct postings){v, ids.n};
    vec_fini(&ids);
    return OK;
}

/* The living of the series found. */
static struct head_found
slots_of(const struct head *h, struct postings ids, struct arena *a)
{
    struct head_found found = {arena_alloc(a, ids.n * sizeof(uint32_t)), 0};
    for (size_t i = 0; i < ids.n; i++) {
        uint32_t slot = id_map_slot(&h->ids, ids.v[i]);
        if (slot != slot_none)
            found.slots[found.n++] = slot;
    }
    return found;
}

struct err
head_match(const struct head *h, struct matchers matchers, struct arena *a,
           struct head_found *ret_found)
{
    static const struct postings_source_ops ops = {
        .find = head_find, .try_values = head_try_values, .all = head_all, .bound = head_bound};
    struct head_source s = {{&ops}, h};
    struct epoch_guard guard = epoch_enter(h->epoch);
    struct postings ids;
    struct err e = postings_match(&s.source, matchers, a, &ids);
    if (e.code == ERR_NONE)
        *ret_found = slots_of(h, ids, a);
    epoch_leave(h->epoch, guard);
    return e;
}

struct head_found
head_all_series(const struct head *h, struct arena *a)
{
    struct slot_list slots = VEC_INIT;
    struct epoch_guard guard = epoch_enter(h->epoch);
    struct slot_cursor c = slot_cursor_of(h);
    for (uint32_t slot; (slot = slot_cursor_next(&c, h)) != slot_none;)
        vec_push(&slots, slot);
    epoch_leave(h->epoch, guard);
    struct head_found found = {arena_alloc(a, slots.n * sizeof *found.slots), slots.n};
    if (slots.n > 0)
        memcpy(found.slots, slots.v, slots.n * sizeof *found.slots);
    vec_fini(&slots);
    return found;
}
