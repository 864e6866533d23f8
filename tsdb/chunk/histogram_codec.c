/* histogram_codec.c - samples of histogram chunks: prediction, and what differs from it.
 *
 * An integer histogram's fields are written as changes of changes; the one of sample 1 is against
 * a change of 0. A float histogram's fields are XORed with the sample before, each in a window of
 * its own. Numbers are uint64: differences wrap, as they do in Prometheus. */
#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/chunk/histogram_int.h"
#include "tsdb/chunk/histogram_layout.h"

/* --- state -------------------------------------------------------------------------------- */

/* Copies `bytes` bytes to *at, and moves it behind them. */
static void *
place(char **at, const void *from, size_t bytes)
{
    void *to = *at;
    if (bytes > 0)
        memcpy(to, from, bytes);
    *at += bytes;
    return to;
}

void
histogram_state_init(struct histogram_state *s, const struct histogram *layout,
                     struct xor_window window)
{
    size_t n = layout->positive.n + layout->negative.n;
    size_t words = n * sizeof(uint64_t), bounds = layout->custom_bounds.n * sizeof(uint64_t);
    size_t positive = layout->positive_spans.n * sizeof(struct histogram_span);
    size_t negative = layout->negative_spans.n * sizeof(struct histogram_span);
    size_t second = layout->kind == HISTOGRAM_INTEGER ? words : n * sizeof window;
    char *at = mem_alloc_zero(words + bounds + positive + negative + second);
    *s = (struct histogram_state){.count_window = window,
                                  .zero_window = window,
                                  .sum_window = window,
                                  .newest = *layout,
                                  .n = n,
                                  .memory = at};
    s->buckets = (uint64_t *)(void *)at; /* zeros */
    s->newest.positive.v = s->buckets;
    s->newest.negative.v = s->buckets + layout->positive.n;
    at += words;
    s->newest.custom_bounds.v = place(&at, layout->custom_bounds.v, bounds);
    if (layout->kind == HISTOGRAM_INTEGER) {
        s->deltas = (uint64_t *)(void *)at;
        at += second;
    }
    s->newest.positive_spans.v = place(&at, layout->positive_spans.v, positive);
    s->newest.negative_spans.v = place(&at, layout->negative_spans.v, negative);
    if (layout->kind == HISTOGRAM_FLOAT) {
        s->windows = (struct xor_window *)(void *)at;
        for (size_t i = 0; i < n; i++)
            s->windows[i] = window;
    }
}

void
histogram_state_fini(struct histogram_state *s)
{
    mem_free(s->memory);
    *s = (struct histogram_state){.memory = NULL};
}

static void
keep_buckets(struct histogram_state *s, const struct histogram *h)
{
    ASSERT(h->positive.n == s->newest.positive.n);
    ASSERT(h->negative.n == s->newest.negative.n);
    if (h->positive.n > 0)
        memcpy(s->buckets, h->positive.v, h->positive.n * sizeof *s->buckets);
    if (h->negative.n > 0)
        memcpy(s->buckets + h->positive.n, h->negative.v, h->negative.n * sizeof *s->buckets);
}

/* --- writing ------------------------------------------------------------------------------ */

void
histogram_state_put_first(struct histogram_state *s, struct bit_out *o, int64_t t_ms,
                          const struct histogram *h)
{
    ASSERT(h->kind == s->newest.kind);
    histogram_layout_put(o, &s->newest);
    keep_buckets(s, h);
    s->t_ms = (uint64_t)t_ms;
    s->newest.count = h->count;
    s->newest.zero_count = h->zero_count;
    s->newest.sum = h->sum;
    varbit_put_int(o, t_ms);
    if (h->kind == HISTOGRAM_INTEGER) {
        varbit_put_uint(o, h->count);
        varbit_put_uint(o, h->zero_count);
        bit_out_put(o, h->sum, 64);
        for (size_t i = 0; i < s->n; i++)
            varbit_put_int(o, (int64_t)s->buckets[i]);
    } else {
        bit_out_put(o, h->count, 64);
        bit_out_put(o, h->zero_count, 64);
        bit_out_put(o, h->sum, 64);
        for (size_t i = 0; i < s->n; i++)
            bit_out_put(o, s->buckets[i], 64);
    }
}

/* The change of a change, when the field goes from *was to `is`. */
static uint64_t
move_to(uint64_t *was, uint64_t *delta, uint64_t is)
{
    uint64_t new_delta = is - *was, change = new_delta - *delta;
    *was = is;
    *delta = new_delta;
    return change;
}

static void
put_integers(struct histogram_state *s, struct bit_out *o, const uint64_t *v, size_t from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        varbit_put_int(o, (int64_t)move_to(&s->buckets[from + i], &s->deltas[from + i], v[i]));
}

static void
put_floats(struct histogram_state *s, struct bit_out *o, const uint64_t *v, size_t from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        xor_window_put(o, &s->windows[from + i], v[i] ^ s->buckets[from + i]);
        s->buckets[from + i] = v[i];
    }
}

/* Time, counts and sum of a further sample. */
static void
put_fields(struct histogram_state *s, struct bit_out *o, int64_t t_ms, const struct histogram *h)
{
    bool stale = histogram_is_stale(h);
    uint64_t count = stale ? 0 : h->count, zero_count = stale ? 0 : h->zero_count;
    varbit_put_int(o, (int64_t)move_to(&s->t_ms, &s->delta_ms, (uint64_t)t_ms));
    if (h->kind == HISTOGRAM_FLOAT) {
        xor_window_put(o, &s->count_window, count ^ s->newest.count);
        xor_window_put(o, &s->zero_window, zero_count ^ s->newest.zero_count);
        s->newest.count = count;
        s->newest.zero_count = zero_count;
    } else if (stale) {
        bit_out_put(o, 0, 2); /* only stale ones can follow: nobody predicts from these */
    } else {
        varbit_put_int(o, (int64_t)move_to(&s->newest.count, &s->count_delta, count));
        varbit_put_int(o, (int64_t)move_to(&s->newest.zero_count, &s->zero_delta, zero_count));
    }
    xor_window_put(o, &s->sum_window, h->sum ^ s->newest.sum);
    s->newest.sum = h->sum;
}

void
histogram_state_put(struct histogram_state *s, struct bit_out *o, int64_t t_ms,
                    const struct histogram *h)
{
    put_fields(s, o, t_ms, h);
    if (histogram_is_stale(h))
        return;
    ASSERT(h->kind == s->newest.kind);
    ASSERT(h->positive.n == s->newest.positive.n);
    ASSERT(h->negative.n == s->newest.negative.n);
    if (h->kind == HISTOGRAM_INTEGER) {
        put_integers(s, o, h->positive.v, 0, h->positive.n);
        put_integers(s, o, h->negative.v, h->positive.n, h->negative.n);
    } else {
        put_floats(s, o, h->positive.v, 0, h->positive.n);
        put_floats(s, o, h->negative.v, h->positive.n, h->negative.n);
    }
}

/* --- reading ------------------------------------------------------------------------------ */

void
histogram_state_take_first(struct histogram_state *s, struct bit_reader *r)
{
    struct histogram *h = &s->newest;
    bool integer = h->kind == HISTOGRAM_INTEGER;
    s->t_ms = (uint64_t)varbit_take_int(r);
    h->count = integer ? varbit_take_uint(r) : bit_reader_take(r, 64);
    h->zero_count = integer ? varbit_take_uint(r) : bit_reader_take(r, 64);
    h->sum = bit_reader_take(r, 64);
    for (size_t i = 0; i < s->n; i++)
        s->buckets[i] = integer ? (uint64_t)varbit_take_int(r) : bit_reader_take(r, 64);
}

static void
take_change(uint64_t *was, uint64_t *delta, struct bit_reader *r)
{
    *delta += (uint64_t)varbit_take_int(r);
    *was += *delta;
}

void
histogram_state_take(struct histogram_state *s, struct bit_reader *r)
{
    struct histogram *h = &s->newest;
    take_change(&s->t_ms, &s->delta_ms, r);
    if (h->kind == HISTOGRAM_INTEGER) {
        take_change(&h->count, &s->count_delta, r);
        take_change(&h->zero_count, &s->zero_delta, r);
    } else {
        h->count ^= xor_window_take(r, &s->count_window);
        h->zero_count ^= xor_window_take(r, &s->zero_window);
    }
    h->sum ^= xor_window_take(r, &s->sum_window);
    if (histogram_is_stale(h))
        return;
    for (size_t i = 0; i < s->n; i++) {
        if (h->kind == HISTOGRAM_INTEGER)
            take_change(&s->buckets[i], &s->deltas[i], r);
        else
            s->buckets[i] ^= xor_window_take(r, &s->windows[i]);
    }
}
