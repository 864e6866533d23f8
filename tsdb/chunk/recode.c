/* recode.c - decodes chunks, drops or merges samples, encodes the rest. */
#include "tsdb/chunk/recode.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/chunk/histogram_chunk.h"
#include "tsdb/chunk/xor.h"

/* The appender writes whole words behind the last sample. */
enum { ENCODE_BYTES = XOR_HEADER_BYTES + RECODE_SAMPLES * XOR_SAMPLE_BYTES_MAX + 16 };

void
recode_floats(const struct sample_columns *samples, struct arena *a, struct chunk_views *to)
{
    uint8_t buffer[ENCODE_BYTES];
    for (size_t at = 0; at < samples->n;) {
        size_t end = size_min(at + RECODE_SAMPLES, samples->n);
        struct chunk_view c = {
            .mint_ms = samples->t_ms[at], .maxt_ms = samples->t_ms[end - 1], .encoding = CHUNK_XOR};
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

static void
finish_histograms(struct histogram_appender *open, struct arena *a, struct chunk_views *to)
{
    if (!open)
        return;
    struct chunk_view c = histogram_appender_seal(open);
    c.data = arena_str(a, c.data);
    vec_push(to, c);
    histogram_appender_close(open);
}

void
recode_histograms(const struct histogram_columns *samples, struct arena *a, struct chunk_views *to)
{
    struct histogram_appender *open = NULL;
    for (size_t i = 0; i < samples->n; i++) {
        const struct histogram *h = &samples->values[i];
        bool follows = open && histogram_appender_kind(open) == h->kind &&
                       histogram_appender_count(open) < RECODE_SAMPLES;
        struct histogram_appender *next = follows
                                              ? histogram_append(open, samples->t_ms[i], h)
                                              : histogram_appender_open(NULL, samples->t_ms[i], h);
        if (next != open)
            finish_histograms(open, a, to);
        open = next;
    }
    finish_histograms(open, a, to);
}

/* --- deletions -------------------------------------------------------------------------------- */

static bool
is_gone(const struct interval *gone, size_t n, int64_t t_ms)
{
    return intervals_touch(gone, n, t_ms, t_ms);
}

static struct err
floats_without(const struct chunk_view *chunk, const struct interval *gone, size_t n,
               struct arena *a, struct chunk_views *to)
{
    AUTO(sample_columns_fini) struct sample_columns s = SAMPLE_COLUMNS_INIT;
    TRY(chunk_decode_floats(chunk, INT64_MIN, INT64_MAX, &s));
    size_t kept = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (is_gone(gone, n, s.t_ms[i]))
            continue;
        s.t_ms[kept] = s.t_ms[i];
        s.bits[kept++] = s.bits[i];
    }
    s.n = kept;
    recode_floats(&s, a, to);
    return OK;
}

static struct err
histograms_without(const struct chunk_view *chunk, const struct interval *gone, size_t n,
                   struct arena *a, struct chunk_views *to)
{
    AUTO(arena_fini) struct arena values;
    arena_init(&values, RECODE_HISTOGRAM_BYTES_MAX);
    AUTO(histogram_columns_fini) struct histogram_columns s = HISTOGRAM_COLUMNS_INIT;
    TRY(chunk_decode_histograms(chunk, INT64_MIN, INT64_MAX, &values, &s));
    size_t kept = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (is_gone(gone, n, s.t_ms[i]))
            continue;
        s.t_ms[kept] = s.t_ms[i];
        s.values[kept++] = s.values[i];
    }
    s.n = kept;
    recode_histograms(&s, a, to);
    return OK;
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
    if (chunk_holds_histograms(chunk->encoding))
        return histograms_without(chunk, gone, n, a, to);
    return floats_without(chunk, gone, n, a, to);
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
    size_t rank;
    const struct histogram *histogram; /* NULL: a float */
    uint64_t bits;
};
VEC_TYPE(ranked_samples, struct ranked_sample);

static inline void
auto_ranked_samples_fini(struct ranked_samples *s)
{
    vec_fini(s);
}

static int
by_sample(const void *a, const void *b)
{
    const struct ranked_sample *x = a, *y = b;
    if (x->t_ms != y->t_ms)
        return x->t_ms < y->t_ms ? -1 : 1;
    return (x->rank > y->rank) - (x->rank < y->rank);
}

/* The samples of one chunk; histograms go to the arena. */
static struct err
add_samples(const struct ranked_chunk *c, struct arena *values, struct ranked_samples *to)
{
    if (!chunk_holds_histograms(c->chunk.encoding)) {
        AUTO(sample_columns_fini) struct sample_columns s = SAMPLE_COLUMNS_INIT;
        TRY(chunk_decode_floats(&c->chunk, INT64_MIN, INT64_MAX, &s));
        for (size_t i = 0; i < s.n; i++)
            vec_push(to, ((struct ranked_sample){s.t_ms[i], c->rank, NULL, s.bits[i]}));
        return OK;
    }
    AUTO(histogram_columns_fini) struct histogram_columns s = HISTOGRAM_COLUMNS_INIT;
    TRY(chunk_decode_histograms(&c->chunk, INT64_MIN, INT64_MAX, values, &s));
    struct histogram *v = ARENA_ARRAY(values, struct histogram, s.n);
    for (size_t i = 0; i < s.n; i++) {
        v[i] = s.values[i];
        vec_push(to, ((struct ranked_sample){s.t_ms[i], c->rank, &v[i], 0}));
    }
    return OK;
}

/* One sample a time out of all chunks; sorts, because overlaps are rare and small. */
static struct err
merge_samples(const struct ranked_chunk *v, size_t n, struct arena *values,
              struct ranked_samples *to)
{
    for (size_t i = 0; i < n; i++)
        TRY(add_samples(&v[i], values, to));
    if (to->n > 0)
        qsort(to->v, to->n, sizeof *to->v, by_sample);
    size_t kept = 0;
    for (size_t i = 0; i < to->n; i++) {
        if (kept == 0 || to->v[i].t_ms != to->v[kept - 1].t_ms)
            to->v[kept++] = to->v[i];
    }
    to->n = kept;
    return OK;
}

/* A run of floats, or of histograms, beginning at v[0]; returns its length. */
static size_t
recode_run(const struct ranked_sample *v, size_t n, struct arena *a, struct chunk_views *to)
{
    AUTO(sample_columns_fini) struct sample_columns floats = SAMPLE_COLUMNS_INIT;
    AUTO(histogram_columns_fini) struct histogram_columns histograms = HISTOGRAM_COLUMNS_INIT;
    size_t end = 1;
    while (end < n && (v[end].histogram != NULL) == (v[0].histogram != NULL))
        end++;
    if (!v[0].histogram) {
        sample_columns_reserve(&floats, end);
        for (; floats.n < end; floats.n++) {
            floats.t_ms[floats.n] = v[floats.n].t_ms;
            floats.bits[floats.n] = v[floats.n].bits;
        }
        recode_floats(&floats, a, to);
        return end;
    }
    histogram_columns_reserve(&histograms, end);
    for (; histograms.n < end; histograms.n++) {
        histograms.t_ms[histograms.n] = v[histograms.n].t_ms;
        histograms.start_ms[histograms.n] = 0;
        histograms.values[histograms.n] = *v[histograms.n].histogram;
    }
    recode_histograms(&histograms, a, to);
    return end;
}

/* --- floats only: what overlaps most often, without a sort ------------------------------------ */

/* Merged samples, each with the rank of the chunk that it came from. */
struct merged_floats {
    struct sample_columns s;
    VEC(size_t) ranks;
};

static void
merged_floats_fini(struct merged_floats *m)
{
    sample_columns_fini(&m->s);
    vec_fini(&m->ranks);
}

static void
put_sample(struct merged_floats *m, const struct sample_columns *from, size_t i, size_t rank)
{
    m->s.t_ms[m->s.n] = from->t_ms[i];
    m->s.bits[m->s.n++] = from->bits[i];
    m->ranks.v[m->ranks.n++] = rank;
}

/* Moves the samples from t_ms on to *tail. */
static void
cut_tail(struct merged_floats *m, int64_t t_ms, struct merged_floats *tail)
{
    size_t at = m->s.n;
    while (at > 0 && m->s.t_ms[at - 1] >= t_ms)
        at--;
    tail->s.n = tail->ranks.n = 0;
    sample_columns_reserve(&tail->s, m->s.n - at);
    vec_reserve(&tail->ranks, m->s.n - at);
    for (size_t i = at; i < m->s.n; i++)
        put_sample(tail, &m->s, i, m->ranks.v[i]);
    m->s.n = m->ranks.n = at;
}

/* Both ascend. Of samples at one time the one of the lower rank stays. */
static void
merge_tail(struct merged_floats *m, const struct merged_floats *tail,
           const struct sample_columns *more, size_t rank)
{
    size_t i = 0, k = 0;
    sample_columns_reserve(&m->s, tail->s.n + more->n);
    vec_reserve(&m->ranks, tail->s.n + more->n);
    while (i < tail->s.n && k < more->n) {
        int64_t x = tail->s.t_ms[i], y = more->t_ms[k];
        if (x < y || (x == y && tail->ranks.v[i] < rank))
            put_sample(m, &tail->s, i, tail->ranks.v[i]);
        else
            put_sample(m, more, k, rank);
        i += x <= y;
        k += y <= x;
    }
    for (; i < tail->s.n; i++)
        put_sample(m, &tail->s, i, tail->ranks.v[i]);
    for (; k < more->n; k++)
        put_sample(m, more, k, rank);
}

static bool
ascends(const struct sample_columns *s)
{
    for (size_t i = 1; i < s->n; i++) {
        if (s->t_ms[i] <= s->t_ms[i - 1])
            return false;
    }
    return true;
}

/* *ret_done is false for what only a sort can merge: histograms, and bytes that do not ascend. */
static struct err
merge_floats(const struct ranked_chunk *v, size_t n, struct merged_floats *m, bool *ret_done)
{
    AUTO(sample_columns_fini) struct sample_columns more = SAMPLE_COLUMNS_INIT;
    struct merged_floats tail = {.s = SAMPLE_COLUMNS_INIT, .ranks = VEC_INIT};
    struct err e = OK;
    *ret_done = true;
    for (size_t i = 0; i < n && *ret_done && e.code == ERR_NONE; i++) {
        more.n = 0;
        *ret_done = !chunk_holds_histograms(v[i].chunk.encoding);
        if (*ret_done)
            e = chunk_decode_floats(&v[i].chunk, INT64_MIN, INT64_MAX, &more);
        *ret_done = *ret_done && ascends(&more);
        if (more.n == 0 || !*ret_done)
            continue;
        cut_tail(m, more.t_ms[0], &tail);
        merge_tail(m, &tail, &more, v[i].rank);
    }
    merged_floats_fini(&tail);
    return e;
}

/* Appends v[0..n), which overlap, as chunks of what they hold together. */
static struct err
merge_group(const struct ranked_chunk *v, size_t n, struct arena *a, struct chunk_views *to)
{
    if (n == 1) {
        vec_push(to, v[0].chunk);
        return OK;
    }
    bool done;
    struct merged_floats floats = {.s = SAMPLE_COLUMNS_INIT, .ranks = VEC_INIT};
    struct err e = merge_floats(v, n, &floats, &done);
    if (done && e.code == ERR_NONE)
        recode_floats(&floats.s, a, to);
    merged_floats_fini(&floats);
    if (done || e.code != ERR_NONE)
        return e;
    AUTO(arena_fini) struct arena values;
    arena_init(&values, RECODE_HISTOGRAM_BYTES_MAX);
    AUTO(ranked_samples_fini) struct ranked_samples merged = VEC_INIT;
    TRY(merge_samples(v, n, &values, &merged));
    for (size_t at = 0; at < merged.n;)
        at += recode_run(&merged.v[at], merged.n - at, a, to);
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
