/* admit.c - the order of the checks: series, then samples. */
#include "ingest/admit.h"

struct err
ingest_admit(const struct ingest_limits *limits, const struct batch *batch)
{
    size_t series = batch->series_count, samples = batch->request.sample_count;
    if (limits->series_max > 0 && series > limits->series_max)
        return ERR(ERR_TOO_LARGE, "too many timeseries: %zu in one request, limit %zu", series,
                   limits->series_max);
    if (limits->samples_max > 0 && samples > limits->samples_max)
        return ERR(ERR_TOO_LARGE, "too many samples: %zu in one request, limit %zu", samples,
                   limits->samples_max);
    return OK;
}
