/* model.h - what a database must hold, kept the naive way: arrays and linear search.
 *
 * A sample is sure once its request was acknowledged; those of a failed request are doubtful:
 * they may be there after a crash or may not. Threads: one at a time. */
#pragma once
#include "base/vec.h"
#include "tsdb/db.h"

struct model_series {
    char *text;                       /* sorted "name=value," without empty values; owned */
    VEC(struct sample) sure;          /* ascending */
    VEC(struct sample) doubtful;      /* in no order */
    bool seen;                        /* by the last model_adopt() */
};

struct model {
    int64_t block_range_ms;
    int64_t maxt_ms;      /* of the head; INT64_MIN while it is empty */
    int64_t block_end_ms; /* blocks have what is older; INT64_MIN without blocks */
    VEC(struct model_series) series;
};

/* A series of a request, with its labels in the order in which they are sent. */
struct model_row {
    struct labels labels;
    const struct sample *samples; /* borrowed, as the labels */
    size_t sample_count;
};

void model_init(struct model *m, int64_t block_range_ms);
void model_fini(struct model *m);

/* What a database must answer to these rows (fates and label faults only). */
void model_store(struct model *m, const struct model_row *rows, size_t count,
                 struct append_result *ret_want);
/* The same request failed: what would have been stored is doubtful. */
void model_doubt(struct model *m, const struct model_row *rows, size_t count);
/* The log was healed: nothing that failed before may ever appear. */
void model_forget_doubtful(struct model *m);
/* The newest sure sample of a series; false when there is none. */
bool model_last(const struct model *m, struct labels labels, struct sample *ret_last);

/* What a look at a database may find. */
enum model_view {
    MODEL_EXACT,  /* all that is sure and nothing else           */
    MODEL_REOPENED, /* also doubtful samples                     */
    MODEL_DAMAGED,  /* sure samples may be gone, none is changed */
};
/* Compares everything in the range; ERR_CONFLICT says what differs. */
struct err model_compare(const struct model *m, struct db *db, enum model_view view,
                         int64_t mint_ms, int64_t maxt_ms);
/* The same for all times; then takes over what was found as sure, and drops all doubts. */
struct err model_adopt(struct model *m, struct db *db, enum model_view view);
