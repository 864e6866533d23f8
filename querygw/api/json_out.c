/* json_out.c - buffered JSON. */
#include "querygw/api/json_out.h"

void
json_out_init(struct json_out *o, struct err (*drain)(void *arg, struct buf *full), void *arg)
{
    *o = (struct json_out){.drain = drain, .arg = arg};
    json_init(&o->w, &o->buf, JSON_HTML);
}

void
json_out_fini(struct json_out *o)
{
    buf_fini(&o->buf);
}

void
json_out_labels(struct json_out *o, struct labels l)
{
    o->w.escape = JSON_PLAIN;
    json_begin_object(&o->w);
    for (size_t i = 0; i < l.n; i++) {
        json_key(&o->w, l.v[i].name);
        json_str(&o->w, l.v[i].value);
    }
    json_end_object(&o->w);
    o->w.escape = JSON_HTML;
}
