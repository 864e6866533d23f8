/* append.c - a write request, from label bytes to stored samples.
 *
 * Five passes over the rows, each a tight loop: find the series by the hash of their key bytes
 * (prefetched in batches), make the missing ones, judge every sample and encode the good ones
 * for the log, wait until the log has them, store them (late ones are logged behind that, in a log
 * of their own: append_late.c). Of the others nothing is stored that is not logged, in
 * the log's order; nothing is logged that was refused, but for rows with the same labels in one
 * request, which are judged again when they are stored (and by a replay, with the same result).
 * The last three passes (append_judge.c, append_store.c) leave out series that another append is
 * about to store to (claims.h); they come in a further round, as do those that turn out to be
 * forgotten (forget.c).
 * Threads: any; a series is held for its own few lines only. */
#include "tsdb/head/append_int.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/memory_limit.h"
#include "tsdb/head/exemplars.h"

enum {
    LOOKUP_BATCH = 32,           /* cache misses in flight */
    SERIES_KEPT_BYTES = 1 << 10, /* that a series takes beside its labels, roughly */
};

const char append_labels_untold[] = "";

/* --- 1: find ---------------------------------------------------------------------------------- */

/* Exemplars are about a series that is there; they make none. Nor do histograms that are refused
 * for what they are: that is told here, since such a row is not looked at again. */
static bool
row_makes_series(const struct append *run, size_t row_index)
{
    const struct append_row *row = &run->request->rows[row_index];
    if (row->sample_count > 0)
        return true;
    for (uint32_t i = 0; i < row->histogram_count; i++) {
        if (run->histogram_fates[row->first_histogram + i] != FATE_INVALID)
            return true;
    }
    if (row->histogram_count > 0)
        append_refuse_row(run, row_index, ROW_INVALID);
    return false;
}

static inline struct hash128
key_of_row(const struct append *run, size_t row_index)
{
    if (run->request->row_keys)
        return run->request->row_keys[row_index];
    return hash128_secret(run->request->rows[row_index].label_key, &run->h->secret);
}

/* Nobody has told labels from which a series could be made: false. */
static bool
has_labels(struct append *run, size_t row_index)
{
    if (append_row_has_labels(&run->request->rows[row_index]))
        return true;
    run->result->rows_unnamed++;
    append_refuse_row(run, row_index, ROW_UNNAMED);
    return false;
}

static void
find_series(struct append *run)
{
    struct head *h = run->h;
    for (size_t base = 0; base < run->request->row_count; base += LOOKUP_BATCH) {
        size_t count = size_min(run->request->row_count - base, LOOKUP_BATCH);
        struct hash128 keys[LOOKUP_BATCH];
        for (size_t i = 0; i < count; i++) {
            keys[i] = key_of_row(run, base + i);
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
            if (!has_labels(run, base + i) || !row_makes_series(run, base + i))
                continue;
            struct append_miss miss = {.row = (uint32_t)(base + i), .key = keys[i]};
            vec_push(&run->misses, miss);
        }
    }
    run->result->label_faults[LABEL_FAULT_NONE] += run->rows_open;
}

/* --- limits of one request, over those of the head -------------------------------------------- */

static uint64_t
series_max(const struct head *h, const struct append_limits *limits)
{
    uint64_t opened = h->opts.series_limit ? h->opts.series_limit : HEAD_SERIES_MAX;
    return limits && limits->series_max > 0 ? u64_min(limits->series_max, opened) : opened;
}

static int64_t
future_window_ms(const struct head *h, const struct append_limits *limits)
{
    return limits && limits->future_window_ms >= 0 ? limits->future_window_ms
                                                   : h->opts.future_window_ms;
}

/* What is kept of late samples, and for how long, is as the head was opened. */
static int64_t
ooo_window_ms(const struct head *h, const struct append_limits *limits)
{
    int64_t window = h->opts.ooo_window_ms;
    return limits && limits->ooo_window_ms >= 0 ? i64_min(limits->ooo_window_ms, window) : window;
}

/* --- 2: make the missing ones ----------------------------------------------------------------- */

/* Where the labels of a few misses are parsed. */
struct birth_scratch {
    struct arena arena;
    struct buf key;
};

static void
auto_birth_scratch_fini(struct birth_scratch *s)
{
    arena_fini(&s->arena);
    buf_fini(&s->key);
}

/* Parses and checks the labels of one miss; false, counted, when they are refused. */
static bool
check_labels(struct append *run, struct append_miss *miss, struct birth_scratch *s)
{
    struct str raw = run->request->rows[miss->row].label_key;
    miss->canonical = miss->key;
    if (label_key_decode_usual(&s->arena, raw, &miss->labels)) {
        run->result->label_faults[LABEL_FAULT_NONE]++;
        return true;
    }
    enum label_fault fault = label_key_decode(&s->arena, raw, &miss->labels);
    run->result->label_faults[fault]++;
    if (fault != LABEL_FAULT_NONE) {
        append_refuse_row(run, miss->row, ROW_REFUSED);
        return false;
    }
    buf_clear(&s->key);
    label_key_encode(miss->labels, &s->key);
    miss->canonical = hash128_secret(buf_str(&s->key), &run->h->secret);
    return true;
}

static bool
memory_is_short(const struct append_limits *limits)
{
    return limits &&
           (limits->known_series_only || memory_limit_level(limits->memory) != MEMORY_ROOM);
}

/* What these series will keep, if all of them are new. */
static size_t
kept_bytes(const struct append *run, const struct append_miss *misses, size_t n)
{
    size_t bytes = n * SERIES_KEPT_BYTES;
    for (size_t i = 0; i < n; i++)
        bytes += run->request->rows[misses[i].row].label_key.n;
    return bytes;
}

/* Gives those of n missed rows a series whose labels are good, and opens them. */
static struct err
make_some(struct append *run, struct append_miss *misses, size_t n, struct birth_scratch *scratch)
{
    const struct append_limits *limits = run->request->limits;
    size_t good = 0;
    for (size_t i = 0; i < n; i++) {
        if (check_labels(run, &misses[i], scratch))
            misses[good++] = misses[i];
    }
    TRY(arena_admit(&scratch->arena, 0));
    struct births births = {
        .misses = misses,
        .count = good,
        .slots = run->slots,
        .series_max = series_max(run->h, limits),
        .refused = &run->result->series_over_limit,
        .result = run->result,
    };
    bool known_only = memory_is_short(limits);
    if (known_only) {
        births.series_max = 0;
        births.refused = &run->result->series_unknown;
    }
    TRY(head_create_missing(run->h, &births));
    if (limits && !known_only)
        memory_limit_expect(limits->memory, kept_bytes(run, misses, good));
    for (size_t i = 0; i < good; i++) {
        bool open = run->slots[misses[i].row] != slot_none;
        run->states[misses[i].row] = open ? ROW_OPEN : ROW_DONE;
        run->rows_open += open;
        if (!open)
            append_refuse_row(run, misses[i].row, ROW_REFUSED);
    }
    return OK;
}

/* A few at a time: labels take several times the memory of their bytes. */
static struct err
make_missing(struct append *run)
{
    AUTO(birth_scratch_fini) struct birth_scratch scratch = {.key = BUF_INIT};
    append_misses *misses = &run->misses;
    arena_init_like(&scratch.arena, run->arena);
    for (size_t done = 0; done < misses->n;) {
        size_t some = size_min(misses->n - done, HEAD_CREATE_CHUNK);
        TRY(make_some(run, misses->v + done, some, &scratch));
        arena_reset(&scratch.arena);
        done += some;
    }
    vec_clear(misses);
    return OK;
}

/* The series of an open row is gone: its labels are looked up once more. */
void
append_miss_again(struct append *run, size_t row_index)
{
    struct append_miss miss = {.row = (uint32_t)row_index};
    miss.key = key_of_row(run, row_index);
    if (has_labels(run, row_index) && row_makes_series(run, row_index))
        vec_push(&run->misses, miss);
    run->slots[row_index] = slot_none;
    run->states[row_index] = ROW_DONE;
    run->rows_open--;
    run->result->label_faults[LABEL_FAULT_NONE]--; /* counted anew */
}

/* ---------------------------------------------------------------------------------------------- */

/* Stores the rows whose series no other append has; waits for one of them when there are none. */
static struct err
store_open_rows(struct append *run)
{
    size_t claimed, refused = 0;
    run->twins = false;
    run->judged_late = false;
    struct err logged = append_judge_and_log(run, &claimed, &refused);
    if (logged.code != ERR_NONE) {
        append_end_claims(run);
        return logged;
    }
    run->rows_open -= claimed;
    if (claimed > 0)
        return append_store(run);
    if (run->misses.n == 0)
        claims_wait(run->h, head_hot(run->h, run->slots[refused]));
    return OK;
}

/* Metadata without samples. */
static struct err
log_metadata(struct append *run)
{
    AUTO(append_records_fini) struct append_records records = APPEND_RECORDS_INIT;
    append_take_metadata(run, &records.list);
    return append_records_log(&records, run->h->wal, run->arena);
}

static struct err
append_run(struct append *run)
{
    TRY(append_check_histograms(run));
    TRY(arena_admit(run->arena, 2 * run->request->row_count * sizeof(struct append_miss)));
    find_series(run);
    if (run->result->rows_unnamed >
        0) /* the caller comes again with labels: as if for the first time */
        return ERR_CODE(ERR_NOT_FOUND);
    arena_charge(run->arena, run->misses.cap * sizeof(struct append_miss));
    while (run->rows_open > 0 || run->misses.n > 0) { /* mostly once: few meet in a series */
        if (run->misses.n > 0)
            TRY(make_missing(run));
        if (run->rows_open > 0)
            TRY(store_open_rows(run));
    }
    return run->metadata_told ? OK : log_metadata(run);
}

/* Until they meet a series. */
static void
begin_exemplars(struct append *run)
{
    struct exemplars_stats stats;
    exemplars_stats(run->h->exemplars, &stats);
    memset(run->exemplar_fates, stats.capacity > 0 ? EXEMPLAR_NO_SERIES : EXEMPLAR_DISABLED,
           run->request->exemplar_count);
}

static void
count_exemplars(struct append *run)
{
    for (size_t i = 0; i < run->request->exemplar_count; i++)
        run->result->exemplar_fates[run->exemplar_fates[i]]++;
    if (run->result->exemplar_fates[EXEMPLAR_OUT_OF_ORDER] > 0)
        db_events_add(&run->h->events, DB_EXEMPLARS_OUT_OF_ORDER,
                      run->result->exemplar_fates[EXEMPLAR_OUT_OF_ORDER]);
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
    *ret_result = (struct append_result){.series_created = 0};
    ASSERT(request->row_count < slot_none); /* proto/ limits requests far below */
    assert_rows(request);
    ASSERT(!request->row_keys || h->opts.hash_seed != 0);
    int64_t window = future_window_ms(h, request->limits);
    struct append run = {
        .h = h,
        .request = request,
        .arena = a,
        .result = ret_result,
        .slots = arena_alloc(a, request->row_count * sizeof(uint32_t)),
        .histograms = request->histograms,
        .fates = arena_alloc(a, request->sample_count),
        .histogram_fates = arena_alloc(a, request->histogram_count),
        .exemplar_fates = arena_alloc(a, request->exemplar_count),
        .states = arena_alloc(a, request->row_count),
        .misses = VEC_INIT,
        .late = OOO_LOG_INIT,
        .metadata_told = request->metadata_count == 0,
        .max_valid_ms = window ? clock_wall_ms(h->opts.clock) + window : INT64_MAX,
        .mint_ms = INT64_MAX,
        .maxt_ms = INT64_MIN,
    };
    if (request->exemplar_count > 0)
        begin_exemplars(&run);
    struct epoch_guard guard = epoch_enter(h->epoch);
    run.guard = guard;
    run.claim = claim_of(guard);
    /* within the epoch: see head_begin_cut() */
    run.limits = head_judge_limits(h, ooo_window_ms(h, request->limits));
    run.limits_again = run.limits;
    run.limits_again.min_valid_ms = INT64_MIN;
    run.chunk_rule = head_chunk_rule(h);
    struct err e = append_run(&run);
    if (run.stamp.seq != 0)
        isolation_end(&h->isolation, guard);
    epoch_leave(h->epoch, guard);
    vec_fini(&run.misses);
    ooo_log_fini(&run.late);
    count_exemplars(&run);
    return e;
}

static void
add_counts(uint64_t *sum, const uint64_t *part, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum[i] += part[i];
}

void
append_result_add(struct append_result *sum, const struct append_result *part)
{
    add_counts(sum->fates, part->fates, SAMPLE_FATE_COUNT);
    add_counts(sum->histogram_fates, part->histogram_fates, SAMPLE_FATE_COUNT);
    add_counts(sum->exemplar_fates, part->exemplar_fates, EXEMPLAR_FATE_COUNT);
    add_counts(sum->label_faults, part->label_faults, LABEL_FAULT_COUNT);
    sum->series_over_limit += part->series_over_limit;
    sum->series_unknown += part->series_unknown;
    sum->series_created += part->series_created;
    sum->rows_unnamed += part->rows_unnamed;
    sum->histograms_invalid += part->histograms_invalid;
    sum->metadata_stored += part->metadata_stored;
    sum->metadata_refused += part->metadata_refused;
    if (sum->histogram_fault.n == 0)
        sum->histogram_fault = part->histogram_fault;
    if (sum->example.n == 0)
        sum->example = part->example;
}
