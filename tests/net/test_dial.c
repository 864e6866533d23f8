/* Connections by name and by address: the first address that answers is taken, failures say which
 * one and why, a silent one costs no more than the timeout, and a canceled dial says nothing. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/mem.h"
#include "net/dial.h"
#include "net/listen.h"
#include "tests/harness.h"

struct waiter {
    struct loops *loops;
    struct dial_target target;
    uint64_t timeout_ms;
    struct dial *dial;
    struct lock lock;
    struct cond moved;
    int calls GUARDED_BY(lock);
    struct err why GUARDED_BY(lock);
    int fd GUARDED_BY(lock);
};

static void
on_done(void *arg, struct err why, int fd)
{
    struct waiter *w = arg;
    LOCKED(&w->lock);
    w->calls++;
    w->why = why;
    w->fd = fd;
    cond_signal(&w->moved);
}

static void
start(void *arg)
{
    struct waiter *w = arg;
    struct dial_opts opts = {loops_at(w->loops, 0), &w->target, NULL, NULL, w->timeout_ms};
    w->dial = dial_start(&opts, on_done, w);
}

static void
start_and_cancel(void *arg)
{
    struct waiter *w = arg;
    start(w);
    dial_cancel(w->dial);
}

static void
waiter_init(struct waiter *w, const char *address, uint64_t timeout_ms)
{
    *w = (struct waiter){.fd = -1, .timeout_ms = timeout_ms};
    lock_init(&w->lock, LOCK_RANK_LEAF);
    cond_init(&w->moved);
    CK_OK(loops_start(1, &w->loops));
    CK_OK(dial_target_parse(str_of_cstr(address), &w->target));
}

static void
waiter_fini(struct waiter *w)
{
    loops_stop(w->loops);
    err_drop(w->why);
    if (w->fd >= 0)
        close(w->fd);
    cond_fini(&w->moved);
    lock_fini(&w->lock);
}

/* Waits for done(), at most 5 s. */
static void
wait_done(struct waiter *w)
{
    uint64_t until = clock_mono_ns(clock_system()) + 5000000000ull;
    LOCKED(&w->lock);
    while (w->calls == 0)
        ck_assert_msg(cond_wait_until(&w->moved, &w->lock, until), "no done()");
    ck_assert_int_eq(w->calls, 1);
}

static void
dial(struct waiter *w, const char *address, uint64_t timeout_ms)
{
    waiter_init(w, address, timeout_ms);
    loop_call(loops_at(w->loops, 0), start, w);
    wait_done(w);
}

static const struct target_case {
    const char *address;
    const char *host, *port; /* NULL: refused */
} target_cases[] = {
    {"node-1:10901", "node-1", "10901"},
    {"[::1]:80", "::1", "80"},
    {":19391", "", "19391"},
    {"node-1", NULL, NULL},
    {"node-1:", NULL, NULL},
    {"node-1:65536", NULL, NULL},
    {"node-1:0000080", NULL, NULL},
    {"::1:80", NULL, NULL},
    {"node-1:http", NULL, NULL},
};

START_TEST(test_targets)
{
    const struct target_case *c = &target_cases[_i];
    struct dial_target t;
    struct err e = dial_target_parse(str_of_cstr(c->address), &t);
    ROW_ASSERT(c->address, (e.code == ERR_NONE) == (c->host != NULL));
    if (c->host) {
        ck_assert_str_eq(t.host, c->host);
        ck_assert_str_eq(t.port, c->port);
    }
    err_drop(e);
}
END_TEST

/* A name of two addresses, of which one listens: "localhost" is ::1 and 127.0.0.1. */
START_TEST(test_connects_by_name)
{
    int fd;
    unsigned port;
    char address[64];
    CK_OK(listen_open(STR("127.0.0.1:0"), &fd, 1, &port));
    snprintf(address, sizeof address, "localhost:%u", port);
    struct waiter w;
    dial(&w, address, 4000);
    CK_OK(w.why);
    ck_assert_int_ge(w.fd, 0);
    ck_assert(fcntl(w.fd, F_GETFL) & O_NONBLOCK);
    waiter_fini(&w);
    close(fd);
}
END_TEST

START_TEST(test_refused)
{
    int fd;
    unsigned port;
    char address[64];
    CK_OK(listen_open(STR("127.0.0.1:0"), &fd, 1, &port));
    close(fd);
    snprintf(address, sizeof address, "127.0.0.1:%u", port);
    struct waiter w;
    dial(&w, address, 4000);
    ck_assert_int_eq(w.why.code, ERR_UNAVAILABLE);
    ck_assert_msg(strstr(err_text(&w.why), address), "%s", err_text(&w.why));
    waiter_fini(&w);
}
END_TEST

START_TEST(test_unknown_name)
{
    struct waiter w;
    dial(&w, "no..such.name:80", 4000);
    ck_assert_int_eq(w.why.code, ERR_UNAVAILABLE);
    ck_assert_msg(strstr(err_text(&w.why), "no..such.name"), "%s", err_text(&w.why));
    waiter_fini(&w);
}
END_TEST

/* A listener whose queue is full answers nobody. */
START_TEST(test_silence_ends_by_the_timeout)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof at;
    int full = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert(bind(full, (struct sockaddr *)&at, sizeof at) == 0 && listen(full, 0) == 0);
    ck_assert_int_eq(getsockname(full, (struct sockaddr *)&at, &bytes), 0);
    int fillers[4];
    for (int i = 0; i < 4; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fillers[i], (struct sockaddr *)&at, sizeof at);
    }
    char address[64];
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)ntohs(at.sin_port));
    struct waiter w;
    dial(&w, address, 300);
    ck_assert_int_eq(w.why.code, ERR_TIMEOUT);
    waiter_fini(&w);
    for (int i = 0; i < 4; i++)
        close(fillers[i]);
    close(full);
}
END_TEST

START_TEST(test_canceled_says_nothing)
{
    struct waiter w;
    waiter_init(&w, "localhost:1", 4000);
    loop_call(loops_at(w.loops, 0), start_and_cancel, &w);
    loops_stop(TAKE(w.loops));
    ck_assert_int_eq(w.calls, 0);
    waiter_fini(&w);
}
END_TEST

Suite *
dial_suite(void)
{
    Suite *s = suite_create("dial");
    TCase *t = tcase_create("dial");
    tcase_add_loop_test(t, test_targets, 0, sizeof target_cases / sizeof target_cases[0]);
    tcase_add_test(t, test_connects_by_name);
    tcase_add_test(t, test_refused);
    tcase_add_test(t, test_unknown_name);
    tcase_add_test(t, test_silence_ends_by_the_timeout);
    tcase_add_test(t, test_canceled_says_nothing);
    suite_add_tcase(s, t);
    return s;
}
