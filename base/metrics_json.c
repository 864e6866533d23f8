/* metrics_json.c - the exposition as JSON: a list of families as protojson writes
 * io.prometheus.client.MetricFamily. 64-bit counts are strings there, numbers that JSON does not
 * have are, too, and the bucket of +Inf is left out: it is the count. */
#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/metrics_int.h"
#include "base/numtext.h"

static const char *const type_names[] = {
    [METRIC_COUNTER] = "COUNTER",
    [METRIC_GAUGE] = "GAUGE",
    [METRIC_HISTOGRAM] = "HISTOGRAM",
};

static void
put_text(struct json_writer *w, const char *key, struct str value)
{
    json_key(w, str_of_cstr(key));
    json_str(w, value);
}

static void
put_float(struct json_writer *w, const char *key, double v)
{
    char text[NUMTEXT_BYTES_MAX];
    json_key(w, str_of_cstr(key));
    if (isnan(v))
        json_str(w, STR("NaN"));
    else if (isinf(v))
        json_str(w, v < 0 ? STR("-Infinity") : STR("Infinity"));
    else
        json_raw(w, str_of(text, numtext_api(v, text)));
}

static void
put_count(struct json_writer *w, const char *key, uint64_t count)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    buf_printf(&text, "%ju", (uintmax_t)count);
    put_text(w, key, buf_str(&text));
}

static void
put_labels(struct json_writer *w, const struct metric *c)
{
    if (c->family->label_count == 0)
        return;
    json_key(w, STR("label"));
    json_begin_array(w);
    for (size_t i = 0; i < c->family->label_count; i++) {
        json_begin_object(w);
        put_text(w, "name", str_of_cstr(c->family->spec.labels[i]));
        put_text(w, "value", c->values[i]);
        json_end_object(w);
    }
    json_end_array(w);
}

static void
put_histogram(struct json_writer *w, const struct metric *c)
{
    const struct metric_spec *spec = &c->family->spec;
    uint64_t count = 0;
    json_key(w, STR("histogram"));
    json_begin_object(w);
    json_key(w, STR("bucket"));
    json_begin_array(w);
    for (size_t i = 0; i < spec->bucket_count; i++) {
        count += atomic_load_explicit(&c->buckets[i], memory_order_relaxed);
        json_begin_object(w);
        put_count(w, "cumulativeCount", count);
        put_float(w, "upperBound", spec->buckets[i]);
        json_end_object(w);
    }
    json_end_array(w);
    count += atomic_load_explicit(&c->buckets[spec->bucket_count], memory_order_relaxed);
    put_count(w, "sampleCount", count);
    put_float(w, "sampleSum", metric_value(c));
    json_end_object(w);
}

static void
put_child(struct json_writer *w, const struct metric *c)
{
    json_begin_object(w);
    put_labels(w, c);
    if (c->family->spec.type == METRIC_HISTOGRAM) {
        put_histogram(w, c);
    } else {
        json_key(w, c->family->spec.type == METRIC_COUNTER ? STR("counter") : STR("gauge"));
        json_begin_object(w);
        put_float(w, "value", metric_value(c));
        json_end_object(w);
    }
    json_end_object(w);
}

static void
put_family(struct json_writer *w, struct metric_family *f)
{
    struct metric_vec children = VEC_INIT;
    metrics_copy_children(f, &children);
    if (children.n > 0) {
        json_begin_object(w);
        put_text(w, "name", str_of_cstr(f->spec.name));
        put_text(w, "help", str_of_cstr(f->spec.help));
        put_text(w, "type", str_of_cstr(type_names[f->spec.type]));
        json_key(w, STR("metric"));
        json_begin_array(w);
        vec_each (&children, c)
            put_child(w, *c);
        json_end_array(w);
        json_end_object(w);
    }
    vec_fini(&children);
}

void
metrics_write_json(struct metrics *m, bool (*wanted)(void *arg, struct str name), void *arg,
                   struct buf *to)
{
    struct family_vec families = VEC_INIT;
    struct json_writer w;
    json_init(&w, to, JSON_HTML);
    json_begin_array(&w);
    metrics_begin_show(m, &families);
    vec_each (&families, f) {
        if (!wanted || wanted(arg, str_of_cstr((*f)->spec.name)))
            put_family(&w, *f);
    }
    metrics_end_show(m);
    json_end_array(&w);
    vec_fini(&families);
}
