/* wal_writer.c - framing, segment cuts and rollback.
 *
 * A commit that spans segments writes each with one call. With WAL_SYNC_BATCH a full segment is
 * synced before the next one is begun, so that what is on the disk is always a prefix of the
 * log. Without, full segments wait in `retired`. */
#include "tsdb/wal/wal_writer.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/codec.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "tsdb/wal/wal_int.h"

enum { FRAMED_BYTES_KEPT = 4 << 20 }; /* memory kept between commits */

static struct err
create_segment(struct wal_writer *w, uint64_t segment)
{
    ASSERT(w->file == NULL && w->framed.n == 0);
    AUTO(buf_fini) struct buf path = BUF_INIT;
    TRY(fs_open(w->fs, wal_segment_path(&path, w->dir, segment), FS_WRITE_NEW, &w->file));
    w->segment = segment;
    w->written = 0;
    if (w->sync == WAL_SYNC_BATCH)
        TRY(fs_sync_dir(w->fs, w->dir));
    return OK;
}

/* What an earlier process left in the kernel has been replayed by now: what follows builds on it
 * (series above all), so it must not be lost when that is kept. */
static struct err
sync_segments(const struct wal_writer *w, uint64_t first, uint64_t end)
{
    AUTO(buf_fini) struct buf path = BUF_INIT;
    for (uint64_t segment = first; segment < end; segment++) {
        AUTO(file_close) struct file *f = NULL;
        TRY(fs_open(w->fs, wal_segment_path(&path, w->dir, segment), FS_WRITE_KEEP, &f));
        TRY(file_sync(f));
    }
    return OK;
}

struct err
wal_writer_open(struct wal_writer *w, const struct wal_opts *opts)
{
    ASSERT(opts->segment_bytes > 0 && opts->segment_bytes % WAL_PAGE_BYTES == 0);
    *w = (struct wal_writer){
        .fs = opts->fs,
        .dir = mem_dup_text(opts->dir, strlen(opts->dir)),
        .segment_bytes = opts->segment_bytes,
        .sync = opts->sync,
    };
    TRY(fs_make_dirs(w->fs, w->dir));
    uint64_t first, next = opts->begin_segment;
    if (next == 0) {
        TRY(wal_live_segments(w->fs, w->dir, &first, &next));
        if (w->sync == WAL_SYNC_BATCH)
            TRY(sync_segments(w, first, next));
    }
    TRY(create_segment(w, next));
    w->good_segment = w->first_segment = w->segment;
    return fs_sync_dir(w->fs, w->dir);
}

void
wal_writer_fini(struct wal_writer *w)
{
    vec_each (&w->retired, f)
        file_close(*f);
    vec_fini(&w->retired);
    vec_fini(&w->times);
    file_close(w->file);
    buf_fini(&w->framed);
    mem_free(w->dir);
}

/* --- framing ------------------------------------------------------------------------------ */

static uint64_t
tail(const struct wal_writer *w)
{
    return w->written + w->framed.n;
}

static size_t
page_room(const struct wal_writer *w)
{
    return WAL_PAGE_BYTES - tail(w) % WAL_PAGE_BYTES;
}

/* Payload that still fits the segment: what is left of the page and all pages behind it. May be
 * negative in a segment that one record made too long. */
static int64_t
segment_room(const struct wal_writer *w)
{
    int64_t pages = (int64_t)(w->segment_bytes / WAL_PAGE_BYTES);
    int64_t done = (int64_t)(tail(w) / WAL_PAGE_BYTES);
    return (int64_t)page_room(w) - WAL_FRAGMENT_HEADER_BYTES +
           WAL_FRAGMENT_BYTES_MAX * (pages - done - 1);
}

static void
pad_page(struct wal_writer *w)
{
    size_t zeros = page_room(w) % WAL_PAGE_BYTES;
    if (zeros == 0)
        return;
    buf_reserve(&w->framed, zeros);
    memset(w->framed.p + w->framed.n, 0, zeros);
    w->framed.n += zeros;
}

static struct err
write_framed(struct wal_writer *w)
{
    if (w->framed.n == 0)
        return OK;
    TRY(file_write_at(w->file, w->written, buf_str(&w->framed)));
    w->written += w->framed.n;
    w->bytes_total += w->framed.n;
    if (w->framed.cap > FRAMED_BYTES_KEPT)
        buf_fini(&w->framed);
    buf_clear(&w->framed);
    return OK;
}

static struct err
next_segment(struct wal_writer *w)
{
    pad_page(w);
    TRY(write_framed(w));
    if (w->sync == WAL_SYNC_BATCH)
        TRY(file_sync(w->file));
    struct file *full = TAKE(w->file);
    if (w->sync == WAL_SYNC_BATCH)
        file_close(full);
    else
        vec_push(&w->retired, full);
    return create_segment(w, w->segment + 1);
}

unsigned
wal_store(struct str record, enum wal_compression compression, struct buf *to)
{
    size_t before = to->n;
    if (compression == WAL_SNAPPY) {
        snappy_encode(record, to);
        if (to->n - before < record.n)
            return WAL_FLAG_SNAPPY;
        to->n = before; /* not worth it */
    }
    buf_append(to, record);
    return 0;
}

static enum wal_fragment_kind
kind_of(bool first, bool last)
{
    if (first)
        return last ? WAL_FULL : WAL_FIRST;
    return last ? WAL_LAST : WAL_MIDDLE;
}

static void
put_fragment(struct wal_writer *w, unsigned head, struct str part)
{
    ASSERT(part.n <= WAL_FRAGMENT_BYTES_MAX);
    buf_reserve(&w->framed, WAL_FRAGMENT_HEADER_BYTES + part.n);
    char *at = w->framed.p + w->framed.n;
    at[0] = (char)head;
    store_be16(at + 1, (uint16_t)part.n);
    store_be32(at + 3, crc32c(part));
    w->framed.n += WAL_FRAGMENT_HEADER_BYTES;
    buf_append(&w->framed, part);
}

struct err
wal_writer_put(struct wal_writer *w, struct str stored, unsigned flags)
{
    ASSERT(w->file != NULL);
    if (page_room(w) < WAL_FRAGMENT_HEADER_BYTES)
        pad_page(w);
    if ((int64_t)stored.n > segment_room(w)) /* W1: a record never spans segments */
        TRY(next_segment(w));
    bool first = true;
    do { /* once at least: an empty record is a fragment, too */
        if (page_room(w) < WAL_FRAGMENT_HEADER_BYTES)
            pad_page(w);
        size_t room = page_room(w) - WAL_FRAGMENT_HEADER_BYTES;
        struct str part = str_take(&stored, size_min(stored.n, room));
        put_fragment(w, (unsigned)kind_of(first, stored.n == 0) | flags, part);
        first = false;
    } while (stored.n > 0);
    return OK;
}

/* --- times -------------------------------------------------------------------------------- */

/* A segment that is rolled back and written anew keeps what was said of it before: later at most.
 */
static struct wal_segment_time *
time_of(const struct wal_writer *w, uint64_t segment)
{
    for (size_t i = w->times.n; i > 0 && w->times.v[i - 1].segment >= segment; i--) {
        if (w->times.v[i - 1].segment == segment)
            return &w->times.v[i - 1];
    }
    return NULL;
}

void
wal_writer_date(struct wal_writer *w, int64_t newest_ms)
{
    struct wal_segment_time *t = time_of(w, w->segment);
    if (t)
        t->newest_ms = i64_max(t->newest_ms, newest_ms);
    else if (newest_ms != WAL_TIME_NONE)
        vec_push(&w->times, ((struct wal_segment_time){w->segment, newest_ms}));
}

int64_t
wal_writer_newest_ms(const struct wal_writer *w, uint64_t segment)
{
    if (segment < w->first_segment)
        return WAL_TIME_UNKNOWN; /* an earlier process wrote it */
    const struct wal_segment_time *t = time_of(w, segment);
    return t ? t->newest_ms : WAL_TIME_NONE;
}

/* --- commit and rollback ------------------------------------------------------------------ */

struct err
wal_writer_retire(struct wal_writer *w, struct file **files, size_t count)
{
    struct err e = OK;
    for (size_t i = 0; i < count; i++) {
        if (e.code == ERR_NONE)
            e = file_sync(files[i]);
        file_close(files[i]);
    }
    TRY(e);
    return count > 0 ? fs_sync_dir(w->fs, w->dir) : OK;
}

static struct err
retire_all(struct wal_writer *w)
{
    struct err e = wal_writer_retire(w, w->retired.v, w->retired.n);
    vec_clear(&w->retired);
    return e;
}

struct err
wal_writer_commit(struct wal_writer *w, enum wal_sync_mode sync)
{
    TRY(write_framed(w));
    if (sync == WAL_SYNC_BATCH) {
        TRY(retire_all(w));
        TRY(file_sync(w->file));
    }
    w->good_segment = w->segment;
    w->good_offset = w->written;
    return OK;
}

struct err
wal_writer_cut(struct wal_writer *w)
{
    ASSERT(w->file != NULL && w->framed.n == 0);
    if (w->written == 0)
        return OK;
    TRY(next_segment(w));
    w->good_segment = w->segment;
    w->good_offset = 0;
    return OK;
}

struct err
wal_writer_finish(struct wal_writer *w)
{
    pad_page(w);
    return wal_writer_commit(w, WAL_SYNC_BATCH);
}

struct err
wal_writer_rollback(struct wal_writer *w)
{
    buf_clear(&w->framed);
    file_close(TAKE(w->file));
    vec_each (&w->retired, f)
        file_close(*f);
    vec_clear(&w->retired);
    TRY(wal_drop_behind(w->fs, w->dir, w->good_segment, w->good_offset));
    TRY(create_segment(w, w->good_segment + 1));
    return fs_sync_dir(w->fs, w->dir);
}
