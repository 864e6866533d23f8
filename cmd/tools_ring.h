/* tools_ring.h - what the tools of hashrings share: a ring from a file, series from lines of JSON.
 * Threads: main. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "replication/ring.h"
#include "tsdb/model/labels.h"

enum {
    SERIES_LINE_BYTES_MAX = 4 << 20,
    SERIES_LABELS_MAX = 4096,
};

/* `algorithm` as the flag spells it. */
struct err tools_ring_open(const char *path, struct str algorithm, uint64_t replication_factor,
                           struct ring **ret_ring);

/* {"tenant": "a", "labels": {"__name__": "up", ...}}; other members are ignored. */
struct series_line {
    struct str tenant;
    struct labels labels; /* sorted by name, as senders have to send them */
    struct str label_key;
};
/* Calls visit() for each line of standard input; what it is given lives until it returns. Blank
 * lines are skipped; others that are no series fail with their number. */
struct err series_lines_read(struct str default_tenant,
                             struct err (*visit)(void *arg, const struct series_line *line),
                             void *arg);
