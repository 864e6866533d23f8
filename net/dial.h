/* dial.h - connections of ours: a name is looked up off the loop, then its addresses are tried.
 *
 * The next address is begun when one has failed, or is silent for DIAL_STAGGER_MS, while the former
 * goes on (RFC 8305 section 5); the first that connects wins.
 * Threads: loop. */
#pragma once
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "net/loop.h"

struct dial;
struct log;
struct tls_client;

enum { DIAL_ADDRESSES_MAX = 64, DIAL_STAGGER_MS = 250, DIAL_HOST_BYTES_MAX = 256 };

/* "host:port", "[::1]:port"; without a host (":port") this machine is meant. ERR_INVALID. */
struct dial_target {
    char host[DIAL_HOST_BYTES_MAX]; /* without brackets */
    char port[6];
};
struct err dial_target_parse(struct str address, struct dial_target *ret_target);

struct dial_opts {
    struct loop *loop;
    const struct dial_target *target; /* copied */
    struct tls_client *tls; /* refreshed where the name is looked up, or told to the log; a
                             * reference is taken; NULL: none */
    struct log *log;        /* may be NULL; borrowed until the end */
    uint64_t timeout_ms;    /* for all of it */
};
/* done() is called once, unless the dial is canceled before; not from inside dial_start(). On
 * success `fd` is connected, non-blocking, without delay (TCP_NODELAY), and the callee's. `why` is
 * the callee's: ERR_UNAVAILABLE, ERR_TIMEOUT, or what tls_client_refresh() has; the dial is freed
 * behind it. */
struct dial *dial_start(const struct dial_opts *opts,
                        void (*done)(void *arg, struct err why, int fd), void *arg);
/* Before done(). The look-up may go on by itself for a while. NULL is allowed. */
void dial_cancel(struct dial *d);
