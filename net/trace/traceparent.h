/* traceparent.h - the header by which a caller names the trace that a request belongs to.
 * Source: W3C Trace Context, level 1. Threads: any (pure). */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum { TRACE_ID_BYTES = 16, TRACEPARENT_BYTES = 55 };

struct traceparent {
    uint8_t trace_id[TRACE_ID_BYTES]; /* not all zero */
    uint64_t span_id;                 /* of the caller; not 0 */
    bool sampled;
};

/* False for what the specification tells to ignore: a new trace begins then. Versions above 00 may
 * have more behind. */
bool traceparent_parse(struct str header, struct traceparent *ret_parent);
