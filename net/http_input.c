/* http_input.c - reading a request: head, route, body; and what is refused on the way.
 *
 * The route is looked up as soon as the head is complete, so a body that is too large for its
 * route, or that nobody wants, is refused before it is read. */
#include "net/http_int.h"

#include "base/assert.h"
#include "base/mem.h"
#include "net/url.h"

enum { HTTP_READ_BYTES_STEP = 256 << 10 }; /* then other connections get their turn */

/* Cuts n used bytes off c->in. */
static void
eat(struct http_conn *c, size_t n)
{
    ASSERT(n <= c->in.n);
    if (n > 0 && n < c->in.n)
        memmove(c->in.p, c->in.p + n, c->in.n - n);
    c->in.n -= n;
    c->in_scanned = 0;
}

/* One read, appended to c->in. */
static enum io
fill(struct http_conn *c)
{
    size_t n;
    enum io io = transport_read(c->transport, c->part->scratch, HTTP_SCRATCH_BYTES, &n);
    if (io == IO_OK) {
        buf_append(&c->in, str_of(c->part->scratch, n));
        http_conn_charge(c);
    }
    return io;
}

/* While a request is incomplete, a client that ends its side or breaks has given up. */
static enum http_step
step_after_read(enum io io)
{
    switch (io) {
    case IO_OK:
        return HTTP_STEP_MORE;
    case IO_AGAIN:
        return HTTP_STEP_WAIT;
    case IO_END:
    case IO_FAILED:
        break;
    }
    return HTTP_STEP_CLOSE;
}

static enum http_step
refuse_for(struct http_conn *c, enum http_refusal why, int status, const char *text)
{
    http_metrics_refused(c->part->server->metrics, why);
    return http_conn_refuse(c, status, text);
}

static enum http_step
refuse_over_budget(struct http_conn *c)
{
    if (!c->request)
        c->request = http_request_open(c);
    http_set_header(c->request, "Retry-After", STR("1"));
    return refuse_for(c, HTTP_REFUSAL_BUDGET, 503, "too many bytes are in flight");
}

/* Has no `more` bytes for one who holds `mine`. */
static bool
over_budget(const struct http_server *s, size_t mine, size_t more)
{
    return !budget_has_for(&s->opts.memory->requests, mine, more);
}

/* What this request brings would stay, and there is no room for it. */
static bool
out_of_memory(const struct http_server *s, const struct route *route)
{
    return (route->flags & ROUTE_KEEPS_BODY) && memory_limit_level(s->opts.memory) == MEMORY_FULL;
}

static enum http_step
refuse_out_of_memory(struct http_conn *c)
{
    memory_limit_refused(c->part->server->opts.memory, MEMORY_REFUSED_WRITE);
    http_set_header(c->request, "Retry-After", STR("5"));
    return refuse_for(c, HTTP_REFUSAL_MEMORY, 503, "memory limit reached: nothing more is taken");
}

static enum http_step
dispatch(struct http_conn *c)
{
    http_conn_enter(c, HTTP_CONN_HANDLING, 0);
    http_request_dispatch(c->request);
    return HTTP_STEP_MORE;
}

/* The head is good and has a handler: reads the body, if there is one. */
static enum http_step
begin_body(struct http_conn *c)
{
    struct http_request *r = c->request;
    const struct http_server *s = c->part->server;
    size_t expected = size_min(r->head.body_bytes, HTTP_BODY_BYTES_FIRST);
    if (r->head.body_bytes > r->match.route->body_bytes_max)
        return refuse_for(c, HTTP_REFUSAL_BODY, 413, "http: request body too large");
    if (out_of_memory(s, r->match.route))
        return refuse_out_of_memory(c);
    if ((r->match.route->pool || r->head.framing != HTTP_BODY_NONE) && over_budget(s, 0, expected))
        return refuse_over_budget(c);
    if (r->head.framing == HTTP_BODY_NONE)
        return dispatch(c);
    if (r->head.expect == HTTP_EXPECT_CONTINUE && c->in.n == 0)
        c->early = STR("HTTP/1.1 100 Continue\r\n\r\n");
    c->chunks = (struct chunk_reader)CHUNK_READER_INIT;
    http_conn_enter(c, r->head.framing == HTTP_BODY_LENGTH ? HTTP_CONN_BODY : HTTP_CONN_CHUNKS,
                    s->opts.read_timeout_ms);
    return HTTP_STEP_MORE;
}

/* No handler for it: 404, 405, or the answer to OPTIONS. A body would have to be read first to
 * keep the connection, so it is closed instead. */
static enum http_step
answer_unrouted(struct http_conn *c, enum router_verdict verdict)
{
    struct http_request *r = c->request;
    if (r->head.framing != HTTP_BODY_NONE)
        c->close_after = true;
    http_conn_enter(c, HTTP_CONN_HANDLING, 0);
    switch (verdict) {
    case ROUTER_NO_PATH:
        http_reply_text(r, 404, STR("404 page not found"));
        return HTTP_STEP_MORE;
    case ROUTER_NO_METHOD:
        http_set_header(r, "Allow", router_allow(&r->arena, r->match.methods));
        http_reply_text(r, 405, STR("Method Not Allowed"));
        return HTTP_STEP_MORE;
    case ROUTER_OPTIONS:
        http_set_header(r, "Allow", router_allow(&r->arena, r->match.methods));
        http_reply(r, 204, NULL, STR(""));
        return HTTP_STEP_MORE;
    case ROUTER_FOUND:
        break;
    }
    UNREACHABLE("a route was found");
}

/* The first `bytes` bytes of c->in are a head. */
static enum http_step
take_head(struct http_conn *c, size_t bytes)
{
    struct http_request *r = http_request_open(c);
    c->request = r;
    c->requests++;
    http_request_charge(r, bytes);
    struct str text = arena_str(&r->arena, str_of(c->in.p, bytes));
    eat(c, bytes);
    const char *why = NULL;
    int status = http_head_parse(&r->arena, text, &r->head, &why);
    if (status)
        return refuse_for(c,
                          status == 431   ? HTTP_REFUSAL_HEADER
                          : status == 413 ? HTTP_REFUSAL_BODY
                                          : HTTP_REFUSAL_MALFORMED,
                          status, why);
    r->request_bytes = bytes + r->head.body_bytes;
    c->close_after = r->head.reuse == HTTP_CLOSE;
    struct err e = url_unescape(&r->arena, r->head.raw_path, URL_PATH, &r->path);
    if (e.code == ERR_NONE)
        e = router_find(c->part->server->opts.router, &r->arena, r->head.method, r->head.raw_path,
                        &r->routed, &r->match);
    if (e.code != ERR_NONE) {
        err_drop(e);
        return refuse_for(c, HTTP_REFUSAL_MALFORMED, 400, "malformed escape in the path");
    }
    return http_admit(c);
}

enum http_step
http_input_admitted(struct http_conn *c)
{
    enum router_verdict routed = c->request->routed;
    return routed == ROUTER_FOUND ? begin_body(c) : answer_unrouted(c, routed);
}

/* Bytes of c->in up to and including the empty line; 0 when it is not there yet. */
static size_t
find_head_end(struct http_conn *c)
{
    size_t empty_lines = 0; /* RFC 9112 section 2.2: allowed in front of a request */
    while (c->in.n - empty_lines >= 2 && memcmp(c->in.p + empty_lines, "\r\n", 2) == 0)
        empty_lines += 2;
    if (empty_lines > 0)
        eat(c, empty_lines);
    if (c->in.n < 4)
        return 0;
    char *at = memmem(c->in.p + c->in_scanned, c->in.n - c->in_scanned, "\r\n\r\n", 4);
    c->in_scanned = c->in.n - 3; /* an end may begin in the last three bytes */
    return at ? (size_t)(at - c->in.p) + 4 : 0;
}

/* Nothing was answered: without this nobody would learn why a client cannot connect. */
static void
note_broken_handshake(const struct http_conn *c)
{
    const struct http_server *s = c->part->server;
    const char *why = transport_handshake_failure(c->transport);
    if (!why)
        return;
    http_metrics_refused(s->metrics, HTTP_REFUSAL_TLS);
    log_debug(s->opts.log, "TLS handshake failed", KV_CSTR("peer", c->peer), KV_CSTR("err", why));
}

enum http_step
http_input_head(struct http_conn *c)
{
    const struct http_server_opts *opts = &c->part->server->opts;
    size_t bytes = find_head_end(c);
    if (size_max(bytes, bytes ? 0 : c->in.n) > opts->header_bytes_max)
        return refuse_for(c, HTTP_REFUSAL_HEADER, 431, "request header fields too large");
    if (bytes > 0)
        return take_head(c, bytes);
    if (c->in.n > HTTP_INPUT_BYTES_FREE && over_budget(c->part->server, c->in.n, 0))
        return refuse_over_budget(c);
    size_t before = c->in.n;
    enum io io = fill(c);
    if (io == IO_FAILED)
        note_broken_handshake(c);
    if (io == IO_OK && before == 0) /* the clock of the head starts with its first byte */
        http_conn_enter(c, HTTP_CONN_HEAD, opts->read_timeout_ms);
    return step_after_read(io);
}

/* Makes room for more of a body of known length, of which `here` bytes wait to be taken; false when
 * the budget has none. Twice what has come, or more for one that comes fast: thousands of mute
 * clients hold nothing. */
static bool
grow_body(struct http_request *r, size_t here)
{
    size_t total = r->head.body_bytes, cap = r->body.cap;
    size_t first = here * 2 >= HTTP_SCRATCH_BYTES ? HTTP_BODY_BYTES_FIRST : 2 * here;
    size_t want = size_min(total, size_max(first, 2 * cap));
    if (over_budget(r->part->server, cap, want - cap))
        return false;
    buf_reserve(&r->body, want - r->body.n);
    http_request_charge(r, r->body.cap - cap);
    return true;
}

/* Sends what is left of "100 Continue". */
static enum http_step
send_early(struct http_conn *c)
{
    while (c->early.n > 0) {
        size_t n;
        enum io io = transport_write(c->transport, c->early, STR(""), &n);
        if (io != IO_OK)
            return step_after_read(io);
        c->early = str_skip(c->early, n);
    }
    return HTTP_STEP_MORE;
}

enum http_step
http_input_body(struct http_conn *c)
{
    struct http_request *r = c->request;
    enum http_step step = send_early(c);
    size_t total = r->head.body_bytes;
    size_t read_bytes = 0;
    while (step == HTTP_STEP_MORE && r->body.n < total) {
        if (read_bytes >= HTTP_READ_BYTES_STEP)
            return HTTP_STEP_YIELD;
        if (r->body.cap == 0 && c->in.n == 0) {
            step = step_after_read(fill(c));
            continue;
        }
        if (r->body.n == r->body.cap && !grow_body(r, c->in.n))
            return refuse_over_budget(c);
        size_t room = size_min(r->body.cap, total) - r->body.n;
        if (c->in.n > 0) {
            size_t n = size_min(c->in.n, room);
            buf_append(&r->body, str_of(c->in.p, n));
            eat(c, n);
            continue;
        }
        size_t n = 0;
        step = step_after_read(transport_read(c->transport, r->body.p + r->body.n, room, &n));
        r->body.n += n;
        read_bytes += n;
    }
    return step == HTTP_STEP_MORE ? dispatch(c) : step;
}

static enum http_step
refuse_chunks(struct http_conn *c, struct err e)
{
    enum http_refusal why = e.code == ERR_TOO_LARGE ? HTTP_REFUSAL_BODY : HTTP_REFUSAL_MALFORMED;
    enum http_step step = refuse_for(c, why, err_http_status(e.code), err_text(&e));
    err_drop(e);
    return step;
}

enum http_step
http_input_chunks(struct http_conn *c)
{
    struct http_request *r = c->request;
    enum http_step step = send_early(c);
    size_t read_bytes = 0;
    while (step == HTTP_STEP_MORE) {
        struct str in = buf_str(&c->in);
        size_t cap = r->body.cap;
        struct err e = chunk_reader_feed(&c->chunks, &in, r->match.route->body_bytes_max, &r->body);
        eat(c, c->in.n - in.n);
        if (e.code != ERR_NONE)
            return refuse_chunks(c, e);
        http_request_charge(r, r->body.cap - cap);
        if (c->chunks.state == CHUNK_DONE) {
            r->request_bytes += r->body.n;
            return dispatch(c);
        }
        if (r->body.cap > cap && over_budget(r->part->server, r->body.cap, 0))
            return refuse_over_budget(c);
        if (read_bytes >= HTTP_READ_BYTES_STEP)
            return HTTP_STEP_YIELD;
        step = step_after_read(fill(c));
        read_bytes += c->in.n;
    }
    return step;
}

enum http_step
http_input_watch(struct http_conn *c)
{
    if (!c->stirred)
        return HTTP_STEP_WAIT;
    c->stirred = false;
    while (!c->saw_end && c->in.n < HTTP_PIPELINE_BYTES_MAX) {
        enum io io = fill(c);
        if (io == IO_AGAIN)
            return HTTP_STEP_WAIT;
        if (io == IO_FAILED)
            return HTTP_STEP_CLOSE;
        if (io == IO_END) {
            c->saw_end = true;
            atomic_store_explicit(&c->request->canceled, true, memory_order_relaxed);
        }
    }
    transport_want(c->transport, TRANSPORT_INPUT_OFF); /* nothing to learn for now */
    return HTTP_STEP_WAIT;
}
