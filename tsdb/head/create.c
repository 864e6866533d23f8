/* create.c - the birth of series.
 *
 * Order is everything here (invariants H2 and H3 of README.md): a series' record goes into the
 * log's queue before the series exists, so no other request can log a sample of it first, and a
 * log that refuses the record (too much waits, too long, a full disk) leaves nothing behind; and
 * its two halves are written before its number stands in any list. */
#include "tsdb/head/head_int.h"

#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/wal/record.h"

enum {
    NEWBORN_SLOTS = 4 * HEAD_CREATE_CHUNK, /* of the table that finds twins in one request */
    ALIASES_SPARE = 1000,                  /* other spellings of keys, beyond one a series */
};

struct labels
head_labels(const struct head *h, uint32_t slot, struct arena *a)
{
    const uint32_t *set = head_cold(h, slot)->pairs;
    struct label *v = ARENA_ARRAY(a, struct label, set[0]);
    for (uint32_t i = 0; i < set[0]; i++) {
        const struct pair *pair = pairs_at(&h->pairs, set[i + 1]);
        v[i] = (struct label){pairs_name_at(&h->pairs, pair->name)->text, pair_value(pair)};
    }
    return (struct labels){v, set[0]};
}

uint32_t
head_slot_of_birth(const struct head *h, uint32_t i)
{
    size_t free_slots = h->free_slots.n;
    return i < free_slots ? h->free_slots.v[free_slots - 1 - i]
                          : h->slot_count + (i - (uint32_t)free_slots);
}

static uint32_t
take_slot(struct head *h) REQUIRES(h->create_lock)
{
    if (h->free_slots.n > 0)
        return vec_pop(&h->free_slots);
    ASSERT(h->slot_count < HEAD_SERIES_MAX); /* callers check the limit */
    segarray_ensure(&h->hot, h->slot_count);
    segarray_ensure(&h->cold, h->slot_count);
    segarray_ensure(&h->late, h->slot_count);
    return h->slot_count++;
}

uint32_t
head_create_series(struct head *h, struct labels labels, uint64_t ref)
{
    uint32_t slot = take_slot(h);
    uint32_t *set = mem_alloc((labels.n + 1) * sizeof *set);
    set[0] = u32_of_size(labels.n);
    pairs_intern(&h->pairs, labels, set + 1);
    series_init(head_hot(h, slot), head_cold(h, slot), ref, set);

    /* H3: first the id, then the lists: whoever finds the id finds a whole series. */
    uint32_t id = id_map_add(&h->ids, slot);
    pairs_add_series(&h->pairs, set + 1, labels.n, id);
    atomic_fetch_add_explicit(&h->series_live, 1, memory_order_relaxed);
    return slot;
}

/* Series to be made under this hold of the lock, found by canonical key: one request may bring
 * the same labels twice. The i-th gets slot head_slot_of_birth(h, i), reference first_ref + i. */
struct newborns {
    uint64_t first_ref, series_max;
    const struct append_miss *v[HEAD_CREATE_CHUNK];
    uint32_t n;
    uint16_t index[NEWBORN_SLOTS]; /* position in v + 1; open addressing */
};

static bool
same_key(struct hash128 a, struct hash128 b)
{
    return a.lo == b.lo && a.hi == b.hi;
}

static uint16_t *
newborn_place(struct newborns *b, struct hash128 key)
{
    for (uint64_t i = key.lo;; i++) {
        uint16_t *at = &b->index[i % NEWBORN_SLOTS];
        if (*at == 0 || same_key(b->v[*at - 1]->canonical, key))
            return at;
    }
}

/* Remembers another spelling of a key; beyond the bound it is parsed each time instead. */
static void
add_alias(struct head *h, const struct append_miss *miss, uint32_t slot) REQUIRES(h->create_lock)
{
    uint64_t bound =
        2 * (uint64_t)atomic_load_explicit(&h->series_live, memory_order_relaxed) + ALIASES_SPARE;
    if (!same_key(miss->key, miss->canonical) && h->keys.count < bound)
        fp_put(&h->keys, miss->key, slot); /* over that of a dead series, perhaps */
}

/* The living series of a key. A dead one leads nowhere even before it is swept (forget.c). */
static bool
find_living(const struct head *h, struct hash128 key, uint32_t *ret_slot) REQUIRES(h->create_lock)
{
    if (!fp_find(&h->keys, key, ret_slot))
        return false;
    struct series_hot *hot = head_hot(h, *ret_slot);
    spin_acquire(&hot->spin);
    bool living = !hot->dead;
    spin_release(&hot->spin);
    return living;
}

static bool
has_room(const struct head *h, const struct newborns *b) REQUIRES(h->create_lock)
{
    uint32_t live = atomic_load_explicit(&h->series_live, memory_order_relaxed) + b->n;
    return live < b->series_max && h->slot_count + b->n < HEAD_SERIES_MAX &&
           id_map_bound(&h->ids) < UINT32_MAX - HEAD_CREATE_CHUNK &&
           b->first_ref + b->n <= HEAD_REF_MAX;
}

/* The slot of one miss: known after all, twin of a newborn, or newborn. False at the limit. */
static bool
settle_miss(struct head *h, struct newborns *b, const struct append_miss *miss, struct buf *record,
            uint32_t *ret_slot) REQUIRES(h->create_lock)
{
    if (find_living(h, miss->canonical, ret_slot)) {
        add_alias(h, miss, *ret_slot);
        return true;
    }
    uint16_t *place = newborn_place(b, miss->canonical);
    if (*place != 0) {
        *ret_slot = head_slot_of_birth(h, *place - 1u);
        return true;
    }
    if (!has_room(h, b))
        return false;
    *ret_slot = head_slot_of_birth(h, b->n);
    record_put_series(record, b->first_ref + b->n, miss->labels);
    b->v[b->n++] = miss;
    *place = (uint16_t)b->n;
    return true;
}

void
head_forget_logged(struct head *h)
{
    wal_ticket written = wal_written(h->wal);
    size_t done = 0;
    while (done < h->unlogged.n && h->unlogged.v[done].ticket <= written)
        done++;
    if (done == 0)
        return;
    h->unlogged.n -= done;
    memmove(h->unlogged.v, h->unlogged.v + done, h->unlogged.n * sizeof h->unlogged.v[0]);
}

/* Their record is queued (H2): now other requests may find them. */
static void
give_birth(struct head *h, const struct newborns *b, wal_ticket ticket) REQUIRES(h->create_lock)
{
    for (uint32_t i = 0; i < b->n; i++) {
        uint32_t expected = head_slot_of_birth(h, 0);
        uint32_t slot = head_create_series(h, b->v[i]->labels, b->first_ref + i);
        ASSERT(slot == expected); /* what settle_miss() has promised to a row */
        fp_put(&h->keys, b->v[i]->canonical, slot);
        vec_push(&h->unlogged, ((struct unlogged_series){slot, ticket}));
    }
    h->next_ref += b->n;
    atomic_fetch_add_explicit(&h->series_created, b->n, memory_order_relaxed);
}

/* At most HEAD_CREATE_CHUNK misses, from `first` on, under one hold of the lock. */
static struct err
create_some(struct head *h, const struct births *births, size_t first, size_t count)
{
    ASSERT(count <= HEAD_CREATE_CHUNK);
    AUTO(buf_fini) struct buf record = BUF_INIT;
    record_begin_series(&record);

    LOCKED(&h->create_lock);
    head_forget_logged(h);
    struct newborns born = {.first_ref = h->next_ref, .series_max = births->series_max};
    for (size_t i = first; i < first + count; i++) {
        const struct append_miss *miss = &births->misses[i];
        if (!settle_miss(h, &born, miss, &record, &births->slots[miss->row]))
            ++*births->refused;
    }
    if (born.n == 0)
        return OK;
    wal_ticket ticket;
    struct str view = buf_str(&record);
    TRY(wal_enqueue_dated(h->wal, &view, 1, WAL_TIME_NONE, &ticket));
    give_birth(h, &born, ticket);
    births->result->series_created += born.n;
    return OK;
}

struct err
head_create_missing(struct head *h, const struct births *births)
{
    for (size_t done = 0; done < births->count;) {
        size_t some = size_min(births->count - done, HEAD_CREATE_CHUNK);
        TRY_IN(create_some(h, births, done, some), "log of new series");
        done += some;
    }
    return OK;
}
