/* trace_spans.h - a trace, as its collector and its encoder see it. */
#pragma once
#include "base/arena.h"
#include "base/clock.h"
#include "base/rand.h"
#include "net/trace/trace.h"
#include "net/trace/traceparent.h"

enum { TRACE_SPAN_NONE = UINT32_MAX };

struct trace_attr {
    struct trace_attr *next;
    const char *key;
    bool is_text;
    struct str text; /* UTF-8 */
    int64_t number;
};

struct trace_span {
    uint64_t id;
    uint32_t outer; /* index, or TRACE_SPAN_NONE */
    uint32_t attr_count, attrs_dropped;
    const char *name;
    uint64_t start_ns, end_ns; /* monotonic; end 0: still open */
    bool failed;
    struct str why;           /* UTF-8 */
    struct trace_attr *attrs; /* newest first */
};

struct trace {
    struct tracer *tracer;
    const struct clock *clock;
    uint8_t id[TRACE_ID_BYTES];
    uint64_t caller_span; /* 0: the trace begins here */
    int64_t wall_ns;      /* Unix time at mono_ns */
    uint64_t mono_ns;
    struct rand_gen ids; /* of spans */
    struct arena arena;
    uint32_t span_count, spans_dropped;
    uint32_t open; /* innermost open span */
    struct trace_span spans[TRACE_SPANS_MAX];
};

/* Ids and clock readings of a new trace; no span yet. `parent` may be NULL. */
struct trace *trace_new(const struct clock *clock, const uint8_t id[TRACE_ID_BYTES],
                        const struct traceparent *parent);
void trace_free(struct trace *t);
/* Ends what is still open. */
void trace_end(struct trace *t);
