/* append.h - what a write hands to a head, and what comes back.
 *
 * A row is one series of a request with its samples. The label bytes are hashed as received:
 * a series that was seen in this form before is found without parsing them. Bad rows and bad
 * samples are counted, never an error of the whole: everything good is stored.
 * Threads: any worker, many at once. */
#pragma once
#include "base/err.h"
#include "tsdb/model/label_key.h"
#include "tsdb/model/sample.h"

struct append_row {
    struct str label_key; /* see label_key.h; a view into the request's body */
    uint32_t first_sample, sample_count; /* in the request's sample array */
};

struct append_request {
    const struct append_row *rows; /* their samples one row behind the other */
    size_t row_count;
    const struct sample *samples; /* of all rows */
    size_t sample_count;
};

/* Why a sample was not stored. Labels' faults are counted a row in label_fault.h's terms. */
enum sample_fate {
    SAMPLE_STORED,
    SAMPLE_REPEATED,      /* same time, same value: accepted, nothing to do */
    SAMPLE_OUT_OF_ORDER,
    SAMPLE_DUPLICATE,     /* same time, other value                         */
    SAMPLE_OUT_OF_BOUNDS, /* older than the head accepts                    */
    SAMPLE_TOO_OLD,       /* older than the out-of-order window             */
    SAMPLE_TOO_NEW,       /* further in the future than the limit           */
    SAMPLE_FATE_COUNT
};

struct append_result {
    uint64_t fates[SAMPLE_FATE_COUNT];
    uint64_t label_faults[LABEL_FAULT_COUNT]; /* rows refused; index 0 counts good rows */
    uint64_t series_over_limit;               /* rows refused by the head's series limit */
    uint64_t series_created;
    struct str example; /* labels of the first series with a refused sample; in the arena */
};
