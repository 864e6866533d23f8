/* write_http.c - the two doors for writes over HTTP.
 *
 * Both take the same bytes; they differ in what they answer (verdict.h). Every failure that may
 * pass is a 503 with its cause in the body: senders retry those, and drop what got a 4xx. */
#include "receiver/receive_int.h"

#include "base/assert.h"
#include "base/mem.h"
#include "ingest/tenant.h"
#include "receiver/otlp_http.h"
#include "receiver/verdict.h"

enum {
    LOG_BURST = 5, /* lines about failed writes in a second */
    STATUS_TOO_MANY = 429,
    SERIES_RETRY_AFTER_S = 60, /* heads make room when they are cut, not sooner */
};

/* What a sender is told beside the error of a request that is refused as a whole. */
struct answer {
    struct partial partial; /* of one that is not */
    uint64_t retry_after_s; /* 0: as the error's code has it */
};

static struct err
check_state(const struct receiver *v)
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

static void
log_failure(struct receiver *v, const struct err *e, struct str tenant)
{
    uint32_t dropped = 0;
    if (err_http_status(e->code) >= 500 &&
        log_throttle_pass(&v->throttle, v->log, LOG_BURST, &dropped))
        log_warn(v->log, "write failed", KV_STR("tenant", tenant), KV_ERR(*e),
                 KV_U64("lines_dropped", dropped));
}

static struct str
certificate_value(const struct http_request *r, enum tenant_field field)
{
    switch (field) {
    case TENANT_FIELD_ORGANIZATION:
        return http_peer_subject(r, TLS_SUBJECT_ORGANIZATION);
    case TENANT_FIELD_UNIT:
        return http_peer_subject(r, TLS_SUBJECT_ORGANIZATIONAL_UNIT);
    case TENANT_FIELD_NAME:
        return http_peer_subject(r, TLS_SUBJECT_COMMON_NAME);
    case TENANT_FIELD_NONE:
    case TENANT_FIELD_COUNT:
        break;
    }
    return STR("");
}

static struct write_protocol
protocol_of(const struct receiver *v, enum write_protocol_kind kind)
{
    return (struct write_protocol){kind, &v->otlp,
                                   kind == WRITE_TEXT ? clock_wall_ms(v->clock) : 0};
}

static struct write
write_of(struct receiver *v, struct http_request *r, struct scratch *s)
{
    return (struct write){
        .tenant = {.field = v->tenant_field,
                   .certificate = certificate_value(r, v->tenant_field),
                   .by_token = v->tenant_by_token,
                   .token = http_identity(r),
                   .header = http_header(r, v->tenant_header),
                   .thanos_header = http_header(r, TENANT_HEADER_DEFAULT),
                   .fallback = str_of_cstr(v->default_tenant)},
        .body = {.bytes = http_body(r),
                 .content_type = http_header(r, "Content-Type"),
                 .content_encoding = http_header(r, "Content-Encoding"),
                 .decoded_bytes_max = v->decoded_bytes_max},
        .limits = &v->limits,
        .policy = v->policy,
        .memory = v->memory,
        .arena = &s->arena,
        .trace = http_trace(r),
        .decoded = &s->decoded,
    };
}

/* Within the gate, by the rules and limits of now. */
static struct err
run_write(struct receiver *v, struct write *q)
{
    TRY(check_state(v));
    TRY(write_gate_enter(policy_gate(v->policy)));
    q->sink = v->sink; /* published by the state */
    q->hold = policy_acquire(v->policy);
    struct err e = write_run(q);
    write_gate_leave(policy_gate(v->policy));
    return q->retry_after_s > 0 ? e : as_retryable(e);
}

enum write_door { DOOR_RECEIVE, DOOR_WRITE };

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

/* Runs the write in a scratch and gives it back. */
static struct err
run(struct receiver *v, enum write_door door, enum write_protocol_kind protocol,
    struct http_request *r, struct answer *ret_answer)
{
    struct scratch *s = scratch_acquire(&v->scratches, http_body(r).n);
    struct write q = write_of(v, r, s);
    q.protocol = protocol_of(v, protocol);
    struct err e = run_write(v, &q);
    int status = err_http_status(e.code);
    ret_answer->retry_after_s = q.retry_after_s;
    if (e.code == ERR_NONE) {
        ret_answer->partial = verdict_of_write(door, &q, http_arena(r));
        status = ret_answer->partial.verdict.status;
        if (status == STATUS_TOO_MANY)
            ret_answer->retry_after_s = SERIES_RETRY_AFTER_S;
    }
    if (is_remote_write_2(&q))
        set_written(r, &q);
    write_metrics_count(&v->metrics, &q, e.code, status);
    log_failure(v, &e, q.batch.tenant);
    policy_release(&q.hold);
    scratch_release(&v->scratches, s);
    return e;
}

/* A tenant's own fault: it may try again when it has a right to. */
static void
reply_throttled(struct http_request *r, struct err e)
{
    http_reply_text(r, err_http_status(e.code), str_of_cstr(err_text(&e)));
    err_drop(e);
}

/* The answer comes last: once the server has it, the receiver may be closed. */
static void
serve(struct receiver *v, enum write_door door, enum write_protocol_kind protocol,
      struct http_request *r)
{
    struct answer answer = {.partial.verdict.text = STR("")};
    struct err e = run(v, door, protocol, r, &answer);
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

void
write_http_receive(void *arg, struct http_request *r)
{
    serve(arg, DOOR_RECEIVE, WRITE_REMOTE, r);
}

void
write_http_write(void *arg, struct http_request *r)
{
    serve(arg, DOOR_WRITE, WRITE_REMOTE, r);
}

void
write_http_otlp(void *arg, struct http_request *r)
{
    serve(arg, DOOR_WRITE, WRITE_OTLP, r);
}

void
write_http_import(void *arg, struct http_request *r)
{
    serve(arg, DOOR_WRITE, WRITE_TEXT, r);
}
