/* prompb_histogram.c - prometheus.Histogram, and its twin in remote write 2.0.
 *
 * Two walks over the fields: the first counts what the arrays will hold, so that each is
 * allocated once at its size; the second fills them. Repeated numbers may come packed or not, in
 * any order. Which member of the oneof `count` is there says whether the histogram is an integer
 * or a float one; of the other kind's fields nothing counts. */
#include "base/assert.h"
#include "base/mem.h"
#include "proto/prompb_int.h"

enum histogram_field {
    FIELD_COUNT_INT = 1,
    FIELD_COUNT_FLOAT = 2,
    FIELD_SUM = 3,
    FIELD_SCHEMA = 4,
    FIELD_ZERO_THRESHOLD = 5,
    FIELD_ZERO_COUNT_INT = 6,
    FIELD_ZERO_COUNT_FLOAT = 7,
    FIELD_NEGATIVE_SPANS = 8,
    FIELD_NEGATIVE_DELTAS = 9,
    FIELD_NEGATIVE_COUNTS = 10,
    FIELD_POSITIVE_SPANS = 11,
    FIELD_POSITIVE_DELTAS = 12,
    FIELD_POSITIVE_COUNTS = 13,
    FIELD_RESET_HINT = 14,
    FIELD_TIMESTAMP = 15,
    FIELD_CUSTOM_VALUES = 16,
    FIELD_START_TIMESTAMP = 17, /* of remote write 2.0 */
    FIELD_END
};
enum { SPAN_OFFSET = 1, SPAN_LENGTH = 2 };

enum field_shape {
    SHAPE_SCALAR,
    SHAPE_SPANS,  /* a message each */
    SHAPE_DELTAS, /* sint64 each */
    SHAPE_DOUBLES,
};

static const struct field_row {
    const char *name;
    enum field_shape shape;
    enum pb_wire wire; /* of one item */
} field_rows[FIELD_END] = {
    [FIELD_COUNT_INT] = {"count_int", SHAPE_SCALAR, PB_VARINT},
    [FIELD_COUNT_FLOAT] = {"count_float", SHAPE_SCALAR, PB_I64},
    [FIELD_SUM] = {"sum", SHAPE_SCALAR, PB_I64},
    [FIELD_SCHEMA] = {"schema", SHAPE_SCALAR, PB_VARINT},
    [FIELD_ZERO_THRESHOLD] = {"zero_threshold", SHAPE_SCALAR, PB_I64},
    [FIELD_ZERO_COUNT_INT] = {"zero_count_int", SHAPE_SCALAR, PB_VARINT},
    [FIELD_ZERO_COUNT_FLOAT] = {"zero_count_float", SHAPE_SCALAR, PB_I64},
    [FIELD_NEGATIVE_SPANS] = {"negative_spans", SHAPE_SPANS, PB_LEN},
    [FIELD_NEGATIVE_DELTAS] = {"negative_deltas", SHAPE_DELTAS, PB_VARINT},
    [FIELD_NEGATIVE_COUNTS] = {"negative_counts", SHAPE_DOUBLES, PB_I64},
    [FIELD_POSITIVE_SPANS] = {"positive_spans", SHAPE_SPANS, PB_LEN},
    [FIELD_POSITIVE_DELTAS] = {"positive_deltas", SHAPE_DELTAS, PB_VARINT},
    [FIELD_POSITIVE_COUNTS] = {"positive_counts", SHAPE_DOUBLES, PB_I64},
    [FIELD_RESET_HINT] = {"reset_hint", SHAPE_SCALAR, PB_VARINT},
    [FIELD_TIMESTAMP] = {"timestamp", SHAPE_SCALAR, PB_VARINT},
    [FIELD_CUSTOM_VALUES] = {"custom_values", SHAPE_DOUBLES, PB_I64},
    [FIELD_START_TIMESTAMP] = {"start_timestamp", SHAPE_SCALAR, PB_VARINT},
};

/* What is known of a histogram while it is walked. */
struct histogram_walk {
    const struct prompb_part *part;
    const uint8_t *field;             /* the one at hand, for errors */
    const struct field_row *row;      /* its row */
    uint64_t scalars[FIELD_END];      /* the last one of each counts */
    uint32_t count_field, zero_field; /* the members of the oneofs; 0: none */
    size_t counts[FIELD_END];         /* items of each array */
    union {
        struct histogram_span *spans;
        uint64_t *words;
    } arrays[FIELD_END];
    size_t filled[FIELD_END];
};

static struct err
malformed(const struct histogram_walk *w, const char *what)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    buf_printf(&text, "%s %s of the histogram", what, w->row->name);
    return prompb_malformed(w->part, w->field, buf_cstr(&text));
}

/* --- counting --------------------------------------------------------------------------------- */

/* Items of one field of an array. */
static struct err
count_items(const struct histogram_walk *w, const struct pb_field *f, size_t *ret_count)
{
    *ret_count = 1;
    if (f->wire != PB_LEN || w->row->shape == SHAPE_SPANS)
        return OK;
    if (w->row->shape == SHAPE_DOUBLES) {
        if (f->bytes.n % 8 != 0)
            return malformed(w, "malformed");
        *ret_count = f->bytes.n / 8;
        return OK;
    }
    if (f->bytes.n > 0 && (uint8_t)f->bytes.p[f->bytes.n - 1] >= 0x80)
        return malformed(w, "malformed"); /* cut short: perhaps there would be no array */
    size_t ends = 0;                      /* the last byte of each varint has no bit 7 */
    for (size_t i = 0; i < f->bytes.n; i++)
        ends += (uint8_t)f->bytes.p[i] < 0x80;
    *ret_count = ends;
    return OK;
}

static struct err
measure_field(struct histogram_walk *w, const struct pb_field *f)
{
    bool packed = f->wire == PB_LEN && w->row->shape != SHAPE_SCALAR;
    if (f->wire != w->row->wire && !packed)
        return malformed(w, "wrong wire type of");
    if (w->row->shape == SHAPE_SCALAR) {
        w->scalars[f->number] = f->value;
        if (f->number == FIELD_COUNT_INT || f->number == FIELD_COUNT_FLOAT)
            w->count_field = f->number;
        if (f->number == FIELD_ZERO_COUNT_INT || f->number == FIELD_ZERO_COUNT_FLOAT)
            w->zero_field = f->number;
        return OK;
    }
    size_t items;
    TRY(count_items(w, f, &items));
    w->counts[f->number] += items;
    if (w->counts[f->number] > HISTOGRAM_BUCKETS_MAX)
        return ERR(ERR_TOO_LARGE, "remote write: %s of a histogram: the limit is %d", w->row->name,
                   HISTOGRAM_BUCKETS_MAX);
    return OK;
}

/* --- filling ---------------------------------------------------------------------------------- */

/* sint32: protobuf cuts what is longer. */
static int32_t
sint32_of(uint64_t value)
{
    uint32_t u = (uint32_t)value;
    return (int32_t)(u >> 1) ^ -(int32_t)(u & 1);
}

static struct err
fill_span(struct histogram_walk *w, const struct pb_field *f)
{
    struct histogram_span span = {0};
    struct reader r = reader_of(f->bytes);
    struct pb_field part;
    while (pb_next(&r, &part)) {
        if (part.number != SPAN_OFFSET && part.number != SPAN_LENGTH)
            continue;
        if (part.wire != PB_VARINT)
            return malformed(w, "wrong wire type in");
        if (part.number == SPAN_OFFSET)
            span.offset = sint32_of(part.value);
        else
            span.length = (uint32_t)part.value;
    }
    if (r.code != ERR_NONE)
        return malformed(w, "malformed");
    w->arrays[f->number].spans[w->filled[f->number]++] = span;
    return OK;
}

static struct err
fill_deltas(struct histogram_walk *w, const struct pb_field *f)
{
    uint64_t *to = w->arrays[f->number].words + w->filled[f->number];
    if (f->wire != PB_LEN) {
        *to = (uint64_t)i64_of_zigzag(f->value);
        w->filled[f->number]++;
        return OK;
    }
    struct reader r = reader_of(f->bytes);
    size_t n = 0;
    while (reader_left(&r) > 0) {
        uint64_t delta = (uint64_t)reader_varint(&r);
        if (r.code != ERR_NONE)
            return malformed(w, "malformed");
        to[n++] = delta;
    }
    w->filled[f->number] += n;
    return OK;
}

static void
fill_doubles(struct histogram_walk *w, const struct pb_field *f)
{
    uint64_t *to = w->arrays[f->number].words + w->filled[f->number];
    if (f->wire != PB_LEN) {
        *to = f->value;
        w->filled[f->number]++;
        return;
    }
    for (size_t i = 0; i < f->bytes.n / 8; i++)
        to[i] = load_le64(f->bytes.p + 8 * i);
    w->filled[f->number] += f->bytes.n / 8;
}

static struct err
fill_field(struct histogram_walk *w, const struct pb_field *f)
{
    if (f->wire == PB_LEN && f->bytes.n == 0 && w->row->shape != SHAPE_SPANS)
        return OK; /* packed, and nothing in it: perhaps there is no array */
    switch (w->row->shape) {
    case SHAPE_SCALAR:
        return OK;
    case SHAPE_SPANS:
        return fill_span(w, f);
    case SHAPE_DELTAS:
        return fill_deltas(w, f);
    case SHAPE_DOUBLES:
        fill_doubles(w, f);
        return OK;
    }
    UNREACHABLE("every shape is above");
}

static struct err
allocate_arrays(struct histogram_walk *w, struct arena *a)
{
    for (uint32_t i = 0; i < FIELD_END; i++) {
        if (w->counts[i] == 0)
            continue;
        TRY(arena_admit(a, w->counts[i] * sizeof *w->arrays[i].words));
        if (field_rows[i].shape == SHAPE_SPANS)
            w->arrays[i].spans = ARENA_ARRAY(a, struct histogram_span, w->counts[i]);
        else
            w->arrays[i].words = ARENA_ARRAY(a, uint64_t, w->counts[i]);
    }
    return OK;
}

/* --- both walks ------------------------------------------------------------------------------- */

static struct err
walk_fields(struct histogram_walk *w,
            struct err (*visit)(struct histogram_walk *w, const struct pb_field *f))
{
    struct reader r = reader_of(w->part->content);
    struct pb_field f;
    w->field = r.p;
    for (; pb_next(&r, &f); w->field = r.p) {
        if (f.number >= FIELD_END)
            continue;
        w->row = &field_rows[f.number];
        TRY(visit(w, &f));
    }
    if (r.code != ERR_NONE)
        return prompb_malformed(w->part, w->field, "malformed field of the histogram");
    return OK;
}

static struct histogram_spans
spans_of(const struct histogram_walk *w, enum histogram_field field)
{
    return (struct histogram_spans){w->arrays[field].spans, w->counts[field]};
}

static struct histogram_words
words_of(const struct histogram_walk *w, enum histogram_field field)
{
    return (struct histogram_words){w->arrays[field].words, w->counts[field]};
}

static struct histogram
histogram_of(const struct histogram_walk *w)
{
    bool is_float = w->count_field == FIELD_COUNT_FLOAT;
    uint32_t zero_field = is_float ? FIELD_ZERO_COUNT_FLOAT : FIELD_ZERO_COUNT_INT;
    uint64_t reset = w->scalars[FIELD_RESET_HINT];
    return (struct histogram){
        .kind = is_float ? HISTOGRAM_FLOAT : HISTOGRAM_INTEGER,
        .reset = reset <= HISTOGRAM_GAUGE ? (enum histogram_reset)reset : HISTOGRAM_RESET_UNKNOWN,
        .schema = sint32_of(w->scalars[FIELD_SCHEMA]),
        .zero_threshold = w->scalars[FIELD_ZERO_THRESHOLD],
        .zero_count = w->zero_field == zero_field ? w->scalars[zero_field] : 0,
        .count = w->count_field ? w->scalars[w->count_field] : 0,
        .sum = w->scalars[FIELD_SUM],
        .positive_spans = spans_of(w, FIELD_POSITIVE_SPANS),
        .negative_spans = spans_of(w, FIELD_NEGATIVE_SPANS),
        .positive = words_of(w, is_float ? FIELD_POSITIVE_COUNTS : FIELD_POSITIVE_DELTAS),
        .negative = words_of(w, is_float ? FIELD_NEGATIVE_COUNTS : FIELD_NEGATIVE_DELTAS),
        .custom_bounds = words_of(w, FIELD_CUSTOM_VALUES),
    };
}

struct err
prompb_get_histogram(struct arena *a, const struct prompb_part *part,
                     struct histogram_sample *ret_histogram, int64_t *ret_start_ms)
{
    struct histogram_walk w = {.part = part};
    TRY(walk_fields(&w, measure_field));
    TRY(allocate_arrays(&w, a));
    TRY(walk_fields(&w, fill_field));
    for (size_t i = 0; i < FIELD_END; i++)
        ASSERT(w.filled[i] == w.counts[i]);
    ret_histogram->t_ms = (int64_t)w.scalars[FIELD_TIMESTAMP];
    ret_histogram->value = histogram_of(&w);
    *ret_start_ms = (int64_t)w.scalars[FIELD_START_TIMESTAMP];
    return OK;
}

/* --- encoding --------------------------------------------------------------------------------- */

static void
put_bits(struct buf *to, enum histogram_field field, uint64_t bits)
{
    pb_put_tag(to, field, PB_I64);
    buf_reserve(to, 8);
    store_le64(to->p + to->n, bits);
    to->n += 8;
}

/* A member of a oneof is told even when it is 0. */
static void
put_count(struct buf *to, enum histogram_kind kind, enum histogram_field as_int,
          enum histogram_field as_float, uint64_t count)
{
    if (kind == HISTOGRAM_FLOAT) {
        put_bits(to, as_float, count);
        return;
    }
    pb_put_tag(to, as_int, PB_VARINT);
    buf_put_uvarint(to, count);
}

static void
put_sint32(struct buf *to, uint32_t number, int32_t v)
{
    pb_put_u64(to, number, (uint32_t)zigzag_of_i64(v));
}

static void
put_spans(struct buf *to, enum histogram_field field, struct histogram_spans spans)
{
    AUTO(buf_fini) struct buf span = BUF_INIT;
    for (size_t i = 0; i < spans.n; i++) {
        buf_clear(&span);
        put_sint32(&span, SPAN_OFFSET, spans.v[i].offset);
        pb_put_u64(&span, SPAN_LENGTH, spans.v[i].length);
        pb_put_message(to, field, span.n);
        buf_append(to, buf_str(&span));
    }
}

static void
put_doubles(struct buf *to, enum histogram_field field, struct histogram_words words)
{
    if (words.n == 0)
        return;
    pb_put_message(to, field, 8 * words.n);
    buf_reserve(to, 8 * words.n);
    for (size_t i = 0; i < words.n; i++, to->n += 8)
        store_le64(to->p + to->n, words.v[i]);
}

static void
put_buckets(struct buf *to, enum histogram_kind kind, enum histogram_field as_deltas,
            enum histogram_field as_counts, struct histogram_words words)
{
    if (kind == HISTOGRAM_FLOAT) {
        put_doubles(to, as_counts, words);
        return;
    }
    AUTO(buf_fini) struct buf packed = BUF_INIT;
    for (size_t i = 0; i < words.n; i++)
        buf_put_varint(&packed, (int64_t)words.v[i]);
    pb_put_bytes(to, as_deltas, buf_str(&packed));
}

void
prompb_put_histogram(struct buf *to, const struct histogram_sample *h)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    const struct histogram *v = &h->value;
    put_count(&b, v->kind, FIELD_COUNT_INT, FIELD_COUNT_FLOAT, v->count);
    put_bits(&b, FIELD_SUM, v->sum);
    put_sint32(&b, FIELD_SCHEMA, v->schema);
    put_bits(&b, FIELD_ZERO_THRESHOLD, v->zero_threshold);
    put_count(&b, v->kind, FIELD_ZERO_COUNT_INT, FIELD_ZERO_COUNT_FLOAT, v->zero_count);
    put_spans(&b, FIELD_NEGATIVE_SPANS, v->negative_spans);
    put_buckets(&b, v->kind, FIELD_NEGATIVE_DELTAS, FIELD_NEGATIVE_COUNTS, v->negative);
    put_spans(&b, FIELD_POSITIVE_SPANS, v->positive_spans);
    put_buckets(&b, v->kind, FIELD_POSITIVE_DELTAS, FIELD_POSITIVE_COUNTS, v->positive);
    pb_put_u64(&b, FIELD_RESET_HINT, (uint64_t)v->reset);
    pb_put_i64(&b, FIELD_TIMESTAMP, h->t_ms);
    put_doubles(&b, FIELD_CUSTOM_VALUES, v->custom_bounds);
    pb_put_message(to, SERIES_HISTOGRAMS, b.n);
    buf_append(to, buf_str(&b));
}
