/* model_values.h - samples of either kind as a model keeps them: values, and how sure they are.
 *
 * Several samples may have one time: a late one comes at the time of another, and which of them
 * is read then depends on where they lie. Threads: any (values). */
#pragma once
#include "base/str.h"
#include "base/vec.h"
#include "tsdb/model/histogram.h"
#include "tsdb/model/sample.h"

struct model_value {
    uint64_t bits;                     /* of a float */
    const struct histogram *histogram; /* NULL: a float; borrowed */
};

/* How long a sample is there. */
enum model_hold {
    HELD_PERHAPS,   /* nobody can ask for it: hidden by another, lost, or it has had its time */
    HELD_IN_MEMORY, /* until the process ends */
    HELD_WRITTEN,   /* until the power fails */
    HELD_SURE,      /* for ever */
};
enum model_way { STORED_IN_ORDER, STORED_LATE };

struct model_sample {
    int64_t t_ms;
    struct model_value value;
    enum model_hold hold;
    enum model_way way;
    bool unsettled; /* it came late into a deletion: it is there from the next look on, or never */
};
/* Ascending; of one time in the order in which they were stored. */
VEC_TYPE(model_samples, struct model_sample);

static inline struct model_value
model_float(uint64_t bits)
{
    return (struct model_value){bits, NULL};
}
bool model_value_is_stale(struct model_value v);
/* What is read for what was written: bits of a float; of a histogram the observations, whether it
 * is a gauge, and its kind. */
bool model_value_same(struct model_value x, struct model_value y);

/* For messages. */
void model_value_format(struct model_value v, struct buf *to);

/* A sample comes at the time of the newest one of its series. */
enum model_likeness {
    MODEL_OTHER,
    MODEL_SAME,
    MODEL_ALIKE, /* perhaps: a stale marker may stand for one of a histogram */
};
enum model_likeness model_value_repeats(struct model_value sent, struct model_value newest);

/* The first sample at or behind a time. */
size_t model_samples_at(const struct model_samples *s, int64_t t_ms);
bool model_samples_have(const struct model_samples *s, int64_t t_ms);
/* Behind all up to its time. */
void model_samples_insert(struct model_samples *s, struct model_sample x);
