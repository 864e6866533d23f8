/* What a server may say to a client with two calls under way: each ends once, whatever comes, and
 * all memory is given back. An odd first byte: instead of its SETTINGS, before any call has gone
 * out. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "net/grpc/grpc_stream.h"
#include "tests/fuzz/fuzz.h"

static struct loops *loops; /* idle between two inputs */

static int
listen_any(struct sockaddr_in *ret_at)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ASSERT(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 4) == 0);
    ASSERT(getsockname(fd, (struct sockaddr *)&at, &bytes) == 0);
    *ret_at = at;
    return fd;
}

static void
read_exactly(int fd, char *to, size_t n)
{
    while (n > 0) {
        ssize_t got = recv(fd, to, n, 0);
        ASSERT(got > 0); /* the client has no reason to leave */
        to += got;
        n -= (size_t)got;
    }
}

/* Until both requests have ended. */
static void
await_requests(int fd)
{
    char head[9], payload[16384];
    read_exactly(fd, payload, 24);
    for (int ends = 0; ends < 2;) {
        read_exactly(fd, head, sizeof head);
        read_exactly(fd, payload, load_be32(head) >> 8);
        ends += head[3] == 0 && head[4] & 1;
    }
}

static void
say(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
        if (n <= 0)
            return; /* the client has heard enough */
        data += n;
        size -= (size_t)n;
    }
    shutdown(fd, SHUT_WR);
}

static void
on_done(void *arg, const struct grpc_outcome *o)
{
    ASSERT((unsigned)o->code < GRPC_CODE_COUNT);
    unsigned *ends = arg;
    ++*ends;
}

static void
nothing(void *arg)
{
    (void)arg;
}

static void
run_input(const struct grpc_unary *q, int listener, struct grpc_channel *ch, const uint8_t *data,
          size_t size, unsigned *ends)
{
    static const uint8_t settings[9] = {[3] = 4};
    struct str message;
    grpc_unary(ch, q, on_done, ends);
    struct grpc_stream *s = grpc_stream_open(ch, q);
    int fd = accept(listener, NULL, NULL);
    ASSERT(fd >= 0);
    if (data[0] % 2 == 0) {
        ASSERT(send(fd, settings, sizeof settings, 0) == sizeof settings);
        await_requests(fd);
    }
    close(listener); /* no second try */
    say(fd, data + 1, size - 1);
    while (grpc_stream_next(s, &message))
        ASSERT(message.n <= 1 << 16);
    err_drop(grpc_stream_end(s));
    grpc_stream_close(s);
    grpc_channel_close(ch);
    loop_call(loops_at(loops, 0), nothing, NULL); /* behind it the channel is gone */
    close(fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (!loops)
        err_drop(loops_start(1, &loops));
    struct sockaddr_in at;
    struct grpc_channel *ch = NULL;
    struct budget memory = {.limit_bytes = 1 << 20};
    unsigned ends = 0;
    char address[32];
    int listener = listen_any(&at);
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)ntohs(at.sin_port));
    struct grpc_channel_opts opts = {.address = str_of_cstr(address),
                                     .loop = loops_at(loops, 0),
                                     .clock = clock_system(),
                                     .memory = &memory,
                                     .message_bytes_max = 1 << 16};
    struct err e = grpc_channel_open(&opts, &ch);
    ASSERT(e.code == ERR_NONE);
    AUTO(shared_unref) struct shared *ask = grpc_message_new(GRPC_IDENTITY, STR("ask"));
    struct grpc_unary q = {.method = "/a.B/C", .message = ask, .timeout_ms = 10 * 1000};
    run_input(&q, listener, ch, data, size, &ends);
    ASSERT(ends == 1 && budget_used(&memory) == 0);
    return 0;
}
