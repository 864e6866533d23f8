/* ketama.c - sections sorted once, owners of each found once, a table from the first bits of a
 * hash to its section. */
#include "replication/ketama.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/hash.h"

struct ketama {
    size_t section_count;
    unsigned replication_factor;
    unsigned shift;   /* bits of a hash behind those that `starts` is asked for */
    uint32_t *starts; /* first section whose hash is not below index << shift */
    size_t stride;    /* bytes of a section; one look-up reads a cache line of them as a rule */
    char *sections; /* struct section, and behind the last one of UINT64_MAX with the owners of the
                     * first */
};
struct section {
    uint64_t hash;
    uint16_t owners[]; /* replication_factor of them */
};

static inline struct section *
section_at(const struct ketama *k, size_t index)
{
    return (struct section *)(void *)(k->sections + index * k->stride);
}

/* --- sections ------------------------------------------------------------------------------ */

static int
section_cmp(const void *left, const void *right)
{
    const struct ketama_section *a = left, *b = right;
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return (a->endpoint > b->endpoint) - (a->endpoint < b->endpoint);
}

struct ketama_section *
ketama_sections_new(const struct str *addresses, size_t count)
{
    struct ketama_section *v = mem_array_zero(count * KETAMA_SECTIONS + 1, sizeof *v), *at = v;
    AUTO(buf_fini) struct buf text = BUF_INIT;
    for (size_t e = 0; e < count; e++) {
        for (int i = 1; i <= KETAMA_SECTIONS; i++) {
            buf_clear(&text);
            buf_append(&text, addresses[e]);
            buf_printf(&text, ":%d", i);
            *at++ = (struct ketama_section){hash64(buf_str(&text)), u16_of_size(e)};
        }
    }
    qsort(v, count * KETAMA_SECTIONS, sizeof *v, section_cmp);
    return v;
}

/* --- spreading copies ---------------------------------------------------------------------- */

struct zone_facts {
    size_t endpoints, zones, smallest;
};

static struct zone_facts
zone_facts_of(const struct ketama_opts *o)
{
    struct zone_facts f = {.smallest = o->zone_count};
    for (size_t z = 0; z < o->zone_count; z++) {
        if (o->zone_sizes[z] == 0)
            continue;
        f.zones++;
        f.endpoints += o->zone_sizes[z];
        if (f.smallest == o->zone_count || o->zone_sizes[z] < o->zone_sizes[f.smallest])
            f.smallest = z;
    }
    return f;
}

/* A zone is given no more than one copy more than the zone with the fewest, and that one can be
 * full: every other zone then ends one above it. */
struct err
ketama_check(const struct ketama_opts *o)
{
    struct zone_facts f = zone_facts_of(o);
    if (f.endpoints < o->replication_factor)
        return ERR(ERR_INVALID, "%zu endpoints are fewer than the replication factor %u",
                   f.endpoints, o->replication_factor);
    if (f.zones < 2)
        return OK;
    size_t smallest = o->zone_sizes[f.smallest], copies = 0;
    for (size_t z = 0; z < o->zone_count; z++)
        copies += size_min(o->zone_sizes[z], smallest + 1);
    if (copies < o->replication_factor)
        return ERR(ERR_INVALID,
                   "%u copies cannot be spread over the zones: zone \"%.*s\" has %zu endpoints, so "
                   "that no zone may take more than %zu copies",
                   o->replication_factor, STR_FMT(o->zone_names[f.smallest]), smallest,
                   smallest + 1);
    return OK;
}

/* One walk at a time: counts are those of the walk whose number stands beside them. */
struct walk {
    const struct ketama_opts *opts;
    uint32_t number;      /* of the walk, from 1 */
    uint32_t *taken_in;   /* by endpoint: the last walk that took it */
    uint32_t *counted_in; /* by zone: the last walk that counted in it */
    uint32_t *counts;     /* by zone: copies */
    uint16_t *zones;      /* those of the walk that have copies */
    size_t zones_used;    /* how many */
    size_t zones_all;     /* that have endpoints */
    uint32_t fewest;      /* copies, of all zones */
    uint64_t steps;       /* of all walks */
};

static void
walk_fini(struct walk *w)
{
    mem_free(w->taken_in);
    mem_free(w->counted_in);
    mem_free(w->counts);
    mem_free(w->zones);
}

static void
walk_count(struct walk *w, uint16_t zone)
{
    if (w->counted_in[zone] != w->number) {
        w->counted_in[zone] = w->number;
        w->counts[zone] = 0;
        w->zones[w->zones_used++] = zone;
    }
    w->counts[zone]++;
    if (w->zones_used < w->zones_all)
        return; /* some zone has none */
    w->fewest = UINT32_MAX;
    for (size_t i = 0; i < w->zones_used; i++) {
        uint32_t count = w->counts[w->zones[i]];
        w->fewest = count < w->fewest ? count : w->fewest;
    }
}

static bool
walk_may_take(const struct walk *w, uint16_t endpoint)
{
    if (w->taken_in[endpoint] == w->number)
        return false;
    uint16_t zone = w->opts->zones[endpoint];
    return w->zones_all < 2 || w->counted_in[zone] != w->number || w->counts[zone] <= w->fewest;
}

/* ketama_check() says that this ends. */
static void
walk_from(struct walk *w, size_t section, uint16_t *owners)
{
    const struct ketama_opts *o = w->opts;
    w->number++;
    w->zones_used = 0;
    w->fewest = 0;
    for (unsigned n = 0; n < o->replication_factor; w->steps++) {
        uint16_t endpoint = o->sections[section].endpoint;
        section = section + 1 == o->section_count ? 0 : section + 1;
        if (!walk_may_take(w, endpoint))
            continue;
        w->taken_in[endpoint] = w->number;
        walk_count(w, o->zones[endpoint]);
        owners[n++] = o->nodes[endpoint];
    }
}

static struct err
find_owners(const struct ketama_opts *o, struct ketama *k)
{
    struct walk w __attribute__((cleanup(walk_fini))) = {
        .opts = o,
        .taken_in = mem_array_zero(o->endpoint_count, sizeof *w.taken_in),
        .counted_in = mem_array_zero(o->zone_count, sizeof *w.counted_in),
        .counts = mem_array_zero(o->zone_count, sizeof *w.counts),
        .zones = mem_array_zero(o->zone_count, sizeof *w.zones),
        .zones_all = zone_facts_of(o).zones,
    };
    for (size_t i = 0; i < o->section_count; i++) {
        walk_from(&w, i, section_at(k, i)->owners);
        if (w.steps > KETAMA_STEPS_MAX)
            return ERR(ERR_INVALID, "zones differ too much in size: owners take too long to find");
    }
    struct section *behind = section_at(k, o->section_count);
    behind->hash = UINT64_MAX;
    memcpy(behind->owners, section_at(k, 0)->owners, o->replication_factor * sizeof(uint16_t));
    return OK;
}

/* --- looking up ---------------------------------------------------------------------------- */

/* As many starts as sections or more, so that a look-up passes one section at most as a rule. */
static void
fill_starts(struct ketama *k)
{
    unsigned bits = 1;
    while ((size_t)1 << bits < k->section_count)
        bits++;
    k->shift = 64 - bits;
    size_t count = (size_t)1 << bits, section = 0;
    k->starts = mem_array_zero(count, sizeof *k->starts);
    for (size_t i = 0; i < count; i++) {
        while (section < k->section_count && section_at(k, section)->hash < (uint64_t)i << k->shift)
            section++;
        k->starts[i] = u32_of_size(section);
    }
}

struct err
ketama_new(const struct ketama_opts *o, struct ketama **ret_ketama)
{
    TRY(ketama_check(o));
    AUTO(ketama_free) struct ketama *k = mem_alloc_zero(sizeof *k);
    k->section_count = o->section_count;
    k->replication_factor = o->replication_factor;
    size_t bytes = sizeof(struct section) + o->replication_factor * sizeof(uint16_t);
    k->stride = (bytes + 7) / 8 * 8;
    k->sections = mem_array_zero(o->section_count + 1, k->stride);
    for (size_t i = 0; i < o->section_count; i++)
        section_at(k, i)->hash = o->sections[i].hash;
    TRY(find_owners(o, k));
    fill_starts(k);
    *ret_ketama = TAKE(k);
    return OK;
}

void
ketama_free(struct ketama *k)
{
    if (!k)
        return;
    mem_free(k->starts);
    mem_free(k->sections);
    mem_free(k);
}

const uint16_t *
ketama_owners(const struct ketama *k, uint64_t hash)
{
    const struct section *s = section_at(k, k->starts[hash >> k->shift]);
    while (s->hash < hash)
        s = (const struct section *)(const void *)((const char *)s + k->stride);
    return s->owners;
}
