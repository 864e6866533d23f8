/* h2_session.c - what nghttp2 tells, handed on to the owner; and its settings.
 *
 * nghttp2 frames, compresses headers, counts windows, and refuses what breaks the protocol: floods
 * of CONTINUATION, of SETTINGS, of what must be acknowledged end the connection there (its limits,
 * of 1.52 as Debian has it). Limits of ours: the bytes of a header block, which it announces and
 * does not enforce; resets, which it sees too late when many come at once; and PINGs, which the
 * owner judges. */
#include "base/assert.h"
#include "net/h2/h2_int.h"

enum {
    FIELD_BYTES = 32,      /* what SETTINGS_MAX_HEADER_LIST_SIZE adds a field */
    RESETS_BURST = 500,    /* streams that the other side ends badly in a row, */
    RESETS_A_SECOND = 200, /* and in the long run */
};

const uint8_t h2_drain_ping[8] = {'d', 'r', 'a', 'i', 'n', 'i', 'n', 'g'};

static struct h2_stream *
stream_of(struct h2_conn *c, int32_t id)
{
    return nghttp2_session_get_stream_user_data(c->session, id);
}

/* --- header blocks ---------------------------------------------------------------------------- */

static int
on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct h2_conn *c = arg;
    buf_clear(&c->header_text);
    vec_clear(&c->fields);
    c->header_bytes = 0;
    c->header_stream = stream_of(c, frame->hd.stream_id);
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST && c->state == H2_STATE_OPEN) {
        ASSERT(!c->header_stream);
        c->header_stream = h2_stream_new(c, frame->hd.stream_id);
        nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, c->header_stream);
    }
    return 0;
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
          size_t name_bytes, const uint8_t *value, size_t value_bytes, uint8_t flags, void *arg)
{
    (void)session, (void)frame, (void)flags;
    struct h2_conn *c = arg;
    if (c->header_bytes > c->opts.header_bytes_max)
        return 0; /* decoded on, for later blocks depend on it, but not kept */
    c->header_bytes += name_bytes + value_bytes + FIELD_BYTES;
    if (!c->header_stream || c->header_bytes > c->opts.header_bytes_max)
        return 0;
    vec_push(&c->fields, ((struct h2_field){name_bytes, value_bytes}));
    buf_append(&c->header_text, str_of((const char *)name, name_bytes));
    buf_append(&c->header_text, str_of((const char *)value, value_bytes));
    return 0;
}

static void
show_headers(struct h2_conn *c, struct h2_stream *s)
{
    VEC(struct h2_header) shown = VEC_INIT;
    struct str rest = buf_str(&c->header_text);
    vec_reserve(&shown, c->fields.n);
    vec_each (&c->fields, f) {
        struct str name = str_take(&rest, f->name_bytes);
        vec_push(&shown, ((struct h2_header){name, str_take(&rest, f->value_bytes)}));
    }
    s->shown = true;
    c->opts.ops->on_headers(c->opts.arg, s, shown.v, shown.n);
    vec_fini(&shown);
}

static void
end_of_peer(struct h2_conn *c, struct h2_stream *s)
{
    s->peer_done = true;
    if (s->shown && !s->reset)
        c->opts.ops->on_end(c->opts.arg, s);
}

static void
on_headers_whole(struct h2_conn *c, const nghttp2_frame *frame)
{
    struct h2_stream *s = TAKE(c->header_stream);
    if (!s || s->reset)
        return;
    if (c->header_bytes > c->opts.header_bytes_max)
        h2_stream_reset(s, H2_ENHANCE_YOUR_CALM);
    else
        show_headers(c, s);
    if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
        end_of_peer(c, s);
}

/* --- other frames ----------------------------------------------------------------------------- */

static int
on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t n,
              void *arg)
{
    (void)flags;
    struct h2_conn *c = arg;
    struct h2_stream *s = stream_of(c, id);
    if (!s || !s->shown || s->reset || c->state != H2_STATE_OPEN) {
        int failed = nghttp2_session_consume(session, id, n); /* nobody will give it back */
        return failed == NGHTTP2_ERR_NOMEM ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
    }
    s->unconsumed_bytes += n;
    c->opts.ops->on_data(c->opts.arg, s, str_of((const char *)data, n));
    return 0;
}

static void
on_ping(struct h2_conn *c, const nghttp2_ping *ping)
{
    if (ping->hd.flags & NGHTTP2_FLAG_ACK) {
        if (memcmp(ping->opaque_data, h2_drain_ping, sizeof h2_drain_ping) == 0)
            h2_conn_on_drain_pong(c);
    } else if (c->opts.ops->on_ping && !c->opts.ops->on_ping(c->opts.arg)) {
        h2_conn_abort(c, H2_ENHANCE_YOUR_CALM, "too_many_pings");
    }
}

static int
on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    (void)session;
    struct h2_conn *c = arg;
    if (c->state != H2_STATE_OPEN)
        return 0;
    struct h2_stream *s;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        on_headers_whole(c, frame);
        break;
    case NGHTTP2_DATA:
        s = stream_of(c, frame->hd.stream_id);
        if (s && frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
            end_of_peer(c, s);
        break;
    case NGHTTP2_SETTINGS:
        if (!(frame->hd.flags & NGHTTP2_FLAG_ACK) && !c->ready) {
            c->ready = true;
            if (c->opts.ops->on_ready)
                c->opts.ops->on_ready(c->opts.arg);
        }
        break;
    case NGHTTP2_PING:
        on_ping(c, &frame->ping);
        break;
    case NGHTTP2_GOAWAY:
        c->went_away = true;
        if (c->opts.ops->on_goaway)
            c->opts.ops->on_goaway(
                c->opts.arg, frame->goaway.error_code,
                str_of((const char *)frame->goaway.opaque_data, frame->goaway.opaque_data_len));
        break;
    default: /* others are nghttp2's own affair */
        break;
    }
    return 0;
}

static int
on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct h2_conn *c = arg;
    int type = frame->hd.type;
    if (type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR) {
        h2_conn_note(
            c, ERR(ERR_INVALID, "HTTP/2: %s", nghttp2_http2_strerror(frame->goaway.error_code)));
        c->last_words = true;
    }
    bool ends = (type == NGHTTP2_HEADERS || type == NGHTTP2_DATA) &&
                frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    struct h2_stream *s = ends ? stream_of(c, frame->hd.stream_id) : NULL;
    if (s && c->opts.role == H2_SERVER && !s->peer_done && !s->reset)
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_NO_ERROR);
    return 0;
}

/* Headers of ours that nghttp2 finds too large would leave the other side waiting. */
static int
on_frame_not_send(nghttp2_session *session, const nghttp2_frame *frame, int why, void *arg)
{
    struct h2_conn *c = arg;
    struct h2_stream *s = stream_of(c, frame->hd.stream_id);
    if (frame->hd.type == NGHTTP2_HEADERS && s && why != NGHTTP2_ERR_STREAM_CLOSING)
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_INTERNAL_ERROR);
    return 0;
}

/* A request that is taken back costs more than it cost to send (CVE-2023-44487), and so does one
 * that makes us reset it. */
static void
count_reset(struct h2_conn *c)
{
    uint64_t gone_ns = c->read_ns - c->resets_ns;
    uint64_t drained = gone_ns / (1000000000 / RESETS_A_SECOND);
    if (drained > 0) {
        c->resets -= u64_min(c->resets, drained);
        c->resets_ns = c->read_ns;
    }
    if (++c->resets > RESETS_BURST)
        h2_conn_abort(c, H2_ENHANCE_YOUR_CALM, "too many resets");
}

static int
on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *arg)
{
    struct h2_conn *c = arg;
    struct h2_stream *s = stream_of(c, id);
    if (s) {
        bool theirs = code != H2_NO_ERROR && (!s->reset || !s->shown);
        nghttp2_session_set_stream_user_data(session, id, NULL);
        h2_stream_finish(s, code);
        if (theirs && c->opts.role == H2_SERVER)
            count_reset(c);
    }
    return 0;
}

/* --- the session ------------------------------------------------------------------------------ */

static void
set_callbacks(nghttp2_session_callbacks *to)
{
    nghttp2_session_callbacks_set_on_begin_headers_callback(to, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(to, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(to, on_data_chunk);
    nghttp2_session_callbacks_set_on_frame_recv_callback(to, on_frame_recv);
    nghttp2_session_callbacks_set_on_frame_send_callback(to, on_frame_send);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(to, on_frame_not_send);
    nghttp2_session_callbacks_set_on_stream_close_callback(to, on_stream_close);
}

static void
submit_settings(const struct h2_conn *c, nghttp2_session *session)
{
    nghttp2_settings_entry server[] = {
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, c->opts.stream_window_bytes},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, c->opts.header_bytes_max},
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, c->opts.streams_max},
    };
    nghttp2_settings_entry client[] = {
        server[0],
        server[1],
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
    };
    int failed = nghttp2_submit_settings(
        session, NGHTTP2_FLAG_NONE, c->opts.role == H2_SERVER ? server : client, ARRAY_LEN(server));
    ASSERT(failed == 0);
    failed = nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0,
                                                   (int32_t)c->opts.conn_window_bytes);
    ASSERT(failed == 0);
}

nghttp2_session *
h2_session_new(struct h2_conn *c)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    nghttp2_session *session = NULL;
    int failed = nghttp2_session_callbacks_new(&callbacks);
    ASSERT(failed == 0); /* these fail for want of memory only */
    failed = nghttp2_option_new(&option);
    ASSERT(failed == 0);
    set_callbacks(callbacks);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    /* grpc-message of others has blanks at its ends as they are. */
    nghttp2_option_set_no_rfc9113_leading_and_trailing_ws_validation(option, 1);
    nghttp2_option_set_stream_reset_rate_limit(option, 2 * RESETS_BURST, 2 * RESETS_A_SECOND);
    failed = c->opts.role == H2_SERVER
                 ? nghttp2_session_server_new2(&session, callbacks, c, option)
                 : nghttp2_session_client_new2(&session, callbacks, c, option);
    ASSERT(failed == 0);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    submit_settings(c, session);
    return session;
}
