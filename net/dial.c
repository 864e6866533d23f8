/* dial.c - a thread for the name, a race of the addresses.
 *
 * getaddrinfo() may take as long as it likes and cannot be interrupted, so its thread is nobody's:
 * a dial that is canceled leaves it, and what it finds is dropped. It reaches the loop only while
 * the dial waits, under a lock that dial_cancel() takes, so that it never posts to a loop that is
 * gone. */
#include "net/dial.h"

#include <errno.h>
#include <event2/event.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/log.h"
#include "base/vec.h"
#include "net/listen.h"
#include "net/loop_int.h"
#include "net/tls_client.h"

struct lookup {
    _Atomic(unsigned) refs; /* the dial's and the thread's; relaxed up, acq_rel down */
    struct loop *loop;
    struct dial_target target;
    struct tls_client *tls; /* one reference; NULL: none */
    struct lock lock;
    struct dial *dial GUARDED_BY(lock); /* who waits; NULL: nobody any more */
    /* written by the thread, read by the loop behind the post */
    struct err why;
    struct err stale;       /* the files of `tls` could not be read again */
    struct addrinfo *found; /* owned */
};

/* A connection that is being made; in dial->attempts. */
struct attempt {
    struct dial *dial;
    int fd;              /* owned */
    struct event *ready; /* owned */
};
VEC_TYPE(attempts, struct attempt *);

struct dial {
    /* configuration (immutable) */
    struct dial_opts opts; /* `target` and `tls` are the look-up's */
    void (*done)(void *arg, struct err why, int fd);
    void *arg;
    /* state */
    struct lookup *lookup;
    const struct addrinfo *next; /* address to try */
    unsigned tried;
    struct attempts attempts;
    struct err why; /* of the last address that failed; owned */
    struct loop_timer *timeout, *stagger;
};

struct err
dial_target_parse(struct str address, struct dial_target *ret_target)
{
    struct str host = {0}, port = {0};
    TRY(listen_split_address(address, &host, &port));
    struct dial_target t;
    if (host.n >= sizeof t.host || port.n >= sizeof t.port || memchr(address.p, 0, address.n))
        return ERR(ERR_INVALID, "address \"%.*s\": malformed", STR_FMT(address));
    snprintf(t.host, sizeof t.host, "%.*s", STR_FMT(host));
    snprintf(t.port, sizeof t.port, "%.*s", STR_FMT(port));
    *ret_target = t;
    return OK;
}

/* --- the name --------------------------------------------------------------------------------- */

static void
lookup_unref(struct lookup *l)
{
    if (atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) != 1)
        return;
    tls_client_close(l->tls);
    if (l->found)
        freeaddrinfo(l->found);
    err_drop(l->why);
    err_drop(l->stale);
    lock_fini(&l->lock);
    mem_free(l);
}

static struct err
lookup_run(struct lookup *l)
{
    if (l->tls)
        l->stale = tls_client_refresh(l->tls);
    const char *host = l->target.host;
    struct addrinfo hints = {.ai_flags = AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    int failed = getaddrinfo(host[0] ? host : NULL, l->target.port, &hints, &l->found);
    return failed ? ERR(ERR_UNAVAILABLE, "look up \"%s\": %s", host, gai_strerror(failed)) : OK;
}

static void on_found(void *arg);

static void *
lookup_main(void *arg)
{
    struct lookup *l = arg;
    l->why = lookup_run(l);
    {
        LOCKED(&l->lock);
        if (l->dial) {
            atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed); /* the post's */
            loop_post(l->loop, on_found, l);
        }
    }
    lookup_unref(l);
    return NULL;
}

static struct err
lookup_start(struct lookup *l)
{
    sigset_t all, old;
    pthread_attr_t detached;
    pthread_t thread;
    sigfillset(&all);
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed); /* the thread's */
    int errnum = pthread_create(&thread, &detached, lookup_main, l);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&detached);
    if (errnum == 0)
        return OK;
    lookup_unref(l);
    return ERR(ERR_UNAVAILABLE, "no thread to look up \"%s\"", l->target.host);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void
attempt_free(struct attempt *a)
{
    event_free(a->ready);
    if (a->fd >= 0)
        close(a->fd);
    mem_free(a);
}

static void
dial_free(struct dial *d)
{
    {
        LOCKED(&d->lookup->lock);
        d->lookup->dial = NULL;
    }
    lookup_unref(d->lookup);
    vec_each (&d->attempts, a)
        attempt_free(*a);
    vec_fini(&d->attempts);
    loop_timer_free(d->timeout);
    loop_timer_free(d->stagger);
    err_drop(d->why);
    mem_free(d);
}

void
dial_cancel(struct dial *d)
{
    if (d)
        dial_free(d);
}

/* Takes `why` and `fd`. */
static void
dial_finish(struct dial *d, struct err why, int fd)
{
    void (*done)(void *arg, struct err why, int fd) = d->done;
    void *arg = d->arg;
    dial_free(d);
    done(arg, why, fd);
}

static void
on_timeout(void *arg)
{
    struct dial *d = arg;
    dial_finish(d,
                ERR(ERR_TIMEOUT, "no connection within %ju ms%s%s", (uintmax_t)d->opts.timeout_ms,
                    d->why.code ? "; " : "", d->why.code ? err_text(&d->why) : ""),
                -1);
}

/* --- the addresses ---------------------------------------------------------------------------- */

static void try_next(struct dial *d);

static void
note_failure(struct dial *d, int errnum, const struct addrinfo *to)
{
    char shown[80];
    listen_format_peer(to->ai_addr, shown, sizeof shown);
    err_drop(d->why);
    d->why = ERR(ERR_UNAVAILABLE, "connect to %s: %s", shown, strerror(errnum));
}

static void
on_connected(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct attempt *a = arg;
    struct dial *d = a->dial;
    int errnum = 0;
    socklen_t bytes = sizeof errnum;
    int failed = getsockopt(fd, SOL_SOCKET, SO_ERROR, &errnum, &bytes);
    ASSERT(failed == 0);
    if (errnum == 0) {
        a->fd = -1; /* the callee's */
        dial_finish(d, OK, fd);
        return;
    }
    err_drop(d->why);
    d->why = ERR(ERR_UNAVAILABLE, "connect to %s:%s: %s", d->lookup->target.host,
                 d->lookup->target.port, strerror(errnum));
    for (size_t i = 0; i < d->attempts.n; i++) {
        if (d->attempts.v[i] != a)
            continue;
        d->attempts.v[i] = vec_pop(&d->attempts);
        break;
    }
    attempt_free(a);
    try_next(d);
}

/* 0, or an errno value. */
static int
attempt_start(struct dial *d, const struct addrinfo *to)
{
    int on = 1;
    int fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, to->ai_addr, to->ai_addrlen) != 0 && errno != EINPROGRESS) {
        int errnum = errno;
        close(fd);
        return errnum;
    }
    struct attempt *a = mem_alloc_zero(sizeof *a);
    *a = (struct attempt){.dial = d, .fd = fd};
    a->ready = event_new(loop_base(d->opts.loop), fd, EV_WRITE, on_connected, a);
    ASSERT(a->ready); /* both fail only for want of memory */
    int failed = event_add(a->ready, NULL);
    ASSERT(failed == 0);
    vec_push(&d->attempts, a);
    return 0;
}

/* Begins with the next address that can be tried; without one left, and with none under way, the
 * dial has failed. */
static void
try_next(struct dial *d)
{
    loop_alarm_clear(d->stagger);
    while (d->next && d->tried < DIAL_ADDRESSES_MAX) {
        const struct addrinfo *to = d->next;
        d->next = to->ai_next;
        d->tried++;
        int errnum = attempt_start(d, to);
        if (errnum == 0) {
            loop_alarm_set(d->stagger, DIAL_STAGGER_MS);
            return;
        }
        note_failure(d, errnum, to);
    }
    if (d->attempts.n > 0)
        return;
    struct err why = d->why;
    d->why = OK;
    dial_finish(d, why, -1);
}

static void
on_stagger(void *arg)
{
    try_next(arg);
}

static void
on_found(void *arg)
{
    struct lookup *l = arg;
    struct dial *d;
    {
        LOCKED(&l->lock);
        d = l->dial;
    }
    if (d && l->stale.code != ERR_NONE)
        log_warn(d->opts.log, "TLS files cannot be read again; what was read before is used",
                 KV_CSTR("host", l->target.host), KV_ERR(l->stale));
    if (d && l->why.code != ERR_NONE) {
        struct err why = l->why;
        l->why = OK;
        dial_finish(d, why, -1);
    } else if (d) {
        d->next = l->found;
        try_next(d);
    }
    lookup_unref(l);
}

struct dial *
dial_start(const struct dial_opts *opts, void (*done)(void *arg, struct err why, int fd), void *arg)
{
    ASSERT(loop_is_current(opts->loop));
    struct lookup *l = mem_alloc_zero(sizeof *l);
    struct dial *d = mem_alloc_zero(sizeof *d);
    *d = (struct dial){.opts = *opts, .done = done, .arg = arg, .lookup = l};
    atomic_init(&l->refs, 1);
    lock_init(&l->lock, LOCK_RANK_DIAL);
    l->loop = opts->loop;
    l->target = *opts->target;
    l->tls = opts->tls ? tls_client_ref(opts->tls) : NULL;
    l->dial = d;
    d->timeout = loop_alarm_new(opts->loop, on_timeout, d);
    d->stagger = loop_alarm_new(opts->loop, on_stagger, d);
    loop_alarm_set(d->timeout, opts->timeout_ms);
    struct err e = lookup_start(l);
    if (e.code != ERR_NONE) {
        d->why = e;
        loop_alarm_set(d->stagger, 0); /* finds no address: failed, in the loop's next turn */
    }
    return d;
}
