/* grpc_call.c - a call from its header fields to its handler.
 *
 *   READING --message and END_STREAM--> HANDLING --grpc_finish()--> FINISHED --stream closed-->
 * freed
 *      `--refused, too slow, client gone--> FINISHED
 *
 * A bidi stream is HANDLING from the start: its handler is called for each message, on the loop. */
#include "base/assert.h"
#include "base/pool.h"
#include "net/grpc/grpc_server_int.h"

/* --- the request's head ----------------------------------------------------------------------- */

static struct str
field(const struct h2_header *v, size_t n, const char *name)
{
    struct str wanted = str_of_cstr(name);
    for (size_t i = 0; i < n; i++) {
        if (str_eq(v[i].name, wanted))
            return v[i].value;
    }
    return (struct str){NULL, 0};
}

static bool
is_grpc(struct str content_type)
{
    static const struct str ours = STR_INIT("application/grpc");
    if (!str_starts_with_nocase(content_type, ours))
        return false;
    return content_type.n == ours.n || content_type.p[ours.n] == '+' ||
           content_type.p[ours.n] == ';';
}

/* A path that has no route: whose fault it is. */
static void
refuse_path(struct grpc_server *server, struct h2_stream *s, struct str path)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    struct str service = str_skip(path, path.n > 0 && path.p[0] == '/');
    size_t slash = str_find_byte(service, '/');
    if (path.n == 0 || path.p[0] != '/' || slash == service.n) {
        buf_printf(&text, "malformed method name: \"%.*s\"", STR_FMT(path));
    } else {
        struct str name = str_skip(service, slash + 1);
        service.n = slash;
        if (map_get(&server->services, service))
            buf_printf(&text, "unknown method %.*s for service %.*s", STR_FMT(name),
                       STR_FMT(service));
        else
            buf_printf(&text, "unknown service %.*s", STR_FMT(service));
    }
    grpc_refuse(s, "200", GRPC_UNIMPLEMENTED, buf_str(&text));
}

static const struct grpc_route *
find_route(struct grpc_server *server, struct h2_stream *s, const struct h2_header *v, size_t n)
{
    struct str method = field(v, n, ":method"), path = field(v, n, ":path");
    if (!str_eq(method, STR("POST"))) {
        grpc_refuse(s, "405", GRPC_INTERNAL, STR("gRPC requests are sent by POST"));
        return NULL;
    }
    if (!is_grpc(field(v, n, "content-type"))) {
        grpc_refuse(s, "415", GRPC_INVALID_ARGUMENT, STR("invalid gRPC request content-type"));
        return NULL;
    }
    const struct grpc_route *route = map_get(&server->routes, path);
    if (!route)
        refuse_path(server, s, path);
    return route;
}

/* What may come back: as the request came, if the client says nothing else. */
static enum grpc_encoding
reply_encoding(enum grpc_encoding asked, struct str accepted)
{
    if (!accepted.p)
        return asked;
    while (accepted.n > 0) {
        if (str_eq(str_trim(str_split(&accepted, ',')), grpc_encoding_name(asked)))
            return asked;
    }
    return GRPC_IDENTITY;
}

static void
copy_metadata(struct grpc_call *c, const struct h2_header *v, size_t n)
{
    c->metadata = ARENA_ARRAY(&c->arena, struct h2_header, n);
    for (size_t i = 0; i < n; i++) {
        if (v[i].name.n > 0 && v[i].name.p[0] == ':')
            continue;
        c->metadata[c->metadata_count++] =
            (struct h2_header){arena_str(&c->arena, v[i].name), arena_str(&c->arena, v[i].value)};
    }
}

static size_t
bytes_of(const struct h2_header *v, size_t n)
{
    size_t bytes = GRPC_CALL_BYTES;
    for (size_t i = 0; i < n; i++)
        bytes += v[i].name.n + v[i].value.n + sizeof *v;
    return bytes;
}

static void
refused(struct grpc_call *c, enum grpc_refusal why)
{
    grpc_server_metrics_refused(c->part->server->metrics, why);
}

/* Encodings, deadline, memory: ERR_NONE, or how the call ends. */
static struct err
admit(struct grpc_call *c, const struct h2_header *v, size_t n)
{
    struct grpc_server *server = c->part->server;
    struct str encoding = field(v, n, "grpc-encoding"), timeout = field(v, n, "grpc-timeout");
    if (encoding.p && !grpc_encoding_parse(encoding, &c->request_encoding))
        return ERR(ERR_UNIMPLEMENTED, "no decompressor for grpc-encoding \"%.*s\"",
                   STR_FMT(encoding));
    c->reply_encoding = reply_encoding(c->request_encoding, field(v, n, "grpc-accept-encoding"));
    uint64_t timeout_ns = UINT64_MAX;
    if (timeout.p && !grpc_timeout_parse(timeout, &timeout_ns))
        return ERR(ERR_INTERNAL, "malformed grpc-timeout: \"%.*s\"", STR_FMT(timeout));
    if (timeout_ns < UINT64_MAX - c->start_ns)
        c->deadline_ns = c->start_ns + timeout_ns;
    if (c->route->method.keeps == GRPC_KEEPS_MESSAGE &&
        memory_limit_level(server->opts.memory) == MEMORY_FULL) {
        memory_limit_refused(server->opts.memory, MEMORY_REFUSED_WRITE);
        refused(c, GRPC_REFUSED_MEMORY);
        return ERR(ERR_UNAVAILABLE, "memory is full");
    }
    size_t bytes = bytes_of(v, n);
    if (!budget_take(grpc_budget(server), bytes)) {
        refused(c, GRPC_REFUSED_BUDGET);
        return ERR(ERR_UNAVAILABLE, "memory for calls in flight is used up");
    }
    c->charged_bytes = bytes;
    copy_metadata(c, v, n);
    return OK;
}

static struct grpc_call *
call_new(struct grpc_conn *conn, struct h2_stream *s, const struct grpc_route *route)
{
    struct grpc_call *c = mem_alloc_zero(sizeof *c);
    c->part = conn->part;
    c->route = route;
    c->conn = conn;
    c->stream = s;
    memcpy(c->peer, conn->peer, sizeof c->peer);
    c->start_ns = grpc_now_ns(c->part->server);
    c->deadline_ns = UINT64_MAX;
    arena_init(&c->arena, 0);
    lock_init(&c->lock, LOCK_RANK_GRPC_CALL);
    cond_init(&c->moved_cond);
    grpc_reader_init(&c->reader, route->method.message_bytes_max, grpc_budget(c->part->server));
    c->older = conn->calls;
    if (c->older)
        c->older->newer = c;
    conn->calls = c;
    conn->call_count++;
    c->part->calls++;
    metric_inc(route->metrics.started);
    return c;
}

void
grpc_call_on_request(struct grpc_conn *conn, struct h2_stream *s, const struct h2_header *v,
                     size_t n)
{
    struct grpc_server *server = conn->part->server;
    conn->spoke = true;
    /* Calls that were taken back cost until their handlers have seen it. */
    if (conn->call_count >= 2 * (size_t)server->opts.streams_max) {
        grpc_server_metrics_refused(server->metrics, GRPC_REFUSED_CALLS);
        h2_stream_reset(s, H2_REFUSED_STREAM);
        return;
    }
    const struct grpc_route *route = find_route(server, s, v, n);
    if (!route)
        return;
    struct grpc_call *c = call_new(conn, s, route);
    h2_stream_set_arg(s, c);
    struct err e = admit(c, v, n);
    if (e.code != ERR_NONE)
        grpc_call_end_err(c, e);
    else if (route->method.kind == GRPC_BIDI_STREAM)
        c->state = GRPC_CALL_HANDLING;
}

/* --- the handler ------------------------------------------------------------------------------ */

/* On a worker, or on the loop. */
static void
run_call(void *arg)
{
    struct grpc_call *c = arg;
    const struct grpc_method *m = &c->route->method;
    if (grpc_call_is_canceled(c)) {
        bool late = grpc_now_ns(c->part->server) >= c->deadline_ns;
        grpc_finish(c, late ? GRPC_DEADLINE_EXCEEDED : GRPC_CANCELED,
                    STR("nobody waits for the answer any more"));
        return;
    }
    struct err e = grpc_payload_decode(&c->payload, c->request_encoding, m->message_bytes_max);
    if (e.code != ERR_NONE)
        grpc_finish_err(c, e);
    else
        m->handler(m->arg, c);
}

static void
dispatch(struct grpc_call *c)
{
    struct pool *pool = c->route->method.pool;
    c->state = GRPC_CALL_HANDLING;
    if (!pool) {
        run_call(c);
    } else if (!pool_submit(pool, run_call, c)) {
        c->state = GRPC_CALL_READING; /* nobody else has it */
        refused(c, GRPC_REFUSED_QUEUE);
        grpc_call_end(c, GRPC_UNAVAILABLE, STR("too many calls are waiting"));
    }
}

/* --- the request's message -------------------------------------------------------------------- */

static void
end_reading(struct grpc_call *c, struct err e)
{
    if (e.code == ERR_TOO_LARGE)
        refused(c, GRPC_REFUSED_MESSAGE);
    else if (e.code == ERR_UNAVAILABLE)
        refused(c, GRPC_REFUSED_BUDGET);
    grpc_call_end_err(c, e);
}

static struct err
feed(struct grpc_call *c, struct str bytes)
{
    while (bytes.n > 0) {
        if (c->whole)
            return ERR(ERR_INTERNAL, "a second message in a call of one");
        TRY(grpc_reader_feed(&c->reader, &bytes, &c->whole));
        if (c->whole) {
            grpc_reader_take(&c->reader, &c->payload);
            metric_inc(c->route->metrics.received);
        }
    }
    return OK;
}

/* One message of a bidi stream. */
static void
run_bidi(struct grpc_call *c)
{
    const struct grpc_method *m = &c->route->method;
    grpc_reader_take(&c->reader, &c->payload);
    metric_inc(c->route->metrics.received);
    struct err e = grpc_payload_decode(&c->payload, c->request_encoding, m->message_bytes_max);
    if (e.code == ERR_NONE)
        m->handler(m->arg, c);
    else
        end_reading(c, e);
    grpc_payload_fini(&c->payload);
}

static bool
has_room(struct grpc_call *c)
{
    LOCKED(&c->lock);
    return !c->finished && c->unsent_bytes < GRPC_SEND_BYTES_MAX;
}

/* Takes what was held as long as the client reads its answers. */
static void
run_held(struct grpc_call *c)
{
    struct str rest = buf_str(&c->held);
    while (c->state == GRPC_CALL_HANDLING && rest.n > 0 && has_room(c)) {
        bool whole = false;
        struct err e = grpc_reader_feed(&c->reader, &rest, &whole);
        if (e.code != ERR_NONE) {
            end_reading(c, e);
            return;
        }
        if (whole)
            run_bidi(c);
    }
    size_t used = c->held.n - rest.n;
    if (c->state == GRPC_CALL_HANDLING && used > 0) {
        memmove(c->held.p, rest.p, rest.n);
        c->held.n = rest.n;
        c->charged_bytes -= used;
        budget_give_back(grpc_budget(c->part->server), used);
        h2_stream_consume(c->stream, used);
    }
    if (c->state != GRPC_CALL_HANDLING || !c->client_done || c->held.n > 0)
        return;
    if (grpc_reader_is_idle(&c->reader))
        grpc_call_end(c, GRPC_OK, STR(""));
    else
        grpc_call_end(c, GRPC_INTERNAL, STR("the client ended inside a message"));
}

void
grpc_call_on_data(struct grpc_call *c, struct str bytes)
{
    if (c->state == GRPC_CALL_HANDLING) {
        ASSERT(c->route->method.kind == GRPC_BIDI_STREAM); /* others have seen END_STREAM */
        buf_append(&c->held, bytes); /* at most the stream's window: it is not given back yet */
        c->charged_bytes += bytes.n;
        budget_charge(grpc_budget(c->part->server), bytes.n);
        run_held(c);
        return;
    }
    if (c->state == GRPC_CALL_READING) {
        c->read_bytes += bytes.n;
        struct err e = feed(c, bytes);
        if (e.code != ERR_NONE)
            end_reading(c, e);
    }
    h2_stream_consume(c->stream, bytes.n);
}

void
grpc_call_on_end(struct grpc_call *c)
{
    c->client_done = true;
    if (c->state == GRPC_CALL_HANDLING)
        run_held(c);
    else if (c->state == GRPC_CALL_READING && c->whole)
        dispatch(c);
    else if (c->state == GRPC_CALL_READING)
        grpc_call_end(c, GRPC_INTERNAL, STR("the client ended without a whole message"));
}

/* --- what happens meanwhile ------------------------------------------------------------------- */

void
grpc_call_on_sent(struct grpc_call *c, size_t bytes)
{
    if (c->conn)
        c->conn->spoke = true;
    {
        LOCKED(&c->lock);
        ASSERT(bytes <= c->unsent_bytes);
        c->unsent_bytes -= bytes;
        cond_broadcast(&c->moved_cond);
    }
    budget_give_back(grpc_budget(c->part->server), bytes);
    if (c->state == GRPC_CALL_HANDLING && c->route->method.kind == GRPC_BIDI_STREAM)
        run_held(c);
}

static void
cancel(struct grpc_call *c)
{
    atomic_store_explicit(&c->canceled, true, memory_order_relaxed);
    void (*tell)(void *, struct grpc_call *) = c->on_cancel;
    c->on_cancel = NULL;
    if (tell && c->state == GRPC_CALL_HANDLING)
        tell(c->on_cancel_arg, c);
}

/* Nothing more is sent: what waits is dropped, and whoever waits is woken. True: the handler has
 * the call no more. */
static bool
cut_output(struct grpc_call *c)
{
    LOCKED(&c->lock);
    c->gone = true;
    for (size_t i = 0; i < c->pending.n; i++)
        shared_unref(c->pending.v[i]);
    vec_clear(&c->pending);
    budget_give_back(grpc_budget(c->part->server), c->unsent_bytes);
    c->unsent_bytes = 0;
    cond_broadcast(&c->moved_cond);
    return c->finished;
}

void
grpc_call_on_close(struct grpc_call *c)
{
    c->stream = NULL;
    bool finished = cut_output(c);
    if (c->state == GRPC_CALL_HANDLING)
        cancel(c);
    bool ours = c->state == GRPC_CALL_READING || (c->state == GRPC_CALL_HANDLING && !finished &&
                                                  c->route->method.kind == GRPC_BIDI_STREAM);
    if (ours)
        grpc_call_end(c, GRPC_CANCELED, STR(""));
    else
        grpc_call_free(c);
}

void
grpc_call_check_deadline(struct grpc_call *c, uint64_t now_ns)
{
    bool late = now_ns >= c->deadline_ns;
    bool bidi = c->route->method.kind == GRPC_BIDI_STREAM;
    uint64_t limit_ns = c->part->server->opts.read_timeout_ms * 1000000 +
                        (uint64_t)c->read_bytes * 1000 / GRPC_RATE_BYTES_MIN * 1000000;
    bool slow = c->state == GRPC_CALL_READING && now_ns - c->start_ns >= limit_ns;
    if (slow && !late)
        refused(c, GRPC_REFUSED_TIMEOUT);
    if (c->state == GRPC_CALL_READING && (late || slow))
        grpc_call_end(c, GRPC_DEADLINE_EXCEEDED, STR("the request took too long to arrive"));
    else if (c->state == GRPC_CALL_HANDLING && late && bidi)
        grpc_call_end(c, GRPC_DEADLINE_EXCEEDED, STR("the deadline has passed"));
    else if (c->state == GRPC_CALL_HANDLING && late)
        cancel(c);
}

void
grpc_call_on_cancel(struct grpc_call *c, void (*fn)(void *arg, struct grpc_call *c), void *arg)
{
    ASSERT(loop_is_current(c->part->loop) && c->state == GRPC_CALL_HANDLING);
    c->on_cancel = fn;
    c->on_cancel_arg = arg;
}

/* --- accessors -------------------------------------------------------------------------------- */

struct str
grpc_call_message(struct grpc_call *c)
{
    return buf_str(&c->payload.bytes);
}

struct str
grpc_call_metadata(struct grpc_call *c, const char *name)
{
    return field(c->metadata, c->metadata_count, name);
}

struct arena *
grpc_call_arena(struct grpc_call *c)
{
    return &c->arena;
}

struct str
grpc_call_peer(struct grpc_call *c)
{
    return str_of_cstr(c->peer);
}

bool
grpc_call_is_canceled(struct grpc_call *c)
{
    return atomic_load_explicit(&c->canceled, memory_order_relaxed) ||
           grpc_now_ns(c->part->server) >= c->deadline_ns;
}

uint64_t
grpc_call_deadline_ns(struct grpc_call *c)
{
    return c->deadline_ns;
}
