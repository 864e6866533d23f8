/* pairs.h - every label pair of a head once, numbered, with the series that have it.
 *
 * A series stores pair numbers instead of strings, and a query finds series by pair. Names are
 * numbered too and know their pairs. Numbers are dense and never reused.
 * Threads: interning by one thread at a time; everything else any, within an epoch. */
#pragma once
#include "base/arena.h"
#include "base/segarray.h"
#include "tsdb/head/fingerprints.h"
#include "tsdb/head/id_list.h"
#include "tsdb/model/labels.h"

struct pair {
    const char *value; /* in the strings' arena */
    uint32_t value_bytes;
    uint32_t name; /* number of the name */
    struct id_list series;
};
_Static_assert(sizeof(struct pair) == 32, "half a cache line a label pair");

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
    struct arena strings;
    uint32_t last[PAIRS_REMEMBERED]; /* pairs of the series interned last, in label order */
    size_t last_count;
};

void pairs_init(struct pairs *p, struct epoch *epoch, uint64_t seed);
void pairs_fini(struct pairs *p);

/* The pairs of all labels, new ones made, into ret_ids[l.n]; in the order of l. */
void pairs_intern(struct pairs *p, struct labels l, uint32_t *ret_ids);
/* Enters `series` in the list of each pair; series numbers must come in ascending order. */
void pairs_add_series(struct pairs *p, const uint32_t *ids, size_t count, uint32_t series);

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
