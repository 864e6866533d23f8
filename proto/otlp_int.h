/* otlp_int.h - what the files of the OTLP codec share: the only ones that see protobuf-c.
 *
 * Threads: any (pure). */
#pragma once
#include "proto/otlp.h"
#include "proto/otlp.pb-c.h"

/* otlp_codec.c: memory of a message, which never comes back before the arena goes. */
ProtobufCAllocator otlp_allocator(struct arena *a);
/* otlp_measure_codec.c: ERR_TOO_LARGE or ERR_INVALID before memory is taken. `depth` messages are
 * around this one; *bytes grows by what it takes. */
struct err otlp_measure(const ProtobufCMessageDescriptor *type, struct str message, unsigned depth,
                        size_t *bytes);
/* otlp_json_codec.c: a message of any type; in the arena. */
struct err otlp_json_decode(struct arena *a, const ProtobufCMessageDescriptor *type,
                            struct str text, ProtobufCMessage **ret_message);
/* otlp_text_codec.c: see otlp.h; a view into the message, or in the arena. */
struct str otlp_text_of_value(struct arena *a, const Otlp__AnyValue *v);
/* otlp_view_codec.c: the request without a trace of protobuf-c. */
struct otlp_request otlp_view(struct arena *a, const Otlp__ExportRequest *request);

static inline struct str
otlp_str(ProtobufCBinaryData b)
{
    return str_of((const char *)b.data, b.len);
}
