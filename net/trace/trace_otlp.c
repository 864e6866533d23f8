/* trace_otlp.c - nested messages are made on the side, for their length stands in front. */
#include "net/trace/trace_otlp.h"

#include "base/pb.h"

/* Field numbers. */
enum { REQUEST_RESOURCE_SPANS = 1 };
enum { RESOURCE_SPANS_RESOURCE = 1, RESOURCE_SPANS_SCOPE_SPANS = 2 };
enum { RESOURCE_ATTRIBUTES = 1 };
enum { SCOPE_SPANS_SCOPE = 1, SCOPE_SPANS_SPANS = 2 };
enum { SCOPE_NAME = 1 };
enum {
    SPAN_TRACE_ID = 1,
    SPAN_SPAN_ID = 2,
    SPAN_PARENT_SPAN_ID = 4,
    SPAN_NAME = 5,
    SPAN_KIND = 6,
    SPAN_START = 7,
    SPAN_END = 8,
    SPAN_ATTRIBUTES = 9,
    SPAN_DROPPED_ATTRIBUTES = 10,
    SPAN_STATUS = 15,
};
enum { STATUS_MESSAGE = 2, STATUS_CODE = 3 };
enum { KEY_VALUE_KEY = 1, KEY_VALUE_VALUE = 2 };
enum { ANY_STRING = 1, ANY_INT = 3 };
enum { KIND_INTERNAL = 1, KIND_SERVER = 2, CODE_ERROR = 2 };

/* Room for nested messages, one a level. */
struct scratch {
    struct buf span, attr, value;
};

static void
scratch_fini(struct scratch *s)
{
    buf_fini(&s->span);
    buf_fini(&s->attr);
    buf_fini(&s->value);
}

static void
put_fixed64(struct buf *to, uint32_t number, uint64_t value)
{
    uint8_t bytes[8];
    store_le64(bytes, value);
    pb_put_tag(to, number, PB_I64);
    buf_append(to, str_of((const char *)bytes, sizeof bytes));
}

static void
put_id(struct buf *to, uint32_t number, uint64_t id)
{
    uint8_t bytes[8];
    store_be64(bytes, id);
    pb_put_bytes(to, number, str_of((const char *)bytes, sizeof bytes));
}

/* s->value holds the AnyValue. */
static void
put_attr(struct scratch *s, uint32_t number, struct str key, struct buf *to)
{
    buf_clear(&s->attr);
    pb_put_bytes(&s->attr, KEY_VALUE_KEY, key);
    pb_put_bytes(&s->attr, KEY_VALUE_VALUE, buf_str(&s->value));
    pb_put_bytes(to, number, buf_str(&s->attr));
}

static void
put_text_attr(struct scratch *s, uint32_t number, struct str key, struct str value, struct buf *to)
{
    buf_clear(&s->value);
    pb_put_message(&s->value, ANY_STRING, value.n); /* there, also when it is empty */
    buf_append(&s->value, value);
    put_attr(s, number, key, to);
}

static void
put_number_attr(struct scratch *s, uint32_t number, struct str key, int64_t value, struct buf *to)
{
    buf_clear(&s->value);
    pb_put_tag(&s->value, ANY_INT, PB_VARINT); /* there, also when it is 0 */
    buf_put_uvarint(&s->value, (uint64_t)value);
    put_attr(s, number, key, to);
}

void
trace_otlp_resource(const struct trace_config *config, const char *version, struct buf *to)
{
    struct scratch s = {.span = BUF_INIT};
    struct str name = config->service_name;
    put_text_attr(&s, RESOURCE_ATTRIBUTES, STR("service.name"),
                  name.n > 0 ? name : STR("unknown_service:mneme"), to);
    put_text_attr(&s, RESOURCE_ATTRIBUTES, STR("service.version"), str_of_cstr(version), to);
    for (size_t i = 0; i < config->attributes.n; i++)
        put_text_attr(&s, RESOURCE_ATTRIBUTES, config->attributes.v[i].name,
                      config->attributes.v[i].value, to);
    scratch_fini(&s);
}

/* The request itself is the first span, and what the rest of a process calls a server. */
static void
put_span(struct scratch *s, const struct trace *t, size_t at, struct buf *to)
{
    const struct trace_span *span = &t->spans[at];
    struct buf *b = &s->span;
    bool outermost = span->outer == TRACE_SPAN_NONE;
    uint64_t outer_id = outermost ? t->caller_span : t->spans[span->outer].id;
    uint64_t wall_ns = (uint64_t)t->wall_ns - t->mono_ns; /* what to add to monotonic time */
    buf_clear(b);
    pb_put_bytes(b, SPAN_TRACE_ID, str_of((const char *)t->id, TRACE_ID_BYTES));
    put_id(b, SPAN_SPAN_ID, span->id);
    if (outer_id != 0)
        put_id(b, SPAN_PARENT_SPAN_ID, outer_id);
    pb_put_bytes(b, SPAN_NAME, str_of_cstr(span->name));
    pb_put_u64(b, SPAN_KIND, outermost ? KIND_SERVER : KIND_INTERNAL);
    put_fixed64(b, SPAN_START, wall_ns + span->start_ns);
    put_fixed64(b, SPAN_END, wall_ns + span->end_ns);
    for (const struct trace_attr *a = span->attrs; a; a = a->next) {
        if (a->is_text)
            put_text_attr(s, SPAN_ATTRIBUTES, str_of_cstr(a->key), a->text, b);
        else
            put_number_attr(s, SPAN_ATTRIBUTES, str_of_cstr(a->key), a->number, b);
    }
    if (outermost && t->spans_dropped > 0)
        put_number_attr(s, SPAN_ATTRIBUTES, STR("mneme.spans_dropped"), t->spans_dropped, b);
    pb_put_u64(b, SPAN_DROPPED_ATTRIBUTES, span->attrs_dropped);
    if (span->failed) {
        buf_clear(&s->attr);
        pb_put_bytes(&s->attr, STATUS_MESSAGE, span->why);
        pb_put_u64(&s->attr, STATUS_CODE, CODE_ERROR);
        pb_put_bytes(b, SPAN_STATUS, buf_str(&s->attr));
    }
    pb_put_bytes(to, SCOPE_SPANS_SPANS, buf_str(b));
}

void
trace_otlp_encode(struct str resource, struct trace *const *traces, size_t n, struct buf *to)
{
    AUTO(buf_fini) struct buf scope_spans = BUF_INIT, resource_spans = BUF_INIT, scope = BUF_INIT;
    struct scratch s = {.span = BUF_INIT};
    pb_put_bytes(&scope, SCOPE_NAME, STR("mneme"));
    pb_put_bytes(&scope_spans, SCOPE_SPANS_SCOPE, buf_str(&scope));
    for (size_t i = 0; i < n; i++) {
        for (size_t at = 0; at < traces[i]->span_count; at++)
            put_span(&s, traces[i], at, &scope_spans);
    }
    pb_put_bytes(&resource_spans, RESOURCE_SPANS_RESOURCE, resource);
    pb_put_bytes(&resource_spans, RESOURCE_SPANS_SCOPE_SPANS, buf_str(&scope_spans));
    pb_put_bytes(to, REQUEST_RESOURCE_SPANS, buf_str(&resource_spans));
    scratch_fini(&s);
}
