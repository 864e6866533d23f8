/* http_guard.h - who may come in by a listener: its web file and its TLS, which may change while it
 * runs. An http_server asks its guard about every request.
 *
 *   http_guard_open() -> http_server_start({.guard, .tls = http_guard_tls()}) -> reload when one
 *   of its files has changed -> http_server_stop() -> http_guard_close()
 *
 * Threads: as each function says. */
#pragma once
#include "base/clock.h"
#include "base/metrics.h"
#include "net/tls.h"

struct http_guard;
struct jwt_guard; /* jwt_guard.h */

enum { HTTP_WEB_FILE_BYTES_MAX = 4 << 20 };

struct http_guard_opts {
    const char *web_file;              /* NULL or "": none */
    const struct tls_server_opts *tls; /* of flags; NULL: none. Not beside TLS of the web file. */
    /* Or NULL. Every request must bring a JSON Web Token that this knows, as its bearer token; what
     * that says is http_identity(). The field Authorization is then taken: the web file must name
     * neither users nor bearer tokens. Borrowed for life. */
    struct jwt_guard *jwt;
    struct metrics *metrics; /* borrowed for life, as is the clock */
    const struct clock *clock;
    size_t password_threads; /* > 0 */
};

struct err http_guard_open(const struct http_guard_opts *opts, struct http_guard **ret_guard);
/* After every server that uses it. NULL is allowed. */
void http_guard_close(struct http_guard *g);
/* NULL: plain text, for life. */
struct tls_server *http_guard_tls(struct http_guard *g);

/* Reads the web file, its token files and the TLS files again; on failure what was in use stays.
 * TLS of a web file neither comes nor goes. Threads: one at a time, as the one below. */
struct err http_guard_reload(struct http_guard *g);
/* The files that were read. */
void http_guard_each_file(const struct http_guard *g,
                          void (*visit)(void *visit_arg, const char *path), void *visit_arg);
/* Clients are asked for certificates, so that they may have a subject. Threads: any. */
bool http_guard_asks_clients(const struct http_guard *g);
