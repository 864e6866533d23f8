/* grpc_echo.c - a gRPC server for grpc_peer.py: grpc_echo [CERT KEY [CLIENT_CA]].
 *
 * Prints its port, and serves until its input ends; then it stops with a grace time of 5 s.
 *   /test.Echo/Echo    unary: the message; x-tag: yes
 *   /test.Echo/Stream  server stream: the message "COUNT BYTES"
 *   /test.Echo/Sleep   unary: waits until it is canceled (says so on its output) or 20 s are over
 *   /test.Echo/Fail    unary: FAILED_PRECONDITION with the message as its text */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/pool.h"
#include "net/grpc/grpc_server.h"
#include "net/tls.h"
#include "proto/descriptors.h"

enum { THREADS = 8, QUEUE = 4000, SLEEP_MS = 20 * 1000, TURN_NS = 5 * 1000 * 1000 };

static void
must(struct err e)
{
    if (e.code == ERR_NONE)
        return;
    fprintf(stderr, "grpc_echo: %s\n", err_text(&e));
    exit(1);
}

static void
serve_echo(void *arg, struct grpc_call *c)
{
    (void)arg;
    grpc_call_reply_metadata(c, "x-tag", STR("yes"));
    grpc_finish(c, GRPC_OK, grpc_call_message(c));
}

static void
serve_fail(void *arg, struct grpc_call *c)
{
    (void)arg;
    grpc_finish(c, GRPC_FAILED_PRECONDITION, grpc_call_message(c));
}

static void
serve_stream(void *arg, struct grpc_call *c)
{
    (void)arg;
    struct str text = grpc_call_message(c), first = str_split(&text, ' ');
    uint64_t count = 0, bytes = 0;
    must(str_parse_u64(first, &count));
    must(str_parse_u64(text, &bytes));
    AUTO(buf_fini) struct buf piece = BUF_INIT;
    while (piece.n < bytes)
        buf_put_u8(&piece, (uint8_t)piece.n);
    struct err e = OK;
    for (uint64_t i = 0; i < count && e.code == ERR_NONE; i++)
        e = grpc_send(c, buf_str(&piece));
    if (e.code == ERR_NONE)
        grpc_finish(c, GRPC_OK, STR(""));
    else
        grpc_finish_err(c, e);
}

static void
serve_sleep(void *arg, struct grpc_call *c)
{
    (void)arg;
    const struct clock *clock = clock_system();
    uint64_t end_ns = clock_mono_ns(clock) + SLEEP_MS * 1000000ull;
    while (!grpc_call_is_canceled(c) && clock_mono_ns(clock) < end_ns)
        clock_sleep_ns(clock, TURN_NS);
    bool canceled = grpc_call_is_canceled(c);
    printf("%s\n", canceled ? "canceled" : "slept");
    fflush(stdout);
    grpc_finish(c, canceled ? GRPC_CANCELED : GRPC_OK, STR(""));
}

static struct tls_server *
open_tls(int argc, char **argv)
{
    struct tls_server *tls = NULL;
    struct tls_server_opts opts = {.cert.file = argv[1], .key.file = argv[2], .alpn = TLS_ALPN_H2};
    if (argc > 3) {
        opts.client_ca.file = argv[3];
        opts.client_auth = "RequireAndVerifyClientCert";
    }
    must(tls_server_open(&opts, &tls));
    return tls;
}

int
main(int argc, char **argv)
{
    struct loops *loops = NULL;
    struct pool *pool = NULL;
    struct grpc_server *server = NULL;
    struct tls_server *tls = argc > 2 ? open_tls(argc, argv) : NULL;
    struct metrics *metrics = metrics_open();
    must(loops_start(2, &loops));
    must(pool_start(&(struct pool_opts){.name = "echo", .threads = THREADS, .queued_limit = QUEUE},
                    &pool));
    struct grpc_method methods[] = {
        {"test.Echo", "Echo", GRPC_UNARY, serve_echo, NULL, pool, 0, GRPC_KEEPS_NOTHING},
        {"test.Echo", "Fail", GRPC_UNARY, serve_fail, NULL, pool, 0, GRPC_KEEPS_NOTHING},
        {"test.Echo", "Sleep", GRPC_UNARY, serve_sleep, NULL, pool, 0, GRPC_KEEPS_NOTHING},
        {"test.Echo", "Stream", GRPC_SERVER_STREAM, serve_stream, NULL, pool, 0,
         GRPC_KEEPS_NOTHING},
        {"thanos.WriteableStore", "RemoteWrite", GRPC_UNARY, serve_echo, NULL, pool, 0,
         GRPC_KEEPS_NOTHING},
    };
    must(grpc_server_start(&(struct grpc_server_opts){.address = STR("127.0.0.1:0"),
                                                      .loops = loops,
                                                      .tls = tls,
                                                      .metrics = metrics,
                                                      .clock = clock_system(),
                                                      .methods = methods,
                                                      .method_count = ARRAY_LEN(methods),
                                                      .descriptors = proto_descriptors()},
                           &server));
    grpc_server_set_serving(server, true);
    printf("%u\n", grpc_server_port(server));
    fflush(stdout);
    char byte;
    while (read(0, &byte, 1) == 1)
        ;
    grpc_server_stop(server, 5000);
    AUTO(buf_fini) struct buf text = BUF_INIT;
    metrics_write(metrics, METRICS_TEXT, &text);
    printf("%s", buf_cstr(&text));
    pool_stop(pool);
    loops_stop(loops);
    tls_server_close(tls);
    metrics_close(metrics);
    return 0;
}
