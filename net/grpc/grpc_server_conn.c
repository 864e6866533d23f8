/* grpc_server_conn.c - a client's connection: streams in, calls out, and how it may end. */
#include "base/rand.h"
#include "net/grpc/grpc_server_int.h"
#include "net/transport.h"

#include <stdio.h>

enum {
    KEEPALIVE_MS = 2 * 60 * 1000, /* a client that says nothing for so long is asked */
    PING_STRIKES_MAX = 5,         /* PINGs in a row that came too early */
    AGE_VARIES_PART = 10,         /* connections that were opened at once do not all end at once */
};

static void
charge(struct grpc_conn *c, size_t bytes)
{
    budget_charge(grpc_budget(c->part->server), bytes);
    c->charged_bytes += bytes;
}

/* --- callbacks of h2_conn --------------------------------------------------------------------- */

static void
on_headers(void *arg, struct h2_stream *s, const struct h2_header *v, size_t n)
{
    struct grpc_conn *c = arg;
    if (!h2_stream_arg(s) && n > 0 && v[0].name.n > 0 && v[0].name.p[0] == ':')
        grpc_call_on_request(c, s, v, n);
    /* else trailers of a client: gRPC has none */
}

static void
on_data(void *arg, struct h2_stream *s, struct str bytes)
{
    (void)arg;
    struct grpc_call *call = h2_stream_arg(s);
    if (call)
        grpc_call_on_data(call, bytes);
    else
        h2_stream_consume(s, bytes.n); /* refused, and not yet heard of it */
}

static void
on_end(void *arg, struct h2_stream *s)
{
    (void)arg;
    struct grpc_call *call = h2_stream_arg(s);
    if (call)
        grpc_call_on_end(call);
}

static void
on_sent(void *arg, struct h2_stream *s, size_t bytes)
{
    (void)arg;
    struct grpc_call *call = h2_stream_arg(s);
    if (call)
        grpc_call_on_sent(call, bytes);
}

static void
on_stream_close(void *arg, struct h2_stream *s, uint32_t code)
{
    (void)arg, (void)code;
    struct grpc_call *call = h2_stream_arg(s);
    if (call)
        grpc_call_on_close(call);
}

/* As grpc-go does it, with half of the interval and more strikes: networks bunch PINGs together.
 * What we have sent since the last one sets the client free to measure the line. */
static bool
on_ping(void *arg)
{
    struct grpc_conn *c = arg;
    const struct grpc_server *server = c->part->server;
    uint64_t now_ns = grpc_now_ns(server);
    uint64_t min_ns = server->opts.keepalive_min_ms * 1000000 / 2;
    bool early = c->ping_ns > 0 && now_ns - c->ping_ns < min_ns;
    if (c->spoke)
        c->ping_strikes = 0;
    else if (early)
        c->ping_strikes++;
    c->spoke = false;
    c->ping_ns = now_ns;
    return c->ping_strikes <= PING_STRIKES_MAX;
}

static void
on_close(void *arg, struct err why)
{
    struct grpc_conn *c = arg;
    struct grpc_server *server = c->part->server;
    if (transport_handshake_failure(h2_conn_transport(c->h2)))
        grpc_server_metrics_refused(server->metrics, GRPC_REFUSED_TLS);
    else if (why.code == ERR_INVALID)
        grpc_server_metrics_refused(server->metrics, GRPC_REFUSED_PROTOCOL);
    else if (why.code == ERR_TIMEOUT)
        grpc_server_metrics_refused(server->metrics, GRPC_REFUSED_TIMEOUT);
    if (why.code != ERR_NONE)
        log_debug(server->opts.log, "gRPC connection ended", KV_CSTR("peer", c->peer), KV_ERR(why));
    err_drop(why);
    grpc_conn_close(c);
}

static const struct h2_ops conn_ops = {
    .on_headers = on_headers,
    .on_data = on_data,
    .on_end = on_end,
    .on_sent = on_sent,
    .on_stream_close = on_stream_close,
    .on_ping = on_ping,
    .on_close = on_close,
};

/* --- life cycle ------------------------------------------------------------------------------- */

void
grpc_conn_open(struct grpc_part *p, int fd, struct tls_session *tls, const char *peer)
{
    const struct grpc_server_opts *o = &p->server->opts;
    struct grpc_conn *c = mem_alloc_zero(sizeof *c);
    c->part = p;
    snprintf(c->peer, sizeof c->peer, "%s", peer);
    charge(c, tls ? GRPC_CONN_BYTES + GRPC_CONN_TLS_BYTES : GRPC_CONN_BYTES);
    struct rand_gen gen = rand_gen_of(grpc_now_ns(p->server));
    uint64_t varied_ms = rand_below(&gen, o->connection_age_ms / AGE_VARIES_PART + 1);
    struct h2_conn_opts h2 = {
        .role = H2_SERVER,
        .ops = &conn_ops,
        .arg = c,
        .clock = o->clock,
        .streams_max = o->streams_max,
        .stall_ms = o->stall_ms,
        .setup_ms = o->read_timeout_ms,
        .age_ms = o->connection_age_ms - varied_ms,
        .age_grace_ms = o->connection_age_grace_ms,
        .keepalive_ms = KEEPALIVE_MS,
    };
    c->h2 = h2_conn_open(&h2, p->loop, fd, tls);
    c->older = p->conns;
    if (c->older)
        c->older->newer = c;
    p->conns = c;
    grpc_server_metrics_conns_add(p->server->metrics, 1);
}

void
grpc_conn_close(struct grpc_conn *c)
{
    struct grpc_part *p = c->part;
    h2_conn_close(c->h2);
    for (struct grpc_call *call = c->calls; call; call = call->older)
        call->conn = NULL; /* their handlers still have them */
    if (c->older)
        c->older->newer = c->newer;
    *(c->newer ? &c->newer->older : &p->conns) = c->older;
    budget_give_back(grpc_budget(p->server), c->charged_bytes);
    mem_free(c);
    grpc_server_metrics_conns_add(p->server->metrics, -1);
    atomic_fetch_sub_explicit(&p->server->conns, 1, memory_order_relaxed);
    grpc_part_check_done(p);
}

void
grpc_conn_tick(struct grpc_conn *c, uint64_t now_ns)
{
    for (struct grpc_call *call = c->calls, *older; call; call = older) {
        older = call->older;
        grpc_call_check_deadline(call, now_ns);
    }
    h2_conn_tick(c->h2, now_ns);
}
