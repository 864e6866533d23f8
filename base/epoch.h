/* epoch.h - frees shared memory once the last reader that can see it has left.
 *
 * Readers bracket their work with epoch_enter/epoch_leave and then follow atomic pointers
 * without locks. A writer that replaces such a memory unlinks it first and retires it; it is
 * freed when every reader that was inside at that time has left.
 * Entering costs two uncontended atomics; a reader may not block for long (a request is fine).
 * A reader that never leaves keeps everything retired since from being freed: epoch_pending()
 * shows it. Threads: any. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

enum { EPOCH_READERS_MAX = 128 }; /* inside at once; the next one waits for a place */

struct epoch;
struct epoch_guard {
    unsigned slot;
};

struct epoch *epoch_open(void);
/* Frees everything retired; no reader may be inside. NULL is allowed. */
void epoch_close(struct epoch *e);

struct epoch_guard epoch_enter(struct epoch *e);
void epoch_leave(struct epoch *e, struct epoch_guard g);
/* Takes `p` (from mem_alloc) and frees it when no reader can see it any more. */
void epoch_retire(struct epoch *e, void *p);
/* For what cannot be retired alone: everything unlinked before epoch_mark() is out of sight once
 * epoch_passed() says so of its mark. Nobody has to wait: ask again later. */
uint64_t epoch_mark(struct epoch *e);
bool epoch_passed(struct epoch *e, uint64_t mark);
/* Frees what can be freed now; called by retire now and then, and by maintenance. */
void epoch_collect(struct epoch *e);
DEFINE_AUTO(struct epoch *, epoch_close)
/* How many are retired and not freed yet. */
size_t epoch_pending(struct epoch *e);
