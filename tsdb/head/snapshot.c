/* snapshot.c - the names of snapshots, and which of them counts.
 *
 *   chunk_snapshot.000007.0000065536        a snapshot at segment 7, offset 65536
 *   chunk_snapshot.000007.0000065536.tmp    one that is being written, or deleted
 *
 * A name appears and disappears by a rename, so that a directory without .tmp is always whole. */
#include "tsdb/head/snapshot.h"

#include "base/mem.h"
#include "tsdb/head/snapshot_int.h"
#include "tsdb/wal/wal_reader.h"

static const struct str prefix = STR_INIT("chunk_snapshot."), tmp_suffix = STR_INIT(".tmp");

static void
put_name(struct buf *to, struct snapshot_pos pos)
{
    buf_printf(to, "%.*s%06ju.%010ju", STR_FMT(prefix), (uintmax_t)pos.segment,
               (uintmax_t)pos.offset);
}

void
snapshot_put_path(struct buf *to, const char *dir, struct snapshot_pos pos)
{
    buf_printf(to, "%s/", dir);
    put_name(to, pos);
}

static int
pos_cmp(struct snapshot_pos a, struct snapshot_pos b)
{
    if (a.segment != b.segment)
        return a.segment < b.segment ? -1 : 1;
    return (a.offset > b.offset) - (a.offset < b.offset);
}

static bool
parse_number(struct str digits, uint64_t *ret_number)
{
    struct err e = str_parse_u64(digits, ret_number);
    bool ok = e.code == ERR_NONE;
    err_drop(e);
    return ok;
}

/* False for what is no snapshot, or has other zeros in front than we and Prometheus write. */
static bool
parse_name(struct str name, struct snapshot_pos *ret_pos)
{
    if (!str_starts_with(name, prefix))
        return false;
    struct snapshot_pos pos;
    struct str rest = str_skip(name, prefix.n);
    if (!parse_number(str_split(&rest, '.'), &pos.segment) || !parse_number(rest, &pos.offset))
        return false;
    AUTO(buf_fini) struct buf again = BUF_INIT;
    put_name(&again, pos);
    *ret_pos = pos;
    return str_eq(buf_str(&again), name);
}

/* A half-deleted snapshot must not pass for a whole one: first it loses its name. */
static struct err
delete_dir(struct fs *fs, const char *dir, struct str name)
{
    AUTO(mem_free) char *path = fs_path_below(dir, name);
    AUTO(buf_fini) struct buf tmp = BUF_INIT;
    if (str_ends_with(name, tmp_suffix))
        return fs_remove_tree(fs, path);
    buf_printf(&tmp, "%s.tmp", path);
    TRY(fs_remove_tree(fs, buf_cstr(&tmp)));
    TRY(fs_rename(fs, path, buf_cstr(&tmp)));
    TRY(fs_sync_dir(fs, dir));
    return fs_remove_tree(fs, buf_cstr(&tmp));
}

struct err
snapshot_delete_but(struct fs *fs, const char *dir, const struct snapshot_pos *keep)
{
    AUTO(fs_list_fini) struct fs_list list = VEC_INIT;
    TRY(fs_list_dir(fs, dir, &list));
    vec_each (&list, entry) {
        struct str name = str_of_cstr(entry->name), whole = name;
        struct snapshot_pos pos;
        if (str_ends_with(name, tmp_suffix))
            whole.n -= tmp_suffix.n;
        if (entry->kind != FS_DIR || !parse_name(whole, &pos))
            continue;
        if (keep && whole.n == name.n && pos_cmp(pos, *keep) == 0)
            continue;
        TRY(delete_dir(fs, dir, name));
    }
    return OK;
}

struct err
snapshot_delete_all(struct fs *fs, const char *dir)
{
    return snapshot_delete_but(fs, dir, NULL);
}

static struct err
find_newest(struct fs *fs, const char *dir, struct snapshot_pos *ret_pos, bool *ret_none)
{
    AUTO(fs_list_fini) struct fs_list list = VEC_INIT;
    TRY(fs_list_dir(fs, dir, &list));
    *ret_none = true;
    vec_each (&list, entry) {
        struct snapshot_pos pos;
        if (entry->kind != FS_DIR || !parse_name(str_of_cstr(entry->name), &pos))
            continue;
        if (*ret_none || pos_cmp(pos, *ret_pos) > 0)
            *ret_pos = pos;
        *ret_none = false;
    }
    return OK;
}

struct err
snapshot_pos_of_log(struct fs *fs, const char *wal_dir, struct snapshot_pos *ret_pos)
{
    uint64_t first, last;
    bool none;
    TRY(wal_segments(fs, wal_dir, &first, &last, &none));
    if (none)
        return ERR(ERR_NOT_FOUND, "log %s has no segments", wal_dir);
    AUTO(buf_fini) struct buf path = BUF_INIT;
    struct fs_stat stat;
    buf_printf(&path, "%s/%08ju", wal_dir, (uintmax_t)last);
    TRY(fs_stat(fs, buf_cstr(&path), &stat));
    *ret_pos = (struct snapshot_pos){last, stat.size_bytes};
    return OK;
}

struct err
snapshot_find(struct fs *fs, const char *dir, const char *wal_dir, struct buf *ret_path,
              struct snapshot_pos *ret_pos, bool *ret_none)
{
    struct snapshot_pos newest = {0, 0};
    uint64_t first, last = 0;
    bool none, no_log;
    TRY(find_newest(fs, dir, &newest, &none));
    TRY(wal_segments(fs, wal_dir, &first, &last, &no_log));
    if (none || no_log || last < newest.segment) { /* N4 */
        TRY(snapshot_delete_all(fs, dir));
        *ret_none = true;
        return OK;
    }
    TRY(snapshot_delete_but(fs, dir, &newest));
    snapshot_put_path(ret_path, dir, newest);
    *ret_pos = newest;
    *ret_none = false;
    return OK;
}
