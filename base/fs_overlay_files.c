/* fs_overlay_files.c - nodes, and files in memory. */
#include <errno.h>
#include <string.h>

#include "base/fs_overlay_int.h"
#include "base/mem.h"

enum { REGION_BYTES_MIN = 64 << 10 };

/* --- nodes ------------------------------------------------------------------------------------ */

/* The nearest node at or above `path` decides. */
void
overlay_find_place(struct fs_overlay *o, const char *path, struct place *ret_place)
    REQUIRES(o->lock)
{
    struct str whole = str_of_cstr(path), prefix = whole;
    *ret_place = (struct place){map_get(&o->nodes, whole), BUF_INIT};
    const struct node *node = ret_place->node;
    while (!node && prefix.n > 0) {
        while (prefix.n > 0 && prefix.p[prefix.n - 1] != '/')
            prefix.n--;
        while (prefix.n > 0 && prefix.p[prefix.n - 1] == '/')
            prefix.n--;
        node = prefix.n > 0 ? map_get(&o->nodes, prefix) : NULL;
    }
    if (!node)
        buf_append(&ret_place->below, whole);
    else if (node->kind == NODE_DIR && node->below)
        buf_printf(&ret_place->below, "%s%.*s", node->below, STR_FMT(str_skip(whole, prefix.n)));
}

void
overlay_node_free(struct node *n)
{
    if (!n)
        return;
    mem_free(n->below);
    mem_free(n);
}

void
overlay_set_node(struct fs_overlay *o, const char *path, struct node node) REQUIRES(o->lock)
{
    struct node *n = mem_alloc(sizeof *n);
    *n = node;
    overlay_node_free(map_put(&o->nodes, str_of_cstr(path), n));
}

struct mem_file *
overlay_new_file(struct fs_overlay *o) REQUIRES(o->lock)
{
    struct mem_file *file = mem_alloc_zero(sizeof *file);
    vec_push(&o->files, file);
    return file;
}

struct err
overlay_reserve(struct fs_overlay *o, struct mem_file *file, uint64_t bytes, const char *path)
    REQUIRES(o->lock)
{
    if (bytes > FS_OVERLAY_FILE_BYTES_MAX)
        return ERR(ERR_NO_SPACE, "%s: more than %d bytes in memory", path,
                   FS_OVERLAY_FILE_BYTES_MAX);
    if (bytes <= file->region.bytes)
        return OK;
    struct region r = {.bytes = size_max(REGION_BYTES_MIN, file->region.bytes)};
    while (r.bytes < bytes)
        r.bytes *= 2;
    r.p = mem_pages_alloc_zero(r.bytes);
    if (file->n > 0)
        memcpy(r.p, file->region.p, file->n);
    vec_push(&o->regions, r);
    file->region = r;
    return OK;
}

struct err
overlay_stat_place(struct fs_overlay *o, struct place *p, const char *path,
                   struct fs_stat *ret_stat)
{
    *ret_stat = (struct fs_stat){.kind = FS_DIR};
    if (p->node && p->node->kind == NODE_FILE) {
        *ret_stat = (struct fs_stat){.kind = FS_FILE, .size_bytes = p->node->file->n};
        return OK;
    }
    if (p->node && p->node->kind == NODE_DIR)
        return OK;
    if (p->below.n == 0)
        return err_errno(ENOENT, "stat %s", path);
    return fs_stat(o->inner, buf_cstr(&p->below), ret_stat);
}

struct err
overlay_lift(struct fs_overlay *o, struct place *p, const char *path, struct mem_file **ret_file)
    REQUIRES(o->lock)
{
    if (p->node && p->node->kind == NODE_FILE) {
        *ret_file = p->node->file;
        return OK;
    }
    if (p->below.n == 0)
        return err_errno(ENOENT, "open %s", path);
    AUTO(file_close) struct file *from = NULL;
    TRY(fs_open(o->inner, buf_cstr(&p->below), FS_READ, &from));
    uint64_t size_bytes;
    TRY(file_size(from, &size_bytes));
    struct mem_file *file = overlay_new_file(o);
    TRY(overlay_reserve(o, file, size_bytes, path));
    if (size_bytes > 0)
        TRY(file_read_at(from, 0, file->region.p, size_bytes, &file->n));
    overlay_set_node(o, path, (struct node){.kind = NODE_FILE, .file = file});
    *ret_file = file;
    return OK;
}

/* --- open files ------------------------------------------------------------------------------- */

struct overlay_file {
    struct file base;
    struct fs_overlay *fs;
    struct mem_file *file; /* NULL while only what is below was needed */
    struct file *inner;    /* owned; NULL when `file` is not */
};

static struct overlay_file *
overlay_file_of(struct file *f)
{
    return container_of(f, struct overlay_file, base);
}

static void
overlay_file_close(struct file *f)
{
    file_close(overlay_file_of(f)->inner);
    mem_free(overlay_file_of(f));
}

/* Before the first change of a file that was only below. */
static struct err
lift_open(struct overlay_file *f) REQUIRES(f->fs->lock)
{
    if (f->file)
        return OK;
    PLACE p;
    overlay_find_place(f->fs, f->base.path, &p);
    return overlay_lift(f->fs, &p, f->base.path, &f->file);
}

static struct err
overlay_write_at(struct file *f, uint64_t offset, struct str bytes)
{
    struct overlay_file *file = overlay_file_of(f);
    LOCKED(&file->fs->lock);
    TRY(lift_open(file));
    if (bytes.n == 0)
        return OK;
    uint64_t end = offset > UINT64_MAX - bytes.n ? UINT64_MAX : offset + bytes.n;
    TRY(overlay_reserve(file->fs, file->file, end, f->path));
    memcpy(file->file->region.p + offset, bytes.p, bytes.n);
    file->file->n = size_max(file->file->n, end);
    return OK;
}

static struct err
overlay_read_at(struct file *f, uint64_t offset, void *to, size_t n, size_t *ret_n)
{
    struct overlay_file *file = overlay_file_of(f);
    LOCKED(&file->fs->lock);
    if (!file->file)
        return file_read_at(file->inner, offset, to, n, ret_n);
    size_t left = offset < file->file->n ? file->file->n - offset : 0;
    *ret_n = size_min(n, left);
    if (*ret_n > 0)
        memcpy(to, file->file->region.p + offset, *ret_n);
    return OK;
}

static struct err
overlay_sync(struct file *f)
{
    (void)f;
    return OK;
}

static struct err
overlay_truncate(struct file *f, uint64_t size_bytes)
{
    struct overlay_file *file = overlay_file_of(f);
    LOCKED(&file->fs->lock);
    TRY(lift_open(file));
    TRY(overlay_reserve(file->fs, file->file, size_bytes, f->path));
    if (size_bytes < file->file->n) /* what is cut off reads as zeros when it comes back */
        memset(file->file->region.p + size_bytes, 0, file->file->n - size_bytes);
    file->file->n = size_bytes;
    return OK;
}

static struct err
overlay_size(struct file *f, uint64_t *ret_bytes)
{
    struct overlay_file *file = overlay_file_of(f);
    LOCKED(&file->fs->lock);
    if (!file->file)
        return file_size(file->inner, ret_bytes);
    *ret_bytes = file->file->n;
    return OK;
}

static const struct file_ops overlay_file_ops = {
    .close = overlay_file_close,
    .write_at = overlay_write_at,
    .read_at = overlay_read_at,
    .sync = overlay_sync,
    .truncate = overlay_truncate,
    .size = overlay_size,
};

struct file *
overlay_file_new(struct fs_overlay *o, const char *path, struct mem_file *file, struct file *inner)
{
    struct overlay_file *f = mem_alloc(sizeof *f);
    *f = (struct overlay_file){
        .base = {.ops = &overlay_file_ops, .path = mem_dup_text(path, strlen(path))},
        .fs = o,
        .file = file,
        .inner = inner,
    };
    return &f->base;
}
