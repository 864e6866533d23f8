/* Every operation on two valid histograms gives one whose spans fit its buckets. */
#include <math.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "querygw/promql/histogram_stats.h"
#include "tests/fuzz/fuzz.h"
#include "tsdb/model/histogram_spans.h"
#include "tsdb/wal/record_histograms.h"

/* As a snapshot has it, in front: the kind. NULL when it is none that a sender may send. */
static struct float_histogram *
take(struct reader *r, struct arena *a)
{
    struct histogram h;
    enum histogram_kind kind = reader_u8(r) % 2 ? HISTOGRAM_FLOAT : HISTOGRAM_INTEGER;
    enum record_histogram_use use = record_get_histogram_value(r, a, kind, &h);
    if (r->code != ERR_NONE || use != RECORD_HISTOGRAM_USABLE)
        return NULL;
    struct err e = histogram_reduce(&h, a, &h);
    if (e.code == ERR_NONE)
        e = histogram_validate(&h);
    bool valid = e.code == ERR_NONE;
    err_drop(e);
    return valid ? float_histogram_of(&h, a) : NULL;
}

static void
check_side(const struct float_buckets *b)
{
    size_t buckets;
    ASSERT(histogram_spans_check(b->spans, &buckets).kind == SPANS_SOUND && buckets == b->n);
}

static void
check(const struct float_histogram *h)
{
    check_side(&h->positive);
    check_side(&h->negative);
    struct float_bucket b;
    size_t n = 0;
    struct float_bucket_walk up = float_bucket_walk_start(h, false);
    struct float_bucket_walk down = float_bucket_walk_start(h, true);
    for (; float_bucket_walk_next(&up, &b); n++)
        ASSERT(float_bucket_walk_next(&down, &b));
    ASSERT(!float_bucket_walk_next(&down, &b) && n >= h->positive.n + h->negative.n);
}

static void
combine(const struct float_histogram *x, const struct float_histogram *y, struct arena *a)
{
    struct float_histogram *sum = float_histogram_copy(x, a), *rest = float_histogram_copy(x, a);
    struct float_histogram *exact = float_histogram_copy(x, a), *c = NULL;
    unsigned findings = 0;
    bool alike = float_histogram_is_custom(x) == float_histogram_is_custom(y);
    ASSERT(float_histogram_add(sum, y, a, &findings) == alike);
    ASSERT(float_histogram_subtract(rest, y, a, &findings) == alike);
    for (int i = 0; alike && i < 2; i++)
        ASSERT(float_histogram_add_compensated(exact, &c, y, a, &findings));
    check(sum);
    check(rest);
    check(exact);
    ASSERT(!c || (c->positive.n == exact->positive.n && c->negative.n == exact->negative.n));
    (void)float_histogram_was_reset(sum, x);
    (void)float_histogram_was_reset(x, y);
    ASSERT(float_histogram_equal(x, x) || isnan(x->zero_threshold));
}

static void
change(const struct float_histogram *x, double bound, struct arena *a)
{
    struct float_histogram *above = float_histogram_copy(x, a), *h = float_histogram_copy(x, a);
    unsigned findings = 0;
    (void)histogram_stats_quantile(h, bound, &findings);
    (void)histogram_stats_fraction(h, bound, bound + 1, &findings);
    (void)histogram_stats_variance(h);
    float_histogram_trim(above, bound, FLOAT_HISTOGRAM_ABOVE, a);
    check(above);
    if (!float_histogram_is_custom(h))
        float_histogram_reduce(h, HISTOGRAM_SCHEMA_MIN, a);
    check(h);
    float_histogram_trim(h, bound, FLOAT_HISTOGRAM_BELOW, a);
    float_histogram_multiply(h, bound);
    float_histogram_compact(h, a);
    check(h);
    AUTO(buf_fini) struct buf text = BUF_INIT;
    float_histogram_format(h, &text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct reader r = reader_of(str_of((const char *)data, size));
    const struct float_histogram *x = take(&r, &a);
    const struct float_histogram *y = x ? take(&r, &a) : NULL;
    double bound = f64_of_bits(reader_le64(&r));
    if (y) {
        combine(x, y, &a);
        change(x, bound, &a);
    }
    return 0;
}
