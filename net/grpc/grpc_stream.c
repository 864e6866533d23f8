/* grpc_stream.c - messages on their way from the loop to the worker that pulls them.
 *
 * The loop puts payloads into a queue and ends it; the worker takes them out. When the queue has
 * grown above GRPC_STREAM_HELD_BYTES, bytes that come are not given back to the server's window
 * until the worker has taken enough, and posts so. */
#include "net/grpc/grpc_stream.h"

#include "base/assert.h"
#include "base/lock.h"
#include "net/grpc/grpc_client_int.h"

struct grpc_stream {
    _Atomic(unsigned) refs; /* the worker's, the call's, one a post; relaxed up, acq_rel down */
    struct loop *loop;
    size_t message_bytes_max; /* immutable */
    struct client_call *call; /* of the loop; NULL: ended */
    struct lock lock;
    struct cond moved;
    VEC(struct grpc_payload) queue GUARDED_BY(lock);
    size_t first GUARDED_BY(lock);      /* of `queue` that was not taken */
    size_t held_bytes GUARDED_BY(lock); /* in it */
    bool full GUARDED_BY(lock);         /* the server is held back */
    bool ended GUARDED_BY(lock);
    enum grpc_code code GUARDED_BY(lock);     /* with `ended` */
    struct buf text GUARDED_BY(lock);         /* likewise */
    struct arena arena GUARDED_BY(lock);      /* metadata */
    struct grpc_answer head GUARDED_BY(lock); /* in `arena`; metadata and encoding only */
    /* of the worker */
    struct grpc_payload current;
    enum grpc_code failure; /* of its own decoding; GRPC_OK: none */
    struct buf failure_text;
};

static void
stream_unref(struct grpc_stream *s)
{
    if (atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = s->first; i < s->queue.n; i++)
        grpc_payload_fini(&s->queue.v[i]);
    vec_fini(&s->queue);
    grpc_payload_fini(&s->current);
    grpc_answer_fini(&s->head);
    arena_fini(&s->arena);
    buf_fini(&s->text);
    buf_fini(&s->failure_text);
    cond_fini(&s->moved);
    lock_fini(&s->lock);
    mem_free(s);
}

/* What a queued message counts: empty ones take memory, too. */
static size_t
cost_of(const struct grpc_payload *p)
{
    return p->bytes.n + sizeof *p;
}

/* --- on the loop ------------------------------------------------------------------------------ */

/* The worker's copy of what is known by now. */
static void
copy_answer(struct grpc_stream *s, const struct grpc_answer *a)
{
    LOCKED(&s->lock);
    for (size_t i = s->head.metadata.n; i < a->metadata.n; i++) {
        struct grpc_metadata m = {arena_str(&s->arena, a->metadata.v[i].name),
                                  arena_str(&s->arena, a->metadata.v[i].value)};
        vec_push(&s->head.metadata, m);
    }
    if (s->head.encoding_name.n == 0)
        s->head.encoding_name = arena_str(&s->arena, a->encoding_name);
}

static void
on_headers(struct client_call *c)
{
    copy_answer(c->arg, &c->answer);
}

static struct err
on_message(struct client_call *c, struct grpc_payload *p)
{
    struct grpc_stream *s = c->arg;
    LOCKED(&s->lock);
    vec_push(&s->queue, *p);
    s->held_bytes += cost_of(p);
    cond_signal(&s->moved);
    return OK;
}

static bool
may_consume(struct client_call *c)
{
    struct grpc_stream *s = c->arg;
    LOCKED(&s->lock);
    s->full = s->held_bytes >= GRPC_STREAM_HELD_BYTES;
    return !s->full;
}

static void
on_end(struct client_call *c, enum grpc_code code, struct str text)
{
    struct grpc_stream *s = c->arg;
    copy_answer(s, &c->answer);
    s->call = NULL;
    {
        LOCKED(&s->lock);
        s->code = code;
        buf_append(&s->text, text);
        s->ended = true;
        cond_signal(&s->moved);
    }
    stream_unref(s);
}

static const struct client_call_ops stream_ops = {
    .on_headers = on_headers,
    .on_message = on_message,
    .may_consume = may_consume,
    .on_end = on_end,
};

static void
on_resume(void *arg)
{
    struct grpc_stream *s = arg;
    if (s->call)
        client_call_resume(s->call);
    stream_unref(s);
}

static void
on_cancel(void *arg)
{
    struct grpc_stream *s = arg;
    if (s->call)
        client_call_finish(s->call, GRPC_CANCELED, STR("context canceled"));
    stream_unref(s);
}

/* --- for the worker --------------------------------------------------------------------------- */

static void
post(struct grpc_stream *s, void (*fn)(void *arg))
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    loop_post(s->loop, fn, s);
}

struct grpc_stream *
grpc_stream_open(struct grpc_channel *ch, const struct grpc_unary *q)
{
    ASSERT(!loop_is_current(ch->opts.loop)); /* who pulls there waits for itself */
    struct grpc_stream *s = mem_alloc_zero(sizeof *s);
    atomic_init(&s->refs, 2);
    s->loop = ch->opts.loop;
    s->message_bytes_max = ch->opts.message_bytes_max;
    lock_init(&s->lock, LOCK_RANK_LEAF);
    cond_init(&s->moved);
    arena_init(&s->arena, 0);
    grpc_answer_init(&s->head, &s->arena);
    client_call_begin(ch, GRPC_CLIENT_STREAM, q, &stream_ops, s, &s->call);
    return s;
}

void
grpc_stream_cancel(struct grpc_stream *s)
{
    post(s, on_cancel);
}

void
grpc_stream_close(struct grpc_stream *s)
{
    if (!s)
        return;
    bool ended;
    {
        LOCKED(&s->lock);
        ended = s->ended;
    }
    if (!ended)
        grpc_stream_cancel(s);
    stream_unref(s);
}

/* Takes the next payload into s->current. *ret_resume: the server may go on. */
static bool
take_next(struct grpc_stream *s, bool *ret_resume)
{
    LOCKED(&s->lock);
    while (s->first == s->queue.n && !s->ended)
        cond_wait(&s->moved, &s->lock);
    *ret_resume = false;
    if (s->first == s->queue.n)
        return false;
    s->current = s->queue.v[s->first++];
    s->held_bytes -= cost_of(&s->current);
    if (s->first * 2 > s->queue.n ||
        s->first == s->queue.n) { /* moves a message once, on average */
        s->queue.n -= s->first;
        memmove(s->queue.v, s->queue.v + s->first, s->queue.n * sizeof *s->queue.v);
        s->first = 0;
    }
    if (s->full && s->held_bytes < GRPC_STREAM_HELD_BYTES / 2) {
        s->full = false;
        *ret_resume = true;
    }
    return true;
}

static struct err
decode(struct grpc_stream *s)
{
    if (!s->current.compressed)
        return OK;
    enum grpc_encoding e;
    bool known;
    {
        LOCKED(&s->lock);
        known = grpc_answer_encoding(&s->head, &e);
    }
    if (!known)
        return ERR(ERR_INTERNAL, "grpc: no decompressor for the stream's grpc-encoding");
    return grpc_payload_decode(&s->current, e, s->message_bytes_max);
}

bool
grpc_stream_next(struct grpc_stream *s, struct str *ret_message)
{
    bool resume;
    grpc_payload_fini(&s->current);
    if (s->failure != GRPC_OK || !take_next(s, &resume))
        return false;
    if (resume)
        post(s, on_resume);
    struct err e = decode(s);
    if (e.code != ERR_NONE) {
        s->failure = grpc_code_of_err(e.code);
        buf_append(&s->failure_text, str_of_cstr(err_text(&e)));
        err_drop(e);
        grpc_stream_cancel(s);
        return false;
    }
    *ret_message = buf_str(&s->current.bytes);
    return true;
}

enum grpc_code
grpc_stream_code(struct grpc_stream *s)
{
    LOCKED(&s->lock);
    ASSERT(s->failure != GRPC_OK || s->ended);
    return s->failure != GRPC_OK ? s->failure : s->code;
}

struct err
grpc_stream_end(struct grpc_stream *s)
{
    enum grpc_code code = grpc_stream_code(s);
    if (code == GRPC_OK)
        return OK;
    struct buf *text = s->failure != GRPC_OK ? &s->failure_text : &s->text;
    return ERR(grpc_code_to_err(code), "rpc error: code = %s desc = %s", grpc_code_name(code),
               buf_cstr(text));
}

struct str
grpc_stream_metadata(struct grpc_stream *s, const char *name)
{
    LOCKED(&s->lock);
    return grpc_answer_metadata(&s->head, str_of_cstr(name));
}
