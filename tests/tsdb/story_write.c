/* story_write.c - random requests: floats and histograms, in order and late, good and bad. */
#include "base/bytes.h"
#include "tests/tsdb/story.h"

enum { HISTOGRAM_SERIES = 3 }; /* of 7 */

/* --- series ----------------------------------------------------------------------------------- */

/* The labels of series `id`, sorted. */
static size_t
labels_of(struct story *s, uint64_t id, struct label *v)
{
    struct arena *a = &s->arena;
    size_t n = 0;
    v[n++] = (struct label){STR("__name__"), arena_printf(a, "m%ju", (uintmax_t)id % 7)};
    v[n++] = (struct label){STR("id"), arena_printf(a, "%ju", (uintmax_t)id)};
    v[n++] = (struct label){STR("job"), arena_printf(a, "j%ju", (uintmax_t)id % 5)};
    if (id % 3 == 0)
        v[n++] = (struct label){STR("zone"), STR("z")};
    return n;
}

/* Another spelling of the same labels, or one that must be refused. */
static size_t
disturb_labels(struct story *s, struct label *v, size_t n)
{
    uint64_t kind = rand_below(&s->g, 40);
    if (kind < 4) { /* unsorted */
        size_t i = rand_below(&s->g, n), j = rand_below(&s->g, n);
        struct label swapped = v[i];
        v[i] = v[j];
        v[j] = swapped;
    } else if (kind < 6) { /* an empty value */
        v[n++] = (struct label){STR("zzz"), STR("")};
    } else if (kind == 6) { /* refused */
        v[n] = v[rand_below(&s->g, n)];
        n++;
    } else if (kind == 7) {
        return 0;
    }
    return n;
}

static struct kit_series
random_kind(struct story *s)
{
    enum histogram_kind kind = chance(s, 50) ? HISTOGRAM_INTEGER : HISTOGRAM_FLOAT;
    int32_t schema = chance(s, 25)
                         ? HISTOGRAM_SCHEMA_CUSTOM
                         : (int32_t)between(s, HISTOGRAM_SCHEMA_MIN, HISTOGRAM_SCHEMA_MAX);
    struct kit_series k = kit_series_of(rand_u64(&s->g) >> 1, kind, schema);
    k.gauge = chance(s, 20);
    k.calm = chance(s, 40);
    return k;
}

/* --- values ----------------------------------------------------------------------------------- */

static uint64_t
random_bits(struct story *s)
{
    switch (rand_below(&s->g, 8)) {
    case 0:
        return STALE_NAN_BITS;
    case 1:
        return NORMAL_NAN_BITS;
    case 2:
        return UINT64_C(0x7ff0000000000000) | rand_below(&s->g, 2) << 63; /* infinite */
    case 3:
        return rand_u64(&s->g); /* NaNs with any payload among them */
    case 4:
        return rand_below(&s->g, 2) << 63; /* both zeros */
    default:
        return bits_of_f64((double)between(s, -20, 20));
    }
}

/* Behind another sample of the row it may be one that is refused: alone it would make no series. */
static struct model_value
random_histogram(struct story *s, uint64_t id, const struct model_row *row)
{
    if (chance(s, 3))
        s->histograms_of.v[id] = random_kind(s);
    struct histogram *h = ARENA_NEW(&s->arena, struct histogram);
    *h = kit_next(&s->histograms_of.v[id], &s->arena);
    bool follows = row->sample_count + row->histogram_count > 0;
    bool contradicts =
        chance(s, 1) && follows && !histogram_is_stale(h) && h->kind == HISTOGRAM_INTEGER;
    if (contradicts && h->count > 0)
        h->count /= 2; /* refused, or not, if nothing is counted in buckets */
    return (struct model_value){0, h};
}

/* --- times ------------------------------------------------------------------------------------ */

static int64_t
next_step_ms(struct story *s)
{
    switch (rand_below(&s->g, s->restless ? 8 : 5)) {
    case 0:
        return 0;
    case 1:
        return 1;
    case 2:
        return 15000;
    case 3:
        return 60000;
    case 4:
        return between(s, 0, 600000);
    case 5:
        return 2 * s->unit_ms;
    case 6:
        return between(s, 0, 30 * s->unit_ms);
    default:
        return chance(s, 5) ? INT64_C(5) << 32 : 1000;
    }
}

/* Of a series' run of samples. */
struct run {
    uint64_t id;
    const struct model_series *known; /* NULL: it is new */
    int64_t t_ms, step_ms;
    struct model_value value;
};

static int64_t
newest_ms(const struct story *s, const struct run *r)
{
    return r->known && r->known->has_newest ? r->known->newest.t_ms : s->now_ms;
}

/* At a time that the series has. */
static struct model_sample
any_held(struct story *s, const struct run *r)
{
    if (!r->known || r->known->held.n == 0)
        return (struct model_sample){.t_ms = s->now_ms, .value = r->value};
    return r->known->held.v[rand_below(&s->g, r->known->held.n)];
}

static struct model_sample
next_sample(struct story *s, struct run *r)
{
    struct model_sample put = {.t_ms = r->t_ms, .value = r->value};
    switch (rand_below(&s->g, 60)) {
    case 0: /* the newest again, or what stands for it */
        if (r->known && r->known->has_newest)
            put = r->known->newest;
        break;
    case 1: /* at its time */
        put.t_ms = newest_ms(s, r);
        break;
    case 2: /* late by little */
        put.t_ms = newest_ms(s, r) - between(s, 1, s->unit_ms);
        break;
    case 3: /* by much */
        put.t_ms -= between(s, s->unit_ms, 30 * s->unit_ms);
        break;
    case 4: /* at the window's edge */
        put.t_ms = s->model.maxt_ms > INT64_MIN / 2
                       ? s->model.maxt_ms - s->opts.ooo_window_ms + between(s, -2, 2)
                       : put.t_ms;
        break;
    case 5:
        put.t_ms = any_held(s, r).t_ms;
        break;
    case 6:
        put = any_held(s, r);
        break;
    case 7: /* where one was deleted */
        if (r->known && r->known->gone.n > 0)
            put.t_ms = r->known->gone.v[rand_below(&s->g, r->known->gone.n)].t_ms;
        break;
    default:
        break;
    }
    r->t_ms += chance(s, 90) ? r->step_ms : r->step_ms * between(s, 0, 4) / 2;
    return put;
}

/* A run begins in the past, and goes on or back from there. */
static void
make_late(struct story *s, struct run *r)
{
    int64_t reach_ms = s->opts.ooo_window_ms + s->unit_ms;
    r->t_ms = s->now_ms - between(s, 0, reach_ms < 40 * s->unit_ms ? reach_ms : 40 * s->unit_ms);
    if (chance(s, 30))
        r->step_ms = -r->step_ms;
}

static struct run
begin_run(struct story *s, uint64_t id, struct labels labels)
{
    struct run r = {.id = id,
                    .known = model_find(&s->model, labels),
                    .t_ms = s->now_ms,
                    .step_ms = between(s, 1, 30000)};
    if (s->opts.ooo_window_ms > 0 && chance(s, 30))
        make_late(s, &r);
    return r;
}

/* --- rows ------------------------------------------------------------------------------------- */

static void
add_floats(struct story *s, struct run *r, struct model_row *row)
{
    size_t count = chance(s, 3) ? 1 + rand_below(&s->g, 399) : 1 + rand_below(&s->g, 4);
    r->value = model_float(random_bits(s));
    for (size_t i = 0; i < count && s->samples.n < SAMPLES_MAX; i++) {
        struct model_sample put = next_sample(s, r);
        uint64_t bits = put.value.histogram ? STALE_NAN_BITS : put.value.bits;
        vec_push(&s->samples, ((struct sample){put.t_ms, bits}));
        row->sample_count++;
        if (chance(s, 60))
            r->value = model_float(random_bits(s));
    }
}

static void
add_histograms(struct story *s, struct run *r, struct model_row *row)
{
    size_t count = chance(s, 3) ? 1 + rand_below(&s->g, 99) : 1 + rand_below(&s->g, 4);
    for (size_t i = 0; i < count && s->histograms.n < HISTOGRAMS_MAX; i++) {
        r->value = random_histogram(s, r->id, row);
        struct model_sample put = next_sample(s, r);
        const struct histogram *h = put.value.histogram ? put.value.histogram : r->value.histogram;
        vec_push(&s->histograms, ((struct histogram_sample){put.t_ms, *h}));
        row->histogram_count++;
    }
}

/* Mostly a run that goes on; sometimes what must be refused. Floats stand before histograms. */
static void
add_samples(struct story *s, uint64_t id, struct model_row *row)
{
    struct run r = begin_run(s, id, row->labels);
    bool histograms = id % 7 < HISTOGRAM_SERIES, changes = chance(s, 8);
    if (!histograms || changes || s->histograms.n == HISTOGRAMS_MAX)
        add_floats(s, &r, row);
    if (s->histograms.n < HISTOGRAMS_MAX && histograms != changes)
        add_histograms(s, &r, row);
    if (chance(s, 30))
        s->now_ms = i64_max(s->now_ms, r.t_ms);
}

static void
make_row(struct story *s)
{
    if (s->series == 0 || chance(s, 10)) {
        s->series++;
        vec_push(&s->histograms_of, random_kind(s));
    }
    bool again = s->rows.n > 0 && chance(s, 5); /* twins */
    uint64_t id = rand_below(&s->g, s->series);
    struct label *v = ARENA_ARRAY(&s->arena, struct label, 8);
    size_t n = labels_of(s, id, v);
    n = disturb_labels(s, v, n);
    struct model_row row = {.labels = again ? vec_last(&s->rows)->labels : (struct labels){v, n},
                            .samples = s->samples.v + s->samples.n,
                            .histograms = s->histograms.v + s->histograms.n};
    add_samples(s, id, &row);
    vec_push(&s->rows, row);
}

static void
begin_request(struct story *s)
{
    arena_reset(&s->arena);
    vec_clear(&s->rows);
    vec_clear(&s->samples);
    vec_clear(&s->histograms);
    vec_reserve(&s->samples, SAMPLES_MAX); /* rows point into them */
    vec_reserve(&s->histograms, HISTOGRAMS_MAX);
}

static void
make_request(struct story *s)
{
    begin_request(s);
    size_t rows = chance(s, 20) ? 1 + rand_below(&s->g, ROWS_MAX) : 1 + rand_below(&s->g, 6);
    for (size_t i = 0; i < rows && s->samples.n < SAMPLES_MAX; i++) /* none without samples */
        make_row(s);
    s->now_ms += next_step_ms(s);
}

/* --- sending ---------------------------------------------------------------------------------- */

static struct err
send_request(struct story *s, struct append_result *ret_result)
{
    AUTO(buf_fini) struct buf key = BUF_INIT;
    struct append_row *rows = ARENA_ARRAY(&s->arena, struct append_row, s->rows.n);
    for (size_t i = 0; i < s->rows.n; i++) {
        const struct model_row *row = &s->rows.v[i];
        buf_clear(&key);
        label_key_encode(row->labels, &key);
        rows[i] = (struct append_row){
            .label_key = arena_str(&s->arena, buf_str(&key)),
            .first_sample = (uint32_t)(row->samples - s->samples.v),
            .sample_count = (uint32_t)row->sample_count,
            .first_histogram = (uint32_t)(row->histograms - s->histograms.v),
            .histogram_count = (uint32_t)row->histogram_count,
        };
    }
    struct append_request request = {.rows = rows,
                                     .row_count = s->rows.n,
                                     .samples = s->samples.v,
                                     .sample_count = s->samples.n,
                                     .histograms = s->histograms.v,
                                     .histogram_count = s->histograms.n};
    return db_append(s->db, &request, &s->arena, ret_result);
}

static void
assert_fate(struct story *s, const struct append_result *got, const struct model_want *want,
            enum sample_fate fate, uint64_t perhaps)
{
    uint64_t n = got->fates[fate], low = want->fates[fate];
    STORY_ASSERT(s, n >= low && n <= low + perhaps, "fate %d: %ju, want %ju to %ju", fate,
                 (uintmax_t)n, (uintmax_t)low, (uintmax_t)(low + perhaps));
}

static void
assert_answer(struct story *s, const struct append_result *got, const struct model_want *want)
{
    uint64_t late = want->late_or_repeated, alike = want->repeated_or_duplicate;
    const uint64_t perhaps[SAMPLE_FATE_COUNT] = {
        [SAMPLE_STORED_LATE] = late, [SAMPLE_REPEATED] = late + alike, [SAMPLE_DUPLICATE] = alike};
    uint64_t got_sum = 0, want_sum = late + alike;
    for (int i = 0; i < SAMPLE_FATE_COUNT; i++) {
        assert_fate(s, got, want, (enum sample_fate)i, perhaps[i]);
        got_sum += got->fates[i];
        want_sum += want->fates[i];
    }
    STORY_ASSERT(s, got_sum == want_sum, "%ju fates, want %ju", (uintmax_t)got_sum,
                 (uintmax_t)want_sum);
    for (int i = 0; i < LABEL_FAULT_COUNT; i++)
        STORY_ASSERT(s, got->label_faults[i] == want->label_faults[i], "label fault %d", i);
    STORY_ASSERT(s, got->histograms_invalid == want->histograms_invalid, "%ju invalid, want %ju",
                 (uintmax_t)got->histograms_invalid, (uintmax_t)want->histograms_invalid);
}

/* Of the request that has failed some may be seen by now: the late log comes last. */
static void
note_failure(struct story *s)
{
    model_doubt(&s->model, s->rows.v, s->rows.n);
    struct db_stats stats;
    STORY_OK(s, model_adopt(&s->model, s->db, MODEL_FAILED));
    db_stats(s->db, &stats);
    s->model.maxt_ms = stats.head_maxt_ms;
}

static void
send_and_compare(struct story *s)
{
    struct append_result got;
    struct model_want want;
    struct err e = send_request(s, &got);
    if (e.code != ERR_NONE) {
        STORY_ASSERT(s, s->faulty, "write: %s", err_text(&e));
        err_drop(e);
        note_failure(s);
        return;
    }
    model_store(&s->model, s->rows.v, s->rows.n, &want);
    s->maxt_ms = i64_max(s->maxt_ms, s->model.maxt_ms);
    assert_answer(s, &got, &want);
    STORY_OK(s, model_settle(&s->model, s->db));
    struct db_stats stats;
    db_stats(s->db, &stats);
    int64_t min_valid_ms = model_min_valid_ms(&s->model);
    STORY_ASSERT(s, stats.min_valid_ms == min_valid_ms, "in order from %jd on, want %jd",
                 (intmax_t)stats.min_valid_ms, (intmax_t)min_valid_ms);
}

void
story_write(struct story *s)
{
    make_request(s);
    send_and_compare(s);
}

void
story_write_at(struct story *s, int64_t t_ms)
{
    begin_request(s);
    struct label *v = ARENA_ARRAY(&s->arena, struct label, 1);
    v[0] = (struct label){STR("id"), STR("clock")};
    vec_push(&s->samples, ((struct sample){t_ms, bits_of_f64(1)}));
    struct model_row row = {.labels = {v, 1},
                            .samples = s->samples.v,
                            .sample_count = 1,
                            .histograms = s->histograms.v};
    vec_push(&s->rows, row);
    send_and_compare(s);
    s->now_ms = i64_max(s->now_ms, t_ms);
}
