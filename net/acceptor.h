/* acceptor.h - the connections of one listening socket, as they come; several acceptors share a
 * limit. Threads: loop. */
#pragma once
#include <stdatomic.h>
#include <stddef.h>

#include "base/log.h"
#include "net/loop.h"

struct acceptor;
struct tls_server;  /* tls.h */
struct tls_session; /* tls_int.h */

struct acceptor_opts {
    struct loop *loop;
    int fd;                 /* listening, non-blocking; taken */
    struct tls_server *tls; /* NULL: plain text; borrowed for life, as what follows */
    struct log *log;        /* may be NULL */
    const char *what;       /* "HTTP", for the log; static */
    size_t connections_max;
    _Atomic(size_t) *connections; /* of all acceptors; relaxed. Whoever closes one takes it off */
    /* A connected socket (non-blocking), its TLS (NULL: plain text) and "addr:port"; both are the
     * callee's. */
    void (*on_conn)(void *arg, int fd, struct tls_session *tls, const char *peer);
    /* One was closed at once: there are too many. */
    void (*on_refused)(void *arg);
    void *arg;
};

struct acceptor *acceptor_open(const struct acceptor_opts *opts);
/* Closes the listening socket; connections stay. NULL is allowed. */
void acceptor_close(struct acceptor *a);
/* Every second or so: goes on after a pause for want of file descriptors. */
void acceptor_tick(struct acceptor *a);
