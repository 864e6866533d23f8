/* ketama.h - consistent hashing: a thousand sections an endpoint on a circle of 64-bit hashes.
 *
 * The section of a series is the first whose hash is not below its own; the owners of its copies
 * are found by walking on from there, and known beforehand for each section: the next endpoint that
 * has no copy yet, in a zone that has no more copies than the zone with the fewest.
 * Source: spec/receive.md 2.4. Threads: any (immutable). */
#pragma once
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

enum { KETAMA_SECTIONS = 1000 /* of an endpoint */ };
/* Sections that one ring may look at while it is built; seconds, and far above what zones of like
 * size need. */
#define KETAMA_STEPS_MAX ((uint64_t)1 << 33)

struct ketama_section {
    uint64_t hash;
    uint16_t endpoint;
};
/* All sections of `count` addresses in the order of their hashes, KETAMA_SECTIONS * count. Equal
 * hashes (one address twice) stand in the order of the endpoints. Free with mem_free(). */
struct ketama_section *ketama_sections_new(const struct str *addresses, size_t count);

struct ketama_opts {
    const struct ketama_section *sections; /* sorted; borrowed for the call */
    size_t section_count;
    const uint16_t *nodes;        /* endpoint -> what owners are told as */
    const uint16_t *zones;        /* endpoint -> a number below zone_count */
    const struct str *zone_names; /* for messages */
    const uint32_t *zone_sizes;   /* endpoints of each that have sections here; 0: no zone of it */
    size_t endpoint_count;        /* ids of endpoints are below */
    size_t zone_count;
    unsigned replication_factor; /* not 0 */
};

/* ERR_INVALID: fewer endpoints than copies; or zones among which the copies can never be spread,
 * which Thanos tries forever. */
struct err ketama_check(const struct ketama_opts *opts);

struct ketama;
/* ketama_check() first. */
struct err ketama_new(const struct ketama_opts *opts, struct ketama **ret_ketama);
/* NULL is allowed. */
void ketama_free(struct ketama *k);
DEFINE_AUTO(struct ketama *, ketama_free)
/* The owners of each copy. */
const uint16_t *ketama_owners(const struct ketama *k, uint64_t hash);
