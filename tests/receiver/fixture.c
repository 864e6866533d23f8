/* fixture.c - see fixture.h. */
#include "tests/receiver/fixture.h"

#include "base/codec.h"
#include "base/mem.h"
#include "tests/harness.h"

void
fixture_start(struct fixture *f)
{
    *f = (struct fixture){.metrics = metrics_open(), .router = router_open()};
    fake_sink_init(&f->sink);
    CK_OK(loops_start(1, &f->loops));
    CK_OK(pool_start(&(struct pool_opts){.name = "write", .threads = 2, .queued_limit = 8},
                     &f->pool));
    CK_OK(receiver_open(&(struct receiver_opts){.router = f->router,
                                                .pool = f->pool,
                                                .metrics = f->metrics,
                                                .tenant_header = "X-Scope-OrgID",
                                                .body_bytes_max = BODY_BYTES_MAX,
                                                .decoded_bytes_max = DECODED_BYTES_MAX,
                                                .split_label = STR("team"),
                                                .hash_seed = 1,
                                                .limits = {.series_max = SERIES_MAX}},
                        &f->receiver));
    CK_OK(http_server_start(&(struct http_server_opts){.address = STR("127.0.0.1:0"),
                                                       .loops = f->loops,
                                                       .router = f->router,
                                                       .metrics = f->metrics,
                                                       .clock = clock_system()},
                            &f->server));
    f->port = http_server_port(f->server);
}

void
fixture_stop(struct fixture *f)
{
    http_server_stop(f->server, 1000);
    receiver_close(f->receiver);
    router_close(f->router);
    pool_stop(f->pool);
    loops_stop(f->loops);
    metrics_close(f->metrics);
    fake_sink_fini(&f->sink);
}

struct reply
ask(struct fixture *f, const char *line, const char *headers, struct str body)
{
    AUTO(buf_fini) struct buf request = BUF_INIT;
    buf_printf(&request, "%s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %zu\r\n\r\n", line, headers,
               body.n);
    buf_append(&request, body);
    return client_ask(f->port, buf_str(&request));
}

struct reply
ask_packed(struct fixture *f, const char *line, const char *headers, struct str message)
{
    AUTO(buf_fini) struct buf packed = BUF_INIT;
    snappy_encode(message, &packed);
    return ask(f, line, headers, buf_str(&packed));
}
