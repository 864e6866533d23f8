/* model.h - what a database must hold, kept the naive way: arrays and linear search.
 *
 * What becomes of a sample is decided by spec/tsdb.md section 12. A sample is held once its
 * request was acknowledged; those of a failed request are doubtful: they may be there after a
 * crash or may not.
 *
 * Deleted samples never come back, but for a log that lost the deletion. What comes late into a
 * deletion is hidden as long as that stands for the series (tsdb/head/README.md, D1 and D3); how
 * long that is depends on what the head has dropped, which the model does not ask: it demands that
 * such a sample is found by the first look and then for ever, or never. A deletion that failed may
 * have deleted each sample in its range, or not, and may say so after the next start only; neither
 * these nor what comes late into it is asked for any more.
 * Threads: one at a time. */
#pragma once
#include "base/arena.h"
#include "tests/tsdb/model_values.h"
#include "tsdb/db.h"
#include "tsdb/model/interval.h"

enum model_deletion { MODEL_DELETED, MODEL_DELETED_PERHAPS };
struct model_shadow {
    struct interval span; /* asked for, up to the newest sample that there was */
    enum model_deletion how;
};

struct model_series {
    char *text; /* sorted "name=value," without empty values; owned */
    struct model_samples held;
    struct model_samples doubtful; /* in no order */
    struct model_samples gone;     /* deleted, or hidden: the head may still have them */
    VEC(struct model_shadow) shadows;
    struct model_sample newest;    /* the newest that came in order, if has_newest */
    bool has_newest;
    bool kind_unsure; /* of the newest, for a stale marker behind it */
    bool seen;        /* by the last look */
};

struct model {
    int64_t block_range_ms, ooo_window_ms;
    int64_t maxt_ms;      /* of the head; INT64_MIN while it is empty */
    int64_t block_end_ms; /* a cut has taken what is older, into a block unless all was deleted */
    int64_t head_mint_ms; /* the head may have forgotten what is older */
    int64_t kept_from_ms; /* what is older may have been deleted: retention */
    bool lossy;           /* samples were lost, and might be found */
    bool chunks_damaged;  /* since the last look: late chunks that blocks have may be back */
    VEC(struct model_series) series;
    struct arena values; /* histograms */
};

/* A series of a request, with its labels in the order in which they are sent. */
struct model_row {
    struct labels labels;
    const struct sample *samples; /* borrowed, as the labels */
    size_t sample_count;
    const struct histogram_sample *histograms; /* behind the floats; borrowed */
    size_t histogram_count;
};

/* What a database must answer. */
struct model_want {
    uint64_t fates[SAMPLE_FATE_COUNT];
    uint64_t label_faults[LABEL_FAULT_COUNT];
    uint64_t histograms_invalid;
    /* In none of `fates`: late samples at the time of another are stored or a repetition, as that
     * is in an open chunk or not; what is MODEL_ALIKE a repetition or a duplicate. */
    uint64_t late_or_repeated, repeated_or_duplicate;
};

void model_init(struct model *m, int64_t block_range_ms, int64_t ooo_window_ms);
void model_fini(struct model *m);

void model_store(struct model *m, const struct model_row *rows, size_t count,
                 struct model_want *ret_want);
/* The same request failed: what would have been stored is doubtful. */
void model_doubt(struct model *m, const struct model_row *rows, size_t count);
/* The log was healed: nothing that failed before may ever appear. */
void model_forget_doubtful(struct model *m);
/* A pass of maintenance has written what was in memory only. */
void model_written(struct model *m);
/* What is older than that may go. */
void model_let_go(struct model *m, int64_t before_ms);
/* Older samples are not in order any more. */
int64_t model_min_valid_ms(const struct model *m);
/* NULL: nobody has made it. */
const struct model_series *model_find(const struct model *m, struct labels labels);

/* --- model_delete.c ---------------------------------------------------------------------------
 */

void model_delete(struct model *m, struct matchers matchers, struct interval span,
                  enum model_deletion how);
/* After a start: a series has a newest sample that nobody sees, or may have one. */
bool model_newest_is_unsure(const struct model *m);

/* A sample comes late. */
enum model_shade {
    MODEL_LIGHT,    /* into no deletion */
    MODEL_SHADE,    /* into one that may stand */
    MODEL_TWILIGHT, /* into one that failed */
};
enum model_shade model_shade_at(const struct model_series *s, int64_t t_ms);
/* What is unsettled at that time is held from now on, or gone. */
void model_settle_moment(struct model_series *s, int64_t t_ms, bool found);

/* What a look at a database may find. */
enum model_view {
    MODEL_EXACT,        /* all that is held and nothing else                            */
    MODEL_FAILED,       /* a request has just failed: also doubtful samples             */
    MODEL_REOPENED,     /* what is written must be there, doubtful samples may          */
    MODEL_POWER_CUT,    /* what is sure must be there                                   */
    MODEL_LATE_DAMAGED, /* late samples may be gone                                     */
    MODEL_DAMAGED,      /* all may be gone, but nothing is changed                      */
};
/* Compares everything in the range; ERR_CONFLICT says what differs. */
struct err model_compare(struct model *m, struct db *db, enum model_view view, int64_t mint_ms,
                         int64_t maxt_ms);
/* The same for all times, when all is as it should be; settles what came late into deletions. */
struct err model_settle(struct model *m, struct db *db);
/* The same for all times; then takes over what was found, and drops doubts. */
struct err model_adopt(struct model *m, struct db *db, enum model_view view);

/* --- of model.c, for model_look.c ---------------------------------------------------------------
 */

/* The name of a series in the model, from labels in any order. */
enum label_fault model_text_of(struct labels labels, struct buf *to);
struct model_series *model_find_text(const struct model *m, const char *text);
