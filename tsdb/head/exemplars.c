/* exemplars.c - slots by number of arrival, and a list a series in order of time.
 *
 * An arrival has a number that never changes and stands in slot number % capacity; numbers are
 * also the links of the lists, so that a resize only moves slots. What is live is the run of
 * numbers [next - count, next). Labels are kept as canonical keys (label_key.h): equal labels are
 * equal bytes. A series is in the index as long as it has an exemplar. */
#include "tsdb/head/exemplars.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/lock.h"
#include "base/map.h"
#include "base/mem.h"
#include "tsdb/head/exemplar_rules.h"
#include "tsdb/model/label_key.h"

enum { FIRST_NUMBER = 1 }; /* 0 stands for "none" in links */

struct exemplar_series {
    struct str key;          /* canonical */
    struct labels labels;    /* as the key, its text is in the same piece of memory */
    uint64_t oldest, newest; /* in time */
};

struct slot {
    int64_t t_ms;
    uint64_t bits;
    struct exemplar_series *series;
    uint64_t before, after; /* of its series, in time; 0 at the ends */
    char *key;              /* of its labels; owned, NULL when there are none */
    size_t key_bytes;
};
_Static_assert(sizeof(struct slot) <= 64, "as EXEMPLARS_CAPACITY_MAX says");

struct exemplars {
    struct lock lock;
    /* All GUARDED_BY(lock). */
    int64_t window_ms;
    struct slot *slots; /* capacity of them; NULL when that is 0 */
    size_t capacity, count;
    uint64_t next;     /* number of the next arrival */
    struct map series; /* key -> struct exemplar_series, which owns the key */
    uint64_t appended, out_of_order;
};

/* --- the lists -------------------------------------------------------------------------------- */

static struct slot *
slot_of(const struct exemplars *x, uint64_t number) REQUIRES(x->lock)
{
    return &x->slots[number % x->capacity];
}

static struct exemplar_candidate
newest_of(const struct exemplars *x, const struct exemplar_series *series) REQUIRES(x->lock)
{
    const struct slot *s = slot_of(x, series->newest);
    return (struct exemplar_candidate){s->t_ms, s->bits, {s->key, s->key_bytes}};
}

/* In one piece: the series, its labels, their text and the key. */
static struct exemplar_series *
series_new(struct exemplars *x, struct labels l, struct str key) REQUIRES(x->lock)
{
    size_t text_bytes = key.n;
    for (size_t i = 0; i < l.n; i++)
        text_bytes += l.v[i].name.n + l.v[i].value.n;
    struct exemplar_series *s = mem_alloc_zero(sizeof *s + l.n * sizeof(struct label) + text_bytes);
    struct label *v = (struct label *)(void *)(s + 1);
    char *at = (char *)(v + l.n);
    for (size_t i = 0; i < l.n; i++)
        v[i] = (struct label){str_copy_to(&at, l.v[i].name), str_copy_to(&at, l.v[i].value)};
    s->labels = (struct labels){v, l.n};
    s->key = str_copy_to(&at, key);
    map_put(&x->series, s->key, s);
    return s;
}

/* Drops the oldest arrival, and its series when it has nothing else. */
static void
drop_oldest(struct exemplars *x) REQUIRES(x->lock)
{
    struct slot *s = slot_of(x, x->next - x->count);
    struct exemplar_series *series = s->series;
    *(s->before ? &slot_of(x, s->before)->after : &series->oldest) = s->after;
    *(s->after ? &slot_of(x, s->after)->before : &series->newest) = s->before;
    mem_free(s->key);
    *s = (struct slot){0};
    x->count--;
    if (!series->newest) {
        map_remove(&x->series, series->key);
        mem_free(series);
    }
}

/* The last one of the series that is not behind t_ms, or 0. */
static uint64_t
last_until(const struct exemplars *x, const struct exemplar_series *series, int64_t t_ms)
    REQUIRES(x->lock)
{
    uint64_t at = series->newest;
    while (at && slot_of(x, at)->t_ms > t_ms)
        at = slot_of(x, at)->before;
    return at;
}

static void
store(struct exemplars *x, struct exemplar_series *series, const struct exemplar_candidate *e)
    REQUIRES(x->lock)
{
    uint64_t number = x->next, before = last_until(x, series, e->t_ms);
    uint64_t after = before ? slot_of(x, before)->after : series->oldest;
    *slot_of(x, number) = (struct slot){
        .t_ms = e->t_ms,
        .bits = e->bits,
        .series = series,
        .before = before,
        .after = after,
        .key = e->key.n ? mem_dup_text(e->key.p, e->key.n) : NULL,
        .key_bytes = e->key.n,
    };
    *(before ? &slot_of(x, before)->after : &series->oldest) = number;
    *(after ? &slot_of(x, after)->before : &series->newest) = number;
    x->next++;
    x->count++;
    x->appended++;
}

static enum exemplar_fate
append_one(struct exemplars *x, struct labels l, struct str key, const struct exemplar_candidate *e)
    REQUIRES(x->lock)
{
    struct exemplar_series *series = map_get(&x->series, key);
    if (series) {
        struct exemplar_candidate newest = newest_of(x, series);
        enum exemplar_fate fate = exemplar_judge(&newest, e, x->window_ms);
        x->out_of_order += fate == EXEMPLAR_OUT_OF_ORDER;
        if (fate != EXEMPLAR_STORED)
            return fate;
        /* Within the window one of the same time is taken for this one, as with Prometheus. */
        uint64_t before = e->t_ms < newest.t_ms ? last_until(x, series, e->t_ms) : 0;
        if (before && slot_of(x, before)->t_ms == e->t_ms)
            return EXEMPLAR_REPEATED;
    }
    if (x->count == x->capacity) {
        drop_oldest(x);
        series = map_get(&x->series, key); /* it may have had only that one */
    }
    if (!series)
        series = series_new(x, l, key);
    store(x, series, e);
    return EXEMPLAR_STORED;
}

/* --- the exemplars of a series ---------------------------------------------------------------- */

static bool
is_disabled(struct exemplars *x)
{
    LOCKED(&x->lock);
    return x->capacity == 0;
}

void
exemplars_judge(struct exemplars *x, struct labels series, const struct exemplar *v, size_t n,
                uint8_t *fates)
{
    memset(fates, is_disabled(x) ? EXEMPLAR_DISABLED : EXEMPLAR_STORED, n);
    if (n == 0 || fates[0] == EXEMPLAR_DISABLED)
        return;
    AUTO(exemplar_candidates_fini)
    struct exemplar_candidates c = EXEMPLAR_CANDIDATES_INIT;
    exemplar_candidates_of(&c, series, v, n, fates);

    LOCKED(&x->lock);
    const struct exemplar_series *known = map_get(&x->series, buf_str(&c.series_key));
    struct exemplar_candidate newest = {.t_ms = INT64_MIN};
    bool any = known != NULL;
    if (any)
        newest = newest_of(x, known);
    for (size_t i = 0; i < n; i++) {
        const struct exemplar_candidate *e = &c.v.v[i];
        if (fates[i] == EXEMPLAR_STORED && any)
            fates[i] = (uint8_t)exemplar_judge(&newest, e, x->window_ms);
        if (fates[i] != EXEMPLAR_STORED || e->t_ms < newest.t_ms)
            continue;
        newest = *e;
        any = true;
    }
}

void
exemplars_append(struct exemplars *x, struct labels series, const struct exemplar *v, size_t n,
                 uint8_t *fates)
{
    AUTO(exemplar_candidates_fini)
    struct exemplar_candidates c = EXEMPLAR_CANDIDATES_INIT;
    if (!is_disabled(x))
        exemplar_candidates_of(&c, series, v, n, fates);

    LOCKED(&x->lock);
    bool closed = x->capacity == 0 || c.v.n < n; /* resized meanwhile, either way */
    for (size_t i = 0; i < n; i++) {
        if (fates[i] != EXEMPLAR_STORED)
            continue;
        fates[i] = (uint8_t)(closed ? EXEMPLAR_DISABLED
                                    : append_one(x, series, buf_str(&c.series_key), &c.v.v[i]));
    }
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool
matches_all(struct matchers m, struct labels l)
{
    for (size_t i = 0; i < m.n; i++) {
        if (!matcher_match(&m.v[i], labels_get(l, m.v[i].name)))
            return false;
    }
    return true;
}

static bool
matches_any(const struct exemplar_query *q, struct labels l)
{
    for (size_t i = 0; i < q->set_count; i++) {
        if (matches_all(q->sets[i], l))
            return true;
    }
    return false;
}

static struct exemplar
copy_exemplar(const struct slot *s, struct arena *a)
{
    struct exemplar e = {.t_ms = s->t_ms, .bits = s->bits};
    if (s->key_bytes > 0) {
        struct str key = arena_str(a, str_of(s->key, s->key_bytes));
        enum label_fault fault = label_key_decode(a, key, &e.labels);
        ASSERT(fault == LABEL_FAULT_NONE); /* check_labels() is stricter */
    }
    return e;
}

/* What the query wants of the series. */
static void
copy_series(const struct exemplars *x, const struct exemplar_series *s,
            const struct exemplar_query *q, struct arena *a, struct series_exemplars *ret_copy)
    REQUIRES(x->lock)
{
    uint64_t first = s->oldest;
    while (first && slot_of(x, first)->t_ms < q->mint_ms)
        first = slot_of(x, first)->after;
    size_t n = 0;
    for (uint64_t i = first; i && slot_of(x, i)->t_ms <= q->maxt_ms; i = slot_of(x, i)->after)
        n++;
    *ret_copy = (struct series_exemplars){.n = n};
    if (n == 0)
        return;
    struct exemplar *v = ARENA_ARRAY(a, struct exemplar, n);
    for (size_t i = 0; i < n; i++, first = slot_of(x, first)->after)
        v[i] = copy_exemplar(slot_of(x, first), a);
    ret_copy->labels = labels_copy(a, s->labels);
    ret_copy->v = v;
}

static int
cmp_series(const void *a, const void *b)
{
    const struct series_exemplars *one = a, *other = b;
    return labels_cmp(one->labels, other->labels);
}

struct err
exemplars_select(struct exemplars *x, const struct exemplar_query *q, struct arena *a,
                 struct series_exemplars_list *ret_list)
{
    struct series_exemplars_list list = {NULL, 0};
    size_t cap = 0;
    {
        LOCKED(&x->lock);
        struct map_entry entry = MAP_START;
        while (map_next(&x->series, &entry)) {
            const struct exemplar_series *s = entry.value;
            if (slot_of(x, s->oldest)->t_ms > q->maxt_ms ||
                slot_of(x, s->newest)->t_ms < q->mint_ms || !matches_any(q, s->labels))
                continue;
            list.v = arena_more(a, list.v, sizeof *list.v, list.n, &cap);
            copy_series(x, s, q, a, &list.v[list.n]);
            list.n += list.v[list.n].n > 0;
            TRY(arena_check(a));
        }
    }
    if (list.n > 0)
        qsort(list.v, list.n, sizeof *list.v, cmp_series);
    *ret_list = list;
    return OK;
}

void
exemplars_next_page(struct exemplars *x, uint64_t *at, struct arena *a,
                    struct exemplars_page *ret_page)
{
    ret_page->n = 0;
    LOCKED(&x->lock);
    uint64_t number = u64_max(*at, x->next - x->count);
    for (; number < x->next && ret_page->n < EXEMPLARS_PAGE; number++) {
        const struct slot *s = slot_of(x, number);
        ret_page->v[ret_page->n++] = (struct exemplar_arrival){
            .series = labels_copy(a, s->series->labels),
            .exemplar = copy_exemplar(s, a),
        };
    }
    *at = number;
}

/* --- life cycle ------------------------------------------------------------------------------- */

static struct slot *
slots_new(size_t capacity)
{
    ASSERT(capacity <= EXEMPLARS_CAPACITY_MAX);
    return capacity ? mem_pages_alloc_zero(capacity * sizeof(struct slot)) : NULL;
}

struct exemplars *
exemplars_open(size_t capacity, int64_t ooo_window_ms)
{
    struct exemplars *x = mem_alloc_zero(sizeof *x);
    lock_init(&x->lock, LOCK_RANK_HEAD_EXEMPLARS);
    map_init(&x->series, MAP_KEYS_BORROWED);
    x->window_ms = ooo_window_ms;
    x->capacity = capacity;
    x->slots = slots_new(capacity);
    x->next = FIRST_NUMBER;
    return x;
}

void
exemplars_close(struct exemplars *x)
{
    if (!x)
        return;
    while (x->count > 0)
        drop_oldest(x);
    mem_pages_free(x->slots, x->capacity * sizeof(struct slot));
    map_fini(&x->series);
    lock_fini(&x->lock);
    mem_free(x);
}

void
exemplars_resize(struct exemplars *x, size_t capacity)
{
    struct slot *slots = slots_new(capacity);
    LOCKED(&x->lock);
    while (x->count > capacity)
        drop_oldest(x);
    for (uint64_t i = x->next - x->count; i < x->next; i++)
        slots[i % capacity] = *slot_of(x, i);
    mem_pages_free(x->slots, x->capacity * sizeof(struct slot));
    x->slots = slots;
    x->capacity = capacity;
}

void
exemplars_set_window(struct exemplars *x, int64_t ooo_window_ms)
{
    LOCKED(&x->lock);
    x->window_ms = ooo_window_ms;
}

void
exemplars_stats(struct exemplars *x, struct exemplars_stats *ret_stats)
{
    LOCKED(&x->lock);
    *ret_stats = (struct exemplars_stats){
        .capacity = x->capacity,
        .count = x->count,
        .series = x->series.count,
        .appended = x->appended,
        .out_of_order = x->out_of_order,
        .oldest_ms = x->count ? slot_of(x, x->next - x->count)->t_ms : 0,
    };
}

/* Walks the list of a series; adds its length to *count. */
static struct err
check_series(const struct exemplars *x, const struct exemplar_series *s, size_t *count)
    REQUIRES(x->lock)
{
    uint64_t before = 0;
    int64_t t_ms = INT64_MIN;
    for (uint64_t i = s->oldest; i; before = i, i = slot_of(x, i)->after) {
        const struct slot *at = slot_of(x, i);
        if (i < x->next - x->count || i >= x->next || at->series != s || at->before != before)
            return ERR(ERR_CORRUPT, "exemplars: broken list at arrival %ju", (uintmax_t)i);
        if (at->t_ms < t_ms || ++*count > x->count)
            return ERR(ERR_CORRUPT, "exemplars: list out of order at arrival %ju", (uintmax_t)i);
        t_ms = at->t_ms;
    }
    if (before != s->newest || before == 0)
        return ERR(ERR_CORRUPT, "exemplars: a list ends at %ju, not at its newest",
                   (uintmax_t)before);
    return OK;
}

struct err
exemplars_check(struct exemplars *x)
{
    LOCKED(&x->lock);
    size_t count = 0;
    struct map_entry entry = MAP_START;
    while (map_next(&x->series, &entry))
        TRY(check_series(x, entry.value, &count));
    if (count != x->count)
        return ERR(ERR_CORRUPT, "exemplars: %zu in lists, %zu in the ring", count, x->count);
    return OK;
}
