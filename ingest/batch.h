/* batch.h - a decoded write request: what every encoding becomes and every sink takes.
 *
 * All memory belongs to the request's arena or is a view into its decoded body. */
#pragma once
#include "proto/remote_write.h"
#include "tsdb/head/append.h"

/* What a decoder did not take, where one fault does not spoil the rest. */
struct batch_refused {
    uint64_t items;       /* points of OTLP, lines of a text */
    uint64_t items_taken; /* those that are in the batch */
    size_t reasons;       /* how many faults; the first few stand in: */
    struct str text;      /* in the arena; empty: none */
};

struct batch {
    struct str tenant; /* a checked name */
    struct append_request request;
    size_t series_count; /* of the request; more than rows where a series holds nothing */
    struct batch_refused refused;
    struct write_refusals refused_series; /* of 2.0: in no row, and must be told of */
    size_t start_timestamp_count;         /* sent, and not kept */
};

/* Something of it may be stored. */
static inline bool
batch_has_content(const struct batch *b)
{
    return b->request.row_count > 0 || b->request.metadata_count > 0;
}
/* A tenant that is new is made for samples, not for what is told about them. */
static inline bool
batch_has_samples(const struct batch *b)
{
    return b->request.sample_count > 0 || b->request.histogram_count > 0;
}
