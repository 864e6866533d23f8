/* http_server.c - start, accept, stop. One part a loop; parts share nothing but counters.
 *
 * Stopping: every part frees its listener and closes its idle connections, the rest finish;
 * after the grace time they are cut. Handlers may still hold requests then, so the server
 * waits until the last has answered: only then nobody can reach it any more. */
#include "net/http_int.h"

#include "base/assert.h"
#include "base/mem.h"
#include "net/acceptor.h"
#include "net/listen.h"

enum {
    CONNECTIONS_MAX_DEFAULT = 10000,
    HEADER_BYTES_MAX_DEFAULT = 64 << 10,
    READ_TIMEOUT_MS_DEFAULT = 30 * 1000,
    IDLE_TIMEOUT_MS_DEFAULT = 180 * 1000,
    WRITE_TIMEOUT_MS_DEFAULT = 30 * 1000,
    REQUEST_TIMEOUT_MS_DEFAULT = 120 * 1000,
    TICK_MS_MIN = 10,
    TICK_MS_MAX = 1000,
};

static void
set_defaults(struct http_server_opts *o)
{
#define DEFAULT(field, value) o->field = o->field ? o->field : (value)
    DEFAULT(connections_max, CONNECTIONS_MAX_DEFAULT);
    DEFAULT(header_bytes_max, HEADER_BYTES_MAX_DEFAULT);
    DEFAULT(read_timeout_ms, READ_TIMEOUT_MS_DEFAULT);
    DEFAULT(idle_timeout_ms, IDLE_TIMEOUT_MS_DEFAULT);
    DEFAULT(write_timeout_ms, WRITE_TIMEOUT_MS_DEFAULT);
    DEFAULT(request_timeout_ms, REQUEST_TIMEOUT_MS_DEFAULT);
    DEFAULT(tenant_header, "THANOS-TENANT");
    DEFAULT(default_tenant, "default-tenant");
#undef DEFAULT
}

/* --- a part --------------------------------------------------------------------------------- */

static void
on_conn(void *arg, int fd, struct tls_session *tls, const char *peer)
{
    http_conn_open(arg, fd, tls, peer);
}

static void
on_refused(void *arg)
{
    const struct http_part *p = arg;
    http_metrics_refused(p->server->metrics, HTTP_REFUSAL_CONNECTIONS);
}

static void
on_tick(void *arg)
{
    struct http_part *p = arg;
    uint64_t now_ns = http_server_now_ns(p->server);
    if (p->acceptor)
        acceptor_tick(p->acceptor);
    for (struct http_conn *c = p->conns, *older; c; c = older) {
        older = c->older;
        http_conn_check_deadline(c, now_ns);
    }
}

/* --- life cycle ----------------------------------------------------------------------------- */

struct part_start {
    struct http_part *part;
    int fd;
    uint64_t tick_ms;
};

static void
part_start(void *arg)
{
    struct part_start *start = arg;
    struct http_part *p = start->part;
    struct http_server *s = p->server;
    p->acceptor = acceptor_open(&(struct acceptor_opts){
        .loop = p->loop,
        .fd = start->fd,
        .tls = s->opts.tls,
        .log = s->opts.log,
        .what = "HTTP",
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
    struct http_part *p = arg;
    ASSERT(!p->conns && p->requests == 0);
    loop_timer_free(p->tick);
}

void
http_part_check_done(struct http_part *p)
{
    if (!p->draining || p->conns || p->requests > 0)
        return;
    LOCKED(&p->server->lock);
    p->done = true;
    cond_broadcast(&p->server->done_cond);
}

static void
part_drain(void *arg)
{
    struct http_part *p = arg;
    p->draining = true;
    acceptor_close(TAKE(p->acceptor));
    for (struct http_conn *c = p->conns, *older; c; c = older) {
        older = c->older;
        if (http_conn_is_idle(c))
            http_conn_close(c);
    }
    http_part_check_done(p);
}

static void
part_cut(void *arg)
{
    struct http_part *p = arg;
    while (p->conns)
        http_conn_close(p->conns);
}

struct err
http_server_start(const struct http_server_opts *opts, struct http_server **ret_server)
{
    unsigned count = loops_count(opts->loops);
    int *fds = mem_array_zero(count, sizeof *fds);
    unsigned port;
    struct err e = listen_open(opts->address, fds, count, &port);
    if (e.code != ERR_NONE) {
        mem_free(fds);
        return e;
    }
    struct http_server *s = mem_alloc_zero(sizeof *s);
    s->opts = *opts;
    s->opts.address = (struct str){NULL, 0}; /* not ours to keep */
    set_defaults(&s->opts);
    if (!opts->memory) {
        memory_limit_init(&s->own_memory, 0, opts->clock, NULL, NULL);
        s->opts.memory = &s->own_memory;
    }
    s->port = port;
    s->metrics = http_metrics_open(opts->metrics);
    lock_init(&s->lock, LOCK_RANK_HTTP_SERVER);
    cond_init(&s->done_cond);
    s->part_count = count;
    s->parts = mem_array_zero(count, sizeof *s->parts);
    uint64_t least_ms = u64_min(u64_min(s->opts.read_timeout_ms, s->opts.idle_timeout_ms),
                                s->opts.write_timeout_ms);
    for (unsigned i = 0; i < count; i++) {
        struct http_part *p = &s->parts[i];
        p->server = s;
        p->loop = loops_at(opts->loops, i);
        struct part_start start = {p, fds[i], least_ms / 8};
        start.tick_ms = u64_min(TICK_MS_MAX, start.tick_ms + TICK_MS_MIN);
        loop_call(p->loop, part_start, &start);
    }
    mem_free(fds);
    *ret_server = s;
    return OK;
}

unsigned
http_server_port(const struct http_server *s)
{
    return s->port;
}

static bool
all_done(const struct http_server *s)
{
    for (unsigned i = 0; i < s->part_count; i++) {
        if (!s->parts[i].done)
            return false;
    }
    return true;
}

static void
call_parts(struct http_server *s, void (*fn)(void *part))
{
    for (unsigned i = 0; i < s->part_count; i++)
        loop_call(s->parts[i].loop, fn, &s->parts[i]);
}

void
http_server_stop(struct http_server *s, uint64_t grace_ms)
{
    if (!s)
        return;
    uint64_t cut_ns = clock_mono_ns(clock_system()) + grace_ms * 1000000;
    call_parts(s, part_drain);
    {
        LOCKED(&s->lock);
        while (!all_done(s) && cond_wait_until(&s->done_cond, &s->lock, cut_ns))
            ;
    }
    call_parts(s, part_cut);
    {
        LOCKED(&s->lock);
        while (!all_done(s)) /* handlers see http_canceled(), and have a deadline */
            cond_wait(&s->done_cond, &s->lock);
    }
    call_parts(s, part_stop);
    http_metrics_close(s->metrics);
    cond_fini(&s->done_cond);
    lock_fini(&s->lock);
    mem_free(s->parts);
    mem_free(s);
}
