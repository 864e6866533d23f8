/* match.c - which series match.
 *
 * A matcher that an absent label fails (="x", =~"a|b", !="") narrows by lists: the union of the
 * lists of the values that match. One that an absent label passes (!="x", =~".*") drops the
 * lists of the values that do not match. Every value of a name is tried once a matcher, never
 * once a series. */
#include "tsdb/head/match.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/vec.h"

VEC_TYPE(list_vec, struct postings);

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

/* Lists of the values of `m->name` for which the matcher answers `verdict`. */
static void
lists_by_trying(const struct head *h, const struct matcher *m, bool verdict, struct list_vec *to)
{
    uint32_t name;
    if (!pairs_find_name(&h->pairs, m->name, &name))
        return;
    struct postings pairs = id_list_view(&pairs_name_at(&h->pairs, name)->pairs);
    for (size_t i = 0; i < pairs.n; i++) {
        const struct pair *pair = pairs_at(&h->pairs, pairs.v[i]);
        if (matcher_match(m, pair_value(pair)) == verdict)
            vec_push(to, id_list_view(&pair->series));
    }
}

/* Lists of the values that match, looked up directly when the matcher names them. */
static void
lists_of_matching(const struct head *h, const struct matcher *m, struct list_vec *to)
{
    const struct str *literals;
    size_t count;
    if (!matcher_literals(m, &literals, &count)) {
        lists_by_trying(h, m, true, to);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t id;
        if (pairs_find(&h->pairs, m->name, literals[i], &id))
            vec_push(to, id_list_view(&pairs_at(&h->pairs, id)->series));
    }
}

/* Above every number in the lists gathered so far: they were viewed before (H3). */
static uint32_t
slot_bound(const struct head *h)
{
    return atomic_load_explicit(&h->series_count, memory_order_acquire);
}

struct postings
head_match(const struct head *h, struct matchers matchers, struct arena *a)
{
    ASSERT(matchers.n > 0);
    struct list_vec narrow = VEC_INIT, lists = VEC_INIT, drop = VEC_INIT;
    for (size_t i = 0; i < matchers.n; i++) {
        const struct matcher *m = &matchers.v[i];
        if (matcher_match(m, STR(""))) {
            lists_by_trying(h, m, false, &drop);
            continue;
        }
        vec_clear(&lists);
        lists_of_matching(h, m, &lists);
        vec_push(&narrow, postings_union(a, lists.v, lists.n, slot_bound(h)));
    }
    struct postings found = narrow.n > 0 ? postings_intersect(a, narrow.v, narrow.n)
                                         : postings_all(a, slot_bound(h));
    if (found.n > 0)
        found = postings_subtract(a, found, postings_union(a, drop.v, drop.n, slot_bound(h)));
    ASSERT_SLOW(postings_check(found));
    vec_fini(&narrow);
    vec_fini(&lists);
    vec_fini(&drop);
    return found;
}
