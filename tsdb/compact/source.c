/* source.c - walks through a block and fetches its chunks. */
#include "tsdb/compact/source.h"

#include "base/assert.h"
#include "tsdb/index/index_writer.h"

struct err
source_open(struct source *s, const struct block *b, const uint32_t *numbers)
{
    *s = (struct source){.block = block_parts_of(b), .numbers = numbers};
    arena_init(&s->lists, 0); /* 4 bytes a series */
    arena_init(&s->rows[0], 0);
    arena_init(&s->rows[1], 0);
    TRY_IN(index_reader_all(s->block.index, &s->lists, &s->all), "block %s", s->block.dir);
    return source_next(s);
}

void
source_close(struct source *s)
{
    arena_fini(&s->lists);
    arena_fini(&s->rows[0]);
    arena_fini(&s->rows[1]);
}

int
source_cmp(const struct source *x, const struct source *y)
{
    return index_pairs_cmp(x->pairs, x->pair_count, y->pairs, y->pair_count);
}

static struct err
read_series(struct source *s, uint32_t id, struct arena *row)
{
    struct index_numbered_series series;
    TRY(index_reader_series_numbered(s->block.index, id, row, &series));
    struct index_pair *pairs = arena_alloc(row, series.pair_count * sizeof *pairs);
    for (size_t i = 0; i < series.pair_count; i++)
        pairs[i] = (struct index_pair){s->numbers[series.pairs[i].name],
                                       s->numbers[series.pairs[i].value]};
    if (s->pairs && index_pairs_cmp(s->pairs, s->pair_count, pairs, series.pair_count) >= 0)
        return ERR(ERR_CORRUPT, "index: series %u is not behind the one before", id);
    s->id = id;
    s->pairs = pairs;
    s->pair_count = series.pair_count;
    s->chunks = series.chunks;
    s->chunk_count = series.chunk_count;
    return OK;
}

struct err
source_next(struct source *s)
{
    if (s->next == s->all.n) {
        s->pairs = NULL;
        return OK;
    }
    struct arena *row = &s->rows[s->next % 2];
    arena_reset(row);
    TRY_IN(read_series(s, s->all.v[s->next], row), "block %s", s->block.dir);
    s->next++;
    return OK;
}

/* --- chunks ----------------------------------------------------------------------------------- */

/* What is gone from the series: deletions, and what lies outside of [mint, maxt). */
static struct interval *
all_gone(const struct interval *deleted, size_t n, int64_t mint_ms, int64_t maxt_ms,
         struct arena *a, size_t *ret_n)
{
    struct interval *v = ARENA_ARRAY(a, struct interval, n + 2);
    for (size_t i = 0; i < n; i++)
        v[i] = deleted[i];
    if (mint_ms > INT64_MIN)
        v[n++] = (struct interval){INT64_MIN, mint_ms - 1};
    v[n++] = (struct interval){maxt_ms, INT64_MAX};
    *ret_n = intervals_join(v, n);
    return v;
}

static struct err
add_chunk(const struct source *s, const struct index_chunk *c, const struct interval *gone,
          size_t n, struct arena *a, struct passing_chunks *to)
{
    struct chunk_view view = {.mint_ms = c->mint_ms, .maxt_ms = c->maxt_ms};
    if (n == 0 || !intervals_touch(gone, n, c->mint_ms, c->maxt_ms)) {
        TRY(segments_fetch(s->block.segments, c->ref, &view));
        vec_push(&to->views, view);
        return OK;
    }
    if (intervals_cover(gone, n, c->mint_ms, c->maxt_ms))
        return OK;
    size_t before = to->views.n;
    TRY(segments_fetch(s->block.segments, c->ref, &view));
    TRY_IN(recode_without(&view, gone, n, a, &to->views), "chunk at %jx of series %u",
           (uintmax_t)c->ref, s->id);
    to->rewritten += to->views.n - before;
    return OK;
}

struct err
source_chunks(const struct source *s, int64_t mint_ms, int64_t maxt_ms, struct arena *a,
              struct passing_chunks *to)
{
    const struct interval *gone = NULL;
    size_t n = tombstones_of(s->block.tombstones, s->id, &gone);
    bool leaves = false;
    for (size_t i = 0; i < s->chunk_count; i++)
        leaves = leaves || s->chunks[i].mint_ms < mint_ms || s->chunks[i].maxt_ms >= maxt_ms;
    if (leaves) /* as Prometheus did long ago */
        gone = all_gone(gone, n, mint_ms, maxt_ms, a, &n);
    for (size_t i = 0; i < s->chunk_count; i++)
        TRY_IN(add_chunk(s, &s->chunks[i], gone, n, a, to), "block %s", s->block.dir);
    return OK;
}
