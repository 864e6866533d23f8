/* result_json.c - vectors and matrices as text. Times and values are most of a wide answer, so they
 * are written into the buffer without detours. */
#include "querygw/api/result_json.h"

#include <string.h>

#include "base/assert.h"
#include "base/numtext.h"

enum {
    TIME_BYTES_MAX = 32, /* -9223372036854775.808, and unused bytes of a front */
    POINT_BYTES_MAX = TIME_BYTES_MAX + NUMTEXT_BYTES_MAX + 8, /* [time,"value"] */
};

/* What times of one result have in common: all but the last four digits of the seconds, usually. */
struct time_front {
    uint64_t seconds; /* in units of 10,000; 0: none yet */
    char text[16];    /* of them, and unused bytes */
    size_t n;
};
enum { FRONT_SECONDS = 10000 };

static char *
put_seconds(struct time_front *front, char *to, uint64_t seconds)
{
    uint64_t high = seconds / FRONT_SECONDS;
    if (high == 0)
        return to + numtext_u64(seconds, to);
    if (high != front->seconds) { /* 12 digits at most */
        front->seconds = high;
        front->n = numtext_u64(high, front->text);
    }
    memcpy(to, front->text, sizeof front->text);
    numtext_four_digits((unsigned)(seconds % FRONT_SECONDS), to + front->n);
    return to + front->n + 4;
}

/* Writes within TIME_BYTES_MAX bytes. */
static char *
put_time(struct time_front *front, char *to, int64_t t_ms)
{
    uint64_t t = t_ms < 0 ? -(uint64_t)t_ms : (uint64_t)t_ms;
    if (t_ms < 0)
        *to++ = '-';
    to = put_seconds(front, to, t / 1000);
    unsigned ms = (unsigned)(t % 1000);
    if (ms == 0)
        return to;
    numtext_four_digits(ms, to);
    to[0] = '.';
    return to + 4;
}

/* [time,"value"] */
static void
put_point(struct time_front *front, struct buf *b, int64_t t_ms, double value)
{
    buf_reserve(b, POINT_BYTES_MAX);
    char *to = b->p + b->n, *at = to;
    *at++ = '[';
    at = put_time(front, at, t_ms);
    *at++ = ',';
    *at++ = '"';
    at += numtext_api(value, at);
    *at++ = '"';
    *at++ = ']';
    ASSERT(at - to <= POINT_BYTES_MAX);
    b->n += (size_t)(at - to);
}

void
json_put_timestamp(struct buf *to, int64_t t_ms)
{
    struct time_front front = {0};
    buf_reserve(to, TIME_BYTES_MAX);
    to->n = (size_t)(put_time(&front, to->p + to->n, t_ms) - to->p);
}

void
json_put_sample_value(struct buf *to, double value)
{
    buf_reserve(to, NUMTEXT_BYTES_MAX + 2);
    to->p[to->n++] = '"';
    to->n += numtext_api(value, to->p + to->n);
    to->p[to->n++] = '"';
}

/* How a bucket's borders are written: 0 (l,u], 1 [l,u), 2 (l,u), 3 [l,u]. */
static unsigned
border_kind(const struct float_bucket *b)
{
    if (b->lower_inclusive)
        return b->upper_inclusive ? 3 : 1;
    return b->upper_inclusive ? 0 : 2;
}

static void
put_buckets(struct buf *to, const struct float_histogram *h)
{
    struct float_bucket_walk w = float_bucket_walk_start(h, false);
    struct float_bucket b;
    size_t n = 0;
    while (float_bucket_walk_next(&w, &b)) {
        if (b.count == 0)
            continue;
        buf_append(to, n++ ? STR(",[") : STR(",\"buckets\":[["));
        buf_put_u8(to, (uint8_t)('0' + border_kind(&b)));
        const double numbers[] = {b.lower, b.upper, b.count};
        for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
            buf_put_u8(to, ',');
            json_put_sample_value(to, numbers[i]);
        }
        buf_put_u8(to, ']');
    }
    if (n)
        buf_put_u8(to, ']');
}

void
json_put_histogram(struct buf *to, const struct float_histogram *h)
{
    buf_append(to, STR("{\"count\":"));
    json_put_sample_value(to, h->count);
    buf_append(to, STR(",\"sum\":"));
    json_put_sample_value(to, h->sum);
    put_buckets(to, h);
    buf_put_u8(to, '}');
}

/* [time,{...}] */
static void
put_histogram_point(struct buf *to, int64_t t_ms, const struct float_histogram *h)
{
    buf_put_u8(to, '[');
    json_put_timestamp(to, t_ms);
    buf_put_u8(to, ',');
    json_put_histogram(to, h);
    buf_put_u8(to, ']');
}

static struct err
write_vector(struct json_out *o, const struct promql_result *r, size_t count)
{
    struct time_front front = {0};
    json_begin_array(&o->w);
    for (size_t i = 0; i < count; i++) {
        struct promql_point p;
        size_t at = 0;
        bool any = promql_point_next(r, &r->series[i], &at, &p);
        ASSERT(any); /* operators yield no empty series */
        json_begin_object(&o->w);
        json_key(&o->w, STR("metric"));
        json_out_labels(o, r->series[i].labels);
        json_key(&o->w, p.histogram ? STR("histogram") : STR("value"));
        json_raw(&o->w, STR(""));
        if (p.histogram)
            put_histogram_point(&o->buf, p.t_ms, p.histogram);
        else
            put_point(&front, &o->buf, p.t_ms, p.value);
        json_end_object(&o->w);
        TRY(json_out_check(o));
    }
    json_end_array(&o->w);
    return OK;
}

enum point_kind { POINT_FLOAT, POINT_HISTOGRAM };

/* The points of one kind as a list; nothing when there are none. */
static struct err
write_points(struct json_out *o, const struct promql_result *r, const struct promql_series *s,
             enum point_kind kind, struct time_front *front)
{
    struct promql_point p;
    size_t n = 0;
    for (size_t at = 0; promql_point_next(r, s, &at, &p);) {
        if ((p.histogram != NULL) != (kind == POINT_HISTOGRAM))
            continue;
        if (n++ == 0) {
            json_key(&o->w, kind == POINT_HISTOGRAM ? STR("histograms") : STR("values"));
            json_raw(&o->w, STR("["));
        } else {
            buf_put_u8(&o->buf, ',');
        }
        if (p.histogram)
            put_histogram_point(&o->buf, p.t_ms, p.histogram);
        else
            put_point(front, &o->buf, p.t_ms, p.value);
        TRY(json_out_check(o));
    }
    if (n)
        buf_put_u8(&o->buf, ']');
    return OK;
}

static struct err
write_matrix(struct json_out *o, const struct promql_result *r, size_t count)
{
    struct time_front front = {0};
    json_begin_array(&o->w);
    for (size_t i = 0; i < count; i++) {
        const struct promql_series *s = &r->series[i];
        json_begin_object(&o->w);
        json_key(&o->w, STR("metric"));
        json_out_labels(o, s->labels);
        TRY(write_points(o, r, s, POINT_FLOAT, &front));
        if (s->histograms)
            TRY(write_points(o, r, s, POINT_HISTOGRAM, &front));
        json_end_object(&o->w);
        TRY(json_out_check(o));
    }
    json_end_array(&o->w);
    return OK;
}

/* [seconds,"text"]: here the time is a float, and the value never has an exponent. */
static void
write_single(struct json_out *o, const struct promql_result *r)
{
    char text[NUMTEXT_BYTES_MAX];
    json_begin_array(&o->w);
    size_t n = numtext_api((double)r->grid.start_ms / 1000, text);
    json_raw(&o->w, str_of(text, n));
    if (r->type == PROMQL_STRING)
        json_str(&o->w, r->text);
    else
        json_str(&o->w, str_of(text, numtext_f(r->scalar, text)));
    json_end_array(&o->w);
}

static void
write_seconds(struct json_out *o, struct str key, double seconds)
{
    char text[NUMTEXT_BYTES_MAX];
    json_key(&o->w, key);
    json_raw(&o->w, str_of(text, numtext_api(seconds, text)));
}

enum step_figure { STEP_TOTAL, STEP_READ };

/* [[seconds,samples],...]; nothing unless steps were counted. */
static void
write_steps(struct json_out *o, struct str key, const struct promql_result *r,
            enum step_figure figure)
{
    const struct promql_step_stats *steps = r->stats.steps;
    if (!steps)
        return;
    json_key(&o->w, key);
    json_begin_array(&o->w);
    for (size_t i = 0; i < r->grid.steps; i++) {
        char text[NUMTEXT_BYTES_MAX];
        json_begin_array(&o->w);
        size_t n = numtext_api((double)grid_time_ms(&r->grid, i) / 1000, text);
        json_raw(&o->w, str_of(text, n));
        json_u64(&o->w, figure == STEP_TOTAL ? steps[i].total : steps[i].read);
        json_end_array(&o->w);
    }
    json_end_array(&o->w);
}

static void
write_stats(struct json_out *o, const struct promql_result *r, const struct query_timings *t)
{
    const struct promql_stats *s = &r->stats;
    json_key(&o->w, STR("stats"));
    json_begin_object(&o->w);
    json_key(&o->w, STR("timings"));
    json_begin_object(&o->w);
    write_seconds(o, STR("evalTotalTime"), t->eval_total_s);
    write_seconds(o, STR("resultSortTime"), t->result_sort_s);
    write_seconds(o, STR("queryPreparationTime"), t->query_preparation_s);
    write_seconds(o, STR("innerEvalTime"), t->inner_eval_s);
    write_seconds(o, STR("execQueueTime"), t->exec_queue_s);
    write_seconds(o, STR("execTotalTime"), t->exec_total_s);
    json_end_object(&o->w);
    json_key(&o->w, STR("samples"));
    json_begin_object(&o->w);
    write_steps(o, STR("totalQueryableSamplesPerStep"), r, STEP_TOTAL);
    json_key(&o->w, STR("totalQueryableSamples"));
    json_u64(&o->w, s->samples_total);
    write_steps(o, STR("samplesReadPerStep"), r, STEP_READ);
    json_key(&o->w, STR("samplesRead"));
    json_u64(&o->w, s->samples_read);
    json_key(&o->w, STR("peakSamples"));
    json_u64(&o->w, s->samples_peak);
    json_end_object(&o->w);
    json_end_object(&o->w);
}

struct err
result_write_json(struct json_out *o, const struct promql_result *r, size_t limit,
                  const struct query_timings *timings)
{
    size_t count = limit && limit < r->count ? limit : r->count;
    json_begin_object(&o->w);
    json_key(&o->w, STR("resultType"));
    json_str(&o->w, str_of_cstr(promql_type_text(r->type)));
    json_key(&o->w, STR("result"));
    switch (r->type) {
    case PROMQL_VECTOR:
        TRY(write_vector(o, r, count));
        break;
    case PROMQL_MATRIX:
        TRY(write_matrix(o, r, count));
        break;
    case PROMQL_SCALAR:
    case PROMQL_STRING:
        write_single(o, r);
        break;
    case PROMQL_NONE:
        UNREACHABLE("no result has this type");
    }
    if (timings)
        write_stats(o, r, timings);
    json_end_object(&o->w);
    return OK;
}
