/* merge.c - a heap over the next series of every source.
 *
 * Sources of equal label sets leave the heap together and are advanced only by the next call,
 * because what they gave is borrowed until then. */
#include "tsdb/merge.h"

#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/chunk/recode.h"

struct source {
    struct series_set *set; /* owned */
    size_t rank;            /* position in the caller's array */
    struct series_view at;  /* its next series */
};

struct merge_set {
    struct series_set set;
    size_t series_limit, yielded;
    struct source *sources; /* owned, as the sets in it */
    size_t source_count;
    struct source **heap;         /* the least first */
    struct source **yielded_last; /* by the last call; not in the heap */
    size_t heap_count, last_count;
    struct arena row; /* chunks written anew for the series yielded last */
    struct chunk_views views;
};

/* --- the heap --------------------------------------------------------------------------------- */

static bool
source_before(const struct source *x, const struct source *y)
{
    int c = labels_cmp(x->at.labels, y->at.labels);
    return c < 0 || (c == 0 && x->rank < y->rank);
}

static void
swap(struct source **x, struct source **y)
{
    struct source *kept = *x;
    *x = *y;
    *y = kept;
}

static void
heap_push(struct merge_set *m, struct source *s)
{
    size_t at = m->heap_count++;
    m->heap[at] = s;
    for (; at > 0 && source_before(m->heap[at], m->heap[(at - 1) / 2]); at = (at - 1) / 2)
        swap(&m->heap[at], &m->heap[(at - 1) / 2]);
}

/* Takes the first source out, to be advanced by the next call. */
static struct source *
heap_pop(struct merge_set *m)
{
    struct source *first = m->heap[0];
    m->yielded_last[m->last_count++] = first;
    m->heap[0] = m->heap[--m->heap_count];
    for (size_t at = 0;;) {
        size_t least = at, child = 2 * at + 1;
        for (size_t c = child; c < child + 2 && c < m->heap_count; c++) {
            if (source_before(m->heap[c], m->heap[least]))
                least = c;
        }
        if (least == at)
            return first;
        swap(&m->heap[at], &m->heap[least]);
        at = least;
    }
}

/* --- the set ---------------------------------------------------------------------------------- */

/* Pulls the next series of what the last call yielded: at the first call, of every source. A
 * source at its end stays out of the heap. */
static struct err
advance(struct merge_set *m)
{
    while (m->last_count > 0) {
        struct source *s = m->yielded_last[--m->last_count];
        bool more;
        TRY(series_set_next(s->set, &s->at, &more));
        if (more)
            heap_push(m, s);
    }
    return OK;
}

/* The chunks of `first` and of every source that has the same label set. */
static struct err
join_chunks(struct merge_set *m, const struct source *first, struct series_view *series)
{
    vec_clear(&m->views);
    arena_reset(&m->row);
    for (const struct source *s = first;; s = heap_pop(m)) {
        for (size_t i = 0; i < s->at.chunk_count; i++)
            vec_push(&m->views, s->at.chunks[i]);
        if (m->heap_count == 0 || !labels_eq(m->heap[0]->at.labels, first->at.labels))
            break;
    }
    TRY(recode_overlaps(&m->views, &m->row));
    series->chunks = m->views.v;
    series->chunk_count = m->views.n;
    return OK;
}

static struct err
merge_next(struct series_set *set, struct series_view *ret_series, bool *ret_more)
{
    struct merge_set *m = container_of(set, struct merge_set, set);
    TRY(advance(m));
    *ret_more = m->heap_count > 0;
    if (!*ret_more)
        return OK;
    if (m->series_limit > 0 && ++m->yielded > m->series_limit)
        return ERR(ERR_LIMIT, "more than %zu series match", m->series_limit);
    const struct source *first = heap_pop(m);
    struct series_view series = first->at;
    bool alone = m->heap_count == 0 || !labels_eq(m->heap[0]->at.labels, first->at.labels);
    if (!alone)
        TRY(join_chunks(m, first, &series));
    *ret_series = series;
    return OK;
}

static void
merge_close(struct series_set *set)
{
    struct merge_set *m = container_of(set, struct merge_set, set);
    for (size_t i = 0; i < m->source_count; i++)
        series_set_close(m->sources[i].set);
    mem_free(m->sources);
    mem_free(m->heap);
    mem_free(m->yielded_last);
    arena_fini(&m->row);
    vec_fini(&m->views);
    mem_free(m);
}

struct series_set *
merge_series_sets(struct series_set *const *sets, size_t count, size_t series_limit)
{
    static const struct series_set_ops ops = {merge_next, merge_close};
    ASSERT(count <= MERGE_SETS_MAX);
    struct merge_set *m = mem_alloc_zero(sizeof *m);
    m->set.ops = &ops;
    m->series_limit = series_limit;
    m->source_count = m->last_count = count;
    m->sources = mem_array_zero(count, sizeof *m->sources);
    m->heap = mem_array_zero(count, sizeof(struct source *));
    m->yielded_last = mem_array_zero(count, sizeof(struct source *));
    for (size_t i = 0; i < count; i++) {
        m->sources[i] = (struct source){.set = sets[i], .rank = i};
        m->yielded_last[i] = &m->sources[i];
    }
    arena_init(&m->row, 0); /* one series */
    return &m->set;
}

/* --- names and values ------------------------------------------------------------------------- */

struct str_list
merge_str_lists(struct arena *a, const struct str_list *lists, size_t count)
{
    size_t all = 0;
    for (size_t i = 0; i < count; i++)
        all += lists[i].n;
    struct str_list merged = {ARENA_ARRAY(a, struct str, all), 0};
    for (size_t i = 0; i < count; i++) {
        if (lists[i].n > 0)
            memcpy(&merged.v[merged.n], lists[i].v, lists[i].n * sizeof *merged.v);
        merged.n += lists[i].n;
    }
    str_sort(merged.v, all);
    merged.n = 0;
    for (size_t i = 0; i < all; i++) {
        if (merged.n == 0 || !str_eq(merged.v[merged.n - 1], merged.v[i]))
            merged.v[merged.n++] = merged.v[i];
    }
    return merged;
}
