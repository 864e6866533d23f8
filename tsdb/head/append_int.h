/* append_int.h - one append on its way; for append.c and the files of its passes only.
 *
 * Threads: the append's own. */
#pragma once
#include "base/vec.h"
#include "tsdb/head/claims.h"
#include "tsdb/head/head_int.h"
#include "tsdb/head/late.h"
#include "tsdb/wal/record.h"

enum row_state { ROW_OPEN, ROW_CLAIMED, ROW_DONE };
typedef VEC(struct append_miss) append_misses;

/* Fates that no caller sees: of a float's stale marker that stands for a histogram's and is to be
 * stored, of a histogram that was not looked at yet, of one that is refused for what it is. */
enum {
    FATE_MARKS_INTEGER = SAMPLE_FATE_COUNT,
    FATE_MARKS_FLOAT,
    FATE_INVALID,
};

struct append {
    struct head *h;
    const struct append_request *request;
    const struct histogram_sample *histograms; /* the request's, reserved schemas reduced */
    struct arena *arena;
    struct append_result *result;
    uint32_t *slots;          /* a row: its series, or slot_none */
    uint8_t *fates;           /* a float: enum sample_fate, or one of the above */
    uint8_t *histogram_fates; /* a histogram: the same */
    uint8_t *exemplar_fates;  /* an exemplar: enum exemplar_fate */
    uint8_t *states;          /* a row: enum row_state */
    size_t rows_open;
    append_misses misses; /* rows that no living series is known of; the arena counts them */
    struct epoch_guard guard;
    struct append_stamp stamp;        /* seq 0: nothing was stored yet */
    uint8_t claim;                    /* this append's: see claims.h */
    bool twins;                       /* two rows of this round are one series */
    bool metadata_told;               /* the request's metadata was taken and logged */
    struct judge_limits limits;       /* of the request */
    struct judge_limits limits_again; /* when a sample is stored: it is as new as it was */
    int64_t max_valid_ms;
    struct chunk_rule chunk_rule;
    int64_t mint_ms, maxt_ms; /* of what was stored in order */
    /* figures of the round */
    uint64_t chunks_begun, histograms_stored, histograms_stored_late;
    struct ooo_log late; /* what this round stored late */
    bool has_late;       /* something is in it */
    bool judged_late;    /* a sample of this round was */
};

static inline void
append_refuse_row(const struct append *run, size_t row_index, enum row_refusal refusal)
{
    uint8_t *refusals = run->request->row_refusals;
    if (refusals && refusals[row_index] < refusal)
        refusals[row_index] = (uint8_t)refusal;
}

/* --- append_records.c: what a round logs ------------------------------------------------------ */

enum { RECORD_SAMPLES_MAX = 1 << 16 }; /* floats of one record */

/* Kinds of records in the order in which they stand in the log: a replay meets the samples of a
 * series in it. Floats are ORDER_FLOATS. */
enum record_order {
    ORDER_FLOATS,
    ORDER_INTEGERS, /* as in record_histogram_type() */
    ORDER_CUSTOM_INTEGERS,
    ORDER_FLOAT_HISTOGRAMS,
    ORDER_CUSTOM_FLOAT_HISTOGRAMS,
    ORDER_COUNT
};

/* Floats go straight into the list. Histograms of the rows wait in a record a kind until there are
 * many, or until the samples of a series would come in another order than they are stored. */
struct append_records {
    struct record_list list;
    struct record_samples_writer floats;
    size_t in_record;            /* floats in the last record, if that takes more */
    enum record_order row_order; /* kind of the row's newest sample */
    struct buf histograms[ORDER_COUNT];
    struct record_samples_writer histogram_writers[ORDER_COUNT];
    struct record_list exemplars; /* behind all samples */
    struct record_samples_writer exemplar_writer;
    int64_t newest_ms; /* of all these; WAL_TIME_NONE */
};
#define APPEND_RECORDS_INIT                                                                        \
    {                                                                                              \
        .list = RECORD_LIST_INIT, .exemplars = RECORD_LIST_INIT, .newest_ms = WAL_TIME_NONE        \
    }
void append_records_fini(struct append_records *e);
static inline void
auto_append_records_fini(struct append_records *e)
{
    append_records_fini(e);
}
/* What waits goes to the list: whatever comes next stands behind it. */
void append_records_flush(struct append_records *e);
/* Behind the series' samples so far, those of a row before included. */
static inline void
append_records_begin_row(struct append_records *e)
{
    e->row_order = ORDER_FLOATS;
}
void append_records_put_histogram(struct append_records *e, uint64_t ref,
                                  const struct histogram_sample *s);
void append_records_put_exemplar(struct append_records *e, uint64_t ref,
                                 const struct exemplar *exemplar);
/* A record without content, to wait for what is queued before it. */
void append_records_put_nothing(struct append_records *e);
/* Enqueues all and waits until the log has it. */
struct err append_records_log(struct append_records *e, struct wal *wal, struct arena *a);

/* `samples_left` bounds how many floats may follow, this one included. */
static inline void
append_records_put_float(struct append_records *e, uint64_t ref, struct sample s,
                         size_t samples_left)
{
    if (__builtin_expect(e->row_order != ORDER_FLOATS, 0)) {
        append_records_flush(e);
        append_records_begin_row(e);
    }
    if (e->in_record == 0) {
        record_list_begin(&e->list);
        size_t room = samples_left < RECORD_SAMPLES_MAX ? samples_left : RECORD_SAMPLES_MAX;
        record_begin_samples(&e->floats, &e->list.bytes, ref, s.t_ms, room);
    }
    record_put_sample(&e->floats, ref, s.t_ms, s.bits);
    e->newest_ms = i64_max(e->newest_ms, s.t_ms);
    e->in_record = (e->in_record + 1) % RECORD_SAMPLES_MAX;
}

/* --- append_judge.c --------------------------------------------------------------------------- */

/* Once, before all: which histograms are valid. */
struct err append_check_histograms(struct append *run);
/* Looks the labels of a row up once more: its series is gone. append.c. */
void append_miss_again(struct append *run, size_t row_index);
/* Claims and judges what it can of the open rows, and logs what is good. *ret_claimed is how
 * many; *ret_refused one of the others. */
struct err append_judge_and_log(struct append *run, size_t *ret_claimed, size_t *ret_refused);

/* --- append_store.c --------------------------------------------------------------------------- */

/* Stores what was logged of the claimed rows and ends their claims. An error: see
 * append_log_late(); all is stored nonetheless. */
struct err append_store(struct append *run);
/* Ends the claims of this round where storing has not. */
void append_end_claims(struct append *run);

/* --- append_metadata.c ------------------------------------------------------------------------ */

/* Takes the request's metadata; what is news goes to the list. */
void append_take_metadata(struct append *run, struct record_list *to);

/* --- append_late.c ---------------------------------------------------------------------------- */

/* A late sample of either kind. */
struct late_point {
    int64_t t_ms;
    uint64_t bits;
    const struct histogram *histogram; /* NULL: a float; lives as long as the append */
};
/* Under the series' spin, claimed. SAMPLE_STORED_LATE; SAMPLE_REPEATED at the time of another. */
enum sample_fate append_store_late(struct append *run, uint32_t slot, const struct late_point *p,
                                   struct slot_list *finished);
/* Ends the claims of a round that may have stored late samples, once these are on their way into
 * their log, and waits for that. An error: the log lacks some, and they may not be acknowledged. */
struct err append_log_late(struct append *run);
/* Before a round logs and stores anything: with late samples it may not while their log is
 * poisoned. */
struct err append_check_late_log(const struct append *run);
