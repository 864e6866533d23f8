/* batch.h - a decoded write request: what every encoding becomes and every sink takes.
 *
 * All memory belongs to the request's arena or is a view into its body. */
#pragma once
#include "tsdb/head/append.h"

struct batch {
    struct str tenant;
    struct append_request request;
    struct {
        size_t histograms, exemplars, metadata;
    } unsupported; /* seen in the request and not stored by this version */
};
