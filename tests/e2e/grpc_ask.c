/* grpc_ask.c - asks a gRPC server over net/grpc, for grpc_client.py: each line of standard input is
 * a call, which ends before the next one is read; each gives a line.
 *
 *   grpc_ask ADDRESS [CA_FILE]
 *   unary METHOD ENCODING TIMEOUT_MS BYTES [TEXT]  -> CODE BYTES MD5 X-TAG TEXT
 *   stream METHOD ENCODING TIMEOUT_MS PULLS [TEXT] -> CODE MESSAGES MD5 X-TAG TEXT
 *
 * The message is TEXT, filled up to BYTES with what counts up. After PULLS messages (0: never) the
 * stream is canceled. MD5 is that of what came, TEXT that of the status, in hexadecimal; "-" is
 * nothing. Metadata "x-ask: yes" goes along. */
#include <stdio.h>
#include <stdlib.h>

#include "base/lock.h"
#include "base/md5.h"
#include "base/mem.h"
#include "net/grpc/grpc_stream.h"
#include "net/tls_client.h"

static void
must(struct err e)
{
    if (e.code == ERR_NONE)
        return;
    fprintf(stderr, "grpc_ask: %s\n", err_text(&e));
    exit(1);
}

struct ask {
    struct grpc_channel *ch;
    struct lock lock;
    struct cond moved;
    bool done;
};

static void
show_hex(struct str bytes)
{
    printf(bytes.n == 0 ? " -" : " ");
    for (size_t i = 0; i < bytes.n; i++)
        printf("%02x", (uint8_t)bytes.p[i]);
}

static void
show(enum grpc_code code, size_t count, struct str came, struct str tag, struct str text)
{
    struct md5 digest = md5_of(came);
    printf("%s %zu", grpc_code_name(code), count);
    show_hex(str_of((const char *)digest.bytes, sizeof digest.bytes));
    printf(" %.*s", STR_FMT(tag.n > 0 ? tag : STR("-")));
    show_hex(text);
    printf("\n");
    fflush(stdout);
}

static void
on_done(void *arg, const struct grpc_outcome *o)
{
    struct ask *a = arg;
    show(o->code, o->reply.n, o->reply, grpc_answer_metadata(o->answer, STR("x-tag")), o->text);
    LOCKED(&a->lock);
    a->done = true;
    cond_signal(&a->moved);
}

static void
ask_unary(struct ask *a, const struct grpc_unary *q)
{
    a->done = false;
    grpc_unary(a->ch, q, on_done, a);
    LOCKED(&a->lock);
    while (!a->done)
        cond_wait(&a->moved, &a->lock);
}

static void
ask_stream(struct ask *a, const struct grpc_unary *q, uint64_t pulls)
{
    AUTO(grpc_stream_close) struct grpc_stream *s = grpc_stream_open(a->ch, q);
    struct str message;
    size_t count = 0;
    AUTO(buf_fini) struct buf came = BUF_INIT;
    while (grpc_stream_next(s, &message)) {
        buf_append(&came, message);
        if (++count == pulls)
            grpc_stream_cancel(s);
    }
    struct err e = grpc_stream_end(s);
    show(grpc_stream_code(s), count, buf_str(&came), grpc_stream_metadata(s, "x-tag"),
         e.code == ERR_NONE ? STR("") : str_of_cstr(err_text(&e)));
    err_drop(e);
}

static uint64_t
number(struct str *rest)
{
    uint64_t value = 0;
    must(str_parse_u64(str_split(rest, ' '), &value));
    return value;
}

static void
run_line(struct ask *a, struct str rest)
{
    struct str kind = str_split(&rest, ' '), method = str_split(&rest, ' ');
    struct str encoding = str_split(&rest, ' ');
    char path[200];
    snprintf(path, sizeof path, "%.*s", STR_FMT(method));
    struct grpc_metadata metadata = {STR("x-ask"), STR("yes")};
    struct grpc_unary q = {.method = path, .metadata = &metadata, .metadata_count = 1};
    if (!grpc_encoding_parse(encoding, &q.encoding))
        must(ERR(ERR_INVALID, "no encoding \"%.*s\"", STR_FMT(encoding)));
    q.timeout_ms = number(&rest);
    uint64_t count = number(&rest);
    bool is_stream = str_eq(kind, STR("stream"));
    AUTO(buf_fini) struct buf plain = BUF_INIT;
    buf_append(&plain, rest);
    while (!is_stream && plain.n < count)
        buf_put_u8(&plain, (uint8_t)plain.n);
    AUTO(shared_unref) struct shared *message = grpc_message_new(q.encoding, buf_str(&plain));
    q.message = message;
    if (is_stream)
        ask_stream(a, &q, count);
    else
        ask_unary(a, &q);
}

int
main(int argc, char **argv)
{
    struct loops *loops;
    AUTO(tls_client_close) struct tls_client *tls = NULL;
    struct ask a = {.ch = NULL};
    lock_init(&a.lock, LOCK_RANK_LEAF);
    cond_init(&a.moved);
    must(loops_start(1, &loops));
    if (argc > 2) {
        struct tls_client_opts opts = {.ca.file = argv[2]};
        must(tls_client_open(&opts, &tls));
    }
    struct grpc_channel_opts opts = {.address = str_of_cstr(argc > 1 ? argv[1] : ""),
                                     .loop = loops_at(loops, 0),
                                     .tls = tls,
                                     .clock = clock_system(),
                                     .backoff_max_ms = 100};
    must(grpc_channel_open(&opts, &a.ch));
    char line[64 << 10];
    while (fgets(line, sizeof line, stdin))
        run_line(&a, str_trim(str_of_cstr(line)));
    grpc_channel_close(a.ch);
    loops_stop(loops);
    cond_fini(&a.moved);
    lock_fini(&a.lock);
    return 0;
}
