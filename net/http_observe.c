/* http_observe.c - the log line and the trace of a request. */
#include "net/http_int.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/rand.h"
#include "base/ulid.h"
#include "net/trace/trace.h"
#include "net/trace/tracer.h"

enum { OPERATION_BYTES_MAX = 128 };

static bool
wants_log(struct http_request *r)
{
    const struct http_server *s = r->part->server;
    r->logged = request_log_wants(s->opts.request_log, r->path, s->port);
    return r->logged != REQUEST_LOG_NOTHING;
}

/* As the caller calls it, or a new one. */
static void
name_request(struct http_request *r)
{
    struct str given = http_head_find(&r->head, STR("X-Request-ID"));
    if (given.n > 0) {
        r->id = given;
        return;
    }
    uint8_t random[ULID_RANDOM_BYTES];
    char text[ULID_TEXT_BYTES];
    rand_bytes(random, sizeof random);
    struct ulid id = ulid_of(clock_wall_ms(r->part->server->opts.clock), random);
    ulid_format(&id, text);
    r->id = arena_str(&r->arena, str_of(text, sizeof text));
}

static struct request_log_line
line_of(const struct http_request *r)
{
    return (struct request_log_line){
        .handler = r->match.route->name,
        .method = str_of_cstr(http_method_name(r->head.method)),
        .path = r->path,
        .request_id = r->id,
        .user_agent = http_head_find(&r->head, STR("User-Agent")),
        .forwarded_for = http_head_find(&r->head, STR("X-Forwarded-For")),
        .peer = r->peer,
        .trace_id = r->trace_id,
    };
}

/* Names are those of Thanos and of OpenTelemetry's conventions for HTTP. The query string may hold
 * what is nobody's business, so it stays out. */
static void
begin_trace(struct http_request *r)
{
    char operation[OPERATION_BYTES_MAX], id[TRACE_ID_TEXT_BYTES];
    snprintf(operation, sizeof operation, "/%s HTTP[server]", r->match.route->name);
    struct trace_start start = {
        .name = operation,
        .traceparent = http_head_find(&r->head, STR("traceparent")),
        .forced = http_head_find(&r->head, STR("X-Thanos-Force-Tracing")).n > 0,
        .start_ns = r->start_ns,
    };
    struct trace *t = tracer_begin(r->part->server->opts.tracer, &start);
    if (!t)
        return;
    r->trace = t;
    trace_id_format(t, id);
    r->trace_id = arena_str(&r->arena, str_of(id, sizeof id));
    http_set_header(r, "X-Thanos-Trace-Id", r->trace_id);
}

static void
describe_trace(struct http_request *r)
{
    struct trace *t = r->trace;
    trace_attr_str(t, "http.method", str_of_cstr(http_method_name(r->head.method)));
    trace_attr_str(t, "http.url", r->path);
    trace_attr_str(t, "http.route", str_of_cstr(r->match.route->path));
    trace_attr_str(t, "http.user_agent", http_head_find(&r->head, STR("User-Agent")));
    trace_attr_i64(t, "http.request_content_length", (int64_t)r->request_bytes);
    trace_attr_str(t, "net.peer.name", r->peer);
    trace_attr_str(t, "request_id", r->id);
}

void
http_observe_begin(struct http_request *r)
{
    const struct http_server_opts *opts = &r->part->server->opts;
    if (!opts->request_log && !opts->tracer)
        return;
    bool logged = wants_log(r);
    begin_trace(r);
    if (!logged && !r->trace)
        return;
    name_request(r);
    if (r->trace)
        describe_trace(r);
    if (r->logged == REQUEST_LOG_START_AND_END) {
        struct request_log_line line = line_of(r);
        request_log_start(opts->request_log, &line);
    }
}

void
http_observe_end(struct http_request *r, size_t answer_bytes)
{
    struct http_server *s = r->part->server;
    if (!s->opts.request_log && !r->trace)
        return;
    if (r->id.n == 0 && r->match.route && wants_log(r)) /* refused before a handler had it */
        name_request(r);
    if (r->logged != REQUEST_LOG_NOTHING && r->status != 0) {
        struct request_log_line line = line_of(r);
        request_log_end(s->opts.request_log, &line, r->status, http_server_now_ns(s) - r->start_ns);
    }
    if (!r->trace)
        return;
    trace_attr_i64(r->trace, "http.status_code", r->status);
    trace_attr_i64(r->trace, "http.response_content_length", (int64_t)answer_bytes);
    if (r->status >= 500)
        trace_fail(r->trace, STR(""));
    tracer_finish(TAKE(r->trace));
}
