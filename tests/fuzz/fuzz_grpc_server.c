/* Bytes of a client against a gRPC server: it must close in the end, and give all memory back. A
 * first byte that is odd puts the client's magic and SETTINGS in front. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "net/grpc/grpc_server.h"
#include "tests/fuzz/fuzz.h"

static void
serve_echo(void *arg, struct grpc_call *c)
{
    (void)arg;
    grpc_finish(c, GRPC_OK, grpc_call_message(c));
}

static void
serve_thrice(void *arg, struct grpc_call *c)
{
    (void)arg;
    for (int i = 0; i < 3; i++)
        err_drop(grpc_send(c, grpc_call_message(c)));
    grpc_finish(c, GRPC_ABORTED, grpc_call_message(c));
}

static const struct grpc_method methods[] = {
    {"a", "b", GRPC_UNARY, serve_echo, NULL, NULL, 0, GRPC_KEEPS_NOTHING},
    {"a", "c", GRPC_SERVER_STREAM, serve_thrice, NULL, NULL, 0, GRPC_KEEPS_NOTHING},
};

/* Each input has an address of 127/8 for itself: closed connections hold their ports for a minute,
 * and at 10,000 inputs a second one address soon has none left. */
static void
talk(unsigned port, uint32_t input, const uint8_t *data, size_t size)
{
    static const char magic[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK + input % (1u << 22));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT(fd >= 0);
    struct pollfd connected = {.fd = fd, .events = POLLOUT};
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        ASSERT(errno == EINTR); /* by the fuzzer's clock; the connection is made all the same */
        while (poll(&connected, 1, -1) != 1)
            ASSERT(errno == EINTR);
    }
    if (size > 0 && data[0] & 1)
        send(fd, magic, sizeof magic, MSG_NOSIGNAL); /* with the NUL: the end of SETTINGS */
    if (size > 1)
        send(fd, data + 1, size - 1, MSG_NOSIGNAL); /* fails once the server has had enough */
    shutdown(fd, SHUT_WR);
    char bytes[4096];
    while (recv(fd, bytes, sizeof bytes, 0) > 0)
        ;
    close(fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct grpc_server *server; /* starting one takes longer than an input */
    static struct memory_limit memory;
    static uint32_t inputs;
    if (!server) {
        struct loops *loops;
        memory_limit_init(&memory, 0, clock_system(), NULL, NULL);
        struct err e = loops_start(1, &loops);
        ASSERT(e.code == ERR_NONE);
        struct grpc_server_opts opts = {.address = STR("0.0.0.0:0"),
                                        .loops = loops,
                                        .metrics = metrics_open(),
                                        .clock = clock_system(),
                                        .memory = &memory,
                                        .methods = methods,
                                        .method_count = ARRAY_LEN(methods)};
        e = grpc_server_start(&opts, &server);
        ASSERT(e.code == ERR_NONE);
    }
    talk(grpc_server_port(server), inputs++, data, size);
    uint64_t end_ns = clock_mono_ns(clock_system()) + 10 * 1000000000ull;
    while (budget_used(&memory.requests) > 0 && clock_mono_ns(clock_system()) < end_ns)
        sched_yield();
    ASSERT(budget_used(&memory.requests) == 0);
    return 0;
}
