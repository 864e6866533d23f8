/* batch.c - series copied, evaluated, kept. */
#include "querygw/promql/batch.h"

#include <string.h>

#include "base/mem.h"

/* --- its series as a store ------------------------------------------------------------------ */

struct batch_set {
    struct series_set set;
    const struct batch *batch;
    size_t at;
};

static struct err
batch_set_next(struct series_set *base, struct series_view *ret_series, bool *ret_more)
{
    struct batch_set *set = container_of(base, struct batch_set, set);
    *ret_more = set->at < set->batch->count;
    if (*ret_more)
        *ret_series = set->batch->series[set->at++];
    return OK;
}

static void
batch_set_close(struct series_set *base)
{
    (void)base; /* the batch's arena has it */
}

static const struct series_set_ops batch_set_ops = {batch_set_next, batch_set_close};

static struct err
batch_select(struct store *store, const struct select_query *q, struct matchers matchers,
             struct arena *a, struct series_set **ret_set)
{
    (void)q, (void)matchers; /* the query's store has looked at them */
    struct batch_set *set = ARENA_NEW(a, struct batch_set);
    set->set.ops = &batch_set_ops;
    set->batch = container_of(store, struct batch, store);
    *ret_set = &set->set;
    return OK;
}

static const struct store_ops batch_store_ops = {.select = batch_select};

/* --- filling -------------------------------------------------------------------------------- */

void
batch_init(struct batch *b, const struct exec *x, const struct plan_node *plan)
{
    *b = (struct batch){.plan = plan, .store.ops = &batch_store_ops};
    arena_init_like(&b->arena, x->arena);
}

void
batch_fini(struct batch *b)
{
    err_drop(b->error);
    arena_fini(&b->arena);
}

void
batch_clear(struct batch *b, const struct exec *x)
{
    err_drop(b->error); /* of a round that ended early */
    b->error = OK;
    arena_reset(&b->arena);
    b->series = NULL;
    b->columns = NULL;
    b->count = b->cap = b->chunk_bytes = b->column_count = b->column_cap = 0;
    b->x = (struct exec){.arena = &b->arena,
                         .store = &b->store,
                         .limits = x->limits,
                         .hash_seed = x->hash_seed,
                         .samples_held = x->samples_held,
                         .leaves_names = true};
    b->x.limits.pool = NULL;
    b->x.limits.measures = NULL; /* of the query's own thread */
    if (x->stats.steps)
        b->x.stats.steps = ARENA_ARRAY(&b->arena, struct promql_step_stats, b->plan->grid.steps);
    notes_init(&b->x.notes, &b->arena, x->hash_seed);
}

bool
batch_is_full(const struct batch *b)
{
    size_t most = b->x.limits.batch_series;
    return b->count * b->plan->grid.steps >= BATCH_CELLS_MAX ||
           b->chunk_bytes >= BATCH_CHUNK_BYTES_MAX || (most && b->count >= most);
}

void
batch_add(struct batch *b, const struct select_reader *r, const struct series_view *series)
{
    struct chunk_view *chunks = ARENA_ARRAY(&b->arena, struct chunk_view, series->chunk_count);
    size_t count = 0;
    for (size_t i = 0; i < series->chunk_count; i++) {
        if (!select_sees_chunk(r, &series->chunks[i]))
            continue;
        chunks[count] = series->chunks[i];
        chunks[count].data = arena_str(&b->arena, chunks[count].data);
        b->chunk_bytes += chunks[count++].data.n;
    }
    b->series = arena_more(&b->arena, b->series, sizeof *b->series, b->count, &b->cap);
    b->series[b->count++] = (struct series_view){
        .labels = labels_copy(&b->arena, series->labels), .chunks = chunks, .chunk_count = count};
}

/* --- evaluating ----------------------------------------------------------------------------- */

/* The column is its operator's: its elements are copied, its labels are those of the series. */
static struct err
keep_column(struct batch *b, const struct column *c)
{
    uint32_t steps = b->plan->grid.steps;
    TRY(arena_check(&b->arena));
    b->columns =
        arena_more(&b->arena, b->columns, sizeof *b->columns, b->column_count, &b->column_cap);
    struct column *to = &b->columns[b->column_count++];
    *to = *c;
    to->room = NULL;
    to->values = arena_alloc(&b->arena, steps * sizeof *to->values);
    to->present = arena_alloc(&b->arena, column_words(steps) * sizeof *to->present);
    memcpy(to->values + c->begin, c->values + c->begin, (c->end - c->begin) * sizeof *to->values);
    memcpy(to->present, c->present, column_words(steps) * sizeof *to->present);
    if (!c->histograms)
        return OK;
    size_t samples;
    to->histograms = ARENA_ARRAY(&b->arena, const struct float_histogram *, steps);
    TRY(histogram_points_keep(&b->x, &b->arena, c, to->histograms + c->begin, &samples));
    return OK;
}

static struct err
evaluate(struct batch *b)
{
    struct op *leaf = op_open(&b->x, b->plan);
    for (struct column *c;;) {
        TRY(op_next(leaf, &c));
        if (!c)
            return OK;
        TRY(keep_column(b, c));
    }
}

void
batch_run(struct batch *b)
{
    b->error = evaluate(b);
    select_close_all(&b->x);
}

struct err
batch_settle(struct batch *b, struct exec *x)
{
    struct err e = b->error;
    b->error = OK;
    TRY(e);
    x->stats.samples_total += b->x.stats.samples_total;
    x->stats.samples_read += b->x.stats.samples_read;
    x->stats.samples_peak = u64_max(x->stats.samples_peak, b->x.stats.samples_peak);
    for (size_t i = 0; x->stats.steps && i < b->plan->grid.steps; i++) {
        x->stats.steps[i].total += b->x.stats.steps[i].total;
        x->stats.steps[i].read += b->x.stats.steps[i].read;
    }
    return notes_merge(&x->notes, &b->x.notes);
}
