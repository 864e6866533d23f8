/* remote_write2_parts.c - references, exemplars and metadata of remote write 2.0. */
#include "proto/remote_write2_int.h"

#include "base/mem.h"
#include "tsdb/head/metadata_family.h"

/* --- references ------------------------------------------------------------------------------ */

static struct err
push_ref(const struct walk2 *w, struct write2_refs *refs, uint64_t ref)
{
    if (refs->n == WRITE_REFS_MAX)
        return ERR(ERR_TOO_LARGE, "too many label references: the limit is %d a series",
                   WRITE_REFS_MAX);
    refs->v = arena_more(w->base.arena, refs->v, sizeof *refs->v, refs->n, &refs->cap);
    refs->v[refs->n++] = (uint32_t)ref; /* protobuf cuts what is longer */
    return OK;
}

struct err
write2_take_refs(const struct walk2 *w, const struct pb_field *f, const uint8_t *at,
                 struct write2_refs *refs)
{
    if (f->wire == PB_VARINT)
        return push_ref(w, refs, f->value);
    if (f->wire != PB_LEN)
        return write_malformed(&w->base, at, "wrong wire type of the label references");
    struct reader r = reader_of(f->bytes);
    while (reader_left(&r) > 0) {
        uint64_t ref = reader_uvarint(&r);
        if (r.code != ERR_NONE)
            return write_malformed(&w->base, at, "malformed label references");
        TRY(push_ref(w, refs, ref));
    }
    return OK;
}

struct err
write2_check_refs(const struct walk2 *w, const struct write2_refs *refs, const void *at)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    for (size_t i = 0; i < refs->n; i++) {
        if (refs->v[i] < w->symbols.n)
            continue;
        buf_printf(&text, "label reference %u to one of %zu symbols in the message",
                   (unsigned)refs->v[i], w->symbols.n);
        return write_malformed(&w->base, at, buf_cstr(&text));
    }
    if (refs->n % 2 == 0)
        return OK;
    buf_printf(&text, "odd number of label references (%zu) in the message", refs->n);
    return write_malformed(&w->base, at, buf_cstr(&text));
}

/* --- exemplars ------------------------------------------------------------------------------- */

enum { EXEMPLAR2_LABELS_REFS = 1, EXEMPLAR2_VALUE = 2, EXEMPLAR2_TIMESTAMP = 3 };

static struct err
exemplar_field(struct walk2 *w, const struct pb_field *f, const uint8_t *at, struct exemplar *e)
{
    if (f->number == EXEMPLAR2_LABELS_REFS)
        return write2_take_refs(w, f, at, &w->exemplar_refs);
    if (f->number != EXEMPLAR2_VALUE && f->number != EXEMPLAR2_TIMESTAMP)
        return OK;
    if (f->wire != (f->number == EXEMPLAR2_VALUE ? PB_I64 : PB_VARINT))
        return write_malformed(&w->base, at, "wrong wire type in the exemplar");
    if (f->number == EXEMPLAR2_VALUE)
        e->bits = f->value;
    else
        e->t_ms = (int64_t)f->value;
    return OK;
}

/* As in 1.0: without empty values, sorted, no more than suffice to be too long. */
static struct labels
exemplar_labels(const struct walk2 *w)
{
    struct label found[EXEMPLAR_LABELS_KEPT];
    size_t n = 0;
    for (size_t i = 0; i < w->exemplar_refs.n && n < EXEMPLAR_LABELS_KEPT; i += 2) {
        struct label l = {symbol_text(&w->symbols, w->exemplar_refs.v[i]),
                          symbol_text(&w->symbols, w->exemplar_refs.v[i + 1])};
        if (l.value.n > 0)
            found[n++] = l;
    }
    return prompb_exemplar_labels(w->base.arena, found, n);
}

struct err
write2_add_exemplar(struct walk2 *w, struct str content)
{
    struct exemplar *to, e = {0};
    struct reader r = reader_of(content);
    struct pb_field f;
    const uint8_t *at = r.p;
    TRY(write_next_exemplar(&w->base, &to));
    w->exemplar_refs.n = 0;
    for (; pb_next(&r, &f); at = r.p)
        TRY(exemplar_field(w, &f, at, &e));
    if (r.code != ERR_NONE)
        return write_malformed(&w->base, at, "malformed field of the exemplar");
    TRY(write2_check_refs(w, &w->exemplar_refs, content.p));
    TRY(arena_admit(w->base.arena, sizeof(struct label) * EXEMPLAR_LABELS_KEPT));
    e.labels = exemplar_labels(w);
    *to = e;
    w->base.m.exemplar_count++;
    return OK;
}

/* --- metadata -------------------------------------------------------------------------------- */

enum { METADATA2_TYPE = 1, METADATA2_HELP_REF = 3, METADATA2_UNIT_REF = 4 };

static struct err
get_metadata(const struct walk2 *w, struct str content, struct write2_told *ret_told)
{
    struct write2_told told = {.any = true};
    struct reader r = reader_of(content);
    struct pb_field f;
    const uint8_t *at = r.p;
    for (; pb_next(&r, &f); at = r.p) {
        bool is_ref = f.number == METADATA2_HELP_REF || f.number == METADATA2_UNIT_REF;
        if (!is_ref && f.number != METADATA2_TYPE)
            continue;
        if (f.wire != PB_VARINT)
            return write_malformed(&w->base, at, "wrong wire type in the metadata");
        if (!is_ref) {
            told.kind = prompb_metric_kind(f.value);
            continue;
        }
        if ((uint32_t)f.value >= w->symbols.n)
            return write_malformed(&w->base, at, "reference without a symbol in the metadata");
        *(f.number == METADATA2_HELP_REF ? &told.help : &told.unit) = (uint32_t)f.value;
    }
    if (r.code != ERR_NONE)
        return write_malformed(&w->base, at, "malformed field of the metadata");
    *ret_told = told;
    return OK;
}

static bool
says_nothing(const struct walk2 *w, const struct write2_told *told)
{
    return told->kind == METRIC_KIND_UNKNOWN && w->symbols.v[told->help].n == 0 &&
           w->symbols.v[told->unit].n == 0;
}

static bool
told_before(const struct write2_told *a, const struct write2_told *b)
{
    return a->any && a->kind == b->kind && a->help == b->help && a->unit == b->unit;
}

static struct err
begin_told(struct walk2 *w)
{
    TRY(arena_admit(w->base.arena, w->symbols.n * sizeof *w->told));
    w->told = ARENA_ARRAY(w->base.arena, struct write2_told, w->symbols.n);
    return OK;
}

struct err
write2_add_metadata(struct walk2 *w)
{
    struct write2_told now;
    TRY(get_metadata(w, w->metadata, &now));
    w->last_metric = w->metric;
    w->last_metadata = w->metadata;
    if (says_nothing(w, &now))
        return OK;
    if (!w->told)
        TRY(begin_told(w));
    if (told_before(&w->told[w->metric], &now))
        return OK;
    struct family_metadata *to;
    TRY(write_next_metadata(&w->base, &to));
    *to = (struct family_metadata){
        .family = metadata_family_of(symbol_text(&w->symbols, w->metric), now.kind),
        .value = {now.kind, symbol_text(&w->symbols, now.help), symbol_text(&w->symbols, now.unit)},
    };
    w->told[w->metric] = now;
    w->base.m.metadata_count++;
    return OK;
}
