/* series.c - admission, appending and chunk cutting of one series (spec/tsdb.md section 12). */
#include "tsdb/head/series.h"

#include "base/assert.h"
#include "base/mem.h"

/* Buffer sizes are the allocator's size classes: no slack behind a buffer. */
static const uint16_t tail_bytes[] = {
    48,  64,  80,  96,  112, 128, 160, 192, 224,  256,
    320, 384, 448, 512, 640, 768, 896, 1024, SERIES_TAIL_BYTES_MAX,
};
enum { TAIL_ROOM = XOR_SAMPLE_BYTES_MAX + 8 }; /* what xor_append() asks for */
_Static_assert(CHUNK_BYTES_CUT + TAIL_ROOM + 8 <= SERIES_TAIL_BYTES_MAX,
               "a full chunk fits the largest class");

void
series_set_ref(struct series_hot *hot, uint64_t ref)
{
    hot->ref_low = (uint32_t)ref;
    hot->ref_high = (uint8_t)(ref >> 32);
}

void
series_init(struct series_hot *hot, struct series_cold *cold, uint64_t ref, uint32_t *pairs)
{
    ASSERT(ref >> 40 == 0); /* Prometheus keeps them below 2^40 too */
    series_set_ref(hot, ref);
    xor_init(&hot->xor);
    cold->pairs = pairs;
}

void
series_fini(struct series_hot *hot, struct series_cold *cold)
{
    if (series_has_histograms(hot))
        histogram_appender_close(hot->histograms);
    else
        mem_free(hot->tail);
    struct head_chunk *c = cold->newest;
    while (c) {
        struct head_chunk *older = c->older;
        if (!c->mapped)
            mem_free(c->data);
        mem_free(c);
        c = older;
    }
    mem_free(cold->pairs);
    *hot = (struct series_hot){0};
    *cold = (struct series_cold){0};
}

enum sample_fate
series_judge_rest(const struct judge_limits *limits, struct series_last last, struct sample s)
{
    bool same = last.histogram ? series_marks_histogram(last, s) &&
                                     histogram_is_stale(last.histogram)
                               : s.bits == last.sample.bits;
    return judge_rest(limits, (struct judge_last){last.sample.t_ms, last.known}, s.t_ms,
                      same ? JUDGE_SAME_VALUE : JUDGE_OTHER_VALUE);
}

enum sample_fate
series_judge_histogram(const struct judge_limits *limits, struct series_last last,
                       const struct histogram_sample *s)
{
    struct judge_last newest = {last.sample.t_ms, last.known};
    if (judge_in_order(limits, newest, s->t_ms))
        return SAMPLE_STORED;
    bool same = last.known && s->t_ms == last.sample.t_ms && last.histogram &&
                histogram_alike(last.histogram, &s->value); /* a chunk adds empty buckets */
    return judge_rest(limits, newest, s->t_ms, same ? JUDGE_SAME_VALUE : JUDGE_OTHER_VALUE);
}

/* Where chunks should end so that those up to `end` are about equally long; what was seen between
 * start and current fills a chunk to 1/parts. Prometheus computeChunkEndTime. */
static int64_t
even_cut_ms(int64_t start, int64_t current, int64_t end, double parts)
{
    double chunks = ((double)end - (double)start) / (((double)current - (double)start + 1) * parts);
    if (chunks <= 1)
        return end;
    return (int64_t)((double)start + ((double)end - (double)start) / (double)(int64_t)chunks);
}

/* A span of over 2^32 ms would not fit head_chunk; only nonsense times come near. */
static bool
span_must_end(int64_t mint_ms, int64_t t_ms, int64_t begin_ms)
{
    return mint_ms < begin_ms || (uint64_t)t_ms - (uint64_t)mint_ms > UINT32_MAX;
}

static bool
must_cut(struct series_hot *hot, const struct series_cold *cold, int64_t t_ms, int64_t begin_ms)
{
    if (xor_bytes(&hot->xor) > CHUNK_BYTES_CUT)
        return true;
    int64_t mint_ms = series_open_mint_ms(hot, cold);
    if (hot->xor.count == CHUNK_SAMPLES_AIM / 4)
        hot->next_cut_ms = even_cut_ms(mint_ms, hot->xor.t_ms, hot->next_cut_ms, 4);
    return t_ms >= hot->next_cut_ms || hot->xor.count >= CHUNK_SAMPLES_CUT ||
           span_must_end(mint_ms, t_ms, begin_ms);
}

/* No sample is in an open chunk any more; the newest one and the flags stay. */
static void
end_open_chunk(struct series_hot *hot)
{
    struct sample last = {hot->xor.t_ms, hot->xor.bits};
    uint8_t flags = hot->xor.flags;
    xor_init(&hot->xor);
    hot->xor.flags = flags;
    hot->xor.t_ms = last.t_ms;
    hot->xor.bits = last.bits;
}

/* Gives the series a finished chunk with the times of the open one. Takes `data`. */
static struct head_chunk *
link_chunk(const struct series_hot *hot, struct series_cold *cold, enum chunk_encoding encoding,
           uint8_t *data, size_t bytes)
{
    ASSERT(bytes <= HEAD_CHUNK_BYTES_MAX);
    struct head_chunk *c = mem_alloc_zero(sizeof *c);
    c->bytes = (uint32_t)bytes & HEAD_CHUNK_BYTES_MAX;
    c->encoding = (uint32_t)encoding & 0x7f;
    c->mint_ms = series_open_mint_ms(hot, cold);
    c->span_ms = cold->open_span_ms;
    c->data = data;
    c->older = cold->newest;
    cold->newest = c;
    return c;
}

/* Keeps the appender: the next sample is compared with its newest. */
static struct head_chunk *
seal_histograms(struct series_hot *hot, struct series_cold *cold)
{
    struct chunk_view sealed = histogram_appender_seal(hot->histograms);
    uint8_t *data = mem_alloc(sealed.data.n);
    memcpy(data, sealed.data.p, sealed.data.n);
    struct head_chunk *c = link_chunk(hot, cold, sealed.encoding, data, sealed.data.n);
    end_open_chunk(hot);
    return c;
}

struct head_chunk *
series_seal(struct series_hot *hot, struct series_cold *cold)
{
    if (hot->xor.count == 0)
        return NULL;
    if (series_has_histograms(hot))
        return seal_histograms(hot, cold);
    size_t bytes = xor_seal(&hot->xor, hot->tail);
    struct head_chunk *c = link_chunk(hot, cold, CHUNK_XOR, TAKE(hot->tail), bytes);
    end_open_chunk(hot);
    return c;
}

/* The next sample is a float; no chunk is open. */
static void
leave_histograms(struct series_hot *hot)
{
    histogram_appender_close(TAKE(hot->histograms));
    hot->xor.flags &= (uint8_t)~(SERIES_HISTOGRAM | SERIES_CUT_PREDICTED);
}

static void
open_chunk(struct series_hot *hot, int64_t t_ms, int64_t block_range_ms)
{
    hot->tail_class = 0;
    hot->tail = mem_alloc(tail_bytes[0]);
    hot->next_cut_ms = block_range_end_ms(t_ms, block_range_ms);
}

/* A sample may take more than the step from one class to the next. */
static void
ensure_tail_room(struct series_hot *hot)
{
    size_t need = hot->xor.used_bytes + TAIL_ROOM;
    if (__builtin_expect(need <= tail_bytes[hot->tail_class], 1))
        return;
    unsigned tail_class = hot->tail_class;
    while (need > tail_bytes[tail_class]) {
        tail_class++;
        ASSERT(tail_class < ARRAY_LEN(tail_bytes)); /* must_cut() ends chunks before */
    }
    hot->tail_class = tail_class & 31;
    hot->tail = mem_realloc(hot->tail, tail_bytes[tail_class]);
}

/* Of a series that had histograms so far. */
static struct head_chunk *
change_to_floats(struct series_hot *hot, struct series_cold *cold)
{
    struct head_chunk *finished = series_seal(hot, cold);
    leave_histograms(hot);
    return finished;
}

struct head_chunk *
series_append(struct series_hot *hot, struct series_cold *cold, struct sample s,
              struct chunk_rule rule)
{
    struct head_chunk *finished = NULL;
    if (__builtin_expect(series_has_histograms(hot), 0))
        finished = change_to_floats(hot, cold);
    else if (hot->xor.count > 0 && must_cut(hot, cold, s.t_ms, rule.begin_ms))
        finished = series_seal(hot, cold);
    int64_t mint_ms = hot->xor.count > 0 ? series_open_mint_ms(hot, cold) : s.t_ms;
    if (hot->xor.count == 0)
        open_chunk(hot, s.t_ms, rule.block_range_ms);
    cold->open_span_ms = (uint32_t)(s.t_ms - mint_ms);
    ensure_tail_room(hot);
    xor_append(&hot->xor, hot->tail, s.t_ms, s.bits);
    hot->has_last = 1;
    return finished;
}

void
series_reopen(struct series_hot *hot, struct series_cold *cold, const struct xor_appender *x,
              const struct chunk_view *open, int64_t quarter_ms, int64_t block_range_ms)
{
    ASSERT(hot->xor.count == 0 && open->data.n <= SERIES_REOPEN_BYTES_MAX);
    if (series_has_histograms(hot))
        leave_histograms(hot);
    open_chunk(hot, open->mint_ms, block_range_ms);
    if (x->count > CHUNK_SAMPLES_AIM / 4) /* as must_cut() settled it */
        hot->next_cut_ms = even_cut_ms(open->mint_ms, quarter_ms, hot->next_cut_ms, 4);
    uint8_t flags = hot->xor.flags;
    hot->xor = *x;
    hot->xor.flags = flags;
    ensure_tail_room(hot);
    memcpy(hot->tail, open->data.p, open->data.n);
    cold->open_span_ms = (uint32_t)(open->maxt_ms - open->mint_ms);
    hot->has_last = 1;
}

/* --- histograms ------------------------------------------------------------------------------- */

/* Prometheus' histogramsAppendPreprocessor, and what a series here asks of every chunk. */
static bool
must_cut_histograms(struct series_hot *hot, const struct series_cold *cold,
                    const struct histogram_sample *s, struct chunk_rule rule)
{
    int64_t mint_ms = series_open_mint_ms(hot, cold);
    if (histogram_appender_kind(hot->histograms) != s->value.kind ||
        span_must_end(mint_ms, s->t_ms, rule.begin_ms))
        return true;
    size_t bytes = histogram_appender_bytes(hot->histograms);
    if (!(hot->xor.flags & SERIES_CUT_PREDICTED) && bytes >= HISTOGRAM_BYTES_AIM / 4) {
        double parts = (double)HISTOGRAM_BYTES_AIM / (double)bytes;
        hot->next_cut_ms = even_cut_ms(mint_ms, hot->xor.t_ms, hot->next_cut_ms, parts);
        hot->xor.flags |= SERIES_CUT_PREDICTED;
    }
    if (s->t_ms < hot->next_cut_ms && bytes < HISTOGRAM_BYTES_CUT)
        return false;
    return hot->xor.count >= HISTOGRAM_SAMPLES_MIN ||
           s->t_ms >= block_range_end_ms(mint_ms, rule.block_range_ms);
}

/* The chunk of `a` is the open one from now on; no other is open. Takes `a`. */
static void
open_histograms(struct series_hot *hot, struct histogram_appender *a, int64_t block_range_ms)
{
    if (series_has_histograms(hot))
        histogram_appender_close(hot->histograms);
    hot->histograms = a;
    hot->xor.bits = 0;
    hot->xor.flags |= SERIES_HISTOGRAM;
    hot->xor.flags &= (uint8_t)~SERIES_CUT_PREDICTED;
    hot->next_cut_ms = block_range_end_ms(histogram_appender_mint(a), block_range_ms);
}

struct head_chunk *
series_append_histogram(struct series_hot *hot, struct series_cold *cold,
                        const struct histogram_sample *s, struct chunk_rule rule)
{
    struct head_chunk *finished = NULL;
    struct histogram_appender *before = series_has_histograms(hot) ? hot->histograms : NULL;
    bool open = before && hot->xor.count > 0;
    struct histogram_appender *next;
    if (open && !must_cut_histograms(hot, cold, s, rule))
        next = histogram_append(before, s->t_ms, &s->value);
    else
        next = histogram_appender_open(before, s->t_ms, &s->value);
    if (next != before) {
        finished = series_seal(hot, cold);
        open_histograms(hot, next, rule.block_range_ms);
    }
    hot->xor.t_ms = s->t_ms;
    hot->xor.count = u16_of_size(histogram_appender_count(next));
    cold->open_span_ms = (uint32_t)(s->t_ms - histogram_appender_mint(next));
    hot->has_last = 1;
    return finished;
}

void
series_reopen_histograms(struct series_hot *hot, struct series_cold *cold,
                         struct histogram_appender *a, int64_t block_range_ms)
{
    ASSERT(hot->xor.count == 0);
    open_histograms(hot, a, block_range_ms);
    hot->xor.t_ms = histogram_appender_maxt(a);
    hot->xor.count = u16_of_size(histogram_appender_count(a));
    cold->open_span_ms = (uint32_t)(hot->xor.t_ms - histogram_appender_mint(a));
    hot->has_last = 1;
}

/* --- the end of samples ----------------------------------------------------------------------- */

struct head_chunk *
series_drop_before(struct series_hot *hot, struct series_cold *cold, int64_t end_ms)
{
    if (hot->xor.count > 0 && hot->xor.t_ms < end_ms) { /* its bytes are read under the spin only */
        if (!series_has_histograms(hot)) /* else it is kept to compare with */
            mem_free(TAKE(hot->tail));
        end_open_chunk(hot);
    }
    struct head_chunk **link = &cold->newest; /* H5: they ascend */
    while (*link && head_chunk_maxt_ms(*link) >= end_ms)
        link = &(*link)->older;
    return TAKE(*link);
}

size_t
series_open_bytes(const struct series_hot *hot)
{
    return series_has_histograms(hot) ? histogram_appender_bytes(hot->histograms)
                                      : xor_bytes(&hot->xor);
}

struct chunk_view
series_snapshot(const struct series_hot *hot, const struct series_cold *cold, uint8_t *to)
{
    struct chunk_view view = {.mint_ms = series_open_mint_ms(hot, cold),
                              .maxt_ms = hot->xor.t_ms,
                              .encoding = CHUNK_XOR};
    if (!series_has_histograms(hot)) {
        view.data = str_of((const char *)to, xor_snapshot(&hot->xor, hot->tail, to));
        return view;
    }
    bool floats = histogram_appender_kind(hot->histograms) == HISTOGRAM_FLOAT;
    view.encoding = floats ? CHUNK_FLOAT_HISTOGRAM : CHUNK_HISTOGRAM;
    histogram_appender_snapshot(hot->histograms, to);
    view.data = str_of((const char *)to, histogram_appender_bytes(hot->histograms));
    return view;
}

bool
series_check_tail(const struct series_hot *hot)
{
    if (series_has_histograms(hot))
        return histogram_appender_maxt(hot->histograms) == hot->xor.t_ms &&
               (hot->xor.count == 0 ||
                histogram_appender_count(hot->histograms) == hot->xor.count);
    if (hot->xor.count == 0)
        return hot->tail == NULL;
    return hot->tail != NULL && hot->tail_class < ARRAY_LEN(tail_bytes) &&
           xor_bytes(&hot->xor) <= tail_bytes[hot->tail_class];
}

void
series_set_last(struct series_hot *hot, struct sample last)
{
    ASSERT(hot->xor.count == 0); /* else the encoder's own state says it */
    if (series_has_histograms(hot))
        leave_histograms(hot);
    hot->xor.t_ms = last.t_ms;
    hot->xor.bits = last.bits;
    hot->has_last = 1;
}

void
series_set_last_histogram(struct series_hot *hot, const struct histogram_sample *last)
{
    ASSERT(hot->xor.count == 0);
    if (series_has_histograms(hot))
        leave_histograms(hot);
    hot->histograms = histogram_appender_open(NULL, last->t_ms, &last->value);
    hot->xor.t_ms = last->t_ms;
    hot->xor.bits = 0;
    hot->xor.flags |= SERIES_HISTOGRAM;
    hot->has_last = 1;
}
