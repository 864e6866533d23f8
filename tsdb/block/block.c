/* block.c - opens a block and yields its series.
 *
 * Series come in the order of the index, which is that of labels. Chunks are views of the
 * mapped files; only a chunk that deletions touch is decoded and written anew. */
#include "tsdb/block/block.h"

#include <stdatomic.h>

#include "base/mem.h"
#include "tsdb/block/segment.h"
#include "tsdb/block/tombstones.h"
#include "tsdb/chunk/recode.h"
#include "tsdb/index/index_reader.h"

struct block {
    _Atomic(uint32_t) refs; /* acq_rel: the last one sees what all have read */
    struct fs *fs; /* borrowed for life */
    char *dir;     /* owned */
    struct block_meta meta;
    struct fs_map index_file;
    struct index_reader *index;
    struct segments *segments;
    struct tombstones tombstones;
    uint64_t bytes; /* of all its files when it was opened */
};

/* --- opening ---------------------------------------------------------------------------------- */

static struct err
open_index(struct block *b)
{
    AUTO(buf_fini) struct buf path = BUF_INIT;
    buf_printf(&path, "%s/index", b->dir);
    TRY(fs_map(b->fs, buf_cstr(&path), &b->index_file));
    return index_reader_open(b->index_file.bytes, &b->index);
}

static struct err
open_segments(struct block *b)
{
    AUTO(buf_fini) struct buf path = BUF_INIT;
    buf_printf(&path, "%s/chunks", b->dir);
    return segments_open(b->fs, buf_cstr(&path), &b->segments);
}

struct err
block_open(struct fs *fs, const char *dir, struct block_meta *meta, struct block **ret_block)
{
    AUTO(block_close) struct block *b = mem_alloc_zero(sizeof *b);
    atomic_init(&b->refs, 1);
    b->fs = fs;
    b->dir = mem_dup_text(dir, strlen(dir));
    TRY_IN(open_index(b), "block %s", dir);
    TRY_IN(open_segments(b), "block %s", dir);
    TRY_IN(tombstones_load(fs, dir, &b->tombstones), "block %s", dir);
    TRY_IN(fs_tree_bytes(fs, dir, &b->bytes), "block %s", dir);
    b->meta = *meta;
    *meta = (struct block_meta){.parents = VEC_INIT};
    *ret_block = TAKE(b);
    return OK;
}

void
block_use_cache(struct block *b, struct match_cache *cache)
{
    index_reader_use_cache(b->index, cache);
}

struct block *
block_ref(struct block *b)
{
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

void
block_close(struct block *b)
{
    if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) > 1)
        return;
    index_reader_close(b->index);
    segments_close(b->segments);
    tombstones_fini(&b->tombstones);
    if (b->index_file.bytes.p)
        fs_unmap(b->fs, &b->index_file);
    block_meta_fini(&b->meta);
    mem_free(b->dir);
    mem_free(b);
}

const struct block_meta *
block_meta_of(const struct block *b)
{
    return &b->meta;
}

uint64_t
block_bytes(const struct block *b)
{
    return b->bytes;
}

bool
block_overlaps(const struct block *b, int64_t mint_ms, int64_t maxt_ms)
{
    return b->meta.mint_ms <= maxt_ms && mint_ms < b->meta.maxt_ms;
}

struct block_parts
block_parts_of(const struct block *b)
{
    return (struct block_parts){b->fs, b->dir, b->index, b->segments, &b->tombstones};
}

/* --- series ----------------------------------------------------------------------------------- */

struct block_set {
    struct series_set set;
    const struct block *block; /* borrowed, as the list */
    struct select_query query;
    struct postings found; /* in label order: that of the index */
    size_t at, yielded;
    struct arena row; /* of the series yielded last */
    struct chunk_views views;
};

/* Chunk `c` without its deleted samples, appended to s->views. */
static struct err
add_chunk(struct block_set *s, const struct index_chunk *c, const struct interval *gone, size_t n)
{
    struct chunk_view view = {.mint_ms = c->mint_ms, .maxt_ms = c->maxt_ms};
    if (intervals_cover(gone, n, c->mint_ms, c->maxt_ms))
        return OK;
    if (s->query.want == SELECT_LABELS) { /* it is there: that is all that labels need */
        vec_push(&s->views, view);
        return OK;
    }
    TRY(segments_fetch(s->block->segments, c->ref, &view));
    return recode_without(&view, gone, n, &s->row, &s->views);
}

/* Fills s->views with what the series has in the range of the query. */
static struct err
gather_chunks(struct block_set *s, uint32_t id, const struct index_series *series)
{
    const struct interval *gone = NULL;
    size_t n = tombstones_of(&s->block->tombstones, id, &gone);
    vec_clear(&s->views);
    for (size_t i = 0; i < series->chunk_count; i++) {
        const struct index_chunk *c = &series->chunks[i];
        if (c->mint_ms <= s->query.maxt_ms && c->maxt_ms >= s->query.mint_ms)
            TRY(add_chunk(s, c, gone, n));
    }
    return recode_overlaps(&s->views, &s->row); /* old writers left chunks out of order */
}

static struct err
block_set_next(struct series_set *set, struct series_view *ret_series, bool *ret_more)
{
    struct block_set *s = container_of(set, struct block_set, set);
    *ret_more = false;
    while (s->at < s->found.n && !*ret_more) {
        uint32_t id = s->found.v[s->at++];
        struct index_series series;
        arena_reset(&s->row);
        TRY_IN(index_reader_series(s->block->index, id, &s->row, &series), "block %s",
               s->block->dir);
        TRY_IN(gather_chunks(s, id, &series), "block %s", s->block->dir);
        *ret_more = s->views.n > 0;
        if (!*ret_more)
            continue;
        if (s->query.series_limit > 0 && ++s->yielded > s->query.series_limit)
            return ERR(ERR_LIMIT, "more than %zu series match", s->query.series_limit);
        ret_series->labels = series.labels;
        ret_series->chunks = s->views.v;
        ret_series->chunk_count = s->query.want == SELECT_CHUNKS ? s->views.n : 0;
    }
    return OK;
}

static void
block_set_close(struct series_set *set)
{
    struct block_set *s = container_of(set, struct block_set, set);
    arena_fini(&s->row);
    vec_fini(&s->views);
    mem_free(s);
}

static struct err
find_series(const struct block *b, struct matchers matchers, struct arena *a,
            struct postings *ret_found)
{
    TRY_IN(postings_match(index_reader_postings(b->index), matchers, a, ret_found), "block %s",
           b->dir);
    return OK;
}

struct err
block_select(const struct block *b, const struct select_query *q, struct matchers matchers,
             struct arena *a, struct series_set **ret_set)
{
    static const struct series_set_ops ops = {block_set_next, block_set_close};
    struct postings found;
    TRY(find_series(b, matchers, a, &found));
    struct block_set *s = mem_alloc_zero(sizeof *s);
    s->set.ops = &ops;
    s->block = b;
    s->query = *q;
    s->found = found;
    arena_init(&s->row, 0); /* one series: labels and rewritten chunks */
    *ret_set = &s->set;
    return OK;
}

/* --- names and values ------------------------------------------------------------------------- */

struct err
block_label_names(const struct block *b, struct matchers matchers, struct arena *a,
                  struct str_list *ret_names)
{
    if (matchers.n == 0)
        return index_reader_names(b->index, a, ret_names);
    struct postings found;
    TRY(find_series(b, matchers, a, &found));
    TRY_IN(index_reader_names_of(b->index, found, a, ret_names), "block %s", b->dir);
    return OK;
}

struct err
block_label_values(const struct block *b, struct str name, struct matchers matchers,
                   struct arena *a, struct str_list *ret_values)
{
    if (matchers.n == 0)
        return index_reader_values(b->index, name, a, ret_values);
    struct postings found;
    TRY(find_series(b, matchers, a, &found));
    TRY_IN(index_reader_values_of(b->index, name, found, a, ret_values), "block %s", b->dir);
    return OK;
}

/* --- check ------------------------------------------------------------------------------------ */

/* What meta.json counts. */
struct totals {
    uint64_t series, chunks, samples;
};

static struct err
check_chunk(const struct block *b, const struct index_chunk *c, struct totals *t)
{
    struct chunk_view view = {.mint_ms = c->mint_ms, .maxt_ms = c->maxt_ms};
    size_t count;
    TRY(segments_fetch(b->segments, c->ref, &view));
    TRY(chunk_sample_count(&view, &count));
    t->chunks++;
    t->samples += count;
    int64_t mint_ms, maxt_ms;
    TRY_IN(chunk_check(view.encoding, view.data, &mint_ms, &maxt_ms), "chunk at %jx",
           (uintmax_t)c->ref);
    if (mint_ms != c->mint_ms || maxt_ms != c->maxt_ms)
        return ERR(ERR_CORRUPT, "chunk at %jx has other times than the index says",
                   (uintmax_t)c->ref);
    if (c->mint_ms < b->meta.mint_ms || c->maxt_ms >= b->meta.maxt_ms)
        return ERR(ERR_CORRUPT, "chunk at %jx leaves the range of meta.json", (uintmax_t)c->ref);
    return OK;
}

static struct err
check_series(const struct block *b, uint32_t id, struct arena *row, struct totals *t)
{
    struct index_series s;
    arena_reset(row);
    TRY(index_reader_series(b->index, id, row, &s));
    t->series++;
    for (size_t i = 0; i < s.chunk_count; i++)
        TRY(check_chunk(b, &s.chunks[i], t));
    return OK;
}

struct err
block_check(const struct block *b)
{
    TRY(index_reader_check(b->index));
    AUTO(arena_fini) struct arena a, row;
    arena_init(&a, 0);
    arena_init(&row, 0);
    struct postings all;
    TRY(index_reader_all(b->index, &a, &all));
    struct totals t = {0, 0, 0};
    for (size_t i = 0; i < all.n; i++)
        TRY_IN(check_series(b, all.v[i], &row, &t), "series %u", all.v[i]);
    const struct block_meta *m = &b->meta;
    if (t.series != m->series || t.chunks != m->chunks || t.samples != m->samples)
        return ERR(ERR_CORRUPT,
                   "meta.json counts %ju series, %ju chunks, %ju samples; found %ju, %ju, %ju",
                   (uintmax_t)m->series, (uintmax_t)m->chunks, (uintmax_t)m->samples,
                   (uintmax_t)t.series, (uintmax_t)t.chunks, (uintmax_t)t.samples);
    return OK;
}
