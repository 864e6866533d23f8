/* otlp_make.c - descriptors drive the making and the JSON: neither shares code with the codec. */
#include "tests/proto/otlp_make.h"

#include <inttypes.h>
#include <math.h>

#include "base/bytes.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/numtext.h"

enum { DEPTH_MAX = 11, ITEMS_MAX = 4 };

static const struct bytes_kind {
    const char *field;
    size_t bytes; /* 0: any */
} ids[] = {{"trace_id", 16}, {"span_id", 8}, {"bytes_value", 0}};

static const struct bytes_kind *
bytes_kind_of(const ProtobufCFieldDescriptor *f)
{
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        if (strcmp(ids[i].field, f->name) == 0)
            return &ids[i];
    return NULL;
}

/* --- making ------------------------------------------------------------------------------------
 */

/* No -0: protobuf-c takes it for 0 when it packs, and leaves it out. */
static double
random_double(struct rand_gen *g)
{
    static const double plain[] = {0, 1, -2.5, 1e300, 5e-324, 1e21, 1e-7, INFINITY, -INFINITY};
    return rand_below(g, 3) ? plain[rand_below(g, ARRAY_LEN(plain))] : rand_f64(g) * 1e6;
}

static ProtobufCBinaryData
random_bytes(struct arena *a, struct rand_gen *g, const ProtobufCFieldDescriptor *f)
{
    static const char *const letters[] = {"a", "b", "_", ".", "\"", "\\", "\n", "\u00e9", "<"};
    const struct bytes_kind *kind = bytes_kind_of(f);
    size_t n = kind && kind->bytes > 0 ? kind->bytes : (size_t)rand_below(g, 12);
    AUTO(buf_fini) struct buf text = BUF_INIT;
    for (size_t i = 0; i < n; i++) {
        if (kind)
            buf_put_u8(&text, (uint8_t)rand_below(g, 256));
        else
            buf_append(&text, str_of_cstr(letters[rand_below(g, ARRAY_LEN(letters))]));
    }
    struct str copy = arena_str(a, buf_str(&text));
    return (ProtobufCBinaryData){copy.n, (uint8_t *)(uintptr_t)copy.p};
}

static ProtobufCMessage *make(struct arena *a, struct rand_gen *g,
                              const ProtobufCMessageDescriptor *type, unsigned depth);

static void
make_value(struct arena *a, struct rand_gen *g, const ProtobufCFieldDescriptor *f, unsigned depth,
           void *to)
{
    static const uint64_t numbers[] = {0, 1, 300, INT64_MAX, 1700000000123456789};
    uint64_t n = numbers[rand_below(g, ARRAY_LEN(numbers))];
    if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
        *(ProtobufCMessage **)to = make(a, g, f->descriptor, depth + 1);
    } else if (f->type == PROTOBUF_C_TYPE_BYTES) {
        *(ProtobufCBinaryData *)to = random_bytes(a, g, f);
    } else if (f->type == PROTOBUF_C_TYPE_DOUBLE) {
        *(double *)to = random_double(g);
    } else if (f->type == PROTOBUF_C_TYPE_BOOL || f->type == PROTOBUF_C_TYPE_ENUM) {
        *(int *)to = (int)rand_below(g, 2);
    } else if (f->type == PROTOBUF_C_TYPE_UINT32) {
        *(uint32_t *)to = (uint32_t)rand_below(g, 3);
    } else if (f->type == PROTOBUF_C_TYPE_SINT32) {
        *(int32_t *)to = (int32_t)rand_below(g, 50) - 25;
    } else {
        bool may_be_negative =
            f->type == PROTOBUF_C_TYPE_INT64 || f->type == PROTOBUF_C_TYPE_SFIXED64;
        *(uint64_t *)to = may_be_negative && rand_below(g, 2) ? 0 - n : n;
    }
}

static void
make_list(struct arena *a, struct rand_gen *g, const ProtobufCFieldDescriptor *f, unsigned depth,
          char *message)
{
    size_t n = (size_t)rand_below(g, ITEMS_MAX);
    char *items = arena_array(a, n, sizeof(uint64_t));
    for (size_t i = 0; i < n; i++)
        make_value(a, g, f, depth, items + i * sizeof(uint64_t));
    memcpy(message + f->offset, &items, sizeof items);
    memcpy(message + f->quantifier_offset, &n, sizeof n);
}

static ProtobufCMessage *
make(struct arena *a, struct rand_gen *g, const ProtobufCMessageDescriptor *type, unsigned depth)
{
    ProtobufCMessage *m = arena_alloc_zero(a, type->sizeof_message);
    type->message_init(m);
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &type->fields[i];
        uint32_t which = f->id;
        bool leaf = f->type != PROTOBUF_C_TYPE_MESSAGE;
        if ((!leaf && depth >= DEPTH_MAX) || rand_below(g, 4) == 0)
            continue;
        if (f->label == PROTOBUF_C_LABEL_REPEATED) {
            make_list(a, g, f, depth, (char *)m);
            continue;
        }
        bool one_of = f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF;
        uint32_t taken = 0;
        if (one_of)
            memcpy(&taken, (char *)m + f->quantifier_offset, sizeof taken);
        if (taken != 0 || (one_of && rand_below(g, 2)))
            continue;
        make_value(a, g, f, depth, (char *)m + f->offset);
        if (one_of)
            memcpy((char *)m + f->quantifier_offset, &which, sizeof which);
    }
    return m;
}

ProtobufCMessage *
otlp_make_message(struct arena *a, struct rand_gen *g, const ProtobufCMessageDescriptor *type)
{
    return make(a, g, type, 0);
}

void
otlp_make_pack(const ProtobufCMessage *m, struct buf *to)
{
    buf_reserve(to, protobuf_c_message_get_packed_size(m) + 1);
    to->n += protobuf_c_message_pack(m, (uint8_t *)to->p + to->n);
}

/* --- JSON --------------------------------------------------------------------------------------
 */

static void write_message(struct json_writer *w, const ProtobufCMessage *m);

static void
write_name(struct json_writer *w, const char *name)
{
    AUTO(buf_fini) struct buf camel = BUF_INIT;
    for (; *name; name++) {
        bool upper = *name == '_';
        name += upper;
        buf_put_u8(&camel, (uint8_t)(upper ? *name - 'a' + 'A' : *name));
    }
    json_key(w, buf_str(&camel));
}

static void
write_bytes(struct json_writer *w, const ProtobufCFieldDescriptor *f, const ProtobufCBinaryData *v)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    AUTO(buf_fini) struct buf text = BUF_INIT;
    const struct bytes_kind *kind = bytes_kind_of(f);
    for (size_t i = 0; kind && kind->bytes > 0 && i < v->len; i++)
        buf_printf(&text, "%02x", v->data[i]);
    for (size_t bit = 0; kind && kind->bytes == 0 && bit < v->len * 8; bit += 6) {
        unsigned pair = (unsigned)v->data[bit / 8] << 8;
        pair |= bit / 8 + 1 < v->len ? v->data[bit / 8 + 1] : 0u;
        buf_put_u8(&text, (uint8_t)digits[pair >> (10 - bit % 8) & 63]);
    }
    json_str(w, kind ? buf_str(&text) : str_of((const char *)v->data, v->len));
}

static void
write_double(struct json_writer *w, double v)
{
    char text[NUMTEXT_BYTES_MAX];
    struct str digits = str_of(text, numtext_e(v, text));
    if (isinf(v))
        json_str(w, v > 0 ? STR("Infinity") : STR("-Infinity"));
    else if (isnan(v))
        json_str(w, STR("NaN"));
    else
        json_raw(w, digits);
}

static void
write_value(struct json_writer *w, const ProtobufCFieldDescriptor *f, const void *v)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    ProtobufCType type = f->type;
    if (type == PROTOBUF_C_TYPE_MESSAGE) {
        write_message(w, *(ProtobufCMessage *const *)v);
    } else if (type == PROTOBUF_C_TYPE_BYTES) {
        write_bytes(w, f, v);
    } else if (type == PROTOBUF_C_TYPE_DOUBLE) {
        write_double(w, *(const double *)v);
    } else if (type == PROTOBUF_C_TYPE_BOOL) {
        json_bool(w, *(const int *)v);
    } else if (type == PROTOBUF_C_TYPE_INT64 || type == PROTOBUF_C_TYPE_SFIXED64) {
        buf_printf(&text, "%" PRId64, *(const int64_t *)v);
        json_str(w, buf_str(&text));
    } else if (type == PROTOBUF_C_TYPE_UINT64 || type == PROTOBUF_C_TYPE_FIXED64) {
        buf_printf(&text, "%" PRIu64, *(const uint64_t *)v);
        json_str(w, buf_str(&text));
    } else {
        json_i64(w, *(const int32_t *)v);
    }
}

static void
write_list(struct json_writer *w, const ProtobufCFieldDescriptor *f, const char *message)
{
    size_t n;
    const char *items;
    memcpy(&n, message + f->quantifier_offset, sizeof n);
    memcpy(&items, message + f->offset, sizeof items);
    write_name(w, f->name);
    json_begin_array(w);
    for (size_t i = 0; i < n; i++)
        write_value(w, f, items + i * sizeof(uint64_t));
    json_end_array(w);
}

static void
write_message(struct json_writer *w, const ProtobufCMessage *m)
{
    json_begin_object(w);
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
        const char *at = (const char *)m + f->offset;
        uint32_t which = 0;
        if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
            memcpy(&which, (const char *)m + f->quantifier_offset, sizeof which);
        if (f->label == PROTOBUF_C_LABEL_REPEATED) {
            write_list(w, f, (const char *)m);
        } else if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF
                       ? which == f->id
                       : f->type != PROTOBUF_C_TYPE_MESSAGE || *(void *const *)at) {
            write_name(w, f->name);
            write_value(w, f, at);
        }
    }
    json_key(w, STR("aNameOfLater"));
    json_null_value(w);
    json_end_object(w);
}

void
otlp_make_json(const ProtobufCMessage *m, struct buf *to)
{
    struct json_writer w;
    json_init(&w, to, JSON_PLAIN);
    write_message(&w, m);
}

/* --- what was decoded ----------------------------------------------------------------------------
 */

static void
dump_attributes(const char *what, struct otlp_attributes attributes, struct buf *to)
{
    buf_printf(to, " %s{", what);
    for (size_t i = 0; i < attributes.n; i++)
        buf_printf(to, "%.*s=%.*s;", STR_FMT(attributes.v[i].key), STR_FMT(attributes.v[i].value));
    buf_printf(to, "}");
}

static void
dump_buckets(const struct otlp_buckets *b, struct buf *to)
{
    buf_printf(to, " offset %" PRId32 ":", b->offset);
    for (size_t i = 0; i < b->counts.n; i++)
        buf_printf(to, " %" PRIu64, b->counts.v[i]);
}

static void
dump_point(const struct otlp_point *p, struct buf *to)
{
    dump_attributes("  point", p->attributes, to);
    buf_printf(to, " %" PRIu64 "-%" PRIu64 " flags %u %d:%016" PRIx64 " count %" PRIu64,
               p->start_ns, p->time_ns, p->flags, p->has_value, p->has_value ? p->bits : 0,
               p->count);
    for (size_t i = 0; i < p->bucket_counts.n; i++)
        buf_printf(to, " b%" PRIu64, p->bucket_counts.v[i]);
    for (size_t i = 0; i < p->bound_count; i++)
        buf_printf(to, " le%a", p->bounds[i]);
    buf_printf(to, " scale %" PRId32 " zero %" PRIu64 "/%a", p->scale, p->zero_count,
               p->zero_threshold);
    dump_buckets(&p->positive, to);
    dump_buckets(&p->negative, to);
    for (size_t i = 0; i < p->quantile_count; i++)
        buf_printf(to, " q%a=%016" PRIx64, p->quantiles[i].quantile, p->quantiles[i].bits);
    for (size_t i = 0; i < p->exemplar_count; i++) {
        const struct otlp_exemplar *e = &p->exemplars[i];
        buf_printf(to, "\n     %" PRIu64 " %d:%016" PRIx64 " ", e->time_ns, e->has_value,
                   e->has_value ? e->bits : 0);
        buf_append(to, e->trace_id);
        buf_append(to, e->span_id);
        dump_attributes("", e->attributes, to);
    }
    buf_printf(to, "\n");
}

void
otlp_make_dump(const struct otlp_request *request, struct buf *to)
{
    for (size_t i = 0; i < request->resource_count; i++) {
        const struct otlp_resource *r = &request->resources[i];
        dump_attributes("resource", r->attributes, to);
        buf_printf(to, "\n");
        for (size_t k = 0; k < r->metric_count; k++) {
            const struct otlp_metric *m = &r->metrics[k];
            buf_printf(to, " %.*s (%.*s, %.*s) %d %d %d\n", STR_FMT(m->name),
                       STR_FMT(m->description), STR_FMT(m->unit), m->type, (int)m->temporality,
                       m->monotonic);
            for (size_t p = 0; p < m->point_count; p++)
                dump_point(&m->points[p], to);
        }
    }
}
