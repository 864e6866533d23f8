/* write_replicate.c - rows to all their owners, and what comes of it.
 *
 * What this machine refuses of its rows is one vote among others: when enough owners have stored
 * them, the sender is told that they are stored. */
#include "receiver/verdict.h"
#include "receiver/write.h"

static bool
refuses(const struct append_result *r)
{
    for (size_t i = SAMPLE_OUT_OF_ORDER; i < SAMPLE_FATE_COUNT; i++) {
        if (r->fates[i] > 0)
            return true;
    }
    for (size_t i = LABEL_FAULT_NONE + 1; i < LABEL_FAULT_COUNT; i++) {
        if (r->label_faults[i] > 0)
            return true;
    }
    return r->series_over_limit > 0 || r->series_unknown > 0 || r->histograms_invalid > 0;
}

struct str
write_refusal_text(const struct append_result *r, struct arena *a)
{
    const struct write_refusals none = {.without_name = 0};
    return verdict_of(RULES_THANOS, r, &none, a).text;
}

/* The rows of one tenant; which of them were refused is noted. */
static struct err
append_batch(struct write *q, const struct rewritten_batch *local, const uint8_t **ret_refusals)
{
    struct rewritten_batch b = *local;
    size_t n = b.batch.request.row_count;
    uint8_t *refusals = ARENA_ARRAY(q->arena, uint8_t, n);
    if (n > 0)
        memset(refusals, ROW_TAKEN, n);
    b.batch.request.row_refusals = refusals;
    *ret_refusals = refusals;
    return write_store(q, &b);
}

static enum vote_outcome
append_local(void *arg, const struct rewritten *local, const uint8_t **refusals,
             struct str *ret_text)
{
    struct write *q = arg;
    for (size_t i = 0; i < local->count; i++) {
        struct err e = append_batch(q, &local->batches[i], &refusals[i]);
        if (e.code == ERR_NONE)
            continue;
        *ret_text = arena_printf(q->arena, "writing locally: %s", err_text(&e));
        err_drop(e);
        return VOTE_UNAVAILABLE;
    }
    if (refuses(&q->result)) {
        struct str why = write_refusal_text(&q->result, q->arena);
        *ret_text = arena_printf(q->arena, "writing locally: %.*s", STR_FMT(why));
    }
    return VOTE_OK;
}

/* Labels of remote write are views of the body: they stay when that was decompressed, and go with
 * the request otherwise. */
static struct place_keeper
keeper_of(const struct write *q)
{
    bool stays = q->protocol.kind != WRITE_REMOTE || (q->decoded && q->decoded->n > 0);
    return stays ? q->keeper : (struct place_keeper){.hold = NULL};
}

struct err
write_replicate(struct write *q)
{
    q->before = q->result;
    q->result = (struct append_result){.series_created = 0};
    q->reached_sink = true;
    q->replication = (struct replication){.rewritten = &q->rewritten,
                                          .replica = q->replica,
                                          .arena = q->arena,
                                          .keeper = keeper_of(q),
                                          .append = append_local,
                                          .append_arg = q,
                                          .done = q->decided,
                                          .done_arg = q->decided_arg};
    TRACED(q->trace, "replicate");
    q->pending = true;
    struct err e = replicate(q->replicator, &q->replication);
    q->pending = e.code == ERR_NONE;
    return e;
}

/* As if one machine had stored it all. */
static struct append_result
all_stored(const struct write *q)
{
    struct append_result r = {.series_created = q->result.series_created};
    for (size_t i = 0; i < q->rewritten.count; i++) {
        const struct append_request *rows = &q->rewritten.batches[i].batch.request;
        r.fates[SAMPLE_STORED] += rows->sample_count + rows->histogram_count;
        r.histogram_fates[SAMPLE_STORED] += rows->histogram_count;
        r.exemplar_fates[EXEMPLAR_STORED] += rows->exemplar_count;
        r.label_faults[LABEL_FAULT_NONE] += rows->row_count;
        r.metadata_stored += rows->metadata_count;
    }
    return r;
}

struct err
write_settle(struct write *q)
{
    struct votes_answer answer = replication_answer(&q->replication);
    struct append_result here = q->result;
    if (answer.outcome == VOTE_UNAVAILABLE)
        return ERR(ERR_UNAVAILABLE, "%.*s", STR_FMT(answer.text));
    if (answer.outcome == VOTE_OK)
        here = all_stored(q);
    else if (!refuses(&here))
        q->refused = (struct votes_answer){answer.outcome,
                                           arena_printf(q->arena, "%.*s", STR_FMT(answer.text))};
    q->result = q->before;
    append_result_add(&q->result, &here);
    q->result.label_faults[LABEL_FAULT_MALFORMED] += q->replication.placed.malformed_rows;
    return OK;
}

void
write_end(struct write *q)
{
    replication_fini(&q->replication);
}
