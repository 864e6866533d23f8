/* acceptor.c - a listener of libevent, its limit, and its pauses. */
#include "net/acceptor.h"

#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/mem.h"
#include "net/listen.h"
#include "net/loop_int.h"
#include "net/tls_int.h"

struct acceptor {
    struct acceptor_opts opts;
    struct evconnlistener *listener;
    bool paused; /* out of file descriptors: the next tick tries again */
};

static void
on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer, int bytes,
          void *arg)
{
    (void)listener, (void)bytes;
    struct acceptor *a = arg;
    const struct acceptor_opts *o = &a->opts;
    size_t before = atomic_fetch_add_explicit(o->connections, 1, memory_order_relaxed);
    struct tls_session *tls = NULL;
    if (before < o->connections_max && o->tls)
        tls = tls_session_open(o->tls, fd);
    if (before >= o->connections_max || (o->tls && !tls)) {
        o->on_refused(o->arg);
        atomic_fetch_sub_explicit(o->connections, 1, memory_order_relaxed);
        close(fd);
        return;
    }
    int on = 1; /* answers are written whole: nothing is gained by waiting for more */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    char text[64];
    listen_format_peer(peer, text, sizeof text);
    o->on_conn(o->arg, fd, tls, text);
}

/* Out of descriptors or memory: without a pause the loop would spin on the same error. */
static void
on_error(struct evconnlistener *listener, void *arg)
{
    struct acceptor *a = arg;
    evconnlistener_disable(listener);
    a->paused = true;
    log_error(a->opts.log, "cannot accept connections, pausing", KV_CSTR("server", a->opts.what),
              KV_CSTR("err", evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR())));
}

struct acceptor *
acceptor_open(const struct acceptor_opts *opts)
{
    ASSERT(loop_is_current(opts->loop));
    struct acceptor *a = mem_alloc_zero(sizeof *a);
    a->opts = *opts;
    a->listener = evconnlistener_new(loop_base(opts->loop), on_accept, a,
                                     LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, opts->fd);
    ASSERT(a->listener); /* fails only for want of memory: the socket listens already */
    evconnlistener_set_error_cb(a->listener, on_error);
    return a;
}

void
acceptor_close(struct acceptor *a)
{
    if (!a)
        return;
    evconnlistener_free(a->listener);
    mem_free(a);
}

void
acceptor_tick(struct acceptor *a)
{
    if (!a->paused)
        return;
    a->paused = false;
    evconnlistener_enable(a->listener);
}
