/* symbols.h - the symbol table of a remote write 2.0 request, and label keys from references to it.
 *
 * A label key is written out for each series, byte for byte as a sender of 1.0 would have sent it:
 * so both versions find the same series by the same hash. Symbols are views of the message and can
 * be read beyond their end, so that one goes into a key by copies of fixed size.
 * Source: io.prometheus.write.v2 (types.proto); tsdb/model/label_key.h. Threads: any. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "tsdb/model/labels.h"

enum { SYMBOL_READABLE_BYTES = 64 }; /* from the start of any symbol, however short it is */

struct symbol {
    const char *p;
    uint32_t n;
    uint32_t is_metric_name; /* it is "__name__" */
};

struct symbols {
    struct symbol *v; /* in the arena */
    size_t n;
};

static inline struct str
symbol_text(const struct symbols *s, uint32_t ref)
{
    return str_of(s->v[ref].p, s->v[ref].n);
}

/* Appends one; there is room. `message_end` says what may be read behind it; where that is not
 * enough, the symbol is copied. */
void symbols_add(struct symbols *s, struct str text, const char *message_end, struct arena *a);

/* Bytes of the key of these labels: pairs of references, all within the table. */
size_t symbols_key_bytes(const struct symbols *s, const uint32_t *refs, size_t n);
/* Writes that key. What is empty is left out of it, as proto3 does. */
void symbols_put_key(const struct symbols *s, const uint32_t *refs, size_t n, char *to);
/* The value of __name__ as a reference, 0 without one. */
uint32_t symbols_metric_name(const struct symbols *s, const uint32_t *refs, size_t n);

/* A label that is short in all its parts takes at most so many bytes of a key. */
enum { SYMBOLS_SHORT_LABEL_BYTES = 2 + 0x7f };
/* Room that symbols_put_short_label() wants. */
enum { SYMBOLS_LABEL_ROOM = SYMBOLS_SHORT_LABEL_BYTES + SYMBOL_READABLE_BYTES };

static inline char *
symbols_put_short(char *to, const struct symbol *s)
{
    memcpy(to, s->p, SYMBOL_READABLE_BYTES / 2); /* mostly all of it */
    if (__builtin_expect(s->n > SYMBOL_READABLE_BYTES / 2, 0)) {
        memcpy(to, s->p, SYMBOL_READABLE_BYTES);
        if (s->n > SYMBOL_READABLE_BYTES)
            memcpy(to, s->p, s->n);
    }
    return to + s->n;
}

/* Writes one label where SYMBOLS_LABEL_ROOM bytes are free, and returns its end; NULL when a part
 * of it is empty or not short. */
static inline char *
symbols_put_short_label(char *to, const struct symbol *name, const struct symbol *value)
{
    size_t bytes = 4 + (size_t)name->n + value->n;
    if (__builtin_expect(bytes > 0x7f || name->n == 0 || value->n == 0, 0))
        return NULL;
    to[0] = 0x0a; /* field 1 of a TimeSeries, a message */
    to[1] = (char)bytes;
    to[2] = 0x0a; /* its field 1, the name */
    to[3] = (char)name->n;
    char *at = symbols_put_short(to + 4, name);
    at[0] = 0x12; /* its field 2, the value */
    at[1] = (char)value->n;
    return symbols_put_short(at + 2, value);
}
