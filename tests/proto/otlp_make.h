/* otlp_make.h - random OTLP requests along protobuf-c's descriptors, the JSON of a message, and the
 * decoded request as a text that can be compared. */
#pragma once
#include "base/rand.h"
#include "proto/otlp.h"
#include "proto/otlp.pb-c.h"

/* Any message of that type, in the arena. Where the public schema has texts there are texts. */
ProtobufCMessage *otlp_make_message(struct arena *a, struct rand_gen *g,
                                    const ProtobufCMessageDescriptor *type);
void otlp_make_pack(const ProtobufCMessage *m, struct buf *to);
/* OTLP's JSON: names in lowerCamelCase, 64 bits as texts, ids as hex. */
void otlp_make_json(const ProtobufCMessage *m, struct buf *to);
/* Every field that a decoded request has. */
void otlp_make_dump(const struct otlp_request *request, struct buf *to);
