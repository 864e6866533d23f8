/* head_chunks.h - the chunks_head directory: finished chunks of the head, in mapped files.
 *
 * Byte format: README.md (spec/tsdb.md section 9; prometheus tsdb/docs/format/head_chunks.md).
 * Threads: one writer at a time; reading any. */
#pragma once
#include "base/fs.h"
#include "tsdb/chunk/chunk.h"

struct head_chunks;

enum { HEAD_CHUNKS_FILE_BYTES_MAX = 128 << 20 };

/* file number << 32 | offset of the chunk in it */
typedef uint64_t head_chunk_ref;

struct head_chunk_info {
    uint64_t series_ref;
    head_chunk_ref ref;
    struct chunk_view chunk;  /* data borrowed from the mapping: lives until it is forgotten */
    bool out_of_order;
};

/* Called once a chunk on open, in file order; an error stops the scan and is returned. */
typedef struct err (*head_chunks_visit)(void *arg, const struct head_chunk_info *info);

/* Makes the directory when missing, maps all files and visits every chunk. Damage is healed
 * as Prometheus does: an empty or headless last file is removed; from a corrupt chunk on, its
 * file and all later ones are deleted, *ret_lost is set to what was wrong (the head is then
 * rebuilt from the log) and the visits made so far for those files are void: the scan is run
 * again from the start. A visit with info == NULL announces each loss before anything is deleted.
 * Chunks of encodings we cannot read are visited all the same. */
struct err head_chunks_open(struct fs *fs, const char *dir, head_chunks_visit visit, void *arg,
                            struct err *ret_lost, struct head_chunks **ret_chunks);
void head_chunks_close(struct head_chunks *h); /* NULL is allowed */

/* Appends one chunk to the current file (a new one when full). The bytes go to a buffer and
 * reach the kernel by head_chunks_flush(); until then *ret_ref cannot be read. On failure the
 * file is given up and the next write starts a new one. */
struct err head_chunks_write(struct head_chunks *h, uint64_t series_ref,
                             const struct chunk_view *chunk, head_chunk_ref *ret_ref);
/* The same for a chunk of out-of-order samples: visits say so, and it may overlap others. */
struct err head_chunks_write_late(struct head_chunks *h, uint64_t series_ref,
                                  const struct chunk_view *chunk, head_chunk_ref *ret_ref);
/* Writes the buffer and makes everything written so far readable by head_chunks_data(). */
struct err head_chunks_flush(struct head_chunks *h);
/* The chunk was flushed: after a failure some were and others were not. */
bool head_chunks_readable(const struct head_chunks *h, head_chunk_ref ref);
/* Data of a flushed chunk; lives until its file is forgotten and unmapped. */
struct str head_chunks_data(const struct head_chunks *h, head_chunk_ref ref);
/* Ends the current file and deletes those before number `first`, the lowest first, so that no
 * crash leaves a gap. What was mapped stays so until head_chunks_unmap_forgotten(): readers may
 * still follow refs into it. */
struct err head_chunks_forget(struct head_chunks *h, uint32_t first);
void head_chunks_unmap_forgotten(struct head_chunks *h);
/* Syncs and closes the current file. */
struct err head_chunks_finish(struct head_chunks *h);
/* The same, and all that earlier processes wrote is on the disk, too. */
struct err head_chunks_sync(struct head_chunks *h);
uint64_t head_chunks_bytes(const struct head_chunks *h);

DEFINE_AUTO(struct head_chunks *, head_chunks_close)
