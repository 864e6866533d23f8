/* block_delete.c - a block's directory gets a name that says so, and is removed. */
#include "tsdb/block/block_delete.h"

#include "base/mem.h"

struct err
block_delete(struct fs *fs, const char *dir, const struct ulid *ulid)
{
    char name[ULID_TEXT_BYTES];
    ulid_format(ulid, name);
    AUTO(mem_free) char *path = fs_path_below(dir, str_of(name, sizeof name));
    AUTO(buf_fini) struct buf gone = BUF_INIT;
    buf_printf(&gone, "%s.tmp-for-deletion", path);
    if (fs_exists(fs, path)) {
        TRY(fs_remove_tree(fs, buf_cstr(&gone))); /* of an earlier try: the place must be empty */
        TRY(fs_rename(fs, path, buf_cstr(&gone)));
        TRY(fs_sync_dir(fs, dir)); /* or the block might come back without some of its files */
    }
    return fs_remove_tree(fs, buf_cstr(&gone));
}
