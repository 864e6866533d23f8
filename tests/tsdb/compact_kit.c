/* compact_kit.c - writes points into blocks and reads them back. */
#include "tests/tsdb/compact_kit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tsdb/block/block_writer.h"
#include "tsdb/chunk/recode.h"

static int
by_place(const void *a, const void *b)
{
    const struct kit_point *x = a, *y = b;
    if (x->series != y->series)
        return x->series < y->series ? -1 : 1;
    return (x->t_ms > y->t_ms) - (x->t_ms < y->t_ms);
}

void
kit_sort_points(struct kit_points *p)
{
    size_t kept = 0;
    if (p->n > 0)
        qsort(p->v, p->n, sizeof *p->v, by_place);
    for (size_t i = 0; i < p->n; i++) {
        if (kept == 0 || by_place(&p->v[kept - 1], &p->v[i]) != 0)
            p->v[kept++] = p->v[i];
    }
    p->n = kept;
}

static struct labels
labels_of(struct arena *a, size_t series)
{
    struct label *v = ARENA_ARRAY(a, struct label, 3);
    size_t n = 0;
    v[n++] = (struct label){STR("__name__"), STR("m")};
    if (series % 2)
        v[n++] = (struct label){STR("odd"), STR("yes")};
    v[n++] = (struct label){STR("s"), arena_printf(a, "%zu", series)};
    return (struct labels){v, n};
}

/* Series in label order: the odd ones first. */
static size_t
series_at(size_t rank)
{
    size_t odd = KIT_SERIES / 2;
    return rank < odd ? 2 * rank + 1 : 2 * (rank - odd);
}

void
kit_read_points(const struct block *b, struct kit_points *to)
{
    AUTO(arena_fini) struct arena a;
    AUTO(sample_columns_fini) struct sample_columns s = SAMPLE_COLUMNS_INIT;
    arena_init(&a, 0);
    struct matcher m = kit_matcher(&a, MATCH_EQUAL, "__name__", "m");
    struct select_query q = {INT64_MIN, INT64_MAX, SELECT_CHUNKS, 0};
    AUTO(series_set_close) struct series_set *set = NULL;
    CK_OK(block_select(b, &q, (struct matchers){&m, 1}, &a, &set));
    struct series_view v;
    for (bool more;;) {
        CK_OK(series_set_next(set, &v, &more));
        if (!more)
            break;
        uint64_t series;
        CK_OK(str_parse_u64(labels_get(v.labels, STR("s")), &series));
        ck_assert(labels_eq(v.labels, labels_of(&a, series)));
        s.n = 0;
        for (size_t i = 0; i < v.chunk_count; i++)
            CK_OK(chunk_decode_floats(&v.chunks[i], INT64_MIN, INT64_MAX, &s));
        for (size_t i = 0; i < s.n; i++)
            vec_push(to, ((struct kit_point){series, s.t_ms[i], s.bits[i]}));
    }
    kit_sort_points(to);
}

void
kit_assert_same_points(const char *name, const struct kit_points *got,
                       const struct kit_points *want)
{
    for (size_t i = 0; i < got->n && i < want->n; i++) {
        const struct kit_point *x = &got->v[i], *y = &want->v[i];
        ck_assert_msg(by_place(x, y) == 0 && x->bits == y->bits,
                      "%s: point %zu of %zu: %zu %jd %" PRIx64 ", want %zu %jd %" PRIx64, name, i,
                      want->n, x->series, (intmax_t)x->t_ms, x->bits, y->series, (intmax_t)y->t_ms,
                      y->bits);
    }
    ck_assert_msg(got->n == want->n, "%s: %zu points, want %zu", name, got->n, want->n);
}

struct ulid
kit_ulid(uint8_t number)
{
    return (struct ulid){{1, number}};
}

static char *
path_of(const char *dir, uint8_t number)
{
    char name[ULID_TEXT_BYTES];
    struct ulid u = kit_ulid(number);
    ulid_format(&u, name);
    return fs_path_below(dir, str_of(name, sizeof name));
}

bool
kit_has_block(const char *dir, uint8_t number)
{
    AUTO(mem_free) char *path = path_of(dir, number);
    return fs_exists(fs_posix(), path);
}

void
kit_open_block(const char *dir, uint8_t number, struct block **ret_block)
{
    AUTO(mem_free) char *path = path_of(dir, number);
    AUTO(block_meta_fini) struct block_meta meta = {.level = 0};
    CK_OK(block_meta_load(fs_posix(), path, &meta));
    CK_OK(block_open(fs_posix(), path, &meta, ret_block));
}

/* The chunks of one series, which are at points[from..to). */
static void
put_series(struct block_writer *w, const struct kit_points *p, size_t from, size_t to,
           size_t chunk_samples)
{
    AUTO(sample_columns_fini) struct sample_columns s = SAMPLE_COLUMNS_INIT;
    AUTO(arena_fini) struct arena a;
    struct chunk_views views = VEC_INIT;
    arena_init(&a, 0);
    sample_columns_reserve(&s, chunk_samples);
    for (size_t at = from; at < to;) {
        for (s.n = 0; s.n < chunk_samples && at < to; at++, s.n++) {
            s.t_ms[s.n] = p->v[at].t_ms;
            s.bits[s.n] = p->v[at].bits;
        }
        recode_floats(&s, &a, &views);
    }
    vec_each (&views, view)
        CK_OK(block_writer_chunk(w, view));
    CK_OK(block_writer_series(w, labels_of(&a, p->v[from].series)));
    vec_fini(&views);
}

void
kit_make_block(const char *dir, uint8_t number, int64_t mint_ms, int64_t maxt_ms,
               const struct kit_points *points, size_t chunk_samples)
{
    struct block_writer_opts o = {.fs = fs_posix(),
                                  .dir = dir,
                                  .ulid = kit_ulid(number),
                                  .mint_ms = mint_ms,
                                  .maxt_ms = maxt_ms};
    AUTO(block_writer_close) struct block_writer *w = NULL;
    CK_OK(block_writer_open(&o, &w));
    for (size_t rank = 0; rank < KIT_SERIES; rank++) {
        size_t from = 0, to;
        while (from < points->n && points->v[from].series != series_at(rank))
            from++;
        for (to = from; to < points->n && points->v[to].series == series_at(rank);)
            to++;
        if (to > from)
            put_series(w, points, from, to, chunk_samples);
    }
    bool empty;
    CK_OK(block_writer_finish(w, &empty));
    ck_assert(!empty);
}

void
kit_make_row(const char *dir, size_t n, struct block **ret_blocks)
{
    for (size_t i = 0; i < n; i++) {
        struct kit_points p = VEC_INIT;
        int64_t mint_ms = (int64_t)i * KIT_ROW_RANGE_MS;
        for (size_t k = 0; k < KIT_ROW_SAMPLES * KIT_SERIES; k++) {
            int64_t t_ms = mint_ms + 20 * (int64_t)(k % KIT_ROW_SAMPLES);
            vec_push(&p, ((struct kit_point){k / KIT_ROW_SAMPLES, t_ms, k << 48}));
        }
        kit_make_block(dir, (uint8_t)i, mint_ms, mint_ms + KIT_ROW_RANGE_MS, &p,
                       KIT_ROW_CHUNK_SAMPLES);
        kit_open_block(dir, (uint8_t)i, &ret_blocks[i]);
        vec_fini(&p);
    }
}
