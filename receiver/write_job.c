/* write_job.c - a write on its way: state, gate, rules of now, the spine. */
#include "receiver/write_job.h"

#include "base/assert.h"
#include "base/mem.h"

/* --- rows that outlive the answer ------------------------------------------------------------- */

static void
keep(void *arg)
{
    struct write_job *job = arg;
    atomic_fetch_add_explicit(&job->keepers, 1, memory_order_relaxed);
}

static void
let_rows_go(void *arg)
{
    struct write_job *job = arg;
    struct receiver *v = job->v;
    if (atomic_fetch_sub_explicit(&job->keepers, 1, memory_order_acq_rel) > 1)
        return;
    policy_release(&job->q.hold); /* rewritten labels may lie in it */
    scratch_release(&v->scratches, job->scratch);
}

/* ---------------------------------------------------------------------------------------------- */

struct write_job *
write_job_open(struct receiver *v, struct http_request *r, enum write_door door, struct scratch *s,
               const struct write *q)
{
    struct write_job *job = arena_alloc(&s->arena, sizeof *job);
    *job = (struct write_job){
        .v = v, .request = r, .door = door, .scratch = s, .q = *q, .keepers = 1, .e = OK};
    job->q.keeper = (struct place_keeper){keep, let_rows_go, job};
    return job;
}

void
write_job_close(struct write_job *job)
{
    write_end(&job->q);
    if (job->in_gate)
        write_gate_leave(policy_gate(job->v->policy));
    let_rows_go(job);
}

struct err
receiver_check_state(const struct receiver *v)
{
    switch (atomic_load_explicit(&v->state, memory_order_acquire)) {
    case RECEIVER_OPEN:
        return OK;
    case RECEIVER_STARTING:
        return ERR(ERR_UNAVAILABLE, "not ready: the databases are still being opened");
    case RECEIVER_DRAINING:
        return ERR(ERR_UNAVAILABLE, "not ready: shutting down");
    }
    UNREACHABLE("every state is above");
}

/* A table of HTTP statuses gives overload 429, which senders drop unless told otherwise; here
 * the same request is welcome a little later. */
static struct err
as_retryable(struct err e)
{
    if (e.code != ERR_OVERLOAD)
        return e;
    struct err busy = ERR(ERR_UNAVAILABLE, "%s", err_text(&e));
    err_drop(e);
    return busy;
}

/* The number of the copy that a request is; it counts in a ring only, as with Thanos. */
static struct err
read_replica(const struct write_job *job, unsigned *ret_replica)
{
    struct str text = http_header(job->request, job->v->replica_header);
    uint64_t number = 0;
    *ret_replica = 0;
    if (!job->q.replicator || !job->q.sink || text.n == 0)
        return OK;
    TRY_IN(str_parse_u64(text, &number), "header %s", job->v->replica_header);
    if (number > RING_REPLICAS_MAX)
        return ERR(ERR_INVALID, "request replica exceeds receiver replication factor: %ju",
                   (uintmax_t)number);
    *ret_replica = (unsigned)number;
    return OK;
}

/* Within the gate, by the rules and limits of now. */
static struct err
run(struct write_job *job)
{
    struct receiver *v = job->v;
    TRY(receiver_check_state(v));
    TRY(write_gate_enter(policy_gate(v->policy)));
    job->in_gate = true;
    job->q.sink = v->sink; /* published by the state, as the next */
    job->q.replicator = v->replicator;
    TRY(read_replica(job, &job->q.replica));
    job->q.hold = policy_acquire(v->policy);
    struct err e = write_run(&job->q);
    return job->q.retry_after_s > 0 ? e : as_retryable(e);
}

/* The last one answers: what the others wrote to the job is seen by it. */
static void
let_go(struct write_job *job, unsigned holders)
{
    if (atomic_fetch_sub_explicit(&job->holders, holders, memory_order_acq_rel) != holders)
        return;
    if (job->q.pending)
        job->e = write_settle(&job->q);
    write_job_answer(job);
}

static void
on_decision(void *arg)
{
    let_go(arg, 1);
}

void
write_job_run(struct write_job *job)
{
    atomic_store_explicit(&job->holders, 2, memory_order_relaxed); /* the worker, the decision */
    job->q.decided = on_decision;
    job->q.decided_arg = job;
    job->e = run(job);
    let_go(job, job->q.pending ? 1 : 2);
}
