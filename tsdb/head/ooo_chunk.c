/* ooo_chunk.c - inserting into and encoding the open chunk of late samples. */
#include "tsdb/head/ooo_chunk.h"

#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/chunk/xor.h"

enum { ROOM_MIN = 4 }; /* most series with late samples have few of them */

/* Where a sample at t belongs: behind all that are older. Late samples mostly come in order
 * among themselves, so the search starts at the end. */
static size_t
place_of(const struct ooo_chunk *c, int64_t t_ms)
{
    size_t i = c->count;
    while (i > 0 && c->samples[i - 1].t_ms >= t_ms)
        i--;
    return i;
}

static void
grow(struct ooo_chunk *c, unsigned capacity)
{
    size_t room = size_min(size_max(2u * c->room, ROOM_MIN), capacity);
    c->samples = mem_realloc(c->samples, room * sizeof *c->samples);
    if (c->histograms)
        c->histograms = mem_realloc(c->histograms, room * sizeof *c->histograms);
    c->room = (uint8_t)room;
}

/* Makes a place for a sample at t; its value is to be set when that is OOO_STORED. */
static enum ooo_insert
open_place(struct ooo_chunk *c, unsigned capacity, int64_t t_ms, size_t *ret_at)
{
    ASSERT(capacity > 0 && capacity <= OOO_SAMPLES_MAX);
    if (c->count >= capacity)
        return OOO_FULL;
    size_t at = place_of(c, t_ms);
    if (at < c->count && c->samples[at].t_ms == t_ms)
        return OOO_DUPLICATE;
    if (c->count == c->room)
        grow(c, capacity);
    size_t behind = c->count - at;
    memmove(c->samples + at + 1, c->samples + at, behind * sizeof *c->samples);
    if (c->histograms) {
        memmove(c->histograms + at + 1, c->histograms + at, behind * sizeof *c->histograms);
        c->histograms[at] = NULL;
    }
    c->count++;
    *ret_at = at;
    return OOO_STORED;
}

enum ooo_insert
ooo_chunk_insert(struct ooo_chunk *c, unsigned capacity, struct sample s)
{
    size_t at;
    enum ooo_insert inserted = open_place(c, capacity, s.t_ms, &at);
    if (inserted == OOO_STORED)
        c->samples[at] = s;
    return inserted;
}

static struct histogram_words
copy_words(struct histogram_words words, char **at)
{
    size_t bytes = words.n * sizeof *words.v;
    uint64_t *v = (void *)*at;
    if (bytes > 0)
        memcpy(v, words.v, bytes);
    *at += bytes;
    return (struct histogram_words){v, words.n};
}

static struct histogram_spans
copy_spans(struct histogram_spans spans, char **at)
{
    size_t bytes = spans.n * sizeof *spans.v;
    struct histogram_span *v = (void *)*at;
    if (bytes > 0)
        memcpy(v, spans.v, bytes);
    *at += bytes;
    return (struct histogram_spans){v, spans.n};
}

/* A copy with its lists in one piece of memory. */
static struct histogram *
copy_histogram(const struct histogram *h)
{
    size_t words = h->positive.n + h->negative.n + h->custom_bounds.n;
    size_t spans = h->positive_spans.n + h->negative_spans.n;
    struct histogram *copy =
        mem_alloc(sizeof *copy + words * sizeof(uint64_t) + spans * sizeof(struct histogram_span));
    char *at = (char *)(copy + 1);
    *copy = *h;
    copy->positive = copy_words(h->positive, &at);
    copy->negative = copy_words(h->negative, &at);
    copy->custom_bounds = copy_words(h->custom_bounds, &at);
    copy->positive_spans = copy_spans(h->positive_spans, &at);
    copy->negative_spans = copy_spans(h->negative_spans, &at);
    return copy;
}
_Static_assert(sizeof(struct histogram) % sizeof(uint64_t) == 0, "lists may stand behind one");

enum ooo_insert
ooo_chunk_insert_histogram(struct ooo_chunk *c, unsigned capacity, int64_t t_ms,
                           const struct histogram *h)
{
    size_t at;
    enum ooo_insert inserted = open_place(c, capacity, t_ms, &at);
    if (inserted != OOO_STORED)
        return inserted;
    if (!c->histograms)
        c->histograms = mem_array_zero(c->room, sizeof *c->histograms);
    c->samples[at] = (struct sample){t_ms, 0};
    c->histograms[at] = copy_histogram(h);
    return OOO_STORED;
}

void
ooo_chunk_clear(struct ooo_chunk *c)
{
    for (size_t i = 0; c->histograms && i < c->count; i++)
        mem_free(c->histograms[i]);
    mem_free(c->histograms);
    mem_free(c->samples);
    *c = (struct ooo_chunk){0};
}

/* --- encoding --------------------------------------------------------------------------------- */

/* NULL for a float. */
static const struct histogram *
histogram_at(const struct ooo_chunk *c, size_t i)
{
    return c->histograms ? c->histograms[i] : NULL;
}

/* Floats of any number fit one chunk. */
static void
encode_floats(struct ooo_encoder *e, struct chunk_view *ret_chunk)
{
    const struct ooo_chunk *c = e->chunk;
    size_t from = e->next, end = from;
    while (end < c->count && !histogram_at(c, end))
        end++;
    buf_clear(&e->bytes);
    buf_reserve(&e->bytes,
                XOR_HEADER_BYTES + (end - from) * XOR_SAMPLE_BYTES_MAX + 2 * sizeof(uint64_t));
    uint8_t *bytes = (uint8_t *)e->bytes.p;
    struct xor_appender x;
    xor_init(&x);
    for (size_t i = from; i < end; i++)
        xor_append(&x, bytes, c->samples[i].t_ms, c->samples[i].bits);
    e->bytes.n = xor_seal(&x, bytes);
    e->next = end;
    *ret_chunk = (struct chunk_view){
        .mint_ms = c->samples[from].t_ms,
        .maxt_ms = c->samples[end - 1].t_ms,
        .encoding = CHUNK_XOR,
        .data = buf_str(&e->bytes),
    };
}

/* The chunk that has been begun, as far as it goes. */
static void
encode_histograms(struct ooo_encoder *e, struct chunk_view *ret_chunk)
{
    const struct ooo_chunk *c = e->chunk;
    struct histogram_appender *a = TAKE(e->begun);
    enum histogram_kind kind = histogram_appender_kind(a);
    while (e->next < c->count && !e->begun) {
        const struct histogram *h = histogram_at(c, e->next);
        if (!h || h->kind != kind)
            break;
        struct histogram_appender *same = histogram_append(a, c->samples[e->next].t_ms, h);
        e->begun = same == a ? NULL : same;
        e->next++;
    }
    e->told = a;
    *ret_chunk = histogram_appender_seal(a);
}

bool
ooo_encoder_next(struct ooo_encoder *e, struct chunk_view *ret_chunk)
{
    struct histogram_appender *before = TAKE(e->told);
    const struct ooo_chunk *c = e->chunk;
    bool more = e->begun || e->next < c->count;
    if (!e->begun && more && histogram_at(c, e->next)) {
        e->begun =
            histogram_appender_open(before, c->samples[e->next].t_ms, histogram_at(c, e->next));
        e->next++;
    }
    histogram_appender_close(before);
    if (e->begun)
        encode_histograms(e, ret_chunk);
    else if (more)
        encode_floats(e, ret_chunk);
    return more;
}

void
ooo_encoder_fini(struct ooo_encoder *e)
{
    histogram_appender_close(e->told);
    histogram_appender_close(e->begun);
    buf_fini(&e->bytes);
}
