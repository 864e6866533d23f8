/* tsdb_compact.c - compact_blocks() over blocks of two hours: in a row, so that every chunk is
 * copied, and over the same hours, so that every sample is merged. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "bench/loadgen_series.h"
#include "bench/tsdb_bench.h"
#include "tsdb/block/block_delete.h"
#include "tsdb/block/block_writer.h"
#include "tsdb/chunk/recode.h"
#include "tsdb/compact/compact.h"

enum {
    BLOCKS = 3,
    RUNS = 5,
    INTERVAL_MS = 15000,
    RANGE_MS = 2 * 3600 * 1000,
    BLOCK_SAMPLES = RANGE_MS / INTERVAL_MS, /* of a series: 4 chunks */
};
static const int64_t start_ms = INT64_C(1704067200000);

enum layout { IN_A_ROW, REPLICAS };

struct fleet {
    struct arena arena;
    struct labels *labels; /* sorted */
    size_t n;
};

static int
by_labels(const void *a, const void *b)
{
    return labels_cmp(*(const struct labels *)a, *(const struct labels *)b);
}

static void
make_fleet(struct fleet *f, size_t n)
{
    static const struct load_spec spec = {.seed = 1, .churn_every = 1};
    arena_init(&f->arena, 0);
    f->labels = ARENA_ARRAY(&f->arena, struct labels, n);
    f->n = n;
    for (size_t i = 0; i < n; i++) {
        struct load_label texts[LOAD_LABELS_MAX];
        struct label labels[LOAD_LABELS_MAX];
        size_t count = load_labels(&spec, i, 0, texts);
        for (size_t l = 0; l < count; l++)
            labels[l] = (struct label){str_of_cstr(texts[l].name), str_of_cstr(texts[l].value)};
        f->labels[i] = labels_copy(&f->arena, (struct labels){labels, count});
    }
    qsort(f->labels, n, sizeof *f->labels, by_labels);
}

static struct err
write_series(struct block_writer *w, const struct fleet *f, size_t i, int64_t mint_ms)
{
    struct load_spec spec = {.seed = 1,
                             .shape = LOAD_MIX,
                             .start_ms = mint_ms,
                             .interval_ms = INTERVAL_MS,
                             .churn_every = 1};
    AUTO(sample_columns_fini) struct sample_columns s = SAMPLE_COLUMNS_INIT;
    AUTO(arena_fini) struct arena a;
    struct chunk_views chunks = VEC_INIT;
    arena_init(&a, 0);
    sample_columns_reserve(&s, BLOCK_SAMPLES);
    for (; s.n < BLOCK_SAMPLES; s.n++) {
        struct sample sample = load_sample(&spec, i, s.n);
        s.t_ms[s.n] = sample.t_ms;
        s.bits[s.n] = sample.bits;
    }
    recode_floats(&s, &a, &chunks);
    struct err e = OK;
    for (size_t c = 0; c < chunks.n && e.code == ERR_NONE; c++)
        e = block_writer_chunk(w, &chunks.v[c]);
    vec_fini(&chunks);
    TRY(e);
    return block_writer_series(w, f->labels[i]);
}

static struct err
make_block(const char *dir, const struct fleet *f, size_t k, enum layout layout,
           struct block **ret_block)
{
    int64_t mint_ms = start_ms + (layout == IN_A_ROW ? (int64_t)k * RANGE_MS : (int64_t)k * 4700);
    struct block_writer_opts o = {.fs = fs_posix(),
                                  .dir = dir,
                                  .ulid = {{1, (uint8_t)k}},
                                  .mint_ms = mint_ms,
                                  .maxt_ms = mint_ms + RANGE_MS};
    AUTO(block_writer_close) struct block_writer *w = NULL;
    TRY(block_writer_open(&o, &w));
    for (size_t i = 0; i < f->n; i++)
        TRY(write_series(w, f, i, mint_ms));
    bool empty;
    TRY(block_writer_finish(w, &empty));
    char name[ULID_TEXT_BYTES];
    ulid_format(&o.ulid, name);
    AUTO(mem_free) char *path = fs_path_below(dir, str_of(name, sizeof name));
    AUTO(block_meta_fini) struct block_meta meta = {.level = 0};
    TRY(block_meta_load(fs_posix(), path, &meta));
    return block_open(fs_posix(), path, &meta, ret_block);
}

static void
report(struct bench *b, const char *what, const struct block *const *blocks, size_t n,
       struct bench_timer took)
{
    char name[100];
    uint64_t samples = 0, chunks = 0, bytes = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t of_block = 0;
        samples += block_meta_of(blocks[i])->samples;
        chunks += block_meta_of(blocks[i])->chunks;
        err_drop(fs_tree_bytes(fs_posix(), block_parts_of(blocks[i]).dir, &of_block));
        bytes += of_block;
    }
    double cpu_s = (double)took.cpu_ns / 1e9;
    snprintf(name, sizeof name, "compact_%s_million_samples_s", what);
    bench_figure(b, name, (double)samples / 1e6 / cpu_s);
    snprintf(name, sizeof name, "compact_%s_mb_s", what);
    bench_figure(b, name, (double)bytes / 1e6 / cpu_s);
    snprintf(name, sizeof name, "compact_%s_us_a_chunk", what);
    bench_figure(b, name, cpu_s * 1e6 / (double)chunks);
    snprintf(name, sizeof name, "compact_%s_wall_ms", what);
    bench_figure(b, name, (double)took.wall_ns / 1e6);
}

/* The best of some runs: the first ones map the inputs, and others use the machine too. */
static struct err
compact(struct bench *b, const char *what, const char *dir, const struct block *const *blocks)
{
    struct compact_opts o = {.fs = fs_posix(), .dir = dir, .ulid = {{2}}};
    struct bench_timer best = {UINT64_MAX, UINT64_MAX, NULL};
    for (int run = 0; run < RUNS; run++) {
        bool empty;
        struct bench_timer start = bench_start();
        TRY(compact_blocks(&o, blocks, BLOCKS, &empty));
        struct bench_timer took = bench_since(start);
        if (took.cpu_ns < best.cpu_ns)
            best = took;
        TRY(block_delete(fs_posix(), dir, &o.ulid));
    }
    report(b, what, blocks, BLOCKS, best);
    return OK;
}

static struct err
make_and_compact(struct bench *b, const char *what, const char *dir, const struct fleet *f,
                 enum layout layout)
{
    struct block *blocks[BLOCKS] = {NULL};
    struct err e = OK;
    for (size_t k = 0; k < BLOCKS && e.code == ERR_NONE; k++)
        e = make_block(dir, f, k, layout, &blocks[k]);
    if (e.code == ERR_NONE)
        e = compact(b, what, dir, (const struct block *const *)blocks);
    for (size_t k = 0; k < BLOCKS; k++)
        block_close(blocks[k]);
    return e;
}

static struct err
measure(struct bench *b, const char *what, size_t series, enum layout layout)
{
    AUTO(buf_fini) struct buf dir = BUF_INIT;
    struct fleet fleet;
    buf_printf(&dir, "%.*s/compact", STR_FMT(b->dir));
    make_fleet(&fleet, series);
    struct err e = fs_make_dirs(fs_posix(), buf_cstr(&dir));
    if (e.code == ERR_NONE)
        e = make_and_compact(b, what, buf_cstr(&dir), &fleet, layout);
    arena_fini(&fleet.arena);
    err_drop(fs_remove_tree(fs_posix(), buf_cstr(&dir)));
    return e;
}

struct err
bench_compact(struct bench *b)
{
    TRY(measure(b, "10k_copied", 10000, IN_A_ROW));
    TRY(measure(b, "100k_copied", 100000, IN_A_ROW));
    return measure(b, "10k_merged", 10000, REPLICAS);
}
