/* grpc_channel.c - the states of a channel; see the drawing in grpc_client.h.
 *
 * Everything but the counters belongs to the loop. `current` is the connection that new calls go
 * to; others have been told to go (GOAWAY) and stay until their last call has ended. */
#include <unistd.h>

#include "base/assert.h"
#include "net/grpc/grpc_client_int.h"
#include "net/tls_client.h"

enum {
    BACKOFF_BASE_MS = 1000,
    BACKOFF_MAX_MS = 120 * 1000,
    CONNECT_TIMEOUT_MS = 20 * 1000,
    KEEPALIVE_MS = 10 * 1000,
    KEEPALIVE_TIMEOUT_MS = 5 * 1000,
    IDLE_MS = 30 * 60 * 1000,
    CALLS_MAX = 10000,
    TICK_MS = 500, /* deadlines of connections */
    STREAM_WINDOW_BYTES = 4 << 20,
    CONN_WINDOW_BYTES = 256 << 20, /* streams that nobody pulls must not stop the others: each is
                                    * held by its own window */
};
static const double backoff_factor = 1.6, backoff_jitter = 0.2;

/* --- life cycle ------------------------------------------------------------------------------- */

static void
set_defaults(struct grpc_channel_opts *o)
{
#define DEFAULT(field, value) o->field = o->field ? o->field : (value)
    DEFAULT(message_bytes_max, GRPC_MESSAGE_BYTES_MAX);
    DEFAULT(calls_max, CALLS_MAX);
    DEFAULT(connect_timeout_ms, CONNECT_TIMEOUT_MS);
    DEFAULT(backoff_max_ms, BACKOFF_MAX_MS);
    DEFAULT(keepalive_ms, KEEPALIVE_MS);
    DEFAULT(keepalive_timeout_ms, KEEPALIVE_TIMEOUT_MS);
    DEFAULT(idle_ms, IDLE_MS);
    DEFAULT(user_agent, "grpc-mneme");
#undef DEFAULT
}

struct err
grpc_channel_open(const struct grpc_channel_opts *opts, struct grpc_channel **ret_channel)
{
    struct dial_target target;
    TRY(dial_target_parse(opts->address, &target));
    struct grpc_channel *ch = mem_alloc_zero(sizeof *ch);
    ch->opts = *opts;
    ch->target = target;
    set_defaults(&ch->opts);
    arena_init(&ch->arena, 0);
    ch->opts.address = arena_str(&ch->arena, opts->address);
    ch->opts.user_agent = arena_str(&ch->arena, str_of_cstr(ch->opts.user_agent)).p;
    ch->opts.tls = opts->tls ? tls_client_ref(opts->tls) : NULL;
    ch->authority = opts->tls ? tls_client_server_name(opts->tls) : (struct str){NULL, 0};
    if (ch->authority.n == 0)
        ch->authority = ch->opts.address;
    atomic_init(&ch->refs, 1);
    ch->keepalive_ms = ch->opts.keepalive_ms;
    uint64_t seed;
    rand_bytes(&seed, sizeof seed);
    ch->rand = rand_gen_of(seed);
    ch->metrics = grpc_client_metrics_open(opts->metrics);
    *ret_channel = ch;
    return OK;
}

void
channel_unref(struct grpc_channel *ch)
{
    if (atomic_fetch_sub_explicit(&ch->refs, 1, memory_order_acq_rel) != 1)
        return;
    ASSERT(!ch->conns && !ch->dial && !ch->waiting.first && !ch->open.first);
    tls_client_close(ch->opts.tls);
    grpc_client_metrics_close(ch->metrics);
    arena_fini(&ch->arena);
    err_drop(ch->why);
    mem_free(ch);
}

static void
conn_free(struct client_conn *conn)
{
    struct grpc_channel *ch = conn->ch;
    struct client_conn **at = &ch->conns;
    while (*at != conn)
        at = &(*at)->next;
    *at = conn->next;
    if (ch->current == conn)
        ch->current = NULL;
    h2_conn_close(conn->h2);
    mem_free(conn);
    if (!ch->conns) {
        loop_timer_free(ch->tick);
        ch->tick = NULL;
    }
}

static void
on_shut(void *arg)
{
    struct grpc_channel *ch = arg;
    ch->state = CHANNEL_CLOSED;
    dial_cancel(TAKE(ch->dial));
    while (ch->waiting.first)
        client_call_finish(ch->waiting.first, GRPC_CANCELED, STR("the channel was closed"));
    while (ch->open.first)
        client_call_finish(ch->open.first, GRPC_CANCELED, STR("the channel was closed"));
    while (ch->conns)
        conn_free(ch->conns);
    loop_timer_free(ch->alarm);
    ch->alarm = NULL;
    channel_unref(ch);
}

void
grpc_channel_close(struct grpc_channel *ch)
{
    if (ch)
        loop_post(ch->opts.loop, on_shut, ch);
}

/* --- connecting ------------------------------------------------------------------------------- */

/* As far as calls that do not wait are concerned, the target cannot be reached. */
static void
fail_waiting(struct grpc_channel *ch)
{
    for (struct client_call *c = ch->waiting.first, *next; c; c = next) {
        next = c->next;
        if (!c->request.wait_for_ready)
            client_call_finish(c, GRPC_UNAVAILABLE,
                               arena_printf(&c->arena, "connection error: %s", err_text(&ch->why)));
    }
}

static uint64_t
backoff_ms(struct grpc_channel *ch)
{
    double ms = BACKOFF_BASE_MS, max = (double)ch->opts.backoff_max_ms;
    for (unsigned i = 1; i < ch->failures && ms < max; i++)
        ms *= backoff_factor;
    ms = ms < max ? ms : max;
    return (uint64_t)(ms * (1 + backoff_jitter * (2 * rand_f64(&ch->rand) - 1)));
}

/* The attempt has failed. Consumes `why`. */
static void
back_off(struct grpc_channel *ch, struct err why)
{
    ASSERT(ch->state == CHANNEL_CONNECTING);
    err_drop(ch->why);
    ch->why = why;
    if (++ch->failures == 1)
        log_warn(ch->opts.log, "gRPC peer cannot be reached", KV_STR("peer", ch->opts.address),
                 KV_ERR(why));
    ch->state = CHANNEL_BACKOFF;
    loop_alarm_set(ch->alarm, backoff_ms(ch));
    fail_waiting(ch);
}

/* A connection that nobody has used for long is given up before the network forgets it. */
static void
check_idle(struct grpc_channel *ch, uint64_t now_ns)
{
    if (ch->state != CHANNEL_READY || ch->waiting.first || ch->open.first ||
        now_ns - ch->used_ns < ch->opts.idle_ms * 1000000)
        return;
    ch->state = CHANNEL_IDLE;
    h2_conn_drain(TAKE(ch->current)->h2);
}

static void
on_tick(void *arg)
{
    struct grpc_channel *ch = arg;
    uint64_t now_ns = clock_mono_ns(ch->opts.clock);
    check_idle(ch, now_ns);
    for (struct client_conn *conn = ch->conns, *next; conn; conn = next) {
        next = conn->next;
        h2_conn_tick(conn->h2, now_ns); /* may free it, and the timer behind the last */
    }
}

static void
conn_open(struct grpc_channel *ch, int fd, struct tls_session *tls)
{
    struct client_conn *conn = mem_alloc_zero(sizeof *conn);
    struct h2_conn_opts opts = {
        .role = H2_CLIENT,
        .ops = &client_conn_ops,
        .arg = conn,
        .clock = ch->opts.clock,
        .stream_window_bytes = STREAM_WINDOW_BYTES,
        .conn_window_bytes = CONN_WINDOW_BYTES,
        .setup_ms = ch->opts.connect_timeout_ms,
        .keepalive_ms = ch->keepalive_ms,
        .keepalive_timeout_ms = ch->opts.keepalive_timeout_ms,
    };
    conn->ch = ch;
    conn->h2 = h2_conn_open(&opts, ch->opts.loop, fd, tls);
    conn->next = ch->conns;
    ch->conns = ch->current = conn;
    if (!ch->tick)
        ch->tick = loop_timer_new(ch->opts.loop, TICK_MS, on_tick, ch);
}

static void
on_dialed(void *arg, struct err why, int fd)
{
    struct grpc_channel *ch = arg;
    ch->dial = NULL;
    if (why.code != ERR_NONE) {
        back_off(ch, why);
        return;
    }
    struct tls_session *tls = NULL;
    if (ch->opts.tls)
        tls = tls_client_session(ch->opts.tls, fd, ch->target.host);
    if (ch->opts.tls && !tls) {
        close(fd);
        back_off(ch, ERR(ERR_UNAVAILABLE, "tls: no session"));
        return;
    }
    conn_open(ch, fd, tls);
}

static void
connect_now(struct grpc_channel *ch)
{
    struct dial_opts opts = {.loop = ch->opts.loop,
                             .target = &ch->target,
                             .tls = ch->opts.tls,
                             .log = ch->opts.log,
                             .timeout_ms = ch->opts.connect_timeout_ms};
    ch->state = CHANNEL_CONNECTING;
    loop_alarm_set(ch->alarm, ch->opts.connect_timeout_ms);
    ch->dial = dial_start(&opts, on_dialed, ch);
}

static void
on_alarm(void *arg)
{
    struct grpc_channel *ch = arg;
    if (ch->state == CHANNEL_CONNECTING) {
        dial_cancel(TAKE(ch->dial));
        if (ch->current)
            conn_free(ch->current);
        back_off(ch, ERR(ERR_TIMEOUT, "no connection within %ju ms",
                         (uintmax_t)ch->opts.connect_timeout_ms));
    } else if (ch->state == CHANNEL_BACKOFF) {
        ch->state = CHANNEL_IDLE;
        channel_pump(ch);
    }
}

/* --- calls ------------------------------------------------------------------------------------ */

void
channel_pump(struct grpc_channel *ch)
{
    ch->used_ns = clock_mono_ns(ch->opts.clock);
    if (ch->state == CHANNEL_IDLE && ch->waiting.first) {
        if (!ch->alarm)
            ch->alarm = loop_alarm_new(ch->opts.loop, on_alarm, ch);
        connect_now(ch);
    }
    while (ch->state == CHANNEL_READY && ch->waiting.first && h2_conn_room(ch->current->h2) > 0)
        client_call_send(ch->waiting.first, ch->current);
}

void
channel_take(struct grpc_channel *ch, struct client_call *c)
{
    client_calls_push(&ch->waiting, c);
    if (ch->state == CHANNEL_CLOSED)
        client_call_finish(c, GRPC_CANCELED, STR("the channel was closed"));
    else if (ch->state == CHANNEL_BACKOFF)
        fail_waiting(ch);
    else
        channel_pump(ch);
}

void
channel_take_again(struct grpc_channel *ch, struct client_call *c)
{
    client_calls_push_first(&ch->waiting, c);
    if (ch->state == CHANNEL_BACKOFF)
        fail_waiting(ch);
    else
        channel_pump(ch);
}

/* --- what connections tell -------------------------------------------------------------------- */

void
channel_on_ready(struct client_conn *conn)
{
    struct grpc_channel *ch = conn->ch;
    conn->ready = true;
    if (conn != ch->current)
        return;
    ASSERT(ch->state == CHANNEL_CONNECTING);
    if (ch->failures > 0)
        log_info(ch->opts.log, "gRPC peer is reached again", KV_STR("peer", ch->opts.address));
    ch->failures = 0;
    ch->state = CHANNEL_READY;
    loop_alarm_clear(ch->alarm);
    channel_pump(ch);
}

/* No new calls go to it. One that says so before it was ready has failed all the same. */
void
channel_on_goaway(struct client_conn *conn, uint32_t code, struct str text)
{
    struct grpc_channel *ch = conn->ch;
    if (code == H2_ENHANCE_YOUR_CALM && str_eq(text, STR("too_many_pings")))
        ch->keepalive_ms *= 2;
    if (conn != ch->current || !conn->ready)
        return;
    ch->current = NULL;
    ch->state = CHANNEL_IDLE;
    channel_pump(ch);
}

void
channel_on_close(struct client_conn *conn, struct err why)
{
    struct grpc_channel *ch = conn->ch;
    bool was_current = conn == ch->current, was_ready = conn->ready;
    conn_free(conn);
    if (!was_current) {
        err_drop(why);
        return;
    }
    if (!was_ready) {
        if (why.code == ERR_NONE)
            why = ERR(ERR_UNAVAILABLE, "the connection was closed before it was ready");
        back_off(ch, why);
        return;
    }
    log_debug(ch->opts.log, "gRPC connection ended", KV_STR("peer", ch->opts.address), KV_ERR(why));
    err_drop(why);
    ch->state = CHANNEL_IDLE;
    channel_pump(ch);
}
