/* recode.c - decodes chunks, drops or merges samples, encodes the rest. */
#include "tsdb/chunk/recode.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/chunk/xor.h"

/* The appender writes whole words behind the last sample. */
enum { ENCODE_BYTES = XOR_HEADER_BYTES + RECODE_SAMPLES * XOR_SAMPLE_BYTES_MAX + 16 };

void
recode_floats(const struct sample_columns *samples, struct arena *a, struct chunk_views *to)
{
    uint8_t buffer[ENCODE_BYTES];
    for (size_t at = 0; at < samples->n;) {
        size_t end = size_min(at + RECODE_SAMPLES, samples->n);
        struct chunk_view c = {.mint_ms = samples->t_ms[at],
                               .maxt_ms = samples->t_ms[end - 1],
                               .encoding = CHUNK_XOR};
        struct xor_appender x;
        xor_init(&x);
        for (; at < end; at++)
            xor_append(&x, buffer, samples->t_ms[at], samples->bits[at]);
        size_t bytes = xor_seal(&x, buffer);
        ASSERT(bytes <= sizeof buffer);
        c.data = arena_str(a, str_of((const char *)buffer, bytes));
        vec_push(to, c);
    }
}

struct err
recode_without(const struct chunk_view *chunk, const struct interval *gone, size_t n,
               struct arena *a, struct chunk_views *to)
{
    if (!intervals_touch(gone, n, chunk->mint_ms, chunk->maxt_ms)) {
        vec_push(to, *chunk);
        return OK;
    }
    if (intervals_cover(gone, n, chunk->mint_ms, chunk->maxt_ms))
        return OK;
    AUTO(sample_columns_fini) struct sample_columns s = SAMPLE_COLUMNS_INIT;
    TRY(chunk_decode_floats(chunk, INT64_MIN, INT64_MAX, &s));
    size_t kept = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (intervals_touch(gone, n, s.t_ms[i], s.t_ms[i]))
            continue;
        s.t_ms[kept] = s.t_ms[i];
        s.bits[kept++] = s.bits[i];
    }
    s.n = kept;
    recode_floats(&s, a, to);
    return OK;
}

/* --- overlaps --------------------------------------------------------------------------------- */

/* A chunk with its place in the caller's list. */
struct ranked_chunk {
    struct chunk_view chunk;
    size_t rank;
};

static int
by_time(const void *a, const void *b)
{
    const struct ranked_chunk *x = a, *y = b;
    if (x->chunk.mint_ms != y->chunk.mint_ms)
        return x->chunk.mint_ms < y->chunk.mint_ms ? -1 : 1;
    if (x->chunk.maxt_ms != y->chunk.maxt_ms)
        return x->chunk.maxt_ms < y->chunk.maxt_ms ? -1 : 1;
    return (x->rank > y->rank) - (x->rank < y->rank);
}

static bool
in_order(const struct chunk_views *chunks)
{
    for (size_t i = 1; i < chunks->n; i++) {
        if (chunks->v[i].mint_ms <= chunks->v[i - 1].maxt_ms)
            return false;
    }
    return true;
}

static bool
same_chunk(const struct chunk_view *x, const struct chunk_view *y)
{
    return x->mint_ms == y->mint_ms && x->maxt_ms == y->maxt_ms && x->encoding == y->encoding &&
           str_eq(x->data, y->data);
}

/* A sample with the rank of its chunk. */
struct ranked_sample {
    int64_t t_ms;
    uint64_t bits;
    size_t rank;
};

static int
by_sample(const void *a, const void *b)
{
    const struct ranked_sample *x = a, *y = b;
    if (x->t_ms != y->t_ms)
        return x->t_ms < y->t_ms ? -1 : 1;
    return (x->rank > y->rank) - (x->rank < y->rank);
}

/* One sample a time out of all chunks; sorts, because overlaps are rare and small. */
static struct err
merge_samples(const struct ranked_chunk *v, size_t n, struct sample_columns *ret_merged)
{
    AUTO(sample_columns_fini) struct sample_columns s = SAMPLE_COLUMNS_INIT;
    VEC(struct ranked_sample) all = VEC_INIT;
    for (size_t i = 0; i < n; i++) {
        s.n = 0;
        struct err e = chunk_decode_floats(&v[i].chunk, INT64_MIN, INT64_MAX, &s);
        if (e.code != ERR_NONE) {
            vec_fini(&all);
            return e;
        }
        for (size_t j = 0; j < s.n; j++)
            vec_push(&all, ((struct ranked_sample){s.t_ms[j], s.bits[j], v[i].rank}));
    }
    if (all.n > 0)
        qsort(all.v, all.n, sizeof *all.v, by_sample);
    sample_columns_reserve(ret_merged, all.n);
    for (size_t i = 0; i < all.n; i++) {
        if (i > 0 && all.v[i].t_ms == all.v[i - 1].t_ms)
            continue;
        ret_merged->t_ms[ret_merged->n] = all.v[i].t_ms;
        ret_merged->bits[ret_merged->n++] = all.v[i].bits;
    }
    vec_fini(&all);
    return OK;
}

/* Appends one chunk of v[0..n), which overlap: what they hold together. */
static struct err
merge_group(const struct ranked_chunk *v, size_t n, struct arena *a, struct chunk_views *to)
{
    bool floats = true;
    for (size_t i = 0; i < n; i++)
        floats = floats && v[i].chunk.encoding == CHUNK_XOR;
    if (n == 1 || !floats) {
        for (size_t i = 0; i < n; i++)
            vec_push(to, v[i].chunk);
        return OK;
    }
    AUTO(sample_columns_fini) struct sample_columns merged = SAMPLE_COLUMNS_INIT;
    TRY(merge_samples(v, n, &merged));
    recode_floats(&merged, a, to);
    return OK;
}

struct err
recode_overlaps(struct chunk_views *chunks, struct arena *a)
{
    if (in_order(chunks))
        return OK;
    size_t n = 0;
    struct ranked_chunk *v = ARENA_ARRAY(a, struct ranked_chunk, chunks->n);
    for (size_t i = 0; i < chunks->n; i++)
        v[i] = (struct ranked_chunk){chunks->v[i], i};
    qsort(v, chunks->n, sizeof *v, by_time);
    for (size_t i = 0; i < chunks->n; i++) {
        if (n == 0 || !same_chunk(&v[n - 1].chunk, &v[i].chunk))
            v[n++] = v[i];
    }
    vec_clear(chunks);
    for (size_t from = 0, to; from < n; from = to) {
        int64_t maxt_ms = v[from].chunk.maxt_ms;
        for (to = from + 1; to < n && v[to].chunk.mint_ms <= maxt_ms; to++)
            maxt_ms = i64_max(maxt_ms, v[to].chunk.maxt_ms);
        TRY(merge_group(&v[from], to - from, a, chunks));
    }
    return OK;
}
