/* file_writer.h - a new file that is written from front to end in large pieces.
 *
 * Callers put bytes into `pending` and call file_writer_flush_full() between items; the position
 * of the next byte is file_writer_at(). A failed write leaves a file that must be thrown away.
 * Threads: one. */
#pragma once
#include "base/fs.h"

enum { FILE_WRITER_PIECE_BYTES = 1 << 20 };

struct file_writer {
    struct file *file;    /* owned */
    uint64_t written;     /* bytes in the file */
    struct buf pending;   /* bytes behind them */
};
#define FILE_WRITER_INIT {.file = NULL, .pending = BUF_INIT}

struct err file_writer_open(struct fs *fs, const char *path, struct file_writer *ret_writer);
void file_writer_close(struct file_writer *w);
static inline void
auto_file_writer_close(struct file_writer *w)
{
    file_writer_close(w);
}
static inline uint64_t
file_writer_at(const struct file_writer *w)
{
    return w->written + w->pending.n;
}
/* Writes `pending` once it is a piece long. */
struct err file_writer_flush_full(struct file_writer *w);
/* Writes the rest and syncs. */
struct err file_writer_finish(struct file_writer *w);
