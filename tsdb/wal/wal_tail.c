/* wal_tail.c - records as they come, piece by piece, and behind damage.
 *
 * A piece begins with a page and ends where the log did when it was read. Its last record may be
 * cut off by that, which looks like damage: only with all of the segment that counts in memory is a
 * fault believed. */
#include "tsdb/wal/wal_tail.h"

#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/wal/wal_frames.h"
#include "tsdb/wal/wal_int.h"

enum { PIECE_BYTES = 512 << 10 };

struct wal_tail {
    struct fs *fs; /* borrowed */
    char *dir;     /* owned */

    struct file *file; /* of `segment`; NULL before it is needed */
    uint64_t segment;
    uint64_t base;    /* where the piece begins in it: a page */
    struct buf piece; /* borrowed by frames */
    struct wal_frames frames;
    struct wal_position where; /* of the record returned last */
};

struct wal_tail *
wal_tail_open(struct fs *fs, const char *dir)
{
    struct wal_tail *t = mem_alloc_zero(sizeof *t);
    *t = (struct wal_tail){
        .fs = fs,
        .dir = mem_dup_text(dir, strlen(dir)),
        .piece = BUF_INIT,
        .frames = WAL_FRAMES_INIT,
    };
    return t;
}

void
wal_tail_close(struct wal_tail *t)
{
    if (!t)
        return;
    file_close(t->file);
    wal_frames_fini(&t->frames);
    buf_fini(&t->piece);
    mem_free(t->dir);
    mem_free(t);
}

void
wal_tail_seek(struct wal_tail *t, struct wal_position at)
{
    if (t->segment != at.segment)
        file_close(TAKE(t->file));
    t->segment = at.segment;
    t->base = at.offset - at.offset % WAL_PAGE_BYTES;
    buf_clear(&t->piece);
    wal_frames_begin(&t->frames, STR(""));
    t->frames.at = t->frames.record_at = (size_t)(at.offset - t->base);
    t->where = at;
}

/* Keeps no memory for a log that nothing is read from. */
static void
forget_piece(struct wal_tail *t)
{
    wal_tail_seek(t, wal_tail_behind(t));
    buf_fini(&t->piece);
    wal_frames_fini(&t->frames);
    size_t at = t->frames.at;
    t->frames = (struct wal_frames)WAL_FRAMES_INIT;
    t->frames.at = t->frames.record_at = at;
}

static struct wal_position
position_of(const struct wal_tail *t, size_t at)
{
    return (struct wal_position){t->segment, t->base + at};
}

struct wal_position
wal_tail_where(const struct wal_tail *t)
{
    return t->where;
}

struct wal_position
wal_tail_behind(const struct wal_tail *t)
{
    return position_of(t, t->frames.at);
}

static struct err
open_segment(struct wal_tail *t)
{
    AUTO(buf_fini) struct buf path = BUF_INIT;
    if (!t->file)
        TRY(fs_open(t->fs, wal_segment_path(&path, t->dir, t->segment), FS_READ, &t->file));
    return OK;
}

/* How much of the segment counts. */
static struct err
readable_bytes(const struct wal_tail *t, struct wal_position end, uint64_t *ret_bytes)
{
    if (t->segment > end.segment) {
        *ret_bytes = 0;
        return OK;
    }
    TRY(file_size(t->file, ret_bytes));
    if (t->segment == end.segment)
        *ret_bytes = u64_min(*ret_bytes, end.offset);
    return OK;
}

/* Reads a piece that begins with the page of `from`, an offset in the old one, and is at least as
 * long as `bytes` unless the segment ends before. */
static struct err
read_piece(struct wal_tail *t, size_t from, size_t bytes, uint64_t readable)
{
    struct wal_position at = position_of(t, from);
    wal_tail_seek(t, at);
    size_t want = (size_t)u64_min(readable - t->base, bytes);
    buf_reserve(&t->piece, want);
    size_t got;
    TRY(file_read_at(t->file, t->base, t->piece.p, want, &got));
    t->piece.n = got;
    wal_frames_begin(&t->frames, buf_str(&t->piece));
    wal_frames_skip(&t->frames, at.offset - t->base);
    return OK;
}

/* The next record of the piece. A fault is only told, with frames.record_at where it is and
 * frames.at behind what could be read. */
static struct err
next_in_piece(struct wal_tail *t, struct str *ret_record, bool *ret_more)
{
    *ret_more = false;
    if (t->frames.at >= t->piece.n)
        return OK;
    return wal_frames_next(&t->frames, ret_record, ret_more);
}

/* The next record of the segment. */
static struct err
next_in_segment(struct wal_tail *t, uint64_t readable, struct str *ret_record, bool *ret_more)
{
    size_t bytes = PIECE_BYTES;
    for (;;) {
        size_t before = t->frames.at;
        struct err e = next_in_piece(t, ret_record, ret_more);
        bool all = t->base + t->piece.n >= readable;
        if (e.code == ERR_NONE && (*ret_more || all)) {
            t->where = position_of(t, t->frames.record_at);
            return OK;
        }
        if (all) {
            t->where = position_of(t, t->frames.record_at);
            wal_frames_resync(&t->frames);
            return err_wrap(e, "log %s: segment %08ju", t->dir, (uintmax_t)t->segment);
        }
        err_drop(e); /* perhaps only cut off */
        bytes = size_max(bytes, 2 * (t->piece.n - size_min(t->piece.n, before)));
        TRY(read_piece(t, before, bytes, readable));
    }
}

struct err
wal_tail_next(struct wal_tail *t, struct wal_position end, struct str *ret_record, bool *ret_more)
{
    for (;;) {
        struct err e = open_segment(t);
        if (e.code == ERR_NOT_FOUND && t->segment < end.segment)
            wal_tail_seek(t, (struct wal_position){t->segment + 1, 0});
        TRY(e);
        uint64_t readable;
        TRY(readable_bytes(t, end, &readable));
        TRY(next_in_segment(t, readable, ret_record, ret_more));
        if (*ret_more)
            return OK;
        if (t->segment >= end.segment) {
            *ret_record = STR("");
            forget_piece(t);
            return OK;
        }
        wal_tail_seek(t, (struct wal_position){t->segment + 1, 0});
    }
}

struct err
wal_list_segments(struct fs *fs, const char *dir, struct wal_segment_sizes *ret_sizes)
{
    AUTO(wal_listing_fini) struct wal_listing found = WAL_LISTING_INIT;
    AUTO(buf_fini) struct buf path = BUF_INIT;
    TRY(wal_list(fs, dir, &found));
    vec_each (&found.segments, segment) {
        struct fs_stat st;
        struct err e = fs_stat(fs, wal_segment_path(&path, dir, *segment), &st);
        if (e.code == ERR_NONE)
            vec_push(ret_sizes, ((struct wal_segment_size){*segment, st.size_bytes}));
        TRY(fs_missing_is_fine(e)); /* removed since it was listed */
    }
    return OK;
}
