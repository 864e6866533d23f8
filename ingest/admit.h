/* admit.h - limits of one request, before anything of it is stored.
 *
 * Limits apply to the whole request: above one, nothing of it is taken. Source: spec/receive.md
 * 1.2 steps 11 and 12, 3.1. Threads: any. */
#pragma once
#include "ingest/batch.h"

/* 0: no limit. A count equal to its limit is admitted. */
struct ingest_limits {
    size_t series_max;  /* TimeSeries of one request */
    size_t samples_max; /* float samples of one request */
};

/* ERR_TOO_LARGE. */
struct err ingest_admit(const struct ingest_limits *limits, const struct batch *batch);
