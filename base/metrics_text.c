/* metrics_text.c - the exposition: Prometheus text 0.0.4 and OpenMetrics 1.0.0.
 *
 * Sources: prometheus.io/docs/instrumenting/exposition_formats and the OpenMetrics 1.0
 * specification. They differ in: the family's name of a counter (without _total there), the
 * escaping of help texts, how a whole number is written where a float is meant (1.0), and the
 * last line "# EOF". */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/metrics_int.h"
#include "base/numtext.h"

static const char *const type_names[] = {
    [METRIC_COUNTER] = "counter",
    [METRIC_GAUGE] = "gauge",
    [METRIC_HISTOGRAM] = "histogram",
};

#define TOTAL STR("_total")

/* Backslash, line feed and, when asked for, quotes; malformed UTF-8 would make the whole
 * scrape fail, so that such a byte becomes U+FFFD. */
static void
put_escaped(struct buf *to, struct str s, const char *escaped)
{
    while (s.n > 0) {
        size_t n = str_utf8_first(s);
        struct str c = str_take(&s, size_max(n, 1));
        if (n == 0)
            buf_append(to, STR("\xEF\xBF\xBD"));
        else if (c.p[0] == '\n')
            buf_append(to, STR("\\n"));
        else if (c.p[0] != '\0' && strchr(escaped, c.p[0]))
            buf_printf(to, "\\%c", c.p[0]);
        else
            buf_append(to, c);
    }
}

static void
put_float(struct buf *to, double v, enum metrics_format format)
{
    buf_reserve(to, NUMTEXT_BYTES_MAX);
    struct str text = str_of(to->p + to->n, numtext_g(v, to->p + to->n));
    to->n += text.n;
    bool digits_only = true;
    for (size_t i = 0; i < text.n; i++)
        digits_only = digits_only && (text.p[i] == '-' || (text.p[i] >= '0' && text.p[i] <= '9'));
    if (format == METRICS_OPENMETRICS && digits_only)
        buf_append(to, STR(".0"));
}

/* The labels of a child, and `le` when it is not NULL. */
static void
put_labels(struct buf *to, const struct metric *c, const double *le, enum metrics_format format)
{
    const char *before = "{";
    for (size_t i = 0; i < c->family->label_count; i++, before = ",") {
        buf_printf(to, "%s%s=\"", before, c->family->spec.labels[i]);
        put_escaped(to, c->values[i], "\\\"");
        buf_put_u8(to, '"');
    }
    if (le) {
        buf_printf(to, "%sle=\"", before);
        put_float(to, *le, format);
        buf_put_u8(to, '"');
        before = ",";
    }
    if (before[0] == ',')
        buf_put_u8(to, '}');
    buf_put_u8(to, ' ');
}

static struct str
family_name(const struct metric_family *f, enum metrics_format format)
{
    struct str name = str_of_cstr(f->spec.name);
    bool cut = format == METRICS_OPENMETRICS && f->spec.type == METRIC_COUNTER;
    if (cut && str_ends_with(name, TOTAL))
        name.n -= TOTAL.n;
    return name;
}

static void
put_histogram(struct buf *to, const struct metric *c, enum metrics_format format)
{
    const struct metric_spec *spec = &c->family->spec;
    uint64_t count = 0;
    for (size_t i = 0; i <= spec->bucket_count; i++) {
        double le = i < spec->bucket_count ? spec->buckets[i] : __builtin_inf();
        count += atomic_load_explicit(&c->buckets[i], memory_order_relaxed);
        buf_printf(to, "%s_bucket", spec->name);
        put_labels(to, c, &le, format);
        buf_printf(to, "%ju\n", (uintmax_t)count);
    }
    buf_printf(to, "%s_sum", spec->name);
    put_labels(to, c, NULL, format);
    put_float(to, metric_value(c), format);
    buf_printf(to, "\n%s_count", spec->name);
    put_labels(to, c, NULL, format);
    buf_printf(to, "%ju\n", (uintmax_t)count);
}

static void
put_child(struct buf *to, const struct metric *c, enum metrics_format format)
{
    if (c->family->spec.type == METRIC_HISTOGRAM) {
        put_histogram(to, c, format);
        return;
    }
    buf_append(to, family_name(c->family, format));
    if (format == METRICS_OPENMETRICS && c->family->spec.type == METRIC_COUNTER)
        buf_append(to, TOTAL);
    put_labels(to, c, NULL, format);
    put_float(to, metric_value(c), format);
    buf_put_u8(to, '\n');
}

static void
put_family(struct buf *to, struct metric_family *f, enum metrics_format format)
{
    struct metric_vec children = VEC_INIT;
    metrics_copy_children(f, &children);
    if (children.n > 0) {
        struct str name = family_name(f, format);
        buf_printf(to, "# HELP %.*s ", STR_FMT(name));
        put_escaped(to, str_of_cstr(f->spec.help), format == METRICS_OPENMETRICS ? "\\\"" : "\\");
        buf_printf(to, "\n# TYPE %.*s %s\n", STR_FMT(name), type_names[f->spec.type]);
    }
    vec_each (&children, c)
        put_child(to, *c, format);
    vec_fini(&children);
}

void
metrics_write(struct metrics *m, enum metrics_format format, struct buf *to)
{
    struct family_vec families = VEC_INIT;
    metrics_begin_show(m, &families);
    vec_each (&families, f)
        put_family(to, *f, format);
    metrics_end_show(m);
    vec_fini(&families);
    if (format == METRICS_OPENMETRICS)
        buf_append(to, STR("# EOF\n"));
}
