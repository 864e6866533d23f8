/* db_snapshot.c - a copy of a database beside it: snapshots/<name>/ with its blocks and, as a block
 * of their own, the samples of its head.
 *
 * Files of blocks never change, but are replaced; so a second name for each is a copy that costs
 * nothing. A snapshot is made under a name that ends in .tmp and renamed when it is whole and
 * synced: what a crash or a failure leaves goes with the next one. Cuts, compactions and deletions
 * wait meanwhile; writes and queries do not, and what is written then is in the copy or is not.
 * Source: prometheus tsdb/db.go, DB.Snapshot, and web/api/v1/api.go, snapshot; differences: late
 * samples of the head are in its block, too, and no half of a snapshot is ever to be seen.
 * Threads: any. */
#include "tsdb/db_int.h"

#include <time.h>

#include "base/mem.h"
#include "base/rand.h"

/* --- blocks ----------------------------------------------------------------------------------- */

static bool
is_unfinished(const char *name)
{
    return str_ends_with(str_of_cstr(name), STR(".tmp"));
}

/* The files of one directory; it has no others below that matter. */
static struct err
link_files(struct fs *fs, const char *from, const char *to)
{
    AUTO(fs_list_fini) struct fs_list entries = VEC_INIT;
    TRY(fs_make_dirs(fs, to));
    TRY(fs_list_dir(fs, from, &entries));
    vec_each (&entries, entry) {
        if (entry->kind != FS_FILE || is_unfinished(entry->name))
            continue;
        AUTO(mem_free) char *old = fs_path_below(from, str_of_cstr(entry->name));
        AUTO(mem_free) char *new = fs_path_below(to, str_of_cstr(entry->name));
        TRY(fs_link(fs, old, new));
    }
    return fs_sync_dir(fs, to);
}

static struct err
link_block(struct db *db, const struct block *b, const char *to)
{
    char name[ULID_TEXT_BYTES];
    ulid_format(&block_meta_of(b)->ulid, name);
    AUTO(mem_free) char *from = fs_path_below(db->dir, str_of(name, sizeof name));
    AUTO(mem_free) char *copy = fs_path_below(to, str_of(name, sizeof name));
    AUTO(mem_free) char *from_chunks = fs_path_below(from, STR("chunks"));
    AUTO(mem_free) char *copy_chunks = fs_path_below(copy, STR("chunks"));
    TRY(link_files(db->opts.fs, from, copy));
    TRY(link_files(db->opts.fs, from_chunks, copy_chunks));
    return fs_sync_dir(db->opts.fs, copy);
}

/* --- the head --------------------------------------------------------------------------------- */

/* What the blocks of the view do not have. */
static struct err
write_head(struct db *db, const struct view *view, const char *to)
{
    AUTO(arena_fini) struct arena a;
    AUTO(series_set_close) struct series_set *set = NULL;
    struct select_query q = {.mint_ms = INT64_MIN, .maxt_ms = INT64_MAX, .want = SELECT_CHUNKS};
    struct head_since since = {view->head.head_mint_ms, view->head.late_ref, view->head.deletions};
    struct matcher every;
    bool empty;
    arena_init(&a, 0);
    TRY(matcher_make(&a, MATCH_EQUAL, STR(""), STR(""), &every)); /* no series has such a label */
    TRY(head_select(db->head, &q, since, (struct matchers){&every, 1}, &a, &set));
    struct block_writer_opts o = {
        .fs = db->opts.fs,
        .dir = to,
        .ulid = db_new_ulid(db),
        .span_of_chunks = true,
        .hints = head_has_late(db->head) ? BLOCK_FROM_OUT_OF_ORDER : 0, /* T13 */
    };
    return block_write(&o, set, &empty);
}

/* --- the whole -------------------------------------------------------------------------------- */

static struct err
copy_view(struct db *db, const struct view *view, enum snapshot_scope scope, const char *to)
{
    for (size_t i = 0; i < view->blocks.v.n; i++)
        TRY(link_block(db, view->blocks.v.v[i], to));
    if (scope == SNAPSHOT_WITH_HEAD)
        TRY(write_head(db, view, to));
    return fs_sync_dir(db->opts.fs, to);
}

/* Nobody else makes one now. */
static struct err
remove_unfinished(struct fs *fs, const char *snapshots)
{
    AUTO(fs_list_fini) struct fs_list entries = VEC_INIT;
    TRY(fs_list_dir(fs, snapshots, &entries));
    vec_each (&entries, entry) {
        if (!is_unfinished(entry->name))
            continue;
        AUTO(mem_free) char *path = fs_path_below(snapshots, str_of_cstr(entry->name));
        TRY(fs_remove_tree(fs, path));
    }
    return OK;
}

static struct err
make_snapshot(struct db *db, enum snapshot_scope scope, const char *snapshots, const char *name)
    REQUIRES(db->maintain_lock)
{
    struct fs *fs = db->opts.fs;
    AUTO(mem_free) char *whole = fs_path_below(snapshots, str_of_cstr(name));
    AUTO(buf_fini) struct buf unfinished = BUF_INIT;
    buf_printf(&unfinished, "%s.tmp", whole);
    TRY(fs_make_dirs(fs, snapshots));
    TRY(remove_unfinished(fs, snapshots));
    TRY(fs_make_dirs(fs, buf_cstr(&unfinished)));
    const struct view *view = views_acquire(&db->views);
    struct err e = copy_view(db, view, scope, buf_cstr(&unfinished));
    views_release(&db->views, view);
    if (e.code == ERR_NONE)
        e = fs_rename(fs, buf_cstr(&unfinished), whole);
    if (e.code != ERR_NONE) { /* the first failure is told; the next snapshot tries again */
        err_drop(fs_remove_tree(fs, buf_cstr(&unfinished)));
        return e;
    }
    TRY(fs_sync_dir(fs, snapshots));
    return fs_sync_dir(fs, db->dir);
}

/* 20171210T211224Z-2be650b6d019eb54 */
static struct str
snapshot_name(const struct db *db, struct arena *a)
{
    uint64_t random;
    struct tm now;
    time_t at_s = (time_t)(clock_wall_ms(db->opts.clock) / 1000);
    rand_bytes(&random, sizeof random);
    gmtime_r(&at_s, &now);
    return arena_printf(a, "%04d%02d%02dT%02d%02d%02dZ-%016jx", now.tm_year + 1900, now.tm_mon + 1,
                        now.tm_mday, now.tm_hour, now.tm_min, now.tm_sec,
                        (uintmax_t)(random >> 1)); /* Go's Int63() */
}

struct err
db_snapshot(struct db *db, enum snapshot_scope scope, struct arena *a, struct str *ret_name)
{
    struct str name = snapshot_name(db, a);
    AUTO(mem_free) char *snapshots = fs_path_below(db->dir, STR(DB_SNAPSHOTS_DIR));
    LOCKED(&db->maintain_lock);
    TRY_IN(make_snapshot(db, scope, snapshots, name.p), "snapshot %s", name.p);
    *ret_name = name;
    return OK;
}
