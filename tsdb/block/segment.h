/* segment.h - the chunk files of a block: <block>/chunks/000001, 000002, ...
 *
 * A reference is (position of the file in the sorted list) << 32 | offset of the chunk in it;
 * positions count from 0. Every chunk's checksum is verified each time it is fetched.
 * Source: spec/tsdb.md section 5 (prometheus tsdb/docs/format/chunks.md).
 * Threads: immutable after opening: any. Errors: ERR_CORRUPT naming file and offset. */
#pragma once
#include "base/fs.h"
#include "tsdb/chunk/chunk.h"

enum { SEGMENT_MAGIC = 0x85bd40dd, SEGMENT_VERSION = 1, SEGMENT_HEADER_BYTES = 8 };
/* Files of one block: at 512 MiB each, 32 TiB. */
enum { SEGMENTS_MAX = 1 << 16 };

struct segments;

/* Maps every file of `dir` whose name is a number. The caller owns *ret_segments. */
struct err segments_open(struct fs *fs, const char *dir, struct segments **ret_segments);
void segments_close(struct segments *s); /* NULL is allowed */
DEFINE_AUTO(struct segments *, segments_close)
/* Encoding and data of the chunk at `ref`, borrowed from the mapping; times stay as they were
 * in *chunk. */
struct err segments_fetch(const struct segments *s, uint64_t ref, struct chunk_view *chunk);

/* The header of one file's bytes; one chunk in them, *ret_end behind it. */
struct err segment_check_header(struct str image);
struct err segment_chunk(struct str image, uint64_t offset, struct chunk_view *chunk,
                         uint64_t *ret_end);
