/* otlp_measure_codec.c - what protobuf-c would take for a message, before it does.
 *
 * An empty point is two bytes on the wire and 150 in memory, and a list in a list in a list costs
 * a stack frame each: so the message is walked once along its descriptors first, and refused above
 * OTLP_MEMORY_MAX and OTLP_DEPTH_MAX. The walk reads lengths and tags only. */
#include "proto/otlp_int.h"

#include "base/pb.h"

enum {
    FIELD_BYTES = 64, /* of the decoder's notes about one field, and a pointer to a message */
    ITEM_BYTES = 8,   /* of a number in an array */
    ROUNDING_BYTES = 32,
};

static inline struct err
add(size_t *bytes, size_t more)
{
    *bytes += more;
    if (*bytes > OTLP_MEMORY_MAX)
        return ERR(ERR_TOO_LARGE, "otlp: the decoded messages take more than %d MiB",
                   OTLP_MEMORY_MAX >> 20);
    return OK;
}

/* Of a field that holds no message: a copy of it, be it a text or numbers side by side. */
static size_t
field_bytes(const ProtobufCFieldDescriptor *field, const struct pb_field *f)
{
    if (!field) /* kept as unknown */
        return FIELD_BYTES + ROUNDING_BYTES + f->bytes.n;
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return FIELD_BYTES + ITEM_BYTES * (f->wire == PB_LEN ? f->bytes.n : 1);
    return FIELD_BYTES + ROUNDING_BYTES + f->bytes.n;
}

/* pb_next(), with the usual short tags and lengths in line: every byte of every request passes
 * here, and most fields are small. */
static inline bool
next_field(struct reader *r, struct pb_field *ret_field)
{
    size_t left = reader_left(r);
    if (left >= 2 && r->p[0] < 0x80 && r->p[0] >= 8) {
        ret_field->number = r->p[0] >> 3;
        ret_field->wire = (enum pb_wire)(r->p[0] & 7);
        if (ret_field->wire == PB_LEN && r->p[1] < 0x80 && r->p[1] <= left - 2) {
            ret_field->bytes = str_of((const char *)r->p + 2, r->p[1]);
            r->p += 2 + r->p[1];
            return true;
        }
        if (ret_field->wire == PB_I64 && left >= 9) {
            ret_field->bytes = STR("");
            r->p += 9;
            return true;
        }
    }
    return pb_next(r, ret_field);
}

/* Fields come in order of their numbers, or the same again: *at is where the last one was. */
static inline const ProtobufCFieldDescriptor *
field_at(const ProtobufCMessageDescriptor *type, uint32_t number, unsigned *at)
{
    for (unsigned i = *at; i < type->n_fields && i < *at + 2; i++) {
        if (type->fields[i].id == number) {
            *at = i;
            return &type->fields[i];
        }
    }
    return protobuf_c_message_descriptor_get_field(type, number);
}

static struct err
measure(const ProtobufCMessageDescriptor *type, struct str message, unsigned depth, size_t *bytes)
{
    if (depth == OTLP_DEPTH_MAX)
        return ERR(ERR_INVALID, "otlp: nested more than %d levels deep", OTLP_DEPTH_MAX);
    TRY(add(bytes, type->sizeof_message + ROUNDING_BYTES));
    struct reader r = reader_of(message);
    struct pb_field f;
    unsigned at = 0;
    while (next_field(&r, &f)) {
        const ProtobufCFieldDescriptor *field = field_at(type, f.number, &at);
        if (!field || field->type != PROTOBUF_C_TYPE_MESSAGE || f.wire != PB_LEN) {
            TRY(add(bytes, field_bytes(field, &f)));
            continue;
        }
        TRY(add(bytes, FIELD_BYTES));
        TRY(measure(field->descriptor, f.bytes, depth + 1, bytes));
    }
    if (r.code != ERR_NONE)
        return ERR(ERR_INVALID, "otlp: malformed field of a %s", type->short_name);
    return OK;
}

struct err
otlp_measure(const ProtobufCMessageDescriptor *type, struct str message)
{
    size_t bytes = 0;
    return measure(type, message, 0, &bytes);
}
