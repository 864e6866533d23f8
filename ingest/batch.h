/* batch.h - a decoded write request: what every encoding becomes and every sink takes.
 *
 * All memory belongs to the request's arena or is a view into its decoded body. */
#pragma once
#include "tsdb/head/append.h"

struct batch {
    struct str tenant; /* a checked name */
    struct append_request request;
    size_t series_count; /* of the request; more than rows where a series has no float samples */
    struct {
        size_t histograms, exemplars, metadata;
    } unsupported; /* seen in the request and not stored by this version */
};
