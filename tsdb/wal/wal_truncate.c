/* wal_truncate.c - deleting what a log can do without.
 *
 * Segments go from the lowest up, so that no gap shows, and before the old checkpoints; those are
 * not read any more once a newer one exists, however little is left of them. */
#include "base/mem.h"
#include "tsdb/wal/checkpoint.h"
#include "tsdb/wal/wal_int.h"

static struct err
remove_listed(struct fs *fs, const char *dir, uint64_t last, struct wal_listing *found)
{
    AUTO(buf_fini) struct buf path = BUF_INIT;
    vec_each (&found->segments, segment) {
        if (*segment <= last)
            TRY(fs_remove_file(fs, wal_segment_path(&path, dir, *segment)));
    }
    vec_each (&found->checkpoints, checkpoint) {
        if (*checkpoint < last)
            TRY(fs_remove_tree(fs, wal_checkpoint_path(&path, dir, *checkpoint, "")));
    }
    return fs_sync_dir(fs, dir);
}

struct err
wal_truncate(struct fs *fs, const char *dir, uint64_t last)
{
    AUTO(wal_listing_fini) struct wal_listing found = WAL_LISTING_INIT;
    TRY(wal_list(fs, dir, &found));
    if (found.checkpoints.n > 0 && *vec_last(&found.checkpoints) < last)
        return ERR(ERR_CONFLICT, "log %s: cannot drop segments up to %08ju with checkpoint.%08ju",
                   dir, (uintmax_t)last, (uintmax_t)*vec_last(&found.checkpoints));
    TRY_IN(remove_listed(fs, dir, last, &found), "truncate log %s", dir);
    return OK;
}

static struct err
remove_unfinished(struct fs *fs, const char *dir, struct wal_listing *found)
{
    AUTO(buf_fini) struct buf path = BUF_INIT;
    vec_each (&found->unfinished, name) {
        buf_clear(&path);
        buf_printf(&path, "%s/%s", dir, *name);
        TRY(fs_remove_tree(fs, buf_cstr(&path)));
    }
    return OK;
}

struct err
wal_remove_leftovers(struct fs *fs, const char *dir)
{
    AUTO(wal_listing_fini) struct wal_listing found = WAL_LISTING_INIT;
    TRY(wal_list(fs, dir, &found));
    TRY(remove_unfinished(fs, dir, &found));
    bool replaced = found.checkpoints.n > 1 || (found.checkpoints.n > 0 && found.segments.n > 0 &&
                                                found.segments.v[0] <= found.checkpoints.v[0]);
    return replaced ? wal_truncate(fs, dir, *vec_last(&found.checkpoints)) : OK;
}
