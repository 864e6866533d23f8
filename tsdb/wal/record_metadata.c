/* record_metadata.c - kind, unit and help of series, as fields with names: later versions may
 * add some. */
#include "tsdb/wal/record_metadata.h"

#include "tsdb/wal/record_int.h"

static const struct str unit_field = STR_INIT("UNIT"), help_field = STR_INIT("HELP");

void
record_begin_metadata(struct buf *to)
{
    buf_put_u8(to, RECORD_METADATA);
}

void
record_put_metadata(struct buf *to, uint64_t ref, const struct metadata *m)
{
    buf_put_uvarint(to, ref);
    buf_put_u8(to, (uint8_t)m->kind);
    buf_put_uvarint(to, 2); /* fields, in Prometheus' order */
    buf_put_ustr(to, unit_field);
    buf_put_ustr(to, m->unit);
    buf_put_ustr(to, help_field);
    buf_put_ustr(to, m->help);
}

void
record_read_metadata(struct record_cursor *c, struct str record)
{
    record_begin(c, record, 1u << RECORD_METADATA, "metadata record");
}

bool
record_next_metadata(struct record_cursor *c, uint64_t *ret_ref, struct metadata *ret_metadata)
{
    struct reader *r = &c->r;
    if (reader_left(r) == 0)
        return false;
    uint64_t ref = reader_uvarint(r);
    unsigned kind = reader_u8(r);
    struct metadata m = {.kind = METRIC_KIND_UNKNOWN, .help = STR(""), .unit = STR("")};
    if (kind <= METRIC_KIND_STATESET)
        m.kind = (enum metric_kind)kind;
    uint64_t fields = reader_uvarint(r);
    if (fields > reader_left(r) / 2) /* a field takes two bytes at least */
        reader_fail(r);
    for (uint64_t i = 0; i < fields && r->code == ERR_NONE; i++) {
        struct str name = reader_ustr(r), value = reader_ustr(r);
        if (str_eq(name, unit_field))
            m.unit = value;
        else if (str_eq(name, help_field))
            m.help = value;
    }
    if (r->code)
        return false;
    *ret_ref = ref;
    *ret_metadata = m;
    return true;
}
