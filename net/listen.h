/* listen.h - listening TCP sockets: one a loop on the same port.
 * Threads: any. */
#pragma once
#include "base/err.h"
#include "base/str.h"

enum { LISTEN_BACKLOG = 1024 }; /* the kernel cuts it to net.core.somaxconn */

/* "host:port", "[v6]:port", ":port" for every address of the machine; names are looked up, which
 * may block. Fills fds[0..count) with non-blocking sockets (SO_REUSEPORT when count > 1) that
 * the caller owns; port 0 picks one for all. ERR_INVALID: malformed address. */
struct err listen_open(struct str address, int *fds, unsigned count, unsigned *ret_port);
/* "1.2.3.4:5" or "[::1]:5" of a connected socket's other side, NUL-terminated in `to`. */
struct sockaddr;
void listen_format_peer(const struct sockaddr *peer, char *to, size_t bytes);
/* Cuts "host:port" into views; brackets around the host are dropped. ERR_INVALID. */
struct err listen_split_address(struct str address, struct str *ret_host, struct str *ret_port);
