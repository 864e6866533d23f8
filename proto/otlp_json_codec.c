/* otlp_json_codec.c - OTLP's JSON, along the descriptors that protobuf-c generates.
 *
 * Protobuf's JSON mapping with OTLP's own rules: names of fields in lowerCamelCase only, trace and
 * span ids as hex, enums as numbers (their names are understood, too), 64-bit integers as texts or
 * numbers, unknown names skipped. jansson builds a tree first: what it will take is estimated from
 * the text before.
 * Sources: opentelemetry.io/docs/specs/otlp "JSON Protobuf Encoding", protobuf.dev ProtoJSON. */
#include <jansson.h>
#include <math.h>

#include "proto/otlp_int.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/numtext.h"

enum {
    CONTAINER_BYTES = 512, /* of an object or array, and of the message made from it */
    ITEM_BYTES = 128,      /* of a member or an element */
    NAME_BYTES_MAX = 64,   /* of a field */
};

/* --- what the tree will take ------------------------------------------------------------------ */

/* Behind the closing quote of the text that starts at `at`. */
static size_t
skip_text(struct str text, size_t at)
{
    for (at++; at < text.n && text.p[at] != '"'; at++)
        at += text.p[at] == '\\';
    return at + 1;
}

static struct err
check_tree(struct str text, size_t *ret_bytes)
{
    size_t bytes = text.n, depth = 0;
    for (size_t i = 0; i < text.n;) {
        char c = text.p[i];
        i = c == '"' ? skip_text(text, i) : i + 1;
        bytes += c == '{' || c == '[' ? CONTAINER_BYTES : c == ',' || c == '"' ? ITEM_BYTES : 0;
        depth += c == '{' || c == '[';
        depth -= (c == '}' || c == ']') && depth > 0;
        if (depth > OTLP_JSON_DEPTH_MAX)
            return ERR(ERR_INVALID, "otlp: JSON nested more than %d levels deep",
                       OTLP_JSON_DEPTH_MAX);
        if (bytes > OTLP_MEMORY_MAX)
            return ERR(ERR_TOO_LARGE, "otlp: the decoded JSON takes more than %d MiB",
                       OTLP_MEMORY_MAX >> 20);
    }
    *ret_bytes = bytes;
    return OK;
}

/* --- scalars --------------------------------------------------------------------------------- */

static struct err
wrong(const ProtobufCFieldDescriptor *f, const char *what)
{
    return ERR(ERR_INVALID, "otlp: JSON: %s is not %s", f->name, what);
}

static struct str
text_of(const json_t *v)
{
    return str_of(json_string_value(v), json_string_length(v));
}

/* A whole number as number or text, between INT64_MIN and UINT64_MAX; *ret_value in two's
 * complement. */
static struct err
whole_number(const ProtobufCFieldDescriptor *f, const json_t *v, bool *ret_negative,
             uint64_t *ret_value)
{
    int64_t n = 0;
    double real = json_is_real(v) ? json_real_value(v) : 0;
    if (json_is_integer(v)) {
        n = json_integer_value(v);
    } else if (json_is_real(v) && fabs(real) <= 9007199254740992.0 && real == trunc(real)) {
        n = (int64_t)real;
    } else if (json_is_string(v)) {
        struct str text = text_of(v);
        bool negative = text.n > 0 && text.p[0] == '-';
        struct err e =
            negative ? str_parse_i64(text, &n) : str_parse_u64(text, (uint64_t *)(void *)&n);
        if (e.code != ERR_NONE) {
            err_drop(e);
            return wrong(f, "a whole number");
        }
        *ret_negative = negative;
        *ret_value = (uint64_t)n;
        return OK;
    } else {
        return wrong(f, "a whole number");
    }
    *ret_negative = n < 0;
    *ret_value = (uint64_t)n;
    return OK;
}

/* Most and least of an integer type; false for other types. */
static bool
integer_range(ProtobufCType type, int64_t *ret_least, uint64_t *ret_most)
{
    bool is_signed = type == PROTOBUF_C_TYPE_INT64 || type == PROTOBUF_C_TYPE_SINT64 ||
                     type == PROTOBUF_C_TYPE_SFIXED64;
    bool is_unsigned = type == PROTOBUF_C_TYPE_UINT64 || type == PROTOBUF_C_TYPE_FIXED64;
    bool is_signed_32 = type == PROTOBUF_C_TYPE_INT32 || type == PROTOBUF_C_TYPE_SINT32 ||
                        type == PROTOBUF_C_TYPE_SFIXED32 || type == PROTOBUF_C_TYPE_ENUM;
    bool is_unsigned_32 = type == PROTOBUF_C_TYPE_UINT32 || type == PROTOBUF_C_TYPE_FIXED32;
    *ret_least = is_signed ? INT64_MIN : is_signed_32 ? INT32_MIN : 0;
    *ret_most = is_signed      ? INT64_MAX
                : is_unsigned  ? UINT64_MAX
                : is_signed_32 ? INT32_MAX
                               : UINT32_MAX;
    return is_signed || is_unsigned || is_signed_32 || is_unsigned_32;
}

static struct err
read_integer(const ProtobufCFieldDescriptor *f, const json_t *v, int64_t least, uint64_t most,
             void *to)
{
    if (f->type == PROTOBUF_C_TYPE_ENUM && json_is_string(v)) {
        const ProtobufCEnumValue *value =
            protobuf_c_enum_descriptor_get_value_by_name(f->descriptor, json_string_value(v));
        if (value) {
            memcpy(to, &value->value, sizeof value->value);
            return OK;
        }
    }
    bool negative = false;
    uint64_t n = 0;
    TRY(whole_number(f, v, &negative, &n));
    if (negative ? (int64_t)n < least : n > most)
        return wrong(f, "within the range of its type");
    /* Little endian: the lower half comes first. */
    memcpy(to, &n, most > UINT32_MAX ? sizeof(uint64_t) : sizeof(uint32_t));
    return OK;
}

static struct err
read_double(const ProtobufCFieldDescriptor *f, const json_t *v, double *to)
{
    if (json_is_number(v)) {
        *to = json_number_value(v);
        return OK;
    }
    if (!json_is_string(v))
        return wrong(f, "a number");
    struct str text = text_of(v);
    if (str_eq(text, STR("Infinity")) || str_eq(text, STR("-Infinity"))) {
        *to = text.p[0] == '-' ? -INFINITY : INFINITY;
        return OK;
    }
    double parsed = NAN;
    struct err e = str_eq(text, STR("NaN")) ? OK : numtext_parse(text, &parsed);
    if (e.code != ERR_NONE) {
        err_drop(e);
        return wrong(f, "a number");
    }
    *to = parsed;
    return OK;
}

/* --- texts and bytes ------------------------------------------------------------------------- */

static int
hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static struct err
read_hex(const ProtobufCFieldDescriptor *f, struct str text, ProtobufCBinaryData *to)
{
    for (size_t i = 0; i < text.n; i++)
        if (hex_digit(text.p[i]) < 0)
            return wrong(f, "hexadecimal");
    if (text.n % 2 != 0)
        return wrong(f, "hexadecimal");
    for (size_t i = 0; i + 1 < text.n; i += 2)
        to->data[to->len++] = (uint8_t)(hex_digit(text.p[i]) << 4 | hex_digit(text.p[i + 1]));
    return OK;
}

static int
base64_digit(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+' || c == '-' ? 62
           : c == '/' || c == '_' ? 63
                                  : -1;
}

/* Both alphabets, with padding or without. */
static struct err
read_base64(const ProtobufCFieldDescriptor *f, struct str text, ProtobufCBinaryData *to)
{
    while (text.n > 0 && text.p[text.n - 1] == '=')
        text.n--;
    uint32_t bits = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (base64_digit(text.p[i]) < 0)
            return wrong(f, "base64");
        bits = bits << 6 | (uint32_t)base64_digit(text.p[i]);
        if (i % 4 != 0)
            to->data[to->len++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    return text.n % 4 == 1 ? wrong(f, "base64") : OK;
}

/* The fields that are bytes in the public schema; all others of that type are texts. */
static const struct bytes_row {
    const char *field;
    struct err (*read)(const ProtobufCFieldDescriptor *f, struct str text, ProtobufCBinaryData *to);
} bytes_rows[] = {
    {"trace_id", read_hex},
    {"span_id", read_hex},
    {"bytes_value", read_base64},
};

static struct err
read_bytes(struct arena *a, const ProtobufCFieldDescriptor *f, const json_t *v,
           ProtobufCBinaryData *to)
{
    if (!json_is_string(v))
        return wrong(f, "a text");
    struct str text = text_of(v);
    *to = (ProtobufCBinaryData){0, arena_alloc(a, text.n + 1)};
    for (size_t i = 0; i < ARRAY_LEN(bytes_rows); i++)
        if (strcmp(bytes_rows[i].field, f->name) == 0)
            return bytes_rows[i].read(f, text, to);
    if (text.n > 0)
        memcpy(to->data, text.p, text.n);
    to->len = text.n;
    return OK;
}

/* --- messages ----------------------------------------------------------------------------------
 */

static struct err read_message(struct arena *a, const ProtobufCMessageDescriptor *type,
                               json_t *object, ProtobufCMessage **ret_message);

/* One value of a field, into the place that the descriptor says. */
static struct err
read_value(struct arena *a, const ProtobufCFieldDescriptor *f, json_t *v, void *to)
{
    int64_t least;
    uint64_t most;
    if (integer_range(f->type, &least, &most))
        return read_integer(f, v, least, most, to);
    if (f->type == PROTOBUF_C_TYPE_DOUBLE)
        return read_double(f, v, to);
    if (f->type == PROTOBUF_C_TYPE_BYTES)
        return read_bytes(a, f, v, to);
    if (f->type == PROTOBUF_C_TYPE_MESSAGE)
        return read_message(a, f->descriptor, v, to);
    ASSERT(f->type == PROTOBUF_C_TYPE_BOOL); /* otlp.proto has no other types */
    if (!json_is_boolean(v))
        return wrong(f, "true or false");
    *(protobuf_c_boolean *)to = json_is_true(v);
    return OK;
}

static size_t
item_bytes(ProtobufCType type)
{
    return type == PROTOBUF_C_TYPE_MESSAGE ? sizeof(void *) : sizeof(uint64_t);
}

/* Lists are of messages and of 64-bit numbers. */
static struct err
read_list(struct arena *a, const ProtobufCFieldDescriptor *f, json_t *list, char *message)
{
    if (!json_is_array(list))
        return wrong(f, "a list");
    size_t n = json_array_size(list), bytes = item_bytes(f->type);
    char *items = arena_array(a, n, bytes);
    for (size_t i = 0; i < n; i++)
        TRY(read_value(a, f, json_array_get(list, i), items + i * bytes));
    memcpy(message + f->offset, &items, sizeof items);
    memcpy(message + f->quantifier_offset, &n, sizeof n);
    return OK;
}

/* time_unix_nano of "timeUnixNano"; NULL for a name that no field has. */
static const ProtobufCFieldDescriptor *
field_of_name(const ProtobufCMessageDescriptor *type, const char *name)
{
    char snake[NAME_BYTES_MAX];
    size_t n = 0;
    for (; *name; name++) {
        if (n + 3 > sizeof snake || *name == '_')
            return NULL;
        bool upper = *name >= 'A' && *name <= 'Z';
        if (upper)
            snake[n++] = '_';
        snake[n++] = (char)(upper ? *name - 'A' + 'a' : *name);
    }
    snake[n] = '\0';
    return protobuf_c_message_descriptor_get_field_by_name(type, snake);
}

static struct err
read_field(struct arena *a, const ProtobufCFieldDescriptor *f, json_t *v, char *message)
{
    if (f->label == PROTOBUF_C_LABEL_REPEATED)
        return read_list(a, f, v, message);
    TRY(read_value(a, f, v, message + f->offset));
    if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
        uint32_t which = f->id;
        memcpy(message + f->quantifier_offset, &which, sizeof which);
    }
    return OK;
}

static struct err
read_message(struct arena *a, const ProtobufCMessageDescriptor *type, json_t *object,
             ProtobufCMessage **ret_message)
{
    if (!json_is_object(object))
        return ERR(ERR_INVALID, "otlp: JSON: a %s is not an object", type->short_name);
    ProtobufCMessage *m = arena_alloc_zero(a, type->sizeof_message);
    type->message_init(m);
    const char *name;
    json_t *v;
    json_object_foreach(object, name, v)
    {
        const ProtobufCFieldDescriptor *f = json_is_null(v) ? NULL : field_of_name(type, name);
        if (f)
            TRY(read_field(a, f, v, (char *)m));
    }
    *ret_message = m;
    return OK;
}

static void
json_release(json_t **root)
{
    json_decref(*root);
}

struct err
otlp_json_decode(struct arena *a, const ProtobufCMessageDescriptor *type, struct str text,
                 ProtobufCMessage **ret_message)
{
    size_t tree_bytes = 0;
    TRY(check_tree(text, &tree_bytes));
    TRY(arena_admit(a, tree_bytes));
    arena_charge(a, tree_bytes); /* on the heap, until it is read */
    json_error_t where;
    __attribute__((cleanup(json_release))) json_t *root =
        json_loadb(text.p ? text.p : "", text.n, JSON_ALLOW_NUL, &where);
    if (!root)
        return ERR(ERR_INVALID, "otlp: JSON, line %d, column %d: %s", where.line, where.column,
                   where.text);
    return read_message(a, type, root, ret_message);
}
