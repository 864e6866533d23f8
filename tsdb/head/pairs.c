/* pairs.c - interning of label names and pairs. */
#include "tsdb/head/pairs.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/mem.h"

static const uint32_t pair_unknown = UINT32_MAX; /* above FP_ID_MAX */

void
pairs_init(struct pairs *p, struct epoch *epoch, uint64_t seed)
{
    *p = (struct pairs){.epoch = epoch, .seed = seed};
    fp_init(&p->pair_ids, epoch);
    fp_init(&p->name_ids, epoch);
    segarray_init(&p->pairs, sizeof(struct pair), _Alignof(struct pair));
    segarray_init(&p->names, sizeof(struct pair_name), _Alignof(struct pair_name));
    arena_init(&p->name_texts, 0); /* bounded by the head's series limit */
}

static void
pair_fini(struct pair *pair)
{
    id_list_fini(&pair->series);
    mem_free((char *)(uintptr_t)pair->value);
    *pair = (struct pair){0};
}

void
pairs_fini(struct pairs *p)
{
    uint32_t pairs = atomic_load_explicit(&p->pair_count, memory_order_relaxed);
    for (uint32_t i = 0; i < pairs; i++)
        pair_fini(pairs_at(p, i));
    uint32_t names = atomic_load_explicit(&p->name_count, memory_order_relaxed);
    for (uint32_t i = 0; i < names; i++)
        id_list_fini(&pairs_name_at(p, i)->pairs);
    fp_fini(&p->pair_ids);
    fp_fini(&p->name_ids);
    segarray_fini(&p->pairs);
    segarray_fini(&p->names);
    vec_fini(&p->free_pairs);
    arena_fini(&p->name_texts);
}

static struct hash128
name_key(const struct pairs *p, struct str name)
{
    return hash128_seeded(name, p->seed);
}

/* A value under a name: the name's number goes into the seed, so no bytes have to be joined. */
static struct hash128
pair_key(const struct pairs *p, uint32_t name, struct str value)
{
    return hash128_seeded(value, p->seed ^ ((uint64_t)(name + 1) * UINT64_C(0x9e3779b97f4a7c15)));
}

bool
pairs_find_name(const struct pairs *p, struct str name, uint32_t *ret_name)
{
    return fp_find(&p->name_ids, name_key(p, name), ret_name);
}

bool
pairs_find(const struct pairs *p, struct str name, struct str value, uint32_t *ret_id)
{
    uint32_t name_id;
    return pairs_find_name(p, name, &name_id) &&
           fp_find(&p->pair_ids, pair_key(p, name_id, value), ret_id);
}

static uint32_t
intern_name(struct pairs *p, struct str text)
{
    struct hash128 key = name_key(p, text);
    uint32_t id;
    if (fp_find(&p->name_ids, key, &id))
        return id;
    id = atomic_load_explicit(&p->name_count, memory_order_relaxed);
    segarray_ensure(&p->names, id);
    pairs_name_at(p, id)->text = arena_str(&p->name_texts, text);
    atomic_store_explicit(&p->name_count, id + 1, memory_order_release);
    fp_insert(&p->name_ids, key, id);
    return id;
}

/* A number for a pair: one that was freed, or the next. */
static uint32_t
new_pair_number(struct pairs *p)
{
    if (p->free_pairs.n > 0)
        return vec_pop(&p->free_pairs);
    uint32_t id = atomic_load_explicit(&p->pair_count, memory_order_relaxed);
    ASSERT(id < FP_ID_MAX);
    segarray_ensure(&p->pairs, id);
    return id;
}

static uint32_t
intern_pair(struct pairs *p, uint32_t name, struct hash128 key, struct str value)
{
    uint32_t id;
    if (fp_find(&p->pair_ids, key, &id) && !pairs_at(p, id)->dead)
        return id;
    id = new_pair_number(p);
    struct pair *pair = pairs_at(p, id);
    pair->value = mem_dup_text(value.p, value.n);
    pair->value_bytes = u32_of_size(value.n);
    pair->name = name;
    uint32_t count = atomic_load_explicit(&p->pair_count, memory_order_relaxed);
    if (id == count)
        atomic_store_explicit(&p->pair_count, count + 1, memory_order_release);
    id_list_add(&pairs_name_at(p, name)->pairs, id, p->epoch);
    fp_put(&p->pair_ids, key, id); /* over a dead one that was not swept yet */
    return id;
}

/* Neighbours in a request share most of their pairs: the i-th one of the series before is
 * compared before anything is hashed. Gives the name's number in any case. */
static uint32_t
recall_pair(struct pairs *p, size_t i, struct label l, uint32_t *ret_name)
{
    if (i < p->last_count) { /* pairs_bury() forgets them: none is dead */
        const struct pair *last = pairs_at(p, p->last[i]);
        if (str_eq(pairs_name_at(p, last->name)->text, l.name)) {
            *ret_name = last->name;
            return str_eq(pair_value(last), l.value) ? p->last[i] : pair_unknown;
        }
    }
    *ret_name = intern_name(p, l.name);
    return pair_unknown;
}

static void
remember_pairs(struct pairs *p, const uint32_t *ids, size_t count)
{
    p->last_count = size_min(count, PAIRS_REMEMBERED);
    memcpy(p->last, ids, p->last_count * sizeof *ids);
}

void
pairs_intern(struct pairs *p, struct labels l, uint32_t *ret_ids)
{
    ASSERT(l.n <= LABELS_COUNT_MAX); /* label_key_decode() refuses more */
    struct hash128 keys[LABELS_COUNT_MAX];
    uint32_t names[LABELS_COUNT_MAX];
    for (size_t i = 0; i < l.n; i++) { /* all cache misses at once, instead of one by one */
        ret_ids[i] = recall_pair(p, i, l.v[i], &names[i]);
        if (ret_ids[i] != pair_unknown)
            continue;
        keys[i] = pair_key(p, names[i], l.v[i].value);
        fp_prefetch(&p->pair_ids, keys[i]);
    }
    for (size_t i = 0; i < l.n; i++) {
        if (ret_ids[i] == pair_unknown)
            ret_ids[i] = intern_pair(p, names[i], keys[i], l.v[i].value);
        __builtin_prefetch(pairs_at(p, ret_ids[i]), 1);
    }
    remember_pairs(p, ret_ids, l.n);
}

void
pairs_add_series(struct pairs *p, const uint32_t *ids, size_t count, uint32_t series)
{
    for (size_t i = 0; i < count; i++)
        id_list_prefetch(&pairs_at(p, ids[i])->series);
    for (size_t i = 0; i < count; i++)
        id_list_prefetch_end(&pairs_at(p, ids[i])->series);
    for (size_t i = 0; i < count; i++)
        id_list_add(&pairs_at(p, ids[i])->series, series, p->epoch);
}

/* --- the end of pairs ------------------------------------------------------------------------- */

bool
pairs_is_dead(const void *arg, uint32_t id)
{
    return pairs_at(arg, id)->dead;
}

void
pairs_bury(struct pairs *p, uint32_t id)
{
    struct pair *pair = pairs_at(p, id);
    ASSERT(id_list_view(&pair->series).n == 0);
    ASSERT(!pair->dead);
    pair->dead = true;
    p->last_count = 0;
}

void
pairs_sweep(struct pairs *p, unsigned shard)
{
    fp_sweep(&p->pair_ids, shard, pairs_is_dead, p);
}

void
pairs_free(struct pairs *p, uint32_t id)
{
    ASSERT(pairs_at(p, id)->dead);
    pair_fini(pairs_at(p, id));
    vec_push(&p->free_pairs, id);
}
