/* writeable_store.c - batches into a store, and each part its outcome. */
#include "base/assert.h"
#include "base/mem.h"
#include "ingest/writeable.h"

/* What may pass is told before what stays: what stays is told again next time. */
static const uint8_t outcome_weights[WRITEABLE_OUTCOME_COUNT] = {
    [WRITEABLE_OK] = 0,     [WRITEABLE_CONFLICT] = 1,    [WRITEABLE_INVALID] = 2,
    [WRITEABLE_FAILED] = 3, [WRITEABLE_UNAVAILABLE] = 4, [WRITEABLE_UNNUMBERED] = 5,
};

enum writeable_outcome
writeable_outcome_worse(enum writeable_outcome x, enum writeable_outcome y)
{
    return outcome_weights[x] >= outcome_weights[y] ? x : y;
}

static enum writeable_outcome
outcome_of_code(enum err_code code)
{
    if (code == ERR_NONE)
        return WRITEABLE_OK;
    if (err_retryable(code))
        return WRITEABLE_UNAVAILABLE;
    if (code == ERR_CONFLICT)
        return WRITEABLE_CONFLICT;
    return code == ERR_INVALID || code == ERR_TOO_LARGE ? WRITEABLE_INVALID : WRITEABLE_FAILED;
}

enum writeable_outcome
writeable_outcome_of(enum err_code code, const struct append_result *result)
{
    uint64_t refused = result->series_over_limit + result->series_unknown;
    if (result->rows_unnamed > 0)
        return WRITEABLE_UNNUMBERED;
    if (code != ERR_NONE)
        return outcome_of_code(code);
    if (result->histograms_invalid > 0)
        return WRITEABLE_INVALID;
    for (enum sample_fate i = SAMPLE_REPEATED + 1; i < SAMPLE_FATE_COUNT; i++)
        refused += result->fates[i];
    for (enum label_fault i = LABEL_FAULT_NONE + 1; i < LABEL_FAULT_COUNT; i++)
        refused += result->label_faults[i];
    return refused > 0 ? WRITEABLE_CONFLICT : WRITEABLE_OK;
}

/* --- storing ---------------------------------------------------------------------------------- */

struct storing {
    const struct writeable_rows *rows;
    struct arena *arena;
    const struct writeable_store *store;
    struct writeable_stored *out;
    uint32_t *tuple_part; /* of each tuple; one part where the sender tells of none */
};

static void
judge(struct storing *s, uint32_t part, enum writeable_outcome outcome)
{
    if (s->rows->message.part_count > 0)
        s->out->parts[part] = writeable_outcome_worse(s->out->parts[part], outcome);
    s->out->worst = writeable_outcome_worse(s->out->worst, outcome);
}

static enum writeable_outcome
append(struct storing *s, size_t b, uint8_t *row_refusals)
{
    struct append_result result = {.series_created = 0};
    struct batch batch = s->rows->batches[b];
    batch.request.row_refusals = row_refusals;
    if (!batch_has_content(&batch))
        return WRITEABLE_OK;
    struct err e = s->store->append(s->store->arg, b, &batch, &result);
    if (result.rows_unnamed > 0) { /* it comes again: nobody else has to know */
        err_drop(e);
        e = OK;
    }
    enum writeable_outcome outcome = writeable_outcome_of(e.code, &result);
    append_result_add(&s->out->result, &result);
    if (s->out->first.code == ERR_NONE)
        s->out->first = e;
    else
        err_drop(e);
    return outcome;
}

static enum writeable_outcome
outcome_of_rows(const uint8_t *row_refusals, size_t n)
{
    uint8_t worst = ROW_TAKEN;
    for (size_t i = 0; i < n; i++)
        worst = row_refusals[i] > worst ? row_refusals[i] : worst;
    return worst == ROW_TAKEN     ? WRITEABLE_OK
           : worst == ROW_REFUSED ? WRITEABLE_CONFLICT
                                  : WRITEABLE_INVALID;
}

/* The batch's rows are those of its tuples, one behind the other. */
static struct err
store_batch(struct storing *s, size_t b)
{
    const struct writeable_rows *rows = s->rows;
    size_t row = 0, row_count = rows->batches[b].request.row_count;
    TRY(arena_admit(s->arena, row_count));
    uint8_t *row_refusals = arena_alloc_zero(s->arena, row_count);
    enum writeable_outcome outcome = append(s, b, row_refusals);
    bool refused = outcome == WRITEABLE_CONFLICT || outcome == WRITEABLE_INVALID;
    bool apart = refused && outcome_of_rows(row_refusals, row_count) != WRITEABLE_OK;
    for (size_t i = rows->first[b]; i < rows->first[b + 1]; i++) {
        uint32_t tuple = rows->order[i];
        size_t n = rows->message.tuples[tuple].row_count;
        judge(s, s->tuple_part[tuple], apart ? outcome_of_rows(row_refusals + row, n) : outcome);
        row += n;
    }
    return OK;
}

static void
number_tuples(struct storing *s)
{
    const struct writeable_message *m = &s->rows->message;
    size_t tuple = 0;
    for (size_t part = 0; part < m->part_count; part++) {
        for (size_t i = 0; i < m->part_tuples[part]; i++)
            s->tuple_part[tuple++] = (uint32_t)part;
    }
    ASSERT(m->part_count == 0 || tuple == m->tuple_count);
}

static struct err
store_all(struct storing *s)
{
    const struct writeable_rows *rows = s->rows;
    const struct writeable_message *m = &rows->message;
    TRY(arena_admit(s->arena,
                    m->part_count * sizeof *s->out->parts + m->tuple_count * sizeof(uint32_t)));
    s->out->parts = ARENA_ARRAY(s->arena, enum writeable_outcome, m->part_count);
    s->tuple_part = ARENA_ARRAY(s->arena, uint32_t, m->tuple_count);
    number_tuples(s);
    for (size_t b = 0; b < rows->batch_count; b++)
        TRY(store_batch(s, b));
    for (size_t i = rows->first[rows->batch_count]; i < m->tuple_count; i++)
        judge(s, s->tuple_part[rows->order[i]], WRITEABLE_INVALID);
    return OK;
}

struct err
writeable_store_rows(const struct writeable_rows *rows, struct arena *a,
                     const struct writeable_store *store, struct writeable_stored *ret_stored)
{
    struct writeable_stored out = {.worst = WRITEABLE_OK};
    struct storing s = {.rows = rows, .arena = a, .store = store, .out = &out};
    struct err e = store_all(&s);
    if (e.code != ERR_NONE) {
        err_drop(out.first);
        return e;
    }
    *ret_stored = out;
    return OK;
}
