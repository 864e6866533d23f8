/* request_log.h - a line about a request, as --request.logging-config of Thanos asks for it.
 *
 * A start is logged at debug, an end at debug, too, or at error when the status is 500 or more; the
 * `level` of the configuration lets lines of that severity through, and then the process' own level
 * does. Neither bodies nor query strings nor header values but those named in request_log.c are
 * shown. At most REQUEST_LOG_LINES_MAX lines a second; the next line says how many were left out.
 * Threads: opening and closing the owner; the others any. */
#pragma once
#include "base/log.h"
#include "conf/yaml.h"
#include "net/http.h"

enum {
    REQUEST_LOG_LINES_MAX = 500,      /* a second */
    REQUEST_LOG_RULES_MAX = 1000,     /* pairs of path and port */
    REQUEST_LOG_VALUE_BYTES_MAX = 256 /* of a text that a client has chosen */
};

enum request_log_decision { REQUEST_LOG_NOTHING, REQUEST_LOG_END, REQUEST_LOG_START_AND_END };

struct request_log_rule {
    struct str path;
    uint64_t port; /* 0: any */
};

struct request_log_config {
    enum request_log_decision decision;
    enum log_level level;
    struct request_log_rule *rules; /* none: every request */
    size_t rule_count;
};
/* Of the http part; the grpc part is checked. Texts live in the arena. ERR_INVALID with line and
 * column. */
struct err request_log_config_read(struct arena *a, struct str yaml,
                                   struct request_log_config *ret_config);
/* `port` is that of the listener. */
enum request_log_decision request_log_decide(const struct request_log_config *c, struct str path,
                                             unsigned port);

struct request_log;
/* Both are borrowed for life. */
struct request_log *request_log_open(const struct request_log_config *config, struct log *log);
void request_log_close(struct request_log *l); /* NULL is allowed */
/* NULL for `l` asks for nothing. */
enum request_log_decision request_log_wants(const struct request_log *l, struct str path,
                                            unsigned port);

struct request_log_line {
    const char *handler; /* of the route */
    struct str method, path, request_id, user_agent, forwarded_for, peer, trace_id;
};
void request_log_start(struct request_log *l, const struct request_log_line *line);
void request_log_end(struct request_log *l, const struct request_log_line *line, int status,
                     uint64_t duration_ns);
