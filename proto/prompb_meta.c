/* prompb_meta.c - prometheus.Exemplar and prometheus.MetricMetadata: what is told about samples. */
#include "base/mem.h"
#include "proto/prompb_int.h"

enum { EXEMPLAR_LABELS = 1, EXEMPLAR_VALUE = 2, EXEMPLAR_TIMESTAMP = 3 };
enum { METADATA_TYPE = 1, METADATA_FAMILY = 2, METADATA_HELP = 4, METADATA_UNIT = 5 };

struct err
prompb_malformed(const struct prompb_part *part, const void *at, const char *what)
{
    return ERR(ERR_INVALID, "remote write: %s at byte %zu", what,
               (size_t)((const char *)at - part->origin));
}

/* --- exemplars -------------------------------------------------------------------------------- */

static struct err
get_label(const struct prompb_part *part, struct str content, struct label *ret_label)
{
    struct label l = {STR(""), STR("")};
    struct reader r = reader_of(content);
    struct pb_field f;
    while (pb_next(&r, &f)) {
        if (f.number != LABEL_NAME && f.number != LABEL_VALUE)
            continue;
        if (f.wire != PB_LEN)
            return prompb_malformed(part, content.p, "wrong wire type in a label of the exemplar");
        *(f.number == LABEL_NAME ? &l.name : &l.value) = f.bytes;
    }
    if (r.code != ERR_NONE)
        return prompb_malformed(part, content.p, "malformed label of the exemplar");
    *ret_label = l;
    return OK;
}

struct exemplar_walk {
    struct label labels[EXEMPLAR_LABELS_KEPT];
    size_t n;
    struct exemplar e;
};

static struct err
exemplar_field(const struct prompb_part *part, const struct pb_field *f, const void *at,
               struct exemplar_walk *w)
{
    if (f->number < EXEMPLAR_LABELS || f->number > EXEMPLAR_TIMESTAMP)
        return OK;
    static const enum pb_wire wires[] = {
        [EXEMPLAR_LABELS] = PB_LEN, [EXEMPLAR_VALUE] = PB_I64, [EXEMPLAR_TIMESTAMP] = PB_VARINT};
    if (f->wire != wires[f->number])
        return prompb_malformed(part, at, "wrong wire type in the exemplar");
    if (f->number == EXEMPLAR_VALUE)
        w->e.bits = f->value;
    if (f->number == EXEMPLAR_TIMESTAMP)
        w->e.t_ms = (int64_t)f->value;
    if (f->number != EXEMPLAR_LABELS)
        return OK;
    struct label l;
    TRY(get_label(part, f->bytes, &l));
    if (l.value.n > 0 && w->n < EXEMPLAR_LABELS_KEPT)
        w->labels[w->n++] = l;
    return OK;
}

struct labels
prompb_exemplar_labels(struct arena *a, struct label *labels, size_t n)
{
    if (n == 0)
        return (struct labels){NULL, 0};
    labels_sort(labels, n);
    struct label *v = arena_alloc(a, n * sizeof *v);
    memcpy(v, labels, n * sizeof *v);
    return (struct labels){v, n};
}

struct err
prompb_get_exemplar(struct arena *a, const struct prompb_part *part, struct exemplar *ret_exemplar)
{
    struct exemplar_walk w;
    w.n = 0;
    w.e = (struct exemplar){0};
    struct reader r = reader_of(part->content);
    struct pb_field f;
    const uint8_t *at = r.p;
    for (; pb_next(&r, &f); at = r.p)
        TRY(exemplar_field(part, &f, at, &w));
    if (r.code != ERR_NONE)
        return prompb_malformed(part, at, "malformed field of the exemplar");
    TRY(arena_admit(a, w.n * sizeof *w.labels));
    w.e.labels = prompb_exemplar_labels(a, w.labels, w.n);
    *ret_exemplar = w.e;
    return OK;
}

void
prompb_put_exemplar(struct buf *to, const struct exemplar *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    for (size_t i = 0; i < e->labels.n; i++) {
        struct label l = e->labels.v[i];
        pb_put_message(&b, EXEMPLAR_LABELS,
                       (l.name.n ? pb_bytes_size(LABEL_NAME, l.name.n) : 0) +
                           (l.value.n ? pb_bytes_size(LABEL_VALUE, l.value.n) : 0));
        pb_put_bytes(&b, LABEL_NAME, l.name);
        pb_put_bytes(&b, LABEL_VALUE, l.value);
    }
    pb_put_tag(&b, EXEMPLAR_VALUE, PB_I64); /* as bits, see sample.h */
    buf_reserve(&b, 8);
    store_le64(b.p + b.n, e->bits);
    b.n += 8;
    pb_put_i64(&b, EXEMPLAR_TIMESTAMP, e->t_ms);
    pb_put_message(to, SERIES_EXEMPLARS, b.n);
    buf_append(to, buf_str(&b));
}

/* --- metadata --------------------------------------------------------------------------------- */

enum metric_kind
prompb_metric_kind(uint64_t type)
{
    return type <= METRIC_KIND_STATESET ? (enum metric_kind)type : METRIC_KIND_UNKNOWN;
}

struct err
prompb_get_metadata(const struct prompb_part *part, struct family_metadata *ret_metadata)
{
    struct family_metadata m = {.family = STR(""), .value = {.help = STR(""), .unit = STR("")}};
    struct reader r = reader_of(part->content);
    struct pb_field f;
    const uint8_t *at = r.p;
    for (; pb_next(&r, &f); at = r.p) {
        struct str *text = f.number == METADATA_FAMILY ? &m.family
                           : f.number == METADATA_HELP ? &m.value.help
                           : f.number == METADATA_UNIT ? &m.value.unit
                                                       : NULL;
        if ((text && f.wire != PB_LEN) || (f.number == METADATA_TYPE && f.wire != PB_VARINT))
            return prompb_malformed(part, at, "wrong wire type in the metadata");
        if (text)
            *text = f.bytes;
        else if (f.number == METADATA_TYPE)
            m.value.kind = prompb_metric_kind(f.value);
    }
    if (r.code != ERR_NONE)
        return prompb_malformed(part, at, "malformed field of the metadata");
    *ret_metadata = m;
    return OK;
}

void
prompb_put_metadata(struct buf *to, uint32_t number, const struct family_metadata *m)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    pb_put_u64(&b, METADATA_TYPE, (uint64_t)m->value.kind);
    pb_put_bytes(&b, METADATA_FAMILY, m->family);
    pb_put_bytes(&b, METADATA_HELP, m->value.help);
    pb_put_bytes(&b, METADATA_UNIT, m->value.unit);
    pb_put_message(to, number, b.n);
    buf_append(to, buf_str(&b));
}
