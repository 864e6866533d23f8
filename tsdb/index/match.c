/* match.c - which series match.
 *
 * A matcher that an absent label fails (="x", =~"a|b", !="") narrows by lists: the union of the
 * lists of the values that it selects. One that an absent label passes (!="x", =~".*") drops the
 * lists of the values that it refuses. Values that a matcher can list are looked up; else every
 * value of the name that can be on that side is tried, once a matcher, never once a series. */
#include "tsdb/index/match.h"

#include "base/assert.h"
#include "base/mem.h"

/* What the steps of one match share. */
struct match {
    const struct postings_source *source;
    struct arena *arena;
    struct postings_lists narrow; /* one union a matcher: a series must be in all of them */
    struct postings_lists drop;   /* lists of series that must not be in the answer */
    struct postings_lists scratch;
};

static struct postings
unite(const struct match *m, const struct postings_lists *lists)
{
    struct postings found = postings_union(m->arena, lists->v, lists->n);
    if (found.n > 0)
        ASSERT(found.v[found.n - 1] < m->source->ops->bound(m->source)); /* P2 */
    return found;
}

/* Adds the lists of the values on one side of a matcher. */
static struct err
add_lists(const struct match *m, const struct matcher *matcher, enum matcher_side side,
          struct postings_lists *to)
{
    const struct postings_source *s = m->source;
    const struct str *values;
    size_t count;
    if (!matcher_values(matcher, side, &values, &count))
        return s->ops->try_values(s, matcher, side == MATCHER_SELECTS, m->arena, to);
    for (size_t i = 0; i < count; i++)
        TRY(s->ops->find(s, matcher->name, values[i], m->arena, to));
    return OK;
}

static struct err
gather(struct match *m, struct matchers matchers)
{
    for (size_t i = 0; i < matchers.n; i++) {
        const struct matcher *one = &matchers.v[i];
        if (matcher_match(one, STR(""))) {
            TRY(add_lists(m, one, MATCHER_REFUSES, &m->drop));
            continue;
        }
        vec_clear(&m->scratch);
        TRY(add_lists(m, one, MATCHER_SELECTS, &m->scratch));
        vec_push(&m->narrow, unite(m, &m->scratch));
        TRY(arena_check(m->arena));
    }
    return OK;
}

static struct err
combine(struct match *m, struct postings *ret_found)
{
    struct postings found;
    if (m->narrow.n > 0)
        found = postings_intersect(m->arena, m->narrow.v, m->narrow.n);
    else
        TRY(m->source->ops->all(m->source, m->arena, &found));
    if (found.n > 0)
        found = postings_subtract(m->arena, found, unite(m, &m->drop));
    ASSERT_SLOW(postings_check(found));
    *ret_found = found;
    return arena_check(m->arena);
}

struct err
postings_match(const struct postings_source *s, struct matchers matchers, struct arena *a,
               struct postings *ret_found)
{
    ASSERT(matchers.n > 0);
    struct match m = {
        .source = s, .arena = a, .narrow = VEC_INIT, .drop = VEC_INIT, .scratch = VEC_INIT};
    struct err e = gather(&m, matchers);
    if (e.code == ERR_NONE)
        e = combine(&m, ret_found);
    vec_fini(&m.narrow);
    vec_fini(&m.drop);
    vec_fini(&m.scratch);
    return e;
}
