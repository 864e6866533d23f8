/* trace.c - spans of one request, in memory. */
#include "net/trace/trace_spans.h"

#include "base/assert.h"
#include "base/bytes.h"

struct trace *
trace_new(const struct clock *clock, const uint8_t id[TRACE_ID_BYTES],
          const struct traceparent *parent)
{
    struct trace *t = mem_alloc_zero(sizeof *t);
    t->clock = clock;
    memcpy(t->id, id, TRACE_ID_BYTES);
    t->caller_span = parent ? parent->span_id : 0;
    t->wall_ns = clock_wall_ms(clock) * 1000000;
    t->mono_ns = clock_mono_ns(clock);
    uint64_t seed;
    rand_bytes(&seed, sizeof seed); /* not the id: the caller may have chosen that one twice */
    t->ids = rand_gen_of(seed);
    arena_init(&t->arena, 0); /* bounded by TRACE_SPANS_MAX and TRACE_ATTRS_MAX */
    t->open = TRACE_SPAN_NONE;
    return t;
}

void
trace_free(struct trace *t)
{
    if (!t)
        return;
    arena_fini(&t->arena);
    mem_free(t);
}

struct trace_scope
trace_scope_open(struct trace *t, const char *name)
{
    if (t->span_count == TRACE_SPANS_MAX) {
        t->spans_dropped++;
        return (struct trace_scope){t, TRACE_SPAN_NONE};
    }
    uint32_t at = t->span_count++;
    t->spans[at] = (struct trace_span){.id = rand_u64(&t->ids) | 1, /* 0 is no id */
                                       .outer = t->open,
                                       .name = name,
                                       .start_ns = clock_mono_ns(t->clock)};
    t->open = at;
    return (struct trace_scope){t, at};
}

void
trace_scope_close(struct trace_scope *scope)
{
    struct trace *t = scope->trace;
    if (scope->span == TRACE_SPAN_NONE)
        return;
    ASSERT(scope->span == t->open);
    t->spans[t->open].end_ns = clock_mono_ns(t->clock);
    t->open = t->spans[t->open].outer;
}

void
trace_end(struct trace *t)
{
    while (t->open != TRACE_SPAN_NONE)
        trace_scope_close(&(struct trace_scope){t, t->open});
}

/* Cut between characters; what is not UTF-8 cannot be said in protobuf. */
static struct str
keep_text(struct trace *t, struct str text)
{
    if (!str_is_utf8(text))
        return STR("(not UTF-8)");
    size_t n = size_min(text.n, TRACE_VALUE_BYTES_MAX);
    while (n > 0 && n < text.n && ((unsigned char)text.p[n] & 0xc0) == 0x80)
        n--;
    return arena_str(&t->arena, str_of(text.p, n));
}

static struct trace_attr *
add_attr(struct trace *t, const char *key)
{
    if (!t || t->open == TRACE_SPAN_NONE)
        return NULL;
    struct trace_span *span = &t->spans[t->open];
    if (span->attr_count == TRACE_ATTRS_MAX) {
        span->attrs_dropped++;
        return NULL;
    }
    struct trace_attr *attr = ARENA_NEW(&t->arena, struct trace_attr);
    attr->key = key;
    attr->next = span->attrs;
    span->attrs = attr;
    span->attr_count++;
    return attr;
}

void
trace_attr_str(struct trace *t, const char *key, struct str value)
{
    struct trace_attr *attr = add_attr(t, key);
    if (!attr)
        return;
    attr->is_text = true;
    attr->text = keep_text(t, value);
}

void
trace_attr_i64(struct trace *t, const char *key, int64_t value)
{
    struct trace_attr *attr = add_attr(t, key);
    if (attr)
        attr->number = value;
}

void
trace_fail(struct trace *t, struct str why)
{
    if (!t || t->open == TRACE_SPAN_NONE)
        return;
    t->spans[t->open].failed = true;
    t->spans[t->open].why = keep_text(t, why);
}

void
trace_id_format(const struct trace *t, char to[TRACE_ID_TEXT_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < TRACE_ID_BYTES; i++) {
        to[2 * i] = digits[t->id[i] >> 4];
        to[2 * i + 1] = digits[t->id[i] & 15];
    }
}
