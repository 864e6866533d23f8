/* pairs.h - every label pair of a head once, numbered, with the series that have it.
 *
 * A series stores pair numbers instead of strings, and a query finds series by pair. Names are
 * numbered too and know their pairs. Numbers are dense; those of pairs whose last series is gone
 * are used again, after pairs_free(). Names stay.
 * Threads: whatever changes a pair or the tables by one thread at a time; everything else any,
 * within an epoch or as long as nothing is freed that was to be found when it began. */
#pragma once
#include "base/arena.h"
#include "base/segarray.h"
#include "base/vec.h"
#include "tsdb/head/fingerprints.h"
#include "tsdb/head/id_list.h"
#include "tsdb/model/labels.h"

struct pair {
    const char *value; /* owned */
    uint32_t value_bytes;
    uint32_t name;         /* number of the name */
    struct id_list series; /* ids */
    bool dead;             /* found by nobody who makes a series; of the changing thread */
};
_Static_assert(sizeof(struct pair) == 32, "half a cache line a label pair");
VEC_TYPE(pair_numbers, uint32_t);

struct pair_name {
    struct str text;
    struct id_list pairs;
};

enum { PAIRS_REMEMBERED = 32 };

struct pairs {
    struct epoch *epoch; /* borrowed for life */
    uint64_t seed;
    struct fp_table pair_ids, name_ids;
    struct segarray pairs, names;
    _Atomic(uint32_t) pair_count, name_count; /* published after the item */
    struct pair_numbers free_pairs; /* numbers to be used again */
    struct arena name_texts;
    uint32_t last[PAIRS_REMEMBERED]; /* pairs of the series interned last, in label order */
    size_t last_count;
};

void pairs_init(struct pairs *p, struct epoch *epoch, uint64_t seed);
void pairs_fini(struct pairs *p);

/* The pairs of all labels, new ones made, into ret_ids[l.n]; in the order of l. */
void pairs_intern(struct pairs *p, struct labels l, uint32_t *ret_ids);
/* Enters `series`, an id above all before, in the list of each pair. */
void pairs_add_series(struct pairs *p, const uint32_t *ids, size_t count, uint32_t series);

/* The end of pairs, in steps, each the changing thread's. A pair without series: nobody who
 * interns finds it any more. */
void pairs_bury(struct pairs *p, uint32_t id);
/* For id_list_copy_without() on the list of a name: `arg` is the struct pairs. */
bool pairs_is_dead(const void *arg, uint32_t id);
/* Takes dead pairs out of one shard of the table of pairs, 0 to FP_SHARDS - 1. */
void pairs_sweep(struct pairs *p, unsigned shard);
/* Once all shards were swept and nobody can see it any more: its number is free. */
void pairs_free(struct pairs *p, uint32_t id);

bool pairs_find(const struct pairs *p, struct str name, struct str value, uint32_t *ret_id);
bool pairs_find_name(const struct pairs *p, struct str name, uint32_t *ret_name);
static inline struct pair *
pairs_at(const struct pairs *p, uint32_t id)
{
    return segarray_at(&p->pairs, id);
}
static inline struct pair_name *
pairs_name_at(const struct pairs *p, uint32_t name)
{
    return segarray_at(&p->names, name);
}
static inline struct str
pair_value(const struct pair *pair)
{
    return (struct str){pair->value, pair->value_bytes};
}
