/* append.c - a write request, from label bytes to stored samples.
 *
 * Five passes over the rows, each a tight loop: find the series by the hash of their key bytes
 * (prefetched in batches), make the missing ones, judge every sample and encode the good ones
 * for the log, wait until the log has them, store them. Nothing is stored that is not logged, in
 * the log's order; nothing is logged that was refused, but for rows with the same labels in one
 * request, which are judged again when they are stored (and by a replay, with the same result).
 * The last three passes leave out series that another append is about to store to (claims.h);
 * they come in a further round, as do those that turn out to be forgotten (forget.c).
 * Threads: any; a series is held for its own few lines only. */
#include "tsdb/head/claims.h"
#include "tsdb/head/head_int.h"

#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/wal/record.h"

enum {
    LOOKUP_BATCH = 32,             /* cache misses in flight */
    STORE_AHEAD = 8,               /* rows between prefetch and use */
    RECORD_SAMPLES_MAX = 1 << 16,  /* of one log record */
};

enum row_state { ROW_OPEN, ROW_CLAIMED, ROW_DONE };
typedef VEC(struct append_miss) append_misses;

struct append {
    struct head *h;
    const struct append_request *request;
    struct arena *arena;
    struct append_result *result;
    uint32_t *slots; /* a row: its series, or slot_none */
    uint8_t *fates;  /* a sample: enum sample_fate */
    uint8_t *states; /* a row: enum row_state */
    size_t rows_open;
    append_misses misses; /* rows that no living series is known of */
    struct epoch_guard guard;
    struct append_stamp stamp; /* seq 0: nothing was stored yet */
    uint8_t claim; /* this append's: see claims.h */
    bool twins;    /* two rows of this round are one series */
    int64_t min_valid_ms, max_valid_ms;
    struct chunk_rule chunk_rule;
    int64_t mint_ms, maxt_ms; /* of what was stored */
};

/* --- 1: find ---------------------------------------------------------------------------------- */

/* Exemplars are about a series that is there; they make none. */
static bool
row_makes_series(const struct append_row *row)
{
    return row->sample_count > 0; /* or histogram_count, once they are stored */
}

static void
find_series(struct append *run)
{
    struct head *h = run->h;
    const struct append_row *rows = run->request->rows;
    for (size_t base = 0; base < run->request->row_count; base += LOOKUP_BATCH) {
        size_t count = size_min(run->request->row_count - base, LOOKUP_BATCH);
        struct hash128 keys[LOOKUP_BATCH];
        for (size_t i = 0; i < count; i++) {
            keys[i] = hash128_secret(rows[base + i].label_key, &h->secret);
            fp_prefetch(&h->keys, keys[i]);
        }
        for (size_t i = 0; i < count; i++) {
            uint32_t *slot = &run->slots[base + i];
            if (fp_find(&h->keys, keys[i], slot)) {
                __builtin_prefetch(head_hot(h, *slot), 1);
                run->states[base + i] = ROW_OPEN;
                run->rows_open++;
                continue;
            }
            *slot = slot_none;
            run->states[base + i] = ROW_DONE;
            if (!row_makes_series(&rows[base + i]))
                continue;
            struct append_miss miss = {.row = (uint32_t)(base + i), .key = keys[i]};
            vec_push(&run->misses, miss);
        }
    }
    run->result->label_faults[LABEL_FAULT_NONE] += run->rows_open;
}

/* --- 2: make the missing ones ----------------------------------------------------------------- */

/* Parses and checks the labels of one miss; false, counted, when they are refused. */
static bool
check_labels(struct append *run, struct append_miss *miss, struct buf *scratch)
{
    struct str raw = run->request->rows[miss->row].label_key;
    miss->canonical = miss->key;
    if (label_key_decode_usual(run->arena, raw, &miss->labels)) {
        run->result->label_faults[LABEL_FAULT_NONE]++;
        return true;
    }
    enum label_fault fault = label_key_decode(run->arena, raw, &miss->labels);
    run->result->label_faults[fault]++;
    if (fault != LABEL_FAULT_NONE)
        return false;
    buf_clear(scratch);
    label_key_encode(miss->labels, scratch);
    miss->canonical = hash128_secret(buf_str(scratch), &run->h->secret);
    return true;
}

/* Gives every missed row whose labels are good a series, and opens it. */
static struct err
make_missing(struct append *run)
{
    AUTO(buf_fini) struct buf scratch = BUF_INIT;
    append_misses *misses = &run->misses;
    size_t good = 0;
    for (size_t i = 0; i < misses->n; i++) {
        if (check_labels(run, &misses->v[i], &scratch))
            misses->v[good++] = misses->v[i];
    }
    misses->n = good;
    TRY(arena_check(run->arena));
    TRY(head_create_missing(run->h, misses->v, good, run->slots, run->result));
    for (size_t i = 0; i < good; i++) {
        bool open = run->slots[misses->v[i].row] != slot_none;
        run->states[misses->v[i].row] = open ? ROW_OPEN : ROW_DONE;
        run->rows_open += open;
    }
    vec_clear(misses);
    return OK;
}

/* The series of an open row is gone: its labels are looked up once more. */
static void
miss_again(struct append *run, size_t row_index)
{
    struct append_miss miss = {.row = (uint32_t)row_index};
    miss.key = hash128_secret(run->request->rows[row_index].label_key, &run->h->secret);
    if (row_makes_series(&run->request->rows[row_index]))
        vec_push(&run->misses, miss);
    run->slots[row_index] = slot_none;
    run->states[row_index] = ROW_DONE;
    run->rows_open--;
    run->result->label_faults[LABEL_FAULT_NONE]--; /* counted anew */
}

/* --- 3: judge and encode ---------------------------------------------------------------------- */

struct encoder {
    struct record_list records;
    struct record_samples_writer writer;
    size_t in_record; /* samples in the last record */
};

static void
encode_sample(struct encoder *e, uint64_t ref, struct sample s, size_t samples_left)
{
    if (e->in_record == 0) {
        record_list_begin(&e->records);
        size_t room = size_min(samples_left, RECORD_SAMPLES_MAX);
        record_begin_samples(&e->writer, &e->records.bytes, ref, s.t_ms, room);
    }
    record_put_sample(&e->writer, ref, s.t_ms, s.bits);
    e->in_record = (e->in_record + 1) % RECORD_SAMPLES_MAX;
}

/* False when another append has the series: the row stays open; or when it is dead: the row is
 * missed. */
static bool
judge_row(struct append *run, size_t row_index, struct encoder *e)
{
    const struct append_row *row = &run->request->rows[row_index];
    struct series_hot *hot = head_hot(run->h, run->slots[row_index]);
    struct series_last last;
    enum claim_outcome claimed = claim_take(hot, run->claim, &last);
    if (claimed == CLAIM_DEAD)
        miss_again(run, row_index);
    if (claimed == CLAIM_DEAD || claimed == CLAIM_REFUSED)
        return false;
    run->twins = run->twins || claimed == CLAIM_HAD;
    run->states[row_index] = ROW_CLAIMED;

    for (uint32_t i = row->first_sample; i < row->first_sample + row->sample_count; i++) {
        struct sample s = run->request->samples[i];
        enum sample_fate fate =
            s.t_ms > run->max_valid_ms ? SAMPLE_TOO_NEW : series_judge(last, s, run->min_valid_ms);
        run->fates[i] = (uint8_t)fate;
        if (fate != SAMPLE_STORED)
            continue;
        encode_sample(e, series_ref(hot), s, run->request->sample_count - i);
        last = (struct series_last){s, true};
    }
    return true;
}

static struct err
log_samples(struct append *run, const struct record_list *records)
{
    if (records->starts.n == 0)
        return OK;
    wal_ticket ticket;
    const struct str *views = record_list_views(records, run->arena);
    TRY(wal_enqueue(run->h->wal, views, records->starts.n, &ticket));
    return wal_wait(run->h->wal, ticket);
}

/* Claims and judges what it can of the open rows, and logs what is good. *ret_claimed is how
 * many; *ret_refused one of the others. */
static struct err
judge_and_log(struct append *run, size_t *ret_claimed, size_t *ret_refused)
{
    struct encoder e = {.records = RECORD_LIST_INIT};
    *ret_claimed = 0;
    for (size_t i = 0; i < run->request->row_count; i++) {
        if (run->states[i] != ROW_OPEN)
            continue;
        if (judge_row(run, i, &e))
            ++*ret_claimed;
        else
            *ret_refused = i;
    }
    struct err logged = log_samples(run, &e.records);
    record_list_fini(&e.records);
    return logged;
}

/* --- 4: store --------------------------------------------------------------------------------- */

/* From now on the series says that this append stored last. Under its spin, which is left to keep
 * what queries may need of the append before; nobody else can store: the series is claimed. */
static void
stamp_series(struct append *run, uint32_t slot, struct series_hot *hot, struct series_cold *cold)
{
    if (__builtin_expect(cold->seq != 0 && !seq_before(cold->seq, run->stamp.keep_from), 0)) {
        struct overwritten o = {slot, cold->seq, cold->before_ms};
        spin_release(&hot->spin);
        isolation_keep(&run->h->isolation, run->stamp, o);
        spin_acquire(&hot->spin);
        hot->xor.flags |= SERIES_OVERWRITTEN;
    }
    cold->seq = run->stamp.seq;
    cold->before_ms = hot->has_last ? hot->xor.t_ms : INT64_MIN;
}

static void
store_row(struct append *run, size_t row_index, struct slot_list *finished)
{
    const struct append_row *row = &run->request->rows[row_index];
    uint32_t slot = run->slots[row_index];
    struct series_hot *hot = head_hot(run->h, slot);
    struct series_cold *cold = head_cold(run->h, slot);

    spin_acquire(&hot->spin);
    if (cold->seq != run->stamp.seq)
        stamp_series(run, slot, hot, cold);
    for (uint32_t i = row->first_sample; i < row->first_sample + row->sample_count; i++) {
        struct sample s = run->request->samples[i];
        if (run->fates[i] != SAMPLE_STORED)
            continue;
        /* Again: an earlier row of this request may be the same series. */
        enum sample_fate fate = series_judge(series_last_of(hot), s, INT64_MIN);
        run->fates[i] = (uint8_t)fate;
        if (fate != SAMPLE_STORED)
            continue;
        struct head_chunk *full = series_append(hot, cold, s, run->chunk_rule);
        if (full)
            vec_push(finished, slot);
        run->mint_ms = i64_min(run->mint_ms, s.t_ms);
        run->maxt_ms = i64_max(run->maxt_ms, s.t_ms);
    }
    bool awaited = !run->twins && claim_end(hot);
    spin_release(&hot->spin);
    if (awaited)
        claims_wake(run->h);
}

/* Ends the claims of this round where storing has not. */
static void
end_claims(struct append *run)
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

static void
count_row(struct append *run, size_t row_index)
{
    const struct append_row *row = &run->request->rows[row_index];
    for (uint32_t i = row->first_sample; i < row->first_sample + row->sample_count; i++) {
        enum sample_fate fate = run->fates[i];
        run->result->fates[fate]++;
        if (fate > SAMPLE_REPEATED && run->result->example.n == 0)
            keep_example(run, row_index);
    }
}

static void
store_samples(struct append *run)
{
    struct slot_list finished = VEC_INIT;
    if (run->stamp.seq == 0)
        run->stamp = isolation_begin(&run->h->isolation, run->guard);
    uint64_t stored_before = run->result->fates[SAMPLE_STORED];
    for (size_t i = 0; i < run->request->row_count; i++) {
        prefetch_row(run, i + STORE_AHEAD);
        if (run->states[i] != ROW_CLAIMED)
            continue;
        store_row(run, i, &finished);
        count_row(run, i);
        if (!run->twins)
            run->states[i] = ROW_DONE;
    }
    if (run->twins)
        end_claims(run);
    head_queue_finished(run->h, &finished);
    vec_fini(&finished);
    if (run->mint_ms <= run->maxt_ms)
        head_widen(run->h, run->mint_ms, run->maxt_ms);
    head_note_write(run->h);
    atomic_fetch_add_explicit(&run->h->samples_appended,
                              run->result->fates[SAMPLE_STORED] - stored_before,
                              memory_order_relaxed);
}

/* ---------------------------------------------------------------------------------------------- */

/* Stores the rows whose series no other append has; waits for one of them when there are none. */
static struct err
store_open_rows(struct append *run)
{
    size_t claimed, refused = 0;
    run->twins = false;
    struct err logged = judge_and_log(run, &claimed, &refused);
    if (logged.code != ERR_NONE) {
        end_claims(run);
        return logged;
    }
    if (claimed > 0)
        store_samples(run);
    else if (run->misses.n == 0)
        claims_wait(run->h, head_hot(run->h, run->slots[refused]));
    run->rows_open -= claimed;
    return OK;
}

static struct err
append_run(struct append *run)
{
    find_series(run);
    while (run->rows_open > 0 || run->misses.n > 0) { /* mostly once: few meet in a series */
        if (run->misses.n > 0)
            TRY(make_missing(run));
        if (run->rows_open > 0)
            TRY(store_open_rows(run));
    }
    return OK;
}

static size_t
assert_range(size_t next, uint32_t first, uint32_t count)
{
    if (count == 0)
        return next;
    ASSERT(first >= next);
    return (size_t)first + count;
}

/* The samples of the rows stand one row behind the other: room in records is reckoned by that. */
static void
assert_rows(const struct append_request *request)
{
    size_t next = 0, next_histogram = 0, next_exemplar = 0;
    for (size_t i = 0; i < request->row_count; i++) {
        const struct append_row *row = &request->rows[i];
        next = assert_range(next, row->first_sample, row->sample_count);
        next_histogram = assert_range(next_histogram, row->first_histogram, row->histogram_count);
        next_exemplar = assert_range(next_exemplar, row->first_exemplar, row->exemplar_count);
    }
    ASSERT(next <= request->sample_count);
    ASSERT(next_histogram <= request->histogram_count);
    ASSERT(next_exemplar <= request->exemplar_count);
}

struct err
head_append(struct head *h, const struct append_request *request, struct arena *a,
            struct append_result *ret_result)
{
    *ret_result = (struct append_result){
        /* Until they are stored: */
        .histograms_unsupported = request->histogram_count,
        .exemplar_fates = {[EXEMPLAR_DISABLED] = request->exemplar_count},
        .metadata_refused = request->metadata_count,
    };
    ASSERT(request->row_count < slot_none); /* proto/ limits requests far below */
    assert_rows(request);
    int64_t window = h->opts.future_window_ms;
    struct append run = {
        .h = h,
        .request = request,
        .arena = a,
        .result = ret_result,
        .slots = arena_alloc(a, request->row_count * sizeof(uint32_t)),
        .fates = arena_alloc(a, request->sample_count),
        .states = arena_alloc(a, request->row_count),
        .misses = VEC_INIT,
        .max_valid_ms = window ? clock_wall_ms(h->opts.clock) + window : INT64_MAX,
        .mint_ms = INT64_MAX,
        .maxt_ms = INT64_MIN,
    };
    struct epoch_guard guard = epoch_enter(h->epoch);
    run.guard = guard;
    run.claim = claim_of(guard);
    run.min_valid_ms = head_min_valid_ms(h); /* within the epoch: see head_begin_cut() */
    run.chunk_rule = head_chunk_rule(h);
    struct err e = append_run(&run);
    if (run.stamp.seq != 0)
        isolation_end(&h->isolation, guard);
    epoch_leave(h->epoch, guard);
    vec_fini(&run.misses);
    return e;
}
