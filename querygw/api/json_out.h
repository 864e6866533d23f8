/* json_out.h - JSON text on its way to a client: a buffer that is emptied whenever it is full,
 * so that an answer of any size needs the same memory. Threads: one at a time. */
#pragma once
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "tsdb/model/labels.h"

enum { JSON_OUT_BYTES = 64 << 10 }; /* handed on at once */

/* Must not move once initialised. */
struct json_out {
    struct buf buf;
    struct json_writer w; /* over buf; escapes as Go's encoding/json does */
    /* Takes the bytes and leaves the buffer empty. */
    struct err (*drain)(void *arg, struct buf *full);
    void *arg;
};

void json_out_init(struct json_out *o, struct err (*drain)(void *arg, struct buf *full), void *arg);
void json_out_fini(struct json_out *o);

/* Called between elements: drains a full buffer. */
static inline struct err
json_out_check(struct json_out *o)
{
    return o->buf.n < JSON_OUT_BYTES ? OK : o->drain(o->arg, &o->buf);
}

/* {"a":"b"}: label sets alone leave < > & as they are. */
void json_out_labels(struct json_out *o, struct labels l);
