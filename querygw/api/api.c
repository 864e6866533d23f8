/* api.c - the frame around every route: parameters, tenant, errors, the envelope. */
#include "querygw/api/api_int.h"

#include "base/assert.h"
#include "querygw/promql/engine.h"
#include "tsdb/tenants.h"

enum { LOG_ERRORS_A_SECOND = 5 };

enum api_errors {
    API_ERRORS_JSON, /* {"status":"error",...} */
    API_ERRORS_TEXT, /* as Go's http.Error */
};

/* How the envelope calls each kind of failure. */
static const char *
error_type(enum err_code code)
{
    switch (code) {
    case ERR_INVALID:
    case ERR_TOO_LARGE:
    case ERR_UNSUPPORTED:
    case ERR_UNAUTHORIZED:
    case ERR_FORBIDDEN:
    case ERR_METHOD:
    case ERR_CONFLICT:
        return "bad_data";
    case ERR_NOT_FOUND:
        return "not_found";
    case ERR_LIMIT:
    case ERR_UNIMPLEMENTED:
    case ERR_EXECUTION:
        return "execution";
    case ERR_CANCELED:
        return "canceled";
    case ERR_TIMEOUT:
        return "timeout";
    case ERR_OVERLOAD:
    case ERR_UNAVAILABLE:
        return "unavailable";
    case ERR_INTERNAL:
    case ERR_CORRUPT:
    case ERR_IO:
    case ERR_NO_SPACE:
        return "internal";
    case ERR_NONE:
    case ERR_CODE_COUNT:
        break;
    }
    UNREACHABLE("no failure");
}

/* A storage fault is an internal error of the query API, whose clients do not retry 503. */
static int
error_status(const struct api *api, enum err_code code)
{
    if (code == ERR_IO || code == ERR_NO_SPACE)
        return err_http_status(ERR_INTERNAL);
    if (code == ERR_CANCELED && api->flavour.canceled_is_503)
        return err_http_status(ERR_UNAVAILABLE);
    return err_http_status(code);
}

void
call_reply_error(struct api_call *c, int status, const char *type, struct str text)
{
    AUTO(buf_fini) struct buf body = BUF_INIT;
    struct json_writer w;
    json_init(&w, &body, JSON_HTML);
    json_begin_object(&w);
    json_key(&w, STR("status"));
    json_str(&w, STR("error"));
    json_key(&w, STR("errorType"));
    json_str(&w, str_of_cstr(type));
    json_key(&w, STR("error"));
    json_str(&w, text);
    json_end_object(&w);
    struct http_request *r = TAKE(c->r);
    if (c->api->flavour.forbids_caching)
        http_set_header(r, "Cache-Control", STR("no-store"));
    http_reply_buf(r, status, "application/json", &body);
}

void
call_reply_nothing(struct api_call *c)
{
    http_reply(TAKE(c->r), 204, NULL, STR(""));
}

/* Only what is our fault: what clients ask wrongly, they are told. */
static void
log_fault(struct api *api, const struct http_request *r, const struct err *e)
{
    bool ours = e->code == ERR_INTERNAL || e->code == ERR_CORRUPT || e->code == ERR_IO ||
                e->code == ERR_NO_SPACE;
    uint32_t dropped;
    if (ours && log_throttle_pass(&api->log_errors, api->opts.log, LOG_ERRORS_A_SECOND, &dropped))
        log_error(api->opts.log, "query failed", KV_STR("path", http_path(r)), KV_ERR(*e),
                  KV_U64("dropped", dropped));
}

static struct err
find_store(struct api_call *c)
{
    const struct api_opts *o = &c->api->opts;
    struct str tenant = http_header(c->r, o->tenant_header);
    if (tenant.n == 0)
        tenant = str_of_cstr(o->default_tenant);
    return call_store_of(c, tenant, &c->store);
}

struct err
call_store_of(struct api_call *c, struct str tenant, struct store **ret_store)
{
    const struct api_opts *o = &c->api->opts;
    TRY(tenant_name_check(tenant));
    *ret_store = o->store_of_tenant(o->arg, &c->arena, tenant);
    return OK;
}

struct err
call_parse(struct api_call *c, struct promql_node **ret_ast)
{
    return promql_parse(&c->arena, c->query, &c->api->opts.features.parse, ret_ast);
}

void
call_begin_stream(struct api_call *c, const char *content_type, enum http_stream_coding coding)
{
    c->streaming = true;
    http_reply_begin(c->r, 200, content_type, coding);
}

static struct err
drain_to_client(void *arg, struct buf *full)
{
    struct api_call *c = arg;
    if (!c->streaming)
        call_begin_stream(c, "application/json", HTTP_STREAM_COMPRESSED);
    TRY(http_reply_write(c->r, buf_str(full)));
    buf_clear(full);
    return OK;
}

/* A warning says that something is missing; PromQL's say that something may be meant otherwise. */
static bool
is_about_answer(const struct api_call *c)
{
    const struct notes *n = &c->notes;
    for (size_t i = 0; i < size_min(n->count[NOTE_WARNING], NOTES_SHOWN_MAX); i++) {
        if (!str_starts_with(n->shown[NOTE_WARNING][i].text, STR("PromQL ")))
            return true;
    }
    return false;
}

void
call_begin_no_data(struct api_call *c)
{
    if (c->api->flavour.forbids_caching && is_about_answer(c))
        http_set_header(c->r, "Cache-Control", STR("no-store"));
    json_begin_object(&c->out.w);
    json_key(&c->out.w, STR("status"));
    json_str(&c->out.w, STR("success"));
}

void
call_begin_data(struct api_call *c)
{
    call_begin_no_data(c);
    json_key(&c->out.w, STR("data"));
}

static void
put_lines(struct api_call *c, enum note_kind kind)
{
    for (size_t i = 0; i < notes_lines(&c->notes, kind); i++) {
        bool bare = !c->api->flavour.tells_infos && i < NOTES_SHOWN_MAX;
        json_str(&c->out.w, bare ? c->notes.shown[kind][i].text
                                 : notes_line(&c->notes, kind, i, c->query, &c->arena));
    }
}

static void
put_list(struct api_call *c, struct str key, unsigned kinds)
{
    size_t lines = 0;
    for (int kind = 0; kind < NOTE_KIND_COUNT; kind++)
        lines += kinds & 1u << kind ? notes_lines(&c->notes, (enum note_kind)kind) : 0;
    if (lines == 0)
        return;
    json_key(&c->out.w, key);
    json_begin_array(&c->out.w);
    for (int kind = 0; kind < NOTE_KIND_COUNT; kind++) {
        if (kinds & 1u << kind)
            put_lines(c, (enum note_kind)kind);
    }
    json_end_array(&c->out.w);
}

static void
put_notes(struct api_call *c)
{
    unsigned warnings = 1u << NOTE_WARNING, infos = 1u << NOTE_INFO;
    bool apart = c->api->flavour.tells_infos;
    put_list(c, STR("warnings"), apart ? warnings : warnings | infos);
    if (apart)
        put_list(c, STR("infos"), infos);
}

struct err
call_end_data(struct api_call *c)
{
    put_notes(c);
    json_end_object(&c->out.w);
    if (c->streaming)
        TRY(drain_to_client(c, &c->out.buf));
    struct http_request *r = TAKE(c->r);
    if (c->streaming)
        http_reply_end(r);
    else
        http_reply_buf(r, 200, "application/json", &c->out.buf);
    return OK;
}

static struct err
call_run(struct api_call *c, struct err (*run)(struct api_call *c))
{
    c->params.flavour = c->api->flavour;
    TRY(arena_check(&c->arena)); /* others may have what is shared */
    TRY(http_parse_params(c->r, &c->params.list));
    TRY(find_store(c));
    return run(c);
}

static void
api_run(struct api *api, struct http_request *r, struct err (*run)(struct api_call *c),
        enum api_errors errors)
{
    struct api_call c = {.api = api, .r = r};
    struct memory_limit *memory = api->opts.memory;
    arena_init_shared(&c.arena, api->opts.query_bytes_max, memory ? &memory->queries : NULL);
    notes_init(&c.notes, &c.arena, hash_random_seed());
    json_out_init(&c.out, drain_to_client, &c);
    struct err e = call_run(&c, run);
    if (e.code) {
        ASSERT(c.r);
        log_fault(api, r, &e);
        if (c.arena.shared && !budget_has(c.arena.shared, 0))
            memory_limit_refused(memory, MEMORY_REFUSED_QUERY);
        if (c.streaming) { /* too late for a status: the client must see a broken answer */
            http_reply_abort(r);
            err_drop(e);
        } else if (errors == API_ERRORS_JSON) {
            call_reply_error(&c, error_status(api, e.code), error_type(e.code),
                             str_of_cstr(err_text(&e)));
            err_drop(e);
        } else {
            http_reply_text(r, error_status(api, e.code), str_of_cstr(err_text(&e)));
            err_drop(e);
        }
    } else {
        ASSERT(!c.r); /* run() answered */
    }
    json_out_fini(&c.out);
    arena_fini(&c.arena);
}

#define X(name, path, methods, body_bytes_max, errors)                                             \
    static void route_##name(void *arg, struct http_request *r)                                    \
    {                                                                                              \
        api_run(arg, r, call_##name, errors);                                                      \
    }
#include "querygw/api/routes.h"
#undef X

static void
route_tsdb_of_tenants(void *arg, struct http_request *r)
{
    api_run(arg, r, call_tsdb_of_tenants, API_ERRORS_JSON);
}

void
api_add_receive_routes(struct api *api, struct router *router)
{
    ASSERT(api->opts.list_tenants);
    router_add(router, &(struct route){.path = "/api/v1/status/tsdb",
                                       .methods = ROUTE_GET,
                                       .name = "tsdb_status",
                                       .handler = route_tsdb_of_tenants,
                                       .arg = api,
                                       .pool = api->opts.pool,
                                       .flags = ROUTE_CORS});
}

void
api_add_routes(struct api *api, struct router *router)
{
    const unsigned cors = !api->opts.cors            ? 0
                          : api->flavour.cors_always ? ROUTE_CORS
                                                     : ROUTE_CORS_ORIGIN;
    const struct route routes[] = {
#define X(name_, path_, methods_, body_bytes_max_, errors)                                         \
    {.path = path_,                                                                                \
     .methods = methods_,                                                                          \
     .name = #name_,                                                                               \
     .handler = route_##name_,                                                                     \
     .arg = api,                                                                                   \
     .pool = api->opts.pool,                                                                       \
     .body_bytes_max = body_bytes_max_,                                                            \
     .flags = cors},
#include "querygw/api/routes.h"
#undef X
    };
    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        router_add(router, &routes[i]);
}

static const char *
own_text(const char *text)
{
    struct str s = str_of_cstr(text ? text : "");
    return mem_dup_text(s.p, s.n);
}

/* The texts of the options, which are copied. */
static void
each_text(struct api_opts *o, void (*visit)(const char **text))
{
    const char **texts[] = {
        &o->tenant_header,
        &o->default_tenant,
        &o->write_tenant_header,
        &o->write_default_tenant,
        &o->version,
        &o->revision,
        &o->branch,
        &o->build_user,
        &o->build_date,
        &o->config_yaml,
        &o->retention,
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        visit(texts[i]);
}

static void
copy_text(const char **text)
{
    *text = own_text(*text);
}

static void
free_text(const char **text)
{
    mem_free((void *)(uintptr_t)*text);
    *text = NULL;
}

#define MINUTES(n) (60.0 * (n))
static const double range_spans_s[] = {
    MINUTES(15),  MINUTES(30),   MINUTES(60),   MINUTES(120),  MINUTES(240),   MINUTES(480),
    MINUTES(960), MINUTES(1920), MINUTES(3840), MINUTES(7680), MINUTES(15360), MINUTES(30720),
};
static const struct metric_spec range_spans_spec = {
    .type = METRIC_HISTOGRAM,
    .name = "thanos_query_range_requested_timespan_duration_seconds",
    .help = "A histogram of the query range window in seconds",
    .buckets = range_spans_s,
    .bucket_count = ARRAY_LEN(range_spans_s)};

struct api *
api_open(const struct api_opts *opts)
{
    ASSERT(opts->store_of_tenant && opts->pool && opts->clock);
    struct api *api = mem_alloc_zero(sizeof *api);
    api->opts = *opts;
    api->flavour = flavour_of(opts->flavour);
    each_text(&api->opts, copy_text);
    if (!api->opts.lookback_ms)
        api->opts.lookback_ms = PROMQL_LOOKBACK_MS_DEFAULT;
    if (!api->opts.query_bytes_max)
        api->opts.query_bytes_max = API_QUERY_BYTES_MAX;
    if (!api->opts.read_samples_max)
        api->opts.read_samples_max = PROMQL_SAMPLES_MAX_DEFAULT;
    api->gate = gate_open(&(struct gate_opts){
        .places = opts->queries_max ? opts->queries_max : pool_threads(opts->pool),
        .clock = opts->clock,
        .metrics = opts->metrics});
    if (!api->opts.read_frame_bytes_max)
        api->opts.read_frame_bytes_max = API_READ_FRAME_BYTES_MAX;
    api->read_gate = gate_open(&(struct gate_opts){
        .places = opts->reads_max ? opts->reads_max : API_READS_MAX, .clock = opts->clock});
    if (opts->metrics)
        api->range_spans = metrics_single(opts->metrics, &range_spans_spec);
    api->started_s = clock_wall_ms(opts->clock) / 1000;
    return api;
}

void
api_close(struct api *api)
{
    if (!api)
        return;
    gate_close(api->gate);
    gate_close(api->read_gate);
    each_text(&api->opts, free_text);
    mem_free(api);
}
