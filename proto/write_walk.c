/* write_walk.c - the general forms of what both versions of remote write hold. */
#include "proto/write_walk.h"

#include "base/mem.h"

/* *items to an array of at least `need`. */
static struct err
grow_to(struct arena *a, void **items, size_t item_bytes, size_t count, size_t need, size_t *cap)
{
    if (need <= *cap)
        return OK;
    size_t cap_new = size_max(need, 2 * *cap);
    TRY(arena_admit(a, cap_new * item_bytes));
    void *moved = arena_alloc(a, cap_new * item_bytes);
    if (count > 0)
        memcpy(moved, *items, count * item_bytes);
    *items = moved;
    *cap = cap_new;
    return OK;
}

struct err
write_begin(struct write_walk *w, size_t rows, size_t samples)
{
    TRY(arena_admit(w->arena, rows * sizeof *w->m.rows + samples * sizeof *w->m.samples));
    w->m.rows = arena_alloc(w->arena, rows * sizeof *w->m.rows);
    w->m.samples = arena_alloc(w->arena, samples * sizeof *w->m.samples);
    w->row_cap = rows;
    w->sample_cap = samples;
    return OK;
}

struct err
write_grow_rows(struct write_walk *w, size_t more, size_t samples)
{
    void *rows = w->m.rows, *all = w->m.samples;
    TRY(grow_to(w->arena, &rows, sizeof *w->m.rows, w->m.row_count, w->m.row_count + more,
                &w->row_cap));
    w->m.rows = rows;
    TRY(grow_to(w->arena, &all, sizeof *w->m.samples, w->m.sample_count,
                w->m.sample_count + samples, &w->sample_cap));
    w->m.samples = all;
    return OK;
}

struct err
write_push_row_since(struct write_walk *w, struct str label_key, struct write_mark since)
{
    TRY(write_grow(w, 0));
    struct append_row *row = write_push_row(w, label_key, since.sample);
    row->first_histogram = (uint32_t)since.histogram;
    row->histogram_count = (uint32_t)(w->m.histogram_count - since.histogram);
    row->first_exemplar = (uint32_t)since.exemplar;
    row->exemplar_count = (uint32_t)(w->m.exemplar_count - since.exemplar);
    return OK;
}

struct prompb_part
write_part(const struct write_walk *w, struct str content)
{
    return (struct prompb_part){content, (const char *)w->start};
}

struct err
write_malformed(const struct write_walk *w, const void *at, const char *what)
{
    struct prompb_part whole = write_part(w, STR(""));
    return prompb_malformed(&whole, at, what);
}

struct err
write_too_many(const char *what, int limit)
{
    return ERR(ERR_TOO_LARGE, "too many %s: the limit is %d a request", what, limit);
}

/* The last one of a repeated scalar counts, a missing one is 0. */
static struct err
get_sample(const struct write_walk *w, struct str message, uint32_t start_field,
           struct sample *ret_sample, int64_t *ret_start_ms)
{
    struct sample s = {0};
    int64_t start_ms = 0;
    struct reader r = reader_of(message);
    struct pb_field f;
    while (pb_next(&r, &f)) {
        if (f.number == SAMPLE_VALUE) {
            if (f.wire != PB_I64)
                return write_malformed(w, message.p, "wrong wire type of the value in the sample");
            s.bits = f.value;
        } else if (f.number == SAMPLE_TIMESTAMP || f.number == start_field) {
            if (f.wire != PB_VARINT)
                return write_malformed(w, message.p,
                                       "wrong wire type of the timestamp in the sample");
            *(f.number == start_field ? &start_ms : &s.t_ms) = (int64_t)f.value;
        }
    }
    if (r.code != ERR_NONE)
        return write_malformed(w, message.p, "malformed sample");
    *ret_sample = s;
    *ret_start_ms = start_ms;
    return OK;
}

struct err
write_add_sample(struct write_walk *w, struct str content, uint32_t start_field)
{
    int64_t start_ms = 0;
    if (w->m.sample_count == WRITE_SAMPLES_MAX)
        return write_too_many("samples", WRITE_SAMPLES_MAX);
    TRY(write_grow(w, 1));
    TRY(get_sample(w, content, start_field, &w->m.samples[w->m.sample_count], &start_ms));
    w->m.sample_count++;
    w->m.start_timestamp_count += start_ms != 0;
    return OK;
}

struct err
write_add_histogram(struct write_walk *w, struct str content)
{
    int64_t start_ms = 0;
    if (w->m.histogram_count == WRITE_HISTOGRAMS_MAX)
        return write_too_many("histograms", WRITE_HISTOGRAMS_MAX);
    TRY(arena_admit_item(w->arena, sizeof *w->m.histograms, w->m.histogram_count,
                         w->histogram_cap));
    w->m.histograms = arena_more(w->arena, w->m.histograms, sizeof *w->m.histograms,
                                 w->m.histogram_count, &w->histogram_cap);
    struct prompb_part part = write_part(w, content);
    TRY(prompb_get_histogram(w->arena, &part, &w->m.histograms[w->m.histogram_count], &start_ms));
    w->m.histogram_count++;
    w->m.start_timestamp_count += start_ms != 0;
    return OK;
}

struct err
write_next_exemplar(struct write_walk *w, struct exemplar **ret_exemplar)
{
    if (w->m.exemplar_count == WRITE_EXEMPLARS_MAX)
        return write_too_many("exemplars", WRITE_EXEMPLARS_MAX);
    TRY(arena_admit_item(w->arena, sizeof *w->m.exemplars, w->m.exemplar_count, w->exemplar_cap));
    w->m.exemplars = arena_more(w->arena, w->m.exemplars, sizeof *w->m.exemplars,
                                w->m.exemplar_count, &w->exemplar_cap);
    *ret_exemplar = &w->m.exemplars[w->m.exemplar_count];
    return OK;
}

struct err
write_next_metadata(struct write_walk *w, struct family_metadata **ret_metadata)
{
    if (w->m.metadata_count == WRITE_METADATA_MAX)
        return write_too_many("metadata", WRITE_METADATA_MAX);
    TRY(arena_admit_item(w->arena, sizeof *w->m.metadata, w->m.metadata_count, w->metadata_cap));
    w->m.metadata = arena_more(w->arena, w->m.metadata, sizeof *w->m.metadata, w->m.metadata_count,
                               &w->metadata_cap);
    *ret_metadata = &w->m.metadata[w->m.metadata_count];
    return OK;
}

struct err
write_add_metadata(struct write_walk *w, const struct pb_field *f, const uint8_t *at)
{
    struct family_metadata *to;
    struct prompb_part part = write_part(w, f->bytes);
    if (f->wire != PB_LEN)
        return write_malformed(w, at, "wrong wire type");
    TRY(write_next_metadata(w, &to));
    TRY(prompb_get_metadata(&part, to));
    w->m.metadata_count++;
    return OK;
}
