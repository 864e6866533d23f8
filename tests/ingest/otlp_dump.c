/* otlp_dump.c - labels as Go quotes them, buckets by their index. */
#include "tests/ingest/otlp_dump.h"

#include <inttypes.h>

#include "base/mem.h"
#include "base/quote.h"

static void
put_labels(struct labels l, struct buf *to)
{
    buf_append(to, STR("{"));
    for (size_t i = 0; i < l.n; i++) {
        buf_printf(to, "%s%.*s=", i > 0 ? "," : "", STR_FMT(l.v[i].name));
        quote_text(l.v[i].value, to);
    }
    buf_append(to, STR("}"));
}

static void
put_buckets(struct histogram_spans spans, struct histogram_words deltas, struct buf *to)
{
    int64_t index = 0;
    uint64_t count = 0;
    size_t at = 0;
    for (size_t i = 0; i < spans.n; i++) {
        index += spans.v[i].offset;
        for (uint32_t k = 0; k < spans.v[i].length; k++, index++) {
            count += deltas.v[at++];
            if (count > 0)
                buf_printf(to, " %" PRId64 ":%" PRIu64, index, count);
        }
    }
}

static void
put_histogram(const struct histogram_sample *h, struct buf *to)
{
    const struct histogram *v = &h->value;
    if (histogram_is_stale(v)) {
        buf_printf(to, " %" PRId64 " stale", h->t_ms);
        return;
    }
    buf_printf(to, " %" PRId64 " %016" PRIx64 " %d %" PRIu64 " %" PRIu64 " %016" PRIx64 " +",
               h->t_ms, v->sum, v->schema, v->count, v->zero_count, v->zero_threshold);
    put_buckets(v->positive_spans, v->positive, to);
    buf_append(to, STR(" -"));
    put_buckets(v->negative_spans, v->negative, to);
}

static void
put_line(struct arena *a, struct str *lines, size_t *n, struct buf *line)
{
    lines[(*n)++] = arena_str(a, buf_str(line));
    buf_clear(line);
}

static void
put_row(struct arena *a, const struct append_request *q, const struct append_row *row,
        struct str *lines, size_t *n)
{
    AUTO(buf_fini) struct buf line = BUF_INIT, labels = BUF_INIT;
    struct labels l = {0};
    enum label_fault fault = label_key_decode(a, row->label_key, &l);
    if (fault == LABEL_FAULT_NONE)
        put_labels(l, &labels);
    else
        buf_printf(&labels, "<%s>", label_fault_text(fault));
    for (size_t i = row->first_sample; i < row->first_sample + row->sample_count; i++) {
        buf_printf(&line, "S %s %" PRId64 " %016" PRIx64, buf_cstr(&labels), q->samples[i].t_ms,
                   q->samples[i].bits);
        put_line(a, lines, n, &line);
    }
    for (size_t i = row->first_histogram; i < row->first_histogram + row->histogram_count; i++) {
        buf_printf(&line, "H %s", buf_cstr(&labels));
        put_histogram(&q->histograms[i], &line);
        put_line(a, lines, n, &line);
    }
    for (size_t i = row->first_exemplar; i < row->first_exemplar + row->exemplar_count; i++) {
        const struct exemplar *e = &q->exemplars[i];
        buf_printf(&line, "E %s %" PRId64 " %016" PRIx64 " ", buf_cstr(&labels), e->t_ms, e->bits);
        put_labels(e->labels, &line);
        put_line(a, lines, n, &line);
    }
}

void
otlp_dump(const struct batch *batch, struct buf *to)
{
    const struct append_request *q = &batch->request;
    AUTO(arena_fini) struct arena a = {0};
    struct str *lines =
        ARENA_ARRAY(&a, struct str, q->sample_count + q->histogram_count + q->exemplar_count + 1);
    size_t n = 0;
    for (size_t i = 0; i < q->row_count; i++)
        put_row(&a, q, &q->rows[i], lines, &n);
    str_sort(lines, n);
    for (size_t i = 0; i < n; i++) {
        buf_append(to, lines[i]);
        buf_append(to, STR("\n"));
    }
}
