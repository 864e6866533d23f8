/* nhcb.c - from classic histograms to native ones with custom bounds. */
#include "tests/querygw/nhcb.h"

#include <math.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/mem.h"

enum part_kind { PART_BUCKET, PART_COUNT, PART_SUM, PART_KIND_COUNT };

/* One classic series. */
struct part {
    enum part_kind kind;
    struct labels base; /* of the histogram that it belongs to */
    double upper;
    const struct notation_series *series;
};

/* False for series that are no part of a classic histogram. */
static bool
part_of(struct arena *a, const struct notation_series *s, struct part *ret_part)
{
    static const char *const suffixes[PART_KIND_COUNT] = {"_bucket", "_count", "_sum"};
    struct label *v = ARENA_ARRAY(a, struct label, s->labels.n);
    size_t n = 0;
    struct part p = {.kind = PART_KIND_COUNT, .series = s};
    for (size_t i = 0; i < s->labels.n; i++) {
        struct label l = s->labels.v[i];
        if (str_eq(l.name, STR("le"))) {
            if (!notation_number(l.value, &p.upper))
                return false;
            continue;
        }
        for (size_t k = 0; k < PART_KIND_COUNT && str_eq(l.name, STR(LABEL_METRIC_NAME)); k++) {
            struct str suffix = str_of_cstr(suffixes[k]);
            if (!str_ends_with(l.value, suffix))
                continue;
            l.value.n -= suffix.n;
            p.kind = (enum part_kind)k;
            break;
        }
        v[n++] = l;
    }
    p.base = (struct labels){v, n};
    *ret_part = p;
    return p.kind != PART_KIND_COUNT;
}

static int
compare_parts(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    int order = labels_cmp(x->base, y->base);
    order = order ? order : (int)x->kind - (int)y->kind;
    return order ? order : (x->upper > y->upper) - (x->upper < y->upper);
}

static bool
value_at(const struct part *p, size_t i, double *ret_value)
{
    if (i >= p->series->n || p->series->v[i].kind != NOTATION_VALUE)
        return false;
    *ret_value = f64_of_bits(p->series->v[i].bits);
    return true;
}

/* The histogram that the parts, which are sorted, make at the i-th time; NULL when none has a value
 * there. */
static struct float_histogram *
convert(struct arena *a, const struct part *v, size_t n, size_t i)
{
    struct float_histogram *h = ARENA_NEW(a, struct float_histogram);
    double *bounds = ARENA_ARRAY(a, double, n);
    double below = 0, value;
    bool any = false, has_count = false, has_inf = false;
    h->schema = HISTOGRAM_SCHEMA_CUSTOM;
    h->positive.v = ARENA_ARRAY(a, double, n + 1);
    for (size_t k = 0; k < n; k++) {
        if (!value_at(&v[k], i, &value))
            continue;
        any = true;
        if (v[k].kind == PART_SUM)
            h->sum = value;
        if (v[k].kind == PART_COUNT) {
            h->count = value;
            has_count = true;
        }
        if (v[k].kind != PART_BUCKET)
            continue;
        h->positive.v[h->positive.n++] = value - below;
        below = value;
        has_inf = isinf(v[k].upper);
        if (!has_inf)
            bounds[h->bound_n++] = v[k].upper;
    }
    if (!any)
        return NULL;
    if (!has_count)
        h->count = below;
    if (!has_inf)
        h->positive.v[h->positive.n++] = h->count - below;
    struct histogram_span *span = ARENA_NEW(a, struct histogram_span);
    *span = (struct histogram_span){0, (uint32_t)h->positive.n};
    h->positive.spans = (struct histogram_spans){span, 1};
    h->bounds = bounds;
    float_histogram_compact(h, a);
    return h;
}

struct err
nhcb_load(struct fake_store *to, struct arena *a, const struct notation_series *v, size_t n,
          int64_t step_ms)
{
    struct part *parts = ARENA_ARRAY(a, struct part, n);
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += part_of(a, &v[i], &parts[count]);
    if (count)
        qsort(parts, count, sizeof *parts, compare_parts);
    for (size_t first = 0, end; first < count; first = end) {
        size_t times = 0;
        for (end = first; end < count && labels_eq(parts[end].base, parts[first].base); end++)
            times = size_max(times, parts[end].series->n);
        for (size_t i = 0; i < times; i++) {
            const struct float_histogram *h = convert(a, parts + first, end - first, i);
            if (h)
                fake_store_add_histogram(to, parts[first].base, (int64_t)i * step_ms, 0, h);
        }
    }
    return arena_check(a);
}
