/* grpc_health.c - grpc.health.v1.Health: Check, Watch, List.
 *
 * All services of a server are in the same state, which is that of "", too. A watch is told each
 * change, and ends when its client goes or the server stops. */
#include "base/assert.h"
#include "base/pb.h"
#include "net/grpc/grpc_server_int.h"

enum { NAME_BYTES_MAX = 1024 };
enum status { SERVING = 1, NOT_SERVING = 2, SERVICE_UNKNOWN = 3 };

struct grpc_watch {
    struct grpc_call *call;
    bool known; /* the service is one of ours */
};
VEC_TYPE(grpc_watches, struct grpc_watch);

struct grpc_health {
    struct grpc_server *server;
    struct lock lock;
    bool serving GUARDED_BY(lock);
    bool shut GUARDED_BY(lock);
    struct grpc_watches watches GUARDED_BY(lock); /* calls that have not ended */
};

struct grpc_health *
grpc_health_open(struct grpc_server *s)
{
    struct grpc_health *h = mem_alloc_zero(sizeof *h);
    h->server = s;
    lock_init(&h->lock, LOCK_RANK_GRPC_HEALTH);
    return h;
}

void
grpc_health_close(struct grpc_health *h)
{
    if (!h)
        return;
    ASSERT(h->watches.n == 0);
    vec_fini(&h->watches);
    lock_fini(&h->lock);
    mem_free(h);
}

/* --- messages --------------------------------------------------------------------------------- */

/* HealthCheckRequest {1 service}. */
static struct err
parse_service(struct str message, struct str *ret_service)
{
    struct reader r = reader_of(message);
    struct pb_field f;
    *ret_service = STR("");
    while (pb_next(&r, &f)) {
        if (f.number == 1 && f.wire == PB_LEN)
            *ret_service = f.bytes;
    }
    if (r.code != ERR_NONE || ret_service->n > NAME_BYTES_MAX)
        return ERR(ERR_INVALID, "malformed HealthCheckRequest");
    return OK;
}

/* HealthCheckResponse {1 status}. */
static struct str
status_message(enum status status, char to[2])
{
    to[0] = 1 << 3 | PB_VARINT;
    to[1] = (char)status;
    return str_of(to, 2);
}

static bool
knows(const struct grpc_health *h, struct str service)
{
    return service.n == 0 || map_get(&h->server->services, service);
}

static enum status
status_now(struct grpc_health *h)
{
    LOCKED(&h->lock);
    return h->serving ? SERVING : NOT_SERVING;
}

/* --- methods ---------------------------------------------------------------------------------- */

static void
check(void *arg, struct grpc_call *c)
{
    struct grpc_health *h = arg;
    struct str service;
    char message[2];
    struct err e = parse_service(grpc_call_message(c), &service);
    if (e.code != ERR_NONE)
        grpc_finish_err(c, e);
    else if (!knows(h, service))
        grpc_finish(c, GRPC_NOT_FOUND, STR("unknown service"));
    else
        grpc_finish(c, GRPC_OK, status_message(status_now(h), message));
}

/* HealthListResponse {1 map<string, HealthCheckResponse>}. */
static void
list(void *arg, struct grpc_call *c)
{
    struct grpc_health *h = arg;
    AUTO(buf_fini) struct buf reply = BUF_INIT;
    char message[2];
    struct str status = status_message(status_now(h), message), name = STR("");
    struct map_entry e = MAP_START;
    do {
        pb_put_message(&reply, 1, pb_bytes_size(1, name.n) + pb_bytes_size(2, status.n));
        pb_put_message(&reply, 1, name.n);
        buf_append(&reply, name);
        pb_put_bytes(&reply, 2, status);
        bool more = map_next(&h->server->services, &e);
        name = more ? e.key : (struct str){NULL, 0};
    } while (name.p);
    grpc_finish(c, GRPC_OK, buf_str(&reply));
}

/* False: it was not there any more. */
static bool
remove_watch(struct grpc_health *h, struct grpc_call *c)
{
    LOCKED(&h->lock);
    for (size_t i = 0; i < h->watches.n; i++) {
        if (h->watches.v[i].call != c)
            continue;
        h->watches.v[i] = vec_pop(&h->watches);
        return true;
    }
    return false;
}

static void
watch_canceled(void *arg, struct grpc_call *c)
{
    if (remove_watch(arg, c))
        grpc_finish(c, GRPC_CANCELED, STR(""));
}

static void
send_status(struct grpc_call *c, enum status status)
{
    char message[2];
    grpc_call_queue(c, status_message(status, message));
}

static void
watch(void *arg, struct grpc_call *c)
{
    struct grpc_health *h = arg;
    struct str service;
    struct err e = parse_service(grpc_call_message(c), &service);
    if (e.code != ERR_NONE) {
        grpc_finish_err(c, e);
        return;
    }
    grpc_call_on_cancel(c, watch_canceled, h);
    LOCKED(&h->lock);
    if (h->shut) {
        grpc_finish(c, GRPC_UNAVAILABLE, STR("the server is stopping"));
        return;
    }
    bool known = knows(h, service);
    vec_push(&h->watches, ((struct grpc_watch){c, known}));
    send_status(c, !known ? SERVICE_UNKNOWN : h->serving ? SERVING : NOT_SERVING);
}

/* --- changes ---------------------------------------------------------------------------------- */

void
grpc_health_set(struct grpc_health *h, bool serving)
{
    LOCKED(&h->lock);
    if (h->serving == serving)
        return;
    h->serving = serving;
    vec_each (&h->watches, w) {
        if (w->known)
            send_status(w->call, serving ? SERVING : NOT_SERVING);
    }
}

void
grpc_health_shut(struct grpc_health *h)
{
    LOCKED(&h->lock);
    h->shut = true;
    vec_each (&h->watches, w)
        grpc_finish(w->call, GRPC_UNAVAILABLE, STR("the server is stopping"));
    vec_clear(&h->watches);
}

const struct grpc_method grpc_health_methods[] = {
    {"grpc.health.v1.Health", "Check", GRPC_UNARY, check, NULL, NULL, 0, GRPC_KEEPS_NOTHING},
    {"grpc.health.v1.Health", "Watch", GRPC_SERVER_STREAM, watch, NULL, NULL, 0,
     GRPC_KEEPS_NOTHING},
    {"grpc.health.v1.Health", "List", GRPC_UNARY, list, NULL, NULL, 0, GRPC_KEEPS_NOTHING},
};
const size_t grpc_health_method_count = ARRAY_LEN(grpc_health_methods);
