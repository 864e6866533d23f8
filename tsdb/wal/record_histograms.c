/* record_histograms.c - samples of native histograms.
 *
 *   u8 reset hint | varint schema | be64 zero threshold | zero count | count | be64 sum
 *   | spans | spans | buckets | buckets | bounds, when schema is -53
 *
 * Counts are uvarints of integer histograms, be64 of float ones; buckets varints (differences)
 * or be64. A list is its uvarint count and its items; a span is varint offset, uvarint length. */
#include "tsdb/wal/record_histograms.h"

#include "base/assert.h"
#include "tsdb/wal/record_int.h"

enum { SPAN_BYTES_MIN = 2 };

static enum histogram_kind
kind_of(enum record_type type)
{
    switch ((int)type) {
    case RECORD_HISTOGRAMS:
    case RECORD_CUSTOM_HISTOGRAMS:
    case RECORD_HISTOGRAMS_V2:
        return HISTOGRAM_INTEGER;
    default:
        return HISTOGRAM_FLOAT;
    }
}

/* --- encoding ----------------------------------------------------------------------------- */

enum record_type
record_histogram_type(const struct histogram *h)
{
    if (h->schema == HISTOGRAM_SCHEMA_CUSTOM)
        return h->kind == HISTOGRAM_INTEGER ? RECORD_CUSTOM_HISTOGRAMS
                                            : RECORD_CUSTOM_FLOAT_HISTOGRAMS;
    return h->kind == HISTOGRAM_INTEGER ? RECORD_HISTOGRAMS : RECORD_FLOAT_HISTOGRAMS;
}

void
record_begin_histograms(struct record_samples_writer *w, struct buf *to, enum record_type type,
                        uint64_t ref0, int64_t t0_ms)
{
    ASSERT(type >= RECORD_HISTOGRAMS && type <= RECORD_CUSTOM_FLOAT_HISTOGRAMS);
    record_put_bases(w, to, type, ref0, t0_ms);
}

static void
put_count(struct buf *to, enum histogram_kind kind, uint64_t count)
{
    if (kind == HISTOGRAM_INTEGER)
        buf_put_uvarint(to, count);
    else
        buf_put_be64(to, count);
}

static void
put_spans(struct buf *to, struct histogram_spans spans)
{
    buf_put_uvarint(to, spans.n);
    for (size_t i = 0; i < spans.n; i++) {
        buf_put_varint(to, spans.v[i].offset);
        buf_put_uvarint(to, spans.v[i].length);
    }
}

static void
put_words(struct buf *to, enum histogram_kind kind, struct histogram_words words)
{
    buf_put_uvarint(to, words.n);
    for (size_t i = 0; i < words.n; i++) {
        if (kind == HISTOGRAM_INTEGER)
            buf_put_varint(to, (int64_t)words.v[i]);
        else
            buf_put_be64(to, words.v[i]);
    }
}

void
record_put_histogram_value(struct buf *to, const struct histogram *h)
{
    buf_put_u8(to, (uint8_t)h->reset);
    buf_put_varint(to, h->schema);
    buf_put_be64(to, h->zero_threshold);
    put_count(to, h->kind, h->zero_count);
    put_count(to, h->kind, h->count);
    buf_put_be64(to, h->sum);
    put_spans(to, h->positive_spans);
    put_spans(to, h->negative_spans);
    put_words(to, h->kind, h->positive);
    put_words(to, h->kind, h->negative);
    if (h->schema == HISTOGRAM_SCHEMA_CUSTOM)
        put_words(to, HISTOGRAM_FLOAT, h->custom_bounds);
}

void
record_put_histogram(struct record_samples_writer *w, uint64_t ref,
                     const struct histogram_sample *s)
{
    record_put_point(w, ref, s->t_ms);
    record_put_histogram_value(w->to, &s->value);
}

/* --- decoding ----------------------------------------------------------------------------- */

/* Where the lists of one histogram come from and go to. */
struct lists {
    struct reader *r;
    struct arena *arena; /* NULL: nowhere */
    bool too_large;
};

/* Items of the list that begins here; *ret_stored of them are wanted, the rest is read over. */
static size_t
begin_list(struct lists *l, size_t item_bytes_min, size_t *ret_stored)
{
    uint64_t n = reader_uvarint(l->r);
    if (n > reader_left(l->r) / item_bytes_min) {
        reader_fail(l->r);
        n = 0;
    }
    l->too_large |= n > HISTOGRAM_BUCKETS_MAX;
    *ret_stored = l->arena && !l->too_large ? (size_t)n : 0;
    return (size_t)n;
}

static struct histogram_spans
get_spans(struct lists *l)
{
    struct reader *r = l->r;
    size_t stored, n = begin_list(l, SPAN_BYTES_MIN, &stored);
    struct histogram_span *v = stored ? ARENA_ARRAY(l->arena, struct histogram_span, stored) : NULL;
    for (size_t i = 0; i < n; i++) {
        int64_t offset = reader_varint(r);
        uint64_t length = reader_uvarint(r);
        if (offset < INT32_MIN || offset > INT32_MAX || length > UINT32_MAX)
            reader_fail(r);
        if (r->code)
            break;
        if (i < stored)
            v[i] = (struct histogram_span){(int32_t)offset, (uint32_t)length};
    }
    return (struct histogram_spans){v, stored};
}

static struct histogram_words
get_words(struct lists *l, enum histogram_kind kind)
{
    struct reader *r = l->r;
    size_t stored, n = begin_list(l, kind == HISTOGRAM_INTEGER ? 1 : 8, &stored);
    uint64_t *v = stored ? ARENA_ARRAY(l->arena, uint64_t, stored) : NULL;
    for (size_t i = 0; i < n && r->code == ERR_NONE; i++) {
        uint64_t word = kind == HISTOGRAM_INTEGER ? (uint64_t)reader_varint(r) : reader_be64(r);
        if (i < stored)
            v[i] = word;
    }
    return (struct histogram_words){v, stored};
}

static uint64_t
get_count(struct reader *r, enum histogram_kind kind)
{
    return kind == HISTOGRAM_INTEGER ? reader_uvarint(r) : reader_be64(r);
}

static int32_t
get_schema(struct reader *r)
{
    int64_t schema = reader_varint(r);
    if (schema < INT32_MIN || schema > INT32_MAX) {
        reader_fail(r);
        schema = 0;
    }
    return (int32_t)schema;
}

static enum histogram_reset
get_reset(struct reader *r)
{
    unsigned hint = reader_u8(r);
    return hint <= HISTOGRAM_GAUGE ? (enum histogram_reset)hint : HISTOGRAM_RESET_UNKNOWN;
}

static enum record_histogram_use
judge(int32_t schema, const struct lists *lists)
{
    if (!histogram_schema_known(schema))
        return RECORD_HISTOGRAM_UNKNOWN_SCHEMA;
    return lists->too_large ? RECORD_HISTOGRAM_TOO_LARGE : RECORD_HISTOGRAM_USABLE;
}

/* The fields one after the other; an initialiser would not fix their order. */
enum record_histogram_use
record_get_histogram_value(struct reader *r, struct arena *a, enum histogram_kind kind,
                           struct histogram *h)
{
    struct lists lists = {.r = r, .arena = a};
    *h = (struct histogram){.kind = kind};
    h->reset = get_reset(r);
    h->schema = get_schema(r);
    h->zero_threshold = reader_be64(r);
    h->zero_count = get_count(r, kind);
    h->count = get_count(r, kind);
    h->sum = reader_be64(r);
    h->positive_spans = get_spans(&lists);
    h->negative_spans = get_spans(&lists);
    h->positive = get_words(&lists, kind);
    h->negative = get_words(&lists, kind);
    if (h->schema == HISTOGRAM_SCHEMA_CUSTOM)
        h->custom_bounds = get_words(&lists, HISTOGRAM_FLOAT);
    if (lists.too_large) {
        h->positive_spans = h->negative_spans = (struct histogram_spans){NULL, 0};
        h->positive = h->negative = h->custom_bounds = (struct histogram_words){NULL, 0};
    }
    return judge(h->schema, &lists);
}

void
record_read_histograms(struct record_cursor *c, struct str record)
{
    unsigned types = 1u << RECORD_HISTOGRAMS | 1u << RECORD_FLOAT_HISTOGRAMS |
                     1u << RECORD_CUSTOM_HISTOGRAMS | 1u << RECORD_CUSTOM_FLOAT_HISTOGRAMS |
                     1u << RECORD_HISTOGRAMS_V2 | 1u << RECORD_FLOAT_HISTOGRAMS_V2;
    record_begin_points(c, record, types, "histograms record");
}

bool
record_next_histogram(struct record_cursor *c, struct arena *a, uint64_t *ret_ref,
                      struct histogram_sample *ret_sample, enum record_histogram_use *ret_use)
{
    if (reader_left(&c->r) == 0)
        return false;
    uint64_t ref;
    struct histogram_sample s;
    record_next_point(c, &ref, &s.t_ms);
    enum histogram_kind kind = kind_of((enum record_type)c->r.start[0]);
    enum record_histogram_use use = record_get_histogram_value(&c->r, a, kind, &s.value);
    if (c->r.code)
        return false;
    *ret_ref = ref;
    *ret_sample = s;
    *ret_use = use;
    return true;
}
