/* block_delete.c - a block's directory gets a name that says so, and is removed; or its
 * deletions grow. */
#include "tsdb/block/block_delete.h"

#include "base/mem.h"
#include "tsdb/block/tombstones.h"
#include "tsdb/index/index_reader.h"

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
    TRY(fs_remove_tree(fs, buf_cstr(&gone)));
    buf_clear(&gone);
    buf_printf(&gone, "%s.tmp-for-creation", path);
    return fs_remove_tree(fs, buf_cstr(&gone));
}

/* --- single series ---------------------------------------------------------------------------- */

VEC_TYPE(deletions, struct tombstone);

static void
auto_deletions_fini(struct deletions *d)
{
    vec_fini(d);
}

/* The deletion reaches no further than the series' chunks; none when no chunk meets it. */
static void
add_deletion(uint64_t id, const struct index_series *s, struct interval asked, struct deletions *to)
{
    for (size_t i = 0; i < s->chunk_count; i++) {
        const struct index_chunk *c = &s->chunks[i], *last = &s->chunks[s->chunk_count - 1];
        if (c->mint_ms > asked.maxt_ms || c->maxt_ms < asked.mint_ms)
            continue;
        struct interval span = {i64_max(asked.mint_ms, s->chunks[0].mint_ms),
                                i64_min(asked.maxt_ms, last->maxt_ms)};
        if (span.mint_ms <= span.maxt_ms) /* chunks of old writers may be out of order */
            vec_push(to, ((struct tombstone){id, span}));
        return;
    }
}

static struct err
find_deletions(const struct block_parts *parts, struct matchers matchers, struct interval asked,
               struct deletions *to)
{
    AUTO(arena_fini) struct arena a, row;
    arena_init(&a, 0);
    arena_init(&row, 0);
    struct postings found;
    TRY(postings_match(index_reader_postings(parts->index), matchers, &a, &found));
    for (size_t i = 0; i < found.n; i++) {
        struct index_series s;
        arena_reset(&row);
        TRY(index_reader_series(parts->index, found.v[i], &row, &s));
        add_deletion(found.v[i], &s, asked, to);
    }
    return OK;
}

/* Files say what is deleted now: another deletion may have come since the block was opened. */
static struct err
write_deletions(const struct block_parts *parts, const struct deletions *more)
{
    AUTO(tombstones_fini) struct tombstones t = TOMBSTONES_INIT;
    AUTO(block_meta_fini) struct block_meta m = {.level = 0};
    TRY(tombstones_load(parts->fs, parts->dir, &t));
    TRY(block_meta_load(parts->fs, parts->dir, &m));
    tombstones_add(&t, more->v, more->n);
    TRY(tombstones_write(parts->fs, parts->dir, &t));
    m.deletions = t.spans.n;
    return block_meta_write(parts->fs, parts->dir, &m);
}

struct err
block_delete_range(const struct block *b, struct matchers matchers, int64_t mint_ms,
                   int64_t maxt_ms, size_t *ret_series)
{
    struct block_parts parts = block_parts_of(b);
    __attribute__((cleanup(auto_deletions_fini))) struct deletions more = VEC_INIT;
    struct interval asked = {mint_ms, maxt_ms};
    if (mint_ms <= maxt_ms && block_overlaps(b, mint_ms, maxt_ms))
        TRY_IN(find_deletions(&parts, matchers, asked, &more), "block %s", parts.dir);
    if (more.n > 0)
        TRY_IN(write_deletions(&parts, &more), "block %s", parts.dir);
    *ret_series = more.n;
    return OK;
}
