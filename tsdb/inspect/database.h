/* database.h - what lies in the directory of a database, found without touching it.
 *
 * tsdb/db.h opens a database to own it; this looks at one that may belong to another process:
 * nothing is locked, removed or repaired, and what cannot be read is told, not refused. What
 * vanishes while it is looked at was never there.
 * Threads: immutable after scanning: any. */
#pragma once
#include "tsdb/block/meta.h"

/* A directory named as a block. */
struct database_block {
    char *name;             /* its ULID; owned */
    struct block_meta meta; /* zero where it cannot be read */
    struct err unreadable;  /* why; OK otherwise */
    uint64_t bytes; /* of meta.json, index, chunks and deletions, as promtool adds them up */
};
int64_t database_block_mint_ms(const struct database_block *b);

enum database_part {
    DATABASE_WAL, /* with its checkpoints */
    DATABASE_WBL,
    DATABASE_CHUNKS_HEAD,
    DATABASE_SNAPSHOT, /* all directories chunk_snapshot.* */
    DATABASE_PART_COUNT
};
const char *database_part_name(enum database_part part);

VEC_TYPE(database_names, char *);

struct database {
    VEC(struct database_block) blocks; /* ascending mint_ms, then ULID; unreadable ones first */
    struct {
        bool exists;
        uint64_t bytes;
    } parts[DATABASE_PART_COUNT];
    struct database_names snapshots; /* directory names, ascending; owned */
    struct database_names leftovers; /* of writers and deleters that did not finish; owned */
    uint64_t locked_by;              /* process; 0: none that can be seen */
};
#define DATABASE_INIT                                                                              \
    {                                                                                              \
        .blocks = VEC_INIT, .snapshots = VEC_INIT, .leftovers = VEC_INIT                           \
    }

/* `dir` must exist. */
struct err database_scan(struct fs *fs, const char *dir, struct database *ret_database);
void database_fini(struct database *d);
static inline void
auto_database_fini(struct database *d)
{
    database_fini(d);
}

/* A directory with one database, or several below one root. */
struct database_place {
    char *tenant; /* "" where the directory itself is the database; owned */
    char *dir;    /* owned */
};
VEC_TYPE(database_places, struct database_place);

/* The database at `dir`, or those directly below it, by name; with a tenant that one only.
 * ERR_NOT_FOUND when there is none. */
struct err database_find(struct fs *fs, const char *dir, struct str tenant,
                         struct database_places *ret_places);
void database_places_fini(struct database_places *p);
static inline void
auto_database_places_fini(struct database_places *p)
{
    database_places_fini(p);
}
