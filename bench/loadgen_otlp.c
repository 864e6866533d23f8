/* loadgen_otlp.c - ExportMetricsServiceRequest by hand; proto/otlp.proto has the numbers. */
#include "bench/loadgen_otlp.h"

#include "base/mem.h"
#include "base/pb.h"

enum { REQUEST_RESOURCE = 1, RESOURCE_SCOPE = 2, SCOPE_METRIC = 2 };
enum { METRIC_NAME = 1, METRIC_GAUGE = 5, GAUGE_POINT = 1 };
enum { POINT_TIME = 3, POINT_DOUBLE = 4, POINT_ATTRIBUTE = 7 };
enum { ATTRIBUTE_KEY = 1, ATTRIBUTE_VALUE = 2, VALUE_STRING = 1 };
enum { NS_PER_MS = 1000000 };

static void
put_i64(struct buf *to, uint32_t number, uint64_t bits)
{
    pb_put_tag(to, number, PB_I64);
    buf_reserve(to, sizeof bits);
    store_le64(to->p + to->n, bits);
    to->n += sizeof bits;
}

static void
put_attribute(struct buf *to, struct str name, struct str value)
{
    size_t any = pb_bytes_size(VALUE_STRING, value.n);
    pb_put_message(to, POINT_ATTRIBUTE,
                   pb_bytes_size(ATTRIBUTE_KEY, name.n) + pb_bytes_size(ATTRIBUTE_VALUE, any));
    pb_put_bytes(to, ATTRIBUTE_KEY, name);
    pb_put_message(to, ATTRIBUTE_VALUE, any);
    pb_put_bytes(to, VALUE_STRING, value);
}

/* `message` as field `number` of *to; cleared. */
static void
put_message(struct buf *to, uint32_t number, struct buf *message)
{
    pb_put_message(to, number, message->n);
    buf_append(to, buf_str(message));
    buf_clear(message);
}

struct metric {
    char name[sizeof((struct load_label *)0)->value]; /* empty: none yet */
    struct buf gauge, point;
};

static void
end_metric(struct metric *m, struct buf *scope)
{
    AUTO(buf_fini) struct buf metric = BUF_INIT;
    if (m->gauge.n == 0)
        return;
    pb_put_bytes(&metric, METRIC_NAME, str_of_cstr(m->name));
    put_message(&metric, METRIC_GAUGE, &m->gauge);
    put_message(scope, SCOPE_METRIC, &metric);
}

static void
put_series(struct metric *m, const struct load_label *labels, size_t count, struct sample s)
{
    put_i64(&m->point, POINT_TIME, (uint64_t)s.t_ms * NS_PER_MS);
    put_i64(&m->point, POINT_DOUBLE, s.bits);
    for (size_t l = 1; l < count; l++)
        put_attribute(&m->point, str_of_cstr(labels[l].name), str_of_cstr(labels[l].value));
    put_message(&m->gauge, GAUGE_POINT, &m->point);
}

void
loadgen_otlp_encode(const struct load_spec *load, uint64_t first, uint64_t last,
                    uint64_t first_sample, uint64_t last_sample, struct buf *to)
{
    AUTO(buf_fini) struct buf scope = BUF_INIT, resource = BUF_INIT;
    struct metric m = {.name = ""};
    for (uint64_t i = first; i <= last; i++) {
        struct load_label labels[LOAD_LABELS_MAX];
        size_t count = load_labels(load, i, first_sample, labels); /* the name sorts first */
        if (strcmp(m.name, labels[0].value) != 0)
            end_metric(&m, &scope);
        memcpy(m.name, labels[0].value, sizeof m.name);
        for (uint64_t j = first_sample; j <= last_sample; j++)
            put_series(&m, labels, count, load_sample(load, i, j));
    }
    end_metric(&m, &scope);
    put_message(&resource, RESOURCE_SCOPE, &scope);
    put_message(to, REQUEST_RESOURCE, &resource);
    buf_fini(&m.gauge);
    buf_fini(&m.point);
}
