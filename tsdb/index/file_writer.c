/* file_writer.c - collects bytes and writes them in large pieces. */
#include "tsdb/index/file_writer.h"

struct err
file_writer_open(struct fs *fs, const char *path, struct file_writer *ret_writer)
{
    struct file_writer w = FILE_WRITER_INIT;
    TRY(fs_open(fs, path, FS_WRITE_NEW, &w.file));
    *ret_writer = w;
    return OK;
}

void
file_writer_close(struct file_writer *w)
{
    file_close(w->file);
    w->file = NULL;
    buf_fini(&w->pending);
}

static struct err
flush(struct file_writer *w)
{
    TRY(file_write_at(w->file, w->written, buf_str(&w->pending)));
    w->written += w->pending.n;
    buf_clear(&w->pending);
    return OK;
}

struct err
file_writer_flush_full(struct file_writer *w)
{
    return w->pending.n < FILE_WRITER_PIECE_BYTES ? OK : flush(w);
}

struct err
file_writer_finish(struct file_writer *w)
{
    TRY(flush(w));
    return file_sync(w->file);
}
