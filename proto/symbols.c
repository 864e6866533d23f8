/* symbols.c - see symbols.h. */
#include "proto/symbols.h"

#include "base/assert.h"
#include "base/mem.h"
#include "proto/prompb_int.h"

void
symbols_add(struct symbols *s, struct str text, const char *message_end, struct arena *a)
{
    const char *p = text.p;
    if ((size_t)(message_end - p) < SYMBOL_READABLE_BYTES) {
        char *copy = arena_alloc_zero(a, SYMBOL_READABLE_BYTES);
        if (text.n > 0) /* it ends within the message */
            memcpy(copy, p, text.n);
        p = copy;
    }
    bool is_metric_name = str_eq(text, STR("__name__"));
    s->v[s->n++] = (struct symbol){p, u32_of_size(text.n), is_metric_name};
}

static size_t
field_bytes(uint32_t number, size_t n)
{
    return n ? pb_bytes_size(number, n) : 0;
}

static size_t
label_bytes(const struct symbol *name, const struct symbol *value)
{
    return field_bytes(LABEL_NAME, name->n) + field_bytes(LABEL_VALUE, value->n);
}

size_t
symbols_key_bytes(const struct symbols *s, const uint32_t *refs, size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i += 2)
        bytes += pb_bytes_size(SERIES_LABELS, label_bytes(&s->v[refs[i]], &s->v[refs[i + 1]]));
    return bytes;
}

static char *
put_head(char *to, uint32_t number, size_t bytes)
{
    *to++ = (char)(number << 3 | PB_LEN);
    return to + store_uvarint(to, bytes);
}

static char *
put_field(char *to, uint32_t number, const struct symbol *s)
{
    if (s->n == 0)
        return to;
    to = put_head(to, number, s->n);
    memcpy(to, s->p, s->n);
    return to + s->n;
}

void
symbols_put_key(const struct symbols *s, const uint32_t *refs, size_t n, char *to)
{
    for (size_t i = 0; i < n; i += 2) {
        const struct symbol *name = &s->v[refs[i]], *value = &s->v[refs[i + 1]];
        to = put_head(to, SERIES_LABELS, label_bytes(name, value));
        to = put_field(to, LABEL_NAME, name);
        to = put_field(to, LABEL_VALUE, value);
    }
}

uint32_t
symbols_metric_name(const struct symbols *s, const uint32_t *refs, size_t n)
{
    for (size_t i = 0; i < n; i += 2) {
        if (s->v[refs[i]].is_metric_name && s->v[refs[i + 1]].n > 0)
            return refs[i + 1];
    }
    return 0;
}
