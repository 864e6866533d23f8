/* histogram_chunk.c - appending to a histogram chunk, and writing it again for new buckets. */
#include "tsdb/chunk/histogram_chunk.h"

#include "base/assert.h"
#include "tsdb/chunk/histogram_int.h"
#include "tsdb/model/histogram_spans.h"

enum {
    /* Behind it the next sample goes to a new chunk. Far below HISTOGRAM_CHUNK_BYTES_MAX: the
     * sample that passes it, and new buckets for all, still fit. */
    CUT_BYTES = 4 << 20,
};

struct histogram_appender {
    enum chunk_flag flag;
    size_t count;
    int64_t mint_ms;
    struct bit_out out; /* the header first */
    struct histogram_state state;
};

static const struct xor_window no_window = {XOR_LEAD_UNSET, 0};

enum histogram_kind
histogram_appender_kind(const struct histogram_appender *a)
{
    return a->state.newest.kind;
}

enum chunk_flag
histogram_appender_flag(const struct histogram_appender *a)
{
    return a->flag;
}

int64_t
histogram_appender_mint(const struct histogram_appender *a)
{
    return a->mint_ms;
}

int64_t
histogram_appender_maxt(const struct histogram_appender *a)
{
    return (int64_t)a->state.t_ms;
}

size_t
histogram_appender_count(const struct histogram_appender *a)
{
    return a->count;
}

size_t
histogram_appender_bytes(const struct histogram_appender *a)
{
    return bit_out_bytes(&a->out);
}

size_t
histogram_appender_memory(const struct histogram_appender *a)
{
    const struct histogram *h = &a->state.newest;
    size_t second = h->kind == HISTOGRAM_INTEGER ? sizeof(uint64_t) : sizeof(struct xor_window);
    return sizeof *a + a->out.bytes.cap + a->state.n * (sizeof(uint64_t) + second) +
           (h->positive_spans.n + h->negative_spans.n) * sizeof *h->positive_spans.v +
           h->custom_bounds.n * sizeof *h->custom_bounds.v;
}

const struct histogram *
histogram_appender_newest(const struct histogram_appender *a)
{
    return &a->state.newest;
}

/* --- opening ------------------------------------------------------------------------------ */

/* Room for the header, which is written when the chunk is sealed. */
static void
put_header_room(struct bit_out *o)
{
    bit_out_put(o, 0, HISTOGRAM_HEADER_BYTES * 8);
}

static struct histogram_appender *
open_with_flag(enum chunk_flag flag, int64_t t_ms, const struct histogram *h)
{
    struct histogram_appender *a = mem_alloc_zero(sizeof *a);
    struct histogram stale = {.kind = h->kind, .sum = STALE_NAN_BITS}; /* has no layout */
    const struct histogram *first = histogram_is_stale(h) ? &stale : h;
    a->flag = flag;
    a->mint_ms = t_ms;
    a->count = 1;
    put_header_room(&a->out);
    histogram_state_init(&a->state, first, no_window);
    histogram_state_put_first(&a->state, &a->out, t_ms, first);
    return a;
}

struct histogram_appender *
histogram_appender_open(const struct histogram_appender *before, int64_t t_ms,
                        const struct histogram *h)
{
    if (before && histogram_appender_kind(before) != h->kind)
        before = NULL;
    enum chunk_flag flag = histogram_first_flag(before ? &before->state.newest : NULL,
                                                before ? before->flag : CHUNK_FLAG_UNKNOWN, h);
    return open_with_flag(flag, t_ms, h);
}

void
histogram_appender_close(struct histogram_appender *a)
{
    if (!a)
        return;
    histogram_state_fini(&a->state);
    buf_fini(&a->out.bytes);
    mem_free(a);
}

/* --- bytes -------------------------------------------------------------------------------- */

static enum chunk_encoding
encoding_of(enum histogram_kind kind)
{
    return kind == HISTOGRAM_INTEGER ? CHUNK_HISTOGRAM : CHUNK_FLOAT_HISTOGRAM;
}

/* Header and waiting bits; what lies between is there. */
static void
put_ends(const struct histogram_appender *a, uint8_t *to)
{
    uint8_t word[sizeof(uint64_t)];
    store_be64(word, a->out.acc);
    memcpy(to + a->out.bytes.n, word, (a->out.bits + 7) / 8);
    store_be16(to, (uint16_t)a->count);
    to[HISTOGRAM_HEADER_BYTES - 1] = (uint8_t)(a->flag << HISTOGRAM_FLAG_SHIFT);
}

struct chunk_view
histogram_appender_seal(struct histogram_appender *a)
{
    buf_reserve(&a->out.bytes, sizeof(uint64_t));
    put_ends(a, (uint8_t *)a->out.bytes.p);
    return (struct chunk_view){
        .mint_ms = a->mint_ms,
        .maxt_ms = (int64_t)a->state.t_ms,
        .encoding = encoding_of(histogram_appender_kind(a)),
        .data = str_of(a->out.bytes.p, histogram_appender_bytes(a)),
    };
}

void
histogram_appender_snapshot(const struct histogram_appender *a, uint8_t *to)
{
    if (a->out.bytes.n > 0)
        memcpy(to, a->out.bytes.p, a->out.bytes.n);
    put_ends(a, to);
}

/* --- appending ---------------------------------------------------------------------------- */

/* `h` in the buckets of the given spans, its new words in the arena. */
static struct histogram
spread(const struct histogram *h, struct histogram_spans positive, struct histogram_spans negative,
       struct arena *a)
{
    struct histogram wide = *h;
    size_t p = histogram_spans_buckets(positive), n = histogram_spans_buckets(negative);
    uint64_t *v = ARENA_ARRAY(a, uint64_t, p + n);
    histogram_spread(h->kind, h->positive_spans, h->positive, positive, v);
    histogram_spread(h->kind, h->negative_spans, h->negative, negative, v + p);
    wide.positive_spans = positive;
    wide.negative_spans = negative;
    wide.positive = (struct histogram_words){v, p};
    wide.negative = (struct histogram_words){v + p, n};
    return wide;
}

/* Writes all samples of `a` again, with the given spans. There is no stale marker among them:
 * nothing but markers would have followed. */
static void
recode(struct histogram_appender *a, struct histogram_spans positive,
       struct histogram_spans negative, struct arena *scratch)
{
    struct histogram_state state = {.memory = NULL};
    struct bit_out out = {.acc = 0};
    AUTO(histogram_cursor_fini) struct histogram_cursor c;
    struct chunk_view sealed = histogram_appender_seal(a);
    struct err e = histogram_cursor_init(&c, sealed.encoding, sealed.data, scratch);
    ASSERT(e.code == ERR_NONE); /* our own bytes */
    put_header_room(&out);
    AUTO(arena_fini) struct arena one;
    arena_init(&one, 0);
    for (size_t i = 0; i < a->count; i++) {
        e = histogram_cursor_next(&c);
        ASSERT(e.code == ERR_NONE);
        arena_reset(&one);
        struct histogram wide = spread(&c.state.newest, positive, negative, &one);
        if (i == 0) {
            histogram_state_init(&state, &wide, no_window);
            histogram_state_put_first(&state, &out, (int64_t)c.state.t_ms, &wide);
        } else {
            histogram_state_put(&state, &out, (int64_t)c.state.t_ms, &wide);
        }
    }
    histogram_state_fini(&a->state);
    buf_fini(&a->out.bytes);
    a->state = state;
    a->out = out;
}

/* New buckets would have too much written again. */
static bool
recode_is_too_much(const struct histogram_appender *a, const struct histogram_verdict *v)
{
    size_t positive, negative;
    if (histogram_spans_check(v->positive, &positive).kind != SPANS_SOUND ||
        histogram_spans_check(v->negative, &negative).kind != SPANS_SOUND)
        return true; /* together they are more buckets than a layout may have */
    return a->count * (positive + negative) > HISTOGRAM_RECODE_BUCKETS_MAX;
}

struct histogram_appender *
histogram_append(struct histogram_appender *a, int64_t t_ms, const struct histogram *h)
{
    ASSERT(h->kind == histogram_appender_kind(a));
    if (a->count == CHUNK_SAMPLES_MAX || histogram_appender_bytes(a) > CUT_BYTES)
        return histogram_appender_open(a, t_ms, h);
    AUTO(arena_fini) struct arena scratch;
    arena_init(&scratch, 0);
    struct histogram_verdict v = histogram_decide(&a->state.newest, a->flag, h, &scratch);
    if (v.fit == HISTOGRAM_CUT)
        return open_with_flag(v.flag, t_ms, h);
    if (v.fit == HISTOGRAM_RECODED) {
        if (recode_is_too_much(a, &v))
            return histogram_appender_open(a, t_ms, h);
        recode(a, v.positive, v.negative, &scratch);
    }
    if (v.fit == HISTOGRAM_FITS) {
        histogram_state_put(&a->state, &a->out, t_ms, h);
    } else {
        struct histogram wide = spread(h, v.positive, v.negative, &scratch);
        histogram_state_put(&a->state, &a->out, t_ms, &wide);
    }
    a->count++;
    ASSERT(histogram_appender_bytes(a) <= HISTOGRAM_CHUNK_BYTES_MAX);
    return a;
}

/* Appends again what is in `c`, which has a sample at least. */
static struct err
append_all(struct histogram_cursor *c, struct histogram_appender **ret)
{
    AUTO(histogram_appender_close) struct histogram_appender *a = NULL;
    AUTO(arena_fini) struct arena one;
    arena_init(&one, 0);
    for (size_t i = 0; i < c->count; i++) {
        TRY(histogram_cursor_next(c));
        arena_reset(&one);
        struct histogram h;
        TRY(histogram_cursor_value(c, &one, &h));
        if (c->flag == CHUNK_FLAG_GAUGE)
            h.reset = HISTOGRAM_GAUGE; /* stale markers do not say so */
        if (i == 0) {
            a = open_with_flag(c->flag, (int64_t)c->state.t_ms, &h);
            continue;
        }
        struct histogram_appender *next = histogram_append(a, (int64_t)c->state.t_ms, &h);
        if (next != a) {
            histogram_appender_close(next);
            return ERR(ERR_CORRUPT, "sample %zu of a histogram chunk does not follow", i);
        }
    }
    *ret = TAKE(a);
    return OK;
}

struct err
histogram_appender_reopen(const struct chunk_view *c, struct histogram_appender **ret)
{
    AUTO(arena_fini) struct arena layout;
    arena_init(&layout, 0);
    AUTO(histogram_cursor_fini) struct histogram_cursor cursor;
    TRY(histogram_cursor_init(&cursor, c->encoding, c->data, &layout));
    if (cursor.count == 0)
        return ERR(ERR_CORRUPT, "a histogram chunk without samples");
    return append_all(&cursor, ret);
}
