/* h2_stream.c - the sending half of a stream: pieces on their way, the end behind them. */
#include "base/assert.h"
#include "net/h2/h2_int.h"

struct h2_stream *
h2_stream_new(struct h2_conn *c, int32_t id)
{
    struct h2_stream *s = mem_alloc_zero(sizeof *s);
    s->conn = c;
    s->id = id;
    s->older = c->streams;
    if (s->older)
        s->older->newer = s;
    c->streams = s;
    c->stream_count++;
    return s;
}

static void
drop_pieces(struct h2_stream *s)
{
    for (size_t i = s->first; i < s->pieces.n; i++)
        shared_unref(s->pieces.v[i].bytes);
    vec_fini(&s->pieces);
    s->first = 0;
    s->queued_bytes = 0;
}

void
h2_stream_finish(struct h2_stream *s, uint32_t code)
{
    struct h2_conn *c = s->conn;
    if (c->header_stream == s)
        c->header_stream = NULL;
    if (s->unconsumed_bytes > 0 && c->session)
        nghttp2_session_consume_connection(c->session, s->unconsumed_bytes);
    drop_pieces(s);
    if (s->older)
        s->older->newer = s->newer;
    *(s->newer ? &s->newer->older : &c->streams) = s->older;
    if (--c->stream_count == 0)
        c->idle_ns = h2_now_ns(c);
    if (s->shown)
        c->opts.ops->on_stream_close(c->opts.arg, s, code);
    mem_free(s->trailers);
    mem_free(s);
}

/* --- header fields of ours -------------------------------------------------------------------- */

/* An array for nghttp2 whose texts stand behind it; the caller frees. */
static nghttp2_nv *
copy_fields(const struct h2_header *v, size_t n)
{
    size_t bytes = n * sizeof(nghttp2_nv);
    for (size_t i = 0; i < n; i++)
        bytes += v[i].name.n + v[i].value.n;
    nghttp2_nv *copy = mem_alloc(bytes);
    char *at = (char *)(copy + n);
    for (size_t i = 0; i < n; i++) {
        struct str name = str_copy_to(&at, v[i].name), value = str_copy_to(&at, v[i].value);
        copy[i] = (nghttp2_nv){(uint8_t *)(uintptr_t)name.p, (uint8_t *)(uintptr_t)value.p, name.n,
                               value.n, NGHTTP2_NV_FLAG_NONE};
    }
    return copy;
}

/* --- requests and answers --------------------------------------------------------------------- */

size_t
h2_conn_room(const struct h2_conn *c)
{
    if (c->state != H2_STATE_OPEN || c->drain != H2_DRAIN_NONE || c->went_away ||
        !nghttp2_session_check_request_allowed(c->session))
        return 0;
    size_t max =
        nghttp2_session_get_remote_settings(c->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    max = size_min(max, c->opts.streams_max);
    return max > c->stream_count ? max - c->stream_count : 0;
}

struct h2_stream *
h2_conn_request(struct h2_conn *c, const struct h2_header *v, size_t n, enum h2_more more,
                void *arg)
{
    ASSERT(c->opts.role == H2_CLIENT && h2_conn_room(c) > 0);
    struct h2_stream *s = h2_stream_new(c, 0);
    AUTO(mem_free) nghttp2_nv *fields = copy_fields(v, n);
    nghttp2_data_provider provider = {.source.ptr = s, .read_callback = h2_stream_read};
    s->id =
        nghttp2_submit_request(c->session, NULL, fields, n, more == H2_MORE ? &provider : NULL, s);
    ASSERT(s->id > 0); /* there was room: only want of memory is left */
    s->arg = arg;
    s->shown = true;
    s->output = more == H2_MORE ? H2_OUTPUT_OPEN : H2_OUTPUT_ENDED;
    h2_conn_stir(c);
    return s;
}

void
h2_stream_headers(struct h2_stream *s, const struct h2_header *v, size_t n, enum h2_more more)
{
    struct h2_conn *c = s->conn;
    ASSERT(c->opts.role == H2_SERVER && s->output == H2_OUTPUT_NONE);
    s->output = more == H2_MORE ? H2_OUTPUT_OPEN : H2_OUTPUT_ENDED;
    if (s->reset || c->state != H2_STATE_OPEN)
        return;
    AUTO(mem_free) nghttp2_nv *fields = copy_fields(v, n);
    nghttp2_data_provider provider = {.source.ptr = s, .read_callback = h2_stream_read};
    int failed =
        nghttp2_submit_response(c->session, s->id, fields, n, more == H2_MORE ? &provider : NULL);
    ASSERT(failed == 0);
    h2_conn_stir(c);
}

static void
resume(struct h2_stream *s)
{
    if (s->deferred) {
        s->deferred = false;
        nghttp2_session_resume_data(s->conn->session, s->id); /* fails: being reset */
    }
    h2_conn_stir(s->conn);
}

void
h2_stream_data(struct h2_stream *s, struct shared *bytes)
{
    ASSERT(s->output == H2_OUTPUT_OPEN);
    size_t n = shared_bytes(bytes).n;
    if (s->reset || s->conn->state != H2_STATE_OPEN || n == 0)
        return;
    if (s->queued_bytes == 0)
        s->moved_ns = h2_now_ns(s->conn);
    if (s->first > 0 && s->pieces.n == s->pieces.cap) { /* no growth for what is gone */
        s->pieces.n -= s->first;
        memmove(s->pieces.v, s->pieces.v + s->first, s->pieces.n * sizeof *s->pieces.v);
        s->first = 0;
    }
    vec_push(&s->pieces, ((struct h2_piece){shared_ref(bytes), 0}));
    s->queued_bytes += n;
    resume(s);
}

void
h2_stream_end(struct h2_stream *s, const struct h2_header *v, size_t n)
{
    ASSERT(s->output == H2_OUTPUT_OPEN);
    s->output = H2_OUTPUT_ENDED;
    if (s->reset || s->conn->state != H2_STATE_OPEN)
        return;
    if (n > 0)
        s->trailers = copy_fields(v, n);
    s->trailer_count = n;
    resume(s);
}

void
h2_stream_reset(struct h2_stream *s, enum h2_code code)
{
    if (s->reset || s->conn->state != H2_STATE_OPEN)
        return;
    s->reset = true;
    drop_pieces(s);
    nghttp2_submit_rst_stream(s->conn->session, NGHTTP2_FLAG_NONE, s->id, code);
    h2_conn_stir(s->conn);
}

/* --- what nghttp2 asks for -------------------------------------------------------------------- */

/* Copies queued bytes to `to`. */
static size_t
take_queued(struct h2_stream *s, uint8_t *to, size_t room)
{
    size_t taken = 0;
    while (taken < room && s->first < s->pieces.n) {
        struct h2_piece *p = &s->pieces.v[s->first];
        struct str rest = str_skip(shared_bytes(p->bytes), p->sent_bytes);
        size_t n = size_min(rest.n, room - taken);
        memcpy(to + taken, rest.p, n);
        taken += n;
        p->sent_bytes += n;
        if (n < rest.n)
            break;
        shared_unref(p->bytes);
        s->first++;
    }
    if (s->first == s->pieces.n) {
        vec_clear(&s->pieces);
        s->first = 0;
    }
    s->queued_bytes -= taken;
    return taken;
}

ssize_t
h2_stream_read(nghttp2_session *session, int32_t id, uint8_t *to, size_t room, uint32_t *flags,
               nghttp2_data_source *source, void *arg)
{
    struct h2_conn *c = arg;
    struct h2_stream *s = source->ptr;
    if (s->reset)
        return NGHTTP2_ERR_DEFERRED; /* its RST_STREAM is on the way */
    size_t taken = take_queued(s, to, room);
    if (taken > 0) {
        s->moved_ns = h2_now_ns(c);
        if (c->opts.ops->on_sent)
            c->opts.ops->on_sent(c->opts.arg, s, taken);
    }
    if (s->queued_bytes > 0)
        return (ssize_t)taken;
    if (s->output == H2_OUTPUT_ENDED) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (s->trailer_count > 0) {
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            int failed = nghttp2_submit_trailer(session, id, s->trailers, s->trailer_count);
            if (failed)
                return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* the stream is reset */
        }
        return (ssize_t)taken;
    }
    if (taken > 0)
        return (ssize_t)taken;
    s->deferred = true;
    return NGHTTP2_ERR_DEFERRED;
}

/* --- accessors -------------------------------------------------------------------------------- */

void
h2_stream_consume(struct h2_stream *s, size_t bytes)
{
    ASSERT(bytes <= s->unconsumed_bytes);
    s->unconsumed_bytes -= bytes;
    if (bytes == 0 || s->conn->state != H2_STATE_OPEN)
        return;
    int failed = nghttp2_session_consume(s->conn->session, s->id, bytes);
    ASSERT(failed != NGHTTP2_ERR_NOMEM);
    h2_conn_stir(s->conn);
}

size_t
h2_stream_queued(const struct h2_stream *s)
{
    return s->queued_bytes;
}

void
h2_stream_set_arg(struct h2_stream *s, void *arg)
{
    s->arg = arg;
}

void *
h2_stream_arg(const struct h2_stream *s)
{
    return s->arg;
}

struct h2_conn *
h2_stream_conn(const struct h2_stream *s)
{
    return s->conn;
}
