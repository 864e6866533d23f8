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

static struct err
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

static struct err
measure(const ProtobufCMessageDescriptor *type, struct str message, unsigned depth, size_t *bytes)
{
    if (depth == OTLP_DEPTH_MAX)
        return ERR(ERR_INVALID, "otlp: nested more than %d levels deep", OTLP_DEPTH_MAX);
    TRY(add(bytes, type->sizeof_message + ROUNDING_BYTES));
    struct reader r = reader_of(message);
    struct pb_field f;
    while (pb_next(&r, &f)) {
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field(type, f.number);
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
