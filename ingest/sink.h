/* sink.h - the waist of the write path: "accept this batch". Threads: any worker. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "ingest/batch.h"

struct sink;
struct sink_ops {
    /* As db_append(): an error means that nothing may be taken as stored. */
    struct err (*append)(struct sink *s, const struct batch *batch, struct arena *a,
                         struct append_result *ret_result);
};
/* The first member of every implementation. */
struct sink {
    const struct sink_ops *ops;
};

static inline struct err
sink_append(struct sink *s, const struct batch *batch, struct arena *a,
            struct append_result *ret_result)
{
    return s->ops->append(s, batch, a, ret_result);
}
