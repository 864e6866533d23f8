/* match.c - which series match.
 *
 * A matcher that an absent label fails (="x", =~"a|b", !="") narrows by lists: the union of the
 * lists of the values that it selects. One that an absent label passes (!="x", =~".*") drops the
 * lists of the values that it refuses. Values that a matcher can list are looked up, and that
 * first: when they leave nothing, nothing is tried. Else every value of the name that can be on
 * that side is tried, once a matcher, never once a series. */
#include "tsdb/index/match.h"

#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/index/match_cache.h"

/* What the steps of one match share. */
struct match {
    const struct postings_source *source;
    struct arena *arena;
    struct postings_lists narrow; /* one union a matcher: a series must be in all of them */
    struct postings_lists drop;   /* as narrow, but a series must be in none of them */
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

/* Series with one of these values. */
static struct err
look_up(struct match *m, struct str name, const struct str *values, size_t count,
        struct postings *ret_series)
{
    vec_clear(&m->scratch);
    for (size_t i = 0; i < count; i++)
        TRY(m->source->ops->find(m->source, name, values[i], m->arena, &m->scratch));
    *ret_series = unite(m, &m->scratch);
    return OK;
}

/* Series with any of the values on one side, found by trying those. */
static struct err
try_all(struct match *m, const struct matcher *one, enum matcher_side side,
        struct postings *ret_series)
{
    const struct postings_source *s = m->source;
    uint64_t generation = 0;
    struct match_cache *cache = s->ops->cache ? s->ops->cache(s, &generation) : NULL;
    if (cache && match_cache_find(cache, generation, one, side, m->arena, ret_series))
        return OK;
    vec_clear(&m->scratch);
    TRY(s->ops->try_values(s, one, side == MATCHER_SELECTS, m->arena, &m->scratch));
    *ret_series = unite(m, &m->scratch);
    TRY(arena_check(m->arena));
    if (cache)
        match_cache_put(cache, generation, one, side, *ret_series);
    return OK;
}

/* The matchers whose values can be looked up, or those whose values have to be tried. */
enum effort { LOOK_UP, TRY_ALL };

/* Sets *ret_none when no series can match any more. */
static struct err
gather(struct match *m, struct matchers matchers, enum effort effort, bool *ret_none)
{
    for (size_t i = 0; i < matchers.n && !*ret_none; i++) {
        const struct matcher *one = &matchers.v[i];
        bool drops = matcher_match(one, STR(""));
        enum matcher_side side = drops ? MATCHER_REFUSES : MATCHER_SELECTS;
        const struct str *values;
        size_t count;
        struct postings series;
        bool listed = matcher_values(one, side, &values, &count);
        if (listed != (effort == LOOK_UP))
            continue;
        if (listed)
            TRY(look_up(m, one->name, values, count, &series));
        else
            TRY(try_all(m, one, side, &series));
        TRY(arena_check(m->arena));
        vec_push(drops ? &m->drop : &m->narrow, series);
        *ret_none = !drops && series.n == 0;
    }
    return OK;
}

static struct err
gather_all(struct match *m, struct matchers matchers, bool *ret_none)
{
    *ret_none = false;
    TRY(gather(m, matchers, LOOK_UP, ret_none));
    return gather(m, matchers, TRY_ALL, ret_none);
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
    bool none;
    struct err e = gather_all(&m, matchers, &none);
    if (e.code == ERR_NONE && none)
        *ret_found = (struct postings){NULL, 0};
    else if (e.code == ERR_NONE)
        e = combine(&m, ret_found);
    vec_fini(&m.narrow);
    vec_fini(&m.drop);
    vec_fini(&m.scratch);
    return e;
}
