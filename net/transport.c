/* transport.c - non-blocking reads and writes of one socket, and which events to wait for.
 *
 * Why not a bufferevent: it copies a body through 4 KiB reads, each with its own wake-up, and
 * arms and disarms an event for every answer. Here a read goes straight into the place where
 * the bytes are wanted, and an answer that fits the socket's buffer costs one system call. */
#include "net/transport.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/assert.h"
#include "net/loop_int.h"
#include "net/tls_int.h"

enum { TLS_RECORD_BYTES = 16 << 10 }; /* the most that one record holds */

struct transport {
    /* configuration (immutable) */
    struct loop *loop;
    int fd;                  /* owned */
    struct tls_session *tls; /* owned; NULL: plain text */
    void (*on_ready)(void *arg);
    void *arg;
    /* state */
    struct event *readable, *writable;   /* owned; persistent */
    enum transport_input input;          /* the owner's wish */
    enum tls_need read_need, write_need; /* why the last call said IO_AGAIN */
    int errnum;                          /* of the call that broke it; 0: none */
    short armed;                         /* EV_READ | EV_WRITE: which events are added */
};

/* Adds and removes the two events so that exactly what can lead on wakes the loop. */
static void
transport_arm(struct transport *t)
{
    bool input = t->input == TRANSPORT_INPUT_ON;
    short want = 0;
    if ((input && t->read_need != TLS_NEED_OUTPUT) || t->write_need == TLS_NEED_INPUT)
        want |= EV_READ;
    if ((input && t->read_need == TLS_NEED_OUTPUT) || t->write_need == TLS_NEED_OUTPUT)
        want |= EV_WRITE;
    if ((want ^ t->armed) & EV_READ) {
        int failed = want & EV_READ ? event_add(t->readable, NULL) : event_del(t->readable);
        ASSERT(failed == 0);
    }
    if ((want ^ t->armed) & EV_WRITE) {
        int failed = want & EV_WRITE ? event_add(t->writable, NULL) : event_del(t->writable);
        ASSERT(failed == 0);
    }
    t->armed = want;
}

static void
transport_on_event(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    struct transport *t = arg;
    if (what & EV_WRITE) { /* whoever still needs output asks for it again */
        if (t->read_need == TLS_NEED_OUTPUT)
            t->read_need = TLS_NEED_NOTHING;
        if (t->write_need == TLS_NEED_OUTPUT)
            t->write_need = TLS_NEED_NOTHING;
        transport_arm(t);
    } else if (t->write_need == TLS_NEED_INPUT) {
        t->write_need = TLS_NEED_NOTHING;
        transport_arm(t);
    }
    t->on_ready(t->arg);
}

struct transport *
transport_open(struct loop *l, int fd, struct tls_session *tls, void (*on_ready)(void *arg),
               void *arg)
{
    ASSERT(loop_is_current(l));
    struct transport *t = mem_alloc_zero(sizeof *t);
    *t = (struct transport){.loop = l, .fd = fd, .tls = tls, .on_ready = on_ready, .arg = arg};
    t->readable = event_new(loop_base(l), fd, EV_READ | EV_PERSIST, transport_on_event, t);
    t->writable = event_new(loop_base(l), fd, EV_WRITE | EV_PERSIST, transport_on_event, t);
    ASSERT(t->readable && t->writable); /* fails only for want of memory */
    return t;
}

void
transport_close(struct transport *t)
{
    if (!t)
        return;
    ASSERT(loop_is_current(t->loop));
    event_free(t->readable);
    event_free(t->writable);
    tls_session_close(t->tls);
    close(t->fd);
    mem_free(t);
}

static enum io
io_of_result(struct transport *t, ssize_t n, size_t *ret_n)
{
    if (n > 0) {
        *ret_n = (size_t)n;
        return IO_OK;
    }
    if (n == 0)
        return IO_END;
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
        return IO_AGAIN;
    t->errnum = errno;
    return IO_FAILED;
}

enum io
transport_read(struct transport *t, char *to, size_t n, size_t *ret_n)
{
    ASSERT(n > 0);
    if (t->tls) {
        enum io io = tls_session_read(t->tls, to, n, ret_n, &t->read_need);
        transport_arm(t);
        return io;
    }
    return io_of_result(t, recv(t->fd, to, n, 0), ret_n);
}

static enum io
transport_write_plain(struct transport *t, struct str first, struct str second, size_t *ret_n)
{
    struct iovec parts[2];
    struct msghdr message = {.msg_iov = parts};
    if (first.n > 0)
        parts[message.msg_iovlen++] = (struct iovec){(void *)(uintptr_t)first.p, first.n};
    if (second.n > 0)
        parts[message.msg_iovlen++] = (struct iovec){(void *)(uintptr_t)second.p, second.n};
    enum io io = io_of_result(t, sendmsg(t->fd, &message, MSG_NOSIGNAL), ret_n);
    t->write_need = io == IO_AGAIN ? TLS_NEED_OUTPUT : TLS_NEED_NOTHING;
    return io;
}

/* A small answer goes out as one TLS record; after IO_AGAIN the same bytes come again, as
 * OpenSSL wants it. */
static enum io
transport_write_tls(struct transport *t, struct str first, struct str second, size_t *ret_n)
{
    char joined[TLS_RECORD_BYTES];
    struct str bytes = first.n > 0 ? first : second;
    if (first.n > 0 && second.n > 0 && first.n + second.n <= sizeof joined) {
        memcpy(joined, first.p, first.n);
        memcpy(joined + first.n, second.p, second.n);
        bytes = str_of(joined, first.n + second.n);
    }
    return tls_session_write(t->tls, bytes, ret_n, &t->write_need);
}

enum io
transport_write(struct transport *t, struct str first, struct str second, size_t *ret_n)
{
    ASSERT(first.n + second.n > 0);
    enum io io = t->tls ? transport_write_tls(t, first, second, ret_n)
                        : transport_write_plain(t, first, second, ret_n);
    transport_arm(t);
    return io;
}

const char *
transport_failure(const struct transport *t)
{
    return t->errnum ? strerrordesc_np(t->errnum) : NULL;
}

const char *
transport_handshake_failure(const struct transport *t)
{
    return t->tls ? tls_session_failure(t->tls) : NULL;
}

void
transport_peer_subject(struct transport *t, struct arena *a,
                       struct str ret_fields[TLS_SUBJECT_FIELD_COUNT])
{
    if (t->tls)
        tls_session_subject(t->tls, a, ret_fields);
    else
        memset(ret_fields, 0, TLS_SUBJECT_FIELD_COUNT * sizeof *ret_fields);
}

void
transport_shut_output(struct transport *t)
{
    if (t->tls)
        tls_session_shut(t->tls);
    shutdown(t->fd, SHUT_WR); /* fails when the other side is gone: as good */
}

void
transport_reset_on_close(struct transport *t)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(t->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now); /* best effort */
}

void
transport_want(struct transport *t, enum transport_input input)
{
    t->input = input;
    transport_arm(t);
}

void
transport_wake(struct transport *t)
{
    event_active(t->readable, EV_READ, 0);
}
