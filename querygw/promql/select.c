/* select.c - from chunks to columns. */
#include "querygw/promql/select.h"

#include "base/assert.h"

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
static bool
chunk_is_seen(const struct select_reader *r, const struct chunk_view *c)
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
samples_merge_tail(struct sample_columns *c, size_t from)
{
    size_t before = from;
    while (before > 0 && c->t_ms[before - 1] >= c->t_ms[from])
        before--;
    struct sample_columns old = SAMPLE_COLUMNS_INIT;
    sample_columns_reserve(&old, from - before);
    for (size_t i = before; i < from; i++) {
        old.t_ms[old.n] = c->t_ms[i];
        old.bits[old.n++] = c->bits[i];
    }
    size_t a = 0, b = from, to = before;
    while (a < old.n || b < c->n) { /* to <= b: the gap of `old` opens in front of b */
        bool take_old = b == c->n || (a < old.n && old.t_ms[a] < c->t_ms[b]);
        if (!take_old && a < old.n && old.t_ms[a] == c->t_ms[b])
            a++;
        c->t_ms[to] = take_old ? old.t_ms[a] : c->t_ms[b];
        c->bits[to++] = take_old ? old.bits[a++] : c->bits[b++];
    }
    c->n = to;
    sample_columns_fini(&old);
}

static struct err
select_decode(struct select_reader *r)
{
    struct sample_columns *s = &r->samples;
    for (size_t i = 0; i < r->series.chunk_count; i++) {
        const struct chunk_view *c = &r->series.chunks[i];
        if (!chunk_is_seen(r, c))
            continue;
        if (chunk_holds_histograms(c->encoding)) {
            TRY(notes_add_plain(&r->x->notes, NOTE_WARNING, STR(SELECT_HISTOGRAMS_WARNING)));
            continue;
        }
        size_t from = s->n;
        TRY(chunk_decode_floats(c, r->what->mint_ms, r->what->maxt_ms, s));
        TRY(exec_hold(r->x, s->n - from));
        TRY(exec_work(r->x, s->n - from + 1));
        if (from > 0 && from < s->n && s->t_ms[from] <= s->t_ms[from - 1]) {
            size_t had = s->n;
            samples_merge_tail(s, from);
            exec_release(r->x, had - s->n);
        }
    }
    if (s->n > UINT32_MAX)
        return ERR(ERR_LIMIT, "query: a series with more than %u samples", UINT32_MAX);
    return OK;
}

/* A subquery without a step in its range was evaluated behind it: plan_subquery(). */
static void
drop_late(struct select_reader *r)
{
    size_t n = r->samples.n;
    while (n > 0 && r->samples.t_ms[n - 1] > r->what->maxt_ms)
        n--;
    exec_release(r->x, r->samples.n - n);
    r->samples.n = n;
}

struct err
select_next(struct select_reader *r, bool *ret_more)
{
    if (r->subquery) {
        exec_release(r->x, r->samples.n);
        r->samples.n = 0;
        TRY(subquery_next(r->subquery, &r->series.labels, &r->samples, ret_more));
        if (*ret_more)
            drop_late(r);
        return OK;
    }
    if (!r->started)
        TRY(select_start(r));
    do {
        exec_release(r->x, r->samples.n);
        r->samples.n = 0;
        bool more = false;
        if (r->set)
            TRY(series_set_next(r->set, &r->series, &more));
        if (!more) {
            *ret_more = false;
            return OK;
        }
        TRY(select_decode(r));
    } while (r->samples.n == 0);
    *ret_more = true;
    return OK;
}

void
select_drop_stale(struct select_reader *r)
{
    struct sample_columns *s = &r->samples;
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
}

void
select_close_all(struct exec *x)
{
    for (struct select_reader *r = x->readers; r; r = r->next) {
        series_set_close(r->set);
        sample_columns_fini(&r->samples);
        r->set = NULL;
    }
    x->readers = NULL;
}
