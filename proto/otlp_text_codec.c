/* otlp_text_codec.c - values of attributes as texts.
 *
 * Lists and maps become JSON as Go's encoding/json writes it, keys of a map in order: what the
 * OpenTelemetry collector, Prometheus and Thanos make of them. Depth was bounded when the message
 * was measured. */
#include <math.h>
#include <stdlib.h>

#include "proto/otlp_int.h"
#include "proto/otlp_walk.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/numtext.h"

/* As encoding/json: the exponent form below 1e-6 and from 1e21 on, and no zero in front of a
 * one-digit exponent. */
static void
put_double(double v, struct buf *to)
{
    buf_reserve(to, NUMTEXT_BYTES_MAX);
    double size = fabs(v);
    if (v != 0 && (size < 1e-6 || size >= 1e21) && isfinite(v)) {
        size_t n = numtext_e(v, to->p + to->n);
        char *text = to->p + to->n;
        if (n > 3 && text[n - 4] == 'e' && text[n - 3] == '-' && text[n - 2] == '0') {
            text[n - 2] = text[n - 1];
            n--;
        }
        to->n += n;
    } else {
        to->n += numtext_f(v, to->p + to->n);
    }
}

static void
put_base64(struct str bytes, struct buf *to)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.n; i += 3) {
        size_t left = size_min(bytes.n - i, 3);
        uint32_t v = 0;
        for (size_t k = 0; k < 3; k++)
            v = v << 8 | (k < left ? (uint8_t)bytes.p[i + k] : 0u);
        for (size_t k = 0; k < 4; k++)
            buf_put_u8(to, k <= left ? (uint8_t)digits[v >> (18 - 6 * k) & 63] : (uint8_t)'=');
    }
}

static void write_value(struct json_writer *w, const Otlp__AnyValue *v);

static void
write_list(struct json_writer *w, const Otlp__ArrayValue *list)
{
    json_begin_array(w);
    for (size_t i = 0; i < list->n_values; i++)
        write_value(w, list->values[i]);
    json_end_array(w);
}

static int
by_key(const void *x, const void *y)
{
    const Otlp__KeyValue *const *a = x, *const *b = y;
    return str_cmp(otlp_str((*a)->key), otlp_str((*b)->key));
}

/* Of a key that is there twice, one counts. */
static void
write_map(struct json_writer *w, const Otlp__KeyValueList *map)
{
    if (map->n_values > 1) /* the message is ours to reorder */
        qsort(map->values, map->n_values, sizeof *map->values, by_key);
    json_begin_object(w);
    for (size_t i = 0; i < map->n_values; i++) {
        const Otlp__KeyValue *kv = map->values[i];
        if (i + 1 < map->n_values && str_eq(otlp_str(kv->key), otlp_str(map->values[i + 1]->key)))
            continue;
        json_key(w, otlp_str(kv->key));
        write_value(w, kv->value);
    }
    json_end_object(w);
}

static void
write_number(struct json_writer *w, const Otlp__AnyValue *v)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    put_double(v->double_value, &text);
    if (isfinite(v->double_value))
        json_raw(w, buf_str(&text));
    else
        json_str(w, buf_str(&text)); /* JSON has no such number */
}

static void
write_value(struct json_writer *w, const Otlp__AnyValue *v)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    switch (v ? v->value_case : OTLP__ANY_VALUE__VALUE__NOT_SET) {
    case OTLP__ANY_VALUE__VALUE__NOT_SET:
        json_null_value(w);
        return;
    case OTLP__ANY_VALUE__VALUE_STRING_VALUE:
        json_str(w, otlp_str(v->string_value));
        return;
    case OTLP__ANY_VALUE__VALUE_BOOL_VALUE:
        json_bool(w, v->bool_value);
        return;
    case OTLP__ANY_VALUE__VALUE_INT_VALUE:
        json_i64(w, v->int_value);
        return;
    case OTLP__ANY_VALUE__VALUE_DOUBLE_VALUE:
        write_number(w, v);
        return;
    case OTLP__ANY_VALUE__VALUE_ARRAY_VALUE:
        write_list(w, v->array_value);
        return;
    case OTLP__ANY_VALUE__VALUE_KVLIST_VALUE:
        write_map(w, v->kvlist_value);
        return;
    case OTLP__ANY_VALUE__VALUE_BYTES_VALUE:
        put_base64(otlp_str(v->bytes_value), &text);
        json_str(w, buf_str(&text));
        return;
    case _OTLP__ANY_VALUE__VALUE__CASE_IS_INT_SIZE:
        return;
    }
}

struct str
otlp_text_of_value(struct arena *a, const Otlp__AnyValue *v)
{
    if (!v || v->value_case == OTLP__ANY_VALUE__VALUE__NOT_SET)
        return STR("");
    if (v->value_case == OTLP__ANY_VALUE__VALUE_STRING_VALUE)
        return otlp_str(v->string_value);
    if (v->value_case == OTLP__ANY_VALUE__VALUE_BOOL_VALUE)
        return v->bool_value ? STR("true") : STR("false");
    if (v->value_case == OTLP__ANY_VALUE__VALUE_INT_VALUE)
        return arena_printf(a, "%jd", (intmax_t)v->int_value);
    AUTO(buf_fini) struct buf text = BUF_INIT;
    if (v->value_case == OTLP__ANY_VALUE__VALUE_DOUBLE_VALUE) {
        put_double(v->double_value, &text);
    } else if (v->value_case == OTLP__ANY_VALUE__VALUE_BYTES_VALUE) {
        put_base64(otlp_str(v->bytes_value), &text);
    } else {
        struct json_writer w;
        json_init(&w, &text, JSON_HTML);
        write_value(&w, v);
    }
    return arena_str(a, buf_str(&text));
}

struct err
otlp_walk_value(struct otlp_walk *w, struct str value, unsigned depth, struct str *ret_text)
{
    const ProtobufCMessageDescriptor *type = &otlp__any_value__descriptor;
    size_t before = w->claimed_bytes;
    TRY(otlp_measure(type, value, depth, &w->claimed_bytes));
    TRY(arena_admit(w->arena, w->claimed_bytes - before));
    ProtobufCAllocator allocator = otlp_allocator(w->arena);
    ProtobufCMessage *m =
        protobuf_c_message_unpack(type, &allocator, value.n, (const uint8_t *)value.p);
    if (!m)
        return otlp_malformed(type->short_name);
    *ret_text = otlp_text_of_value(w->arena, (const Otlp__AnyValue *)(const void *)m);
    return OK;
}
