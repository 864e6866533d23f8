/* append_judge.c - which samples, histograms and exemplars of a request are good, and their way
 * into the log.
 *
 * Threads: any; a series is held for its own few lines only. */
#include "tsdb/head/append_int.h"

#include "base/assert.h"
#include "tsdb/head/exemplars.h"

/* --- before all: valid histograms ------------------------------------------------------------- */

static bool
is_reserved(const struct histogram *h)
{
    return h->schema > HISTOGRAM_SCHEMA_MAX && h->schema <= HISTOGRAM_SCHEMA_RESERVED;
}

/* The same histograms, schemas that only readers know reduced; what cannot be is left as it is,
 * and invalid. */
static const struct histogram_sample *
reduce_all(const struct append_request *request, struct arena *a)
{
    struct histogram_sample *v = ARENA_ARRAY(a, struct histogram_sample, request->histogram_count);
    for (size_t i = 0; i < request->histogram_count; i++) {
        v[i] = request->histograms[i];
        if (is_reserved(&v[i].value))
            err_drop(histogram_reduce(&request->histograms[i].value, a, &v[i].value));
    }
    return v;
}

static void
count_invalid(struct append *run, struct err e)
{
    if (run->result->histograms_invalid++ == 0)
        run->result->histogram_fault = arena_str(run->arena, str_of_cstr(err_text(&e)));
    err_drop(e);
}

struct err
append_check_histograms(struct append *run)
{
    const struct append_request *request = run->request;
    bool reserved = false;
    for (size_t i = 0; i < request->histogram_count; i++)
        reserved |= is_reserved(&request->histograms[i].value);
    if (reserved) {
        TRY(arena_admit(run->arena, request->histogram_count * sizeof *request->histograms));
        run->histograms = reduce_all(request, run->arena);
    }
    for (size_t i = 0; i < request->histogram_count; i++) {
        struct err e = histogram_validate(&run->histograms[i].value);
        run->histogram_fates[i] = e.code == ERR_NONE ? SAMPLE_STORED : FATE_INVALID;
        if (e.code != ERR_NONE)
            count_invalid(run, e);
    }
    return arena_admit(run->arena, 0);
}

/* --- a row ------------------------------------------------------------------------------------ */

/* A float's stale marker behind a histogram: logged and stored as that histogram's. */
static void
judge_marker(struct append *run, uint32_t i, uint64_t ref, struct series_last *last,
             struct append_records *records)
{
    enum histogram_kind kind = last->histogram->kind;
    struct histogram_sample marker = series_stale_histogram(run->request->samples[i].t_ms, kind);
    struct histogram *kept = ARENA_NEW(run->arena, struct histogram);
    *kept = marker.value;
    append_records_put_histogram(records, ref, &marker);
    run->fates[i] = kind == HISTOGRAM_INTEGER ? FATE_MARKS_INTEGER : FATE_MARKS_FLOAT;
    *last = (struct series_last){{marker.t_ms, 0}, true, kept};
}

static inline void
judge_floats(struct append *run, const struct append_row *row, uint64_t ref,
             struct series_last *last, struct append_records *records)
{
    for (uint32_t i = row->first_sample; i < row->first_sample + row->sample_count; i++) {
        struct sample s = run->request->samples[i];
        enum sample_fate fate =
            s.t_ms > run->max_valid_ms ? SAMPLE_TOO_NEW : series_judge(&run->limits, *last, s);
        run->fates[i] = (uint8_t)fate;
        run->judged_late = run->judged_late || fate == SAMPLE_STORED_LATE;
        if (fate != SAMPLE_STORED)
            continue;
        if (series_marks_histogram(*last, s)) {
            judge_marker(run, i, ref, last, records);
            continue;
        }
        append_records_put_float(records, ref, s, run->request->sample_count - i);
        *last = (struct series_last){s, true, NULL};
    }
}

static void
judge_histograms(struct append *run, const struct append_row *row, uint64_t ref,
                 struct series_last *last, struct append_records *records)
{
    for (uint32_t i = row->first_histogram; i < row->first_histogram + row->histogram_count; i++) {
        const struct histogram_sample *s = &run->histograms[i];
        if (run->histogram_fates[i] == FATE_INVALID)
            continue;
        enum sample_fate fate = s->t_ms > run->max_valid_ms
                                    ? SAMPLE_TOO_NEW
                                    : series_judge_histogram(&run->limits, *last, s);
        run->histogram_fates[i] = (uint8_t)fate;
        run->judged_late = run->judged_late || fate == SAMPLE_STORED_LATE;
        if (fate != SAMPLE_STORED)
            continue;
        append_records_put_histogram(records, ref, s);
        *last = (struct series_last){{s->t_ms, 0}, true, &s->value};
    }
}

static void
judge_exemplars(struct append *run, size_t row_index, uint64_t ref, struct append_records *records)
{
    const struct append_row *row = &run->request->rows[row_index];
    const struct exemplar *v = run->request->exemplars + row->first_exemplar;
    uint8_t *fates = run->exemplar_fates + row->first_exemplar;
    if (fates[0] == EXEMPLAR_DISABLED)
        return;
    memset(fates, EXEMPLAR_STORED, row->exemplar_count);
    exemplars_judge(run->h->exemplars, head_labels(run->h, run->slots[row_index], run->arena), v,
                    row->exemplar_count, fates);
    for (uint32_t i = 0; i < row->exemplar_count; i++) {
        if (fates[i] == EXEMPLAR_STORED)
            append_records_put_exemplar(records, ref, &v[i]);
    }
}

/* False when another append has the series: the row stays open; or when it is dead: the row is
 * missed. */
static bool
judge_row(struct append *run, size_t row_index, struct append_records *records)
{
    const struct append_row *row = &run->request->rows[row_index];
    struct series_hot *hot = head_hot(run->h, run->slots[row_index]);
    struct series_last last;
    enum claim_outcome claimed = claim_take(hot, run->claim, &last);
    if (claimed == CLAIM_DEAD)
        append_miss_again(run, row_index);
    if (claimed == CLAIM_DEAD || claimed == CLAIM_REFUSED)
        return false;
    run->states[row_index] = ROW_CLAIMED;
    if (claimed == CLAIM_HAD) {
        run->twins = true;
        append_records_flush(records);
    }
    append_records_begin_row(records);
    uint64_t ref = series_ref(hot);
    judge_floats(run, row, ref, &last, records);
    if (row->histogram_count > 0)
        judge_histograms(run, row, ref, &last, records);
    if (row->exemplar_count > 0)
        judge_exemplars(run, row_index, ref, records);
    return true;
}

/* --- a round ---------------------------------------------------------------------------------- */

struct err
append_judge_and_log(struct append *run, size_t *ret_claimed, size_t *ret_refused)
{
    AUTO(append_records_fini) struct append_records records = APPEND_RECORDS_INIT;
    *ret_claimed = 0;
    if (!run->metadata_told)
        append_take_metadata(run, &records.list);
    for (size_t i = 0; i < run->request->row_count; i++) {
        if (run->states[i] != ROW_OPEN)
            continue;
        if (judge_row(run, i, &records))
            ++*ret_claimed;
        else
            *ret_refused = i;
    }
    TRY(append_check_late_log(run));
    if (run->judged_late && records.list.starts.n == 0)
        append_records_put_nothing(&records); /* their series may have been born just now */
    return append_records_log(&records, run->h->wal, run->arena);
}
