/* label_key.c - between label sets and their bytes in a remote-write message.
 *
 * As protobuf has it, inside one label a missing field is empty, of repeated ones the last
 * counts and unknown ones are skipped; the key itself holds labels only. */
#include "tsdb/model/label_key.h"

#include "base/assert.h"
#include "base/pb.h"

enum { KEY_LABELS = 1, LABEL_NAME = 1, LABEL_VALUE = 2 }; /* field numbers */

const char *
label_fault_text(enum label_fault fault)
{
    switch (fault) {
    case LABEL_FAULT_NONE:
        return "ok";
    case LABEL_FAULT_EMPTY_SET:
        return "label set is empty";
    case LABEL_FAULT_EMPTY_NAME:
        return "label name is empty";
    case LABEL_FAULT_DUPLICATE:
        return "label name occurs twice";
    case LABEL_FAULT_NOT_UTF8:
        return "label is not valid UTF-8";
    case LABEL_FAULT_TOO_MANY:
        return "too many labels";
    case LABEL_FAULT_TOO_LONG:
        return "label name or value is too long";
    case LABEL_FAULT_MALFORMED:
        return "label bytes are malformed";
    case LABEL_FAULT_COUNT:
        break;
    }
    UNREACHABLE("no such fault");
}

static enum label_fault
decode_label(struct str bytes, struct label *ret_label)
{
    struct reader r = reader_of(bytes);
    struct pb_field f;
    struct label l = {STR(""), STR("")};
    while (pb_next(&r, &f)) {
        if (f.wire == PB_LEN && f.number == LABEL_NAME)
            l.name = f.bytes;
        else if (f.wire == PB_LEN && f.number == LABEL_VALUE)
            l.value = f.bytes;
        else if (f.number == LABEL_NAME || f.number == LABEL_VALUE)
            return LABEL_FAULT_MALFORMED;
    }
    if (r.code)
        return LABEL_FAULT_MALFORMED;
    if (l.name.n == 0)
        return LABEL_FAULT_EMPTY_NAME;
    if (l.name.n > LABEL_NAME_BYTES_MAX || l.value.n > LABEL_VALUE_BYTES_MAX)
        return LABEL_FAULT_TOO_LONG;
    if (!str_is_utf8(l.name) || !str_is_utf8(l.value))
        return LABEL_FAULT_NOT_UTF8;
    *ret_label = l;
    return LABEL_FAULT_NONE;
}

static bool
has_duplicate(const struct label *sorted, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        if (str_eq(sorted[i - 1].name, sorted[i].name))
            return true;
    }
    return false;
}

enum label_fault
label_key_decode(struct arena *a, struct str key, struct labels *ret_labels)
{
    struct label found[LABELS_COUNT_MAX];
    size_t n = 0;
    struct reader r = reader_of(key);
    struct pb_field f;
    while (pb_next(&r, &f)) {
        if (f.number != KEY_LABELS || f.wire != PB_LEN)
            return LABEL_FAULT_MALFORMED;
        struct label l;
        enum label_fault fault = decode_label(f.bytes, &l);
        if (fault)
            return fault;
        if (l.value.n == 0)
            continue;
        if (n == LABELS_COUNT_MAX)
            return LABEL_FAULT_TOO_MANY;
        found[n++] = l;
    }
    if (r.code)
        return LABEL_FAULT_MALFORMED;
    if (n == 0)
        return LABEL_FAULT_EMPTY_SET;
    labels_sort(found, n);
    if (has_duplicate(found, n))
        return LABEL_FAULT_DUPLICATE;
    struct label *v = ARENA_ARRAY(a, struct label, n);
    memcpy(v, found, n * sizeof *v);
    *ret_labels = (struct labels){v, n};
    return LABEL_FAULT_NONE;
}

/* An empty field is left out, as proto3 does. */
static size_t
field_bytes(uint32_t number, struct str s)
{
    return s.n ? pb_bytes_size(number, s.n) : 0;
}

/* Skips a tag byte and a minimal uvarint of `bytes` at *at, if that is what stands there. */
static bool
skip_field_head(struct str key, size_t *at, uint32_t number, size_t bytes)
{
    uint8_t head[1 + UVARINT_BYTES_MAX] = {(uint8_t)(number << 3 | PB_LEN)};
    size_t n = 1 + store_uvarint(head + 1, bytes);
    if (key.n - *at < n || memcmp(key.p + *at, head, n) != 0)
        return false;
    *at += n;
    return true;
}

static bool
skip_field(struct str key, size_t *at, uint32_t number, struct str content)
{
    bool here = skip_field_head(key, at, number, content.n) && content.p == key.p + *at;
    *at += here ? content.n : 0;
    return here;
}

bool
label_key_is_canonical(struct str key, struct labels l)
{
    size_t at = 0;
    for (size_t i = 0; i < l.n; i++) {
        size_t bytes = field_bytes(LABEL_NAME, l.v[i].name) + field_bytes(LABEL_VALUE, l.v[i].value);
        if (!skip_field_head(key, &at, KEY_LABELS, bytes) ||
            !skip_field(key, &at, LABEL_NAME, l.v[i].name) ||
            !skip_field(key, &at, LABEL_VALUE, l.v[i].value))
            return false;
    }
    return at == key.n;
}

void
label_key_encode(struct labels l, struct buf *to)
{
    for (size_t i = 0; i < l.n; i++) {
        struct str name = l.v[i].name, value = l.v[i].value;
        if (value.n == 0)
            continue; /* as good as absent */
        pb_put_message(to, KEY_LABELS,
                       field_bytes(LABEL_NAME, name) + field_bytes(LABEL_VALUE, value));
        pb_put_bytes(to, LABEL_NAME, name);
        pb_put_bytes(to, LABEL_VALUE, value);
    }
}
