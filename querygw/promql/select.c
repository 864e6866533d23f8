/* select.c - from chunks to columns. */
#include "querygw/promql/select.h"

struct select_reader *
select_open(struct exec *x, const struct plan_select *what, const struct promql_grid *grid)
{
    struct select_reader *r = ARENA_NEW(x->arena, struct select_reader);
    r->x = x;
    r->what = what;
    r->grid = *grid;
    if (what->subquery)
        r->subquery = subquery_open(x, what->subquery);
    r->next = x->readers;
    x->readers = r;
    return r;
}

static struct err
select_start(struct select_reader *r)
{
    r->started = true;
    struct exec *x = r->x;
    if (!x->store)
        return OK; /* a tenant that never wrote: no series */
    struct select_query q = {
        .mint_ms = r->what->mint_ms, .maxt_ms = r->what->maxt_ms, .want = SELECT_CHUNKS};
    return x->store->ops->select(x->store, &q, r->what->matchers, x->arena, &r->set);
}

/* Some window ends at or after the chunk's first sample and begins before its last one. */
bool
select_sees_chunk(const struct select_reader *r, const struct chunk_view *c)
{
    const struct plan_select *s = r->what;
    if (c->maxt_ms < s->mint_ms || c->mint_ms > s->maxt_ms)
        return false;
    if (r->grid.steps == 1)
        return true;
    int64_t first_end_ms = r->grid.start_ms - s->shift_ms;
    int64_t wait_ms = i64_max(c->mint_ms - first_end_ms, 0);
    int64_t step = wait_ms / r->grid.step_ms + (wait_ms % r->grid.step_ms != 0);
    int64_t end_ms = first_end_ms + step * r->grid.step_ms; /* the first window's to reach it */
    return step < r->grid.steps && end_ms - s->window_ms < c->maxt_ms;
}

/* Chunks of one series may overlap where samples came late: brings [from, n) in order with what
 * stands before it. Of two samples at one time the later chunk's stays. */
static void
samples_merge_tail(struct sample_columns *c, struct start_column *starts, size_t from)
{
    size_t before = from;
    while (before > 0 && c->t_ms[before - 1] >= c->t_ms[from])
        before--;
    struct sample_columns old = SAMPLE_COLUMNS_INIT;
    struct start_column old_starts = VEC_INIT;
    sample_columns_reserve(&old, from - before);
    for (size_t i = before; i < from; i++) {
        old.t_ms[old.n] = c->t_ms[i];
        old.bits[old.n++] = c->bits[i];
        if (starts->n)
            vec_push(&old_starts, starts->v[i]);
    }
    size_t a = 0, b = from, to = before;
    while (a < old.n || b < c->n) { /* to <= b: the gap of `old` opens in front of b */
        bool take_old = b == c->n || (a < old.n && old.t_ms[a] < c->t_ms[b]);
        if (!take_old && a < old.n && old.t_ms[a] == c->t_ms[b])
            a++;
        if (starts->n)
            starts->v[to] = take_old ? old_starts.v[a] : starts->v[b];
        c->t_ms[to] = take_old ? old.t_ms[a] : c->t_ms[b];
        c->bits[to++] = take_old ? old.bits[a++] : c->bits[b++];
    }
    c->n = to;
    starts->n = starts->n ? to : 0;
    sample_columns_fini(&old);
    vec_fini(&old_starts);
}

/* Start timestamps are kept from the first chunk on that can have some. */
static struct err
decode_with_starts(struct select_reader *r, const struct chunk_view *c)
{
    struct sample_columns *s = &r->samples;
    if (c->encoding != CHUNK_XOR2 && r->starts.n == 0)
        return chunk_decode_floats(c, r->what->mint_ms, r->what->maxt_ms, s);
    while (r->starts.n < s->n)
        vec_push(&r->starts, 0);
    return chunk_decode_floats_starts(c, r->what->mint_ms, r->what->maxt_ms, s, &r->starts);
}

static struct arena *
reader_scratch(struct select_reader *r)
{
    if (!r->scratch)
        r->scratch = exec_scratch(r->x);
    return r->scratch;
}

static struct err
hold_histogram(struct select_reader *r, const struct float_histogram *h)
{
    size_t samples = histogram_point_samples(h);
    r->histograms_held += samples;
    return exec_hold(r->x, samples);
}

static struct err
decode_histograms(struct select_reader *r, const struct chunk_view *c)
{
    struct arena *a = reader_scratch(r);
    struct histogram_points *p = &r->histograms;
    AUTO(histogram_columns_fini) struct histogram_columns decoded = HISTOGRAM_COLUMNS_INIT;
    size_t from = p->n;
    TRY(chunk_decode_histograms(c, r->what->mint_ms, r->what->maxt_ms, a, &decoded));
    for (size_t i = 0; i < decoded.n; i++) {
        const struct float_histogram *h = float_histogram_of(&decoded.values[i], a);
        TRY(hold_histogram(r, h));
        TRY(exec_work(r->x, 1 + h->positive.n + h->negative.n));
        histogram_points_add(p, a, decoded.t_ms[i], decoded.start_ms[i], h);
    }
    if (from > 0 && from < p->n && p->t_ms[from] <= p->t_ms[from - 1])
        histogram_points_merge_tail(p, a, from);
    return arena_check(a);
}

static struct err
decode_floats(struct select_reader *r, const struct chunk_view *c)
{
    struct sample_columns *s = &r->samples;
    size_t from = s->n;
    bool wants_starts = r->what->wants_starts && r->x->limits.use_start_timestamps;
    TRY(wants_starts ? decode_with_starts(r, c)
                     : chunk_decode_floats(c, r->what->mint_ms, r->what->maxt_ms, s));
    TRY(exec_hold(r->x, s->n - from));
    TRY(exec_work(r->x, s->n - from + 1));
    if (from > 0 && from < s->n && s->t_ms[from] <= s->t_ms[from - 1]) {
        size_t had = s->n;
        samples_merge_tail(s, &r->starts, from);
        exec_release(r->x, had - s->n);
    }
    return OK;
}

static struct err
select_decode(struct select_reader *r)
{
    for (size_t i = 0; i < r->series.chunk_count; i++) {
        const struct chunk_view *c = &r->series.chunks[i];
        if (!select_sees_chunk(r, c))
            continue;
        if (!chunk_holds_histograms(c->encoding))
            TRY(decode_floats(r, c));
        else
            TRY(decode_histograms(r, c));
    }
    if (r->samples.n > UINT32_MAX)
        return ERR(ERR_LIMIT, "query: a series with more than %u samples", UINT32_MAX);
    return OK;
}

/* Where only counts and sums are looked at, whether a histogram was reset is found out here, while
 * the buckets are at hand; then they go. */
static struct err
keep_stats(struct select_reader *r)
{
    struct histogram_points *p = &r->histograms;
    const struct float_histogram *before = NULL;
    for (size_t i = 0; i < p->n; i++) {
        const struct float_histogram *h = p->v[i];
        struct float_histogram *stats = ARENA_NEW(r->scratch, struct float_histogram);
        *stats = (struct float_histogram){
            .reset = h->reset, .schema = h->schema, .count = h->count, .sum = h->sum};
        p->v[i] = stats;
        if (float_histogram_is_stale(h))
            continue;
        TRY(exec_work(r->x, 1 + h->positive.n + h->negative.n));
        if (before && h->reset == HISTOGRAM_RESET_UNKNOWN)
            stats->reset =
                float_histogram_was_reset(h, before) ? HISTOGRAM_RESET_YES : HISTOGRAM_RESET_NO;
        before = h;
    }
    return arena_check(r->scratch);
}

/* Forgets the current series. */
static void
reader_clear(struct select_reader *r)
{
    exec_release(r->x, r->samples.n + r->histograms_held);
    r->samples.n = 0;
    vec_clear(&r->starts);
    r->histograms_held = 0;
    if (r->histograms.cap) {
        r->histograms = (struct histogram_points){0};
        arena_reset(r->scratch);
    }
}

/* The histograms are those of the expression's column, or held with the query. The sample before,
 * of which their hints tell, may have been passed over or be here twice. */
static struct err
next_of_subquery(struct select_reader *r, bool *ret_more)
{
    *ret_more = false;
    if (r->what->no_steps)
        return OK;
    TRY(subquery_next(r->subquery, &r->series.labels, &r->samples, &r->histograms,
                      reader_scratch(r), ret_more));
    for (size_t i = 0; i < r->histograms.n; i++) {
        TRY(hold_histogram(r, r->histograms.v[i]));
        r->histograms.v[i] = histogram_forget_reset(r->scratch, r->histograms.v[i]);
    }
    return OK;
}

struct err
select_pull(struct select_reader *r, bool *ret_more)
{
    if (!r->started)
        TRY(select_start(r));
    *ret_more = false;
    return r->set ? series_set_next(r->set, &r->series, ret_more) : OK;
}

struct err
select_next(struct select_reader *r, bool *ret_more)
{
    reader_clear(r);
    if (r->subquery)
        return next_of_subquery(r, ret_more);
    do {
        reader_clear(r);
        TRY(select_pull(r, ret_more));
        if (!*ret_more)
            return OK;
        TRY(select_decode(r));
        if (r->what->stats_only && r->histograms.n)
            TRY(keep_stats(r));
    } while (r->samples.n + r->histograms.n == 0);
    return OK;
}

/* Before the samples' markers are dropped. */
static void
starts_drop_stale(struct select_reader *r)
{
    size_t to = 0;
    for (size_t from = 0; from < r->starts.n; from++)
        if (r->samples.bits[from] != STALE_NAN_BITS)
            r->starts.v[to++] = r->starts.v[from];
    r->starts.n = to;
}

void
select_drop_stale(struct select_reader *r)
{
    struct sample_columns *s = &r->samples;
    starts_drop_stale(r);
    size_t to = 0;
    while (to < s->n && s->bits[to] != STALE_NAN_BITS)
        to++;
    for (size_t from = to; from < s->n; from++) {
        if (s->bits[from] == STALE_NAN_BITS)
            continue;
        s->t_ms[to] = s->t_ms[from];
        s->bits[to++] = s->bits[from];
    }
    exec_release(r->x, s->n - to);
    s->n = to;
    struct histogram_points *p = &r->histograms;
    size_t kept = 0;
    for (size_t i = 0; i < p->n; i++) {
        if (float_histogram_is_stale(p->v[i]))
            continue;
        p->t_ms[kept] = p->t_ms[i];
        p->start_ms[kept] = p->start_ms[i];
        p->v[kept++] = p->v[i];
    }
    p->n = kept;
}

void
select_close_all(struct exec *x)
{
    for (struct select_reader *r = x->readers; r; r = r->next) {
        series_set_close(r->set);
        sample_columns_fini(&r->samples);
        vec_fini(&r->starts);
        r->set = NULL;
    }
    x->readers = NULL;
}
