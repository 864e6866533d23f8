/* http_conn.c - one client connection. Only the loop of its part touches it.
 *
 *   HEAD -> BODY or CHUNKS -> HANDLING -> WRITING or STREAMING -> HEAD     (kept alive)
 *   |  ^---. ^                  ^                         `-----> LINGER  (to be closed)
 *   `-> AUTHORIZING ------------'
 *
 * HEAD to HANDLING without a body, or with an error to answer; AUTHORIZING in between where a
 * password must be checked. Every state but HANDLING and AUTHORIZING has a deadline; each broken
 * connection goes straight to http_conn_close(). http_conn_step() is the only place where a
 * connection acts: on socket events, posted answers and passed deadlines. */
#include "net/http_int.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/mem.h"

enum { HTTP_TURNS_MAX = 16 }; /* requests answered in a row before others get their turn */

static void http_conn_step(struct http_conn *c);

static void
http_conn_on_ready(void *arg)
{
    struct http_conn *c = arg;
    c->stirred = true;
    http_conn_step(c);
}

void
http_conn_charge(struct http_conn *c)
{
    struct budget *budget = &c->part->server->opts.memory->requests;
    size_t holds = c->base_bytes + c->in.cap;
    if (holds > c->charged_bytes)
        budget_charge(budget, holds - c->charged_bytes);
    else
        budget_give_back(budget, c->charged_bytes - holds);
    c->charged_bytes = holds;
}

static void
drop_input(struct http_conn *c)
{
    buf_fini(&c->in);
    c->in_scanned = 0;
    http_conn_charge(c);
}

void
http_conn_open(struct http_part *p, int fd, struct tls_session *tls, const char *peer)
{
    struct http_conn *c = mem_alloc_zero(sizeof *c);
    c->part = p;
    snprintf(c->peer, sizeof c->peer, "%s", peer);
    c->base_bytes = tls ? HTTP_CONN_BYTES + HTTP_CONN_TLS_BYTES : HTTP_CONN_BYTES;
    http_conn_charge(c);
    c->transport = transport_open(p->loop, fd, tls, http_conn_on_ready, c);
    c->older = p->conns;
    if (c->older)
        c->older->newer = c;
    p->conns = c;
    http_metrics_conns_add(p->server->metrics, 1);
    http_conn_enter(c, HTTP_CONN_HEAD, p->server->opts.read_timeout_ms);
    transport_want(c->transport, TRANSPORT_INPUT_ON);
}

/* Nobody reads the stream any more: true when its handler, or a post, still has the request. */
static bool
cut_stream(struct http_request *r)
{
    AUTO(buf_fini) struct buf rest = BUF_INIT;
    http_stream_cut(r->stream);
    return http_stream_take(r->stream, &rest) == HTTP_STREAM_OPEN;
}

/* The request outlives its connection when its handler still has it. */
static void
let_request_go(struct http_conn *c)
{
    struct http_request *r = TAKE(c->request);
    if (!r)
        return;
    atomic_store_explicit(&r->canceled, true, memory_order_relaxed);
    if (c->state == HTTP_CONN_HANDLING || c->state == HTTP_CONN_AUTHORIZING ||
        (c->state == HTTP_CONN_STREAMING && cut_stream(r)))
        r->conn = NULL;
    else
        http_request_close(r);
}

void
http_conn_close(struct http_conn *c)
{
    struct http_part *p = c->part;
    ASSERT(!c->stepping);
    let_request_go(c);
    if (c->older)
        c->older->newer = c->newer;
    *(c->newer ? &c->newer->older : &p->conns) = c->older;
    transport_close(c->transport);
    c->base_bytes = 0;
    drop_input(c);
    buf_fini(&c->taken);
    mem_free(c);
    http_metrics_conns_add(p->server->metrics, -1);
    atomic_fetch_sub_explicit(&p->server->conns, 1, memory_order_relaxed);
    http_part_check_done(p);
}

bool
http_conn_is_idle(const struct http_conn *c)
{
    return c->state == HTTP_CONN_HEAD && c->in.n == 0;
}

static uint64_t
ns_of_ms(uint64_t ms)
{
    return ms * 1000000;
}

void
http_conn_enter(struct http_conn *c, enum http_conn_state state, uint64_t limit_ms)
{
    c->state = state;
    c->since_ns = http_server_now_ns(c->part->server);
    c->deadline_ns = limit_ms ? c->since_ns + ns_of_ms(limit_ms) : 0;
}

enum http_step
http_conn_refuse(struct http_conn *c, int status, const char *why)
{
    if (!c->request)
        c->request = http_request_open(c);
    c->close_after = true; /* what follows on this connection cannot be trusted, or is unread */
    drop_input(c);
    http_conn_enter(c, HTTP_CONN_HANDLING, 0);
    http_reply_text(c->request, status, str_of_cstr(why));
    return HTTP_STEP_MORE;
}

/* --- output --------------------------------------------------------------------------------- */

/* The handler has answered: completes the head and begins to send. */
static void
start_answer(struct http_conn *c)
{
    struct http_request *r = c->request;
    ASSERT(c->state == HTTP_CONN_HANDLING && r->answer != HTTP_ANSWER_NONE);
    r->ready = false;
    bool streamed = r->answer == HTTP_ANSWER_STREAM;
    bool ends_by_close = streamed && !r->stream->chunked;
    if (c->part->draining || (c->saw_end && c->in.n == 0) || ends_by_close)
        c->close_after = true;
    if (c->close_after)
        buf_append(&r->out_head, STR("Connection: close\r\n"));
    else if (r->head.minor == 0)
        buf_append(&r->out_head, STR("Connection: keep-alive\r\n"));
    buf_append(&r->out_head, STR("\r\n"));
    buf_fini(&r->body);
    c->out[0] = buf_str(&r->out_head);
    c->out[1] = buf_str(&r->out_body);
    c->sent_bytes = 0;
    http_conn_enter(c, streamed ? HTTP_CONN_STREAMING : HTTP_CONN_WRITING, 0);
}

/* A write could not go on: its clock starts, unless it runs already. */
static enum http_step
wait_for_output(struct http_conn *c)
{
    transport_want(c->transport, TRANSPORT_INPUT_OFF); /* no more requests until this is out */
    if (c->deadline_ns == 0) {
        http_conn_enter(c, c->state, c->part->server->opts.write_timeout_ms);
        c->burst_bytes = 0;
    }
    return HTTP_STEP_WAIT;
}

/* Sends c->out; MORE when all of it has gone. */
static enum http_step
send_out(struct http_conn *c)
{
    while (c->out[0].n + c->out[1].n > 0) {
        size_t n;
        enum io io = transport_write(c->transport, c->out[0], c->out[1], &n);
        if (io == IO_AGAIN)
            return wait_for_output(c);
        if (io != IO_OK)
            return HTTP_STEP_CLOSE;
        c->sent_bytes += n;
        c->burst_bytes += n;
        size_t of_head = size_min(n, c->out[0].n);
        c->out[0] = str_skip(c->out[0], of_head);
        c->out[1] = str_skip(c->out[1], n - of_head);
        if (c->state == HTTP_CONN_STREAMING && n > of_head)
            http_stream_sent(c->request->stream, n - of_head);
    }
    c->deadline_ns = 0;
    return HTTP_STEP_MORE;
}

/* The answer is out: the next request, or a close that does not make the client lose it. */
static enum http_step
finish_answer(struct http_conn *c)
{
    const struct http_server_opts *opts = &c->part->server->opts;
    http_request_close(TAKE(c->request));
    buf_fini(&c->taken);
    if (c->saw_end && c->in.n == 0)
        return HTTP_STEP_CLOSE;
    transport_want(c->transport, TRANSPORT_INPUT_ON);
    if (c->close_after) {
        /* Closing with unread input would reset the connection under the answer. */
        transport_shut_output(c->transport);
        http_conn_enter(c, HTTP_CONN_LINGER, HTTP_LINGER_MS);
        return c->saw_end ? HTTP_STEP_CLOSE : HTTP_STEP_MORE;
    }
    if (c->in.n == 0)
        drop_input(c); /* an idle connection holds no buffer */
    http_conn_enter(c, HTTP_CONN_HEAD, c->in.n ? opts->read_timeout_ms : opts->idle_timeout_ms);
    return HTTP_STEP_MORE;
}

static enum http_step
step_writing(struct http_conn *c)
{
    enum http_step step = send_out(c);
    return step == HTTP_STEP_MORE ? finish_answer(c) : step;
}

static enum http_step
step_streaming(struct http_conn *c)
{
    enum http_step step = send_out(c);
    if (step != HTTP_STEP_MORE)
        return step;
    buf_clear(&c->taken);
    enum http_stream_rest rest = http_stream_take(c->request->stream, &c->taken);
    c->out[1] = buf_str(&c->taken);
    if (c->out[1].n > 0)
        return HTTP_STEP_MORE;
    switch (rest) {
    case HTTP_STREAM_OPEN:
        transport_want(c->transport, c->saw_end ? TRANSPORT_INPUT_OFF : TRANSPORT_INPUT_ON);
        return http_input_watch(c);
    case HTTP_STREAM_ENDED:
        return finish_answer(c);
    case HTTP_STREAM_ABORTED:
        transport_reset_on_close(c->transport);
        return HTTP_STEP_CLOSE;
    }
    UNREACHABLE("a stream is open, ended or aborted");
}

/* --- steps ---------------------------------------------------------------------------------- */

static enum http_step
step_handling(struct http_conn *c)
{
    struct http_request *r = c->request;
    if (!r->ready)
        return http_input_watch(c);
    if (r->answer == HTTP_ANSWER_STREAM)
        http_stream_arrived(r->stream); /* no post was needed to get here */
    start_answer(c);
    return HTTP_STEP_MORE;
}

/* Throws input away until the client has closed its side, too. */
static enum http_step
step_linger(struct http_conn *c)
{
    struct http_part *p = c->part;
    size_t n;
    c->in.n = 0;
    enum io io = transport_read(c->transport, p->scratch, sizeof p->scratch, &n);
    if (io == IO_OK)
        return HTTP_STEP_YIELD;
    return io == IO_AGAIN ? HTTP_STEP_WAIT : HTTP_STEP_CLOSE;
}

static enum http_step
step_once(struct http_conn *c)
{
    switch (c->state) {
    case HTTP_CONN_HEAD:
        return http_input_head(c);
    case HTTP_CONN_AUTHORIZING:
        return http_admit_step(c);
    case HTTP_CONN_BODY:
        return http_input_body(c);
    case HTTP_CONN_CHUNKS:
        return http_input_chunks(c);
    case HTTP_CONN_HANDLING:
        return step_handling(c);
    case HTTP_CONN_WRITING:
        return step_writing(c);
    case HTTP_CONN_STREAMING:
        return step_streaming(c);
    case HTTP_CONN_LINGER:
        return step_linger(c);
    }
    UNREACHABLE("not a state of a connection");
}

static void
http_conn_step(struct http_conn *c)
{
    ASSERT(loop_is_current(c->part->loop) && !c->stepping);
    size_t requests_before = c->requests;
    enum http_step step = HTTP_STEP_MORE;
    c->stepping = true;
    while (step == HTTP_STEP_MORE) {
        bool had_turns =
            c->state == HTTP_CONN_HEAD && c->requests - requests_before >= HTTP_TURNS_MAX;
        step = had_turns ? HTTP_STEP_YIELD : step_once(c);
    }
    c->stepping = false;
    if (step == HTTP_STEP_CLOSE)
        http_conn_close(c);
    else if (step == HTTP_STEP_YIELD)
        transport_wake(c->transport);
}

void
http_conn_on_answer(void *request)
{
    struct http_request *r = request;
    if (r->answer == HTTP_ANSWER_STREAM)
        http_stream_arrived(r->stream);
    if (r->conn) {
        start_answer(r->conn);
        http_conn_step(r->conn);
    } else if (r->answer == HTTP_ANSWER_WHOLE || !cut_stream(r)) {
        http_request_close(r);
    }
}

void
http_conn_on_stream(void *request)
{
    struct http_request *r = request;
    http_stream_arrived(r->stream);
    if (r->conn)
        http_conn_step(r->conn);
    else if (!cut_stream(r))
        http_request_close(r);
}

void
http_conn_on_verdict(void *request)
{
    struct http_request *r = request;
    r->judged = true;
    if (r->conn)
        http_conn_step(r->conn);
    else
        http_request_close(r);
}

/* --- deadlines ------------------------------------------------------------------------------ */

/* A client that keeps the least rate gets more time than the limit. */
static bool
extend_for_progress(struct http_conn *c, uint64_t now_ns, uint64_t limit_ms, size_t bytes)
{
    c->deadline_ns =
        c->since_ns + ns_of_ms(limit_ms) + (uint64_t)bytes * 1000 / HTTP_RATE_BYTES_MIN * 1000000;
    return c->deadline_ns > now_ns;
}

void
http_conn_check_deadline(struct http_conn *c, uint64_t now_ns)
{
    struct http_server *s = c->part->server;
    if (c->deadline_ns == 0 || c->deadline_ns > now_ns)
        return;
    switch (c->state) {
    case HTTP_CONN_HEAD:
        if (c->in.n == 0) {
            http_conn_close(c);
            return;
        }
        break;
    case HTTP_CONN_BODY:
    case HTTP_CONN_CHUNKS:
        if (extend_for_progress(c, now_ns, s->opts.read_timeout_ms, c->request->body.n))
            return;
        break;
    case HTTP_CONN_WRITING:
    case HTTP_CONN_STREAMING:
        if (!extend_for_progress(c, now_ns, s->opts.write_timeout_ms, c->burst_bytes)) {
            http_metrics_refused(s->metrics, HTTP_REFUSAL_TIMEOUT);
            transport_reset_on_close(c->transport);
            http_conn_close(c);
        }
        return;
    case HTTP_CONN_LINGER:
        http_conn_close(c);
        return;
    case HTTP_CONN_AUTHORIZING:
        UNREACHABLE("a check of a password has its own deadline");
    case HTTP_CONN_HANDLING:
        UNREACHABLE("a handler has its own deadline");
    }
    http_metrics_refused(s->metrics, HTTP_REFUSAL_TIMEOUT);
    http_conn_refuse(c, 408, "the request took too long to arrive");
}
