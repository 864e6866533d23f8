/* Native histograms out of a real database: queries over the head, over blocks and head, after a
 * restart, over blocks alone, against what a naive computation makes of the same samples. */
#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "base/fs.h"
#include "querygw/store/store.h"
#include "tests/querygw/query_fixture.h"
#include "tests/tsdb/head_kit.h"
#include "tests/tsdb/histogram_kit.h"

enum {
    SAMPLES = 960, /* of a series: 4 h, more than a block */
    INTERVAL_MS = 15000,
    BUCKETS = 6,
    LATE_EVERY = 48, /* so many samples later those that were held back come */
    LOOKBACK_MS = 5 * 60 * 1000,
};
static const int64_t t0 = INT64_C(1700000000000) / 7200000 * 7200000; /* a range begins */

/* --- the samples ------------------------------------------------------------------------------ */

struct point {
    bool present, stale;
    double count, sum, buckets[BUCKETS];
};

/* Two of three have the group "exp": their sum is asked for. */
static const struct kind {
    const char *labels, *front, *back; /* of the sample's text */
    char letter;
    bool gauge, late;
} kinds[] = {
    {"__name__=h,g=exp,k=int", "s=0", "", 'i', false, false},
    {"__name__=h,g=exp,k=float", "s=0", "", 'f', false, false},
    {"__name__=h,g=exp,k=late", "s=0", "", 'i', false, true},
    {"__name__=h,g=exp,k=latefloat", "s=0", "", 'f', false, true},
    {"__name__=h,k=gauge", "s=0", " hint=gauge", 'i', true, false},
    {"__name__=h,k=custom", "s=-53", " b=1,2,4,8,16", 'i', false, true},
};
enum { KINDS = ARRAY_LEN(kinds) };

struct world {
    uint64_t seed;
    struct point points[KINDS][SAMPLES];
};

/* Grows by a little, or begins anew; gauges have any value. The kinds of buckets that are met
 * change, so that chunks are written anew or cut. */
static void
next_point(struct world *w, const struct kind *k, const struct point *before, struct point *to)
{
    bool anew = k->gauge || kit_random(&w->seed) % 25 == 0;
    uint64_t used = kit_random(&w->seed);
    *to = (struct point){.present = kit_random(&w->seed) % 30 != 0,
                         .stale = kit_random(&w->seed) % 40 == 0};
    for (size_t i = 0; i < BUCKETS; i++) {
        uint64_t more = (used >> i & 1) ? kit_random(&w->seed) % 40 : 0;
        to->buckets[i] = (anew ? 0 : before->buckets[i]) + (double)more;
        to->count += to->buckets[i];
        to->sum += to->buckets[i] * (double)(1 << i);
    }
}

static void
world_make(struct world *w)
{
    static const struct point nothing;
    w->seed = 88172645463325252;
    for (size_t k = 0; k < KINDS; k++)
        for (size_t i = 0; i < SAMPLES; i++)
            next_point(w, &kinds[k], i ? &w->points[k][i - 1] : &nothing, &w->points[k][i]);
}

static int64_t
time_of(size_t i)
{
    return t0 + (int64_t)i * INTERVAL_MS;
}

static void
put_point(struct db *db, const struct world *w, size_t k, size_t i)
{
    const struct point *p = &w->points[k][i];
    AUTO(buf_fini) struct buf text = BUF_INIT;
    struct kit_request r;
    struct append_result result;
    if (!p->present)
        return;
    buf_printf(&text, "%c %s ", kinds[k].letter, kinds[k].front);
    if (p->stale)
        buf_printf(&text, "sum=stale");
    else
        buf_printf(&text, "n=%.0f sum=%.0f p=0:", p->count, p->sum);
    for (size_t b = 0; b < BUCKETS && !p->stale; b++)
        buf_printf(&text, "%s%.0f", b ? "," : "", p->buckets[b]);
    buf_printf(&text, "%s", p->stale ? "" : kinds[k].back);
    kit_request_init(&r);
    kit_row(&r, kinds[k].labels);
    kit_histogram_sample(&r, time_of(i), buf_cstr(&text));
    CK_OK(kit_append(&r, db, &result));
    ck_assert_msg(result.fates[SAMPLE_STORED] + result.fates[SAMPLE_STORED_LATE] == 1,
                  "%s at %zu: %.*s", kinds[k].labels, i, STR_FMT(result.example));
    kit_request_fini(&r);
}

/* A third of the samples, but never the last. */
static bool
is_late(const struct kind *k, size_t i)
{
    return k->late && i % 3 == 1;
}

static void
put_world(struct db *db, const struct world *w)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        for (size_t k = 0; k < KINDS; k++)
            if (!is_late(&kinds[k], i))
                put_point(db, w, k, i);
        for (size_t k = 0; k < KINDS && i % LATE_EVERY == LATE_EVERY - 1; k++)
            for (size_t late = i + 1; late > i + 1 - LATE_EVERY; late--)
                if (is_late(&kinds[k], late - 1))
                    put_point(db, w, k, late - 1);
    }
}

/* --- naive answers ---------------------------------------------------------------------------- */

struct answer {
    bool any;
    bool is_float;
    double value;
    struct point histogram;
};

static struct answer
number(double value)
{
    return (struct answer){.any = true, .is_float = true, .value = value};
}

/* The samples in (end - range, end], without stale ones. */
static size_t
points_within(const struct world *w, size_t k, int64_t end_ms, int64_t range_ms, size_t *to)
{
    size_t n = 0;
    for (size_t i = 0; i < SAMPLES; i++)
        if (time_of(i) > end_ms - range_ms && time_of(i) <= end_ms && w->points[k][i].present &&
            !w->points[k][i].stale)
            to[n++] = i;
    return n;
}

static struct answer
newest(const struct world *w, size_t k, int64_t t_ms)
{
    size_t i = SAMPLES;
    while (i > 0 && (time_of(i - 1) > t_ms || !w->points[k][i - 1].present))
        i--;
    if (i == 0 || time_of(i - 1) <= t_ms - LOOKBACK_MS || w->points[k][i - 1].stale)
        return (struct answer){.any = false};
    return (struct answer){.any = true, .histogram = w->points[k][i - 1]};
}

static void
add(struct point *to, const struct point *p, double factor)
{
    to->count += factor * p->count;
    to->sum += factor * p->sum;
    for (size_t i = 0; i < BUCKETS; i++)
        to->buckets[i] += factor * p->buckets[i];
}

static bool
fell(const struct point *before, const struct point *now)
{
    bool fell = now->count < before->count;
    for (size_t i = 0; i < BUCKETS; i++)
        fell = fell || now->buckets[i] < before->buckets[i];
    return fell;
}

/* As prometheus promql/functions.go (extrapolatedRate) has it, without any of our cursors. */
static struct answer
growth(const struct world *w, size_t k, int64_t t_ms, bool counter, double per_seconds)
{
    size_t at[SAMPLES], n = points_within(w, k, t_ms, LOOKBACK_MS, at);
    if (n < 2)
        return (struct answer){.any = false};
    const struct point *p = w->points[k];
    struct answer a = {.any = true, .histogram = p[at[n - 1]]};
    add(&a.histogram, &p[at[0]], -1);
    for (size_t i = 1; counter && i < n; i++)
        if (fell(&p[at[i - 1]], &p[at[i]]))
            add(&a.histogram, &p[at[i - 1]], 1);
    double sampled = (double)(time_of(at[n - 1]) - time_of(at[0])) / 1000;
    double between = sampled / (double)(n - 1);
    double to_start = (double)(time_of(at[0]) - (t_ms - LOOKBACK_MS)) / 1000;
    double to_end = (double)(t_ms - time_of(at[n - 1])) / 1000;
    if (to_start >= between * 1.1)
        to_start = between / 2;
    if (to_end >= between * 1.1)
        to_end = between / 2;
    if (counter && a.histogram.count > 0)
        to_start = fmin(to_start, sampled * (p[at[0]].count / a.histogram.count));
    struct point grown = a.histogram;
    a.histogram = (struct point){0};
    add(&a.histogram, &grown, (sampled + to_start + to_end) / sampled / per_seconds);
    return a;
}

static struct answer
naive_rate(const struct world *w, size_t k, int64_t t_ms)
{
    return growth(w, k, t_ms, true, LOOKBACK_MS / 1000);
}

static struct answer
naive_delta(const struct world *w, size_t k, int64_t t_ms)
{
    return growth(w, k, t_ms, false, 1);
}

static struct answer
naive_resets(const struct world *w, size_t k, int64_t t_ms)
{
    size_t at[SAMPLES], n = points_within(w, k, t_ms, 3600 * 1000, at), resets = 0;
    for (size_t i = 1; i < n; i++)
        resets += fell(&w->points[k][at[i - 1]], &w->points[k][at[i]]);
    return n ? number((double)resets) : (struct answer){.any = false};
}

static struct answer
naive_count(const struct world *w, size_t k, int64_t t_ms)
{
    size_t at[SAMPLES], n = points_within(w, k, t_ms, 3600 * 1000, at);
    return n ? number((double)n) : (struct answer){.any = false};
}

static struct answer
sum_of(const struct world *w, int64_t t_ms,
       struct answer (*of)(const struct world *w, size_t k, int64_t t_ms))
{
    struct answer sum = {.any = false};
    for (size_t k = 0; k < KINDS; k++) {
        struct answer a = {.any = false};
        if (strstr(kinds[k].labels, "g=exp"))
            a = of(w, k, t_ms);
        sum.any = sum.any || a.any;
        add(&sum.histogram, &a.histogram, a.any);
    }
    return sum;
}

static struct answer
naive_sum(const struct world *w, size_t k, int64_t t_ms)
{
    (void)k;
    return sum_of(w, t_ms, newest);
}

/* Buckets end at 1, 2, 4 ...; within one, logarithms grow evenly. */
static struct answer
naive_quantile(const struct world *w, size_t k, int64_t t_ms)
{
    (void)k;
    struct answer sum = sum_of(w, t_ms, naive_rate);
    double rank = 0.9 * sum.histogram.count;
    size_t i = 0;
    if (!sum.any)
        return sum;
    for (; i < BUCKETS - 1 && rank > sum.histogram.buckets[i]; i++)
        rank -= sum.histogram.buckets[i];
    double share = rank / sum.histogram.buckets[i];
    return number(exp2((double)i - 1 + share));
}

/* --- the answers of the engine ---------------------------------------------------------------- */

struct db_store {
    struct store store;
    struct db *db;
};

static struct err
db_store_select(struct store *s, const struct select_query *q, struct matchers matchers,
                struct arena *a, struct series_set **ret_set)
{
    return db_select(((struct db_store *)s)->db, q, matchers, a, ret_set);
}

static struct point
point_of(const struct float_histogram *h)
{
    struct point p = {.present = true, .count = h->count, .sum = h->sum};
    int64_t index = 0;
    size_t at = 0;
    for (size_t s = 0; s < h->positive.spans.n; s++) {
        index += h->positive.spans.v[s].offset;
        for (size_t i = 0; i < h->positive.spans.v[s].length; i++, index++, at++) {
            ck_assert(index >= 0 && index < BUCKETS);
            p.buckets[index] = h->positive.v[at];
        }
    }
    ck_assert_uint_eq(at, h->positive.n);
    return p;
}

static bool
near(double x, double y)
{
    return fabs(x - y) <= 1e-9 * fmax(1, fmax(fabs(x), fabs(y)));
}

static bool
answers_match(const struct answer *want, const struct promql_point *got)
{
    if (want->is_float != !got->histogram)
        return false;
    if (want->is_float)
        return near(want->value, got->value);
    struct point p = point_of(got->histogram);
    bool same = near(want->histogram.count, p.count) && near(want->histogram.sum, p.sum);
    for (size_t i = 0; i < BUCKETS; i++)
        same = same && near(want->histogram.buckets[i], p.buckets[i]);
    return same;
}

static const struct question {
    const char *query; /* %s: the label k */
    bool of_all;       /* else it is asked of every kind */
    bool of_gauge;     /* then of gauges alone; else of all others, too */
    struct answer (*naive)(const struct world *w, size_t k, int64_t t_ms);
} questions[] = {
    {"h{k=\"%s\"}", false, false, newest},
    {"count_over_time(h{k=\"%s\"}[1h])", false, false, naive_count},
    {"resets(h{k=\"%s\"}[1h])", false, false, naive_resets},
    {"rate(h{k=\"%s\"}[5m])", false, false, naive_rate},
    {"delta(h{k=\"%s\"}[5m])", false, true, naive_delta},
    {"sum(h{g=\"exp\"})", true, false, naive_sum},
    {"histogram_quantile(0.9, sum(rate(h{g=\"exp\"}[5m])))", true, false, naive_quantile},
};

/* Every answer of a range query, and that there is none where there should be none. */
static void
ask(struct db *db, const struct world *w, const char *query, const struct question *q, size_t k)
{
    struct query_fixture f; /* for its arena */
    struct db_store store = {.store = {&(const struct store_ops){.select = db_store_select}},
                             .db = db};
    struct promql_span span = span_range(t0 - 40000, time_of(SAMPLES) + 400000, 97000);
    struct promql_plan *plan;
    struct promql_result *r;
    query_fixture_init(&f);
    AUTO(promql_close) struct promql_run *run = NULL;
    CK_OK(query_plan(&f, query, span, &plan));
    CK_OK(promql_open(&f.arena, plan, &store.store, &f.limits, &run));
    CK_OK(promql_eval(run, &r));
    ck_assert_msg(r->count == 1, "%s: %zu series", query, r->count);
    struct promql_point point = {.t_ms = INT64_MIN};
    size_t at = 0;
    bool more = promql_point_next(r, &r->series[0], &at, &point);
    for (int64_t t_ms = span.start_ms; t_ms <= span.end_ms; t_ms += span.step_ms) {
        struct answer want = q->naive(w, k, t_ms);
        bool has = more && point.t_ms == t_ms;
        ck_assert_msg(has == want.any, "%s at %jd: %s", query, (intmax_t)(t_ms - t0),
                      has ? "too much" : "missing");
        ck_assert_msg(!has || answers_match(&want, &point), "%s at %jd: %s, not %s", query,
                      (intmax_t)(t_ms - t0),
                      point.histogram ? kit_float_text(point.histogram, &f.arena)
                                      : arena_printf(&f.arena, "%.17g", point.value).p,
                      arena_printf(&f.arena, "%.17g", want.value).p);
        if (has)
            more = promql_point_next(r, &r->series[0], &at, &point);
    }
    ck_assert(!more);
    promql_close(TAKE(run));
    query_fixture_fini(&f);
}

static void
ask_all(struct db *db, const struct world *w)
{
    for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
        const struct question *q = &questions[i];
        for (size_t k = 0; k < (q->of_all ? 1 : KINDS); k++) {
            char query[128];
            if (q->of_gauge && !kinds[k].gauge)
                continue;
            snprintf(query, sizeof query, q->query, strstr(kinds[k].labels, "k=") + 2);
            ask(db, w, query, q, k);
        }
    }
}

static struct world *
world_of(struct arena *a)
{
    struct world *w = ARENA_NEW(a, struct world);
    world_make(w);
    return w;
}

START_TEST(test_head_and_blocks)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    const struct world *w = world_of(&a);
    struct db_opts opts = kit_late_opts(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    put_world(db, w);
    struct db_stats s = kit_stats(db);
    ck_assert(s.blocks == 0 && s.late_samples_appended > 500);
    ask_all(db, w);

    CK_OK(db_maintain(db)); /* the first hours become a block */
    s = kit_stats(db);
    ck_assert(s.blocks > 0 && s.series == KINDS);
    ask_all(db, w);

    CK_OK(db_finish(db));
    db_close(db);
    db = kit_open(&opts);
    ask_all(db, w);

    bool empty = false;
    for (int i = 0; i < 4 && !empty; i++)
        CK_OK(db_flush(db, &empty));
    ck_assert(empty);
    ask_all(db, w);
    CK_OK(db_maintain(db)); /* compacts what overlaps */
    ask_all(db, w);
    db_close(db);
}
END_TEST

/* What a chunk says of its sample, that it is no reset, is not about one that came late between
 * that sample and the one before. */
START_TEST(test_late_before_no_reset)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct world *w = ARENA_NEW(&a, struct world);
    const double counts[] = {10, 20, 12, 14, 40, 41};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        w->points[2][i] =
            (struct point){.present = true, .count = counts[i], .buckets = {counts[i]}};
    struct db_opts opts = kit_late_opts(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    const size_t order[] = {0, 2, 3, 5, 1, 4};
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        put_point(db, w, 2, order[i]);
    ask(db, w, "resets(h[1h])", &questions[2], 2);
    ask(db, w, "rate(h[5m])", &questions[3], 2);
    db_close(db);
}
END_TEST

Suite *
store_histograms_suite(void)
{
    Suite *s = suite_create("store_histograms");
    TCase *t = tcase_create("store_histograms");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, test_late_before_no_reset);
    tcase_add_test(t, test_head_and_blocks);
    suite_add_tcase(s, t);
    return s;
}
