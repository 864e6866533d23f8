/* otlp_measure_codec.c - what protobuf-c would take for a message, before it does.
 *
 * An empty point is two bytes on the wire and 150 in memory, and a list in a list in a list costs
 * a stack frame each: so the message is walked once along its descriptors first, and refused above
 * OTLP_MEMORY_MAX and OTLP_DEPTH_MAX. The walk reads lengths and tags only. */
#include "proto/otlp_int.h"

#include "proto/otlp_walk.h"

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
    size_t content = f->wire == PB_LEN ? f->bytes.n : 0;
    if (field && field->label == PROTOBUF_C_LABEL_REPEATED)
        return FIELD_BYTES + ITEM_BYTES * (content > 0 ? content : 1);
    return FIELD_BYTES + ROUNDING_BYTES + content; /* unknown ones are kept, too */
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

struct err
otlp_measure(const ProtobufCMessageDescriptor *type, struct str message, unsigned depth,
             size_t *bytes)
{
    if (depth == OTLP_DEPTH_MAX)
        return ERR(ERR_INVALID, "otlp: nested more than %d levels deep", OTLP_DEPTH_MAX);
    TRY(add(bytes, type->sizeof_message + ROUNDING_BYTES));
    struct reader r = reader_of(message);
    struct pb_field f;
    unsigned at = 0;
    while (otlp_next_field(&r, &f)) {
        const ProtobufCFieldDescriptor *field = field_at(type, f.number, &at);
        if (!field || field->type != PROTOBUF_C_TYPE_MESSAGE || f.wire != PB_LEN) {
            TRY(add(bytes, field_bytes(field, &f)));
            continue;
        }
        TRY(add(bytes, FIELD_BYTES));
        TRY(otlp_measure(field->descriptor, f.bytes, depth + 1, bytes));
    }
    if (r.code != ERR_NONE)
        return ERR(ERR_INVALID, "otlp: malformed field of a %s", type->short_name);
    return OK;
}
