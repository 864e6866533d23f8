/* fs_overlay.c - names and maps over another fs; see fs_overlay_int.h. */
#include "base/fs_overlay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/fs_overlay_int.h"
#include "base/mem.h"

static const struct fs_ops overlay_ops;

static struct fs_overlay *
overlay_of(struct fs *fs)
{
    ASSERT(fs->ops == &overlay_ops);
    return container_of(fs, struct fs_overlay, base);
}

/* --- names ------------------------------------------------------------------------------------ */

static bool
is_there(struct fs_overlay *o, struct place *p, const char *path)
{
    struct fs_stat st;
    struct err e = overlay_stat_place(o, p, path, &st);
    bool there = e.code == ERR_NONE;
    err_drop(e);
    return there;
}

static struct err
create(struct fs_overlay *o, const char *path, struct file **ret_file) REQUIRES(o->lock)
{
    struct mem_file *file = overlay_new_file(o);
    overlay_set_node(o, path, (struct node){.kind = NODE_FILE, .file = file});
    *ret_file = overlay_file_new(o, path, file, NULL);
    return OK;
}

static struct err
overlay_open(struct fs *fs, const char *path, enum fs_open_mode mode, struct file **ret_file)
{
    struct fs_overlay *o = overlay_of(fs);
    LOCKED(&o->lock);
    PLACE p;
    overlay_find_place(o, path, &p);
    bool there = is_there(o, &p, path);
    if (there && mode == FS_WRITE_NEW)
        return err_errno(EEXIST, "open %s", path);
    if (mode == FS_WRITE_NEW || mode == FS_WRITE_OVER || (mode == FS_WRITE_KEEP && !there))
        return create(o, path, ret_file);
    if (p.node && p.node->kind == NODE_FILE) {
        *ret_file = overlay_file_new(o, path, p.node->file, NULL);
        return OK;
    }
    if (p.below.n == 0)
        return err_errno(ENOENT, "open %s", path);
    struct file *inner;
    TRY(fs_open(o->inner, buf_cstr(&p.below), FS_READ, &inner));
    *ret_file = overlay_file_new(o, path, NULL, inner);
    return OK;
}

static struct err
overlay_lock_file(struct fs *fs, const char *path, struct file **ret_file)
{
    LOCKED(&overlay_of(fs)->lock);
    return create(overlay_of(fs), path, ret_file);
}

static struct err
overlay_lock_holder(struct fs *fs, const char *path, uint64_t *ret_pid)
{
    return fs_lock_holder(overlay_of(fs)->inner, path, ret_pid);
}

/* The name of `path` directly below `dir`; empty when it is not. */
static struct str
child_name(struct str path, struct str dir)
{
    if (path.n <= dir.n + 1 || !str_starts_with(path, dir) || path.p[dir.n] != '/')
        return STR("");
    struct str name = str_skip(path, dir.n + 1);
    return str_find_byte(name, '/') == name.n ? name : STR("");
}

static int
compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct fs_entry *)a)->name, ((const struct fs_entry *)b)->name);
}

/* Entries from below that no node here replaces. */
static struct err
list_below(struct fs_overlay *o, struct place *p, const char *dir, struct fs_list *to)
    REQUIRES(o->lock)
{
    AUTO(fs_list_fini) struct fs_list found = VEC_INIT;
    AUTO(buf_fini) struct buf path = BUF_INIT;
    if (p->below.n == 0)
        return OK;
    TRY(fs_list_dir(o->inner, buf_cstr(&p->below), &found));
    vec_each (&found, entry) {
        buf_clear(&path);
        buf_printf(&path, "%s/%s", dir, entry->name);
        if (!map_get(&o->nodes, buf_str(&path)))
            vec_push(to, ((struct fs_entry){TAKE(entry->name), entry->kind}));
    }
    return OK;
}

static struct err
overlay_list_dir(struct fs *fs, const char *dir, struct fs_list *ret_list)
{
    struct fs_overlay *o = overlay_of(fs);
    AUTO(fs_list_fini) struct fs_list list = VEC_INIT;
    LOCKED(&o->lock);
    PLACE p;
    overlay_find_place(o, dir, &p);
    struct fs_stat st;
    TRY(overlay_stat_place(o, &p, dir, &st));
    if (st.kind != FS_DIR)
        return err_errno(ENOTDIR, "list %s", dir);
    TRY(list_below(o, &p, dir, &list));
    struct map_entry e = MAP_START;
    while (map_next(&o->nodes, &e)) {
        const struct node *n = e.value;
        struct str name = child_name(e.key, str_of_cstr(dir));
        if (name.n == 0 || n->kind == NODE_GONE)
            continue;
        vec_push(&list, ((struct fs_entry){mem_dup_text(name.p, name.n),
                                           n->kind == NODE_FILE ? FS_FILE : FS_DIR}));
    }
    if (list.n > 1)
        qsort(list.v, list.n, sizeof *list.v, compare_entries);
    *ret_list = list;
    list = (struct fs_list)VEC_INIT;
    return OK;
}

static struct err
overlay_stat(struct fs *fs, const char *path, struct fs_stat *ret_stat)
{
    struct fs_overlay *o = overlay_of(fs);
    LOCKED(&o->lock);
    PLACE p;
    overlay_find_place(o, path, &p);
    return overlay_stat_place(o, &p, path, ret_stat);
}

static struct err
overlay_make_dir(struct fs *fs, const char *path)
{
    struct fs_overlay *o = overlay_of(fs);
    LOCKED(&o->lock);
    PLACE p;
    overlay_find_place(o, path, &p);
    struct fs_stat st;
    struct err e = overlay_stat_place(o, &p, path, &st);
    bool there = e.code == ERR_NONE;
    err_drop(e);
    if (there)
        return st.kind == FS_DIR ? OK : err_errno(EEXIST, "make directory %s", path);
    overlay_set_node(o, path, (struct node){.kind = NODE_DIR});
    return OK;
}

static struct err
rename_dir(struct fs_overlay *o, struct place *p, const char *from, const char *to)
    REQUIRES(o->lock)
{
    const char *below = p->below.n > 0 ? buf_cstr(&p->below) : NULL;
    AUTO(buf_fini) struct buf path = BUF_INIT, moved = BUF_INIT;
    struct str prefix = str_of_cstr(from);
    for (bool again = true; again;) { /* the map must not change during a walk */
        struct map_entry e = MAP_START;
        again = false;
        while (!again && map_next(&o->nodes, &e)) {
            again =
                e.key.n > prefix.n && str_starts_with(e.key, prefix) && e.key.p[prefix.n] == '/';
            if (!again)
                continue;
            buf_clear(&path);
            buf_clear(&moved);
            buf_append(&path, e.key);
            buf_printf(&moved, "%s%.*s", to, STR_FMT(str_skip(e.key, prefix.n)));
        }
        if (again) {
            struct node *n = map_remove(&o->nodes, buf_str(&path));
            overlay_node_free(map_put(&o->nodes, buf_str(&moved), n));
        }
    }
    overlay_set_node(
        o, to,
        (struct node){.kind = NODE_DIR, .below = below ? mem_dup_text(below, p->below.n) : NULL});
    return OK;
}

static struct err
overlay_rename(struct fs *fs, const char *from, const char *to)
{
    struct fs_overlay *o = overlay_of(fs);
    LOCKED(&o->lock);
    PLACE p;
    overlay_find_place(o, from, &p);
    struct fs_stat st;
    TRY(overlay_stat_place(o, &p, from, &st));
    if (st.kind == FS_DIR) {
        TRY(rename_dir(o, &p, from, to));
    } else {
        struct mem_file *file;
        TRY(overlay_lift(o, &p, from, &file));
        overlay_set_node(o, to, (struct node){.kind = NODE_FILE, .file = file});
    }
    overlay_set_node(o, from, (struct node){.kind = NODE_GONE});
    return OK;
}

static struct err
check_free(struct fs_overlay *o, const char *path) REQUIRES(o->lock)
{
    PLACE p;
    struct fs_stat st;
    overlay_find_place(o, path, &p);
    struct err e = overlay_stat_place(o, &p, path, &st);
    if (e.code == ERR_NONE)
        return err_errno(EEXIST, "link to %s", path);
    return fs_missing_is_fine(e);
}

static struct err
overlay_link(struct fs *fs, const char *from, const char *to)
{
    struct fs_overlay *o = overlay_of(fs);
    LOCKED(&o->lock);
    PLACE p;
    struct mem_file *file;
    overlay_find_place(o, from, &p);
    TRY(check_free(o, to));
    TRY(overlay_lift(o, &p, from, &file));
    overlay_set_node(o, from, (struct node){.kind = NODE_FILE, .file = file});
    overlay_set_node(o, to, (struct node){.kind = NODE_FILE, .file = file});
    return OK;
}

static struct err
remove_name(struct fs *fs, const char *path, enum fs_kind kind)
{
    struct fs_overlay *o = overlay_of(fs);
    LOCKED(&o->lock);
    PLACE p;
    overlay_find_place(o, path, &p);
    struct fs_stat st;
    TRY(overlay_stat_place(o, &p, path, &st));
    if ((st.kind == FS_DIR) != (kind == FS_DIR))
        return err_errno(kind == FS_DIR ? ENOTDIR : EISDIR, "remove %s", path);
    overlay_set_node(o, path, (struct node){.kind = NODE_GONE});
    return OK;
}

static struct err
overlay_remove_file(struct fs *fs, const char *path)
{
    return remove_name(fs, path, FS_FILE);
}

static struct err
overlay_remove_dir(struct fs *fs, const char *path)
{
    AUTO(fs_list_fini) struct fs_list entries = VEC_INIT;
    TRY(overlay_list_dir(fs, path, &entries));
    if (entries.n > 0)
        return err_errno(ENOTEMPTY, "remove %s", path);
    return remove_name(fs, path, FS_DIR);
}

static struct err
overlay_sync_dir(struct fs *fs, const char *path)
{
    (void)fs;
    (void)path;
    return OK;
}

/* --- maps ------------------------------------------------------------------------------------- */

/* Reserved pages behind the end of a file in memory read as zeros, as those that a file below
 * gets once it grows. */
static struct err
overlay_map(struct fs *fs, const char *path, size_t reserve_bytes, struct fs_map *ret_map)
{
    struct fs_overlay *o = overlay_of(fs);
    LOCKED(&o->lock);
    PLACE p;
    overlay_find_place(o, path, &p);
    if (p.node && p.node->kind == NODE_FILE) {
        struct mem_file *file = p.node->file;
        size_t bytes = size_max(file->n, reserve_bytes);
        TRY(overlay_reserve(o, file, bytes, path));
        *ret_map = (struct fs_map){.bytes = str_of(bytes ? file->region.p : "", bytes)};
        return OK;
    }
    if (p.below.n == 0)
        return err_errno(ENOENT, "map %s", path);
    return fs_map_reserve(o->inner, buf_cstr(&p.below), reserve_bytes, ret_map);
}

static void
overlay_unmap(struct fs *fs, struct fs_map *map)
{
    struct fs_overlay *o = overlay_of(fs);
    LOCKED(&o->lock);
    vec_each (&o->regions, region) {
        if (map->bytes.p == region->p)
            return; /* kept until the overlay is closed */
    }
    fs_unmap(o->inner, map);
}

static struct err
overlay_free_bytes(struct fs *fs, const char *path, uint64_t *ret_bytes)
{
    return fs_free_bytes(overlay_of(fs)->inner, path, ret_bytes);
}

static const struct fs_ops overlay_ops = {
    .open = overlay_open,
    .list_dir = overlay_list_dir,
    .stat = overlay_stat,
    .make_dir = overlay_make_dir,
    .rename = overlay_rename,
    .link = overlay_link,
    .remove_file = overlay_remove_file,
    .remove_dir = overlay_remove_dir,
    .sync_dir = overlay_sync_dir,
    .map = overlay_map,
    .unmap = overlay_unmap,
    .free_bytes = overlay_free_bytes,
    .lock_file = overlay_lock_file,
    .lock_holder = overlay_lock_holder,
};

struct fs *
fs_overlay_open(struct fs *inner)
{
    struct fs_overlay *o = mem_alloc_zero(sizeof *o);
    o->base.ops = &overlay_ops;
    o->inner = inner;
    lock_init(&o->lock, LOCK_RANK_LEAF);
    map_init(&o->nodes, MAP_KEYS_COPIED);
    return &o->base;
}

void
fs_overlay_close(struct fs *fs)
{
    if (!fs)
        return;
    struct fs_overlay *o = overlay_of(fs);
    struct map_entry e = MAP_START;
    while (map_next(&o->nodes, &e))
        overlay_node_free(e.value);
    map_fini(&o->nodes);
    vec_each (&o->files, file)
        mem_free(*file);
    vec_each (&o->regions, region)
        mem_pages_free(region->p, region->bytes);
    vec_fini(&o->files);
    vec_fini(&o->regions);
    lock_fini(&o->lock);
    mem_free(o);
}
