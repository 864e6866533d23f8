/* append.h - what a write hands to a head, and what comes back.
 *
 * A row is one series of a request with its samples (floats, native histograms) and exemplars.
 * The label bytes are hashed as received: a series that was seen in this form before is found
 * without parsing them. Bad rows and bad samples are counted, never an error of the whole:
 * everything good is stored. Zeroes stand for "none", so that a request of floats alone names
 * only rows and samples.
 * Threads: any worker, many at once. */
#pragma once
#include "base/err.h"
#include "base/hash.h"
#include "tsdb/model/exemplar.h"
#include "tsdb/model/histogram.h"
#include "tsdb/model/label_key.h"
#include "tsdb/model/metadata.h"
#include "tsdb/model/sample.h"

struct memory_limit; /* base/memory_limit.h */

struct append_row {
    struct str label_key; /* see label_key.h; a view into the request's body */
    /* In the request's arrays; a first one counts only where there are some. */
    uint32_t first_sample, sample_count;
    uint32_t first_histogram, histogram_count;
    uint32_t first_exemplar, exemplar_count;
};

/* Where label_key.p points to when labels are not told, and the row's hash in row_keys is all that
 * is known of its series. */
extern const char append_labels_untold[];
static inline bool
append_row_has_labels(const struct append_row *row)
{
    return row->label_key.p != append_labels_untold;
}

/* What holds for one request in the place of what the head was opened with. */
struct append_limits {
    uint64_t series_max;         /* living series of the head; 0: as opened */
    int64_t ooo_window_ms;       /* below 0, or wider than as opened: as opened */
    int64_t future_window_ms;    /* below 0: as opened; 0: any future */
    bool known_series_only;      /* memory is short */
    struct memory_limit *memory; /* asked again and again while series are born: a single request
                                  * may bring very many; NULL: none */
};

/* Whether something of a row was refused for good; the worst of it. */
enum row_refusal {
    ROW_TAKEN,
    ROW_REFUSED, /* its labels, a limit of series, a sample's fate */
    ROW_INVALID, /* a histogram that contradicts itself */
    ROW_UNNAMED, /* no series has the hash that is told in the place of its labels */
};

/* Of each array: what the rows have, one row behind the other. */
struct append_request {
    const struct append_row *rows;
    size_t row_count;
    /* Of each row's label bytes, by the seed that the head was opened with. NULL: they are not
     * known, and every row has its labels. */
    const struct hash128 *row_keys;
    uint8_t *row_refusals; /* enum row_refusal a row, raised where something of it is refused;
                            * zeroed by the caller. NULL: nobody wants to know */
    const struct sample *samples;
    size_t sample_count;
    const struct histogram_sample *histograms; /* not checked yet */
    size_t histogram_count;
    const struct exemplar *exemplars; /* not checked yet; labels sorted, values not empty */
    size_t exemplar_count;
    const struct family_metadata *metadata; /* of no row: of families */
    size_t metadata_count;
    const struct append_limits *limits; /* NULL: as opened */
};

/* Why a sample, float or histogram, was not stored. Labels' faults are counted a row in
 * label_key.h's terms. */
enum sample_fate {
    SAMPLE_STORED,
    SAMPLE_STORED_LATE, /* out of order, within the window            */
    SAMPLE_REPEATED,    /* same time, same value: accepted, nothing to do */
    SAMPLE_OUT_OF_ORDER,
    SAMPLE_DUPLICATE,     /* same time, other value                         */
    SAMPLE_OUT_OF_BOUNDS, /* older than the head accepts                    */
    SAMPLE_TOO_OLD,       /* older than the out-of-order window             */
    SAMPLE_TOO_NEW,       /* further in the future than the limit           */
    SAMPLE_FATE_COUNT
};

/* What became of an exemplar. None of them is a refusal of the request. */
enum exemplar_fate {
    EXEMPLAR_STORED,
    EXEMPLAR_REPEATED,        /* known already: accepted, nothing to do          */
    EXEMPLAR_DISABLED,        /* the store has no room by configuration          */
    EXEMPLAR_OUT_OF_ORDER,    /* before the newest of its series                 */
    EXEMPLAR_LABELS_TOO_LONG, /* above EXEMPLAR_LABEL_CHARACTERS_MAX             */
    EXEMPLAR_LABELS_INVALID,  /* empty or duplicate name, or not UTF-8           */
    EXEMPLAR_NO_SERIES,       /* no such series: an exemplar alone makes none    */
    EXEMPLAR_FATE_COUNT
};

struct append_result {
    uint64_t fates[SAMPLE_FATE_COUNT];           /* floats and histograms */
    uint64_t histogram_fates[SAMPLE_FATE_COUNT]; /* the histograms among them, as they were sent */
    uint64_t exemplar_fates[EXEMPLAR_FATE_COUNT];
    uint64_t label_faults[LABEL_FAULT_COUNT]; /* rows refused; index 0 counts good rows */
    uint64_t series_over_limit;               /* rows refused by the head's series limit */
    uint64_t series_unknown;                  /* rows refused because memory is short */
    uint64_t series_created;
    uint64_t rows_unnamed;       /* ROW_UNNAMED; where the append failed, that is why */
    uint64_t histograms_invalid; /* refused because they contradict themselves; in no other count */
    struct str histogram_fault;  /* how the first of those does; in the arena */
    uint64_t metadata_stored;    /* families whose metadata is known now (or was before) */
    uint64_t metadata_refused;   /* no name, too long, or too many families */
    struct str example; /* labels of the first series with a refused sample; in the arena */
};

/* Adds what became of another part of a request to *sum. */
void append_result_add(struct append_result *sum, const struct append_result *part);
