/* held.h - columns that an operator keeps, because what it yields depends on many of them.
 *
 * A copy holds the steps between the first and the last present one, and its own labels. It
 * lives in the query's arena and counts as samples in memory. Threads: one query, one thread. */
#pragma once
#include "querygw/promql/exec.h"
#include "querygw/promql/step.h"

struct held_column {
    struct labels labels;
    uint32_t begin, end; /* steps */
    size_t samples;      /* for how many it counts: whoever gives it up releases them */
    double *values;      /* of [begin, end) */
    const struct float_histogram **histograms; /* of [begin, end), or NULL; as in a column */
    uint64_t *present;                         /* as in a column, from the word of step begin on */
    bool drop_name;
    struct held_column *next; /* the owner's */
};

/* ERR_LIMIT: too many samples, or too much memory. */
struct err held_copy(struct exec *x, const struct column *c, struct held_column **ret_held);
/* Sets the steps of `h` in `to`, which has `steps` of them. */
void held_add_to(const struct held_column *h, struct column *to, struct arena *a, uint32_t steps);

static inline const struct float_histogram *
held_histogram(const struct held_column *h, size_t step)
{
    return h->histograms ? h->histograms[step - h->begin] : NULL;
}

static inline bool
held_has(const struct held_column *h, size_t step)
{
    return step >= h->begin && step < h->end &&
           (h->present[step / 64 - h->begin / 64] >> (step % 64) & 1);
}

/* The presence bits of the steps from 64 * word on; word must be within begin and end. */
static inline uint64_t
held_word(const struct held_column *h, size_t word)
{
    return h->present[word - h->begin / 64];
}
