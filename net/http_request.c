/* http_request.c - a request's life from its head to the metrics, and its accessors. */
#include "net/http_int.h"

#include "base/assert.h"
#include "base/mem.h"

struct http_request *
http_request_open(struct http_conn *c)
{
    struct http_part *p = c->part;
    struct http_request *r = mem_alloc_zero(sizeof *r);
    arena_init(&r->arena, 0);
    r->part = p;
    r->conn = c;
    r->start_ns = http_server_now_ns(p->server);
    r->peer = arena_str(&r->arena, str_of_cstr(c->peer));
    transport_peer_subject(c->transport, &r->arena, r->peer_subject);
    p->requests++;
    return r;
}

/* What the tenant label says: the token, or the raw header, as long as it can be a label value. */
static struct str
tenant_of(const struct http_request *r)
{
    const struct http_server_opts *opts = &r->part->server->opts;
    if (!r->admitted) /* a stranger's words make no series */
        return str_of_cstr(opts->default_tenant);
    struct str tenant = http_identity(r);
    if (tenant.n == 0)
        tenant = http_head_find(&r->head, str_of_cstr(opts->tenant_header));
    if (tenant.n == 0)
        return str_of_cstr(opts->default_tenant);
    bool fits = tenant.n <= HTTP_METRICS_TENANT_BYTES_MAX && str_is_utf8(tenant);
    return fits ? tenant : STR("other");
}

static struct http_metrics_key
metrics_key(const struct http_request *r, int status)
{
    return (struct http_metrics_key){.route = r->match.route,
                                     .method = r->head.method,
                                     .status = status,
                                     .tenant = tenant_of(r)};
}

static void
http_request_count(struct http_request *r, size_t answer_bytes)
{
    struct http_server *s = r->part->server;
    struct http_metrics_key key = metrics_key(r, r->status);
    struct http_metrics_sample sample = {
        .seconds = (double)(http_server_now_ns(s) - r->start_ns) / 1e9,
        .request_bytes = r->request_bytes,
        .response_bytes = answer_bytes,
    };
    http_metrics_end(s->metrics, &r->part->metrics, &key, &sample);
}

void
http_request_close(struct http_request *r)
{
    struct http_part *p = r->part;
    ASSERT(loop_is_current(p->loop));
    if (r->inflight)
        metric_add(r->inflight, -1);
    size_t answer_bytes = r->conn ? r->conn->sent_bytes : r->out_head.n + r->out_body.n;
    if (r->match.route && r->status != 0)
        http_request_count(r, answer_bytes);
    http_observe_end(r, answer_bytes);
    budget_give_back(&p->server->opts.memory->requests, r->charged_bytes);
    http_stream_close(r->stream);
    http_rules_unref(r->rules);
    if (r->token)
        err_drop(r->token->ask.why);
    buf_fini(&r->body);
    buf_fini(&r->extra);
    buf_fini(&r->out_head);
    buf_fini(&r->out_body);
    arena_fini(&r->arena);
    mem_free(r);
    ASSERT(p->requests > 0);
    p->requests--;
    http_part_check_done(p);
}

void
http_request_charge(struct http_request *r, size_t bytes)
{
    r->charged_bytes += bytes;
    budget_charge(&r->part->server->opts.memory->requests, bytes);
}

static void
http_request_run(void *arg)
{
    struct http_request *r = arg;
    r->match.route->handler(r->match.route->arg, r);
}

void
http_request_dispatch(struct http_request *r)
{
    struct http_server *s = r->part->server;
    struct pool *pool = r->match.route->pool;
    struct http_metrics_key key = metrics_key(r, 0);
    r->deadline_ns = http_server_now_ns(s) + s->opts.request_timeout_ms * 1000000;
    r->inflight = http_metrics_begin(s->metrics, &r->part->metrics, &key);
    http_observe_begin(r);
    if (!pool) {
        http_request_run(r);
    } else if (!pool_submit(pool, http_request_run, r)) {
        http_metrics_refused(s->metrics, HTTP_REFUSAL_QUEUE);
        http_set_header(r, "Retry-After", STR("1"));
        http_reply_text(r, 503, STR("too many requests are waiting for a worker"));
    }
}

/* --- accessors ------------------------------------------------------------------------------ */

enum http_method
http_method(const struct http_request *r)
{
    return r->head.method;
}

struct str
http_path(const struct http_request *r)
{
    return r->path;
}

struct str
http_query_string(const struct http_request *r)
{
    return r->head.query;
}

struct str
http_header(const struct http_request *r, const char *name)
{
    return http_head_find(&r->head, str_of_cstr(name));
}

struct str
http_body(const struct http_request *r)
{
    return buf_str(&r->body);
}

struct str
http_peer(const struct http_request *r)
{
    return r->peer;
}

struct str
http_peer_subject(const struct http_request *r, enum tls_subject_field field)
{
    ASSERT(field < TLS_SUBJECT_FIELD_COUNT);
    return r->peer_subject[field];
}

struct str
http_identity(const struct http_request *r)
{
    if (!r->admitted || !r->token)
        return (struct str){NULL, 0};
    return str_of(r->token->ask.identity, r->token->ask.identity_bytes);
}

uint64_t
http_deadline_ns(const struct http_request *r)
{
    return r->deadline_ns;
}

bool
http_canceled(const struct http_request *r)
{
    return atomic_load_explicit(&r->canceled, memory_order_relaxed);
}

struct trace *
http_trace(const struct http_request *r)
{
    return r->trace;
}

struct arena *
http_arena(struct http_request *r)
{
    return &r->arena;
}

struct str
http_path_param(const struct http_request *r, const char *name)
{
    for (size_t i = 0; i < r->match.param_count; i++) {
        if (str_eq(r->match.params[i].name, str_of_cstr(name)))
            return r->match.params[i].value;
    }
    return (struct str){NULL, 0};
}
