/* link_numbers.h - which numbers of series one peer is known to know.
 *
 * A peer learns numbers from parts in full, and is taken to know those of parts that it has stored
 * whole: of what it refused it has no series, perhaps. It forgets when it is started again, or when
 * it has to: then it says so. Memory: a bit a number. Threads: one. */
#pragma once
#include "replication/peer_rows.h"

/* Creation: all zero. */
struct link_numbers {
    uint64_t numbering; /* 0: none yet */
    uint64_t *known;    /* bits */
    size_t words;
};

void link_numbers_fini(struct link_numbers *l);
/* The terse form of the rows, if there is one, tells the peer enough. */
bool link_numbers_suffice(const struct link_numbers *l, const struct peer_rows *rows);
void link_numbers_learn(struct link_numbers *l, const struct peer_rows *rows);
void link_numbers_forget(struct link_numbers *l, const struct peer_rows *rows);
