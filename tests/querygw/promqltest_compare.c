/* promqltest_compare.c - results and notes against what a script expects. */
#include <float.h>
#include <math.h>
#include <regex.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "tsdb/model/histogram_spans.h"
#include "tests/querygw/promqltest_int.h"

#define EPSILON 0.000001 /* relative error of values */

/* --- comparing ----------------------------------------------------------------------------- */

static bool
almost_equal(double a, double b)
{
    if (isnan(a) || isnan(b) || a == b)
        return (isnan(a) && isnan(b)) || a == b;
    double sum = fabs(a) + fabs(b), diff = fabs(a - b);
    if (a == 0 || b == 0 || sum < DBL_MIN)
        return diff < EPSILON * DBL_MIN;
    return diff / fmin(sum, DBL_MAX) < EPSILON;
}

static bool
almost_equal_buckets(const struct float_buckets *x, const struct float_buckets *y)
{
    if (!histogram_spans_same(x->spans, y->spans))
        return false;
    for (size_t i = 0; i < x->n; i++)
        if (!almost_equal(x->v[i], y->v[i]))
            return false;
    return true;
}

static bool
same_bounds(const struct float_histogram *x, const struct float_histogram *y)
{
    if (x->schema != HISTOGRAM_SCHEMA_CUSTOM)
        return true;
    for (size_t i = 0; x->bound_n == y->bound_n && i < x->bound_n; i++)
        if (x->bounds[i] != y->bounds[i])
            return false;
    return x->bound_n == y->bound_n;
}

/* Empty buckets do not count, hints only where the script tells one. */
static bool
almost_equal_histograms(const struct notation_value *want, const struct float_histogram *got)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct float_histogram *x = float_histogram_copy(want->histogram, &a);
    struct float_histogram *y = float_histogram_copy(got, &a);
    float_histogram_compact(x, &a);
    float_histogram_compact(y, &a);
    return x->schema == y->schema && x->zero_threshold == y->zero_threshold &&
           almost_equal(x->count, y->count) && almost_equal(x->sum, y->sum) &&
           almost_equal(x->zero_count, y->zero_count) && same_bounds(x, y) &&
           almost_equal_buckets(&x->positive, &y->positive) &&
           almost_equal_buckets(&x->negative, &y->negative) &&
           (!want->has_hint || x->reset == y->reset);
}

static bool
almost_equal_points(const struct notation_value *want, const struct promql_point *got)
{
    if (want->kind == NOTATION_HISTOGRAM)
        return got->histogram && almost_equal_histograms(want, got->histogram);
    return !got->histogram && almost_equal(got->value, f64_of_bits(want->bits));
}

static void
say_value(struct buf *why, const struct float_histogram *h, double value)
{
    if (h)
        float_histogram_format(h, why);
    else
        buf_printf(why, "%.17g", value);
}

static void
say_difference(struct buf *why, const struct notation_value *want, const struct promql_point *got)
{
    buf_append(why, STR("wants "));
    say_value(why, want->histogram, f64_of_bits(want->bits));
    buf_append(why, STR(", got "));
    say_value(why, got->histogram, got->value);
    buf_printf(why, " at %jd", (intmax_t)got->t_ms);
}

static void
say(struct buf *why, struct labels labels, const char *what)
{
    labels_format(labels, why);
    buf_printf(why, ": %s", what);
}

static const struct notation_series *
find_expected(const struct eval *e, struct labels labels, size_t *ret_at)
{
    for (size_t i = 0; i < e->series.n; i++)
        if (labels_eq(e->series.v[i].labels, labels)) {
            *ret_at = i;
            return &e->series.v[i];
        }
    return NULL;
}

/* Points of one series against the expected ones, which stand at start, start + step, ... */
static bool
compare_points(const struct eval *e, const struct promql_result *r, const struct promql_series *s,
               const struct notation_series *want, struct buf *why)
{
    struct promql_point p;
    size_t at = 0;
    for (size_t i = 0; i < want->n; i++) {
        if (want->v[i].kind == NOTATION_OMITTED)
            continue;
        int64_t t_ms = e->start_ms + (int64_t)i * e->step_ms;
        bool any = promql_point_next(r, s, &at, &p);
        if (!any || p.t_ms != t_ms || !almost_equal_points(&want->v[i], &p)) {
            say(why, s->labels, "");
            buf_printf(why, "at %jd: ", (intmax_t)t_ms);
            if (any)
                say_difference(why, &want->v[i], &p);
            else
                buf_printf(why, "nothing");
            return false;
        }
    }
    if (promql_point_next(r, s, &at, &p)) {
        say(why, s->labels, "more points than wanted");
        return false;
    }
    return true;
}

/* The value at the middle of a repeated query, or the only one. */
static bool
point_at(const struct promql_result *r, const struct promql_series *s, int64_t t_ms,
         struct promql_point *ret)
{
    for (size_t at = 0; promql_point_next(r, s, &at, ret);)
        if (ret->t_ms == t_ms)
            return true;
    return false;
}

bool
eval_wants(const struct eval *e, enum expect_kind kind)
{
    for (size_t i = 0; i < e->expect.n; i++)
        if (e->expect.v[i].kind == kind)
            return true;
    return false;
}

static bool
compare_vector(const struct eval *e, const struct promql_result *r, struct buf *why)
{
    size_t found = 0;
    for (size_t i = 0; i < r->count; i++) {
        size_t at;
        struct promql_point p;
        if (!point_at(r, &r->series[i], e->span.start_ms, &p))
            continue;
        const struct notation_series *want = find_expected(e, r->series[i].labels, &at);
        if (!want || want->n == 0 || !almost_equal_points(&want->v[0], &p)) {
            say(why, r->series[i].labels, want ? "" : "not wanted");
            if (want && want->n)
                say_difference(why, &want->v[0], &p);
            return false;
        }
        if (r->type == PROMQL_VECTOR && eval_wants(e, EXPECT_ORDERED) && at != found) {
            say(why, r->series[i].labels, "wrong position");
            return false;
        }
        found++;
    }
    if (found != e->series.n)
        buf_printf(why, "%zu series instead of %zu", found, e->series.n);
    return found == e->series.n;
}

static bool
compare_matrix(const struct eval *e, const struct promql_result *r, struct buf *why)
{
    size_t wanted = e->series.n;
    for (size_t i = 0; i < r->count; i++) {
        size_t at;
        const struct notation_series *want = find_expected(e, r->series[i].labels, &at);
        if (i && labels_cmp(r->series[i - 1].labels, r->series[i].labels) >= 0) {
            say(why, r->series[i].labels, "not sorted");
            return false;
        }
        if (!want) {
            say(why, r->series[i].labels, "not wanted");
            return false;
        }
        if (!compare_points(e, r, &r->series[i], want, why))
            return false;
    }
    if (r->count != wanted)
        buf_printf(why, "%zu series instead of %zu", r->count, wanted);
    return r->count == wanted;
}

bool
compare_result(const struct eval *e, const struct promql_result *r, bool repeated, struct buf *why)
{
    struct promql_point middle;
    if (e->expects_string) {
        bool same = r->type == PROMQL_STRING && str_eq(r->text, e->string);
        if (!same)
            buf_printf(why, "another text");
        return same;
    }
    if (e->expects_scalar) {
        bool got = repeated ? point_at(r, &r->series[0], e->span.start_ms, &middle)
                            : r->type == PROMQL_SCALAR;
        double v = got && repeated ? middle.value : r->scalar;
        if (!got || !almost_equal(v, e->scalar))
            buf_printf(why, "wants scalar %.17g, got %.17g", e->scalar, v);
        return why->n == 0;
    }
    if (r->type == PROMQL_SCALAR) {
        buf_printf(why, "an unwanted scalar %.17g", r->scalar);
        return false;
    }
    if (r->type == PROMQL_VECTOR || repeated)
        return compare_vector(e, r, why);
    return compare_matrix(e, r, why);
}

/* --- notes and errors ---------------------------------------------------------------------- */

bool
expectation_met(const struct expectation *x, struct str text)
{
    if (x->match == MATCH_ANY)
        return true;
    if (x->match == MATCH_TEXT)
        return str_eq(x->text, text);
    regex_t re;
    AUTO(buf_fini) struct buf pattern = BUF_INIT, subject = BUF_INIT;
    buf_append(&pattern, x->text);
    buf_append(&subject, text);
    if (regcomp(&re, buf_cstr(&pattern), REG_EXTENDED | REG_NOSUB) != 0)
        return false;
    bool matched = regexec(&re, buf_cstr(&subject), 0, NULL, 0) == 0;
    regfree(&re);
    return matched;
}

/* Every expectation of the kind meets a line, and every line an expectation if there are any. */
bool
compare_notes(const struct eval *e, const struct promql_result *r, enum note_kind kind,
              struct arena *a, struct buf *why)
{
    enum expect_kind some = kind == NOTE_WARNING ? EXPECT_WARN : EXPECT_INFO;
    enum expect_kind none = kind == NOTE_WARNING ? EXPECT_NO_WARN : EXPECT_NO_INFO;
    size_t lines = notes_lines(&r->notes, kind);
    if (lines && eval_wants(e, none))
        buf_printf(why, "an unwanted note");
    for (size_t x = 0; x < e->expect.n; x++) {
        bool met = e->expect.v[x].kind != some;
        for (size_t i = 0; i < lines && !met; i++)
            met = expectation_met(&e->expect.v[x], notes_line(&r->notes, kind, i, e->query, a));
        if (!met)
            buf_printf(why, "no note \"%.*s\"", STR_FMT(e->expect.v[x].text));
    }
    for (size_t i = 0; i < lines && eval_wants(e, some); i++) {
        struct str line = notes_line(&r->notes, kind, i, e->query, a);
        bool met = false;
        for (size_t x = 0; x < e->expect.n; x++)
            met |= e->expect.v[x].kind == some && expectation_met(&e->expect.v[x], line);
        if (!met)
            buf_printf(why, "unexpected note \"%.*s\"", STR_FMT(line));
    }
    return why->n == 0;
}
