/* write_answer.c - what a write came to, told to its sender, to the metrics and to the log.
 *
 * The doors take the same bytes; they differ in what they answer (verdict.h). Every failure that
 * may pass is a 503 with its cause in the body: senders retry those, and drop what got a 4xx. */
#include "base/mem.h"
#include "receiver/otlp_http.h"
#include "receiver/verdict.h"
#include "receiver/write_job.h"

enum {
    LOG_BURST = 5, /* lines about failed writes in a second */
    STATUS_BAD_REQUEST = 400,
    STATUS_CONFLICT = 409,
    STATUS_TOO_MANY = 429,
    SERIES_RETRY_AFTER_S = 60, /* heads make room when they are cut, not sooner */
};

/* What a sender is told beside the error of a request that is refused as a whole. */
struct answer {
    struct partial partial; /* of one that is not */
    uint64_t retry_after_s; /* 0: as the error's code has it */
};

static void
log_failure(struct receiver *v, const struct err *e, struct str tenant)
{
    uint32_t dropped = 0;
    if (err_http_status(e->code) >= 500 &&
        log_throttle_pass(&v->throttle, v->log, LOG_BURST, &dropped))
        log_warn(v->log, "write failed", KV_STR("tenant", tenant), KV_ERR(*e),
                 KV_U64("lines_dropped", dropped));
}

static bool
is_remote_write_2(const struct write *q)
{
    return q->negotiated && q->format.message == INGEST_REMOTE_WRITE_2;
}

static enum write_rules
rules_of(enum write_door door, const struct write *q)
{
    if (is_remote_write_2(q))
        return RULES_REMOTE_WRITE_2;
    return door == DOOR_RECEIVE ? RULES_THANOS : RULES_PROMETHEUS;
}

/* A sender of 2.0 must be told what was stored, whatever the answer: by zeroes, too. */
static void
set_written(struct http_request *r, const struct write *q)
{
    struct written w = written_of(&q->result, &q->rewritten.dropped);
    const struct {
        const char *name;
        uint64_t n;
    } headers[] = {{"X-Prometheus-Remote-Write-Samples-Written", w.samples},
                   {"X-Prometheus-Remote-Write-Histograms-Written", w.histograms},
                   {"X-Prometheus-Remote-Write-Exemplars-Written", w.exemplars}};
    for (size_t i = 0; i < ARRAY_LEN(headers); i++)
        http_set_header(r, headers[i].name,
                        arena_printf(http_arena(r), "%ju", (uintmax_t)headers[i].n));
}

/* Of a write that was not refused as a whole; in the request's arena. */
static struct partial
verdict_of_write(enum write_door door, const struct write *q, struct arena *a)
{
    struct partial p = {.verdict = {.text = STR("")}};
    if (q->protocol.kind == WRITE_REMOTE)
        p.verdict = verdict_of(rules_of(door, q), &q->result, &q->batch.refused_series, a);
    else
        p = partial_of(q->protocol.kind, &q->batch, &q->result, a);
    return partial_with_bad_tenants(p, q->protocol.kind, &q->result, q->rewritten.bad_tenant_rows,
                                    q->rewritten.bad_tenant, a);
}

/* A tenant's own fault: it may try again when it has a right to. */
static void
reply_throttled(struct http_request *r, struct err e)
{
    http_reply_text(r, err_http_status(e.code), str_of_cstr(err_text(&e)));
    err_drop(e);
}

/* What other owners of the rows refuse, while this machine has stored them or has none of them. */
static void
add_refusal(struct partial *p, enum write_door door, const struct write *q, struct arena *a)
{
    bool conflict = q->refused.outcome == VOTE_CONFLICT && rules_of(door, q) == RULES_THANOS;
    if (p->verdict.text.n > 0)
        return; /* there is something worse to tell */
    p->verdict.status = conflict ? STATUS_CONFLICT : STATUS_BAD_REQUEST;
    p->verdict.text = arena_printf(a, "%.*s", STR_FMT(q->refused.text));
}

/* What a job came to: to a status and a text, to metrics and the log. */
static void
judge(struct write_job *job, struct answer *ret_answer)
{
    const struct write *q = &job->q;
    int status = err_http_status(job->e.code);
    ret_answer->retry_after_s = q->retry_after_s;
    if (job->e.code == ERR_NONE) {
        ret_answer->partial = verdict_of_write(job->door, q, http_arena(job->request));
        if (q->refused.outcome != VOTE_OK)
            add_refusal(&ret_answer->partial, job->door, q, http_arena(job->request));
        status = ret_answer->partial.verdict.status;
        if (status == STATUS_TOO_MANY)
            ret_answer->retry_after_s = SERIES_RETRY_AFTER_S;
    }
    if (is_remote_write_2(q))
        set_written(job->request, q);
    write_metrics_count(&job->v->metrics, q, job->e.code, status);
    log_failure(job->v, &job->e, q->batch.tenant);
}

/* The answer comes last: once the server has it, the receiver may be closed. */
void
write_job_answer(struct write_job *job)
{
    struct http_request *r = job->request;
    enum write_protocol_kind protocol = job->q.protocol.kind;
    struct answer answer = {.partial.verdict.text = STR("")};
    judge(job, &answer);
    struct err e = job->e;
    write_job_close(job);
    struct verdict verdict = answer.partial.verdict;
    if (protocol == WRITE_OTLP && err_retryable(e.code) && answer.retry_after_s == 0)
        answer.retry_after_s = 1; /* the others leave that to http_reply_err() */
    if (answer.retry_after_s > 0)
        http_set_header(r, "Retry-After",
                        arena_printf(http_arena(r), "%ju", (uintmax_t)answer.retry_after_s));
    if (protocol == WRITE_OTLP)
        otlp_http_reply(r, e, &answer.partial);
    else if (e.code != ERR_NONE && answer.retry_after_s > 0)
        reply_throttled(r, e);
    else if (e.code != ERR_NONE)
        http_reply_err(r, e);
    else if (verdict.text.n > 0)
        http_reply_text(r, verdict.status, verdict.text);
    else
        http_reply(r, verdict.status, NULL, STR(""));
}
