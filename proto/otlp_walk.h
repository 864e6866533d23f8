/* otlp_walk.h - a request in protobuf on its way through the decoder that is written by hand; for
 * proto/otlp_*.c only.
 *
 * Fields are met one by one and become what otlp.h has of them; texts are views of the message.
 * Memory is claimed before it is taken. Threads: a walk belongs to one call. */
#pragma once
#include "base/pb.h"
#include "proto/otlp.h"

struct otlp_walk {
    struct arena *arena;
    size_t claimed_bytes;                 /* at most OTLP_MEMORY_MAX */
    struct otlp_attribute *at, *room_end; /* room for attributes */
};

/* Where attributes stand: how many messages are around the KeyValue. */
enum otlp_depth { OTLP_DEPTH_RESOURCE = 3, OTLP_DEPTH_POINT = 6, OTLP_DEPTH_EXEMPLAR = 7 };

/* A field by number and wire type in one; fields of the usual numbers only. */
#define OTLP_FIELD(number, wire) ((number) << 3 | (unsigned)(wire))
static inline unsigned
otlp_field_of(const struct pb_field *f)
{
    return f->number << 3 | (unsigned)f->wire;
}

/* pb_next(), with the usual short tags and lengths in line: every byte of every request passes
 * here, and most fields are small. */
static inline __attribute__((always_inline)) bool
otlp_next_field(struct reader *r, struct pb_field *ret_field)
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
        if (ret_field->wire == PB_LEN && left >= 3 && r->p[2] < 0x80) { /* points, mostly */
            size_t bytes = (r->p[1] & 0x7fu) | (size_t)r->p[2] << 7;
            if (r->p[1] >= 0x80 && bytes <= left - 3) {
                ret_field->bytes = str_of((const char *)r->p + 3, bytes);
                r->p += 3 + bytes;
                return true;
            }
        }
        if (ret_field->wire == PB_I64 && left >= 9) {
            ret_field->value = load_le64(r->p + 1);
            r->p += 9;
            return true;
        }
    }
    return pb_next(r, ret_field);
}

/* --- otlp_walk.c ------------------------------------------------------------------------------ */

/* See otlp_decode(). */
struct err otlp_walk_request(struct arena *a, struct str message, struct otlp_request *ret_request);
/* ERR_TOO_LARGE above OTLP_MEMORY_MAX, and errors of arena_admit(); what passes may be taken from
 * the arena. */
struct err otlp_claim(struct otlp_walk *w, size_t count, size_t item_bytes);
/* ERR_INVALID: what stands in the message is no protobuf. */
struct err otlp_malformed(const char *message);
/* Of a field that the switch over OTLP_FIELD() did not take: OK for one that is not known,
 * ERR_INVALID when its number is one of the bits of `known`. */
struct err otlp_skip(const struct pb_field *f, uint32_t known, const char *message);
/* A message that stands twice is the two one behind the other. */
struct err otlp_join(struct otlp_walk *w, struct str *message, struct str more);
/* How many fields of that number and PB_LEN the message has. */
struct err otlp_count(struct str message, uint32_t number, const char *name, size_t *ret_count);
/* Appends one to *list. What was appended last is appended to: one list is whole before the next
 * one begins. */
struct err otlp_walk_attribute(struct otlp_walk *w, struct str content, enum otlp_depth depth,
                               struct otlp_attributes *list);

/* --- otlp_walk_points.c ----------------------------------------------------------------------- */

/* Points of the metric's type out of its data, a Gauge or the like. */
struct err otlp_walk_data(struct otlp_walk *w, struct str data, struct otlp_metric *m);
/* The number of the field of Metric that holds data of a type; OTLP_NO_DATA: none of them. */
enum otlp_type otlp_type_of_field(uint32_t number);

/* --- otlp_text_codec.c, which sees protobuf-c ------------------------------------------------- */

/* The text of any AnyValue, lists and maps included; `depth` messages are around it. ERR_INVALID,
 * ERR_TOO_LARGE. */
struct err otlp_walk_value(struct otlp_walk *w, struct str value, unsigned depth,
                           struct str *ret_text);
