/* http_stream.c - answers in pieces, from a worker to the loop, with back-pressure.
 *
 * The worker compresses and frames a piece and appends it to `pending`; the loop takes what is
 * pending whenever its socket has taken the last lot. The worker waits while more than
 * HTTP_STREAM_BYTES_MAX are on the way. At most one post is under way a stream (`posted`); the
 * loop may free a stream that has ended only when none is. */
#include "net/http_int.h"

#include "base/assert.h"
#include "base/mem.h"
#include "net/http_encoding.h"

static struct http_stream *
stream_open(enum codec codec)
{
    struct http_stream *s = mem_alloc_zero(sizeof *s);
    s->codec = codec_stream_open(codec);
    lock_init(&s->lock, LOCK_RANK_HTTP_SERVER);
    cond_init(&s->moved_cond);
    return s;
}

void
http_stream_close(struct http_stream *s)
{
    if (!s)
        return;
    codec_stream_close(s->codec);
    buf_fini(&s->pending);
    cond_fini(&s->moved_cond);
    lock_fini(&s->lock);
    mem_free(s);
}

void
http_stream_cut(struct http_stream *s)
{
    LOCKED(&s->lock);
    s->gone = true;
    cond_broadcast(&s->moved_cond);
}

enum http_stream_rest
http_stream_take(struct http_stream *s, struct buf *to)
{
    ASSERT(to->n == 0);
    LOCKED(&s->lock);
    struct buf empty = *to;
    *to = s->pending;
    s->pending = empty;
    return s->posted ? HTTP_STREAM_OPEN : s->rest; /* a post to come finds the end */
}

void
http_stream_arrived(struct http_stream *s)
{
    LOCKED(&s->lock);
    ASSERT(s->posted);
    s->posted = false;
}

void
http_stream_sent(struct http_stream *s, size_t bytes)
{
    LOCKED(&s->lock);
    ASSERT(bytes <= s->unsent_bytes);
    s->unsent_bytes -= bytes;
    cond_broadcast(&s->moved_cond);
}

/* Appends one framed piece; an empty one frames as nothing, for it would end the body. */
static void
append_framed(struct http_stream *s, struct str bytes)
{
    ASSERT(lock_is_held(&s->lock));
    size_t before = s->pending.n;
    if (bytes.n == 0)
        return;
    buf_reserve(&s->pending, bytes.n + 32);
    if (s->chunked)
        buf_printf(&s->pending, "%zx\r\n", bytes.n);
    buf_append(&s->pending, bytes);
    if (s->chunked)
        buf_append(&s->pending, STR("\r\n"));
    s->unsent_bytes += s->pending.n - before;
}

/* The last statement under the lock of every caller: the loop may free r right after it. */
static void
post_once(struct http_request *r, struct http_stream *s)
{
    ASSERT(lock_is_held(&s->lock));
    if (s->posted)
        return;
    s->posted = true;
    loop_post(r->part->loop, http_conn_on_stream, r);
}

void
http_reply_begin(struct http_request *r, int status, const char *content_type,
                 enum http_stream_coding coding)
{
    ASSERT(r->answer == HTTP_ANSWER_NONE && !r->stream);
    enum codec codec = CODEC_NONE;
    if (coding == HTTP_STREAM_COMPRESSED)
        codec = http_reply_choose_codec(r);
    http_reply_write_head(r, status, content_type, codec, SIZE_MAX);
    struct http_stream *s = stream_open(codec);
    s->chunked = r->head.minor > 0;
    r->stream = s;
    LOCKED(&s->lock);
    s->posted = true; /* the answer's own post looks at the stream, too */
    http_reply_send(r, HTTP_ANSWER_STREAM);
}

/* Waits until the client has taken enough. */
static struct err
wait_for_room(struct http_request *r, struct http_stream *s)
{
    while (!s->gone && s->unsent_bytes > HTTP_STREAM_BYTES_MAX) {
        if (!cond_wait_until(&s->moved_cond, &s->lock, r->deadline_ns) && !s->gone &&
            s->unsent_bytes > HTTP_STREAM_BYTES_MAX)
            return ERR(ERR_TIMEOUT, "the client reads its answer too slowly");
    }
    return s->gone ? ERR_CODE(ERR_CANCELED) : OK;
}

struct err
http_reply_write(struct http_request *r, struct str bytes)
{
    struct http_stream *s = r->stream;
    ASSERT(s && !loop_is_current(r->part->loop)); /* it may wait for the loop */
    bool bodiless = http_reply_is_bodiless(r, r->status);
    AUTO(buf_fini) struct buf coded = BUF_INIT;
    if (!bodiless)
        codec_stream_write(s->codec, bytes, CODEC_MORE, &coded);
    LOCKED(&s->lock);
    ASSERT(s->rest == HTTP_STREAM_OPEN); /* neither ended nor aborted before */
    if (s->gone)
        return ERR_CODE(ERR_CANCELED);
    append_framed(s, buf_str(&coded));
    if (coded.n > 0)
        post_once(r, s);
    return wait_for_room(r, s);
}

static void
finish(struct http_request *r, struct str last, enum http_stream_rest rest)
{
    struct http_stream *s = r->stream;
    LOCKED(&s->lock);
    ASSERT(s->rest == HTTP_STREAM_OPEN); /* neither ended nor aborted before */
    append_framed(s, last);
    if (s->chunked && rest == HTTP_STREAM_ENDED && !http_reply_is_bodiless(r, r->status)) {
        buf_append(&s->pending, STR("0\r\n\r\n"));
        s->unsent_bytes += 5;
    }
    s->rest = rest;
    post_once(r, s);
}

void
http_reply_end(struct http_request *r)
{
    ASSERT(r->stream);
    AUTO(buf_fini) struct buf last = BUF_INIT;
    if (!http_reply_is_bodiless(r, r->status))
        codec_stream_write(r->stream->codec, STR(""), CODEC_FINISH, &last);
    finish(r, buf_str(&last), HTTP_STREAM_ENDED);
}

void
http_reply_abort(struct http_request *r)
{
    ASSERT(r->stream);
    finish(r, STR(""), HTTP_STREAM_ABORTED);
}
