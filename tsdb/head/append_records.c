/* append_records.c - the log records of one round of an append. */
#include "tsdb/head/append_int.h"

#include "tsdb/wal/record_exemplars.h"
#include "tsdb/wal/record_histograms.h"

enum { RECORD_BYTES_AIM = 1 << 20 }; /* behind it a record ends; far below WAL_RECORD_BYTES_MAX */

static const enum record_type types[ORDER_COUNT] = {
    [ORDER_FLOATS] = RECORD_SAMPLES,
    [ORDER_INTEGERS] = RECORD_HISTOGRAMS,
    [ORDER_CUSTOM_INTEGERS] = RECORD_CUSTOM_HISTOGRAMS,
    [ORDER_FLOAT_HISTOGRAMS] = RECORD_FLOAT_HISTOGRAMS,
    [ORDER_CUSTOM_FLOAT_HISTOGRAMS] = RECORD_CUSTOM_FLOAT_HISTOGRAMS,
};

void
append_records_fini(struct append_records *e)
{
    record_list_fini(&e->list);
    record_list_fini(&e->exemplars);
    for (size_t i = 0; i < ORDER_COUNT; i++)
        buf_fini(&e->histograms[i]);
}

void
append_records_flush(struct append_records *e)
{
    for (size_t i = ORDER_FLOATS + 1; i < ORDER_COUNT; i++) {
        if (e->histograms[i].n == 0)
            continue;
        record_list_begin(&e->list);
        buf_append(&e->list.bytes, buf_str(&e->histograms[i]));
        buf_clear(&e->histograms[i]);
        e->in_record = 0;
    }
}

static enum record_order
order_of(enum record_type type)
{
    enum record_order order = ORDER_FLOATS;
    while (types[order] != type)
        order++;
    return order;
}

void
append_records_put_histogram(struct append_records *e, uint64_t ref,
                             const struct histogram_sample *s)
{
    enum record_type type = record_histogram_type(&s->value);
    enum record_order order = order_of(type);
    if (order < e->row_order)
        append_records_flush(e);
    e->row_order = order;
    struct buf *to = &e->histograms[order];
    if (to->n == 0)
        record_begin_histograms(&e->histogram_writers[order], to, type, ref, s->t_ms);
    record_put_histogram(&e->histogram_writers[order], ref, s);
    e->newest_ms = i64_max(e->newest_ms, s->t_ms);
    if (to->n >= RECORD_BYTES_AIM)
        append_records_flush(e);
}

void
append_records_put_exemplar(struct append_records *e, uint64_t ref, const struct exemplar *exemplar)
{
    struct record_list *l = &e->exemplars;
    if (l->starts.n == 0 || l->bytes.n - *vec_last(&l->starts) >= RECORD_BYTES_AIM) {
        record_list_begin(l);
        record_begin_exemplars(&e->exemplar_writer, &l->bytes, ref, exemplar->t_ms);
    }
    record_put_exemplar(&e->exemplar_writer, ref, exemplar);
    e->newest_ms = i64_max(e->newest_ms, exemplar->t_ms);
}

void
append_records_put_nothing(struct append_records *e)
{
    record_list_begin(&e->list);
    record_begin_tombstones(&e->list.bytes);
}

struct err
append_records_log(struct append_records *e, struct wal *wal, struct arena *a)
{
    append_records_flush(e);
    size_t samples = e->list.starts.n, n = samples + e->exemplars.starts.n;
    if (n == 0)
        return OK;
    struct str *views = ARENA_ARRAY(a, struct str, n);
    if (samples > 0)
        memcpy(views, record_list_views(&e->list, a), samples * sizeof *views);
    if (n > samples)
        memcpy(views + samples, record_list_views(&e->exemplars, a), (n - samples) * sizeof *views);
    wal_ticket ticket;
    TRY(wal_enqueue_dated(wal, views, n, e->newest_ms, &ticket));
    return wal_wait(wal, ticket);
}
