/* otlp_walk_points.c - requests in protobuf, by hand: data points of every type.
 *
 * A type has its own numbers for the same fields, hence a switch each. A point that is a number is
 * nearly all there is; arrays of the others grow as their elements come. */
#include "proto/otlp_walk.h"

#include "base/mem.h"

/* --- what points have in them ----------------------------------------------------------------- */

/* Numbers of 8 bytes, growing. */
struct numbers {
    uint64_t *v;
    size_t n, cap;
};

static struct err
reserve(struct otlp_walk *w, struct numbers *list, size_t more)
{
    if (more <= list->cap - list->n)
        return OK;
    size_t cap = size_max(list->n + more, 2 * list->cap);
    TRY(otlp_claim(w, cap, sizeof *list->v));
    uint64_t *v = arena_alloc(w->arena, cap * sizeof *v);
    if (list->n > 0)
        memcpy(v, list->v, list->n * sizeof *v);
    list->v = v;
    list->cap = cap;
    return OK;
}

/* One of them, or several side by side. */
static struct err
add_fixed(struct otlp_walk *w, const struct pb_field *f, const char *message, struct numbers *list)
{
    if (f->wire == PB_I64) {
        TRY(reserve(w, list, 1));
        list->v[list->n++] = f->value;
        return OK;
    }
    if (f->wire != PB_LEN)
        return otlp_skip(f, UINT32_MAX, message);
    if (f->bytes.n % sizeof *list->v != 0)
        return otlp_malformed(message);
    size_t more = f->bytes.n / sizeof *list->v;
    TRY(reserve(w, list, more));
    for (size_t i = 0; i < more; i++)
        list->v[list->n++] = load_le64(f->bytes.p + i * sizeof *list->v);
    return OK;
}

static struct err
add_varints(struct otlp_walk *w, const struct pb_field *f, const char *message,
            struct numbers *list)
{
    if (f->wire == PB_VARINT) {
        TRY(reserve(w, list, 1));
        list->v[list->n++] = f->value;
        return OK;
    }
    if (f->wire != PB_LEN)
        return otlp_skip(f, UINT32_MAX, message);
    TRY(reserve(w, list, f->bytes.n)); /* each has a byte at least */
    struct reader r = reader_of(f->bytes);
    while (reader_left(&r) > 0) {
        uint64_t v = reader_uvarint(&r);
        if (r.code != ERR_NONE)
            return otlp_malformed(message);
        list->v[list->n++] = v;
    }
    return OK;
}

static struct err
walk_exemplar(struct otlp_walk *w, struct str content, struct otlp_exemplar *to)
{
    struct reader r = reader_of(content);
    struct pb_field f;
    while (otlp_next_field(&r, &f)) {
        switch (otlp_field_of(&f)) {
        case OTLP_FIELD(2, PB_I64):
            to->time_ns = f.value;
            break;
        case OTLP_FIELD(3, PB_I64):
        case OTLP_FIELD(6, PB_I64):
            to->has_value = true;
            to->bits = f.number == 6 ? bits_of_f64((double)(int64_t)f.value) : f.value;
            break;
        case OTLP_FIELD(4, PB_LEN):
            to->span_id = f.bytes;
            break;
        case OTLP_FIELD(5, PB_LEN):
            to->trace_id = f.bytes;
            break;
        case OTLP_FIELD(7, PB_LEN):
            TRY(otlp_walk_attribute(w, f.bytes, OTLP_DEPTH_EXEMPLAR, &to->attributes));
            break;
        default:
            TRY(otlp_skip(&f, 0xfc, "Exemplar"));
        }
    }
    return r.code == ERR_NONE ? OK : otlp_malformed("Exemplar");
}

/* All fields `number` of a point, which was walked to its end. */
static struct err
walk_exemplars(struct otlp_walk *w, struct str point, uint32_t number, struct otlp_point *p)
{
    TRY(otlp_count(point, number, "data point", &p->exemplar_count));
    TRY(otlp_claim(w, p->exemplar_count, sizeof *p->exemplars));
    struct otlp_exemplar *at = ARENA_ARRAY(w->arena, struct otlp_exemplar, p->exemplar_count);
    p->exemplars = at;
    struct reader r = reader_of(point);
    struct pb_field f;
    while (otlp_next_field(&r, &f))
        if (f.number == number && f.wire == PB_LEN)
            TRY(walk_exemplar(w, f.bytes, at++));
    return OK;
}

/* --- points ----------------------------------------------------------------------------------- */

static struct err
walk_number(struct otlp_walk *w, struct str content, struct otlp_point *p)
{
    struct reader r = reader_of(content);
    struct pb_field f;
    bool exemplars = false;
    while (otlp_next_field(&r, &f)) {
        switch (otlp_field_of(&f)) {
        case OTLP_FIELD(7, PB_LEN):
            TRY(otlp_walk_attribute(w, f.bytes, OTLP_DEPTH_POINT, &p->attributes));
            break;
        case OTLP_FIELD(2, PB_I64):
            p->start_ns = f.value;
            break;
        case OTLP_FIELD(3, PB_I64):
            p->time_ns = f.value;
            break;
        case OTLP_FIELD(4, PB_I64):
        case OTLP_FIELD(6, PB_I64):
            p->has_value = true;
            p->bits = f.number == 6 ? bits_of_f64((double)(int64_t)f.value) : f.value;
            break;
        case OTLP_FIELD(5, PB_LEN):
            exemplars = true;
            break;
        case OTLP_FIELD(8, PB_VARINT):
            p->flags = (uint32_t)f.value;
            break;
        default:
            TRY(otlp_skip(&f, 0x1fc, "NumberDataPoint"));
        }
    }
    if (r.code != ERR_NONE)
        return otlp_malformed("NumberDataPoint");
    return exemplars ? walk_exemplars(w, content, 5, p) : OK;
}

static struct err
walk_histogram(struct otlp_walk *w, struct str content, struct otlp_point *p)
{
    static const char name[] = "HistogramDataPoint";
    struct reader r = reader_of(content);
    struct pb_field f;
    struct numbers counts = {0}, bounds = {0};
    bool exemplars = false;
    while (otlp_next_field(&r, &f)) {
        switch (otlp_field_of(&f)) {
        case OTLP_FIELD(9, PB_LEN):
            TRY(otlp_walk_attribute(w, f.bytes, OTLP_DEPTH_POINT, &p->attributes));
            break;
        case OTLP_FIELD(2, PB_I64):
            p->start_ns = f.value;
            break;
        case OTLP_FIELD(3, PB_I64):
            p->time_ns = f.value;
            break;
        case OTLP_FIELD(4, PB_I64):
            p->count = f.value;
            break;
        case OTLP_FIELD(5, PB_I64):
            p->has_value = true;
            p->bits = f.value;
            break;
        case OTLP_FIELD(6, PB_LEN):
        case OTLP_FIELD(6, PB_I64):
            TRY(add_fixed(w, &f, name, &counts));
            break;
        case OTLP_FIELD(7, PB_LEN):
        case OTLP_FIELD(7, PB_I64):
            TRY(add_fixed(w, &f, name, &bounds));
            break;
        case OTLP_FIELD(8, PB_LEN):
            exemplars = true;
            break;
        case OTLP_FIELD(10, PB_VARINT):
            p->flags = (uint32_t)f.value;
            break;
        default:
            TRY(otlp_skip(&f, 0x7fc, name));
        }
    }
    if (r.code != ERR_NONE)
        return otlp_malformed(name);
    p->bucket_counts = (struct otlp_counts){counts.v, counts.n};
    p->bounds = (const double *)(const void *)bounds.v;
    p->bound_count = bounds.n;
    return exemplars ? walk_exemplars(w, content, 8, p) : OK;
}

static struct err
walk_buckets(struct otlp_walk *w, struct str content, struct otlp_buckets *to)
{
    struct reader r = reader_of(content);
    struct pb_field f;
    struct numbers counts = {0};
    while (otlp_next_field(&r, &f)) {
        if (f.number == 2)
            TRY(add_varints(w, &f, "Buckets", &counts));
        else if (otlp_field_of(&f) == OTLP_FIELD(1, PB_VARINT))
            to->offset = (int32_t)i64_of_zigzag((uint32_t)f.value);
        else
            TRY(otlp_skip(&f, 1u << 1, "Buckets"));
    }
    to->counts = (struct otlp_counts){counts.v, counts.n};
    return r.code == ERR_NONE ? OK : otlp_malformed("Buckets");
}

/* What is of exponential histograms alone. */
static struct err
exponential_field(struct otlp_walk *w, const struct pb_field *f, struct otlp_point *p,
                  struct str *positive, struct str *negative)
{
    switch (otlp_field_of(f)) {
    case OTLP_FIELD(6, PB_VARINT):
        p->scale = (int32_t)i64_of_zigzag((uint32_t)f->value);
        return OK;
    case OTLP_FIELD(7, PB_I64):
        p->zero_count = f->value;
        return OK;
    case OTLP_FIELD(8, PB_LEN):
        return otlp_join(w, positive, f->bytes);
    case OTLP_FIELD(9, PB_LEN):
        return otlp_join(w, negative, f->bytes);
    case OTLP_FIELD(14, PB_I64):
        p->zero_threshold = f64_of_bits(f->value);
        return OK;
    default:
        return otlp_skip(f, 0x4ffe, "ExponentialHistogramDataPoint");
    }
}

static struct err
walk_exponential(struct otlp_walk *w, struct str content, struct otlp_point *p)
{
    struct reader r = reader_of(content);
    struct pb_field f;
    struct str positive = STR(""), negative = STR("");
    bool exemplars = false;
    while (otlp_next_field(&r, &f)) {
        switch (otlp_field_of(&f)) {
        case OTLP_FIELD(1, PB_LEN):
            TRY(otlp_walk_attribute(w, f.bytes, OTLP_DEPTH_POINT, &p->attributes));
            break;
        case OTLP_FIELD(2, PB_I64):
            p->start_ns = f.value;
            break;
        case OTLP_FIELD(3, PB_I64):
            p->time_ns = f.value;
            break;
        case OTLP_FIELD(4, PB_I64):
            p->count = f.value;
            break;
        case OTLP_FIELD(5, PB_I64):
            p->has_value = true;
            p->bits = f.value;
            break;
        case OTLP_FIELD(10, PB_VARINT):
            p->flags = (uint32_t)f.value;
            break;
        case OTLP_FIELD(11, PB_LEN):
            exemplars = true;
            break;
        default:
            TRY(exponential_field(w, &f, p, &positive, &negative));
        }
    }
    if (r.code != ERR_NONE)
        return otlp_malformed("ExponentialHistogramDataPoint");
    TRY(walk_buckets(w, positive, &p->positive));
    TRY(walk_buckets(w, negative, &p->negative));
    return exemplars ? walk_exemplars(w, content, 11, p) : OK;
}

static struct err
walk_quantile(struct str content, struct otlp_quantile *to)
{
    struct reader r = reader_of(content);
    struct pb_field f;
    while (otlp_next_field(&r, &f)) {
        if (otlp_field_of(&f) == OTLP_FIELD(1, PB_I64))
            to->quantile = f64_of_bits(f.value);
        else if (otlp_field_of(&f) == OTLP_FIELD(2, PB_I64))
            to->bits = f.value;
        else
            TRY(otlp_skip(&f, 1u << 1 | 1u << 2, "ValueAtQuantile"));
    }
    return r.code == ERR_NONE ? OK : otlp_malformed("ValueAtQuantile");
}

static struct err
walk_quantiles(struct otlp_walk *w, struct str point, struct otlp_point *p)
{
    TRY(otlp_count(point, 6, "SummaryDataPoint", &p->quantile_count));
    TRY(otlp_claim(w, p->quantile_count, sizeof *p->quantiles));
    struct otlp_quantile *at = ARENA_ARRAY(w->arena, struct otlp_quantile, p->quantile_count);
    p->quantiles = at;
    struct reader r = reader_of(point);
    struct pb_field f;
    while (otlp_next_field(&r, &f))
        if (otlp_field_of(&f) == OTLP_FIELD(6, PB_LEN))
            TRY(walk_quantile(f.bytes, at++));
    return OK;
}

static struct err
walk_summary(struct otlp_walk *w, struct str content, struct otlp_point *p)
{
    struct reader r = reader_of(content);
    struct pb_field f;
    p->has_value = true;
    while (otlp_next_field(&r, &f)) {
        switch (otlp_field_of(&f)) {
        case OTLP_FIELD(7, PB_LEN):
            TRY(otlp_walk_attribute(w, f.bytes, OTLP_DEPTH_POINT, &p->attributes));
            break;
        case OTLP_FIELD(2, PB_I64):
            p->start_ns = f.value;
            break;
        case OTLP_FIELD(3, PB_I64):
            p->time_ns = f.value;
            break;
        case OTLP_FIELD(4, PB_I64):
            p->count = f.value;
            break;
        case OTLP_FIELD(5, PB_I64):
            p->bits = f.value;
            break;
        case OTLP_FIELD(6, PB_LEN):
            break; /* walk_quantiles() */
        case OTLP_FIELD(8, PB_VARINT):
            p->flags = (uint32_t)f.value;
            break;
        default:
            TRY(otlp_skip(&f, 0x1fc, "SummaryDataPoint"));
        }
    }
    if (r.code != ERR_NONE)
        return otlp_malformed("SummaryDataPoint");
    return walk_quantiles(w, content, p);
}

/* --- data ------------------------------------------------------------------------------------- */

enum { DATA_POINTS = 1, DATA_TEMPORALITY = 2, DATA_MONOTONIC = 3 };

/* The row of a type is numbered as enum otlp_type. */
static const struct data_row {
    const char *name;
    uint32_t number; /* of the field of Metric */
    uint32_t known;  /* numbers of the fields that its data has, as bits */
    struct err (*walk)(struct otlp_walk *w, struct str content, struct otlp_point *p);
} data_rows[] = {
    [OTLP_GAUGE] = {"Gauge", 5, 1u << DATA_POINTS, walk_number},
    [OTLP_SUM] = {"Sum", 7, 1u << DATA_POINTS | 1u << DATA_TEMPORALITY | 1u << DATA_MONOTONIC,
                  walk_number},
    [OTLP_HISTOGRAM] = {"Histogram", 9, 1u << DATA_POINTS | 1u << DATA_TEMPORALITY, walk_histogram},
    [OTLP_EXPONENTIAL] = {"ExponentialHistogram", 10, 1u << DATA_POINTS | 1u << DATA_TEMPORALITY,
                          walk_exponential},
    [OTLP_SUMMARY] = {"Summary", 11, 1u << DATA_POINTS, walk_summary},
};

enum otlp_type
otlp_type_of_field(uint32_t number)
{
    for (enum otlp_type t = OTLP_GAUGE; t <= OTLP_SUMMARY; t++)
        if (data_rows[t].number == number)
            return t;
    return OTLP_NO_DATA;
}

struct err
otlp_walk_data(struct otlp_walk *w, struct str data, struct otlp_metric *m)
{
    const struct data_row *row = &data_rows[m->type];
    TRY(otlp_count(data, DATA_POINTS, row->name, &m->point_count));
    TRY(otlp_claim(w, m->point_count, sizeof *m->points));
    struct otlp_point *at = ARENA_ARRAY(w->arena, struct otlp_point, m->point_count);
    m->points = at;
    struct reader r = reader_of(data);
    struct pb_field f;
    while (otlp_next_field(&r, &f)) {
        if (otlp_field_of(&f) == OTLP_FIELD(DATA_POINTS, PB_LEN))
            TRY(row->walk(w, f.bytes, at++));
        else if (f.number == DATA_TEMPORALITY && f.wire == PB_VARINT)
            m->temporality = row->known >> DATA_TEMPORALITY & 1
                                 ? (enum otlp_temporality)(int32_t)f.value
                                 : m->temporality;
        else if (f.number == DATA_MONOTONIC && f.wire == PB_VARINT)
            m->monotonic = row->known >> DATA_MONOTONIC & 1 ? f.value != 0 : m->monotonic;
        else
            TRY(otlp_skip(&f, row->known, row->name));
    }
    return OK; /* otlp_count() was there before */
}
