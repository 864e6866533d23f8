/* shuffle.c - a zone's sections as a circle of their own, and Go's numbers to start from. */
#include "replication/shuffle.h"

#include "base/bytes.h"
#include "base/md5.h"
#include "replication/go_rand.h"

struct shuffle_zone {
    struct str name;
    size_t node_count;               /* distinct ones */
    struct ketama_section *sections; /* sorted; a part of those of the shuffle */
    size_t section_count;
};

struct shuffle {
    struct ketama_section *sections; /* by zone */
    struct shuffle_zone *zones;
    size_t zone_count;
    struct go_rand_table rand;
};

/* The zone of an endpoint here. */
static size_t
zone_of(const struct shuffle_opts *o, size_t endpoint)
{
    return o->zone_awareness_disabled ? 0 : o->zones[endpoint];
}

static void
count_nodes(const struct shuffle_opts *o, struct shuffle *s)
{
    for (size_t e = 0; e < o->endpoint_count; e++) {
        bool first = true;
        for (size_t before = 0; before < e && first; before++)
            first = o->nodes[before] != o->nodes[e];
        s->zones[zone_of(o, e)].node_count += first;
    }
}

/* Zone by zone, each in the order of the circle. */
static void
split_sections(const struct shuffle_opts *o, struct shuffle *s)
{
    for (size_t i = 0; i < o->section_count; i++)
        s->zones[zone_of(o, o->sections[i].endpoint)].section_count++;
    struct ketama_section *at = s->sections;
    for (size_t z = 0; z < s->zone_count; z++) {
        s->zones[z].sections = at;
        at += s->zones[z].section_count;
        s->zones[z].section_count = 0;
    }
    for (size_t i = 0; i < o->section_count; i++) {
        struct shuffle_zone *z = &s->zones[zone_of(o, o->sections[i].endpoint)];
        z->sections[z->section_count++] = o->sections[i];
    }
}

struct shuffle *
shuffle_new(const struct shuffle_opts *o)
{
    struct shuffle *s = mem_alloc_zero(sizeof *s);
    s->zone_count = o->zone_awareness_disabled ? 1 : o->zone_count;
    s->zones = mem_array_zero(s->zone_count, sizeof *s->zones);
    s->sections = mem_array_zero(o->section_count, sizeof *s->sections);
    for (size_t z = 0; z < s->zone_count; z++)
        s->zones[z].name = o->zone_awareness_disabled ? STR("") : o->zone_names[z];
    count_nodes(o, s);
    split_sections(o, s);
    go_rand_table_init(&s->rand);
    return s;
}

void
shuffle_free(struct shuffle *s)
{
    if (!s)
        return;
    mem_free(s->zones);
    mem_free(s->sections);
    mem_free(s);
}

uint64_t
shuffle_per_zone(int64_t shard_size, size_t zones)
{
    if (shard_size <= 0)
        return 0;
    uint64_t size = (uint64_t)shard_size;
    return size / zones + (size % zones != 0);
}

int64_t
shuffle_seed(struct str tenant, struct str zone)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    buf_append(&text, tenant);
    if (zone.n > 0) {
        buf_put_u8(&text, 0);
        buf_append(&text, zone);
    }
    struct md5 sum = md5_of(buf_str(&text));
    return (int64_t)load_be64(sum.bytes);
}

/* The first section whose hash is not below; the first of all behind the last. */
static size_t
find_section(const struct shuffle_zone *z, uint64_t hash)
{
    size_t low = 0, high = z->section_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (z->sections[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low == z->section_count ? 0 : low;
}

static void
choose_in_zone(const struct shuffle *s, const struct shuffle_zone *z, struct str tenant,
               uint64_t take, bool *chosen)
{
    struct go_rand r;
    go_rand_seed(&r, &s->rand, shuffle_seed(tenant, z->name));
    for (uint64_t n = 0; n < take; n++) {
        size_t at = find_section(z, go_rand_u64(&r));
        for (size_t looked = 0; looked < z->section_count; looked++) {
            uint16_t endpoint = z->sections[at].endpoint;
            if (!chosen[endpoint]) {
                chosen[endpoint] = true;
                break;
            }
            at = at + 1 == z->section_count ? 0 : at + 1;
        }
    }
}

struct err
shuffle_choose(const struct shuffle *s, struct str tenant, int64_t shard_size, bool *chosen)
{
    uint64_t take = shuffle_per_zone(shard_size, s->zone_count);
    for (size_t i = 0; i < s->zone_count; i++) {
        const struct shuffle_zone *z = &s->zones[i];
        if (take > z->node_count)
            return ERR(ERR_INVALID, "shard size %jd: zone \"%.*s\" has %zu nodes, %ju are needed",
                       (intmax_t)shard_size, STR_FMT(z->name), z->node_count, (uintmax_t)take);
    }
    for (size_t i = 0; i < s->zone_count; i++)
        choose_in_zone(s, &s->zones[i], tenant, take, chosen);
    return OK;
}
