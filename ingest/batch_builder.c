/* batch_builder.c - arrays that grow in the arena. */
#include "ingest/batch_builder.h"

#include "base/assert.h"
#include "proto/remote_write.h"

void
batch_builder_init(struct batch_builder *b, struct arena *a)
{
    *b = (struct batch_builder){.arena = a};
}

void
batch_builder_fini(struct batch_builder *b)
{
    buf_fini(&b->key);
}

static struct err
check_count(size_t count, size_t limit, const char *what)
{
    if (count < limit)
        return OK;
    return ERR(ERR_TOO_LARGE, "too many %s: the limit is %zu a request", what, limit);
}

struct err
batch_builder_row(struct batch_builder *b, struct labels labels)
{
    TRY(check_count(b->row_count, WRITE_SERIES_MAX, "timeseries"));
    buf_clear(&b->key);
    label_key_encode(labels, &b->key);
    b->key_bytes += b->key.n;
    if (b->key_bytes > BATCH_KEY_BYTES_MAX)
        return ERR(ERR_TOO_LARGE, "the labels of all series take more than %d MiB",
                   BATCH_KEY_BYTES_MAX >> 20);
    TRY(arena_admit(b->arena, b->key.n));
    TRY(arena_admit_item(b->arena, sizeof *b->rows, b->row_count, b->row_cap));
    b->rows = arena_more(b->arena, b->rows, sizeof *b->rows, b->row_count, &b->row_cap);
    b->rows[b->row_count++] = (struct append_row){
        .label_key = arena_str(b->arena, buf_str(&b->key)),
        .first_sample = (uint32_t)b->sample_count,
        .first_histogram = (uint32_t)b->histogram_count,
        .first_exemplar = (uint32_t)b->exemplar_count,
    };
    return OK;
}

static struct append_row *
last_row(struct batch_builder *b)
{
    ASSERT(b->row_count > 0);
    return &b->rows[b->row_count - 1];
}

struct err
batch_builder_sample(struct batch_builder *b, struct sample s)
{
    TRY(check_count(b->sample_count, WRITE_SAMPLES_MAX, "samples"));
    TRY(arena_admit_item(b->arena, sizeof *b->samples, b->sample_count, b->sample_cap));
    b->samples =
        arena_more(b->arena, b->samples, sizeof *b->samples, b->sample_count, &b->sample_cap);
    b->samples[b->sample_count++] = s;
    last_row(b)->sample_count++;
    return OK;
}

struct err
batch_builder_histogram(struct batch_builder *b, const struct histogram_sample *h)
{
    TRY(check_count(b->histogram_count, WRITE_HISTOGRAMS_MAX, "histograms"));
    TRY(arena_admit_item(b->arena, sizeof *b->histograms, b->histogram_count, b->histogram_cap));
    b->histograms = arena_more(b->arena, b->histograms, sizeof *b->histograms, b->histogram_count,
                               &b->histogram_cap);
    b->histograms[b->histogram_count++] = *h;
    last_row(b)->histogram_count++;
    return OK;
}

struct err
batch_builder_exemplar(struct batch_builder *b, const struct exemplar *e)
{
    TRY(check_count(b->exemplar_count, WRITE_EXEMPLARS_MAX, "exemplars"));
    TRY(arena_admit_item(b->arena, sizeof *b->exemplars, b->exemplar_count, b->exemplar_cap));
    b->exemplars = arena_more(b->arena, b->exemplars, sizeof *b->exemplars, b->exemplar_count,
                              &b->exemplar_cap);
    b->exemplars[b->exemplar_count++] = *e;
    last_row(b)->exemplar_count++;
    return OK;
}

struct err
batch_builder_metadata(struct batch_builder *b, const struct family_metadata *m)
{
    TRY(check_count(b->metadata_count, WRITE_METADATA_MAX, "metadata"));
    TRY(arena_admit_item(b->arena, sizeof *b->metadata, b->metadata_count, b->metadata_cap));
    b->metadata =
        arena_more(b->arena, b->metadata, sizeof *b->metadata, b->metadata_count, &b->metadata_cap);
    b->metadata[b->metadata_count++] = *m;
    return OK;
}

struct batch
batch_builder_finish(struct batch_builder *b)
{
    return (struct batch){
        .request = {.rows = b->rows,
                    .row_count = b->row_count,
                    .samples = b->samples,
                    .sample_count = b->sample_count,
                    .histograms = b->histograms,
                    .histogram_count = b->histogram_count,
                    .exemplars = b->exemplars,
                    .exemplar_count = b->exemplar_count,
                    .metadata = b->metadata,
                    .metadata_count = b->metadata_count},
        .series_count = b->row_count,
    };
}
