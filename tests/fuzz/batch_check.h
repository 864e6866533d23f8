/* batch_check.h - what holds for every batch that a decoder makes: rows are inside the arrays, side
 * by side, and their keys are keys. */
#pragma once
#include "base/assert.h"
#include "ingest/batch.h"

static inline void
batch_check(const struct batch *b)
{
    const struct append_request *q = &b->request;
    size_t samples = 0, histograms = 0, exemplars = 0;
    for (size_t i = 0; i < q->row_count; i++) {
        const struct append_row *row = &q->rows[i];
        ASSERT(row->first_sample == samples && row->first_histogram == histograms);
        ASSERT(row->first_exemplar == exemplars);
        samples += row->sample_count;
        histograms += row->histogram_count;
        exemplars += row->exemplar_count;
        struct arena a = {0};
        struct labels l;
        ASSERT(label_key_decode(&a, row->label_key, &l) != LABEL_FAULT_MALFORMED);
        arena_fini(&a);
    }
    ASSERT(samples == q->sample_count && histograms == q->histogram_count);
    ASSERT(exemplars == q->exemplar_count);
    for (size_t i = 0; i < histograms; i++) {
        struct err e = histogram_validate(&q->histograms[i].value); /* reads every bucket */
        err_drop(e);
    }
    ASSERT((b->refused.reasons > 0) == (b->refused.text.n > 0));
}
