/* wal_segments.c - which segments and checkpoints a log's directory holds. */
#include "base/mem.h"
#include "base/sort.h"
#include "tsdb/wal/wal_int.h"
#include "tsdb/wal/wal_reader.h"

enum { NUMBER_DIGITS = 8 };
static const struct str checkpoint_prefix = STR_INIT("checkpoint.");

/* A name as wal_segment_path() writes it: eight digits, or more without leading zeros. */
static bool
parse_number(struct str name, uint64_t *ret_number)
{
    if (name.n < NUMBER_DIGITS || (name.n > NUMBER_DIGITS && name.p[0] == '0'))
        return false;
    struct err e = str_parse_u64(name, ret_number);
    bool ok = e.code == ERR_NONE && *ret_number < UINT64_MAX;
    err_drop(e);
    return ok;
}

/* A log that was never opened has no directory. */
static struct err
list_dir(struct fs *fs, const char *dir, struct fs_list *ret_list)
{
    return fs_missing_is_fine(fs_list_dir(fs, dir, ret_list));
}

static struct err
note_checkpoint(struct wal_listing *l, const char *dir, const struct fs_entry *entry)
{
    struct str name = str_skip(str_of_cstr(entry->name), checkpoint_prefix.n);
    uint64_t number;
    if (str_ends_with(name, STR(WAL_UNFINISHED_SUFFIX)) && entry->kind == FS_DIR) {
        vec_push(&l->unfinished, mem_dup_text(entry->name, strlen(entry->name)));
        return OK;
    }
    if (!parse_number(name, &number))
        return OK;
    if (entry->kind != FS_DIR)
        return ERR(ERR_CORRUPT, "log %s: %s is not a directory", dir, entry->name);
    vec_push(&l->checkpoints, number);
    return OK;
}

struct err
wal_list(struct fs *fs, const char *dir, struct wal_listing *ret_listing)
{
    AUTO(fs_list_fini) struct fs_list list = VEC_INIT;
    TRY(list_dir(fs, dir, &list));
    vec_each (&list, entry) {
        struct str name = str_of_cstr(entry->name);
        uint64_t number;
        if (str_starts_with(name, checkpoint_prefix))
            TRY(note_checkpoint(ret_listing, dir, entry));
        else if (entry->kind == FS_FILE && parse_number(name, &number))
            vec_push(&ret_listing->segments, number);
    }
    u64_sort(ret_listing->segments.v, ret_listing->segments.n);
    u64_sort(ret_listing->checkpoints.v, ret_listing->checkpoints.n);
    return OK;
}

void
wal_listing_fini(struct wal_listing *l)
{
    vec_fini(&l->segments);
    vec_fini(&l->checkpoints);
    vec_each (&l->unfinished, name)
        mem_free(*name);
    vec_fini(&l->unfinished);
}

const char *
wal_segment_path(struct buf *path, const char *dir, uint64_t segment)
{
    buf_clear(path);
    buf_printf(path, "%s/%08ju", dir, (uintmax_t)segment);
    return buf_cstr(path);
}

const char *
wal_checkpoint_path(struct buf *path, const char *dir, uint64_t segment, const char *suffix)
{
    buf_clear(path);
    buf_printf(path, "%s/%.*s%08ju%s", dir, STR_FMT(checkpoint_prefix), (uintmax_t)segment, suffix);
    return buf_cstr(path);
}

/* Segments that a checkpoint stands for do not count, whichever of them a truncation that was cut
 * short has left. */
struct err
wal_live_segments(struct fs *fs, const char *dir, uint64_t *ret_first, uint64_t *ret_next)
{
    AUTO(wal_listing_fini) struct wal_listing found = WAL_LISTING_INIT;
    TRY(wal_list(fs, dir, &found));
    bool checkpointed = found.checkpoints.n > 0;
    uint64_t newest = checkpointed ? *vec_last(&found.checkpoints) : 0;
    uint64_t first = checkpointed ? newest + 1 : found.segments.n > 0 ? found.segments.v[0] : 0;
    uint64_t next = first;
    vec_each (&found.segments, segment) {
        if (*segment < first)
            continue;
        if (*segment != next && next == first)
            return ERR(ERR_CORRUPT, "log %s: no segment between checkpoint.%08ju and %08ju", dir,
                       (uintmax_t)newest, (uintmax_t)*segment);
        if (*segment != next)
            return ERR(ERR_CORRUPT, "log %s: segment %08ju is missing", dir, (uintmax_t)next);
        next++;
    }
    *ret_first = first;
    *ret_next = next;
    return OK;
}

struct err
wal_segments(struct fs *fs, const char *dir, uint64_t *ret_first, uint64_t *ret_last,
             bool *ret_none)
{
    uint64_t first, next;
    TRY(wal_live_segments(fs, dir, &first, &next));
    *ret_none = first == next;
    if (first != next) {
        *ret_first = first;
        *ret_last = next - 1;
    }
    return OK;
}

struct err
wal_last_checkpoint(struct fs *fs, const char *dir, struct buf *ret_dir, uint64_t *ret_segment,
                    bool *ret_none)
{
    AUTO(wal_listing_fini) struct wal_listing found = WAL_LISTING_INIT;
    AUTO(buf_fini) struct buf path = BUF_INIT;
    TRY(wal_list(fs, dir, &found));
    *ret_none = found.checkpoints.n == 0;
    if (found.checkpoints.n > 0) {
        *ret_segment = *vec_last(&found.checkpoints);
        wal_checkpoint_path(&path, dir, *ret_segment, "");
        buf_append(ret_dir, buf_str(&path));
    }
    return OK;
}

/* --- size --------------------------------------------------------------------------------- */

/* A segment may have been removed since it was listed. */
static struct err
add_segments(struct fs *fs, const char *dir, struct wal_listing *l, uint64_t *bytes)
{
    AUTO(buf_fini) struct buf path = BUF_INIT;
    vec_each (&l->segments, segment) {
        struct fs_stat st = {.size_bytes = 0};
        TRY(fs_missing_is_fine(fs_stat(fs, wal_segment_path(&path, dir, *segment), &st)));
        *bytes += st.size_bytes;
    }
    return OK;
}

struct err
wal_disk_bytes(struct fs *fs, const char *dir, uint64_t *ret_bytes)
{
    AUTO(wal_listing_fini) struct wal_listing found = WAL_LISTING_INIT;
    uint64_t bytes = 0;
    TRY(wal_list(fs, dir, &found));
    TRY(add_segments(fs, dir, &found, &bytes));
    AUTO(buf_fini) struct buf path = BUF_INIT;
    vec_each (&found.checkpoints, number) {
        AUTO(wal_listing_fini) struct wal_listing inside = WAL_LISTING_INIT;
        const char *checkpoint = wal_checkpoint_path(&path, dir, *number, "");
        TRY(wal_list(fs, checkpoint, &inside));
        TRY(add_segments(fs, checkpoint, &inside, &bytes));
    }
    *ret_bytes = bytes;
    return OK;
}
