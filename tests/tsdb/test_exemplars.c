/* The ring of exemplars against its rules, row by row, and against a naive one at random. */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/rand.h"
#include "base/vec.h"
#include "tests/harness.h"
#include "tsdb/head/exemplars.h"

#define X16  "xxxxxxxxxxxxxxxx"
#define X127 X16 X16 X16 X16 X16 X16 X16 "xxxxxxxxxxxxxxx"
#define U16  "üüüüüüüüüüüüüüüü"
#define U127 U16 U16 U16 U16 U16 U16 U16 "üüüüüüüüüüüüüüü"

/* One exemplar with at most two labels, "" for none, of the series {__name__="<series>"}. */
struct step {
    const char *series;
    int64_t t_ms;
    double value;
    const char *name, *label; /* of the first label */
    enum exemplar_fate want;
    const char *second; /* name of a second label; NULL: none */
};

/* Storage behind one struct exemplar and the labels of its series. */
struct made {
    struct label series[1], labels[2];
    struct exemplar e;
};

static struct labels
make(struct made *m, const struct step *s)
{
    m->series[0] = (struct label){STR(LABEL_METRIC_NAME), str_of_cstr(s->series)};
    m->labels[0] = (struct label){str_of_cstr(s->name ? s->name : ""), str_of_cstr(s->label)};
    m->labels[1] = (struct label){str_of_cstr(s->second ? s->second : ""), STR("2")};
    size_t n = !s->name ? 0 : s->second ? 2 : 1;
    m->e = (struct exemplar){s->t_ms, bits_of_f64(s->value), {m->labels, n}};
    return (struct labels){m->series, 1};
}

/* What there is, as text: series: value@time ...; and so on. */
static void
show(struct exemplars *x, struct matchers m, int64_t mint_ms, int64_t maxt_ms, struct buf *to)
{
    AUTO(arena_fini) struct arena a = {0};
    struct series_exemplars_list l;
    struct exemplar_query q = {&m, 1, mint_ms, maxt_ms};
    CK_OK(exemplars_select(x, &q, &a, &l));
    for (size_t i = 0; i < l.n; i++) {
        buf_printf(to, "%s%.*s:", i ? "; " : "", STR_FMT(l.v[i].labels.v[0].value));
        for (size_t k = 0; k < l.v[i].n; k++)
            buf_printf(to, " %g@%jd", f64_of_bits(l.v[i].v[k].bits), (intmax_t)l.v[i].v[k].t_ms);
    }
}

enum { STEPS_MAX = 12 };

static const struct rule_case {
    const char *name;
    size_t capacity;
    int64_t window_ms;
    struct step steps[STEPS_MAX]; /* up to the first without a series */
    const char *left;
} rule_cases[] = {
    {"disabled", 0, 0, {{"a", 10, 1, "id", "x", EXEMPLAR_DISABLED, NULL}}, ""},
    {"ascending",
     10,
     0,
     {{"a", 10, 1, "id", "x", EXEMPLAR_STORED, NULL},
      {"a", 20, 2, "id", "y", EXEMPLAR_STORED, NULL},
      {"b", 5, 3, NULL, "", EXEMPLAR_STORED, NULL}},
     "a: 1@10 2@20; b: 3@5"},
    {"copy of the newest",
     10,
     0,
     {{"a", 10, 1, "id", "x", EXEMPLAR_STORED, NULL},
      {"a", 10, 1, "id", "x", EXEMPLAR_REPEATED, NULL},
      {"a", 10, NAN, "id", "x", EXEMPLAR_STORED, NULL},
      {"a", 10, NAN, "id", "x", EXEMPLAR_REPEATED, NULL},
      {"b", 10, 0.0, NULL, "", EXEMPLAR_STORED, NULL},
      {"b", 10, -0.0, NULL, "", EXEMPLAR_REPEATED, NULL}},
     "a: 1@10 nan@10; b: 0@10"},
    {"copy of an older one",
     10,
     0,
     {{"a", 10, 1, "id", "x", EXEMPLAR_STORED, NULL},
      {"a", 20, 1, "id", "x", EXEMPLAR_STORED, NULL},
      {"a", 10, 1, "id", "x", EXEMPLAR_OUT_OF_ORDER, NULL}},
     "a: 1@10 1@20"},
    {"of one time by value",
     10,
     0,
     {{"a", 10, 2, "id", "x", EXEMPLAR_STORED, NULL},
      {"a", 10, 1, "id", "x", EXEMPLAR_OUT_OF_ORDER, NULL},
      {"a", 10, 3, "id", "x", EXEMPLAR_STORED, NULL}},
     "a: 2@10 3@10"},
    {"the window decides alone only before the newest",
     10,
     5,
     {{"a", 10, 2, "id", "x", EXEMPLAR_STORED, NULL},
      {"a", 10, 1, "id", "x", EXEMPLAR_OUT_OF_ORDER, NULL},
      {"a", 6, 1, "id", "x", EXEMPLAR_STORED, NULL},
      {"a", 5, 1, "id", "x", EXEMPLAR_OUT_OF_ORDER, NULL},
      {"a", 8, 4, "id", "x", EXEMPLAR_STORED, NULL},
      {"a", 6, 9, "id", "z", EXEMPLAR_REPEATED, NULL}},
     "a: 1@6 4@8 2@10"},
    {"window at the ends of time",
     10,
     INT64_MAX,
     {{"a", INT64_MIN + 1, 2, NULL, "", EXEMPLAR_STORED, NULL},
      {"a", INT64_MIN, 1, NULL, "", EXEMPLAR_OUT_OF_ORDER, NULL},
      {"a", INT64_MAX, 1, NULL, "", EXEMPLAR_STORED, NULL}},
     "a: 2@-9223372036854775807 1@9223372036854775807"},
    {"oldest arrivals fall out",
     2,
     0,
     {{"a", 10, 1, NULL, "", EXEMPLAR_STORED, NULL},
      {"b", 1, 2, NULL, "", EXEMPLAR_STORED, NULL},
      {"b", 2, 3, NULL, "", EXEMPLAR_STORED, NULL},
      {"a", 5, 4, NULL, "", EXEMPLAR_STORED, NULL}}, /* nothing is known of `a` any more */
     "a: 4@5; b: 3@2"},
    {"one slot",
     1,
     100,
     {{"a", 10, 1, NULL, "", EXEMPLAR_STORED, NULL},
      {"a", 5, 2, NULL, "", EXEMPLAR_STORED, NULL},
      {"b", 1, 3, NULL, "", EXEMPLAR_STORED, NULL}},
     "b: 3@1"},
    {"length of labels in characters",
     10,
     0,
     {{"a", 1, 1, "i", X127, EXEMPLAR_STORED, NULL},
      {"a", 2, 2, "i", U127, EXEMPLAR_STORED, NULL},
      {"a", 3, 3, "id", X127, EXEMPLAR_LABELS_TOO_LONG, NULL},
      {"a", 4, 4, "ü", U127 "ü", EXEMPLAR_LABELS_TOO_LONG, NULL},
      {"a", 5, 5, "i", X127, EXEMPLAR_LABELS_TOO_LONG, "s"},
      {"a", 6, 6, "i", X127 X127 X127 X127 X127 X127, EXEMPLAR_LABELS_TOO_LONG, NULL}},
     "a: 1@1 2@2"},
    {"labels that are none",
     10,
     0,
     {{"a", 1, 1, "", "x", EXEMPLAR_LABELS_INVALID, NULL},
      {"a", 2, 2, "i", "", EXEMPLAR_LABELS_INVALID, NULL},
      {"a", 3, 3, "i", "\xff", EXEMPLAR_LABELS_INVALID, NULL},
      {"a", 4, 4, "\xc3", "x", EXEMPLAR_LABELS_INVALID, NULL},
      {"a", 5, 5, "i", "x", EXEMPLAR_LABELS_INVALID, "i"},
      {"a", 6, 6, "i", "x", EXEMPLAR_LABELS_INVALID, "a"}},
     ""},
};

START_TEST(test_rules)
{
    const struct rule_case *c = &rule_cases[_i];
    struct exemplars *x = exemplars_open(c->capacity, c->window_ms);
    for (size_t i = 0; i < STEPS_MAX && c->steps[i].series; i++) {
        struct made m;
        struct labels series = make(&m, &c->steps[i]);
        uint8_t judged = 77, fate = EXEMPLAR_STORED;
        exemplars_judge(x, series, &m.e, 1, &judged);
        exemplars_append(x, series, &m.e, 1, &fate);
        ck_assert_msg(fate == c->steps[i].want, "row \"%s\", step %zu: %d", c->name, i, fate);
        ROW_ASSERT(c->name, judged == fate || fate == EXEMPLAR_REPEATED);
        CK_OK(exemplars_check(x));
    }
    AUTO(buf_fini) struct buf left = BUF_INIT;
    show(x, (struct matchers){NULL, 0}, INT64_MIN, INT64_MAX, &left);
    ck_assert_msg(strcmp(buf_cstr(&left), c->left) == 0, "row \"%s\": %s", c->name,
                  buf_cstr(&left));
    exemplars_close(x);
}
END_TEST

/* Of two that differ in their labels alone, one order is taken whole and the other in part. */
START_TEST(test_ties_by_labels)
{
    uint64_t stored = 0;
    for (int order = 0; order < 2; order++) {
        struct exemplars *x = exemplars_open(10, 0);
        for (int i = 0; i < 2; i++) {
            struct step s = {"a", 10, 1, "id", i == order ? "x" : "y", EXEMPLAR_STORED, NULL};
            struct made m;
            uint8_t fate = EXEMPLAR_STORED;
            exemplars_append(x, make(&m, &s), &m.e, 1, &fate);
            ck_assert(fate == EXEMPLAR_STORED || (i == 1 && fate == EXEMPLAR_OUT_OF_ORDER));
        }
        struct exemplars_stats stats;
        exemplars_stats(x, &stats);
        stored += stats.appended;
        ck_assert_uint_eq(stats.appended + stats.out_of_order, 2);
        exemplars_close(x);
    }
    ck_assert_uint_eq(stored, 3);
}
END_TEST

/* Several of one series at once are judged one after the other. */
START_TEST(test_batch)
{
    static const struct step steps[] = {
        {"a", 10, 1, "id", "x", EXEMPLAR_STORED, NULL},
        {"a", 10, 1, "id", "x", EXEMPLAR_REPEATED, NULL},
        {"a", 9, 1, "id", "x", EXEMPLAR_OUT_OF_ORDER, NULL},
        {"a", 11, 1, "", "x", EXEMPLAR_LABELS_INVALID, NULL},
        {"a", 12, 1, "id", "y", EXEMPLAR_STORED, NULL},
        {"a", 11, 1, "id", "y", EXEMPLAR_OUT_OF_ORDER, NULL},
    };
    enum { N = sizeof steps / sizeof steps[0] };
    struct exemplars *x = exemplars_open(10, 0);
    struct made made[N];
    struct exemplar v[N];
    struct labels series = {NULL, 0};
    for (size_t i = 0; i < N; i++) {
        series = make(&made[i], &steps[i]);
        v[i] = made[i].e;
    }
    uint8_t judged[N], fates[N];
    exemplars_judge(x, series, v, N, judged);
    memcpy(fates, judged, N);
    exemplars_append(x, series, v, N, fates);
    for (size_t i = 0; i < N; i++)
        ck_assert_msg(judged[i] == steps[i].want && fates[i] == judged[i], "%zu: %d, %d", i,
                      judged[i], fates[i]);
    CK_OK(exemplars_check(x));
    exemplars_close(x);
}
END_TEST

static const struct select_case {
    const char *name;
    struct {
        enum matcher_type type;
        const char *value; /* of __name__; NULL: no such set */
    } sets[2];
    int64_t mint_ms, maxt_ms;
    const char *want;
} select_cases[] = {
    {"one", {{MATCH_EQUAL, "b"}}, 0, 100, "b: 2@10 3@20 4@30"},
    {"either", {{MATCH_EQUAL, "c"}, {MATCH_EQUAL, "a"}}, 0, 100, "a: 1@10; c: 5@40"},
    {"both sets match", {{MATCH_EQUAL, "a"}, {MATCH_REGEX, "a|c"}}, 0, 100, "a: 1@10; c: 5@40"},
    {"regex", {{MATCH_NOT_REGEX, "a|c"}}, 0, 100, "b: 2@10 3@20 4@30"},
    {"time, both ends included", {{MATCH_EQUAL, "b"}}, 10, 20, "b: 2@10 3@20"},
    {"time of some series", {{MATCH_NOT_EQUAL, ""}}, 20, 39, "b: 3@20 4@30"},
    {"between two", {{MATCH_EQUAL, "b"}}, 11, 19, ""},
    {"before all", {{MATCH_NOT_EQUAL, ""}}, -5, 9, ""},
    {"behind all", {{MATCH_NOT_EQUAL, ""}}, 41, 99, ""},
    {"backwards", {{MATCH_NOT_EQUAL, ""}}, 100, 0, ""},
    {"nothing matches", {{MATCH_EQUAL, "z"}}, 0, 100, ""},
};

START_TEST(test_select)
{
    static const struct step steps[] = {
        {"c", 40, 5, NULL, "", EXEMPLAR_STORED, NULL},
        {"b", 10, 2, NULL, "", EXEMPLAR_STORED, NULL},
        {"a", 10, 1, NULL, "", EXEMPLAR_STORED, NULL},
        {"b", 20, 3, NULL, "", EXEMPLAR_STORED, NULL},
        {"b", 30, 4, NULL, "", EXEMPLAR_STORED, NULL},
    };
    const struct select_case *c = &select_cases[_i];
    struct exemplars *x = exemplars_open(10, 0);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct made m;
        uint8_t fate = EXEMPLAR_STORED;
        exemplars_append(x, make(&m, &steps[i]), &m.e, 1, &fate);
    }
    AUTO(arena_fini) struct arena a = {0};
    struct matcher m[2];
    struct matchers sets[2];
    size_t n = 0;
    for (; n < 2 && c->sets[n].value; n++) {
        CK_OK(matcher_make(&a, c->sets[n].type, STR(LABEL_METRIC_NAME),
                           str_of_cstr(c->sets[n].value), &m[n]));
        sets[n] = (struct matchers){&m[n], 1};
    }
    struct series_exemplars_list l;
    struct exemplar_query q = {sets, n, c->mint_ms, c->maxt_ms};
    CK_OK(exemplars_select(x, &q, &a, &l));
    AUTO(buf_fini) struct buf got = BUF_INIT;
    for (size_t i = 0; i < l.n; i++) {
        buf_printf(&got, "%s%.*s:", i ? "; " : "", STR_FMT(l.v[i].labels.v[0].value));
        for (size_t k = 0; k < l.v[i].n; k++)
            buf_printf(&got, " %g@%jd", f64_of_bits(l.v[i].v[k].bits), (intmax_t)l.v[i].v[k].t_ms);
    }
    ck_assert_msg(strcmp(buf_cstr(&got), c->want) == 0, "row \"%s\": %s", c->name, buf_cstr(&got));

    struct arena tight;
    arena_init(&tight, 1);
    struct err e = exemplars_select(x, &q, &tight, &l);
    ROW_ASSERT(c->name, e.code == ERR_LIMIT || !c->want[0]);
    err_drop(e);
    arena_fini(&tight);
    exemplars_close(x);
}
END_TEST

/* --- a naive ring ----------------------------------------------------------------------------- */

enum { RANDOM_STEPS = 3000, RANDOM_SERIES = 5 };

struct arrival {
    unsigned series;
    int64_t t_ms;
    double value;
};
/* Arrivals, oldest first, as many as there is room for. */
struct naive {
    VEC(struct arrival) v;
    size_t capacity;
    int64_t window_ms;
};

static void
naive_trim(struct naive *n)
{
    size_t extra = n->v.n > n->capacity ? n->v.n - n->capacity : 0;
    if (extra > 0)
        memmove(n->v.v, n->v.v + extra, (n->v.n - extra) * sizeof *n->v.v);
    n->v.n -= extra;
}

static enum exemplar_fate
naive_append(struct naive *n, struct arrival a)
{
    const struct arrival *newest = NULL;
    bool same_time = false;
    if (n->capacity == 0)
        return EXEMPLAR_DISABLED;
    vec_each (&n->v, at) {
        if (at->series != a.series)
            continue;
        same_time = same_time || at->t_ms == a.t_ms;
        if (!newest || at->t_ms >= newest->t_ms)
            newest = at;
    }
    if (newest && a.t_ms == newest->t_ms && a.value <= newest->value)
        return a.value == newest->value ? EXEMPLAR_REPEATED : EXEMPLAR_OUT_OF_ORDER;
    if (newest && a.t_ms < newest->t_ms && a.t_ms <= newest->t_ms - n->window_ms)
        return EXEMPLAR_OUT_OF_ORDER;
    if (newest && a.t_ms < newest->t_ms && same_time)
        return EXEMPLAR_REPEATED;
    vec_push(&n->v, a);
    naive_trim(n);
    return EXEMPLAR_STORED;
}

static void
naive_show(struct naive *n, struct buf *to)
{
    const char *between = "";
    for (unsigned s = 0; s < RANDOM_SERIES; s++) {
        VEC(struct arrival) of = VEC_INIT;
        vec_each (&n->v, at) {
            if (at->series != s)
                continue;
            vec_push(&of, *at);
            for (size_t i = of.n - 1; i > 0 && of.v[i - 1].t_ms > of.v[i].t_ms; i--) {
                struct arrival swapped = of.v[i];
                of.v[i] = of.v[i - 1];
                of.v[i - 1] = swapped;
            }
        }
        if (of.n > 0)
            buf_printf(to, "%s%c:", between, 'a' + (int)s);
        vec_each (&of, at)
            buf_printf(to, " %g@%jd", at->value, (intmax_t)at->t_ms);
        between = of.n > 0 ? "; " : between;
        vec_fini(&of);
    }
}

/* The pages, one behind the other, are the arrivals. */
static void
check_pages(struct exemplars *x, const struct naive *n)
{
    AUTO(arena_fini) struct arena a = {0};
    struct exemplars_page *page = ARENA_NEW(&a, struct exemplars_page);
    uint64_t at = 0;
    size_t seen = 0;
    for (;;) {
        exemplars_next_page(x, &at, &a, page);
        if (page->n == 0)
            break;
        for (size_t i = 0; i < page->n; i++, seen++) {
            const struct arrival *want = vec_at(&n->v, seen);
            ck_assert_int_eq(page->v[i].series.v[0].value.p[0], 'a' + (int)want->series);
            ck_assert_int_eq(page->v[i].exemplar.t_ms, want->t_ms);
            ck_assert(f64_of_bits(page->v[i].exemplar.bits) == want->value);
        }
    }
    ck_assert_uint_eq(seen, n->v.n);
}

static const char *const random_names[RANDOM_SERIES] = {"a", "b", "c", "d", "e"};

static void
random_step(struct rand_gen *g, struct exemplars *x, struct naive *n, int64_t *t_ms)
{
    *t_ms += (int64_t)rand_below(g, 3);
    struct arrival a = {(unsigned)rand_below(g, RANDOM_SERIES), *t_ms - (int64_t)rand_below(g, 6),
                        (double)rand_below(g, 3)};
    struct step s = {random_names[a.series], a.t_ms, a.value, NULL, "", EXEMPLAR_STORED, NULL};
    struct made m;
    uint8_t fate = EXEMPLAR_STORED;
    exemplars_append(x, make(&m, &s), &m.e, 1, &fate);
    ck_assert_int_eq(fate, naive_append(n, a));
}

START_TEST(test_random)
{
    struct rand_gen g = rand_gen_of((uint64_t)_i);
    struct naive n = {.v = VEC_INIT, .capacity = 8, .window_ms = _i % 2 ? 4 : 0};
    struct exemplars *x = exemplars_open(n.capacity, n.window_ms);
    int64_t t_ms = 0;
    for (size_t i = 0; i < RANDOM_STEPS; i++) {
        if (rand_below(&g, 40) == 0) {
            n.capacity = (size_t)rand_below(&g, 20);
            naive_trim(&n);
            exemplars_resize(x, n.capacity);
        }
        random_step(&g, x, &n, &t_ms);
        CK_OK(exemplars_check(x));
        AUTO(buf_fini) struct buf got = BUF_INIT, want = BUF_INIT;
        show(x, (struct matchers){NULL, 0}, INT64_MIN, INT64_MAX, &got);
        naive_show(&n, &want);
        ck_assert_msg(str_eq(buf_str(&got), buf_str(&want)), "seed %d, step %zu: %s, want %s", _i,
                      i, buf_cstr(&got), buf_cstr(&want));
    }
    check_pages(x, &n);
    vec_fini(&n.v);
    exemplars_close(x);
}
END_TEST

START_TEST(test_pages)
{
    enum { COUNT = 3 * EXEMPLARS_PAGE / 2 };
    struct naive n = {.v = VEC_INIT, .capacity = COUNT - 10};
    struct exemplars *x = exemplars_open(n.capacity, 0);
    struct rand_gen g = rand_gen_of(7);
    int64_t t_ms = 0;
    for (size_t i = 0; i < 4 * COUNT; i++)
        random_step(&g, x, &n, &t_ms);
    ck_assert_uint_eq(n.v.n, n.capacity);
    check_pages(x, &n);
    struct exemplars_stats s;
    exemplars_stats(x, &s);
    ck_assert_uint_eq(s.count, n.capacity);
    ck_assert_uint_eq(s.capacity, n.capacity);
    ck_assert_uint_eq(s.series, RANDOM_SERIES);
    ck_assert_int_eq(s.oldest_ms, n.v.v[0].t_ms);
    vec_fini(&n.v);
    exemplars_close(x);
}
END_TEST

START_TEST(test_window_changes)
{
    struct exemplars *x = exemplars_open(4, 0);
    static const struct step steps[] = {{"a", 10, 1, NULL, "", EXEMPLAR_STORED, NULL},
                                        {"a", 9, 1, NULL, "", EXEMPLAR_OUT_OF_ORDER, NULL},
                                        {"a", 9, 1, NULL, "", EXEMPLAR_STORED, NULL}};
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct made m;
        uint8_t fate = EXEMPLAR_STORED;
        if (i == 2)
            exemplars_set_window(x, 5);
        exemplars_append(x, make(&m, &steps[i]), &m.e, 1, &fate);
        ck_assert_int_eq(fate, steps[i].want);
    }
    exemplars_close(x);
}
END_TEST

/* --- threads ---------------------------------------------------------------------------------- */

enum { THREAD_STEPS = 1500 };

static void *
write_some(void *arg)
{
    struct exemplars *x = arg;
    struct rand_gen g = rand_gen_of((uintptr_t)&g);
    for (int64_t t = 0; t < THREAD_STEPS; t++) {
        struct step s = {
            random_names[rand_below(&g, RANDOM_SERIES)], t, 1, "i", "x", EXEMPLAR_STORED, NULL};
        struct made m;
        uint8_t fate;
        struct labels series = make(&m, &s);
        exemplars_judge(x, series, &m.e, 1, &fate);
        exemplars_append(x, series, &m.e, 1, &fate);
        if (t % 500 == 0)
            exemplars_resize(x, (size_t)t % 7 * 10);
    }
    return NULL;
}

START_TEST(test_threads)
{
    struct exemplars *x = exemplars_open(50, 0);
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_some, x), 0);
    for (size_t i = 0; i < 100; i++) {
        AUTO(buf_fini) struct buf text = BUF_INIT;
        show(x, (struct matchers){NULL, 0}, INT64_MIN, INT64_MAX, &text);
        CK_OK(exemplars_check(x));
    }
    for (size_t i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    CK_OK(exemplars_check(x));
    exemplars_close(x);
}
END_TEST

Suite *
exemplars_suite(void)
{
    Suite *s = suite_create("exemplars");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, test_rules, 0, ARRAY_LEN(rule_cases));
    tcase_add_test(t, test_ties_by_labels);
    tcase_add_test(t, test_batch);
    tcase_add_loop_test(t, test_select, 0, ARRAY_LEN(select_cases));
    tcase_add_loop_test(t, test_random, 0, 4);
    tcase_add_test(t, test_pages);
    tcase_add_test(t, test_window_changes);
    tcase_add_test(t, test_threads);
    suite_add_tcase(s, t);
    return s;
}
