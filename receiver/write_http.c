/* write_http.c - the two doors for writes over HTTP.
 *
 * Both take the same bytes; they differ in what they answer (verdict.h). Every failure that may
 * pass is a 503 with its cause in the body: senders retry those, and drop what got a 4xx. */
#include "receiver/receive_int.h"

#include "base/assert.h"
#include "base/mem.h"
#include "ingest/tenant.h"
#include "receiver/verdict.h"

enum { LOG_BURST = 5 }; /* lines about failed writes in a second */

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

static struct write
write_of(struct receiver *v, struct http_request *r, struct scratch *s)
{
    return (struct write){
        .tenant = {.header = http_header(r, v->tenant_header),
                   .thanos_header = http_header(r, TENANT_HEADER_DEFAULT),
                   .fallback = str_of_cstr(v->default_tenant)},
        .body = {.bytes = http_body(r),
                 .content_type = http_header(r, "Content-Type"),
                 .content_encoding = http_header(r, "Content-Encoding"),
                 .decoded_bytes_max = v->decoded_bytes_max},
        .limits = &v->limits,
        .arena = &s->arena,
        .decoded = &s->decoded,
    };
}

/* Runs the write in a scratch and gives it back. The verdict is in the request's arena. */
static struct err
run(struct receiver *v, enum write_door door, struct http_request *r, struct verdict *ret_verdict)
{
    struct scratch *s = scratch_acquire(&v->scratches);
    struct write q = write_of(v, r, s);
    struct err e = check_state(v);
    if (e.code == ERR_NONE) {
        q.sink = v->sink; /* published by the state */
        e = as_retryable(write_run(&q));
    }
    int status = err_http_status(e.code);
    if (e.code == ERR_NONE) {
        *ret_verdict = verdict_of(door, &q.result, http_arena(r));
        status = ret_verdict->status;
    }
    write_metrics_count(&v->metrics, &q, e.code, status);
    log_failure(v, &e, q.batch.tenant);
    scratch_release(&v->scratches, s);
    return e;
}

/* The answer comes last: once the server has it, the receiver may be closed. */
static void
serve(struct receiver *v, enum write_door door, struct http_request *r)
{
    struct verdict verdict = {.text = STR("")};
    struct err e = run(v, door, r, &verdict);
    if (e.code != ERR_NONE)
        http_reply_err(r, e);
    else if (verdict.text.n > 0)
        http_reply_text(r, verdict.status, verdict.text);
    else
        http_reply(r, verdict.status, NULL, STR(""));
}

void
write_http_receive(void *arg, struct http_request *r)
{
    serve(arg, DOOR_RECEIVE, r);
}

void
write_http_write(void *arg, struct http_request *r)
{
    serve(arg, DOOR_WRITE, r);
}
