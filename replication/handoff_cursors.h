/* handoff_cursors.h - how far each queue was taken, kept in one LMDB file for all.
 *
 * LMDB trusts what it reads: a flipped bit in one of its pages can end the process. Therefore it
 * never opens a file that it has not just made. What an earlier process left is read by
 * handoff_cursors_load(), which believes only what carries its checksum, from whatever else the
 * file consists of; handoff_cursors_open() then begins a new one. A cursor that is lost or too old
 * costs that records are sent again. Threads: one at a time. */
#pragma once
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"

struct handoff_cursors;

struct handoff_cursor {
    char *name;   /* of the queue's directory; owned by its list, else borrowed */
    uint64_t seq; /* everything up to it was taken */
};
VEC_TYPE(handoff_cursor_list, struct handoff_cursor);
void handoff_cursor_list_fini(struct handoff_cursor_list *l);
static inline void
auto_handoff_cursor_list_fini(struct handoff_cursor_list *l)
{
    handoff_cursor_list_fini(l);
}

enum { HANDOFF_CURSORS_BYTES_MAX = 256 << 20 }; /* of a file that is read */

/* Every name once, with its highest number; a missing file has none. Also of a file that another
 * process writes. ERR_TOO_LARGE, ERR_IO. */
struct err handoff_cursors_load(struct fs *fs, const char *path, struct handoff_cursor_list *to);
/* The same of bytes (pure). */
void handoff_cursors_scan(struct str image, struct handoff_cursor_list *to);

/* A new file with these cursors in the place of an old one. */
struct err handoff_cursors_open(struct fs *fs, const char *path, size_t map_bytes,
                                const struct handoff_cursor *cursors, size_t count,
                                struct handoff_cursors **ret_cursors);
void handoff_cursors_close(struct handoff_cursors *c); /* NULL is allowed */
DEFINE_AUTO(struct handoff_cursors *, handoff_cursors_close)
/* All in one transaction, on the disk when it returns (a power cut may take the last one back).
 * After a failure it has to be closed; another may be opened. */
struct err handoff_cursors_store(struct handoff_cursors *c, const struct handoff_cursor *cursors,
                                 size_t count);
