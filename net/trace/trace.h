/* trace.h - what one request did and how long it took: spans, collected while it runs.
 *
 *   {
 *       TRACED(q->trace, "decode");      a span from here to the end of the scope
 *       TRY(ingest_decode(...));
 *   }
 *
 * A trace is NULL for a request that is not sampled, and for every request when tracing is off;
 * every function here takes that, so that the price is a test of a pointer. Spans nest as they are
 * opened. Beyond TRACE_SPANS_MAX and TRACE_ATTRS_MAX what is added is dropped and counted.
 * Threads: a trace belongs to whoever has its request: one thread at a time. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/str.h"

struct trace;
struct tracer; /* tracer.h */

enum {
    TRACE_SPANS_MAX = 32,
    TRACE_ATTRS_MAX = 16,        /* of a span */
    TRACE_VALUE_BYTES_MAX = 256, /* of an attribute; longer ones are cut */
    TRACE_ID_TEXT_BYTES = 32,
};

struct trace_scope {
    struct trace *trace;
    uint32_t span;
};
/* `name` is static. */
struct trace_scope trace_scope_open(struct trace *t, const char *name);
void trace_scope_close(struct trace_scope *scope);

static inline struct trace_scope
trace_scope_enter(struct trace *t, const char *name)
{
    return t ? trace_scope_open(t, name) : (struct trace_scope){NULL, 0};
}
static inline void
trace_scope_leave(struct trace_scope *scope)
{
    if (scope->trace)
        trace_scope_close(scope);
}
#define TRACED_PASTE_(a, b) a##b
#define TRACED_NAME_(line)  TRACED_PASTE_(trace_scope_, line)
#define TRACED(trace, name)                                                                        \
    struct trace_scope TRACED_NAME_(__LINE__)                                                      \
        __attribute__((cleanup(trace_scope_leave), unused)) = trace_scope_enter((trace), (name))

/* Attributes of the innermost open span; `key` is static, the value is copied. */
void trace_attr_str(struct trace *t, const char *key, struct str value);
void trace_attr_i64(struct trace *t, const char *key, int64_t value);
/* The innermost open span failed, for this reason. */
void trace_fail(struct trace *t, struct str why);
/* Lower-case hex. */
void trace_id_format(const struct trace *t, char to[TRACE_ID_TEXT_BYTES]);
