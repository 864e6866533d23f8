/* transport.h - the bytes of one connection, plain or TLS, without blocking.
 *
 * Calls move what can be moved now; IO_AGAIN means that on_ready() will be called when the
 * socket can go on. The owner says with transport_want() whether it cares for input at all;
 * interest in output is kept here, as TLS may have to write in order to read.
 * Threads: loop (the one it was opened on). */
#pragma once
#include <sys/socket.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "net/loop.h"
#include "net/tls.h"

struct transport;
struct tls_session; /* tls_int.h */

enum io {
    IO_OK,     /* at least one byte was moved                      */
    IO_AGAIN,  /* nothing now; on_ready() follows                  */
    IO_END,    /* read: the other side sends no more               */
    IO_FAILED, /* the connection is broken; only closing is left   */
};
enum transport_input { TRANSPORT_INPUT_OFF, TRANSPORT_INPUT_ON };

/* Takes the socket `fd` (non-blocking; it may still be connecting) and `tls`, which is NULL for
 * plain text. on_ready() is never called from inside a call of this header. */
struct transport *transport_open(struct loop *l, int fd, struct tls_session *tls,
                                 void (*on_ready)(void *arg), void *arg);
void transport_close(struct transport *t); /* NULL is allowed */
DEFINE_AUTO(struct transport *, transport_close)

/* n > 0. *ret_n is set for IO_OK only. */
enum io transport_read(struct transport *t, char *to, size_t n, size_t *ret_n);
/* Writes from up to two buffers, in order; at least one byte must be there. */
enum io transport_write(struct transport *t, struct str first, struct str second, size_t *ret_n);
/* What broke a plain connection ("Connection refused"), static; NULL: not known, or not broken. */
const char *transport_failure(const struct transport *t);
/* tls_session_failure(); NULL for plain text. */
const char *transport_handshake_failure(const struct transport *t);
/* tls_session_subject(); all {NULL, 0} for plain text. */
void transport_peer_subject(struct transport *t, struct arena *a,
                            struct str ret_fields[TLS_SUBJECT_FIELD_COUNT]);
/* No output follows; input still can. */
void transport_shut_output(struct transport *t);
/* Makes transport_close() reset the connection: the client must see that it was cut. */
void transport_reset_on_close(struct transport *t);
/* Has on_ready() called in the loop's next turn. */
void transport_wake(struct transport *t);
void transport_want(struct transport *t, enum transport_input input);
