/* labels.c - comparing, hashing and printing label sets. */
#include "tsdb/model/labels.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/quote.h"

enum { HASH_STACK_BYTES = 1024 }; /* most label sets fit */

int
labels_cmp(struct labels a, struct labels b)
{
    size_t n = size_min(a.n, b.n);
    for (size_t i = 0; i < n; i++) {
        int c = str_cmp(a.v[i].name, b.v[i].name);
        if (c == 0)
            c = str_cmp(a.v[i].value, b.v[i].value);
        if (c != 0)
            return c;
    }
    return (a.n > b.n) - (a.n < b.n);
}

bool
labels_eq(struct labels a, struct labels b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++) {
        if (!str_eq(a.v[i].name, b.v[i].name) || !str_eq(a.v[i].value, b.v[i].value))
            return false;
    }
    return true;
}

struct str
labels_get(struct labels l, struct str name)
{
    for (size_t i = 0; i < l.n; i++) {
        if (str_eq(l.v[i].name, name))
            return l.v[i].value;
    }
    return STR("");
}

static char *
put_hashed(char *at, struct str s)
{
    if (s.n)
        memcpy(at, s.p, s.n);
    at[s.n] = '\xff'; /* no UTF-8 text holds this byte */
    return at + s.n + 1;
}

uint64_t
labels_hash(struct labels l)
{
    size_t bytes = 0;
    for (size_t i = 0; i < l.n; i++)
        bytes += l.v[i].name.n + l.v[i].value.n + 2;
    char on_stack[HASH_STACK_BYTES];
    AUTO(mem_free) char *on_heap = bytes > sizeof on_stack ? mem_alloc(bytes) : NULL;
    char *text = on_heap ? on_heap : on_stack, *at = text;
    for (size_t i = 0; i < l.n; i++)
        at = put_hashed(put_hashed(at, l.v[i].name), l.v[i].value);
    return hash64(str_of(text, bytes));
}

static void
put_name(struct str name, struct buf *to)
{
    if (label_is_legacy_name(name))
        buf_append(to, name);
    else
        quote_text(name, to);
}

/* All labels but those named `left_out`. */
static void
put_labels(struct labels l, struct str left_out, struct buf *to)
{
    const char *between = "{";
    for (size_t i = 0; i < l.n; i++) {
        if (str_eq(l.v[i].name, left_out))
            continue;
        buf_append(to, str_of_cstr(between));
        put_name(l.v[i].name, to);
        buf_put_u8(to, '=');
        quote_text(l.v[i].value, to);
        between = ", ";
    }
    buf_append(to, l.n ? STR("}") : STR("{}"));
}

void
labels_format(struct labels l, struct buf *to)
{
    struct str metric = labels_get(l, STR(LABEL_METRIC_NAME));
    bool in_front = label_is_legacy_metric_name(metric);
    if (in_front)
        buf_append(to, metric);
    if (!in_front || l.n > 1)
        put_labels(l, in_front ? STR(LABEL_METRIC_NAME) : STR(""), to);
}

void
labels_format_braces(struct labels l, struct buf *to)
{
    put_labels(l, STR(""), to);
}

void
labels_sort(struct label *v, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        if (str_cmp(v[i - 1].name, v[i].name) <= 0)
            continue;
        struct label moved = v[i];
        size_t to = i;
        for (; to > 0 && str_cmp(v[to - 1].name, moved.name) > 0; to--)
            v[to] = v[to - 1];
        v[to] = moved;
    }
}

/* As arena_str(), into memory that is there. */
static struct str
put_text(char **at, struct str s)
{
    struct str copy = {*at, s.n};
    if (s.n > 0)
        memcpy(*at, s.p, s.n);
    (*at)[s.n] = '\0';
    *at += s.n + 1;
    return copy;
}

struct labels
labels_copy(struct arena *a, struct labels l)
{
    size_t bytes = 0;
    for (size_t i = 0; i < l.n; i++)
        bytes += l.v[i].name.n + l.v[i].value.n + 2;
    struct label *v = arena_alloc(a, l.n * sizeof *v + bytes);
    char *at = (char *)(v + l.n);
    for (size_t i = 0; i < l.n; i++) {
        v[i].name = put_text(&at, l.v[i].name);
        v[i].value = put_text(&at, l.v[i].value);
    }
    return (struct labels){v, l.n};
}

static bool
is_name_char(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
}

bool
label_is_legacy_metric_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!is_name_char(s.p[i], i == 0) && s.p[i] != ':')
            return false;
    }
    return s.n > 0;
}

bool
label_is_legacy_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!is_name_char(s.p[i], i == 0))
            return false;
    }
    return s.n > 0;
}
