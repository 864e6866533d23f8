/* unpack.h - bodies decompressed, within the memory that a request may take.
 *
 * Threads: any. */
#pragma once
#include "base/arena.h"

enum unpack_coding { UNPACK_SNAPPY, UNPACK_ZSTD, UNPACK_GZIP, UNPACK_CODING_COUNT };

/* As HTTP calls it. */
const char *unpack_coding_name(enum unpack_coding coding);

/* Replaces what is in *to, at most limit_bytes; *to then counts as part of the arena until that is
 * reset. ERR_TOO_LARGE and ERR_INVALID as the decoder says, with the coding's name in front, before
 * memory is taken where the bytes announce their size; errors of arena_admit(). */
struct err unpack(struct arena *a, enum unpack_coding coding, struct str bytes, size_t limit_bytes,
                  struct buf *to);
