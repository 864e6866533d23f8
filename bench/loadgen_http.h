/* loadgen_http.h - a keep-alive HTTP/1.1 client for one endpoint: blocking, no library, cheap.
 *
 * Threads: one at a time. */
#pragma once
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

struct http_target {
    char host[256], port[8], path[512];
};
/* "http://host:port/path"; https is not spoken. */
struct err http_target_parse(struct str url, struct http_target *ret_target);

struct http_conn {
    const struct http_target *target; /* borrowed for life */
    uint64_t timeout_ms;              /* of each send and receive */
    int fd;                           /* -1: not connected; connects on demand */
    struct buf answer;                /* the answer as received */
};
void http_conn_init(struct http_conn *c, const struct http_target *target, uint64_t timeout_ms);
void http_conn_fini(struct http_conn *c);
struct http_answer {
    int status;
    bool retry_after; /* the sender is told when to try again */
    struct str body;  /* a view of the connection's `answer` */
};
/* Sends a whole request and waits for its answer. An error means that nobody knows what became of
 * the request; the connection is closed. */
struct err http_conn_exchange(struct http_conn *c, struct str request,
                              struct http_answer *ret_answer);
