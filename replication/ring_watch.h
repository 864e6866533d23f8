/* ring_watch.h - the ring in force: from the hashring file, again when that changes
 * (conf/reload.h), or from a text, or of one node where there are no hashrings.
 *
 * A file that cannot be read, is wrong or lists no hashring fails at the start, and later leaves
 * the ring as it is. A file whose SHA-256 is that of the ring in force changes nothing. Threads:
 * ring_watch_ring() any; the others main. */
#pragma once
#include "base/fs.h"
#include "base/metrics.h"
#include "conf/reload.h"
#include "replication/ring.h"

struct ring_watch;
struct ring_watch_opts { /* borrowed for life, as what they point to */
    struct fs *fs;
    struct metrics *metrics;
    struct reloads *reloads;
    const char *path;   /* of the file; NULL or "": none */
    struct str json;    /* where there is no file; empty or null: one node */
    struct str address; /* of that one node */
    enum ring_algorithm algorithm;
    unsigned replication_factor;
    /* Or NULL: called after every exchange of rings, on the thread that loads, under
     * LOCK_RANK_RELOADS. Both are borrowed for the call. */
    void (*changed)(void *arg, const struct ring *before, const struct ring *now);
    void *arg;
};
/* Loads for the first time; changed() is not called for it. */
struct err ring_watch_open(const struct ring_watch_opts *opts, struct ring_watch **ret_watch);
/* When nobody reloads any more. NULL is allowed. */
void ring_watch_close(struct ring_watch *w);
DEFINE_AUTO(struct ring_watch *, ring_watch_close)

/* A reference to the ring in force; a short lock, once a write. */
struct ring *ring_watch_ring(struct ring_watch *w);
