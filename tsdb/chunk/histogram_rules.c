/* histogram_rules.c - comparing a histogram with the last one of a chunk. */
#include "tsdb/chunk/histogram_rules.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "tsdb/model/histogram_spans.h"

/* --- counts of either kind ---------------------------------------------------------------- */

static bool
count_above(enum histogram_kind kind, uint64_t x, uint64_t y)
{
    return kind == HISTOGRAM_FLOAT ? f64_of_bits(x) > f64_of_bits(y) : x > y;
}

/* As above; sums of differences may be negative in bytes from outside. */
static bool
bucket_above(enum histogram_kind kind, uint64_t x, uint64_t y)
{
    return kind == HISTOGRAM_FLOAT ? f64_of_bits(x) > f64_of_bits(y) : (int64_t)x > (int64_t)y;
}

static bool
bucket_is_empty(enum histogram_kind kind, uint64_t x)
{
    return kind == HISTOGRAM_FLOAT ? f64_of_bits(x) == 0 : x == 0;
}

/* The buckets of one side with their absolute counts. */
struct side_walk {
    struct bucket_walk walk;
    const uint64_t *word; /* of the next bucket */
    enum histogram_kind kind;
    int64_t index; /* of the bucket that it stands on */
    uint64_t count;
    bool more; /* it stands on one */
};

static void
side_next(struct side_walk *s)
{
    s->more = bucket_walk_next(&s->walk, &s->index);
    if (s->more)
        s->count = s->kind == HISTOGRAM_INTEGER ? s->count + *s->word++ : *s->word++;
}

static struct side_walk
side_begin(enum histogram_kind kind, struct histogram_spans spans, struct histogram_words words)
{
    struct side_walk s = {.walk = bucket_walk_of(spans), .word = words.v, .kind = kind};
    side_next(&s);
    return s;
}

/* --- one side ----------------------------------------------------------------------------- */

/* Who lacks buckets of the other. */
struct side_difference {
    bool chunk_lacks, histogram_lacks;
};

/* The usual case: the spans are equal, and only counts are to be compared. */
static bool
same_spans_reset(enum histogram_kind kind, const uint64_t *last, const uint64_t *h, size_t n)
{
    uint64_t x = 0, y = 0;
    for (size_t i = 0; i < n; i++) {
        x = kind == HISTOGRAM_INTEGER ? x + last[i] : last[i];
        y = kind == HISTOGRAM_INTEGER ? y + h[i] : h[i];
        if (bucket_above(kind, x, y))
            return true;
    }
    return false;
}

/* A counter's side: true when a bucket fell, or one in use is gone. */
static bool
side_reset(enum histogram_kind kind, struct histogram_spans last_spans, struct histogram_words last,
           struct histogram_spans spans, struct histogram_words words, struct side_difference *d)
{
    if (spans.n == last_spans.n &&
        (spans.n == 0 || memcmp(spans.v, last_spans.v, spans.n * sizeof *spans.v) == 0))
        return same_spans_reset(kind, last.v, words.v, words.n);
    struct side_walk x = side_begin(kind, last_spans, last), y = side_begin(kind, spans, words);
    while (x.more || y.more) {
        if (x.more && y.more && x.index == y.index) {
            if (bucket_above(kind, x.count, y.count))
                return true;
            side_next(&x);
            side_next(&y);
        } else if (x.more && (!y.more || x.index < y.index)) {
            if (!bucket_is_empty(kind, x.count))
                return true;
            d->histogram_lacks = true;
            side_next(&x);
        } else {
            d->chunk_lacks = true;
            side_next(&y);
        }
    }
    return false;
}

/* A gauge's side. */
static void
side_compare(struct histogram_spans last, struct histogram_spans spans, struct side_difference *d)
{
    int64_t i = 0, k = 0;
    struct bucket_walk x = bucket_walk_of(last), y = bucket_walk_of(spans);
    bool more_x = bucket_walk_next(&x, &i), more_y = bucket_walk_next(&y, &k);
    while (more_x || more_y) {
        bool in_x = more_x && (!more_y || i <= k), in_y = more_y && (!more_x || k <= i);
        d->histogram_lacks = d->histogram_lacks || !in_y;
        d->chunk_lacks = d->chunk_lacks || !in_x;
        if (in_x)
            more_x = bucket_walk_next(&x, &i);
        if (in_y)
            more_y = bucket_walk_next(&y, &k);
    }
}

/* --- both sides --------------------------------------------------------------------------- */

static bool
bounds_same(struct histogram_words x, struct histogram_words y)
{
    if (x.n != y.n)
        return false;
    for (size_t i = 0; i < x.n; i++) {
        if (f64_of_bits(x.v[i]) != f64_of_bits(y.v[i]))
            return false;
    }
    return true;
}

/* Schema or threshold differ: buckets cannot be compared. */
static bool
scale_differs(const struct histogram *x, const struct histogram *y)
{
    return x->schema != y->schema ||
           f64_of_bits(x->zero_threshold) != f64_of_bits(y->zero_threshold);
}

/* What a counter says of itself: CHUNK_FLAG_NO_RESET, and then *fits whether it may be appended. */
static enum chunk_flag
compare_counters(const struct histogram *last, enum chunk_flag flag, const struct histogram *h,
                 struct side_difference d[2], bool *fits)
{
    *fits = false;
    if (flag == CHUNK_FLAG_GAUGE)
        return CHUNK_FLAG_NO_RESET;
    if (h->reset == HISTOGRAM_RESET_YES)
        return CHUNK_FLAG_RESET;
    if (histogram_is_stale(h)) {
        *fits = true;
        return CHUNK_FLAG_NO_RESET;
    }
    if (histogram_is_stale(last))
        return CHUNK_FLAG_UNKNOWN;
    if (count_above(h->kind, last->count, h->count))
        return CHUNK_FLAG_RESET;
    if (scale_differs(last, h))
        return CHUNK_FLAG_UNKNOWN;
    if (h->schema == HISTOGRAM_SCHEMA_CUSTOM && !bounds_same(last->custom_bounds, h->custom_bounds))
        return CHUNK_FLAG_RESET;
    if (count_above(h->kind, last->zero_count, h->zero_count) ||
        side_reset(h->kind, last->positive_spans, last->positive, h->positive_spans, h->positive,
                   &d[0]) ||
        side_reset(h->kind, last->negative_spans, last->negative, h->negative_spans, h->negative,
                   &d[1]))
        return CHUNK_FLAG_RESET;
    *fits = true;
    return CHUNK_FLAG_NO_RESET;
}

static bool
gauge_fits(const struct histogram *last, enum chunk_flag flag, const struct histogram *h,
           struct side_difference d[2])
{
    if (flag != CHUNK_FLAG_GAUGE)
        return false;
    if (histogram_is_stale(h))
        return true;
    if (histogram_is_stale(last) || scale_differs(last, h))
        return false;
    if (h->schema == HISTOGRAM_SCHEMA_CUSTOM && !bounds_same(last->custom_bounds, h->custom_bounds))
        return false;
    side_compare(last->positive_spans, h->positive_spans, &d[0]);
    side_compare(last->negative_spans, h->negative_spans, &d[1]);
    return true;
}

/* The layout that holds both. Which of the equivalent spans are taken decides the chunk's bytes:
 * a counter joins each side by itself, a gauge both as soon as one has to be. */
static struct histogram_verdict
join_layouts(const struct histogram *last, const struct histogram *h,
             const struct side_difference d[2], struct arena *scratch)
{
    if (!d[0].chunk_lacks && !d[1].chunk_lacks)
        return (struct histogram_verdict){
            .fit =
                d[0].histogram_lacks || d[1].histogram_lacks ? HISTOGRAM_WIDENED : HISTOGRAM_FITS,
            .positive = last->positive_spans,
            .negative = last->negative_spans,
        };
    bool gauge = h->reset == HISTOGRAM_GAUGE && (d[0].histogram_lacks || d[1].histogram_lacks);
    struct histogram_verdict v = {
        .fit = HISTOGRAM_RECODED, .positive = h->positive_spans, .negative = h->negative_spans};
    if (gauge || d[0].histogram_lacks)
        v.positive = histogram_spans_union(last->positive_spans, h->positive_spans, scratch);
    if (gauge || d[1].histogram_lacks)
        v.negative = histogram_spans_union(last->negative_spans, h->negative_spans, scratch);
    return v;
}

struct histogram_verdict
histogram_decide(const struct histogram *last, enum chunk_flag flag, const struct histogram *h,
                 struct arena *scratch)
{
    ASSERT(last->kind == h->kind);
    struct side_difference d[2] = {{false, false}, {false, false}};
    if (h->reset == HISTOGRAM_GAUGE) {
        if (!gauge_fits(last, flag, h, d))
            return (struct histogram_verdict){.fit = HISTOGRAM_CUT, .flag = CHUNK_FLAG_GAUGE};
        return join_layouts(last, h, d, scratch);
    }
    bool fits;
    enum chunk_flag said = compare_counters(last, flag, h, d, &fits);
    if (fits)
        return join_layouts(last, h, d, scratch);
    /* Float chunks only tell resets apart. */
    if (h->kind == HISTOGRAM_FLOAT && said == CHUNK_FLAG_NO_RESET)
        said = CHUNK_FLAG_UNKNOWN;
    return (struct histogram_verdict){.fit = HISTOGRAM_CUT, .flag = said};
}

enum chunk_flag
histogram_first_flag(const struct histogram *last, enum chunk_flag flag, const struct histogram *h)
{
    if (h->reset == HISTOGRAM_GAUGE)
        return CHUNK_FLAG_GAUGE;
    if (h->reset == HISTOGRAM_RESET_YES)
        return CHUNK_FLAG_RESET;
    if (!last)
        return CHUNK_FLAG_UNKNOWN;
    ASSERT(last->kind == h->kind);
    bool fits;
    struct side_difference d[2] = {{false, false}, {false, false}};
    enum chunk_flag said = compare_counters(last, flag, h, d, &fits);
    if (h->kind == HISTOGRAM_FLOAT && said == CHUNK_FLAG_UNKNOWN)
        said = CHUNK_FLAG_NO_RESET; /* as above: not a reset */
    return said;
}

void
histogram_spread(enum histogram_kind kind, struct histogram_spans from,
                 struct histogram_words words, struct histogram_spans to, uint64_t *ret)
{
    struct side_walk s = side_begin(kind, from, words);
    struct bucket_walk walk = bucket_walk_of(to);
    int64_t index;
    uint64_t before = 0;
    for (; bucket_walk_next(&walk, &index); ret++) {
        bool there = s.more && s.index == index;
        uint64_t count = there ? s.count : 0;
        *ret = kind == HISTOGRAM_INTEGER ? count - before : count;
        before = count;
        if (there)
            side_next(&s);
    }
    ASSERT(!s.more); /* `to` has all buckets of `from` */
}
