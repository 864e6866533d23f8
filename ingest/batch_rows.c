/* batch_rows.c - rows copied into arrays where one stands behind the other. */
#include "ingest/batch_rows.h"

#include "base/assert.h"
#include "base/mem.h"

struct err
batch_rows_make(struct batch_rows *b, struct arena *a)
{
    TRY(arena_admit(a, b->rows_max * (sizeof *b->rows + sizeof *b->keys) +
                           b->samples_max * sizeof *b->samples +
                           b->histograms_max * sizeof *b->histograms +
                           b->exemplars_max * sizeof *b->exemplars));
    b->rows = ARENA_ARRAY(a, struct append_row, b->rows_max);
    if (b->has_keys)
        b->keys = ARENA_ARRAY(a, struct hash128, b->rows_max);
    b->samples = ARENA_ARRAY(a, struct sample, b->samples_max);
    b->histograms = ARENA_ARRAY(a, struct histogram_sample, b->histograms_max);
    b->exemplars = ARENA_ARRAY(a, struct exemplar, b->exemplars_max);
    b->request = (struct append_request){
        .rows = b->rows,
        .row_keys = b->keys,
        .samples = b->samples,
        .histograms = b->histograms,
        .exemplars = b->exemplars,
    };
    return OK;
}

void
batch_rows_add(struct batch_rows *b, const struct append_request *from,
               const struct append_row *row, struct str label_key)
{
    struct append_request *to = &b->request;
    struct append_row copy = *row;
    ASSERT(to->row_count < b->rows_max);
    if (row->sample_count > 0)
        memcpy(b->samples + to->sample_count, from->samples + row->first_sample,
               row->sample_count * sizeof *b->samples);
    if (row->histogram_count > 0)
        memcpy(b->histograms + to->histogram_count, from->histograms + row->first_histogram,
               row->histogram_count * sizeof *b->histograms);
    if (row->exemplar_count > 0)
        memcpy(b->exemplars + to->exemplar_count, from->exemplars + row->first_exemplar,
               row->exemplar_count * sizeof *b->exemplars);
    copy.first_sample = u32_of_size(to->sample_count);
    copy.first_histogram = u32_of_size(to->histogram_count);
    copy.first_exemplar = u32_of_size(to->exemplar_count);
    copy.label_key = label_key;
    to->sample_count += row->sample_count;
    to->histogram_count += row->histogram_count;
    to->exemplar_count += row->exemplar_count;
    if (b->has_keys)
        b->keys[to->row_count] = from->row_keys[row - from->rows];
    b->rows[to->row_count++] = copy;
}
