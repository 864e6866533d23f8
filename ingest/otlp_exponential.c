/* otlp_exponential.c - exponential histograms as native ones.
 *
 * OpenTelemetry's bucket i of scale s is (b^i, b^(i+1)] with b = 2^(2^-s), a native one of the same
 * schema (b^(i-1), b^i]: indexes move by one. Scales above 8 are merged to 8, 2^(scale-8) buckets
 * into one; below -4 there is no schema. Dense arrays become spans, where gaps of at most
 * GAP_FILLED buckets are filled with zeroes, as Prometheus' client library does. */
#include "ingest/otlp_int.h"

#include <inttypes.h>
#include <math.h>

#include "base/bytes.h"
#include "base/mem.h"

enum { GAP_FILLED = 2, SCALE_STEPS_MAX = 31 };
/* Where the sender does not say how wide its zero bucket is. */
#define ZERO_THRESHOLD_DEFAULT 1e-128

static struct err
check_buckets(const char *side, const struct otlp_buckets *b)
{
    if (b->counts.n > HISTOGRAM_BUCKETS_MAX)
        return ERR(ERR_INVALID, "%zu %s buckets, at most %d", b->counts.n, side,
                   HISTOGRAM_BUCKETS_MAX);
    int64_t last = (int64_t)b->offset + (int64_t)b->counts.n;
    if (b->offset < -HISTOGRAM_INDEX_MAX || last > HISTOGRAM_INDEX_MAX - 1)
        return ERR(ERR_INVALID, "%s buckets from %" PRId32 " on are too far from 1", side,
                   b->offset);
    for (size_t i = 0; i < b->counts.n; i++)
        if (b->counts.v[i] > INT64_MAX)
            return ERR(ERR_INVALID, "a bucket of %" PRIu64, b->counts.v[i]);
    return OK;
}

struct err
otlp_check_exponential(const struct otlp_point *p)
{
    if (p->scale < HISTOGRAM_SCHEMA_MIN)
        return ERR(ERR_INVALID, "scale %" PRId32 ": native histograms begin at %d", p->scale,
                   HISTOGRAM_SCHEMA_MIN);
    if (!(p->zero_threshold >= 0) || isinf(p->zero_threshold))
        return ERR(ERR_INVALID, "the zero threshold %g is no width", p->zero_threshold);
    TRY(check_buckets("positive", &p->positive));
    return check_buckets("negative", &p->negative);
}

/* --- buckets to spans --------------------------------------------------------------------------
 */

struct spans {
    struct histogram_span *spans;
    uint64_t *deltas;
    size_t span_count, delta_count;
    int64_t next;  /* index behind the last bucket */
    uint64_t last; /* its count */
};

static void
put_bucket(struct spans *s, uint64_t count)
{
    s->deltas[s->delta_count++] = count - s->last;
    s->spans[s->span_count - 1].length++;
    s->last = count;
    s->next++;
}

static void
put_bucket_at(struct spans *s, int64_t index, uint64_t count)
{
    int64_t gap = index - s->next;
    if (s->span_count == 0 || gap > GAP_FILLED) {
        s->spans[s->span_count++] = (struct histogram_span){(int32_t)gap, 0};
        s->next = index;
    }
    while (s->next < index)
        put_bucket(s, 0);
    put_bucket(s, count);
}

/* Floor of i / 2^steps. */
static int64_t
coarser(int64_t i, unsigned steps)
{
    return i >= 0 ? i >> steps : -((-i + (INT64_C(1) << steps) - 1) >> steps);
}

static struct spans
convert(struct arena *a, const struct otlp_buckets *b, unsigned steps)
{
    struct spans s = {
        .spans = ARENA_ARRAY(a, struct histogram_span, b->counts.n),
        .deltas = ARENA_ARRAY(a, uint64_t, b->counts.n),
    };
    for (size_t i = 0; i < b->counts.n;) {
        int64_t index = coarser((int64_t)b->offset + (int64_t)i, steps);
        uint64_t count = 0;
        for (; i < b->counts.n && coarser((int64_t)b->offset + (int64_t)i, steps) == index; i++)
            count += b->counts.v[i];
        if (count > 0)
            put_bucket_at(&s, index + 1, count);
    }
    return s;
}

static struct histogram
histogram_of(struct arena *a, const struct otlp_point *p)
{
    int32_t above = p->scale - HISTOGRAM_SCHEMA_MAX;
    unsigned steps = above > 0 ? (unsigned)above : 0;
    steps =
        steps > SCALE_STEPS_MAX ? SCALE_STEPS_MAX : steps; /* all on one side of 1, as with more */
    struct spans positive = convert(a, &p->positive, steps);
    struct spans negative = convert(a, &p->negative, steps);
    return (struct histogram){
        .kind = HISTOGRAM_INTEGER,
        .reset = HISTOGRAM_RESET_UNKNOWN,
        .schema = above > 0 ? HISTOGRAM_SCHEMA_MAX : p->scale,
        .zero_threshold =
            bits_of_f64(p->zero_threshold > 0 ? p->zero_threshold : ZERO_THRESHOLD_DEFAULT),
        .zero_count = p->zero_count,
        .count = p->count,
        .sum = otlp_is_stale(p) ? STALE_NAN_BITS
               : p->has_value   ? p->bits
                                : 0,
        .positive_spans = {positive.spans, positive.span_count},
        .negative_spans = {negative.spans, negative.span_count},
        .positive = {positive.deltas, positive.delta_count},
        .negative = {negative.deltas, negative.delta_count},
    };
}

struct err
otlp_put_exponential(struct otlp_family *f, const struct otlp_point *p)
{
    struct otlp_map *m = f->map;
    TRY(otlp_row(m, f->name, "", STR(""), STR("")));
    struct histogram_sample h = {otlp_ms(p->time_ns), histogram_of(m->arena, p)};
    TRY(batch_builder_histogram(&m->builder, &h));
    struct otlp_placed_list exemplars = otlp_place_exemplars(m->arena, p);
    return otlp_put_exemplars(&m->builder, &exemplars, 0);
}
