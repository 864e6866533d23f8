/* client.h - a raw HTTP client on a blocking socket: sends exactly the given bytes, so that
 * tests can be as rude as they like. Every wait ends after 5 s. */
#pragma once
#include "base/mem.h"
#include "base/str.h"

struct client;

struct reply {
    int status;      /* 0: the connection ended before a whole head */
    struct buf head; /* status line and fields, without the empty line */
    struct buf body; /* unframed; still compressed */
    bool complete;   /* the body came to its announced end */
};

struct client *client_open(unsigned port);
void client_close(struct client *c);
void client_send(struct client *c, struct str bytes);
/* Half-closes: the server reads the end. */
void client_end(struct client *c);
/* Reads one answer; `head_only` for answers to HEAD. The caller frees with reply_fini(). */
enum client_body { CLIENT_BODY, CLIENT_HEAD_ONLY };
struct reply client_read(struct client *c, enum client_body body);
/* What the socket gives now and until `n` bytes or its end are there. */
struct buf client_read_raw(struct client *c, size_t n);
/* True when the server has closed (bytes still to read are thrown away). */
bool client_is_closed(struct client *c);
void reply_fini(struct reply *r);
static inline void
auto_reply_fini(struct reply *r)
{
    reply_fini(r);
}
/* Value of a field, or {NULL, 0}. */
struct str reply_header(const struct reply *r, const char *name);
/* client_send() and client_read(), on a connection of its own. */
struct reply client_ask(unsigned port, struct str bytes);
