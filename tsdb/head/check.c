/* check.c - whether a head's structures agree with each other (H3, H5, H6, D1); for tests.
 *
 * Threads: the only one. */
#include "tsdb/head/late.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/sort.h"

static struct err
bad_series(uint32_t slot, const char *what)
{
    return ERR(ERR_CORRUPT, "series %u: %s", slot, what);
}

/* The bytes of a chunk hold what its frame says. */
static struct err
check_chunk(uint32_t slot, const struct chunk_view *c)
{
    int64_t first_ms, last_ms;
    TRY_IN(chunk_check(c->encoding, c->data, &first_ms, &last_ms), "series %u, chunk at %jd", slot,
           (intmax_t)c->mint_ms);
    if (first_ms != c->mint_ms || last_ms != c->maxt_ms)
        return bad_series(slot, "a chunk's times differ from its bytes");
    return OK;
}

static struct err
check_open_chunk(const struct series_hot *hot, const struct series_cold *cold, uint32_t slot)
{
    if (!series_check_tail(hot))
        return bad_series(slot, "its open chunk does not fit its buffer");
    if (hot->xor.count == 0)
        return OK;
    if (!hot->has_last)
        return bad_series(slot, "an open chunk without a last sample");
    AUTO(mem_free) uint8_t *bytes = mem_alloc(series_open_bytes(hot));
    struct chunk_view open = series_snapshot(hot, cold, bytes);
    return check_chunk(slot, &open);
}

static struct err
check_chunks(const struct head *h, uint32_t slot)
{
    const struct series_hot *hot = head_hot(h, slot);
    const struct series_cold *cold = head_cold(h, slot);
    if (hot->dead)
        return bad_series(slot, "a dead one that still has an id");
    if (hot->claim != 0 || hot->awaited)
        return bad_series(slot, "an append has left its claim behind");
    TRY(check_open_chunk(hot, cold, slot));
    int64_t next_ms = series_open_mint_ms(hot, cold); /* of the chunk behind */
    bool bounded = hot->xor.count > 0, unmapped_ended = false;
    for (const struct head_chunk *c = cold->newest; c; c = c->older) {
        int64_t maxt_ms = head_chunk_maxt_ms(c);
        if (bounded && maxt_ms >= next_ms)
            return bad_series(slot, "chunks overlap or do not ascend");
        if (!bounded && hot->xor.t_ms != maxt_ms)
            return bad_series(slot, "its last sample is not that of its newest chunk");
        if (unmapped_ended && !c->mapped)
            return bad_series(slot, "a chunk was mapped before an older one");
        unmapped_ended = c->mapped;
        struct chunk_view view = {c->mint_ms, maxt_ms, c->encoding, {NULL, 0}};
        view.data = c->mapped ? head_chunks_data(h->chunks, c->ref)
                              : str_of((const char *)c->data, c->bytes);
        TRY(check_chunk(slot, &view));
        next_ms = c->mint_ms;
        bounded = true;
    }
    return OK;
}

static struct err
check_late(const struct head *h, uint32_t slot, uint32_t *late)
{
    const struct ooo_series *o = late_of(h, slot);
    if ((head_hot(h, slot)->xor.flags & SERIES_LATE) != (o ? SERIES_LATE : 0))
        return bad_series(slot, "its flags are wrong about late samples");
    if (!o)
        return OK;
    ++*late;
    if (ooo_series_is_empty(o) || !ooo_series_check(o))
        return bad_series(slot, "its late chunks are in disorder");
    for (uint32_t i = 0; i < o->finished_count; i++) {
        const struct ooo_finished *f = &o->finished[i];
        struct chunk_view view = {f->mint_ms, f->maxt_ms, f->encoding, {NULL, 0}};
        view.data = f->mapped ? head_chunks_data(h->chunks, f->ref)
                              : str_of((const char *)f->data, f->bytes);
        TRY(check_chunk(slot, &view));
    }
    return OK;
}

static bool
contains(struct postings list, uint32_t slot)
{
    size_t low = 0, high = list.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list.v[middle] < slot)
            low = middle + 1;
        else
            high = middle;
    }
    return low < list.n && list.v[low] == slot;
}

static struct err
check_labels(const struct head *h, uint32_t id, uint32_t slot, struct arena *scratch)
{
    const uint32_t *set = head_cold(h, slot)->pairs;
    struct labels labels = head_labels(h, slot, scratch);
    if (labels.n == 0)
        return bad_series(slot, "no labels");
    for (uint32_t i = 0; i < labels.n; i++) {
        uint32_t pair;
        if (i > 0 && str_cmp(labels.v[i - 1].name, labels.v[i].name) >= 0)
            return bad_series(slot, "names are not sorted");
        if (!pairs_find(&h->pairs, labels.v[i].name, labels.v[i].value, &pair) ||
            pair != set[i + 1])
            return bad_series(slot, "one of its pairs cannot be found");
        if (!contains(id_list_view(&pairs_at(&h->pairs, pair)->series), id))
            return bad_series(slot, "one of its pairs does not list it");
    }
    AUTO(buf_fini) struct buf key = BUF_INIT;
    label_key_encode(labels, &key);
    uint32_t found;
    if (!fp_find(&h->keys, hash128_secret(buf_str(&key), &h->secret), &found) || found != slot)
        return bad_series(slot, "its key does not lead to it");
    return OK;
}

static bool
lists(struct postings list, uint32_t id)
{
    for (size_t i = 0; i < list.n; i++) { /* numbers of pairs are used again: no order */
        if (list.v[i] == id)
            return true;
    }
    return false;
}

/* Lists ascend and hold nothing but the series that have the pair. */
static struct err
check_pairs(const struct head *h, size_t pairs_of_series)
{
    size_t listed = 0;
    uint32_t count = atomic_load_explicit(&h->pairs.pair_count, memory_order_acquire);
    for (uint32_t pair_id = 0; pair_id < count; pair_id++) {
        const struct pair *pair = pairs_at(&h->pairs, pair_id);
        struct postings series = id_list_view(&pair->series);
        if (!postings_check(series) ||
            (series.n > 0 && series.v[series.n - 1] >= id_map_bound(&h->ids)))
            return ERR(ERR_CORRUPT, "series of pair %u do not ascend", pair_id);
        if (pair->value && !pair->dead &&
            !lists(id_list_view(&pairs_name_at(&h->pairs, pair->name)->pairs), pair_id))
            return ERR(ERR_CORRUPT, "pair %u is not among those of its name", pair_id);
        for (size_t i = 0; i < series.n; i++) {
            if (id_map_slot(&h->ids, series.v[i]) == slot_none)
                return ERR(ERR_CORRUPT, "pair %u lists a series that is gone", pair_id);
        }
        listed += series.n;
    }
    if (listed != pairs_of_series)
        return ERR(ERR_CORRUPT, "pairs list %zu series, series have %zu pairs", listed,
                   pairs_of_series);
    return OK;
}

/* Every slot is a living series, forgotten or free; the free ones are blank. */
static struct err
check_slots(const struct head *h, uint32_t living)
{
    size_t others = h->free_slots.n + h->forgotten.slots.n;
    if (living + others != h->slot_count)
        return ERR(ERR_CORRUPT, "%u series and %zu free slots of %u", living, others,
                   h->slot_count);
    for (size_t i = 0; i < h->free_slots.n; i++) {
        uint32_t slot = h->free_slots.v[i];
        if (head_cold(h, slot)->pairs || head_hot(h, slot)->tail || late_of(h, slot))
            return bad_series(slot, "free but not blank");
    }
    return OK;
}

/* Only living series have deletions. */
static struct err
check_deletions(const struct head *h)
{
    AUTO(deletion_list_fini) struct deletion_list all = VEC_INIT;
    VEC(uint64_t) refs = VEC_INIT;
    deletions_list(h->deletions, &all);
    struct slot_cursor c = slot_cursor_of(h);
    for (uint32_t slot; all.n > 0 && (slot = slot_cursor_next(&c, h)) != slot_none;)
        vec_push(&refs, series_ref(head_hot(h, slot)));
    u64_sort(refs.v, refs.n);
    struct err e = OK;
    for (size_t i = 0; e.code == ERR_NONE && i < all.n; i++) {
        if (!u64_contains(refs.v, refs.n, all.v[i].id))
            e = ERR(ERR_CORRUPT, "a deletion of series %ju, which is gone",
                    (uintmax_t)all.v[i].id);
    }
    vec_fini(&refs);
    return e;
}

struct err
head_check(struct head *h)
{
    AUTO(arena_fini) struct arena scratch;
    arena_init(&scratch, 0);
    size_t pairs = 0;
    uint32_t living = 0, late = 0;
    struct slot_cursor c = slot_cursor_of(h);
    for (uint32_t slot; (slot = slot_cursor_next(&c, h)) != slot_none; living++) {
        uint64_t ref = series_ref(head_hot(h, slot));
        if (ref == 0 || ref >= h->next_ref)
            return bad_series(slot, "its reference was not given out");
        TRY(check_chunks(h, slot));
        TRY(check_late(h, slot, &late));
        TRY(check_labels(h, c.at - 1, slot, &scratch));
        pairs += head_cold(h, slot)->pairs[0];
        arena_reset(&scratch);
    }
    if (late != atomic_load_explicit(&h->late_series, memory_order_relaxed))
        return ERR(ERR_CORRUPT, "%u series have late samples, more or fewer are counted", late);
    if (living != atomic_load_explicit(&h->series_live, memory_order_relaxed))
        return ERR(ERR_CORRUPT, "%u series are alive, more or fewer are counted", living);
    if (head_count_chunks(h) + db_events_of(&h->events, DB_CHUNKS_REMOVED) !=
        db_events_of(&h->events, DB_CHUNKS_CREATED))
        return ERR(ERR_CORRUPT, "%zu chunks are there, more or fewer are counted",
                   head_count_chunks(h));
    for (size_t i = 1; i < h->unlogged.n; i++) {
        if (h->unlogged.v[i - 1].ticket > h->unlogged.v[i].ticket)
            return ERR(ERR_CORRUPT, "tickets of series that are not logged do not ascend");
    }
    TRY(check_deletions(h));
    TRY(check_slots(h, living));
    return check_pairs(h, pairs);
}
