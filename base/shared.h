/* shared.h - immutable bytes that several owners hold: a message on its way to many peers.
 *
 * Bytes do not change and do not move from the first reference to the last.
 * Threads: any; what one reference gives is readable until that reference is given back. */
#pragma once
#include "base/mem.h"
#include "base/str.h"

struct budget; /* base/budget.h */
struct shared;

/* Both: the caller owns one reference. */
struct shared *shared_new(struct str copied);
/* Takes what `moved` holds, without a copy, and leaves it empty. */
struct shared *shared_take(struct buf *moved);
/* The same, and the bytes count in the budget, which outlives them, as long as they are there.
 * NULL: nobody counts them. */
struct shared *shared_take_charged(struct buf *moved, struct budget *budget);
/* Returns `s`, with one reference more. */
struct shared *shared_ref(struct shared *s);
void shared_unref(struct shared *s); /* NULL is allowed */
DEFINE_AUTO(struct shared *, shared_unref)

struct str shared_bytes(const struct shared *s);
