/* plan.c - chooses blocks by their times alone. */
#include "tsdb/compact/plan.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/mem.h"

/* A block with its place in the caller's list. */
struct candidate {
    const struct block_meta *meta;
    size_t place;
};
VEC_TYPE(candidates, struct candidate);

/* Neighbours in order of time. */
struct run {
    size_t first, count;
};

struct compact_ranges
compact_ranges_of(int64_t min_ms, int64_t max_ms)
{
    ASSERT(min_ms > 0);
    struct compact_ranges r = {{min_ms}, 1};
    while (r.n < COMPACT_RANGES_MAX && r.v[r.n - 1] <= max_ms / COMPACT_RANGE_FACTOR) {
        r.v[r.n] = r.v[r.n - 1] * COMPACT_RANGE_FACTOR;
        r.n++;
    }
    return r;
}

static int
by_time(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->meta->mint_ms != y->meta->mint_ms)
        return x->meta->mint_ms < y->meta->mint_ms ? -1 : 1;
    return ulid_cmp(&x->meta->ulid, &y->meta->ulid);
}

/* Times come from files: their differences may pass what an int64 holds. */
static uint64_t
length_ms(int64_t mint_ms, int64_t maxt_ms)
{
    return (uint64_t)maxt_ms - (uint64_t)mint_ms;
}

/* The end of the window of `range_ms`, counted from 0, that t lies in. */
static int64_t
window_end(int64_t t_ms, int64_t range_ms)
{
    int64_t behind_ms = t_ms % range_ms, end_ms;
    if (behind_ms < 0)
        behind_ms += range_ms;
    return __builtin_add_overflow(t_ms, range_ms - behind_ms, &end_ms) ? INT64_MAX : end_ms;
}

/* The first run of blocks each of which overlaps those before it. */
static struct run
find_overlapping(const struct candidates *c)
{
    struct run run = {0, 0};
    int64_t maxt_ms = c->v[0].meta->maxt_ms;
    for (size_t i = 1; i < c->n; i++) {
        const struct block_meta *m = c->v[i].meta;
        if (m->mint_ms < maxt_ms && run.count == 0)
            run = (struct run){i - 1, 2};
        else if (m->mint_ms < maxt_ms)
            run.count++;
        else if (run.count > 0)
            return run;
        maxt_ms = i64_max(maxt_ms, m->maxt_ms);
    }
    return run;
}

/* The blocks from `*at` on that lie in one window of range_ms; *at moves behind them. A block
 * that no window holds is stepped over. */
static struct run
next_window(const struct candidates *c, int64_t range_ms, size_t *at)
{
    while (*at < c->n) {
        int64_t end_ms = window_end(c->v[*at].meta->mint_ms, range_ms);
        struct run run = {*at, 0};
        while (*at < c->n && c->v[*at].meta->maxt_ms <= end_ms) {
            run.count++;
            ++*at;
        }
        if (run.count > 0)
            return run;
        ++*at;
    }
    return (struct run){0, 0};
}

/* The window is full, or nothing is going to come into it any more. */
static bool
is_ready(const struct candidates *c, struct run run, int64_t range_ms)
{
    for (size_t i = 0; i < run.count; i++) {
        if (c->v[run.first + i].meta->failed)
            return false;
    }
    int64_t mint_ms = c->v[run.first].meta->mint_ms;
    int64_t maxt_ms = c->v[run.first + run.count - 1].meta->maxt_ms;
    bool full = length_ms(mint_ms, maxt_ms) == (uint64_t)range_ms;
    return run.count > 1 && (full || maxt_ms <= c->v[c->n - 1].meta->mint_ms);
}

static struct run
find_window(const struct candidates *c, const struct compact_ranges *ranges)
{
    for (size_t r = 1; r < ranges->n && c->n > 0; r++) {
        size_t at = 0;
        for (struct run run; (run = next_window(c, ranges->v[r], &at)).count > 0;) {
            if (is_ready(c, run, ranges->v[r]))
                return run;
        }
    }
    return (struct run){0, 0};
}

/* From the newest back: a large block of which more than a twentieth was deleted, or one that
 * may have nothing left. */
static struct run
find_deleted(const struct candidates *c, const struct compact_ranges *ranges)
{
    uint64_t large_ms = (uint64_t)ranges->v[ranges->n / 2];
    for (size_t i = c->n; i-- > 0;) {
        const struct block_meta *m = c->v[i].meta;
        bool is_large = length_ms(m->mint_ms, m->maxt_ms) >= large_ms;
        if (is_large && (double)m->deletions / ((double)m->series + 1) > 0.05)
            return (struct run){i, 1};
        if (!is_large && m->deletions > 0 && m->deletions >= m->series)
            return (struct run){i, 1};
        if (!is_large)
            break;
    }
    return (struct run){0, 0};
}

/* Kinds that are not mixed with each other, in the order in which they are served. */
enum class {
    CLASS_USUAL,
    CLASS_AHEAD, /* late samples only, some behind all that came in order */
    CLASS_STALE,
    CLASS_SELECTED,
    CLASS_COUNT
};

/* The head goes on from here: what comes in order and is older is in blocks. */
static int64_t
in_order_end_ms(const struct block_meta *const *metas, size_t n)
{
    int64_t end_ms = INT64_MIN;
    for (size_t i = 0; i < n; i++) {
        if (metas[i]->hints == 0)
            end_ms = metas[i]->maxt_ms > end_ms ? metas[i]->maxt_ms : end_ms;
    }
    return end_ms;
}

static enum class
class_of(const struct block_meta *m, int64_t in_order_end)
{
    if (m->hints & BLOCK_FROM_STALE_SERIES)
        return CLASS_STALE;
    if (m->hints & BLOCK_FROM_SELECTED_SERIES)
        return CLASS_SELECTED;
    bool ahead = (m->hints & BLOCK_FROM_OUT_OF_ORDER) && m->maxt_ms > in_order_end;
    return ahead ? CLASS_AHEAD : CLASS_USUAL;
}

static struct run
plan_class(struct candidates *c, enum class class, const struct compact_ranges *ranges)
{
    if (c->n == 0)
        return (struct run){0, 0};
    qsort(c->v, c->n, sizeof *c->v, by_time);
    struct run run = find_overlapping(c);
    if (run.count > 0 || class == CLASS_AHEAD) /* which grow when they are not ahead any more */
        return run;
    c->n--; /* the newest has just come: users may want to copy it before it goes */
    run = find_window(c, ranges);
    return run.count > 0 ? run : find_deleted(c, ranges);
}

size_t
compact_plan(const struct block_meta *const *metas, size_t n, const struct compact_ranges *ranges,
             size_t *ret_chosen)
{
    struct run run = {0, 0};
    struct candidates c = VEC_INIT;
    int64_t in_order_end = in_order_end_ms(metas, n);
    vec_reserve(&c, n);
    for (int class = 0; class < CLASS_COUNT && run.count == 0; class++) {
        vec_clear(&c);
        for (size_t i = 0; i < n; i++) {
            if ((int)class_of(metas[i], in_order_end) == class)
                vec_push(&c, ((struct candidate){metas[i], i}));
        }
        run = plan_class(&c, (enum class)class, ranges);
    }
    for (size_t i = 0; i < run.count; i++)
        ret_chosen[i] = c.v[run.first + i].place;
    vec_fini(&c);
    return run.count;
}
