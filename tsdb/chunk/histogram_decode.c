/* histogram_decode.c - reading histogram chunks: encodings 2, 3, 5 and 6.
 *
 * What is allocated is bounded by the bytes: a layout's items and a sample's buckets take a bit
 * each at least, and it is checked that they are there. */
#include "base/assert.h"
#include "tsdb/chunk/histogram_int.h"
#include "tsdb/chunk/histogram_layout.h"

/* --- cursor ------------------------------------------------------------------------------- */

static enum histogram_kind
kind_of(enum chunk_encoding encoding)
{
    return encoding == CHUNK_HISTOGRAM || encoding == CHUNK_HISTOGRAM_ST ? HISTOGRAM_INTEGER
                                                                         : HISTOGRAM_FLOAT;
}

static bool
has_starts(enum chunk_encoding encoding)
{
    return encoding == CHUNK_HISTOGRAM_ST || encoding == CHUNK_FLOAT_HISTOGRAM_ST;
}

/* Where the flag is: encodings 5 and 6 have the start header in the third byte. */
static enum chunk_flag
flag_of(enum chunk_encoding encoding, struct str data)
{
    uint8_t byte = (uint8_t)data.p[has_starts(encoding) ? 0 : HISTOGRAM_HEADER_BYTES - 1];
    return (enum chunk_flag)(byte >> HISTOGRAM_FLAG_SHIFT);
}

enum chunk_flag
chunk_histogram_flag(const struct chunk_view *c)
{
    if (!chunk_holds_histograms(c->encoding) || c->data.n < HISTOGRAM_HEADER_BYTES)
        return CHUNK_FLAG_UNKNOWN;
    return flag_of(c->encoding, c->data);
}

static struct err
cut_off(const struct histogram_cursor *c)
{
    return ERR(ERR_CORRUPT, "histogram chunk of %zu bytes: malformed or cut off at sample %zu",
               c->in.bytes, c->read);
}

struct err
histogram_cursor_init(struct histogram_cursor *c, enum chunk_encoding encoding, struct str data,
                      struct arena *a)
{
    static const struct xor_window readers_window = {0, 0};
    *c =
        (struct histogram_cursor){.in = bit_reader_of(data), .layout = {.kind = kind_of(encoding)}};
    if (data.n < HISTOGRAM_HEADER_BYTES)
        return ERR(ERR_CORRUPT, "histogram chunk of %zu bytes has no header", data.n);
    c->count = load_be16(data.p);
    c->flag = flag_of(encoding, data);
    if (has_starts(encoding)) {
        c->count &= CHUNK_ST_COUNT_MASK;
        c->starts.header = (uint8_t)data.p[HISTOGRAM_HEADER_BYTES - 1];
    }
    c->in.at = HISTOGRAM_HEADER_BYTES * 8;
    if (c->count == 0)
        return OK;
    TRY(histogram_layout_take(&c->in, a, &c->layout));
    size_t buckets = c->layout.positive.n + c->layout.negative.n;
    if (c->count * HISTOGRAM_SAMPLE_BITS_MIN > bit_reader_left(&c->in) ||
        buckets > bit_reader_left(&c->in))
        return cut_off(c);
    histogram_state_init(&c->state, &c->layout, readers_window);
    return OK;
}

void
histogram_cursor_fini(struct histogram_cursor *c)
{
    histogram_state_fini(&c->state);
}

struct err
histogram_cursor_next(struct histogram_cursor *c)
{
    ASSERT(c->read < c->count);
    uint64_t before_ms = c->state.t_ms;
    if (c->read == 0)
        histogram_state_take_first(&c->state, &c->in);
    else
        histogram_state_take(&c->state, &c->in);
    start_reader_take(&c->starts, &c->in, c->read, c->state.t_ms, before_ms);
    if (bit_reader_overrun(&c->in))
        return cut_off(c);
    c->read++;
    return OK;
}

/* Prometheus' counterResetHint(): the chunk before may be gone, so sample 0 is unknown. */
static enum histogram_reset
hint_of(const struct histogram_cursor *c)
{
    if (c->flag == CHUNK_FLAG_GAUGE)
        return HISTOGRAM_GAUGE;
    return c->read > 1 ? HISTOGRAM_RESET_NO : HISTOGRAM_RESET_UNKNOWN;
}

struct err
histogram_cursor_value(const struct histogram_cursor *c, struct arena *a, struct histogram *ret)
{
    struct histogram h = c->state.newest;
    if (histogram_is_stale(&h)) {
        *ret = (struct histogram){.kind = h.kind, .sum = h.sum};
        return OK;
    }
    h.reset = hint_of(c);
    h.positive_spans = c->layout.positive_spans; /* these live longer */
    h.negative_spans = c->layout.negative_spans;
    h.custom_bounds = c->layout.custom_bounds;
    return histogram_reduce(&h, a, ret);
}

/* --- columns ------------------------------------------------------------------------------ */

static struct histogram_words
words_in(struct histogram_words w, struct arena *a)
{
    if (w.n == 0)
        return (struct histogram_words){NULL, 0};
    uint64_t *v = arena_alloc(a, w.n * sizeof *v);
    memcpy(v, w.v, w.n * sizeof *v);
    return (struct histogram_words){v, w.n};
}

struct err
histogram_decode(const struct chunk_view *chunk, int64_t mint_ms, int64_t maxt_ms, struct arena *a,
                 struct histogram_columns *to)
{
    AUTO(histogram_cursor_fini) struct histogram_cursor c;
    TRY(histogram_cursor_init(&c, chunk->encoding, chunk->data, a));
    histogram_columns_reserve(to, c.count);
    size_t n = to->n;
    while (c.read < c.count) {
        TRY(histogram_cursor_next(&c));
        int64_t t_ms = (int64_t)c.state.t_ms;
        if (t_ms < mint_ms || t_ms > maxt_ms)
            continue;
        struct histogram *h = &to->values[n];
        TRY(histogram_cursor_value(&c, a, h));
        if (h->positive.v == c.state.newest.positive.v)
            h->positive = words_in(h->positive, a);
        if (h->negative.v == c.state.newest.negative.v)
            h->negative = words_in(h->negative, a);
        TRY(arena_check(a));
        to->t_ms[n] = t_ms;
        to->start_ms[n++] = (int64_t)c.starts.start_ms;
    }
    to->n = n; /* C3: nothing was added before */
    return OK;
}

struct err
histogram_check(enum chunk_encoding encoding, struct str data, int64_t *ret_mint_ms,
                int64_t *ret_maxt_ms)
{
    AUTO(arena_fini) struct arena layout;
    arena_init(&layout, 0);
    AUTO(histogram_cursor_fini) struct histogram_cursor c;
    TRY(histogram_cursor_init(&c, encoding, data, &layout));
    if (c.count == 0)
        return ERR(ERR_CORRUPT, "histogram chunk of %zu bytes: no samples", data.n);
    TRY(histogram_cursor_next(&c));
    int64_t first_ms = (int64_t)c.state.t_ms;
    while (c.read < c.count)
        TRY(histogram_cursor_next(&c));
    TRY(chunk_check_end(&c.in));
    *ret_mint_ms = first_ms;
    *ret_maxt_ms = (int64_t)c.state.t_ms;
    return OK;
}
