/* wal_repair.c - cuts a log at a position.
 *
 * Prometheus writes the good records of the bad segment anew. Here the segment is truncated
 * instead: a segment may end anywhere, readers take what is missing of its page for zeros, and
 * there is no moment at which good records exist in no file. The order of the steps is what
 * makes a crash harmless: as long as the bad bytes are there, a reader finds them again and the
 * repair starts over; they go last, after the segments behind them are gone for good. */
#include "base/mem.h"
#include "tsdb/wal/wal_int.h"
#include "tsdb/wal/wal_reader.h"

/* From the last one down, so that no gap ever shows. */
static struct err
remove_segments_behind(struct fs *fs, const char *dir, uint64_t segment)
{
    AUTO(wal_listing_fini) struct wal_listing found = WAL_LISTING_INIT;
    AUTO(buf_fini) struct buf path = BUF_INIT;
    TRY(wal_list(fs, dir, &found));
    while (found.segments.n > 0 && *vec_last(&found.segments) > segment)
        TRY(fs_remove_file(fs, wal_segment_path(&path, dir, vec_pop(&found.segments))));
    return fs_sync_dir(fs, dir);
}

struct err
wal_drop_behind(struct fs *fs, const char *dir, uint64_t segment, uint64_t offset)
{
    TRY(remove_segments_behind(fs, dir, segment));
    AUTO(buf_fini) struct buf path = BUF_INIT;
    AUTO(file_close) struct file *f = NULL;
    TRY(fs_open(fs, wal_segment_path(&path, dir, segment), FS_WRITE_KEEP, &f));
    uint64_t size_bytes;
    TRY(file_size(f, &size_bytes));
    if (size_bytes > offset)
        TRY(file_truncate(f, offset));
    return file_sync(f);
}

struct err
wal_repair(struct fs *fs, const char *dir, uint64_t segment, uint64_t offset)
{
    AUTO(buf_fini) struct buf path = BUF_INIT;
    struct fs_stat st;
    TRY(fs_stat(fs, wal_segment_path(&path, dir, segment), &st)); /* do not make an empty one */
    TRY_IN(wal_drop_behind(fs, dir, segment, offset), "repair log %s", dir);
    return OK;
}
