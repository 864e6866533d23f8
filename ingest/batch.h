/* batch.h - a decoded write request: what every encoding becomes and every sink takes.
 *
 * All memory belongs to the request's arena or is a view into its decoded body. */
#pragma once
#include "tsdb/head/append.h"

struct batch {
    struct str tenant; /* a checked name */
    struct append_request request;
    size_t series_count; /* of the request; more than rows where a series holds nothing */
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
