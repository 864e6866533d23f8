/* histogram_kit.c - reading golden histograms, making random ones. */
#include "tests/tsdb/histogram_kit.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/numtext.h"
#include "tsdb/model/histogram_spans.h"

enum { FIRST_BUCKET = -20, BUCKETS = 64 };

uint64_t
kit_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* --- golden JSON -------------------------------------------------------------------------- */

static const char *
text_of(json_t *value, const char *key)
{
    const char *text = json_string_value(json_object_get(value, key));
    ck_assert_msg(text != NULL, "no %s", key);
    return text;
}

static uint64_t
bits_of_text(const char *text)
{
    if (strcmp(text, "stale") == 0)
        return STALE_NAN_BITS;
    if (strcmp(text, "NaN") == 0)
        return NORMAL_NAN_BITS;
    return bits_of_f64(strtod(text, NULL));
}

static uint64_t
count_of_text(const char *text, enum histogram_kind kind)
{
    return kind == HISTOGRAM_FLOAT ? bits_of_text(text) : strtoull(text, NULL, 10);
}

static struct histogram_spans
spans_of(json_t *list, struct arena *a)
{
    struct histogram_span *v = ARENA_ARRAY(a, struct histogram_span, json_array_size(list));
    size_t i;
    json_t *span;
    json_array_foreach(list, i, span)
    {
        v[i].offset = (int32_t)json_integer_value(json_object_get(span, "offset"));
        v[i].length = (uint32_t)json_integer_value(json_object_get(span, "length"));
    }
    return (struct histogram_spans){v, json_array_size(list)};
}

static struct histogram_words
words_of(json_t *list, enum histogram_kind kind, struct arena *a)
{
    uint64_t *v = ARENA_ARRAY(a, uint64_t, json_array_size(list));
    size_t i;
    json_t *word;
    json_array_foreach(list, i, word) v[i] = count_of_text(json_string_value(word), kind);
    return (struct histogram_words){v, json_array_size(list)};
}

static struct histogram_words
buckets_of(json_t *list, enum histogram_kind kind, struct arena *a)
{
    struct histogram_words w = words_of(list, kind, a);
    if (kind == HISTOGRAM_INTEGER)
        histogram_deltas_of_counts(w.v, w.n, (uint64_t *)w.v);
    return w;
}

struct histogram
kit_histogram(json_t *value, struct arena *a)
{
    static const char *const hints[] = {"unknown", "reset", "not_reset", "gauge"};
    struct histogram h = {.kind = strcmp(text_of(value, "kind"), "float") == 0 ? HISTOGRAM_FLOAT
                                                                               : HISTOGRAM_INTEGER};
    while (strcmp(text_of(value, "reset_hint"), hints[h.reset]) != 0)
        h.reset++;
    h.schema = (int32_t)json_integer_value(json_object_get(value, "schema"));
    h.zero_threshold = bits_of_text(text_of(value, "zero_threshold"));
    h.zero_count = count_of_text(text_of(value, "zero_count"), h.kind);
    h.count = count_of_text(text_of(value, "count"), h.kind);
    h.sum = bits_of_text(text_of(value, "sum"));
    h.positive_spans = spans_of(json_object_get(value, "positive_spans"), a);
    h.negative_spans = spans_of(json_object_get(value, "negative_spans"), a);
    h.positive = buckets_of(json_object_get(value, "positive_counts"), h.kind, a);
    h.negative = buckets_of(json_object_get(value, "negative_counts"), h.kind, a);
    h.custom_bounds = words_of(json_object_get(value, "custom_values"), HISTOGRAM_FLOAT, a);
    return h;
}

/* --- text --------------------------------------------------------------------------------- */

static void
parse_side(struct str text, enum histogram_kind kind, struct arena *a,
           struct histogram_spans *spans, struct histogram_words *words)
{
    struct histogram_span *v = ARENA_ARRAY(a, struct histogram_span, text.n);
    uint64_t *w = ARENA_ARRAY(a, uint64_t, text.n + 1);
    size_t n = 0, k = 0;
    for (; text.n > 0; n++) {
        struct str span = str_split(&text, '/');
        int64_t offset;
        ck_assert(str_parse_i64(str_split(&span, ':'), &offset).code == ERR_NONE);
        v[n].offset = (int32_t)offset;
        for (; span.n > 0; v[n].length++)
            w[k++] = count_of_text(arena_str(a, str_split(&span, ',')).p, kind);
    }
    if (kind == HISTOGRAM_INTEGER)
        histogram_deltas_of_counts(w, k, w);
    *spans = (struct histogram_spans){v, n};
    *words = (struct histogram_words){w, k};
}

static struct histogram_words
parse_bounds(struct str text, struct arena *a)
{
    uint64_t *v = ARENA_ARRAY(a, uint64_t, text.n);
    size_t n = 0;
    while (text.n > 0)
        v[n++] = bits_of_text(arena_str(a, str_split(&text, ',')).p);
    return (struct histogram_words){v, n};
}

static void
parse_field(struct histogram *h, struct str key, struct str value, struct arena *a)
{
    const char *text = arena_str(a, value).p;
    if (str_eq(key, STR("s")))
        h->schema = (int32_t)strtol(text, NULL, 10);
    else if (str_eq(key, STR("zt")))
        h->zero_threshold = bits_of_text(text);
    else if (str_eq(key, STR("zc")))
        h->zero_count = count_of_text(text, h->kind);
    else if (str_eq(key, STR("n")))
        h->count = count_of_text(text, h->kind);
    else if (str_eq(key, STR("sum")))
        h->sum = bits_of_text(text);
    else if (str_eq(key, STR("p")))
        parse_side(value, h->kind, a, &h->positive_spans, &h->positive);
    else if (str_eq(key, STR("m")))
        parse_side(value, h->kind, a, &h->negative_spans, &h->negative);
    else if (str_eq(key, STR("p+")))
        ((uint64_t *)h->positive.v)[h->positive.n++] = count_of_text(text, h->kind);
    else if (str_eq(key, STR("b")))
        h->custom_bounds = parse_bounds(value, a);
    else if (str_eq(key, STR("hint")))
        h->reset = text[0] == 'g'   ? HISTOGRAM_GAUGE
                   : text[0] == 'r' ? HISTOGRAM_RESET_YES
                                    : HISTOGRAM_RESET_NO;
    else
        ck_abort_msg("unknown word %.*s", STR_FMT(key));
}

struct histogram
kit_parse(const char *text, struct arena *a)
{
    struct str rest = str_of_cstr(text), kind = str_split(&rest, ' ');
    struct histogram h = {.kind = str_eq(kind, STR("f")) ? HISTOGRAM_FLOAT : HISTOGRAM_INTEGER};
    while (rest.n > 0) {
        struct str value = str_split(&rest, ' '), key = str_split(&value, '=');
        parse_field(&h, key, value, a);
    }
    return h;
}

struct float_histogram *
kit_float(const char *text, struct arena *a)
{
    struct histogram h = kit_parse(text, a);
    return float_histogram_of(&h, a);
}

void
kit_put_number(struct buf *to, const char *before, double v)
{
    char text[NUMTEXT_BYTES_MAX];
    buf_printf(to, "%s", before);
    buf_append(to, str_of(text, numtext_g(v, text)));
}

static void
put_side(struct buf *to, const char *name, const struct float_buckets *b)
{
    struct bucket_walk walk = bucket_walk_of(b->spans);
    int64_t index, end = 0;
    for (size_t i = 0; i < b->n; i++) {
        ck_assert(bucket_walk_next(&walk, &index));
        if (i == 0)
            buf_printf(to, " %s=%jd", name, (intmax_t)index);
        else if (index > end)
            buf_printf(to, "/%jd", (intmax_t)(index - end));
        kit_put_number(to, i == 0 || index > end ? ":" : ",", b->v[i]);
        end = index + 1;
    }
    ck_assert(!bucket_walk_next(&walk, &index));
}

const char *
kit_float_text(const struct float_histogram *h, struct arena *a)
{
    static const char *const hints[] = {"", " hint=reset", " hint=not", " hint=gauge"};
    AUTO(buf_fini) struct buf text = BUF_INIT;
    buf_printf(&text, "f s=%d", h->schema);
    kit_put_number(&text, " zt=", h->zero_threshold);
    kit_put_number(&text, " zc=", h->zero_count);
    kit_put_number(&text, " n=", h->count);
    kit_put_number(&text, " sum=", h->sum);
    put_side(&text, "p", &h->positive);
    put_side(&text, "m", &h->negative);
    for (size_t i = 0; i < h->bound_n; i++)
        kit_put_number(&text, i == 0 ? " b=" : ",", h->bounds[i]);
    buf_printf(&text, "%s", hints[h->reset]);
    return arena_str(a, buf_str(&text)).p;
}

/* --- comparing ---------------------------------------------------------------------------- */

struct counted {
    int64_t index;
    uint64_t count;
};

/* The buckets that count something; returns how many. */
static size_t
count_side(enum histogram_kind kind, struct histogram_spans spans, struct histogram_words w,
           struct counted *to)
{
    size_t n = 0, i = 0;
    uint64_t count = 0;
    int64_t index;
    struct bucket_walk walk = bucket_walk_of(spans);
    while (bucket_walk_next(&walk, &index)) {
        if (i == w.n) /* an assertion that holds costs a write to a file */
            ck_abort_msg("%zu buckets, and more in spans", w.n);
        count = kind == HISTOGRAM_INTEGER ? count + w.v[i] : w.v[i];
        i++;
        if (count != 0)
            to[n++] = (struct counted){index, count};
    }
    if (i != w.n)
        ck_abort_msg("%zu buckets, %zu in spans", w.n, i);
    return n;
}

static bool
side_same(enum histogram_kind kind, struct histogram_spans xs, struct histogram_words xw,
          struct histogram_spans ys, struct histogram_words yw)
{
    struct counted x[256], y[256];
    if (xw.n > ARRAY_LEN(x) || yw.n > ARRAY_LEN(y))
        ck_abort_msg("%zu and %zu buckets are too many", xw.n, yw.n);
    size_t n = count_side(kind, xs, xw, x);
    if (n != count_side(kind, ys, yw, y))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (x[i].index != y[i].index || x[i].count != y[i].count)
            return false;
    }
    return true;
}

bool
kit_counts_same(const struct histogram *x, const struct histogram *y)
{
    if (x->kind != y->kind)
        return false;
    if (histogram_is_stale(x) || histogram_is_stale(y))
        return x->sum == y->sum;
    bool both_nan = isnan(f64_of_bits(x->sum)) && isnan(f64_of_bits(y->sum));
    if ((!both_nan && x->sum != y->sum) || x->count != y->count || x->zero_count != y->zero_count ||
        x->schema != y->schema || x->zero_threshold != y->zero_threshold ||
        x->custom_bounds.n != y->custom_bounds.n)
        return false;
    for (size_t i = 0; i < x->custom_bounds.n; i++) {
        if (x->custom_bounds.v[i] != y->custom_bounds.v[i])
            return false;
    }
    return side_same(x->kind, x->positive_spans, x->positive, y->positive_spans, y->positive) &&
           side_same(x->kind, x->negative_spans, x->negative, y->negative_spans, y->negative);
}

/* --- random series ------------------------------------------------------------------------ */

struct kit_series
kit_series_of(uint64_t seed, enum histogram_kind kind, int32_t schema)
{
    struct kit_series s = {.seed = seed * 0x9e3779b97f4a7c15 + 1,
                           .kind = kind,
                           .schema = schema,
                           .zero_threshold = schema == HISTOGRAM_SCHEMA_CUSTOM ? 0 : 0.001,
                           .bounds = 50};
    memset(s.counts, 0xff, sizeof s.counts);
    return s;
}

static bool
one_in(struct kit_series *s, uint64_t n)
{
    return kit_random(&s->seed) % n == 0;
}

static int64_t *
any_bucket(struct kit_series *s)
{
    bool custom = s->schema == HISTOGRAM_SCHEMA_CUSTOM;
    size_t side = !custom && one_in(s, 3);
    size_t low = custom ? -FIRST_BUCKET : 0; /* custom indexes start at 0 */
    return &s->counts[side][low + kit_random(&s->seed) % (BUCKETS - low)];
}

static void
disturb(struct kit_series *s)
{
    int64_t *bucket = any_bucket(s);
    bool custom = s->schema == HISTOGRAM_SCHEMA_CUSTOM;
    switch (kit_random(&s->seed) % 12) {
    case 0:
        *bucket = -1; /* gone, in use or not */
        break;
    case 1:
        *bucket = 0; /* empty, or reset */
        break;
    case 2:
        for (size_t i = 0; i < 2 * BUCKETS; i++)
            s->counts[i / BUCKETS][i % BUCKETS] = i % 5 ? -1 : 0;
        for (size_t i = 0; custom && i < 2 * BUCKETS; i++)
            s->counts[i / BUCKETS][i % BUCKETS] = -1;
        s->zero_count = s->nans = 0;
        break;
    case 3:
        s->bounds += custom;
        s->schema = custom ? s->schema : (int32_t)(kit_random(&s->seed) % 13) - 4;
        break;
    case 4:
        s->zero_threshold = custom ? 0 : (double)(kit_random(&s->seed) % 4) / 4;
        break;
    case 5:
        s->gauge = !s->gauge;
        break;
    case 6:
        s->nans++;
        break;
    default:
        break;
    }
}

/* Spans are cut in any way. */
static struct histogram_spans
random_spans(struct kit_series *s, const int64_t *counts, struct arena *a,
             struct histogram_words *w)
{
    struct histogram_span *v = ARENA_ARRAY(a, struct histogram_span, 2 * BUCKETS);
    uint64_t *words = ARENA_ARRAY(a, uint64_t, BUCKETS);
    size_t n = 0, k = 0;
    int end = 0;
    for (int i = 0; i < BUCKETS; i++) {
        if (counts[i] < 0)
            continue;
        int index = FIRST_BUCKET + i;
        if (n > 0 && index == end && !one_in(s, 10)) {
            v[n - 1].length++;
        } else {
            int gap = index - end;
            if (n > 0 && gap > 1 && one_in(s, 10)) {
                v[n++] = (struct histogram_span){1, 0};
                gap--;
            }
            v[n++] = (struct histogram_span){gap, 1};
        }
        words[k++] =
            s->kind == HISTOGRAM_FLOAT ? bits_of_f64((double)counts[i] / 4) : (uint64_t)counts[i];
        end = index + 1;
    }
    if (s->kind == HISTOGRAM_INTEGER)
        histogram_deltas_of_counts(words, k, words);
    *w = (struct histogram_words){words, k};
    return (struct histogram_spans){v, n};
}

static struct histogram_words
random_bounds(const struct kit_series *s, struct arena *a)
{
    uint64_t *v = ARENA_ARRAY(a, uint64_t, (size_t)s->bounds);
    for (int i = 0; i < s->bounds; i++)
        v[i] = bits_of_f64(i < 30 ? i * 0.125 : i * 1001.0 / 3);
    return (struct histogram_words){v, (size_t)s->bounds};
}

struct histogram
kit_next(struct kit_series *s, struct arena *a)
{
    for (size_t i = 0; i < 2 * BUCKETS; i++) {
        int64_t *count = &s->counts[i / BUCKETS][i % BUCKETS];
        if (*count >= 0 && !one_in(s, 3))
            *count += (int64_t)(kit_random(&s->seed) % (one_in(s, 20) ? 1 << 30 : 40));
        if (*count > 0 && s->gauge && one_in(s, 4))
            *count /= 2;
    }
    if (one_in(s, 4)) {
        int64_t *bucket = any_bucket(s);
        *bucket = *bucket < 0 ? (int64_t)(kit_random(&s->seed) % 3) : *bucket;
    }
    if (s->schema != HISTOGRAM_SCHEMA_CUSTOM)
        s->zero_count += kit_random(&s->seed) % 3;
    if (!s->calm && one_in(s, 3))
        disturb(s);
    uint64_t total = s->nans;
    for (size_t i = 0; i < 2 * BUCKETS; i++)
        total += s->counts[i / BUCKETS][i % BUCKETS] > 0
                     ? (uint64_t)s->counts[i / BUCKETS][i % BUCKETS]
                     : 0;
    struct histogram h = {.kind = s->kind, .sum = STALE_NAN_BITS};
    if (!s->calm && one_in(s, 25))
        return h;
    h.reset = s->gauge                    ? HISTOGRAM_GAUGE
              : !s->calm && one_in(s, 20) ? HISTOGRAM_RESET_YES
              : one_in(s, 9)              ? HISTOGRAM_RESET_NO
                                          : HISTOGRAM_RESET_UNKNOWN;
    h.schema = s->schema;
    h.zero_threshold = bits_of_f64(s->zero_threshold);
    h.sum = s->nans ? NORMAL_NAN_BITS : bits_of_f64((double)total * 1.1);
    h.positive_spans = random_spans(s, s->counts[0], a, &h.positive);
    h.negative_spans = random_spans(s, s->counts[1], a, &h.negative);
    if (s->schema == HISTOGRAM_SCHEMA_CUSTOM)
        h.custom_bounds = random_bounds(s, a);
    else
        total += s->zero_count;
    bool float_kind = s->kind == HISTOGRAM_FLOAT;
    h.zero_count = s->schema == HISTOGRAM_SCHEMA_CUSTOM ? 0 : s->zero_count;
    h.zero_count = float_kind ? bits_of_f64((double)h.zero_count) : h.zero_count;
    h.count = float_kind ? bits_of_f64((double)total) : total;
    return h;
}
