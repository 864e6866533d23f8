/* compact.c - pulls series out of several blocks in label order and pushes them into a new one. */
#include "tsdb/compact/compact.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/block/block_writer.h"
#include "tsdb/compact/source.h"
#include "tsdb/compact/symbols.h"
#include "tsdb/compact/tournament.h"

struct compaction {
    struct block_writer *writer; /* borrowed */
    int64_t mint_ms, maxt_ms;
    struct source *sources;
    size_t source_count;
    struct tournament order;
    struct arena row; /* chunks written anew for one series */
    struct passing_chunks chunks;
};

/* --- one series ------------------------------------------------------------------------------- */

static bool
in_order(const struct chunk_views *v)
{
    for (size_t i = 1; i < v->n; i++) {
        if (v->v[i].mint_ms <= v->v[i - 1].maxt_ms)
            return false;
    }
    return true;
}

/* Chunks of one label set, from all blocks that have it, go into the new block. */
static struct err
put_chunks(struct compaction *c)
{
    bool as_they_were = c->chunks.rewritten == 0;
    if (!in_order(&c->chunks.views)) {
        as_they_were = false;
        TRY(recode_overlaps(&c->chunks.views, &c->row));
    }
    vec_each (&c->chunks.views, view) {
        if (as_they_were)
            TRY(block_writer_framed_chunk(c->writer, view));
        else
            TRY(block_writer_chunk(c->writer, view));
    }
    return OK;
}

/* The label set of source `first`, which comes before all others, or is equal to some. Every source
 * moves on once at most, so that the labels of `first` stay readable meanwhile. */
static struct err
put_series(struct compaction *c, size_t first)
{
    const struct source set = {.pairs = c->sources[first].pairs,
                               .pair_count = c->sources[first].pair_count};
    arena_reset(&c->row);
    vec_clear(&c->chunks.views);
    c->chunks.rewritten = 0;
    for (;;) {
        struct source *s = &c->sources[tournament_winner(&c->order)];
        if (source_ended(s) || source_cmp(s, &set) != 0)
            break;
        TRY(source_chunks(s, c->mint_ms, c->maxt_ms, &c->row, &c->chunks));
        TRY(source_next(s));
        tournament_replay(&c->order);
    }
    TRY(put_chunks(c));
    return block_writer_series_numbered(c->writer, set.pairs, set.pair_count);
}

/* --- all of them ------------------------------------------------------------------------------ */

static bool
series_before(const void *owner, size_t x, size_t y)
{
    const struct source *v = owner;
    bool x_ended = source_ended(&v[x]), y_ended = source_ended(&v[y]);
    if (x_ended || y_ended)
        return x_ended == y_ended ? x < y : y_ended;
    int c = source_cmp(&v[x], &v[y]);
    return c < 0 || (c == 0 && x < y);
}

static void
compaction_fini(struct compaction *c)
{
    for (size_t i = 0; i < c->source_count; i++)
        source_close(&c->sources[i]);
    mem_free(c->sources);
    tournament_fini(&c->order);
    arena_fini(&c->row);
    vec_fini(&c->chunks.views);
}

static bool
is_late(const struct block *b)
{
    return block_meta_of(b)->hints & BLOCK_FROM_OUT_OF_ORDER;
}

/* Those of late samples come last: of two samples at one time that in order stays. */
static struct err
open_sources(struct compaction *c, const struct block *const *blocks, size_t n,
             const struct merged_symbols *symbols)
{
    for (int late = 0; late < 2; late++) {
        for (size_t i = 0; i < n; i++) {
            if (is_late(blocks[i]) != late)
                continue;
            struct source *s = &c->sources[c->source_count++];
            TRY(source_open(s, blocks[i], symbols->numbers.v[i]));
        }
    }
    tournament_init(&c->order, n, series_before, c->sources);
    return OK;
}

static struct err
merge_symbols_of(const struct block *const *blocks, size_t n, struct merged_symbols *ret_symbols)
{
    AUTO(mem_free) const struct index_reader **indexes = mem_array_zero(n, sizeof *indexes);
    for (size_t i = 0; i < n; i++)
        indexes[i] = block_parts_of(blocks[i]).index;
    return merge_symbols(indexes, n, ret_symbols);
}

static struct err
copy_series(struct compaction *c, const struct block *const *blocks, size_t n,
            const struct merged_symbols *symbols)
{
    TRY(open_sources(c, blocks, n, symbols));
    for (;;) {
        size_t first = tournament_winner(&c->order);
        if (source_ended(&c->sources[first]))
            return OK;
        TRY(put_series(c, first));
    }
}

static struct err
write_block(const struct block_writer_opts *o, const struct block *const *blocks, size_t n,
            bool *ret_empty)
{
    AUTO(merged_symbols_fini) struct merged_symbols symbols = MERGED_SYMBOLS_INIT;
    AUTO(block_writer_close) struct block_writer *writer = NULL;
    TRY(merge_symbols_of(blocks, n, &symbols));
    TRY(block_writer_open(o, &writer));
    block_writer_symbols(writer, symbols.texts.v, symbols.texts.n);
    struct compaction c = {.writer = writer, .mint_ms = o->mint_ms, .maxt_ms = o->maxt_ms};
    c.sources = mem_array_zero(n, sizeof *c.sources);
    arena_init(&c.row, 0);
    struct err e = copy_series(&c, blocks, n, &symbols);
    compaction_fini(&c);
    TRY(e);
    return block_writer_finish(writer, ret_empty);
}

/* --- what the new block says of itself -------------------------------------------------------- */

VEC_TYPE(ulids, struct ulid);
VEC_TYPE(parents, struct block_parent);

static int
by_ulid(const void *a, const void *b)
{
    return ulid_cmp(a, b);
}

static void
sort_unique(struct ulids *v)
{
    size_t kept = 0;
    if (v->n > 0)
        qsort(v->v, v->n, sizeof *v->v, by_ulid);
    for (size_t i = 0; i < v->n; i++) {
        if (kept == 0 || ulid_cmp(&v->v[kept - 1], &v->v[i]) != 0)
            v->v[kept++] = v->v[i];
    }
    v->n = kept;
}

/* Hints of which one is enough are kept when any block has them: the plan does not mix those. A
 * block of late samples only must be one of nothing else. */
static unsigned
hints_of_all(const struct block *const *blocks, size_t n)
{
    unsigned any = 0, all = BLOCK_FROM_OUT_OF_ORDER;
    for (size_t i = 0; i < n; i++) {
        any |= block_meta_of(blocks[i])->hints;
        all &= block_meta_of(blocks[i])->hints;
    }
    return (any & (BLOCK_FROM_STALE_SERIES | BLOCK_FROM_SELECTED_SERIES)) | all;
}

static void
describe(struct block_writer_opts *o, const struct block *const *blocks, size_t n,
         struct ulids *sources, struct parents *parents)
{
    o->mint_ms = block_meta_of(blocks[0])->mint_ms;
    o->maxt_ms = block_meta_of(blocks[0])->maxt_ms;
    for (size_t i = 0; i < n; i++) {
        const struct block_meta *m = block_meta_of(blocks[i]);
        o->mint_ms = i64_min(o->mint_ms, m->mint_ms);
        o->maxt_ms = i64_max(o->maxt_ms, m->maxt_ms);
        o->level = m->level > o->level ? m->level : o->level;
        for (size_t k = 0; k < m->sources.n; k++)
            vec_push(sources, m->sources.v[k]);
        vec_push(parents, ((struct block_parent){m->ulid, m->mint_ms, m->maxt_ms}));
    }
    sort_unique(sources);
    o->level = o->level < BLOCK_LEVEL_MAX ? o->level + 1 : o->level;
    o->hints = hints_of_all(blocks, n);
    o->sources = sources->v;
    o->source_count = sources->n;
    o->parents = parents->v;
    o->parent_count = parents->n;
}

static struct block_writer_opts
writer_opts(const struct compact_opts *o)
{
    return (struct block_writer_opts){
        .fs = o->fs, .dir = o->dir, .ulid = o->ulid, .segment_bytes = o->segment_bytes};
}

struct err
compact_blocks(const struct compact_opts *o, const struct block *const *blocks, size_t n,
               bool *ret_empty)
{
    ASSERT(n > 0);
    if (n > COMPACT_BLOCKS_MAX)
        return ERR(ERR_LIMIT, "%zu blocks to compact, limit %d", n, COMPACT_BLOCKS_MAX);
    struct block_writer_opts w = writer_opts(o);
    struct ulids sources = VEC_INIT;
    struct parents parents = VEC_INIT;
    describe(&w, blocks, n, &sources, &parents);
    struct err e = write_block(&w, blocks, n, ret_empty);
    vec_fini(&sources);
    vec_fini(&parents);
    return e;
}

struct err
compact_clean(const struct compact_opts *o, const struct block *b, bool *ret_empty)
{
    struct block_writer_opts w = writer_opts(o);
    w.base = block_meta_of(b);
    w.mint_ms = w.base->mint_ms;
    w.maxt_ms = w.base->maxt_ms;
    return write_block(&w, &b, 1, ret_empty);
}

struct err
compact_mark(const struct block *const *blocks, size_t n, enum block_mark mark)
{
    struct err first = OK;
    for (size_t i = 0; i < n; i++) {
        struct block_parts parts = block_parts_of(blocks[i]);
        struct err e = block_meta_mark(parts.fs, parts.dir, mark);
        if (first.code == ERR_NONE && e.code != ERR_NONE)
            first = err_wrap(e, "mark block %s", parts.dir);
        else
            err_drop(e);
    }
    return first;
}
