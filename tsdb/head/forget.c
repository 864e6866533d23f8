/* forget.c - drops what blocks have taken over: chunks, series without any, label pairs without
 * series, their files.
 *
 * Appends and queries go on meanwhile. A series dies under its spin, only while no append has
 * claimed it; from then on it refuses claims, and whoever still finds it by an old key looks its
 * labels up again (append.c) and gets a new series under a new reference. Then what leads to it
 * is taken away piece by piece: its id, the lists of its pairs, the pairs that are left without
 * series, the keys. Each piece is changed under the creation lock, for a bounded time. Memory is
 * given back by head_free_forgotten(), once nobody can know it any more: appends know series
 * within an epoch, queries within a view of the database, as long as which the owner waits.
 * Threads: the maintaining one. */
#include "tsdb/head/late.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/sort.h"

enum { FORGET_BATCH = 256 }; /* ids, slots or pairs under one hold of the creation lock */

struct pass {
    struct head *h;
    int64_t end_ms;
    struct slot_list ids, slots, pairs; /* of the dead; pairs also those that may live on */
    int64_t oldest_ms;                  /* sample that is left */
    uint32_t first_file;                /* of chunks_head that is still needed */
    size_t chunks;                      /* that went */
    int64_t oldest_late_ms;             /* that may still come */
    struct deletion_list deletions;     /* that still stand */
    VEC(uint64_t) ends;                 /* series that are to die: refs */
    struct slot_list end_ids, end_slots;
};

/* --- chunks and series ------------------------------------------------------------------------ */

static size_t
free_chunks(struct head *h, struct head_chunk *newest)
{
    size_t n = 0;
    for (; newest; n++) {
        struct head_chunk *c = newest;
        newest = c->older;
        if (!c->mapped)
            epoch_retire(h->epoch, c->data); /* a reader may be copying it */
        mem_free(c);
    }
    return n;
}

/* What a living series still has. */
static void
look_at(struct pass *p, const struct series_hot *hot, const struct series_cold *cold,
        const struct ooo_series *late)
{
    for (uint32_t i = 0; late && i < late->finished_count && late->finished[i].mapped; i++)
        p->first_file = (uint32_t)u64_min(p->first_file, late->finished[i].ref >> 32);
    int64_t oldest_ms = hot->xor.count > 0 ? series_open_mint_ms(hot, cold) : INT64_MAX;
    for (const struct head_chunk *c = cold->newest; c; c = c->older) {
        oldest_ms = c->mint_ms;
        if (c->mapped && (uint32_t)(c->ref >> 32) < p->first_file)
            p->first_file = (uint32_t)(c->ref >> 32);
    }
    p->oldest_ms = i64_min(p->oldest_ms, oldest_ms);
}

/* An empty series may die once nothing that the log has of it, behind `end_ms`, is deleted. */
static bool
deletions_end(const struct pass *p, uint64_t ref)
{
    const struct interval *spans;
    size_t n = deletions_of(p->h->deletions, ref, &spans);
    return n == 0 || spans[n - 1].maxt_ms < p->end_ms;
}

/* Of a living series: what a sample lies in that it has, or that may come late, stands (D3). */
static void
keep_deletions(struct pass *p, uint64_t ref, const struct ooo_series *late)
{
    const struct interval *spans;
    size_t n = deletions_of(p->h->deletions, ref, &spans);
    int64_t from_ms = i64_min(p->end_ms, p->oldest_late_ms);
    if (n > 0 && late)
        from_ms = i64_min(from_ms, ooo_series_range(late).mint_ms);
    for (size_t i = 0; i < n; i++) {
        if (spans[i].maxt_ms >= from_ms)
            vec_push(&p->deletions, ((struct tombstone){ref, spans[i]}));
    }
}

static void
forget_in_series(struct pass *p, uint32_t id, uint32_t slot)
{
    struct series_hot *hot = head_hot(p->h, slot);
    struct series_cold *cold = head_cold(p->h, slot);
    spin_acquire(&hot->spin);
    bool was_open = hot->xor.count > 0;
    struct head_chunk *dropped = series_drop_before(hot, cold, p->end_ms);
    p->chunks += was_open && hot->xor.count == 0;
    uint64_t ref = series_ref(hot);
    bool empty = series_is_empty(hot, cold) && hot->claim == 0;
    bool deleted = deletions_of(p->h->deletions, ref, &(const struct interval *){NULL}) > 0;
    bool dies = empty && !deleted;
    if (dies)
        hot->dead = 1;
    look_at(p, hot, cold, late_of(p->h, slot));
    if (empty && deleted && deletions_end(p, ref)) {
        vec_push(&p->ends, ref);
        vec_push(&p->end_ids, id);
        vec_push(&p->end_slots, slot);
    } else if (deleted) {
        keep_deletions(p, ref, late_of(p->h, slot));
    }
    spin_release(&hot->spin);
    p->chunks += free_chunks(p->h, dropped);
    if (dies) {
        vec_push(&p->ids, id);
        vec_push(&p->slots, slot);
    }
}

static void
forget_in_all(struct pass *p)
{
    struct slot_cursor c = slot_cursor_of(p->h);
    for (uint32_t slot; (slot = slot_cursor_next(&c, p->h)) != slot_none;)
        forget_in_series(p, c.at - 1, slot);
}

static int64_t
oldest_late_ms(const struct head *h)
{
    int64_t maxt_ms = atomic_load_explicit(&h->maxt_ms, memory_order_relaxed), oldest_ms;
    if (h->opts.ooo_window_ms == 0)
        return INT64_MAX;
    return __builtin_sub_overflow(maxt_ms, h->opts.ooo_window_ms, &oldest_ms) ? INT64_MIN
                                                                              : oldest_ms;
}

/* The series' own that have ended go, and those of the dead. */
static void
forget_deletions(struct pass *p)
{
    struct deletions *before = p->h->deletions;
    if (deletions_count(before) == p->deletions.n)
        return;
    p->h->deletions = deletions_with(NULL, &p->deletions);
    deletions_unref(before);
}

/* The log has it that the deletions of a series are over before it dies: else a start would take
 * them for those of another that was born of its labels (D7). A log that fails is told when it was
 * recovered, before it takes a sample; at a start there is none yet. */
static struct err
end_series(struct pass *p)
{
    for (size_t i = 0; i < p->ends.n; i++)
        vec_push(&p->h->ends, ((struct tombstone){p->ends.v[i], DELETIONS_END}));
    struct err e = p->h->wal ? head_log_ends(p->h) : OK;
    forget_deletions(p);
    for (size_t i = 0; i < p->ends.n; i++)
        forget_in_series(p, p->end_ids.v[i], p->end_slots.v[i]);
    return e;
}

/* The refs of the dead are past from now on: what was logged of them is behind us. */
static void
remember_refs(const struct pass *p)
{
    for (size_t i = 0; i < p->slots.n; i++)
        head_remember_ref(p->h, series_ref(head_hot(p->h, p->slots.v[i])), INT64_MIN);
}

static void
remove_ids(struct pass *p)
{
    for (size_t done = 0; done < p->ids.n;) {
        LOCKED(&p->h->create_lock);
        size_t from = done, end = size_min(done + FORGET_BATCH, p->ids.n);
        for (; done < end; done++)
            id_map_remove(&p->h->ids, p->ids.v[done]);
        atomic_fetch_sub_explicit(&p->h->series_live, (uint32_t)(end - from),
                                  memory_order_relaxed);
    }
}

/* --- pairs ------------------------------------------------------------------------------------ */

static void
sort_unique(struct slot_list *l)
{
    size_t n = 0;
    u32_sort(l->v, l->n);
    for (size_t i = 0; i < l->n; i++) {
        if (n == 0 || l->v[n - 1] != l->v[i])
            l->v[n++] = l->v[i];
    }
    l->n = n;
}

static void
gather_pairs(struct pass *p)
{
    vec_each (&p->slots, slot) {
        const uint32_t *set = head_cold(p->h, *slot)->pairs;
        for (uint32_t i = 1; i <= set[0]; i++)
            vec_push(&p->pairs, set[i]);
        if (p->pairs.n > (1u << 20)) /* neighbours share most: keeps the list short */
            sort_unique(&p->pairs);
    }
    sort_unique(&p->pairs);
}

static bool
id_is_dead(const void *arg, uint32_t id)
{
    return id_map_slot(arg, id) == slot_none;
}

/* Copies the list beside births; only taking it over keeps them waiting. Returns how many are
 * left in it. */
static size_t
shrink_list(struct head *h, struct id_list *list, id_is_gone gone, const void *arg)
{
    uint32_t seen;
    struct epoch_guard guard = epoch_enter(h->epoch);
    struct id_items *copy = id_list_copy_without(list, gone, arg, &seen);
    epoch_leave(h->epoch, guard);
    LOCKED(&h->create_lock);
    if (copy)
        id_list_take_over(list, copy, seen, h->epoch);
    return id_list_view(list).n;
}

/* A pair without series is buried in the same hold of the lock that finds it so. */
static bool
bury_if_empty(struct head *h, uint32_t pair)
{
    LOCKED(&h->create_lock);
    bool empty = id_list_view(&pairs_at(&h->pairs, pair)->series).n == 0;
    if (empty)
        pairs_bury(&h->pairs, pair);
    return empty;
}

/* Leaves the buried ones in p->pairs. */
static void
forget_pairs(struct pass *p)
{
    struct head *h = p->h;
    struct slot_list names = VEC_INIT;
    size_t buried = 0;
    gather_pairs(p);
    vec_each (&p->pairs, pair) {
        if (shrink_list(h, &pairs_at(&h->pairs, *pair)->series, id_is_dead, &h->ids) > 0 ||
            !bury_if_empty(h, *pair))
            continue;
        vec_push(&names, pairs_at(&h->pairs, *pair)->name);
        p->pairs.v[buried++] = *pair;
    }
    p->pairs.n = buried;
    sort_unique(&names);
    vec_each (&names, name)
        shrink_list(h, &pairs_name_at(&h->pairs, *name)->pairs, pairs_is_dead, &h->pairs);
    vec_fini(&names);
}

/* --- keys ------------------------------------------------------------------------------------- */

/* A bit a slot: every key asks. */
struct dead_slots {
    uint64_t *bits;
    uint32_t bound;
};

static bool
slot_is_dead(const void *arg, uint32_t slot)
{
    const struct dead_slots *dead = arg;
    return slot < dead->bound && dead->bits[slot / 64] >> (slot % 64) & 1;
}

static void
sweep_keys(struct pass *p)
{
    struct dead_slots dead = {NULL, 0};
    vec_each (&p->slots, slot)
        dead.bound = *slot >= dead.bound ? *slot + 1 : dead.bound;
    AUTO(mem_free) uint64_t *bits = mem_array_zero(dead.bound / 64 + 1, sizeof *bits);
    dead.bits = bits;
    vec_each (&p->slots, slot)
        bits[*slot / 64] |= UINT64_C(1) << (*slot % 64);
    for (unsigned shard = 0; p->slots.n > 0 && shard < FP_SHARDS; shard++) {
        LOCKED(&p->h->create_lock);
        fp_sweep(&p->h->keys, shard, slot_is_dead, &dead);
        if (p->pairs.n > 0)
            pairs_sweep(&p->h->pairs, shard);
    }
}

/* --- the whole -------------------------------------------------------------------------------- */

/* The head's range begins where its oldest sample is; never past what an append may still bring
 * (spec/tsdb.md section 12, GC). An empty head has no range. */
static void
narrow_range(struct pass *p)
{
    struct head *h = p->h;
    LOCKED(&h->create_lock); /* nobody is born: an empty head stays empty */
    if (atomic_load_explicit(&h->series_live, memory_order_relaxed) == 0) {
        atomic_store_explicit(&h->mint_ms, INT64_MAX, memory_order_relaxed);
        atomic_store_explicit(&h->maxt_ms, INT64_MIN, memory_order_relaxed);
        return;
    }
    int64_t mint_ms = i64_min(p->oldest_ms, head_min_valid_ms(h));
    atomic_store_explicit(&h->mint_ms, i64_max(mint_ms, p->end_ms), memory_order_relaxed);
}

static void
keep_for_freeing(struct pass *p)
{
    struct forgotten *f = &p->h->forgotten;
    vec_each (&p->slots, slot)
        vec_push(&f->slots, *slot);
    vec_each (&p->pairs, pair)
        vec_push(&f->pairs, *pair);
    f->epoch_mark = epoch_mark(p->h->epoch);
}

struct err
head_forget(struct head *h, int64_t end_ms)
{
    ASSERT(h->forgotten.slots.n == 0); /* the pass before was brought to its end */
    struct pass p = {.h = h,
                     .end_ms = end_ms,
                     .ids = VEC_INIT,
                     .slots = VEC_INIT,
                     .pairs = VEC_INIT,
                     .oldest_ms = INT64_MAX,
                     .first_file = h->unread_file,
                     .oldest_late_ms = oldest_late_ms(h),
                     .deletions = VEC_INIT,
                     .ends = VEC_INIT,
                     .end_ids = VEC_INIT,
                     .end_slots = VEC_INIT};
    forget_in_all(&p);
    struct err e = end_series(&p);
    remember_refs(&p);
    remove_ids(&p);
    forget_pairs(&p);
    sweep_keys(&p);
    narrow_range(&p);
    keep_for_freeing(&p);
    db_events_add(&h->events, DB_CHUNKS_REMOVED, p.chunks);
    db_events_add(&h->events, DB_SERIES_REMOVED, p.slots.n);
    vec_fini(&p.ids);
    vec_fini(&p.slots);
    vec_fini(&p.pairs);
    vec_fini(&p.deletions);
    vec_fini(&p.ends);
    vec_fini(&p.end_ids);
    vec_fini(&p.end_slots);
    TRY(e);
    return head_chunks_forget(h->chunks, p.first_file);
}

bool
head_free_forgotten(struct head *h)
{
    struct forgotten *f = &h->forgotten;
    if (!epoch_passed(h->epoch, f->epoch_mark))
        return false;
    while (f->slots.n > 0 || f->pairs.n > 0) {
        LOCKED(&h->create_lock);
        for (unsigned i = 0; i < FORGET_BATCH && f->slots.n > 0; i++) {
            uint32_t slot = vec_pop(&f->slots);
            series_fini(head_hot(h, slot), head_cold(h, slot));
            vec_push(&h->free_slots, slot);
        }
        for (unsigned i = 0; i < FORGET_BATCH && f->pairs.n > 0; i++)
            pairs_free(&h->pairs, vec_pop(&f->pairs));
    }
    vec_fini(&f->slots);
    vec_fini(&f->pairs);
    head_chunks_unmap_forgotten(h->chunks);
    return true;
}
