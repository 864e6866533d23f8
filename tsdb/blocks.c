/* blocks.c - which directories are blocks, and which of those count. */
#include "tsdb/blocks.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/ulid.h"
#include "tsdb/block/block_delete.h"

/* A directory that may become an open block. */
struct candidate {
    char *dir;              /* owned */
    struct block_meta meta; /* until it is opened */
    struct block *block;
    struct err failure; /* of opening */
    bool counts;        /* its samples are in no other block */
};
VEC_TYPE(candidates, struct candidate);

static void
auto_candidates_fini(struct candidates *list)
{
    vec_each (list, c) {
        mem_free(c->dir);
        block_meta_fini(&c->meta);
        block_close(c->block);
        err_drop(c->failure);
    }
    vec_fini(list);
}

static bool
is_leftover(struct str name)
{
    static const struct str suffixes[] = {STR_INIT(".tmp-for-creation"),
                                          STR_INIT(".tmp-for-deletion"), STR_INIT(".tmp")};
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        if (str_ends_with(name, suffixes[i]) &&
            ulid_is(str_of(name.p, name.n - suffixes[i].n)))
            return true;
    }
    return false;
}

/* Reads meta.json of one directory; appends it when that is readable. */
static void
consider(struct fs *fs, struct log *log, const char *dir, struct candidates *to)
{
    struct candidate c = {.meta = {.parents = VEC_INIT}};
    struct err e = block_meta_load(fs, dir, &c.meta);
    if (e.code == ERR_NONE) {
        c.dir = mem_dup_text(dir, strlen(dir));
        vec_push(to, c);
    } else {
        log_warn(log, "block without a readable meta.json, ignored", KV_CSTR("dir", dir),
                 KV_ERR(e));
    }
    err_drop(e);
}

static struct err
find_candidates(struct fs *fs, struct log *log, const char *dir, struct candidates *to)
{
    AUTO(fs_list_fini) struct fs_list entries = VEC_INIT;
    AUTO(buf_fini) struct buf path = BUF_INIT;
    TRY(fs_list_dir(fs, dir, &entries));
    vec_each (&entries, entry) {
        struct str name = str_of_cstr(entry->name);
        buf_clear(&path);
        buf_printf(&path, "%s/%s", dir, entry->name);
        if (entry->kind != FS_DIR)
            continue;
        if (is_leftover(name)) {
            log_info(log, "unfinished block removed", KV_STR("dir", buf_str(&path)));
            TRY(fs_remove_tree(fs, buf_cstr(&path)));
        } else if (ulid_is(name)) {
            consider(fs, log, buf_cstr(&path), to);
        }
    }
    return OK;
}

static const struct block_meta *
meta_of(const struct candidate *c)
{
    return c->block ? block_meta_of(c->block) : &c->meta;
}

/* An open block was made from this one and replaces it. */
static bool
is_replaced(const struct candidates *list, const struct candidate *c)
{
    for (size_t i = 0; i < list->n; i++) {
        const struct block_meta *other = meta_of(&list->v[i]);
        for (size_t k = 0; list->v[i].block && k < other->parents.n; k++) {
            if (ulid_cmp(&other->parents.v[k].ulid, &meta_of(c)->ulid) == 0)
                return true;
        }
    }
    return false;
}

/* Others hold its samples, and might be replaced themselves by blocks that do not name it any more:
 * it would count again then. */
static void
remove_superseded(struct fs *fs, struct log *log, const struct candidate *c)
{
    const char *name = strrchr(c->dir, '/') + 1;
    AUTO(mem_free) char *parent = mem_dup_text(c->dir, (size_t)(name - 1 - c->dir));
    struct ulid ulid;
    struct err e = ulid_parse(str_of_cstr(name), &ulid);
    if (e.code == ERR_NONE)
        e = block_delete(fs, parent, &ulid);
    if (e.code == ERR_NONE)
        log_info(log, "block removed: others hold its samples", KV_CSTR("dir", c->dir));
    else
        log_warn(log, "block left out: others hold its samples; it cannot be removed",
                 KV_CSTR("dir", c->dir), KV_ERR(e));
    err_drop(e);
}

/* Moves the blocks that count to *to; the first failure that matters is returned. */
static struct err
choose(struct fs *fs, struct log *log, struct candidates *list, struct blocks *to)
{
    vec_each (list, c) {
        c->counts = !meta_of(c)->deletable && !is_replaced(list, c);
        if (c->counts && c->failure.code != ERR_NONE) {
            struct err e = c->failure;
            c->failure = OK;
            return e;
        }
    }
    vec_each (list, c) {
        if (c->counts)
            vec_push(&to->v, TAKE(c->block));
        else
            remove_superseded(fs, log, c);
    }
    return OK;
}

static int
by_mint(const void *a, const void *b)
{
    const struct block_meta *x = block_meta_of(*(struct block *const *)a);
    const struct block_meta *y = block_meta_of(*(struct block *const *)b);
    if (x->mint_ms != y->mint_ms)
        return x->mint_ms < y->mint_ms ? -1 : 1;
    return ulid_cmp(&x->ulid, &y->ulid);
}

struct err
blocks_open(struct fs *fs, struct log *log, const char *dir, struct blocks *ret_blocks)
{
    __attribute__((cleanup(auto_candidates_fini))) struct candidates list = VEC_INIT;
    TRY(find_candidates(fs, log, dir, &list));
    vec_each (&list, c)
        c->failure = block_open(fs, c->dir, &c->meta, &c->block);
    struct blocks found = BLOCKS_INIT;
    TRY(choose(fs, log, &list, &found));
    if (found.v.n > 0)
        qsort(found.v.v, found.v.n, sizeof(struct block *), by_mint);
    *ret_blocks = found;
    return OK;
}

struct err
blocks_open_one(struct fs *fs, const char *dir, const struct ulid *ulid, struct block **ret_block)
{
    char name[ULID_TEXT_BYTES];
    ulid_format(ulid, name);
    AUTO(mem_free) char *path = fs_path_below(dir, str_of(name, sizeof name));
    struct block_meta meta;
    TRY_IN(block_meta_load(fs, path, &meta), "block %s", path);
    struct err e = block_open(fs, path, &meta, ret_block);
    if (e.code != ERR_NONE)
        block_meta_fini(&meta);
    return e;
}

struct blocks
blocks_share(const struct blocks *b)
{
    struct blocks same = BLOCKS_INIT;
    vec_reserve(&same.v, b->v.n);
    for (size_t i = 0; i < b->v.n; i++)
        vec_push(&same.v, block_ref(b->v.v[i]));
    return same;
}

void
blocks_add(struct blocks *b, struct block *block)
{
    vec_push(&b->v, block);
    qsort(b->v.v, b->v.n, sizeof(struct block *), by_mint);
}

void
blocks_close(struct blocks *b)
{
    vec_each (&b->v, block)
        block_close(*block);
    vec_fini(&b->v);
}

int64_t
blocks_min_valid_ms(const struct blocks *b)
{
    const unsigned beside = BLOCK_FROM_OUT_OF_ORDER | BLOCK_FROM_STALE_SERIES |
                            BLOCK_FROM_SELECTED_SERIES; /* the head goes on beside these */
    int64_t min_valid_ms = INT64_MIN;
    for (size_t i = 0; i < b->v.n; i++) {
        const struct block_meta *m = block_meta_of(b->v.v[i]);
        if ((m->hints & beside) == 0)
            min_valid_ms = i64_max(min_valid_ms, m->maxt_ms);
    }
    return min_valid_ms;
}
