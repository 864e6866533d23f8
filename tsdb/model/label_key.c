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

/* A field with this tag and a length of one byte at the front of *rest: its content. */
static inline bool
take_short_field(struct str *rest, uint32_t number, struct str *ret_content)
{
    if (rest->n < 2 || (uint8_t)rest->p[0] != (number << 3 | PB_LEN))
        return false;
    size_t bytes = (uint8_t)rest->p[1];
    if (bytes >= 0x80 || bytes > rest->n - 2)
        return false;
    *ret_content = str_of(rest->p + 2, bytes);
    *rest = str_of(rest->p + 2 + bytes, rest->n - 2 - bytes);
    return true;
}

bool
label_key_decode_usual(struct arena *a, struct str key, struct labels *ret_labels)
{
    if (!str_is_ascii(key)) /* one look at all names, values, tags and lengths */
        return false;
    struct label found[LABELS_COUNT_MAX];
    size_t n = 0;
    for (struct str rest = key, label; rest.n > 0; n++) {
        if (n == LABELS_COUNT_MAX || !take_short_field(&rest, KEY_LABELS, &label) ||
            !take_short_field(&label, LABEL_NAME, &found[n].name) ||
            !take_short_field(&label, LABEL_VALUE, &found[n].value))
            return false;
        bool complete = label.n == 0 && found[n].name.n > 0 && found[n].value.n > 0;
        if (!complete || (n > 0 && str_cmp(found[n - 1].name, found[n].name) >= 0))
            return false;
    }
    if (n == 0)
        return false;
    struct label *v = arena_alloc(a, n * sizeof *v);
    memcpy(v, found, n * sizeof *v);
    *ret_labels = (struct labels){v, n};
    return true;
}

/* --- encoding --------------------------------------------------------------------------------- */

enum { SHORT_BYTES_MAX = 0x7f }; /* of a length that is one byte */

static char *
put_short_field(char *at, uint32_t number, struct str content)
{
    at[0] = (char)(number << 3 | PB_LEN);
    at[1] = (char)content.n;
    memcpy(at + 2, content.p, content.n);
    return at + 2 + content.n;
}

/* The usual label: all lengths in one byte. */
static inline bool
put_short_label(struct buf *to, struct str name, struct str value)
{
    size_t bytes = 4 + name.n + value.n;
    if (name.n == 0 || name.n > SHORT_BYTES_MAX || value.n > SHORT_BYTES_MAX ||
        bytes > SHORT_BYTES_MAX)
        return false;
    buf_reserve(to, 2 + bytes);
    char *at = to->p + to->n;
    at[0] = (char)(KEY_LABELS << 3 | PB_LEN);
    at[1] = (char)bytes;
    at = put_short_field(at + 2, LABEL_NAME, name);
    at = put_short_field(at, LABEL_VALUE, value);
    to->n = (size_t)(at - to->p);
    return true;
}

/* An empty field is left out, as proto3 does. */
static size_t
field_bytes(uint32_t number, struct str s)
{
    return s.n ? pb_bytes_size(number, s.n) : 0;
}

void
label_key_encode(struct labels l, struct buf *to)
{
    for (size_t i = 0; i < l.n; i++) {
        struct str name = l.v[i].name, value = l.v[i].value;
        if (value.n == 0)
            continue; /* as good as absent */
        if (put_short_label(to, name, value))
            continue;
        pb_put_message(to, KEY_LABELS,
                       field_bytes(LABEL_NAME, name) + field_bytes(LABEL_VALUE, value));
        pb_put_bytes(to, LABEL_NAME, name);
        pb_put_bytes(to, LABEL_VALUE, value);
    }
}
