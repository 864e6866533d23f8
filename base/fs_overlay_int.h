/* fs_overlay_int.h - names and files in memory over those of another fs; for fs_overlay*.c.
 *
 * A node stands for a name that differs from what is below: gone, a file in memory, or a
 * directory that was made here or stands for another one below (after a rename). Everything
 * else is looked up below. The bytes of a file lie in a region, which is replaced by a larger one
 * when it is full; regions live until the overlay is closed, so maps need no bookkeeping, and a
 * map that reserves room makes the region large enough for it at once. */
#pragma once
#include "base/fs_int.h"
#include "base/fs_overlay.h"
#include "base/lock.h"
#include "base/map.h"

/* Zeroed pages. */
struct region {
    char *p;
    size_t bytes;
};

struct mem_file {
    struct region region; /* the overlay's; p is NULL while the file is empty; zeros behind n */
    size_t n;
};

enum node_kind { NODE_GONE, NODE_FILE, NODE_DIR };

struct node {
    enum node_kind kind;
    struct mem_file *file; /* NODE_FILE; the overlay's */
    char *below;           /* NODE_DIR: the directory below that shows through, or NULL; owned */
};

struct fs_overlay {
    struct fs base;
    struct fs *inner; /* borrowed; immutable */

    struct lock lock;
    struct map nodes GUARDED_BY(lock);             /* path -> struct node */
    VEC(struct mem_file *) files GUARDED_BY(lock); /* all that ever were */
    VEC(struct region) regions GUARDED_BY(lock);   /* the same */
};

/* What a path means: a node of its own, or a path below, or neither. */
struct place {
    struct node *node;
    struct buf below; /* n == 0: nothing below shows at this path */
};
static inline void
auto_place_fini(struct place *p)
{
    buf_fini(&p->below);
}
/* Released at the end of its scope. */
#define PLACE __attribute__((cleanup(auto_place_fini))) struct place
void overlay_find_place(struct fs_overlay *o, const char *path, struct place *ret_place)
    REQUIRES(o->lock);
struct err overlay_stat_place(struct fs_overlay *o, struct place *p, const char *path,
                              struct fs_stat *ret_stat);
void overlay_set_node(struct fs_overlay *o, const char *path, struct node node) REQUIRES(o->lock);
void overlay_node_free(struct node *n); /* NULL is allowed */
struct mem_file *overlay_new_file(struct fs_overlay *o) REQUIRES(o->lock);
/* Makes the region at least `bytes` long. */
struct err overlay_reserve(struct fs_overlay *o, struct mem_file *file, uint64_t bytes,
                           const char *path) REQUIRES(o->lock);
/* The file at a place as one in memory, copied when it is only below. */
struct err overlay_lift(struct fs_overlay *o, struct place *p, const char *path,
                        struct mem_file **ret_file) REQUIRES(o->lock);
/* An open file; takes `inner`. Either may be NULL: `file` while only what is below is needed. */
struct file *overlay_file_new(struct fs_overlay *o, const char *path, struct mem_file *file,
                              struct file *inner);
