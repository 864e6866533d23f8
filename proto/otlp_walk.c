/* otlp_walk.c - requests in protobuf, by hand: resources, metrics, attributes.
 *
 * Attributes are most of every request, and senders write one shape: a key, then a value that is a
 * text. attribute_fast() knows it byte by byte; attribute_general() takes whatever protobuf allows.
 * Values that are lists, maps or bytes are left to protobuf-c. */
#include "proto/otlp_walk.h"

#include "base/mem.h"

enum {
    ATTRIBUTES_ROOM = 512,  /* at once */
    NUMBER_TEXT_BYTES = 32, /* of a whole number, with what an arena adds */
};

/* --- what all messages need ------------------------------------------------------------------- */

struct err
otlp_claim(struct otlp_walk *w, size_t count, size_t item_bytes)
{
    size_t bytes = 0;
    if (__builtin_mul_overflow(count, item_bytes, &bytes) ||
        bytes > OTLP_MEMORY_MAX - w->claimed_bytes)
        return ERR(ERR_TOO_LARGE, "otlp: the decoded messages take more than %d MiB",
                   OTLP_MEMORY_MAX >> 20);
    w->claimed_bytes += bytes;
    return arena_admit(w->arena, bytes);
}

struct err
otlp_malformed(const char *message)
{
    return ERR(ERR_INVALID, "otlp: malformed field of a %s", message);
}

struct err
otlp_skip(const struct pb_field *f, uint32_t known, const char *message)
{
    if (f->number < 32 && (known >> f->number & 1))
        return ERR(ERR_INVALID, "otlp: wrong wire type of field %u of a %s", (unsigned)f->number,
                   message);
    return OK;
}

struct err
otlp_join(struct otlp_walk *w, struct str *message, struct str more)
{
    if (message->n == 0) {
        *message = more;
        return OK;
    }
    TRY(otlp_claim(w, 1, message->n + more.n));
    char *both = arena_alloc(w->arena, message->n + more.n), *at = both;
    str_copy_to(&at, *message);
    str_copy_to(&at, more);
    *message = str_of(both, (size_t)(at - both));
    return OK;
}

struct err
otlp_count(struct str message, uint32_t number, const char *name, size_t *ret_count)
{
    struct reader r = reader_of(message);
    struct pb_field f;
    size_t n = 0;
    while (otlp_next_field(&r, &f))
        n += f.number == number && f.wire == PB_LEN;
    if (r.code != ERR_NONE)
        return otlp_malformed(name);
    *ret_count = n;
    return OK;
}

/* --- attributes ------------------------------------------------------------------------------- */

enum { KEY_VALUE_KEY = 1, KEY_VALUE_VALUE = 2 };
enum { VALUE_STRING = 1, VALUE_BOOL = 2, VALUE_INT = 3, VALUE_DOUBLE = 4, VALUE_BYTES = 7 };
enum {
    TAG_KEY = KEY_VALUE_KEY << 3 | PB_LEN,
    TAG_VALUE = KEY_VALUE_VALUE << 3 | PB_LEN,
    TAG_STRING = VALUE_STRING << 3 | PB_LEN,
};
enum { HEAD_BYTES = 2 }; /* a tag and a length below 128 */

/* False: not the usual shape. */
static inline bool
attribute_fast(struct str content, struct otlp_attribute *to)
{
    const uint8_t *p = (const uint8_t *)content.p;
    size_t n = content.n;
    if (n < 3 * HEAD_BYTES || p[0] != TAG_KEY || p[1] > n - 3 * HEAD_BYTES)
        return false;
    const uint8_t *value = p + HEAD_BYTES + p[1];
    size_t left = n - HEAD_BYTES - p[1]; /* of the field with the value */
    if (value[0] != TAG_VALUE || value[1] != left - HEAD_BYTES || value[2] != TAG_STRING ||
        value[3] != left - 2 * HEAD_BYTES || ((p[1] | value[1]) & 0x80))
        return false;
    to->key = str_of((const char *)p + HEAD_BYTES, p[1]);
    to->value = str_of((const char *)value + 2 * HEAD_BYTES, value[3]);
    return true;
}

/* A value that is no list, map or bytes: one field, the last of them; false otherwise. */
static bool
plain_value(struct otlp_walk *w, struct str value, struct str *ret_text)
{
    struct reader r = reader_of(value);
    struct pb_field f;
    struct str text = STR("");
    while (otlp_next_field(&r, &f)) {
        if (otlp_field_of(&f) == OTLP_FIELD(VALUE_STRING, PB_LEN))
            text = f.bytes;
        else if (otlp_field_of(&f) == OTLP_FIELD(VALUE_BOOL, PB_VARINT))
            text = f.value ? STR("true") : STR("false");
        else if (otlp_field_of(&f) == OTLP_FIELD(VALUE_INT, PB_VARINT))
            text = arena_printf(w->arena, "%jd", (intmax_t)f.value);
        else if (f.number <= VALUE_BYTES)
            return false;
    }
    *ret_text = text;
    return r.code == ERR_NONE;
}

static struct err
attribute_general(struct otlp_walk *w, struct str content, enum otlp_depth depth,
                  struct otlp_attribute *to)
{
    struct reader r = reader_of(content);
    struct pb_field f;
    struct str value = STR("");
    *to = (struct otlp_attribute){.key = STR("")};
    while (otlp_next_field(&r, &f)) {
        if (otlp_field_of(&f) == OTLP_FIELD(KEY_VALUE_KEY, PB_LEN))
            to->key = f.bytes;
        else if (otlp_field_of(&f) == OTLP_FIELD(KEY_VALUE_VALUE, PB_LEN))
            TRY(otlp_join(w, &value, f.bytes));
        else
            TRY(otlp_skip(&f, 1u << KEY_VALUE_KEY | 1u << KEY_VALUE_VALUE, "KeyValue"));
    }
    if (r.code != ERR_NONE)
        return otlp_malformed("KeyValue");
    TRY(otlp_claim(w, 1, NUMBER_TEXT_BYTES));
    if (plain_value(w, value, &to->value))
        return OK;
    return otlp_walk_value(w, value, (unsigned)depth + 1, &to->value);
}

/* Room for one more behind those of the list. */
static struct err
more_room(struct otlp_walk *w, struct otlp_attributes *list)
{
    size_t room = size_max(ATTRIBUTES_ROOM, 2 * list->n);
    TRY(otlp_claim(w, room, sizeof *w->at));
    struct otlp_attribute *v = arena_alloc(w->arena, room * sizeof *v);
    if (list->n > 0)
        memcpy(v, list->v, list->n * sizeof *v);
    w->at = v + list->n;
    w->room_end = v + room;
    list->v = v;
    return OK;
}

struct err
otlp_walk_attribute(struct otlp_walk *w, struct str content, enum otlp_depth depth,
                    struct otlp_attributes *list)
{
    if (__builtin_expect(w->at == w->room_end, 0))
        TRY(more_room(w, list));
    if (list->n == 0)
        list->v = w->at;
    if (!attribute_fast(content, w->at))
        TRY(attribute_general(w, content, depth, w->at));
    w->at++;
    list->n++;
    return OK;
}

/* --- metrics ---------------------------------------------------------------------------------- */

enum { METRIC_NAME = 1, METRIC_DESCRIPTION = 2, METRIC_UNIT = 3 };

static struct err
walk_metric(struct otlp_walk *w, struct str content, struct otlp_metric *m)
{
    struct reader r = reader_of(content);
    struct pb_field f;
    struct str data = STR("");
    while (otlp_next_field(&r, &f)) {
        enum otlp_type type = otlp_type_of_field(f.number);
        bool known = f.number <= METRIC_UNIT || type != OTLP_NO_DATA;
        if (f.wire != PB_LEN)
            TRY(otlp_skip(&f, known ? 1u << f.number : 0, "Metric"));
        else if (f.number == METRIC_NAME)
            m->name = f.bytes;
        else if (f.number == METRIC_DESCRIPTION)
            m->description = f.bytes;
        else if (f.number == METRIC_UNIT)
            m->unit = f.bytes;
        else if (type != OTLP_NO_DATA) {
            if (type != m->type)
                data = STR(""); /* one of them counts */
            m->type = type;
            TRY(otlp_join(w, &data, f.bytes));
        }
    }
    if (r.code != ERR_NONE)
        return otlp_malformed("Metric");
    return m->type == OTLP_NO_DATA ? OK : otlp_walk_data(w, data, m);
}

/* --- resources -------------------------------------------------------------------------------- */

enum { REQUEST_RESOURCES = 1, RESOURCES_RESOURCE = 1, RESOURCES_SCOPES = 2 };
enum { RESOURCE_ATTRIBUTES = 1, SCOPE_METRICS = 2 };

static struct err
walk_resource(struct otlp_walk *w, struct str content, struct otlp_attributes *to)
{
    struct reader r = reader_of(content);
    struct pb_field f;
    while (otlp_next_field(&r, &f)) {
        if (otlp_field_of(&f) == OTLP_FIELD(RESOURCE_ATTRIBUTES, PB_LEN))
            TRY(otlp_walk_attribute(w, f.bytes, OTLP_DEPTH_RESOURCE, to));
        else
            TRY(otlp_skip(&f, 1u << RESOURCE_ATTRIBUTES, "Resource"));
    }
    return r.code == ERR_NONE ? OK : otlp_malformed("Resource");
}

/* *metric_count grows by the metrics of a scope. */
static struct err
count_metrics(struct str scope, size_t *metric_count)
{
    size_t n = 0;
    TRY(otlp_count(scope, SCOPE_METRICS, "ScopeMetrics", &n));
    *metric_count += n;
    return OK;
}

static struct err
walk_scope(struct otlp_walk *w, struct str content, struct otlp_metric **to)
{
    struct reader r = reader_of(content);
    struct pb_field f;
    while (otlp_next_field(&r, &f)) {
        if (otlp_field_of(&f) == OTLP_FIELD(SCOPE_METRICS, PB_LEN))
            TRY(walk_metric(w, f.bytes, (*to)++));
        else
            TRY(otlp_skip(&f, 1u << SCOPE_METRICS, "ScopeMetrics"));
    }
    return OK; /* count_metrics() was there before */
}

static struct err
walk_metrics(struct otlp_walk *w, struct str content, struct otlp_resource *to)
{
    TRY(otlp_claim(w, to->metric_count, sizeof *to->metrics));
    struct otlp_metric *at = ARENA_ARRAY(w->arena, struct otlp_metric, to->metric_count);
    to->metrics = at;
    struct reader r = reader_of(content);
    struct pb_field f;
    while (otlp_next_field(&r, &f))
        if (otlp_field_of(&f) == OTLP_FIELD(RESOURCES_SCOPES, PB_LEN))
            TRY(walk_scope(w, f.bytes, &at));
    return OK;
}

static struct err
walk_resource_metrics(struct otlp_walk *w, struct str content, struct otlp_resource *to)
{
    struct reader r = reader_of(content);
    struct pb_field f;
    struct str resource = STR("");
    while (otlp_next_field(&r, &f)) {
        if (otlp_field_of(&f) == OTLP_FIELD(RESOURCES_RESOURCE, PB_LEN))
            TRY(otlp_join(w, &resource, f.bytes));
        else if (otlp_field_of(&f) == OTLP_FIELD(RESOURCES_SCOPES, PB_LEN))
            TRY(count_metrics(f.bytes, &to->metric_count));
        else
            TRY(otlp_skip(&f, 1u << RESOURCES_RESOURCE | 1u << RESOURCES_SCOPES,
                          "ResourceMetrics"));
    }
    if (r.code != ERR_NONE)
        return otlp_malformed("ResourceMetrics");
    TRY(walk_resource(w, resource, &to->attributes));
    return walk_metrics(w, content, to);
}

struct err
otlp_walk_request(struct arena *a, struct str message, struct otlp_request *ret_request)
{
    struct otlp_walk w = {.arena = a};
    size_t n = 0;
    TRY(otlp_count(message, REQUEST_RESOURCES, "ExportRequest", &n));
    TRY(otlp_claim(&w, n, sizeof(struct otlp_resource)));
    struct otlp_resource *resources = ARENA_ARRAY(a, struct otlp_resource, n), *at = resources;
    struct reader r = reader_of(message);
    struct pb_field f;
    while (otlp_next_field(&r, &f)) {
        if (otlp_field_of(&f) == OTLP_FIELD(REQUEST_RESOURCES, PB_LEN))
            TRY(walk_resource_metrics(&w, f.bytes, at++));
        else
            TRY(otlp_skip(&f, 1u << REQUEST_RESOURCES, "ExportRequest"));
    }
    *ret_request = (struct otlp_request){resources, n};
    return OK;
}
