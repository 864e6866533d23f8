/* batch_builder.h - a batch put together series by series, for encodings that are not rows already.
 *
 * begin a row, add what it has, the next row. All memory is the arena's. Limits hold before memory
 * is taken: those of a remote-write request, and one of the bytes of all label keys together, for a
 * small request may name the same long labels in very many series (the buckets of a histogram).
 * Threads: one at a time. */
#pragma once
#include "base/arena.h"
#include "ingest/batch.h"

enum {
    BATCH_KEY_BYTES_MAX = 128 << 20, /* of all rows of one batch */
};

struct batch_builder {
    struct arena *arena; /* borrowed */
    struct buf key;      /* scratch */
    size_t key_bytes;    /* of all rows */
    struct append_row *rows;
    struct sample *samples;
    struct histogram_sample *histograms;
    struct exemplar *exemplars;
    struct family_metadata *metadata;
    size_t row_count, row_cap, sample_count, sample_cap, histogram_count, histogram_cap;
    size_t exemplar_count, exemplar_cap, metadata_count, metadata_cap;
};

void batch_builder_init(struct batch_builder *b, struct arena *a);
/* Frees the scratch; what was built stays. */
void batch_builder_fini(struct batch_builder *b);
static inline void
auto_batch_builder_fini(struct batch_builder *b)
{
    batch_builder_fini(b);
}

/* All: ERR_TOO_LARGE above a limit, errors of arena_admit(). The labels are sorted; they may hold
 * empty values and break rules, which the head will find. */
struct err batch_builder_row(struct batch_builder *b, struct labels labels);
/* To the row begun last. */
struct err batch_builder_sample(struct batch_builder *b, struct sample s);
struct err batch_builder_histogram(struct batch_builder *b, const struct histogram_sample *h);
/* Labels in the arena, sorted, without empty values. */
struct err batch_builder_exemplar(struct batch_builder *b, const struct exemplar *e);
/* Of a family; texts live as long as the arena or the decoded body. */
struct err batch_builder_metadata(struct batch_builder *b, const struct family_metadata *m);
/* The batch so far, without a tenant. */
struct batch batch_builder_finish(struct batch_builder *b);
