/* Random series of histograms: where chunks end, their flags and their buckets are what a second,
 * plain implementation of the rules says, with buckets in dense arrays; they decode to what went
 * in, at every length. And what ends a chunk that only we end. */
#include "tests/harness.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/vec.h"
#include "tests/tsdb/histogram_kit.h"
#include "tsdb/chunk/histogram_chunk.h"
#include "tsdb/model/histogram_spans.h"

enum { FIRST = -20, WIDTH = 64, SAMPLES = 250 };

/* --- the plain rules ---------------------------------------------------------------------- */

/* One histogram with a place for every bucket there could be. */
struct dense {
    bool there[2][WIDTH];
    double count[2][WIDTH]; /* below 2^53: exact */
    double total, zero, threshold;
    int schema, bounds;
    bool stale, gauge, says_reset;
};

static double
number_of(enum histogram_kind kind, uint64_t v)
{
    return kind == HISTOGRAM_FLOAT ? f64_of_bits(v) : (double)v;
}

static struct dense
dense_of(const struct histogram *h)
{
    struct dense d = {.total = number_of(h->kind, h->count),
                      .zero = number_of(h->kind, h->zero_count),
                      .threshold = f64_of_bits(h->zero_threshold),
                      .schema = h->schema,
                      .bounds = (int)h->custom_bounds.n,
                      .stale = h->sum == STALE_NAN_BITS,
                      .gauge = h->reset == HISTOGRAM_GAUGE,
                      .says_reset = h->reset == HISTOGRAM_RESET_YES};
    for (int side = 0; side < 2; side++) {
        struct histogram_spans spans = side ? h->negative_spans : h->positive_spans;
        const uint64_t *word = side ? h->negative.v : h->positive.v;
        int index = FIRST;
        int at = 0;
        uint64_t sum = 0;
        for (size_t i = 0; i < spans.n; i++) {
            at += spans.v[i].offset;
            for (uint32_t k = 0; k < spans.v[i].length; k++, at++, word++) {
                index = at - FIRST;
                ck_assert(index >= 0 && index < WIDTH);
                sum = h->kind == HISTOGRAM_INTEGER ? sum + *word : *word;
                d.there[side][index] = true;
                d.count[side][index] = number_of(h->kind, sum);
            }
        }
    }
    return d;
}

/* The open chunk. */
struct plain {
    struct dense last; /* `there` is the layout */
    int flag;
    bool integer;
};

enum { SAME, CUT };

static bool
scale_changed(const struct dense *x, const struct dense *y)
{
    return x->schema != y->schema || x->threshold != y->threshold;
}

/* 10, 01 or 00 for a counter; *ok when it may go on. */
static int
plain_counter(const struct plain *p, const struct dense *d, bool *ok)
{
    const struct dense *last = &p->last;
    *ok = false;
    if (p->flag == 3)
        return 1;
    if (d->says_reset)
        return 2;
    if (d->stale || last->stale) {
        *ok = d->stale;
        return d->stale ? 1 : 0;
    }
    if (d->total < last->total)
        return 2;
    if (scale_changed(last, d))
        return 0;
    if (last->bounds != d->bounds || d->zero < last->zero)
        return 2;
    for (int i = 0; i < 2 * WIDTH; i++) {
        if (last->there[i / WIDTH][i % WIDTH] &&
            d->count[i / WIDTH][i % WIDTH] < last->count[i / WIDTH][i % WIDTH])
            return 2; /* one that is not there counts 0 */
    }
    *ok = true;
    return 1;
}

static void
plain_begin(struct plain *p, const struct dense *d, int flag)
{
    p->last = *d;
    p->flag = flag;
    if (!d->stale)
        return;
    memset(p->last.there, 0, sizeof p->last.there); /* a marker has no layout */
    memset(p->last.count, 0, sizeof p->last.count);
}

static int
plain_append(struct plain *p, const struct dense *d)
{
    bool ok;
    int flag;
    if (d->gauge) {
        ok = p->flag == 3 && (d->stale || (!p->last.stale && !scale_changed(&p->last, d) &&
                                           p->last.bounds == d->bounds));
        flag = 3;
    } else {
        flag = plain_counter(p, d, &ok);
        if (!p->integer && flag == 1)
            flag = 0;
    }
    if (!ok) {
        plain_begin(p, d, flag);
        return CUT;
    }
    struct dense old = p->last;
    p->last = *d;
    for (int i = 0; i < 2 * WIDTH; i++)
        p->last.there[i / WIDTH][i % WIDTH] =
            old.there[i / WIDTH][i % WIDTH] || (!d->stale && d->there[i / WIDTH][i % WIDTH]);
    return SAME;
}

/* Begun for another reason than `d`; `known`: the chunk before is. */
static void
plain_cut(struct plain *p, const struct dense *d, bool known)
{
    bool ok;
    int flag = d->gauge ? 3 : d->says_reset ? 2 : known ? plain_counter(p, d, &ok) : 0;
    if (known && !p->integer && flag == 0)
        flag = 1;
    plain_begin(p, d, flag);
}

/* --- both --------------------------------------------------------------------------------- */

static void
check_state(const char *name, const struct plain *p, const struct histogram_appender *a)
{
    const struct histogram *newest = histogram_appender_newest(a);
    ck_assert_msg((int)histogram_appender_flag(a) == p->flag, "%s: flag %d, want %d", name,
                  (int)histogram_appender_flag(a), p->flag);
    struct dense got = dense_of(newest);
    ROW_ASSERT(name, memcmp(got.there, p->last.there, sizeof got.there) == 0);
    if (!p->last.stale)
        ROW_ASSERT(name, memcmp(got.count, p->last.count, sizeof got.count) == 0);
}

/* The chunk holds the samples want[0..n), now and in a copy. */
static void
check_holds(const char *name, const struct histogram_appender *a, const int64_t *t_ms,
            const struct histogram *want, size_t n)
{
    AUTO(arena_fini) struct arena arena;
    arena_init(&arena, 0);
    AUTO(histogram_columns_fini) struct histogram_columns got = HISTOGRAM_COLUMNS_INIT;
    size_t bytes = histogram_appender_bytes(a);
    AUTO(mem_free) uint8_t *copy = mem_alloc(bytes); /* ASan knows its end */
    histogram_appender_snapshot(a, copy);
    struct chunk_view c = {INT64_MIN, INT64_MAX,
                           histogram_appender_kind(a) == HISTOGRAM_INTEGER ? CHUNK_HISTOGRAM
                                                                           : CHUNK_FLOAT_HISTOGRAM,
                           str_of((char *)copy, bytes)};
    CK_OK(chunk_decode_histograms(&c, INT64_MIN, INT64_MAX, &arena, &got));
    ROW_ASSERT(name, got.n == n && histogram_appender_count(a) == n);
    for (size_t i = 0; i < n; i++) {
        ROW_ASSERT(name, got.t_ms[i] == t_ms[i]);
        ck_assert_msg(kit_counts_same(&got.values[i], &want[i]), "%s: sample %zu", name, i);
    }
    ROW_ASSERT(name, histogram_appender_mint(a) == t_ms[0]);
    ROW_ASSERT(name, histogram_appender_maxt(a) == t_ms[n - 1]);
    ROW_ASSERT(name, histogram_appender_memory(a) > bytes);
}

static void
check_series(const char *name, struct kit_series s)
{
    AUTO(arena_fini) struct arena arena;
    arena_init(&arena, 0);
    struct histogram h[SAMPLES];
    int64_t t_ms[SAMPLES], t = 1700000000000;
    struct histogram_appender *open = NULL;
    struct plain plain = {.integer = s.kind == HISTOGRAM_INTEGER};
    size_t from = 0; /* first sample of the open chunk */
    for (size_t i = 0; i < SAMPLES; i++) {
        h[i] = kit_next(&s, &arena);
        t_ms[i] = t += 1 + (int64_t)(kit_random(&s.seed) % (i % 9 ? 30000 : 1 << 30));
        CK_OK(histogram_validate(&h[i]));
        struct dense d = dense_of(&h[i]);
        struct histogram_appender *next;
        uint64_t action = i == 0 ? 0 : kit_random(&s.seed) % 30;
        int want = CUT;
        if (action <= 1) { /* full, with and without the chunk before */
            next = histogram_appender_open(action ? open : NULL, t, &h[i]);
            plain_cut(&plain, &d, action);
        } else {
            next = histogram_append(open, t, &h[i]);
            want = plain_append(&plain, &d);
        }
        ck_assert_msg((next != open) == (want == CUT), "%s: sample %zu", name, i);
        if (next != open) {
            if (open)
                check_holds(name, open, &t_ms[from], &h[from], i - from);
            histogram_appender_close(open);
            open = next;
            from = i;
        }
        check_state(name, &plain, open);
        if (i % 16 == 0)
            check_holds(name, open, &t_ms[from], &h[from], i + 1 - from);
    }
    check_holds(name, open, &t_ms[from], &h[from], SAMPLES - from);
    histogram_appender_close(open);
}

static const struct series_case {
    const char *name;
    enum histogram_kind kind;
    int32_t schema;
    bool gauge, calm;
} series_cases[] = {
    {"counter", HISTOGRAM_INTEGER, 2, false, false},
    {"calm counter", HISTOGRAM_INTEGER, 2, false, true},
    {"gauge", HISTOGRAM_INTEGER, 2, true, false},
    {"calm gauge", HISTOGRAM_INTEGER, 2, true, true},
    {"custom", HISTOGRAM_INTEGER, HISTOGRAM_SCHEMA_CUSTOM, false, false},
    {"custom gauge", HISTOGRAM_INTEGER, HISTOGRAM_SCHEMA_CUSTOM, true, true},
    {"float counter", HISTOGRAM_FLOAT, 2, false, false},
    {"calm float counter", HISTOGRAM_FLOAT, 2, false, true},
    {"float gauge", HISTOGRAM_FLOAT, 2, true, false},
    {"calm float gauge", HISTOGRAM_FLOAT, 2, true, true},
    {"float custom", HISTOGRAM_FLOAT, HISTOGRAM_SCHEMA_CUSTOM, false, false},
    {"float custom gauge", HISTOGRAM_FLOAT, HISTOGRAM_SCHEMA_CUSTOM, true, true},
};

START_TEST(test_series)
{
    const struct series_case *c = &series_cases[_i];
    for (uint64_t seed = 0; seed < 3; seed++) {
        struct kit_series s = kit_series_of(seed * 100 + (uint64_t)_i, c->kind, c->schema);
        s.gauge = c->gauge;
        s.calm = c->calm;
        check_series(c->name, s);
    }
}
END_TEST

/* --- what does not change a chunk --------------------------------------------------------- */

START_TEST(test_other_kind_before)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct histogram f = kit_parse("f n=5 p=0:5", &a), h = kit_parse("i n=1 p=0:1", &a);
    AUTO(histogram_appender_close)
    struct histogram_appender *x = histogram_appender_open(NULL, 1, &f);
    AUTO(histogram_appender_close)
    struct histogram_appender *y = histogram_appender_open(x, 2, &h); /* nothing to compare */
    ck_assert_int_eq(histogram_appender_flag(y), CHUNK_FLAG_UNKNOWN);
    ck_assert_int_eq(histogram_appender_kind(y), HISTOGRAM_INTEGER);
}
END_TEST

/* Sealing, and reopening, do not change what is appended later. */
START_TEST(test_seal_and_reopen)
{
    AUTO(arena_fini) struct arena arena;
    arena_init(&arena, 0);
    struct kit_series s = kit_series_of(7, HISTOGRAM_FLOAT, 1);
    s.calm = true;
    struct histogram h = kit_next(&s, &arena);
    AUTO(histogram_appender_close)
    struct histogram_appender *x = histogram_appender_open(NULL, 0, &h);
    AUTO(histogram_appender_close) struct histogram_appender *y = NULL;
    for (int64_t t = 1; t < 60; t++) {
        struct chunk_view c = histogram_appender_seal(x);
        if (t % 7 == 1) {
            histogram_appender_close(TAKE(y));
            CK_OK(histogram_appender_reopen(&c, &y));
            ck_assert(histogram_equal(histogram_appender_newest(x), histogram_appender_newest(y)));
        }
        h = kit_next(&s, &arena);
        ck_assert_ptr_eq(histogram_append(x, t * 1000, &h), x);
        ck_assert_ptr_eq(histogram_append(y, t * 1000, &h), y);
        ck_assert(str_eq(histogram_appender_seal(x).data, histogram_appender_seal(y).data));
    }
}
END_TEST

/* --- limits ------------------------------------------------------------------------------- */

START_TEST(test_samples_max)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct histogram h = kit_parse("i n=5 p=0:5", &a);
    AUTO(histogram_appender_close)
    struct histogram_appender *x = histogram_appender_open(NULL, 0, &h);
    for (int64_t t = 1; t < CHUNK_SAMPLES_MAX; t++)
        ck_assert_ptr_eq(histogram_append(x, t, &h), x);
    AUTO(histogram_appender_close)
    struct histogram_appender *next = histogram_append(x, CHUNK_SAMPLES_MAX, &h);
    ck_assert_ptr_ne(next, x);
    ck_assert_int_eq(histogram_appender_flag(next), CHUNK_FLAG_NO_RESET);
    struct chunk_view c = histogram_appender_seal(x);
    int64_t mint, maxt;
    CK_OK(chunk_check(c.encoding, c.data, &mint, &maxt));
    ck_assert(mint == 0 && maxt == CHUNK_SAMPLES_MAX - 1);
}
END_TEST

/* New buckets that would have too much written again, or that no layout can hold with the old. */
START_TEST(test_recode_max)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct histogram h = kit_parse("i", &a);
    AUTO(histogram_appender_close)
    struct histogram_appender *x = histogram_appender_open(NULL, 0, &h);
    for (int64_t t = 1; t < 100; t++)
        ck_assert_ptr_eq(histogram_append(x, t, &h), x);
    struct histogram_span span = {0, HISTOGRAM_RECODE_BUCKETS_MAX / 100};
    uint64_t *v = ARENA_ARRAY(&a, uint64_t, HISTOGRAM_BUCKETS_MAX);
    h.positive_spans = (struct histogram_spans){&span, 1};
    h.positive = (struct histogram_words){v, span.length};
    ck_assert_ptr_eq(histogram_append(x, 100, &h), x);
    ck_assert_uint_eq(histogram_appender_count(x), 101);
    span.offset = -1;
    h.positive.n = ++span.length;
    AUTO(histogram_appender_close)
    struct histogram_appender *next = histogram_append(x, 101, &h);
    ck_assert_ptr_ne(next, x);
    ck_assert_int_eq(histogram_appender_flag(next), CHUNK_FLAG_NO_RESET);

    struct histogram_span far = {HISTOGRAM_BUCKETS_MAX, HISTOGRAM_BUCKETS_MAX};
    h.positive_spans = (struct histogram_spans){&far, 1};
    h.positive.n = far.length;
    AUTO(histogram_appender_close)
    struct histogram_appender *third = histogram_append(next, 102, &h);
    ck_assert_ptr_ne(third, next);
    ck_assert_int_eq(histogram_appender_flag(third), CHUNK_FLAG_NO_RESET);
}
END_TEST

/* The worst that the rules allow: a chunk of huge histograms ends in time. */
START_TEST(test_bytes_max)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct histogram_span span = {0, HISTOGRAM_BUCKETS_MAX};
    uint64_t seed = 4, *v = ARENA_ARRAY(&a, uint64_t, HISTOGRAM_BUCKETS_MAX);
    struct histogram h = {.kind = HISTOGRAM_FLOAT,
                          .reset = HISTOGRAM_GAUGE,
                          .positive_spans = {&span, 1},
                          .negative_spans = {&span, 1},
                          .positive = {v, HISTOGRAM_BUCKETS_MAX},
                          .negative = {v, HISTOGRAM_BUCKETS_MAX}};
    AUTO(histogram_appender_close) struct histogram_appender *x = NULL;
    for (int64_t t = 0; t < 12; t++) {
        for (size_t i = 0; i < HISTOGRAM_BUCKETS_MAX; i++)
            v[i] = kit_random(&seed) >> 2; /* positive, all bits in use */
        if (!x) {
            x = histogram_appender_open(NULL, t, &h);
            continue;
        }
        struct histogram_appender *next = histogram_append(x, t, &h);
        ck_assert_uint_le(histogram_appender_bytes(x), HISTOGRAM_CHUNK_BYTES_MAX);
        if (next != x) {
            ck_assert_int_eq(histogram_appender_flag(next), CHUNK_FLAG_GAUGE);
            histogram_appender_close(next);
            return;
        }
    }
    ck_abort_msg("the chunk never ended");
}
END_TEST

Suite *
histogram_chunk_model_suite(void)
{
    Suite *s = suite_create("histogram_chunk_model");
    TCase *t = tcase_create("core");
    tcase_add_loop_test(t, test_series, 0, ARRAY_LEN(series_cases));
    tcase_add_test(t, test_other_kind_before);
    tcase_add_test(t, test_seal_and_reopen);
    tcase_add_test(t, test_samples_max);
    tcase_add_test(t, test_recode_max);
    tcase_add_test(t, test_bytes_max);
    suite_add_tcase(s, t);
    return s;
}
