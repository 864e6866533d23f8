/* append_store.c - the last pass of an append: what the log has goes into memory.
 *
 * Threads: any; a series is held for its own few lines only. */
#include "tsdb/head/append_int.h"

#include "tsdb/head/exemplars.h"

enum { STORE_AHEAD = 8 }; /* rows between prefetch and use */

/* From now on the series says that this append stored last. Under its spin, which is left to keep
 * what queries may need of the append before; nobody else can store: the series is claimed. */
static void
stamp_series(struct append *run, uint32_t slot, struct series_hot *hot, struct series_cold *cold)
{
    if (__builtin_expect(cold->seq != 0 && !seq_before(cold->seq, run->stamp.keep_from), 0)) {
        struct overwritten o = {slot, cold->seq, cold->before_ms, 0};
        spin_release(&hot->spin);
        isolation_keep(&run->h->isolation, run->stamp, o);
        spin_acquire(&hot->spin);
        hot->xor.flags |= SERIES_OVERWRITTEN;
    }
    cold->seq = run->stamp.seq;
    cold->before_ms = hot->has_last ? hot->xor.t_ms : INT64_MIN;
}

/* A claimed row's series, under its spin. */
struct target {
    struct series_hot *hot;
    struct series_cold *cold;
    uint32_t slot;
    struct slot_list *finished; /* slots of series with finished chunks */
};

static inline void
note_stored(struct append *run, const struct target *t, int64_t t_ms, const struct head_chunk *full)
{
    if (full)
        vec_push(t->finished, t->slot);
    run->chunks_begun += t->hot->xor.count == 1;
    run->mint_ms = i64_min(run->mint_ms, t_ms);
    run->maxt_ms = i64_max(run->maxt_ms, t_ms);
}

static enum sample_fate
store_late(struct append *run, const struct target *t, struct late_point p)
{
    return append_store_late(run, t->slot, &p, t->finished);
}

/* What was judged good is judged again: an earlier row of this request may be the same series. */
static enum sample_fate
store_histogram(struct append *run, const struct target *t, const struct histogram_sample *s)
{
    enum sample_fate fate = series_judge_histogram(&run->limits_again, series_last_of(t->hot), s);
    if (fate == SAMPLE_STORED_LATE)
        return store_late(run, t, (struct late_point){s->t_ms, 0, &s->value});
    if (fate == SAMPLE_STORED)
        note_stored(run, t, s->t_ms, series_append_histogram(t->hot, t->cold, s, run->chunk_rule));
    return fate;
}

static void
store_marker(struct append *run, const struct target *t, uint32_t i)
{
    enum histogram_kind kind =
        run->fates[i] == FATE_MARKS_INTEGER ? HISTOGRAM_INTEGER : HISTOGRAM_FLOAT;
    struct histogram_sample s = series_stale_histogram(run->request->samples[i].t_ms, kind);
    run->fates[i] = (uint8_t)store_histogram(run, t, &s);
}

/* `fate` is what it was judged: one that was late is so still. */
static inline enum sample_fate
store_float(struct append *run, const struct target *t, struct sample s, enum sample_fate fate)
{
    if (__builtin_expect(fate == SAMPLE_STORED, 1))
        fate = series_judge(&run->limits_again, series_last_of(t->hot), s);
    if (__builtin_expect(fate == SAMPLE_STORED, 1))
        note_stored(run, t, s.t_ms, series_append(t->hot, t->cold, s, run->chunk_rule));
    else if (fate == SAMPLE_STORED_LATE)
        return store_late(run, t, (struct late_point){s.t_ms, s.bits, NULL});
    return fate;
}

static inline void
store_floats(struct append *run, const struct append_row *row, const struct target *t)
{
    for (uint32_t i = row->first_sample; i < row->first_sample + row->sample_count; i++) {
        if (__builtin_expect(run->fates[i] >= SAMPLE_FATE_COUNT, 0))
            store_marker(run, t, i);
        else if (run->fates[i] <= SAMPLE_STORED_LATE)
            run->fates[i] = (uint8_t)store_float(run, t, run->request->samples[i], run->fates[i]);
    }
}

static void
store_histograms(struct append *run, const struct append_row *row, const struct target *t)
{
    for (uint32_t i = row->first_histogram; i < row->first_histogram + row->histogram_count; i++) {
        uint8_t *fate = &run->histogram_fates[i];
        const struct histogram_sample *s = &run->histograms[i];
        if (*fate == SAMPLE_STORED)
            *fate = (uint8_t)store_histogram(run, t, s);
        else if (*fate == SAMPLE_STORED_LATE)
            *fate = (uint8_t)store_late(run, t, (struct late_point){s->t_ms, 0, &s->value});
    }
}

/* Takes the ring's lock: not under the series' spin, which the claim stands in for. */
static void
store_exemplars(struct append *run, const struct append_row *row, uint32_t slot)
{
    uint8_t *fates = run->exemplar_fates + row->first_exemplar;
    if (fates[0] != EXEMPLAR_DISABLED)
        exemplars_append(run->h->exemplars, head_labels(run->h, slot, run->arena),
                         run->request->exemplars + row->first_exemplar, row->exemplar_count, fates);
}

static void
store_row(struct append *run, size_t row_index, struct slot_list *finished)
{
    const struct append_row *row = &run->request->rows[row_index];
    uint32_t slot = run->slots[row_index];
    struct target t = {head_hot(run->h, slot), head_cold(run->h, slot), slot, finished};

    if (row->exemplar_count > 0)
        store_exemplars(run, row, slot);
    spin_acquire(&t.hot->spin);
    if (t.cold->seq != run->stamp.seq && row->sample_count + row->histogram_count > 0)
        stamp_series(run, slot, t.hot, t.cold);
    store_floats(run, row, &t);
    if (row->histogram_count > 0)
        store_histograms(run, row, &t);
    bool keeps = run->twins || run->has_late; /* claims; perhaps one too many */
    if (!keeps)
        run->states[row_index] = ROW_DONE;
    bool awaited = !keeps && claim_end(t.hot);
    spin_release(&t.hot->spin);
    if (awaited)
        claims_wake(run->h);
}

/* Ends the claims of this round where storing has not. */
void
append_end_claims(struct append *run)
{
    for (size_t i = 0; i < run->request->row_count; i++) {
        if (run->states[i] != ROW_CLAIMED)
            continue;
        run->states[i] = ROW_DONE;
        struct series_hot *hot = head_hot(run->h, run->slots[i]);
        spin_acquire(&hot->spin);
        bool awaited = hot->claim == run->claim && claim_end(hot); /* a twin's is over already */
        spin_release(&hot->spin);
        if (awaited)
            claims_wake(run->h);
    }
}

static void
prefetch_row(struct append *run, size_t ahead)
{
    if (ahead >= run->request->row_count || run->slots[ahead] == slot_none)
        return;
    struct series_hot *hot = head_hot(run->h, run->slots[ahead]);
    __builtin_prefetch(hot, 1);
    __builtin_prefetch(head_cold(run->h, run->slots[ahead]), 1);
}

/* For the answer: the first series with a refused sample stands for all. */
static void
keep_example(struct append *run, size_t row_index)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    labels_format(head_labels(run->h, run->slots[row_index], run->arena), &text);
    run->result->example = arena_str(run->arena, buf_str(&text));
}

/* Of events that stand side by side. */
enum sample_kind { KIND_FLOAT, KIND_HISTOGRAM };

static void
count_refusal(struct append *run, enum sample_fate fate, enum sample_kind kind)
{
    static const enum db_event events[SAMPLE_FATE_COUNT] = {
        [SAMPLE_OUT_OF_ORDER] = DB_FLOATS_OUT_OF_ORDER,
        [SAMPLE_OUT_OF_BOUNDS] = DB_FLOATS_OUT_OF_BOUNDS,
        [SAMPLE_TOO_OLD] = DB_FLOATS_TOO_OLD,
    };
    if (fate == SAMPLE_OUT_OF_ORDER || fate == SAMPLE_OUT_OF_BOUNDS || fate == SAMPLE_TOO_OLD)
        db_events_add(&run->h->events, (enum db_event)((unsigned)events[fate] + (unsigned)kind), 1);
}

static inline void
count_fates(struct append *run, size_t row_index, const uint8_t *fates, uint32_t n,
            enum sample_kind kind)
{
    for (uint32_t i = 0; i < n; i++) {
        if (fates[i] < SAMPLE_FATE_COUNT) { /* else it was counted as invalid */
            run->result->fates[fates[i]]++;
            run->result->histogram_fates[fates[i]] += kind == KIND_HISTOGRAM;
        }
        if (__builtin_expect(fates[i] <= SAMPLE_REPEATED, 1))
            continue;
        count_refusal(run, fates[i], kind);
        append_refuse_row(run, row_index, fates[i] == FATE_INVALID ? ROW_INVALID : ROW_REFUSED);
        if (run->result->example.n == 0)
            keep_example(run, row_index);
    }
}

static void
count_row(struct append *run, size_t row_index)
{
    const struct append_row *row = &run->request->rows[row_index];
    const uint64_t *fates = run->result->fates;
    count_fates(run, row_index, run->fates + row->first_sample, row->sample_count, KIND_FLOAT);
    if (row->histogram_count == 0)
        return;
    uint64_t stored = fates[SAMPLE_STORED], late = fates[SAMPLE_STORED_LATE];
    count_fates(run, row_index, run->histogram_fates + row->first_histogram, row->histogram_count,
                KIND_HISTOGRAM);
    run->histograms_stored += fates[SAMPLE_STORED] - stored;
    run->histograms_stored_late += fates[SAMPLE_STORED_LATE] - late;
}

/* Of one round: figures. */
static void
count_round(struct append *run, uint64_t stored, uint64_t late)
{
    struct db_events *events = &run->h->events;
    if (run->chunks_begun > 0)
        db_events_add(events, DB_CHUNKS_CREATED, run->chunks_begun);
    db_events_add(events, DB_FLOATS_STORED,
                  stored + late - run->histograms_stored - run->histograms_stored_late);
    if (run->histograms_stored + run->histograms_stored_late > 0)
        db_events_add(events, DB_HISTOGRAMS_STORED,
                      run->histograms_stored + run->histograms_stored_late);
    if (late > 0) {
        db_events_add(events, DB_FLOATS_STORED_LATE, late - run->histograms_stored_late);
        db_events_add(events, DB_HISTOGRAMS_STORED_LATE, run->histograms_stored_late);
    }
    run->chunks_begun = run->histograms_stored = run->histograms_stored_late = 0;
}

struct err
append_store(struct append *run)
{
    struct slot_list finished = VEC_INIT;
    struct err logged = OK;
    if (run->stamp.seq == 0)
        run->stamp = isolation_begin(&run->h->isolation, run->guard);
    uint64_t before = run->result->fates[SAMPLE_STORED];
    uint64_t late_before = run->result->fates[SAMPLE_STORED_LATE];
    for (size_t i = 0; i < run->request->row_count; i++) {
        prefetch_row(run, i + STORE_AHEAD);
        if (run->states[i] != ROW_CLAIMED)
            continue;
        store_row(run, i, &finished);
        count_row(run, i);
    }
    if (run->twins || run->has_late)
        logged = append_log_late(run);
    head_queue_finished(run->h, &finished);
    vec_fini(&finished);
    if (run->mint_ms <= run->maxt_ms)
        head_widen(run->h, run->mint_ms, run->maxt_ms);
    head_note_write(run->h);
    count_round(run, run->result->fates[SAMPLE_STORED] - before,
                run->result->fates[SAMPLE_STORED_LATE] - late_before);
    return logged;
}
