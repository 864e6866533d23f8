/* read.c - a head as a series_set, and its label names and values.
 *
 * A set holds series numbers, sorted by labels; chunks are copied out of a series only when it
 * is pulled, under the series' spin, so a slow reader holds nothing that a writer needs.
 * Mapped chunks are not copied: their files stay mapped as long as the head. */
#include "tsdb/head/head_int.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/chunk/recode.h"
#include "tsdb/head/match.h"

struct head_set {
    struct series_set set;
    const struct head *h;
    struct select_query query;
    struct head_found found; /* in label order */
    size_t at, yielded;
    enum { SET_ROUGH, SET_EXACT } edges; /* whole chunks, or only samples within the range */
    struct arena row; /* of the series yielded last */
    struct chunk_views views;
    uint8_t open_bytes[SERIES_TAIL_BYTES_MAX];
};

/* --- order ------------------------------------------------------------------------------------ */

/* labels_cmp() on pair numbers: equal numbers are equal pairs, strings are touched only at the
 * first difference. */
static int
compare_series(const void *a, const void *b, void *head)
{
    const struct head *h = head;
    const uint32_t *x = head_cold(h, *(const uint32_t *)a)->pairs;
    const uint32_t *y = head_cold(h, *(const uint32_t *)b)->pairs;
    for (uint32_t i = 1; i <= x[0] && i <= y[0]; i++) {
        if (x[i] == y[i])
            continue;
        const struct pair *p = pairs_at(&h->pairs, x[i]), *q = pairs_at(&h->pairs, y[i]);
        int c = 0;
        if (p->name != q->name)
            c = str_cmp(pairs_name_at(&h->pairs, p->name)->text,
                        pairs_name_at(&h->pairs, q->name)->text);
        return c ? c : str_cmp(pair_value(p), pair_value(q));
    }
    return (x[0] > y[0]) - (x[0] < y[0]);
}

static void
sort_series(const struct head *h, struct head_found found)
{
    if (found.n > 0)
        qsort_r(found.slots, found.n, sizeof *found.slots, compare_series, (void *)(uintptr_t)h);
}

/* --- chunks ----------------------------------------------------------------------------------- */

static bool
overlaps(const struct select_query *q, int64_t mint_ms, int64_t maxt_ms)
{
    return mint_ms <= q->maxt_ms && maxt_ms >= q->mint_ms;
}

/* Copies what overlaps the query out of the series; *ret_open has n == 0 without an open chunk
 * in range. Called within an epoch: heap data seen here stays until it is left. */
static void
copy_series(struct head_set *s, uint32_t slot, struct head_chunk *finished, size_t room,
            size_t *ret_count, struct chunk_view *ret_open)
{
    struct series_hot *hot = head_hot(s->h, slot);
    struct series_cold *cold = head_cold(s->h, slot);
    *ret_open = (struct chunk_view){.encoding = CHUNK_XOR};
    size_t n = 0;
    spin_acquire(&hot->spin);
    if (hot->xor.count > 0 && overlaps(&s->query, cold->open_mint_ms, hot->xor.t_ms)) {
        ret_open->mint_ms = cold->open_mint_ms;
        ret_open->maxt_ms = hot->xor.t_ms;
        ASSERT(xor_bytes(&hot->xor) <= SERIES_TAIL_BYTES_MAX);
        size_t bytes = s->query.want == SELECT_CHUNKS
                           ? xor_snapshot(&hot->xor, hot->tail, s->open_bytes)
                           : 1; /* it is there: that is all that labels need */
        ret_open->data = str_of((const char *)s->open_bytes, bytes);
    }
    for (const struct head_chunk *c = cold->newest; c; c = c->older) {
        if (head_chunk_maxt_ms(c) < s->query.mint_ms)
            break; /* older ones end before it */
        if (!overlaps(&s->query, c->mint_ms, head_chunk_maxt_ms(c)))
            continue;
        if (n < room)
            finished[n] = *c;
        n++;
    }
    spin_release(&hot->spin);
    *ret_count = n;
}

/* Fills s->views with the chunks of one series; false when none is in range. */
static bool
gather_chunks(struct head_set *s, uint32_t slot)
{
    struct head_chunk few[16], *finished = few;
    struct chunk_view open;
    size_t room = ARRAY_LEN(few), n;
    for (;;) { /* again when the series had more than there was room for */
        copy_series(s, slot, finished, room, &n, &open);
        if (n <= room)
            break;
        room = n + 1;
        finished = arena_alloc(&s->row, room * sizeof *finished);
    }
    vec_clear(&s->views);
    for (size_t i = n; i-- > 0;) {
        const struct head_chunk *c = &finished[i];
        struct chunk_view view = {c->mint_ms, head_chunk_maxt_ms(c), c->encoding, {NULL, 0}};
        view.data = c->mapped ? head_chunks_data(s->h->chunks, c->ref)
                              : arena_str(&s->row, str_of((const char *)c->data, c->bytes));
        vec_push(&s->views, view);
    }
    if (open.data.n > 0)
        vec_push(&s->views, open);
    return s->views.n > 0;
}

/* Takes the samples outside of the range out of chunks that cross its ends: only a head of
 * another block range, left by Prometheus, has such chunks. */
static struct err
trim_edges(struct head_set *s)
{
    const struct select_query *q = &s->query;
    struct interval outside[2];
    size_t n = 0;
    if (q->mint_ms > INT64_MIN)
        outside[n++] = (struct interval){INT64_MIN, q->mint_ms - 1};
    if (q->maxt_ms < INT64_MAX)
        outside[n++] = (struct interval){q->maxt_ms + 1, INT64_MAX};
    struct chunk_views all = s->views;
    s->views = (struct chunk_views)VEC_INIT;
    struct err e = OK;
    for (size_t i = 0; e.code == ERR_NONE && i < all.n; i++)
        e = recode_without(&all.v[i], outside, n, &s->row, &s->views);
    vec_fini(&all);
    return e;
}

static bool
crosses_edges(const struct head_set *s)
{
    size_t n = s->views.n; /* they ascend, and are in range at least in part */
    return s->edges == SET_EXACT && n > 0 &&
           (s->views.v[0].mint_ms < s->query.mint_ms ||
            s->views.v[n - 1].maxt_ms > s->query.maxt_ms);
}

static struct err
head_set_next(struct series_set *set, struct series_view *ret_series, bool *ret_more)
{
    struct head_set *s = container_of(set, struct head_set, set);
    *ret_more = false;
    while (s->at < s->found.n && !*ret_more) {
        uint32_t slot = s->found.slots[s->at++];
        arena_reset(&s->row);
        struct epoch_guard guard = epoch_enter(s->h->epoch);
        *ret_more = gather_chunks(s, slot);
        epoch_leave(s->h->epoch, guard);
        if (!*ret_more)
            continue;
        if (crosses_edges(s)) {
            TRY(trim_edges(s));
            *ret_more = s->views.n > 0;
        }
        if (!*ret_more)
            continue;
        if (s->query.series_limit > 0 && ++s->yielded > s->query.series_limit)
            return ERR(ERR_LIMIT, "more than %zu series match", s->query.series_limit);
        ret_series->labels = head_labels(s->h, slot, &s->row);
        ret_series->chunks = s->views.v;
        ret_series->chunk_count = s->query.want == SELECT_CHUNKS ? s->views.n : 0;
    }
    return OK;
}

static void
head_set_close(struct series_set *set)
{
    struct head_set *s = container_of(set, struct head_set, set);
    arena_fini(&s->row);
    vec_fini(&s->views);
    mem_free(s);
}

static struct head_set *
set_of(struct head *h, const struct select_query *q, struct head_found found)
{
    static const struct series_set_ops ops = {head_set_next, head_set_close};
    struct head_set *s = mem_alloc_zero(sizeof *s);
    s->set.ops = &ops;
    s->h = h;
    s->query = *q;
    s->found = found;
    sort_series(h, found);
    arena_init(&s->row, 0); /* one series: labels and its chunks */
    return s;
}

struct err
head_select(struct head *h, const struct select_query *q, struct matchers matchers, struct arena *a,
            struct series_set **ret_set)
{
    struct head_found found;
    TRY(head_match(h, matchers, a, &found));
    *ret_set = &set_of(h, q, found)->set;
    return OK;
}

struct series_set *
head_select_all(struct head *h, const struct select_query *q, struct arena *a)
{
    struct head_set *s = set_of(h, q, head_all_series(h, a));
    s->edges = SET_EXACT;
    return &s->set;
}

/* --- names and values ------------------------------------------------------------------------- */

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
