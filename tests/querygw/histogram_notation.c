/* histogram_notation.c - the parser of {{...}}. */
#include "tests/querygw/histogram_notation.h"

#include <string.h>

#include "base/mem.h"
#include "base/vec.h"
#include "tests/querygw/series_notation.h"

static struct err
read_number(struct str text, double *ret_value)
{
    if (!notation_number(text, ret_value))
        return ERR(ERR_INVALID, "histogram: %.*s is no number", STR_FMT(text));
    return OK;
}

/* [1 2 3] */
static struct err
read_list(struct arena *a, struct str text, double **ret_v, size_t *ret_n)
{
    size_t cap = 0;
    if (text.n < 2 || text.p[0] != '[' || text.p[text.n - 1] != ']')
        return ERR(ERR_INVALID, "histogram: %.*s is no list", STR_FMT(text));
    struct str rest = str_trim(str_of(text.p + 1, text.n - 2));
    while (rest.n) {
        struct str item = str_split(&rest, ' ');
        *ret_v = arena_more(a, *ret_v, sizeof **ret_v, *ret_n, &cap);
        TRY(read_number(item, &(*ret_v)[(*ret_n)++]));
        rest = str_trim(rest);
    }
    return OK;
}

struct description {
    struct float_histogram *h;
    double schema, offset, n_offset;
    double *bounds;
    bool has_hint;
};

static struct err
read_hint(struct str text, struct description *d)
{
    static const char *const names[] = {[HISTOGRAM_RESET_UNKNOWN] = "unknown",
                                        [HISTOGRAM_RESET_YES] = "reset",
                                        [HISTOGRAM_RESET_NO] = "not_reset",
                                        [HISTOGRAM_GAUGE] = "gauge"};
    d->has_hint = true;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(text, str_of_cstr(names[i]))) {
            d->h->reset = (enum histogram_reset)i;
            return OK;
        }
    return ERR(ERR_INVALID, "histogram: unknown hint %.*s", STR_FMT(text));
}

static struct err
read_field(struct arena *a, struct str key, struct str value, struct description *d)
{
    struct float_histogram *h = d->h;
    const struct {
        const char *key;
        double *to;
    } numbers[] = {
        {"schema", &d->schema},
        {"sum", &h->sum},
        {"count", &h->count},
        {"z_bucket", &h->zero_count},
        {"offset", &d->offset},
        {"n_offset", &d->n_offset},
        {"z_bucket_w", &h->zero_threshold},
    };
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (str_eq(key, str_of_cstr(numbers[i].key)))
            return read_number(value, numbers[i].to);
    if (str_eq(key, STR("buckets")))
        return read_list(a, value, &h->positive.v, &h->positive.n);
    if (str_eq(key, STR("n_buckets")))
        return read_list(a, value, &h->negative.v, &h->negative.n);
    if (str_eq(key, STR("custom_values"))) {
        TRY(read_list(a, value, &d->bounds, &h->bound_n));
        h->bounds = d->bounds;
        return OK;
    }
    if (str_eq(key, STR("counter_reset_hint")))
        return read_hint(value, d);
    return ERR(ERR_INVALID, "histogram: unknown key %.*s", STR_FMT(key));
}

/* Buckets without holes: one span. */
static void
set_span(struct arena *a, struct float_buckets *b, double offset)
{
    if (b->n == 0)
        return;
    struct histogram_span *span = ARENA_NEW(a, struct histogram_span);
    *span = (struct histogram_span){(int32_t)offset, (uint32_t)b->n};
    b->spans = (struct histogram_spans){span, 1};
}

struct err
histogram_notation_take(struct arena *a, struct str *rest, struct float_histogram **ret_histogram,
                        bool *ret_has_hint)
{
    struct description d = {.h = ARENA_NEW(a, struct float_histogram)};
    size_t end = 2;
    while (end + 1 < rest->n && !(rest->p[end] == '}' && rest->p[end + 1] == '}'))
        end++;
    if (end + 1 >= rest->n)
        return ERR(ERR_INVALID, "histogram: no }}");
    struct str fields = str_trim(str_of(rest->p + 2, end - 2));
    *rest = str_skip(*rest, end + 2);
    while (fields.n) {
        struct str key = str_split(&fields, ':');
        bool list = fields.n && fields.p[0] == '[';
        size_t n = str_find_byte(fields, list ? ']' : ' ');
        struct str value = str_take(&fields, size_min(n + list, fields.n));
        TRY(read_field(a, str_trim(key), str_trim(value), &d));
        fields = str_trim(fields);
    }
    d.h->schema = (int32_t)d.schema;
    set_span(a, &d.h->positive, d.offset);
    set_span(a, &d.h->negative, d.n_offset);
    *ret_histogram = d.h;
    *ret_has_hint = d.has_hint;
    return OK;
}
