/* checkpoint.c - makes a checkpoint: reads, sifts, writes, syncs, and only then gives it its
 * name. Until then it is a directory that nobody reads. */
#include "tsdb/wal/checkpoint.h"

#include "base/mem.h"
#include "tsdb/wal/checkpoint_sift.h"
#include "tsdb/wal/wal_int.h"
#include "tsdb/wal/wal_reader.h"
#include "tsdb/wal/wal_writer.h"

enum {
    FLUSH_BYTES = 1 << 20,           /* framed bytes between two writes */
    METADATA_RECORD_BYTES = 1 << 20, /* of one record of those held back */
};

struct build {
    struct fs *fs;
    const char *dir; /* of the log */
    enum wal_compression compression;
    uint64_t last;
    struct checkpoint_sift sift;
    struct wal_writer writer;
    struct buf stored; /* a record as compressed */
};

/* --- content ------------------------------------------------------------------------------ */

static struct err
put_record(struct build *b, struct str record)
{
    buf_clear(&b->stored);
    unsigned flags = wal_store(record, b->compression, &b->stored);
    TRY(wal_writer_put(&b->writer, buf_str(&b->stored), flags));
    if (b->writer.framed.n < FLUSH_BYTES)
        return OK;
    return wal_writer_commit(&b->writer, WAL_SYNC_NONE); /* synced as whole segments */
}

static struct err
put_kept(struct build *b, const struct wal_reader *r, const char *dir, struct str record)
{
    struct str kept[2];
    size_t count = 0;
    struct err e = checkpoint_sift_record(&b->sift, record, kept, &count);
    if (e.code) {
        uint64_t segment, offset;
        wal_reader_where(r, &segment, &offset);
        return err_wrap(e, "log %s: segment %08ju: offset %ju", dir, (uintmax_t)segment,
                        (uintmax_t)offset);
    }
    for (size_t i = 0; i < count; i++)
        TRY(put_record(b, kept[i]));
    return OK;
}

static struct err
copy_log(struct build *b, struct wal_reader *r, const char *dir)
{
    for (;;) {
        struct str record;
        bool more;
        TRY(wal_reader_next(r, &record, &more));
        if (!more)
            return OK;
        TRY(put_kept(b, r, dir, record));
    }
}

static struct err
put_metadata(struct build *b)
{
    AUTO(buf_fini) struct buf records = BUF_INIT;
    struct sift_ends ends = VEC_INIT;
    checkpoint_sift_metadata(&b->sift, METADATA_RECORD_BYTES, &records, &ends);
    struct err e = OK;
    size_t from = 0;
    for (size_t i = 0; i < ends.n && e.code == ERR_NONE; i++) {
        e = put_record(b, str_of(records.p + from, ends.v[i] - from));
        from = ends.v[i];
    }
    vec_fini(&ends);
    return e;
}

/* --- inputs ------------------------------------------------------------------------------- */

/* The segments to read: first .. last, all of them there. */
static struct err
check_segments(const struct build *b, struct wal_listing *found, uint64_t *ret_first)
{
    bool checkpointed = found->checkpoints.n > 0;
    if (!checkpointed && (found->segments.n == 0 || found->segments.v[0] > b->last))
        return ERR(ERR_NOT_FOUND, "log %s: no segment up to %08ju", b->dir, (uintmax_t)b->last);
    uint64_t first = checkpointed ? *vec_last(&found->checkpoints) + 1 : found->segments.v[0];
    uint64_t next = first;
    vec_each (&found->segments, segment)
        next += *segment == next;
    if (next <= b->last)
        return ERR(ERR_CORRUPT, "log %s: segment %08ju is missing", b->dir, (uintmax_t)next);
    *ret_first = first;
    return OK;
}

/* To its end, or to damage that is passed over. */
static struct err
copy_segment(struct build *b, uint64_t segment)
{
    const struct checkpoint_filter *filter = b->sift.filter;
    AUTO(wal_reader_close)
    struct wal_reader *r = wal_reader_open_range(b->fs, b->dir, segment, segment + 1);
    if (filter->is_older && filter->is_older(filter->arg, segment)) {
        wal_reader_pass_over(r, checkpoint_sift_timed());
        b->sift.stats.older_segments++;
    }
    struct err e = copy_log(b, r, b->dir);
    if (e.code != ERR_CORRUPT || segment >= filter->unread_end)
        return e;
    err_drop(e);
    b->sift.stats.damaged_segments++;
    return OK;
}

static struct err
copy_inputs(struct build *b, struct wal_listing *found)
{
    uint64_t first = 0;
    TRY(check_segments(b, found, &first));
    if (found->checkpoints.n > 0) {
        AUTO(buf_fini) struct buf path = BUF_INIT;
        AUTO(wal_reader_close) struct wal_reader *r = NULL;
        const char *dir = wal_checkpoint_path(&path, b->dir, *vec_last(&found->checkpoints), "");
        TRY(wal_reader_open(b->fs, dir, 0, &r));
        TRY(copy_log(b, r, dir));
    }
    for (uint64_t segment = first; segment <= b->last; segment++)
        TRY(copy_segment(b, segment));
    return put_metadata(b);
}

/* --- all ---------------------------------------------------------------------------------- */

static struct err
write_all(struct build *b, const struct wal_opts *opts, const char *unfinished,
          struct wal_listing *found)
{
    TRY(fs_remove_tree(b->fs, unfinished)); /* of a failure before */
    struct wal_opts own = *opts;
    own.dir = unfinished;
    own.sync = WAL_SYNC_BATCH; /* each segment when it is full, and its name */
    TRY(wal_writer_open(&b->writer, &own));
    TRY(copy_inputs(b, found));
    TRY(wal_writer_finish(&b->writer));
    return fs_sync_dir(b->fs, unfinished);
}

static struct err
build(struct build *b, const struct wal_opts *opts, struct wal_listing *found)
{
    AUTO(buf_fini) struct buf unfinished = BUF_INIT, path = BUF_INIT;
    wal_checkpoint_path(&unfinished, b->dir, b->last, WAL_UNFINISHED_SUFFIX);
    struct err e = write_all(b, opts, buf_cstr(&unfinished), found);
    wal_writer_fini(&b->writer);
    if (e.code == ERR_NONE)
        e = fs_rename(b->fs, buf_cstr(&unfinished),
                      wal_checkpoint_path(&path, b->dir, b->last, ""));
    if (e.code)
        err_drop(fs_remove_tree(b->fs, buf_cstr(&unfinished))); /* else wal_open() does */
    return e;
}

struct err
wal_checkpoint(const struct wal_opts *opts, uint64_t last, const struct checkpoint_filter *filter,
               struct checkpoint_stats *ret_stats)
{
    struct build b = {
        .fs = opts->fs,
        .dir = opts->dir,
        .compression = opts->compression,
        .last = last,
        .stored = BUF_INIT,
    };
    struct checkpoint_stats stats = {.other_records = 0};
    AUTO(wal_listing_fini) struct wal_listing found = WAL_LISTING_INIT;
    TRY(wal_list(b.fs, b.dir, &found));
    if (found.checkpoints.n == 0 || *vec_last(&found.checkpoints) < last) {
        checkpoint_sift_init(&b.sift, filter);
        struct err e = build(&b, opts, &found);
        stats = b.sift.stats;
        checkpoint_sift_fini(&b.sift);
        buf_fini(&b.stored);
        TRY_IN(e, "checkpoint.%08ju", (uintmax_t)last);
    }
    TRY(fs_sync_dir(b.fs, b.dir)); /* its name, and that of the segment that goes on */
    *ret_stats = stats;
    return OK;
}
