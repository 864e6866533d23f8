/* otlp_exemplars.c - exemplars of a point: their labels, and the bucket each belongs to.
 *
 * They are sorted by time, since a series takes them in order of time only. */
#include "ingest/otlp_int.h"

#include <math.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/quote.h"

static const struct str trace_id_label = STR_INIT("trace_id"), span_id_label = STR_INIT("span_id");

/* Zeroes stand for "none", as in OpenTelemetry's own libraries. */
static bool
is_id(struct str id)
{
    for (size_t i = 0; i < id.n; i++)
        if (id.p[i] != 0)
            return true;
    return false;
}

static struct str
hex(struct arena *a, struct str bytes)
{
    static const char digits[] = "0123456789abcdef";
    char *text = arena_alloc(a, 2 * bytes.n + 1);
    for (size_t i = 0; i < bytes.n; i++) {
        text[2 * i] = digits[(uint8_t)bytes.p[i] >> 4];
        text[2 * i + 1] = digits[(uint8_t)bytes.p[i] & 15];
    }
    return str_of(text, 2 * bytes.n);
}

static size_t
characters(struct str s)
{
    size_t n = 0;
    for (uint32_t rune; s.n > 0; n++)
        s = str_skip(s, rune_decode(s, &rune));
    return n;
}

/* All attributes, or none when they would be too long together with the ids. */
static size_t
attributes_kept(const struct otlp_exemplar *e, size_t characters_used)
{
    for (size_t i = 0; i < e->attributes.n; i++) {
        struct otlp_attribute at = e->attributes.v[i];
        characters_used += characters(at.key) + characters(at.value);
        if (characters_used > EXEMPLAR_LABEL_CHARACTERS_MAX)
            return 0;
    }
    return e->attributes.n;
}

static struct labels
exemplar_labels(struct arena *a, const struct otlp_exemplar *e)
{
    struct str trace = is_id(e->trace_id) ? hex(a, e->trace_id) : STR("");
    struct str span = is_id(e->span_id) ? hex(a, e->span_id) : STR("");
    size_t used = (trace.n > 0 ? trace_id_label.n + trace.n : 0) +
                  (span.n > 0 ? span_id_label.n + span.n : 0);
    size_t kept = attributes_kept(e, used), n = 0;
    struct label *v = ARENA_ARRAY(a, struct label, kept + 2);
    if (trace.n > 0)
        v[n++] = (struct label){trace_id_label, trace};
    if (span.n > 0)
        v[n++] = (struct label){span_id_label, span};
    for (size_t i = 0; i < kept; i++)
        if (e->attributes.v[i].value.n > 0)
            v[n++] = (struct label){e->attributes.v[i].key, e->attributes.v[i].value};
    labels_sort(v, n); /* at most EXEMPLAR_LABEL_CHARACTERS_MAX have a name or value */
    return (struct labels){v, n};
}

/* The first bucket whose upper bound is not below the value; bound_count for the one to +Inf. */
static size_t
bucket_of(const struct otlp_point *p, double value)
{
    size_t low = 0, high = p->bound_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (value <= p->bounds[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static int
by_bucket_and_time(const void *x, const void *y)
{
    const struct otlp_placed *a = x, *b = y;
    if (a->bucket != b->bucket)
        return a->bucket < b->bucket ? -1 : 1;
    return (a->exemplar.t_ms > b->exemplar.t_ms) - (a->exemplar.t_ms < b->exemplar.t_ms);
}

struct otlp_placed_list
otlp_place_exemplars(struct arena *a, const struct otlp_point *p)
{
    struct otlp_placed_list l = {ARENA_ARRAY(a, struct otlp_placed, p->exemplar_count), 0, 0};
    for (size_t i = 0; i < p->exemplar_count; i++) {
        const struct otlp_exemplar *e = &p->exemplars[i];
        if (!e->has_value)
            continue;
        uint64_t time_ns = e->time_ns > 0 ? e->time_ns : p->time_ns;
        l.v[l.n++] = (struct otlp_placed){
            {otlp_ms(time_ns), e->bits, exemplar_labels(a, e)},
            bucket_of(p, f64_of_bits(e->bits)),
        };
    }
    if (l.n > 1)
        qsort(l.v, l.n, sizeof *l.v, by_bucket_and_time);
    return l;
}

struct err
otlp_put_exemplars(struct batch_builder *b, struct otlp_placed_list *l, size_t bucket)
{
    for (; l->next < l->n && l->v[l->next].bucket == bucket; l->next++)
        TRY(batch_builder_exemplar(b, &l->v[l->next].exemplar));
    return OK;
}
