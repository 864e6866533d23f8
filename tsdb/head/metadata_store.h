/* metadata_store.h - what is known of the metric families of one tenant: the newest of each wins.
 *
 * It knows no log: metadata_family.h says how families and the series that a log names meet.
 * Threads: any; one lock, under which nothing but memory is touched. */
#pragma once
#include "base/arena.h"
#include "base/mem.h"
#include "tsdb/model/metadata.h"

struct metadata_store;

enum {
    METADATA_FAMILIES_MAX = 1 << 17,
    METADATA_FAMILY_BYTES_MAX = 16 << 10, /* name, help and unit of one */
    METADATA_BYTES_MAX = 64 << 20,        /* of all */
};

/* The caller owns the result. */
struct metadata_store *metadata_store_open(void);
void metadata_store_close(struct metadata_store *m); /* NULL is allowed */

enum metadata_outcome {
    METADATA_CHANGED, /* stored: new, or other than it was */
    METADATA_KNOWN,   /* was there already */
    METADATA_REFUSED, /* no name, a name that is not UTF-8, or above a limit */
};
/* Keeps copies. What was known of a family stays when its news are refused. */
enum metadata_outcome metadata_store_put(struct metadata_store *m,
                                         const struct family_metadata *news);

/* The first `limit` families by name, or the one called `family` when that is not empty. Copies in
 * the arena; ERR_LIMIT above its budget. */
struct err metadata_store_list(struct metadata_store *m, struct str family, size_t limit,
                               struct arena *a, struct family_metadata_list *ret_list);

size_t metadata_store_count(struct metadata_store *m);

DEFINE_AUTO(struct metadata_store *, metadata_store_close)
