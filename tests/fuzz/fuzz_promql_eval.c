/* fuzz_promql_eval.c - evaluates a valid query over series with gaps, stale markers, NaN, Inf and
 * overlapping chunks, both made of the input.
 *
 * A range query that succeeds is the sequence of its instant queries; how samples are cut into
 * chunks and which threads work makes no difference; small limits are kept or told. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "querygw/promql/engine.h"
#include "querygw/promql/parse.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/promql_make.h"
#include "tests/querygw/fake_store.h"

enum { SERIES_MAX = 8, SAMPLES_MAX = 24, STEPS_MAX = 24, ARENA_BYTES_MAX = 64 << 20 };

struct eval_case {
    struct fake_store store;
    struct buf query;
    struct promql_span span;
    struct promql_limits limits;
    size_t arena_bytes;
};

/* Aborts when it does not hold, and says for what. */
static void
check(struct eval_case *e, bool holds, const char *what, const struct err *error)
{
    if (holds)
        return;
    fprintf(stderr, "%s: %s from %jd to %jd step %jd lookback %jd%s: %s\n", what,
            buf_cstr(&e->query), (intmax_t)e->span.start_ms, (intmax_t)e->span.end_ms,
            (intmax_t)e->span.step_ms, (intmax_t)e->span.lookback_ms,
            e->limits.delays_names ? " delayed names" : "", error ? err_text(error) : "");
    UNREACHABLE("see above");
}

static uint64_t
make_bits(struct choices *c)
{
    size_t kind = choose(c, 32);
    double odd[] = {NAN, INFINITY, -INFINITY, 0, -3, 1000};
    if (kind == 0)
        return STALE_NAN_BITS;
    return bits_of_f64(kind < 7 ? odd[kind - 1] : (double)kind);
}

/* Of a few layouts, one of them with custom bounds; now and then a stale marker. */
static void
add_histogram(struct choices *c, struct fake_store *s, struct labels labels, int64_t t_ms)
{
    static const struct histogram_span spans[] = {{0, 2}, {1, 1}};
    static const double bounds[] = {0.5, 1, 4};
    double counts[3] = {(double)choose(c, 8), (double)choose(c, 8), (double)choose(c, 8)};
    struct float_histogram h = {.schema = (int32_t)choose(c, 2), .zero_count = 1, .sum = 5};
    h.zero_threshold = 0.125;
    h.reset = choose(c, 4) ? HISTOGRAM_RESET_UNKNOWN : HISTOGRAM_GAUGE; /* which do not lie */
    if (choose(c, 4) == 0) {
        h.schema = HISTOGRAM_SCHEMA_CUSTOM;
        h.zero_count = h.zero_threshold = 0;
        h.bounds = bounds;
        h.bound_n = ARRAY_LEN(bounds);
    }
    h.positive = (struct float_buckets){{spans, ARRAY_LEN(spans)}, counts, 3};
    if (h.schema != HISTOGRAM_SCHEMA_CUSTOM && choose(c, 2))
        h.negative = (struct float_buckets){{spans, 1}, counts, 2};
    h.count = h.zero_count + counts[0] + counts[1] + counts[2];
    h.count += h.negative.n ? counts[0] + counts[1] : 0;
    if (choose(c, 16) == 0)
        h = (struct float_histogram){.sum = f64_of_bits(STALE_NAN_BITS)};
    fake_store_add_histogram(s, labels, t_ms, choose(c, 2) ? t_ms - 1000 : 0, &h);
}

static void
make_series(struct choices *c, struct fake_store *s)
{
    static const struct str names[] = {STR_INIT("m"), STR_INIT("n"), STR_INIT("target_info")};
    static const struct str values[] = {STR_INIT("1"), STR_INIT("2"), STR_INIT("+Inf"),
                                        STR_INIT("0.5")};
    struct label v[] = {{STR("__name__"), names[choose(c, 3)]},
                        {STR("instance"), values[choose(c, 2)]},
                        {STR("job"), choose(c, 2) ? STR("y") : STR("x")},
                        {STR("le"), values[choose(c, 4)]}};
    struct labels labels = {v, choose(c, 2) ? 4 : 3};
    int64_t t_ms = (int64_t)choose(c, 64) * 1000;
    size_t histograms = choose(c, 4); /* of four samples */
    bool started = choose(c, 4) == 0;
    for (size_t n = 1 + choose(c, SAMPLES_MAX); n > 0; n--) {
        if (choose(c, 4) + histograms > 4)
            add_histogram(c, s, labels, t_ms);
        else if (started)
            fake_store_add_started(s, labels, t_ms, make_bits(c),
                                   t_ms - (int64_t)choose(c, 99) * 500);
        else
            fake_store_add_bits(s, labels, t_ms, make_bits(c));
        t_ms += 125 + (int64_t)choose(c, 128) * 250; /* seconds without rounding */
    }
}

static void
make_case(struct choices *c, struct eval_case *e)
{
    static const int64_t steps_ms[] = {10000, 125, 7000, 60000, 875};
    buf_clear(&e->query);
    e->arena_bytes = ARENA_BYTES_MAX;
    promql_make(c, &e->query);
    e->limits.delays_names = choose(c, 4) == 0;
    e->limits.use_start_timestamps = choose(c, 2);
    e->span.lookback_ms = 1 + (int64_t)choose(c, 64) * 2000;
    e->span.start_ms = (int64_t)choose(c, 128) * 1000;
    e->span.step_ms = steps_ms[choose(c, ARRAY_LEN(steps_ms))];
    e->span.end_ms = e->span.start_ms + (int64_t)choose(c, STEPS_MAX) * e->span.step_ms;
    for (size_t n = 1 + choose(c, SERIES_MAX); n > 0; n--)
        make_series(c, &e->store);
}

static struct err
evaluate(struct eval_case *e, struct arena *a, struct promql_span span,
         struct promql_result **ret_result)
{
    static const struct promql_parse_opts all = {true, true, true, true};
    struct promql_node *ast;
    struct promql_plan *plan;
    AUTO(promql_close) struct promql_run *run = NULL;
    struct err parsed = promql_parse(a, buf_str(&e->query), &all, &ast);
    check(e, !parsed.code || parsed.code == ERR_LIMIT, "invalid", &parsed);
    TRY(parsed);
    TRY(promql_plan(a, ast, &span, &plan));
    TRY(promql_open(a, plan, &e->store.store, &e->limits, &run));
    return promql_eval(run, ret_result);
}

static bool
same_value(double a, double b)
{
    if (isnan(a) || isnan(b) || isinf(a) || isinf(b))
        return (isnan(a) && isnan(b)) || a == b;
    return fabs(a - b) <= 1e-6 * fmax(1, fmax(fabs(a), fabs(b)));
}

static bool
same_point(const struct promql_point *a, const struct promql_point *b)
{
    if (a->histogram && b->histogram)
        return same_value(a->histogram->count, b->histogram->count) &&
               same_value(a->histogram->sum, b->histogram->sum);
    return !a->histogram && !b->histogram && same_value(a->value, b->value);
}

/* A chunk has one layout for all its histograms: which of them have empty buckets depends on it. */
static bool
equal_histogram(const struct float_histogram *a, const struct float_histogram *b)
{
    AUTO(arena_fini) struct arena scratch = {0};
    arena_init(&scratch, 0);
    struct float_histogram *x = float_histogram_copy(a, &scratch);
    struct float_histogram *y = float_histogram_copy(b, &scratch);
    float_histogram_compact(x, &scratch);
    float_histogram_compact(y, &scratch);
    return float_histogram_equal(x, y) || isnan(a->sum);
}

/* By bits, but for NaN. */
static bool
equal_point(const struct promql_point *a, const struct promql_point *b)
{
    if (a->histogram && b->histogram)
        return equal_histogram(a->histogram, b->histogram);
    return !a->histogram && !b->histogram &&
           (a->value == b->value || (isnan(a->value) && isnan(b->value)));
}

/* The point of the series with these labels at this time. */
static bool
find_point(const struct promql_result *r, struct labels labels, int64_t t_ms,
           struct promql_point *ret_point)
{
    for (size_t i = 0; i < r->count; i++) {
        struct promql_point p;
        if (!labels_eq(r->series[i].labels, labels))
            continue;
        for (size_t at = 0; promql_point_next(r, &r->series[i], &at, &p);)
            if (p.t_ms == t_ms) {
                *ret_point = p;
                return true;
            }
    }
    return false;
}

static void
check_instant(struct eval_case *e, const struct promql_result *range, int64_t t_ms, size_t *points)
{
    AUTO(arena_fini) struct arena a = {0};
    struct promql_result *r;
    struct promql_point p, wanted;
    arena_init(&a, ARENA_BYTES_MAX);
    struct promql_span span = {.start_ms = t_ms, .end_ms = t_ms};
    span.lookback_ms = e->span.lookback_ms;
    struct err error = evaluate(e, &a, span, &r);
    check(e, !error.code, "only the instant query fails", &error);
    err_drop(error);
    if (r->type == PROMQL_SCALAR) {
        check(e, find_point(range, (struct labels){0}, t_ms, &p), "no scalar", NULL);
        check(e, same_value(p.value, r->scalar), "other scalar", NULL);
        ++*points;
        return;
    }
    *points += r->count;
    for (size_t i = 0; i < r->count; i++) {
        size_t at = 0;
        promql_point_next(r, &r->series[i], &at, &wanted);
        check(e, find_point(range, r->series[i].labels, t_ms, &p), "not in the range", NULL);
        check(e, same_point(&p, &wanted), "other value in the range", NULL);
    }
}

/* A mark of a delayed name is that of a group's last step: only then do names make a difference. */
static bool
is_comparable(struct eval_case *e)
{
    return !e->limits.delays_names || !strstr(buf_cstr(&e->query), "__name__)");
}

static void
check_instants(struct eval_case *e, const struct promql_result *range)
{
    size_t points = 0, wanted = 0;
    for (size_t i = 0; i < range->count; i++)
        wanted += promql_series_points(&range->series[i]);
    for (int64_t t = e->span.start_ms; t <= e->span.end_ms; t += e->span.step_ms)
        check_instant(e, range, t, &points);
    check(e, points == wanted, "only in the range", NULL);
}

/* The same query over the same samples in other chunks. */
static void
check_again(struct eval_case *e, const struct promql_result *want, enum err_code code)
{
    AUTO(arena_fini) struct arena a = {0};
    struct promql_result *r;
    arena_init(&a, e->arena_bytes);
    struct err error = evaluate(e, &a, e->span, &r);
    bool limited = e->limits.samples_max && error.code == ERR_LIMIT;
    check(e, limited || error.code == code, "other error by chunks", &error);
    for (size_t i = 0; !error.code && i < r->count; i++) {
        struct promql_point p, q;
        check(e, r->count == want->count, "other series by chunks", NULL);
        for (size_t at = 0; promql_point_next(r, &r->series[i], &at, &p);) {
            bool found = find_point(want, r->series[i].labels, p.t_ms, &q);
            check(e, found && equal_point(&p, &q), "other value by chunks", NULL);
        }
    }
    err_drop(error);
}

/* On two threads, a few series at a time. */
static void
check_threads(struct eval_case *e, const struct promql_result *want, enum err_code code,
              size_t batch_series)
{
    struct pool_opts opts = {.name = "fuzz", .threads = 1, .queued_limit = 16};
    struct err error = pool_start(&opts, &e->limits.pool);
    ASSERT(!error.code);
    err_drop(error);
    e->limits.batch_series = batch_series;
    check_again(e, want, code);
    pool_stop(e->limits.pool);
    e->limits.pool = NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct choices c = {data, size_min(size, 4096)};
    struct eval_case e = {.query = BUF_INIT};
    AUTO(arena_fini) struct arena a = {0};
    struct promql_result *range = NULL;
    fake_store_init(&e.store);
    arena_init(&a, ARENA_BYTES_MAX);
    make_case(&c, &e);
    struct err error = evaluate(&e, &a, e.span, &range);
    if (!error.code && is_comparable(&e))
        check_instants(&e, range);
    e.store.chunk_samples = 1 + choose(&c, 8);
    e.store.interleave = choose(&c, 2);
    check_again(&e, range, error.code);
    check_threads(&e, range, error.code, 1 + choose(&c, 4));
    e.limits.samples_max = 1 + choose(&c, 256);
    e.arena_bytes = (16 + choose(&c, 128)) << 10;
    check_again(&e, range, error.code);
    err_drop(error);
    buf_fini(&e.query);
    fake_store_fini(&e.store);
    return 0;
}
