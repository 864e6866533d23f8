/* grpc_server.c - start, accept, stop. One part a loop; parts share nothing but counters.
 *
 * Stopping: every part frees its listener and drains its connections; after the grace time they are
 * cut. Handlers may still hold calls then, so the server waits until the last has finished: only
 * then nobody can reach it any more. */
#include "net/grpc/grpc_server.h"

#include "base/assert.h"
#include "net/grpc/grpc_server_int.h"
#include "net/acceptor.h"
#include "net/listen.h"

enum {
    CONNECTIONS_MAX_DEFAULT = 10000,
    STREAMS_MAX_DEFAULT = 1024,
    AGE_MS_DEFAULT = 60 * 60 * 1000,
    AGE_GRACE_MS_DEFAULT = 10 * 60 * 1000,
    KEEPALIVE_MIN_MS_DEFAULT = 10 * 1000,
    READ_TIMEOUT_MS_DEFAULT = 30 * 1000,
    STALL_MS_DEFAULT = 60 * 1000,
    TICK_MS_MIN = 10,
    TICK_MS_MAX = 500,
};

static void
set_defaults(struct grpc_server_opts *o)
{
#define DEFAULT(field, value) o->field = o->field ? o->field : (value)
    DEFAULT(connections_max, CONNECTIONS_MAX_DEFAULT);
    DEFAULT(streams_max, STREAMS_MAX_DEFAULT);
    DEFAULT(connection_age_ms, AGE_MS_DEFAULT);
    DEFAULT(connection_age_grace_ms, AGE_GRACE_MS_DEFAULT);
    DEFAULT(keepalive_min_ms, KEEPALIVE_MIN_MS_DEFAULT);
    DEFAULT(read_timeout_ms, READ_TIMEOUT_MS_DEFAULT);
    DEFAULT(stall_ms, STALL_MS_DEFAULT);
#undef DEFAULT
}

/* --- the table of methods --------------------------------------------------------------------- */

static const char *
kind_label(enum grpc_kind kind)
{
    switch (kind) {
    case GRPC_UNARY:
        return "unary";
    case GRPC_SERVER_STREAM:
        return "server_stream";
    case GRPC_BIDI_STREAM:
        return "bidi_stream";
    }
    UNREACHABLE("not a kind of call");
}

static void
add_method(struct grpc_server *s, const struct grpc_method *m)
{
    ASSERT(m->kind != GRPC_BIDI_STREAM || !m->pool);
    struct grpc_route *r = mem_alloc_zero(sizeof *r);
    r->method = *m;
    /* What the budget can never give is refused by its prefix, too. */
    size_t max = m->pool ? size_min(GRPC_MESSAGE_BYTES_MAX, budget_large_max(grpc_budget(s)))
                         : GRPC_LOOP_MESSAGE_BYTES_MAX;
    r->method.message_bytes_max = m->message_bytes_max ? size_min(m->message_bytes_max, max) : max;
    grpc_server_metrics_route(s->metrics, kind_label(m->kind), m->service, m->name, &r->metrics);
    AUTO(buf_fini) struct buf path = BUF_INIT;
    buf_printf(&path, "/%s/%s", m->service, m->name);
    struct grpc_route *twin = map_put(&s->routes, buf_str(&path), r);
    ASSERT(!twin); /* a method stands in the table once */
    map_put(&s->services, str_of_cstr(m->service), s);
}

static void
add_methods(struct grpc_server *s)
{
    map_init(&s->routes, MAP_KEYS_COPIED);
    map_init(&s->services, MAP_KEYS_COPIED);
    struct grpc_method own;
    for (size_t i = 0; i < s->opts.method_count; i++)
        add_method(s, &s->opts.methods[i]);
    for (size_t i = 0; i < grpc_health_method_count; i++) {
        own = grpc_health_methods[i];
        own.arg = s->health;
        add_method(s, &own);
    }
    for (size_t i = 0; i < grpc_reflection_method_count; i++) {
        own = grpc_reflection_methods[i];
        own.arg = s;
        add_method(s, &own);
    }
}

/* --- a part --------------------------------------------------------------------------------- */

static void
on_conn(void *arg, int fd, struct tls_session *tls, const char *peer)
{
    grpc_conn_open(arg, fd, tls, peer);
}

static void
on_refused(void *arg)
{
    const struct grpc_part *p = arg;
    grpc_server_metrics_refused(p->server->metrics, GRPC_REFUSED_CONNECTIONS);
}

static void
on_tick(void *arg)
{
    struct grpc_part *p = arg;
    uint64_t now_ns = grpc_now_ns(p->server);
    if (p->acceptor)
        acceptor_tick(p->acceptor);
    for (struct grpc_conn *c = p->conns, *older; c; c = older) {
        older = c->older;
        grpc_conn_tick(c, now_ns);
    }
}

/* --- life cycle ------------------------------------------------------------------------------- */

struct part_start {
    struct grpc_part *part;
    int fd;
    uint64_t tick_ms;
};

static void
part_start(void *arg)
{
    struct part_start *start = arg;
    struct grpc_part *p = start->part;
    struct grpc_server *s = p->server;
    p->acceptor = acceptor_open(&(struct acceptor_opts){
        .loop = p->loop,
        .fd = start->fd,
        .tls = s->opts.tls,
        .log = s->opts.log,
        .what = "gRPC",
        .connections_max = s->opts.connections_max,
        .connections = &s->conns,
        .on_conn = on_conn,
        .on_refused = on_refused,
        .arg = p,
    });
    p->tick = loop_timer_new(p->loop, start->tick_ms, on_tick, p);
}

static void
part_stop(void *arg)
{
    struct grpc_part *p = arg;
    ASSERT(!p->conns && p->calls == 0);
    loop_timer_free(p->tick);
}

void
grpc_part_check_done(struct grpc_part *p)
{
    if (!p->draining || p->conns || p->calls > 0)
        return;
    LOCKED(&p->server->lock);
    p->done = true;
    cond_broadcast(&p->server->done_cond);
}

static void
part_drain(void *arg)
{
    struct grpc_part *p = arg;
    p->draining = true;
    acceptor_close(TAKE(p->acceptor));
    for (struct grpc_conn *c = p->conns; c; c = c->older)
        h2_conn_drain(c->h2);
    grpc_part_check_done(p);
}

static void
part_cut(void *arg)
{
    struct grpc_part *p = arg;
    while (p->conns)
        grpc_conn_close(p->conns);
}

/* What needs no socket. */
static struct err
prepare(const struct grpc_server_opts *opts, struct grpc_server *s)
{
    s->opts = *opts;
    s->opts.address = (struct str){NULL, 0}; /* not ours to keep */
    set_defaults(&s->opts);
    if (!opts->memory) {
        memory_limit_init(&s->own_memory, 0, opts->clock, NULL, NULL);
        s->opts.memory = &s->own_memory;
    }
    TRY(grpc_descriptors_open(opts->descriptors, &s->descriptors));
    s->metrics = grpc_server_metrics_open(opts->metrics);
    s->health = grpc_health_open(s);
    add_methods(s);
    lock_init(&s->lock, LOCK_RANK_GRPC_SERVER);
    cond_init(&s->done_cond);
    return OK;
}

static void
free_server(struct grpc_server *s)
{
    struct map_entry e = MAP_START;
    while (map_next(&s->routes, &e))
        mem_free(e.value);
    map_fini(&s->routes);
    map_fini(&s->services);
    grpc_health_close(s->health);
    grpc_descriptors_close(s->descriptors);
    grpc_server_metrics_close(s->metrics);
    cond_fini(&s->done_cond);
    lock_fini(&s->lock);
    mem_free(s->parts);
    mem_free(s);
}

static void
start_parts(struct grpc_server *s, const int *fds, unsigned count)
{
    s->part_count = count;
    s->parts = mem_array_zero(count, sizeof *s->parts);
    uint64_t least_ms = u64_min(s->opts.read_timeout_ms, s->opts.stall_ms);
    for (unsigned i = 0; i < count; i++) {
        struct grpc_part *p = &s->parts[i];
        p->server = s;
        p->loop = loops_at(s->opts.loops, i);
        struct part_start start = {p, fds[i], u64_min(TICK_MS_MAX, least_ms / 8 + TICK_MS_MIN)};
        loop_call(p->loop, part_start, &start);
    }
}

struct err
grpc_server_start(const struct grpc_server_opts *opts, struct grpc_server **ret_server)
{
    struct grpc_server *s = mem_alloc_zero(sizeof *s);
    struct err e = prepare(opts, s);
    if (e.code != ERR_NONE) {
        mem_free(s);
        return e;
    }
    unsigned count = loops_count(opts->loops);
    AUTO(mem_free) int *fds = mem_array_zero(count, sizeof *fds);
    e = listen_open(opts->address, fds, count, &s->port);
    if (e.code != ERR_NONE) {
        free_server(s);
        return e;
    }
    start_parts(s, fds, count);
    *ret_server = s;
    return OK;
}

unsigned
grpc_server_port(const struct grpc_server *s)
{
    return s->port;
}

void
grpc_server_set_serving(struct grpc_server *s, bool serving)
{
    grpc_health_set(s->health, serving);
}

static bool
all_done(const struct grpc_server *s)
{
    for (unsigned i = 0; i < s->part_count; i++) {
        if (!s->parts[i].done)
            return false;
    }
    return true;
}

static void
call_parts(struct grpc_server *s, void (*fn)(void *part))
{
    for (unsigned i = 0; i < s->part_count; i++)
        loop_call(s->parts[i].loop, fn, &s->parts[i]);
}

void
grpc_server_stop(struct grpc_server *s, uint64_t grace_ms)
{
    if (!s)
        return;
    uint64_t cut_ns = clock_mono_ns(clock_system()) + grace_ms * 1000000;
    grpc_health_shut(s->health);
    call_parts(s, part_drain);
    {
        LOCKED(&s->lock);
        while (!all_done(s) && cond_wait_until(&s->done_cond, &s->lock, cut_ns))
            ;
    }
    call_parts(s, part_cut);
    {
        LOCKED(&s->lock);
        while (!all_done(s)) /* handlers see that they are canceled */
            cond_wait(&s->done_cond, &s->lock);
    }
    call_parts(s, part_stop);
    free_server(s);
}
