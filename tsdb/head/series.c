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
series_init(struct series_hot *hot, struct series_cold *cold, uint64_t ref, uint32_t *pairs)
{
    ASSERT(ref >> 40 == 0); /* Prometheus keeps them below 2^40 too */
    hot->ref_low = (uint32_t)ref;
    hot->ref_high = (uint8_t)(ref >> 32);
    xor_init(&hot->xor);
    cold->pairs = pairs;
}

void
series_fini(struct series_hot *hot, struct series_cold *cold)
{
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
series_judge(struct series_last last, struct sample s, int64_t min_valid_ms)
{
    bool newer = !last.known || s.t_ms > last.sample.t_ms;
    if (__builtin_expect(newer && s.t_ms >= min_valid_ms, 1))
        return SAMPLE_STORED;
    if (s.t_ms < min_valid_ms) /* first: whether the series is still known does not matter then */
        return SAMPLE_OUT_OF_BOUNDS;
    if (s.t_ms < last.sample.t_ms)
        return SAMPLE_OUT_OF_ORDER;
    return s.bits == last.sample.bits ? SAMPLE_REPEATED : SAMPLE_DUPLICATE;
}

/* Where chunks should end so that those up to `end` are about equally long; a quarter of the
 * aimed samples has been seen between start and current. Prometheus computeChunkEndTime. */
static int64_t
even_cut_ms(int64_t start, int64_t current, int64_t end)
{
    double chunks = ((double)end - (double)start) / (((double)current - (double)start + 1) * 4);
    if (chunks <= 1)
        return end;
    return (int64_t)((double)start + ((double)end - (double)start) / (double)(int64_t)chunks);
}

static bool
must_cut(struct series_hot *hot, const struct series_cold *cold, int64_t t_ms, int64_t begin_ms)
{
    if (xor_bytes(&hot->xor) > CHUNK_BYTES_CUT)
        return true;
    int64_t mint_ms = series_open_mint_ms(hot, cold);
    if (hot->xor.count == CHUNK_SAMPLES_AIM / 4)
        hot->next_cut_ms = even_cut_ms(mint_ms, hot->xor.t_ms, hot->next_cut_ms);
    /* A span of over 2^32 ms would not fit head_chunk; only nonsense times come near. */
    return t_ms >= hot->next_cut_ms || hot->xor.count >= CHUNK_SAMPLES_CUT || mint_ms < begin_ms ||
           (uint64_t)t_ms - (uint64_t)mint_ms > UINT32_MAX;
}

/* No sample is in an open chunk any more; the newest one and the flags stay. */
static void
end_open_chunk(struct series_hot *hot)
{
    struct sample last = series_last_of(hot).sample;
    uint8_t flags = hot->xor.flags;
    xor_init(&hot->xor);
    hot->xor.flags = flags;
    series_set_last(hot, last);
}

struct head_chunk *
series_seal(struct series_hot *hot, struct series_cold *cold)
{
    if (hot->xor.count == 0)
        return NULL;
    struct head_chunk *c = mem_alloc_zero(sizeof *c);
    c->bytes = u16_of_size(xor_seal(&hot->xor, hot->tail));
    c->encoding = CHUNK_XOR;
    c->mint_ms = series_open_mint_ms(hot, cold);
    c->span_ms = cold->open_span_ms;
    c->data = TAKE(hot->tail);
    c->older = cold->newest;
    cold->newest = c;
    end_open_chunk(hot);
    return c;
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

struct head_chunk *
series_append(struct series_hot *hot, struct series_cold *cold, struct sample s,
              struct chunk_rule rule)
{
    struct head_chunk *finished = NULL;
    if (hot->xor.count > 0 && must_cut(hot, cold, s.t_ms, rule.begin_ms))
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

struct head_chunk *
series_drop_before(struct series_hot *hot, struct series_cold *cold, int64_t end_ms)
{
    if (hot->xor.count > 0 && hot->xor.t_ms < end_ms) { /* its bytes are read under the spin only */
        mem_free(TAKE(hot->tail));
        end_open_chunk(hot);
    }
    struct head_chunk **link = &cold->newest; /* H5: they ascend */
    while (*link && head_chunk_maxt_ms(*link) >= end_ms)
        link = &(*link)->older;
    return TAKE(*link);
}

bool
series_check_tail(const struct series_hot *hot)
{
    if (hot->xor.count == 0)
        return hot->tail == NULL;
    return hot->tail != NULL && hot->tail_class < ARRAY_LEN(tail_bytes) &&
           xor_bytes(&hot->xor) <= tail_bytes[hot->tail_class];
}

void
series_set_last(struct series_hot *hot, struct sample last)
{
    ASSERT(hot->xor.count == 0); /* else the encoder's own state says it */
    hot->xor.t_ms = last.t_ms;
    hot->xor.bits = last.bits;
    hot->has_last = 1;
}
