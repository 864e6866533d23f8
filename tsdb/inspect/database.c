/* database.c - which parts a directory has, and how large they are. */
#include "tsdb/inspect/database.h"

#include <stdlib.h>

#include "base/mem.h"

static const char snapshot_prefix[] = "chunk_snapshot.";
static const char *const part_names[DATABASE_PART_COUNT] = {
    [DATABASE_WAL] = "wal",
    [DATABASE_WBL] = "wbl",
    [DATABASE_CHUNKS_HEAD] = "chunks_head",
    [DATABASE_SNAPSHOT] = "chunk_snapshot",
};

const char *
database_part_name(enum database_part part)
{
    return part_names[part];
}

/* Bytes of all files of a tree; directories in it are few and flat. */
static struct err
add_tree(struct fs *fs, const char *dir, uint64_t *bytes)
{
    AUTO(fs_list_fini) struct fs_list entries = VEC_INIT;
    AUTO(buf_fini) struct buf path = BUF_INIT;
    TRY(fs_missing_is_fine(fs_list_dir(fs, dir, &entries)));
    vec_each (&entries, entry) {
        struct fs_stat st = {.kind = FS_OTHER};
        buf_clear(&path);
        buf_printf(&path, "%s/%s", dir, entry->name);
        if (entry->kind == FS_DIR)
            TRY(add_tree(fs, buf_cstr(&path), bytes));
        else
            TRY(fs_missing_is_fine(fs_stat(fs, buf_cstr(&path), &st)));
        if (st.kind == FS_FILE)
            *bytes += st.size_bytes;
    }
    return OK;
}

/* --- blocks ----------------------------------------------------------------------------------- */

static struct err
add_file(struct fs *fs, const char *dir, const char *name, uint64_t *bytes)
{
    AUTO(buf_fini) struct buf path = BUF_INIT;
    struct fs_stat st = {.size_bytes = 0};
    buf_printf(&path, "%s/%s", dir, name);
    TRY(fs_missing_is_fine(fs_stat(fs, buf_cstr(&path), &st)));
    *bytes += st.size_bytes;
    return OK;
}

static struct err
block_bytes(struct fs *fs, const char *dir, uint64_t *ret_bytes)
{
    AUTO(buf_fini) struct buf chunks = BUF_INIT;
    *ret_bytes = 0;
    TRY(add_file(fs, dir, "meta.json", ret_bytes));
    TRY(add_file(fs, dir, "index", ret_bytes));
    TRY(add_file(fs, dir, "tombstones", ret_bytes));
    buf_printf(&chunks, "%s/chunks", dir);
    return add_tree(fs, buf_cstr(&chunks), ret_bytes);
}

static struct err
add_block(struct fs *fs, const char *dir, const char *name, struct database *d)
{
    struct database_block b = {.meta = {.parents = VEC_INIT}};
    TRY(block_bytes(fs, dir, &b.bytes));
    b.unreadable = block_meta_load(fs, dir, &b.meta);
    if (!fs_exists(fs, dir)) { /* deleted meanwhile */
        err_drop(b.unreadable);
        block_meta_fini(&b.meta);
        return OK;
    }
    b.name = mem_dup_text(name, strlen(name));
    vec_push(&d->blocks, b);
    return OK;
}

int64_t
database_block_mint_ms(const struct database_block *b)
{
    return b->unreadable.code == ERR_NONE ? b->meta.mint_ms : INT64_MIN;
}

static int
by_mint(const void *a, const void *b)
{
    const struct database_block *x = a, *y = b;
    int64_t xt = database_block_mint_ms(x), yt = database_block_mint_ms(y);
    return xt != yt ? (xt < yt ? -1 : 1) : strcmp(x->name, y->name);
}

/* --- the directory ---------------------------------------------------------------------------- */

static bool
is_leftover(struct str name)
{
    static const struct str suffixes[] = {STR_INIT(".tmp-for-creation"),
                                          STR_INIT(".tmp-for-deletion"), STR_INIT(".tmp")};
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        if (str_ends_with(name, suffixes[i]))
            return true;
    }
    return false;
}

static struct err
add_part(struct fs *fs, const char *dir, enum database_part part, struct database *d)
{
    d->parts[part].exists = true;
    return add_tree(fs, dir, &d->parts[part].bytes);
}

static struct err
add_dir(struct fs *fs, const char *path, const char *name, struct database *d)
{
    if (is_leftover(str_of_cstr(name))) {
        vec_push(&d->leftovers, mem_dup_text(name, strlen(name)));
        return OK;
    }
    if (ulid_is(str_of_cstr(name)))
        return add_block(fs, path, name, d);
    if (str_starts_with(str_of_cstr(name), str_of_cstr(snapshot_prefix))) {
        vec_push(&d->snapshots, mem_dup_text(name, strlen(name)));
        return add_part(fs, path, DATABASE_SNAPSHOT, d);
    }
    for (int part = DATABASE_WAL; part <= DATABASE_CHUNKS_HEAD; part++) {
        if (strcmp(name, part_names[part]) == 0)
            return add_part(fs, path, (enum database_part)part, d);
    }
    return OK; /* of others: mneme keeps no other directories */
}

static struct err
scan(struct fs *fs, const char *dir, struct database *d)
{
    AUTO(fs_list_fini) struct fs_list entries = VEC_INIT;
    AUTO(buf_fini) struct buf path = BUF_INIT;
    TRY(fs_list_dir(fs, dir, &entries));
    vec_each (&entries, entry) {
        buf_clear(&path);
        buf_printf(&path, "%s/%s", dir, entry->name);
        if (entry->kind == FS_DIR)
            TRY(add_dir(fs, buf_cstr(&path), entry->name, d));
    }
    if (d->blocks.n > 1)
        qsort(d->blocks.v, d->blocks.n, sizeof *d->blocks.v, by_mint);
    buf_clear(&path);
    buf_printf(&path, "%s/lock", dir);
    return fs_lock_holder(fs, buf_cstr(&path), &d->locked_by);
}

struct err
database_scan(struct fs *fs, const char *dir, struct database *ret_database)
{
    AUTO(database_fini) struct database d = DATABASE_INIT;
    TRY(scan(fs, dir, &d));
    *ret_database = d;
    d = (struct database)DATABASE_INIT;
    return OK;
}

static void
names_fini(struct database_names *names)
{
    vec_each (names, name)
        mem_free(*name);
    vec_fini(names);
}

void
database_fini(struct database *d)
{
    vec_each (&d->blocks, b) {
        mem_free(b->name);
        block_meta_fini(&b->meta);
        err_drop(b->unreadable);
    }
    vec_fini(&d->blocks);
    names_fini(&d->snapshots);
    names_fini(&d->leftovers);
}

/* --- which databases -------------------------------------------------------------------------- */

/* Any part makes a database; an empty directory is none. */
static struct err
is_database(struct fs *fs, const char *dir, bool *ret_is)
{
    AUTO(fs_list_fini) struct fs_list entries = VEC_INIT;
    *ret_is = false;
    TRY(fs_list_dir(fs, dir, &entries));
    vec_each (&entries, entry) {
        bool named = ulid_is(str_of_cstr(entry->name));
        for (int part = DATABASE_WAL; part <= DATABASE_CHUNKS_HEAD; part++)
            named = named || strcmp(entry->name, part_names[part]) == 0;
        *ret_is = *ret_is || (named && entry->kind == FS_DIR);
    }
    return OK;
}

static void
add_place(struct database_places *to, const char *tenant, const char *dir)
{
    vec_push(to, ((struct database_place){mem_dup_text(tenant, strlen(tenant)),
                                          mem_dup_text(dir, strlen(dir))}));
}

static struct err
find_below(struct fs *fs, const char *dir, struct str tenant, struct database_places *to)
{
    AUTO(fs_list_fini) struct fs_list entries = VEC_INIT;
    AUTO(buf_fini) struct buf path = BUF_INIT;
    TRY(fs_list_dir(fs, dir, &entries));
    vec_each (&entries, entry) {
        bool is = false;
        bool wanted = tenant.n == 0 || str_eq(tenant, str_of_cstr(entry->name));
        buf_clear(&path);
        buf_printf(&path, "%s/%s", dir, entry->name);
        if (wanted && entry->kind == FS_DIR)
            TRY(fs_missing_is_fine(is_database(fs, buf_cstr(&path), &is)));
        if (is)
            add_place(to, entry->name, buf_cstr(&path));
    }
    return OK;
}

struct err
database_find(struct fs *fs, const char *dir, struct str tenant, struct database_places *ret_places)
{
    AUTO(database_places_fini) struct database_places found = VEC_INIT;
    bool is = false;
    if (tenant.n == 0)
        TRY(is_database(fs, dir, &is));
    if (is)
        add_place(&found, "", dir);
    else
        TRY(find_below(fs, dir, tenant, &found));
    if (found.n == 0 && tenant.n > 0)
        return ERR(ERR_NOT_FOUND, "%s: no database of tenant \"%.*s\"", dir, STR_FMT(tenant));
    if (found.n == 0)
        return ERR(ERR_NOT_FOUND, "%s: no database: neither blocks nor wal", dir);
    *ret_places = found;
    found = (struct database_places)VEC_INIT;
    return OK;
}

void
database_places_fini(struct database_places *p)
{
    vec_each (p, place) {
        mem_free(place->tenant);
        mem_free(place->dir);
    }
    vec_fini(p);
}
