/* fixture.c - the server under test and its handlers. */
#include "tests/net/fixture.h"

#include "tests/harness.h"

enum { WAIT_NS = 2000000 }; /* between two looks at a condition */

static void
serve_hello(void *arg, struct http_request *r)
{
    (void)arg;
    http_reply(r, 200, "text/plain", STR("hello"));
}

static void
serve_echo(void *arg, struct http_request *r)
{
    (void)arg;
    http_reply(r, 200, "application/octet-stream", http_body(r));
}

static void
fill_text(struct buf *b, size_t bytes)
{
    while (b->n < bytes)
        buf_printf(b, "line %zu of the text\n", b->n);
    b->n = bytes;
}

static void
serve_big(void *arg, struct http_request *r)
{
    (void)arg;
    struct buf body = BUF_INIT;
    fill_text(&body, BIG_BYTES);
    http_reply_buf(r, 200, "text/plain", &body);
}

static void
serve_gate(void *arg, struct http_request *r)
{
    struct fixture *f = arg;
    {
        LOCKED(&f->lock);
        f->at_gate++;
        while (!f->gate_open && !http_canceled(r))
            cond_wait_until(&f->moved, &f->lock, clock_mono_ns(clock_system()) + WAIT_NS);
        f->at_gate--;
        f->canceled += http_canceled(r);
    }
    http_reply(r, 200, "text/plain", http_canceled(r) ? STR("canceled") : STR("through"));
}

static size_t
number_param(const struct http_params *p, const char *name)
{
    uint64_t value = 0;
    CK_OK(str_parse_u64(http_param(p, name), &value));
    return value;
}

static void
serve_stream(void *arg, struct http_request *r)
{
    struct fixture *f = arg;
    struct http_params p;
    CK_OK(http_parse_params(r, &p));
    size_t pieces = number_param(&p, "pieces");
    AUTO(buf_fini) struct buf piece = BUF_INIT;
    fill_text(&piece, number_param(&p, "bytes"));
    http_reply_begin(r, 200, "text/plain", HTTP_STREAM_COMPRESSED);
    struct err e = OK;
    for (size_t i = 0; i < pieces && e.code == ERR_NONE; i++)
        e = http_reply_write(r, buf_str(&piece));
    enum err_code code = e.code;
    err_drop(e);
    if (code != ERR_NONE || str_eq(http_param(&p, "end"), STR("abort")))
        http_reply_abort(r);
    else
        http_reply_end(r);
    LOCKED(&f->lock);
    f->stream_end = ERR_CODE(code);
    f->streams_ended++;
}

static void
serve_item(void *arg, struct http_request *r)
{
    (void)arg;
    http_reply(r, 200, "text/plain", http_path_param(r, "name"));
}

static void
serve_form(void *arg, struct http_request *r)
{
    (void)arg;
    struct http_params p;
    struct err e = http_parse_params(r, &p);
    if (e.code != ERR_NONE) {
        http_reply_err(r, e);
        return;
    }
    struct buf lines = BUF_INIT;
    for (size_t i = 0; i < p.n; i++)
        buf_printf(&lines, "%.*s=%.*s\n", STR_FMT(p.v[i].name), STR_FMT(p.v[i].value));
    http_reply_buf(r, 200, "text/plain", &lines);
}

static void
serve_who(void *arg, struct http_request *r)
{
    (void)arg;
    struct buf line = BUF_INIT;
    for (int i = 0; i < TLS_SUBJECT_FIELD_COUNT; i++)
        buf_printf(&line, "%s%.*s", i > 0 ? "|" : "",
                   STR_FMT(http_peer_subject(r, (enum tls_subject_field)i)));
    http_reply_buf(r, 200, "text/plain", &line);
}

static void
serve_identity(void *arg, struct http_request *r)
{
    (void)arg;
    http_reply(r, 200, "text/plain", http_identity(r));
}

static void
serve_fail(void *arg, struct http_request *r)
{
    (void)arg;
    http_reply_err(r, ERR(ERR_UNAVAILABLE, "not now"));
}

static void
serve_tagged(void *arg, struct http_request *r)
{
    (void)arg;
    http_set_header(r, "X-Tag", STR("one\r\nX-Forged: two"));
    http_reply_text(r, 409, STR("in conflict"));
}

static void
add_routes(struct fixture *f)
{
    struct pool *pool = f->pool;
    const struct route routes[] = {
        {"/hello", ROUTE_GET, "hello", serve_hello, f, NULL, 0, 0},
        {"/echo", ROUTE_POST, "echo", serve_echo, f, pool, 1 << 20, 0},
        {"/keep", ROUTE_POST, "keep", serve_echo, f, pool, 1 << 20, ROUTE_KEEPS_BODY},
        {"/small", ROUTE_POST, "small", serve_echo, f, pool, 16, 0},
        {"/big", ROUTE_GET, "big", serve_big, f, pool, 0, 0},
        {"/gate", ROUTE_GET, "gate", serve_gate, f, pool, 0, 0},
        {"/stream", ROUTE_GET, "stream", serve_stream, f, pool, 0, 0},
        {"/item/:name/x", ROUTE_GET, "item", serve_item, f, NULL, 0, 0},
        {"/form", ROUTE_GET | ROUTE_POST, "form", serve_form, f, NULL, 1 << 20, 0},
        {"/who", ROUTE_GET, "who", serve_who, f, pool, 0, 0},
        {"/identity", ROUTE_GET, "identity", serve_identity, f, NULL, 0, 0},
        {"/fail", ROUTE_GET, "fail", serve_fail, f, NULL, 0, 0},
        {"/tagged", ROUTE_GET, "tagged", serve_tagged, f, NULL, 0, ROUTE_CORS},
    };
    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        router_add(f->router, &routes[i]);
}

void
fixture_start(struct fixture *f, struct http_server_opts opts, unsigned loop_count, size_t threads,
              size_t queued_limit)
{
    *f = (struct fixture){0};
    lock_init(&f->lock, LOCK_RANK_LEAF);
    cond_init(&f->moved);
    CK_OK(loops_start(loop_count, &f->loops));
    struct pool_opts pool = {.name = "test", .threads = threads, .queued_limit = queued_limit};
    CK_OK(pool_start(&pool, &f->pool));
    f->metrics = metrics_open();
    f->router = router_open();
    add_routes(f);
    opts.address = opts.address.n ? opts.address : STR("127.0.0.1:0");
    opts.loops = f->loops;
    opts.router = f->router;
    opts.metrics = f->metrics;
    opts.clock = clock_system();
    CK_OK(http_server_start(&opts, &f->server));
    f->port = http_server_port(f->server);
    ck_assert_uint_gt(f->port, 0);
}

void
fixture_stop(struct fixture *f, uint64_t grace_ms)
{
    http_server_stop(f->server, grace_ms);
    pool_stop(f->pool);
    loops_stop(f->loops);
    router_close(f->router);
    metrics_close(f->metrics);
    cond_fini(&f->moved);
    lock_fini(&f->lock);
}

void
fixture_open_gate(struct fixture *f)
{
    LOCKED(&f->lock);
    f->gate_open = true;
    cond_broadcast(&f->moved);
}

static void
wait_for(struct fixture *f, const unsigned *counter, unsigned count)
{
    for (unsigned i = 0; i < 2500; i++) {
        {
            LOCKED(&f->lock);
            if (*counter >= count)
                return;
        }
        clock_sleep_ns(clock_system(), WAIT_NS);
    }
    ck_abort_msg("waited in vain");
}

void
fixture_wait_at_gate(struct fixture *f, unsigned count)
{
    wait_for(f, &f->at_gate, count);
}

void
fixture_wait_canceled(struct fixture *f, unsigned count)
{
    wait_for(f, &f->canceled, count);
}

void
fixture_wait_streams_ended(struct fixture *f, unsigned count)
{
    wait_for(f, &f->streams_ended, count);
}

void
fixture_wait_metric(struct fixture *f, const char *line)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    for (unsigned i = 0; i < 2500; i++) {
        buf_clear(&text);
        metrics_write(f->metrics, METRICS_TEXT, &text);
        if (strstr(buf_cstr(&text), line))
            return;
        clock_sleep_ns(clock_system(), WAIT_NS);
    }
    ck_abort_msg("no line %s in\n%s", line, buf_cstr(&text));
}

void
fixture_wait_counted(struct fixture *f, const char *series)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    for (unsigned i = 0; i < 2500; i++) {
        buf_clear(&text);
        metrics_write(f->metrics, METRICS_TEXT, &text);
        const char *line = strstr(buf_cstr(&text), series);
        if (line && line[strlen(series)] == ' ' && line[strlen(series) + 1] != '0')
            return;
        clock_sleep_ns(clock_system(), WAIT_NS);
    }
    ck_abort_msg("%s stays zero in\n%s", series, buf_cstr(&text));
}
