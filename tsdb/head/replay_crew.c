/* replay_crew.c - the threads that apply the samples of a log.
 *
 * The reader fills one batch with records, as they are stored, while the crew works on the one
 * before: each member decodes a share of its records; when all have, each applies the samples of
 * its own series (replay_apply.c). A series has one member, by its slot.
 * Threads: the reader calls; members run crew_member() only. */
#include "tsdb/head/replay_crew_int.h"

#include "base/assert.h"
#include "base/cpu.h"
#include "base/mem.h"
#include "base/pool.h"

enum { BATCH_BYTES = 512 << 10 }; /* as stored: some 70,000 samples, decoded 2 MB: a cache */

/* --- members ---------------------------------------------------------------------------------- */

/* Returns when all have come. */
static void
meet(struct crew *crew)
{
    LOCKED(&crew->lock);
    if (--crew->decoding == 0)
        cond_broadcast(&crew->decoded);
    while (crew->decoding > 0)
        cond_wait(&crew->decoded, &crew->lock);
}

static void
crew_member(void *arg)
{
    struct member *m = arg;
    struct crew *crew = m->crew;
    struct batch *b = &crew->batches[!crew->filling];
    member_decode(m, b);
    meet(crew);
    member_apply(m, b);
    LOCKED(&crew->lock);
    if (--crew->working == 0)
        cond_signal(&crew->done);
}

/* --- the reader's side ------------------------------------------------------------------------ */

struct err
crew_start(struct replay *r, enum crew_size size)
{
    struct crew *crew = mem_alloc_zero(sizeof *crew);
    r->crew = crew;
    crew->r = r;
    crew->rule = head_chunk_rule(r->h);
    crew->limits = series_limits_of_replay();
    lock_init(&crew->lock, LOCK_RANK_LEAF);
    cond_init(&crew->decoded);
    cond_init(&crew->done);
    crew->size = size == CREW_FULL ? (unsigned)size_min(cpu_count(), CREW_MEMBERS_MAX) : 1;
    for (unsigned i = 0; i < crew->size; i++) {
        crew->members[i] =
            (struct member){.crew = crew, .index = i, .mint_ms = INT64_MAX, .maxt_ms = INT64_MIN};
        arena_init(&crew->members[i].scratch, 0);
    }
    if (crew->size == 1)
        return OK;
    struct pool_opts opts = {
        .name = "replay", .threads = crew->size, .queued_limit = CREW_MEMBERS_MAX};
    return pool_start(&opts, &crew->pool);
}

static void
wait_for_members(struct crew *crew)
{
    LOCKED(&crew->lock);
    while (crew->working > 0)
        cond_wait(&crew->done, &crew->lock);
}

/* The first failure in the batch worked on last; takes it. */
static struct err
first_failure(struct crew *crew)
{
    const struct batch *b = &crew->batches[!crew->filling];
    struct member *first = NULL;
    for (unsigned i = 0; i < crew->size; i++) {
        struct member *m = &crew->members[i];
        if (m->failure.code != ERR_NONE && (!first || m->failed_record < first->failed_record))
            first = m;
    }
    if (!first)
        return OK;
    crew->r->damage = b->records.v[first->failed_record].at;
    struct err e = first->failure;
    first->failure = OK;
    return e;
}

/* The batch that was filled is handed over; the other, which is done, is filled next. */
static struct err
set_to_work(struct crew *crew)
{
    wait_for_members(crew);
    TRY(first_failure(crew));
    crew->filling = !crew->filling;
    buf_clear(&crew->batches[crew->filling].bytes);
    vec_clear(&crew->batches[crew->filling].records);
    if (!crew->pool) {
        member_decode(&crew->members[0], &crew->batches[!crew->filling]);
        member_apply(&crew->members[0], &crew->batches[!crew->filling]);
        return OK;
    }
    {
        LOCKED(&crew->lock);
        crew->working = crew->decoding = crew->size;
    }
    for (unsigned i = 0; i < crew->size; i++) {
        bool queued = pool_submit(crew->pool, crew_member, &crew->members[i]);
        ASSERT(queued); /* the queue has room for all */
    }
    return OK;
}

struct err
crew_hand_over(struct replay *r, const struct wal_stored *stored, struct log_place at)
{
    struct crew *crew = r->crew;
    struct batch *b = &crew->batches[crew->filling];
    vec_push(&b->records,
             ((struct handed_record){
                 .start = b->bytes.n, .bytes = stored->bytes.n, .flags = stored->flags, .at = at}));
    buf_append(&b->bytes, stored->bytes);
    return b->bytes.n >= BATCH_BYTES ? set_to_work(crew) : OK;
}

struct err
crew_await(struct replay *r)
{
    struct crew *crew = r->crew;
    if (crew->batches[crew->filling].records.n > 0)
        TRY(set_to_work(crew));
    wait_for_members(crew);
    return first_failure(crew);
}

void
crew_stop(struct replay *r)
{
    struct crew *crew = r->crew;
    if (!crew)
        return;
    pool_stop(crew->pool);
    for (unsigned i = 0; i < crew->size; i++) {
        struct member *m = &crew->members[i];
        r->count.samples += m->samples;
        r->count.skipped += m->skipped;
        r->count.unknown_refs += m->unknown_refs;
        r->ref_max = u64_max(r->ref_max, u64_min(m->unknown_ref_max, HEAD_REF_MAX - 1));
        r->count.histograms_dropped += m->histograms_dropped;
        err_drop(m->failure);
        for (unsigned k = 0; k < crew->size; k++)
            vec_fini(&m->lists[k]);
        buf_fini(&m->plain);
        buf_fini(&m->floats);
        vec_fini(&m->finished);
        arena_fini(&m->scratch);
    }
    for (unsigned i = 0; i < ARRAY_LEN(crew->batches); i++) {
        buf_fini(&crew->batches[i].bytes);
        vec_fini(&crew->batches[i].records);
    }
    cond_fini(&crew->decoded);
    cond_fini(&crew->done);
    lock_fini(&crew->lock);
    mem_free(TAKE(r->crew));
}
