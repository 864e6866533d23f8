/* remote_write2_encode.c - Requests of remote write 2.0, for tests and load drivers. */
#include "base/assert.h"
#include "base/mem.h"
#include "proto/remote_write2_int.h"

enum { REQUEST_SYMBOLS = 4, REQUEST_SERIES = 5 };

/* The symbol's reference; it is new if nobody named it before. */
static uint32_t
ref_of(struct remote_write2 *w, struct str symbol)
{
    uintptr_t known = (uintptr_t)map_get(&w->refs, symbol);
    if (known == 0) {
        known = w->refs.count + 1;
        map_put(&w->refs, symbol, (void *)known);
        pb_put_message(&w->symbols, REQUEST_SYMBOLS, symbol.n); /* the empty one, too */
        buf_append(&w->symbols, symbol);
    }
    return u32_of_size(known - 1);
}

void
remote_write2_init(struct remote_write2 *w)
{
    *w = (struct remote_write2){.symbols = BUF_INIT, .series = BUF_INIT};
    map_init(&w->refs, MAP_KEYS_COPIED);
    uint32_t empty = ref_of(w, STR(""));
    ASSERT(empty == 0);
}

void
remote_write2_fini(struct remote_write2 *w)
{
    map_fini(&w->refs);
    buf_fini(&w->symbols);
    buf_fini(&w->series);
}

static void
put_label_refs(struct remote_write2 *w, struct label l, struct buf *to)
{
    buf_put_uvarint(to, ref_of(w, l.name));
    buf_put_uvarint(to, ref_of(w, l.value));
}

/* Labels of a key, one by one. */
static void
put_key_refs(struct remote_write2 *w, struct str key, struct buf *to)
{
    struct reader r = reader_of(key);
    struct pb_field label, f;
    while (pb_next(&r, &label)) {
        struct label l = {STR(""), STR("")};
        struct reader inner = reader_of(label.bytes);
        while (pb_next(&inner, &f)) {
            if (f.number == LABEL_NAME)
                l.name = f.bytes;
            else if (f.number == LABEL_VALUE)
                l.value = f.bytes;
        }
        ASSERT(inner.code == ERR_NONE);
        put_label_refs(w, l, to);
    }
    ASSERT(r.code == ERR_NONE);
}

static void
put_bits(struct buf *to, uint32_t number, uint64_t bits)
{
    if (bits == 0)
        return;
    pb_put_tag(to, number, PB_I64);
    buf_reserve(to, 8);
    store_le64(to->p + to->n, bits);
    to->n += 8;
}

static void
put_field(struct buf *to, uint32_t number, struct buf *content)
{
    pb_put_message(to, number, content->n);
    buf_append(to, buf_str(content));
    buf_clear(content);
}

static void
put_samples(const struct write_message *m, const struct append_row *row, int64_t start_ms,
            struct buf *to)
{
    AUTO(buf_fini) struct buf sample = BUF_INIT;
    for (size_t i = 0; i < row->sample_count; i++) {
        const struct sample *s = &m->samples[row->first_sample + i];
        put_bits(&sample, SAMPLE_VALUE, s->bits);
        pb_put_i64(&sample, SAMPLE_TIMESTAMP, s->t_ms);
        pb_put_i64(&sample, SAMPLE2_START, start_ms);
        put_field(to, SERIES2_SAMPLES, &sample);
    }
}

static void
put_histograms(const struct write_message *m, const struct append_row *row, int64_t start_ms,
               struct buf *to)
{
    AUTO(buf_fini) struct buf of_1 = BUF_INIT, histogram = BUF_INIT;
    for (size_t i = 0; i < row->histogram_count; i++) {
        buf_clear(&of_1);
        prompb_put_histogram(&of_1, &m->histograms[row->first_histogram + i]);
        struct reader r = reader_of(buf_str(&of_1));
        struct pb_field f;
        bool there = pb_next(&r, &f); /* the same content in a field with another number */
        ASSERT(there);
        buf_append(&histogram, f.bytes);
        pb_put_i64(&histogram, 17, start_ms);
        put_field(to, SERIES2_HISTOGRAMS, &histogram);
    }
}

static void
put_exemplars(struct remote_write2 *w, const struct write_message *m, const struct append_row *row,
              struct buf *to)
{
    AUTO(buf_fini) struct buf refs = BUF_INIT, exemplar = BUF_INIT;
    for (size_t i = 0; i < row->exemplar_count; i++) {
        const struct exemplar *e = &m->exemplars[row->first_exemplar + i];
        for (size_t k = 0; k < e->labels.n; k++)
            put_label_refs(w, e->labels.v[k], &refs);
        pb_put_bytes(&exemplar, 1, buf_str(&refs));
        buf_clear(&refs);
        put_bits(&exemplar, 2, e->bits);
        pb_put_i64(&exemplar, 3, e->t_ms);
        put_field(to, SERIES2_EXEMPLARS, &exemplar);
    }
}

static void
put_metadata(struct remote_write2 *w, const struct metadata *m, struct buf *to)
{
    AUTO(buf_fini) struct buf metadata = BUF_INIT;
    pb_put_u64(&metadata, 1, (uint64_t)m->kind);
    pb_put_u64(&metadata, 3, ref_of(w, m->help));
    pb_put_u64(&metadata, 4, ref_of(w, m->unit));
    put_field(to, SERIES2_METADATA, &metadata);
}

void
remote_write2_add(struct remote_write2 *w, const struct write_message *m,
                  const struct append_row *row, struct remote_write2_extras extras)
{
    AUTO(buf_fini) struct buf refs = BUF_INIT, series = BUF_INIT;
    put_key_refs(w, row->label_key, &refs);
    pb_put_bytes(&series, SERIES2_LABELS_REFS, buf_str(&refs));
    put_samples(m, row, extras.start_ms, &series);
    put_histograms(m, row, extras.start_ms, &series);
    put_exemplars(w, m, row, &series);
    if (extras.metadata)
        put_metadata(w, extras.metadata, &series);
    put_field(&w->series, REQUEST_SERIES, &series);
}

void
remote_write2_encode(const struct remote_write2 *w, struct buf *to)
{
    buf_append(to, buf_str(&w->symbols));
    buf_append(to, buf_str(&w->series));
}
