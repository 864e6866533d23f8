/* tls_int.h - one TLS connection, for transport.c.
 * Threads: opening any; a session belongs to the loop of its connection. */
#pragma once
#include "base/arena.h"
#include "net/tls.h"
#include "net/transport.h"

struct tls_session;
struct ssl_st; /* OpenSSL's SSL */

/* Server side of a handshake on `fd`, which stays the caller's. NULL when OpenSSL has no
 * memory for it. The handshake runs inside the first reads and writes. */
struct tls_session *tls_session_open(struct tls_server *t, int fd);
/* Takes the client's side of a connection. `alpn` (static): the handshake fails unless the server
 * has chosen that protocol. */
struct tls_session *tls_session_adopt(struct ssl_st *ssl, struct str alpn);
void tls_session_close(struct tls_session *s); /* NULL is allowed */

/* What the socket must be able to do before the same call can go on after IO_AGAIN. */
enum tls_need { TLS_NEED_NOTHING, TLS_NEED_INPUT, TLS_NEED_OUTPUT };
enum io tls_session_read(struct tls_session *s, char *to, size_t n, size_t *ret_n,
                         enum tls_need *ret_need);
enum io tls_session_write(struct tls_session *s, struct str bytes, size_t *ret_n,
                          enum tls_need *ret_need);
/* Why the handshake broke, or NULL when it did not; static. */
const char *tls_session_failure(const struct tls_session *s);
/* The subject of the client's certificate: the first value of each field, of the common name the
 * last, as Go reads it; {NULL, 0} for what is not there. Nothing at all as long as the handshake
 * is not done, without a certificate, and for one that was not verified. Copied to the arena. */
void tls_session_subject(struct tls_session *s, struct arena *a,
                         struct str ret_fields[TLS_SUBJECT_FIELD_COUNT]);
/* Sends close_notify; what does not fit the socket now is lost. */
void tls_session_shut(struct tls_session *s);
