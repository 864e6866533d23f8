/* The client's side of TLS against the real openssl: who is believed, who we show to be, and files
 * that change. Where openssl is not installed the tests say so and pass. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/lock.h"
#include "net/dial.h"
#include "net/listen.h"
#include "net/tls_client.h"
#include "net/transport.h"
#include "tests/harness.h"

static char dir[256];

static PRINTF_LIKE(1, 2) int run(const char *fmt, ...)
{
    AUTO(buf_fini) struct buf line = BUF_INIT;
    va_list ap;
    va_start(ap, fmt);
    buf_printf(&line, "cd %s && ", dir);
    buf_vprintf(&line, fmt, ap);
    va_end(ap);
    return system(buf_cstr(&line));
}

static bool
have_openssl(void)
{
    snprintf(dir, sizeof dir, "%s", test_dir());
    if (run("command -v openssl >/dev/null") == 0)
        return true;
    printf("openssl is not installed: its tests are skipped\n");
    return false;
}

/* Its own CA. */
static void
make_certificate(const char *name, const char *sans)
{
    ck_assert_int_eq(run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
                         "-days 2 -subj /CN=%s -addext subjectAltName=%s -keyout %s.key "
                         "-out %s.crt 2>/dev/null",
                         name, sans, name, name),
                     0);
}

static const char *
path_of(const char *file)
{
    static char paths[8][300];
    static unsigned next;
    char *to = paths[next++ % 8];
    snprintf(to, sizeof paths[0], "%s/%s", dir, file);
    return to;
}

/* --- the server ------------------------------------------------------------------------------- */

struct server {
    pid_t pid;
    unsigned port;
};

/* A server that talks to nobody: handshakes are what is asked for. */
static struct server
server_start(const char *cert, const char *more)
{
    struct server s = {0};
    int fd;
    CK_OK(listen_open(STR("127.0.0.1:0"), &fd, 1, &s.port));
    close(fd);
    s.pid = fork();
    if (s.pid == 0) {
        char line[1024];
        snprintf(line, sizeof line,
                 "cd %s && exec openssl s_server -accept 127.0.0.1:%u -cert %s.crt -key %s.key "
                 "-quiet %s >/dev/null 2>&1 </dev/zero",
                 dir, s.port, cert, cert, more);
        execl("/bin/sh", "sh", "-c", line, NULL);
        _exit(127);
    }
    return s;
}

static void
server_stop(struct server s)
{
    kill(s.pid, SIGKILL);
    waitpid(s.pid, NULL, 0);
}

/* --- one handshake ---------------------------------------------------------------------------- */

struct shake {
    struct loop *loop;
    struct tls_client *tls;
    struct dial_target target;
    struct dial *dial;
    struct transport *transport;
    struct lock lock;
    struct cond moved;
    bool done GUARDED_BY(lock);
    char verdict[200] GUARDED_BY(lock); /* "" for a handshake that came to its end */
};

static void
conclude(struct shake *s, const char *verdict)
{
    transport_close(TAKE(s->transport));
    LOCKED(&s->lock);
    snprintf(s->verdict, sizeof s->verdict, "%s", verdict);
    s->done = true;
    cond_signal(&s->moved);
}

/* A byte from the server ends the handshake of TLS 1.3 for both: its refusal of our certificate
 * comes behind our own end of it. */
static void
on_ready(void *arg)
{
    struct shake *s = arg;
    size_t n;
    char byte;
    enum io io = transport_read(s->transport, &byte, 1, &n);
    if (io == IO_AGAIN)
        return;
    const char *why = transport_handshake_failure(s->transport);
    conclude(s, io == IO_OK ? "" : why ? why : "closed");
}

static void start(void *arg);

static void
on_connected(void *arg, struct err why, int fd)
{
    struct shake *s = arg;
    if (why.code != ERR_NONE) { /* the server is not up yet */
        err_drop(why);
        usleep(20 * 1000);
        start(s);
        return;
    }
    s->transport =
        transport_open(s->loop, fd, tls_client_session(s->tls, fd, s->target.host), on_ready, s);
    transport_want(s->transport, TRANSPORT_INPUT_ON);
    transport_wake(s->transport);
}

static void
start(void *arg)
{
    struct shake *s = arg;
    struct dial_opts opts = {s->loop, &s->target, s->tls, NULL, 4000};
    s->dial = dial_start(&opts, on_connected, s);
}

/* Static, until the next one. */
static const char *
handshake(struct tls_client *tls, const char *host, unsigned port)
{
    static struct shake s;
    s = (struct shake){.tls = tls};
    struct loops *loops;
    char address[64];
    snprintf(address, sizeof address, "%s:%u", host, port);
    CK_OK(dial_target_parse(str_of_cstr(address), &s.target));
    CK_OK(loops_start(1, &loops));
    s.loop = loops_at(loops, 0);
    lock_init(&s.lock, LOCK_RANK_LEAF);
    cond_init(&s.moved);
    loop_post(s.loop, start, &s);
    uint64_t until = clock_mono_ns(clock_system()) + 10000000000ull;
    {
        LOCKED(&s.lock);
        while (!s.done)
            ck_assert_msg(cond_wait_until(&s.moved, &s.lock, until), "no end of the handshake");
    }
    loops_stop(loops);
    cond_fini(&s.moved);
    lock_fini(&s.lock);
    return s.verdict;
}

static const char *
handshake_with(struct tls_client_opts opts, const char *host, unsigned port)
{
    AUTO(tls_client_close) struct tls_client *tls = NULL;
    CK_OK(tls_client_open(&opts, &tls));
    return handshake(tls, host, port);
}

START_TEST(test_who_is_believed)
{
    if (!have_openssl())
        return;
    make_certificate("one", "DNS:localhost,IP:127.0.0.1");
    make_certificate("two", "DNS:two.example");
    struct server one = server_start("one", "-alpn h2,http/1.1");
    struct tls_client_opts opts = {.ca.file = path_of("one.crt")};
    ck_assert_str_eq(handshake_with(opts, "localhost", one.port), "");
    ck_assert_str_eq(handshake_with(opts, "127.0.0.1", one.port), "");
    opts.server_name = "two.example";
    ck_assert_str_eq(handshake_with(opts, "localhost", one.port), "hostname mismatch");
    opts.skip_verify = true;
    ck_assert_str_eq(handshake_with(opts, "localhost", one.port), "");
    opts = (struct tls_client_opts){.ca.file = path_of("two.crt")};
    ck_assert_str_eq(handshake_with(opts, "localhost", one.port), "self-signed certificate");
    opts = (struct tls_client_opts){0};
    ck_assert_str_eq(handshake_with(opts, "localhost", one.port), "self-signed certificate");
    server_stop(one);

    struct server two = server_start("two", "-alpn h2");
    opts = (struct tls_client_opts){.ca.file = path_of("two.crt"), .server_name = "two.example"};
    ck_assert_str_eq(handshake_with(opts, "127.0.0.1", two.port), "");
    server_stop(two);
}
END_TEST

START_TEST(test_versions_and_protocol)
{
    if (!have_openssl())
        return;
    make_certificate("one", "DNS:localhost");
    struct tls_client_opts opts = {.ca.file = path_of("one.crt"), .min_version = "1.3"};
    struct server old = server_start("one", "-alpn h2 -tls1_2");
    ck_assert_str_ne(handshake_with(opts, "localhost", old.port), "");
    opts.min_version = "1.2";
    ck_assert_str_eq(handshake_with(opts, "localhost", old.port), "");
    server_stop(old);
    struct server other = server_start("one", "");
    const char *why = handshake_with(opts, "localhost", other.port);
    ck_assert_msg(strstr(why, "ALPN"), "%s", why);
    server_stop(other);
}
END_TEST

START_TEST(test_our_certificate_and_its_change)
{
    if (!have_openssl())
        return;
    make_certificate("one", "DNS:localhost");
    make_certificate("friend", "DNS:friend");
    make_certificate("stranger", "DNS:stranger");
    run("cp stranger.crt use.crt && cp stranger.key use.key");
    struct server s =
        server_start("one", "-alpn h2 -Verify 1 -verify_return_error -CAfile friend.crt");
    struct tls_client_opts opts = {.ca.file = path_of("one.crt"),
                                   .cert.file = path_of("use.crt"),
                                   .key.file = path_of("use.key")};
    AUTO(tls_client_close) struct tls_client *tls = NULL;
    CK_OK(tls_client_open(&opts, &tls));
    ck_assert_str_ne(handshake(tls, "localhost", s.port), "");
    usleep(10 * 1000);            /* times of files are told apart by the millisecond */
    run("cp friend.crt use.crt"); /* the key does not fit: the old pair stays */
    CK_ERR(ERR_INVALID, tls_client_refresh(tls));
    ck_assert_str_ne(handshake(tls, "localhost", s.port), "");
    run("cp friend.key use.key");
    ck_assert_str_eq(handshake(tls, "localhost", s.port), "");
    server_stop(s);
}
END_TEST

START_TEST(test_bad_options)
{
    if (!have_openssl())
        return;
    make_certificate("one", "DNS:localhost");
    run("echo rubbish > rubbish.pem");
    struct tls_client *tls = NULL;
    struct tls_client_opts no_key = {.cert.file = path_of("one.crt")};
    CK_ERR(ERR_INVALID, tls_client_open(&no_key, &tls));
    struct tls_client_opts no_file = {.ca.file = path_of("none.crt")};
    CK_ERR(ERR_NOT_FOUND, tls_client_open(&no_file, &tls));
    struct tls_client_opts rubbish = {.ca.file = path_of("rubbish.pem")};
    CK_ERR(ERR_INVALID, tls_client_open(&rubbish, &tls));
    struct tls_client_opts version = {.min_version = "1.4"};
    CK_ERR(ERR_INVALID, tls_client_open(&version, &tls));
    ck_assert_ptr_null(tls);
}
END_TEST

Suite *
tls_client_suite(void)
{
    Suite *s = suite_create("tls_client");
    TCase *t = tcase_create("tls_client");
    tcase_set_timeout(t, 20);
    tcase_add_test(t, test_who_is_believed);
    tcase_add_test(t, test_versions_and_protocol);
    tcase_add_test(t, test_our_certificate_and_its_change);
    tcase_add_test(t, test_bad_options);
    suite_add_tcase(s, t);
    return s;
}
