/* remote_read.c - /api/v1/read: raw samples or chunks for other Prometheus servers. */
#include "base/codec.h"
#include "proto/remote_read.h"
#include "querygw/api/api_int.h"
#include "querygw/api/external_labels.h"
#include "tsdb/model/histogram.h"

/* Protobuf's own bytes around each chunk: tags, lengths, two times, a type. */
enum { CHUNK_OVERHEAD_BYTES = 48, FRAME_OVERHEAD_BYTES = 64 };

static struct err
decode_request(struct api_call *c, struct read_request *ret_request)
{
    AUTO(buf_fini) struct buf message = BUF_INIT;
    TRY_IN(snappy_decode(http_body(c->r), API_READ_BODY_BYTES_MAX, &message), "remote read");
    struct str kept = arena_str(&c->arena, buf_str(&message));
    TRY_IN(read_request_decode(&c->arena, kept, ret_request), "remote read");
    return OK;
}

static bool
wants_labels_only(const struct read_query *q)
{
    return q->hints.given && str_eq(q->hints.func, STR("series"));
}

/* What the sender will look at, which may be less than the query's time. */
static void
narrow(struct read_query *q)
{
    const struct read_hints *h = &q->hints;
    if (!h->given || (h->start_ms == 0 && h->end_ms == 0))
        return;
    q->mint_ms = i64_max(q->mint_ms, h->start_ms);
    q->maxt_ms = i64_min(q->maxt_ms, h->end_ms);
}

static struct err
open_set(struct api_call *c, const struct read_query *q, struct series_set **ret_set)
{
    *ret_set = NULL;
    if (!c->store || q->mint_ms > q->maxt_ms)
        return OK;
    struct select_query select = {.mint_ms = q->mint_ms,
                                  .maxt_ms = q->maxt_ms,
                                  .want = wants_labels_only(q) ? SELECT_LABELS : SELECT_CHUNKS};
    struct matchers matchers =
        external_labels_strip(&c->arena, q->matchers, c->api->opts.external_labels);
    return c->store->ops->select(c->store, &select, matchers, &c->arena, ret_set);
}

static struct err
next_series(struct api_call *c, struct series_set *set, struct series_view *series, bool *ret_more)
{
    *ret_more = false;
    if (!set)
        return OK;
    if (http_canceled(c->r))
        return ERR(ERR_CANCELED, "remote read: the client is gone");
    if (clock_mono_ns(c->api->opts.clock) >= http_deadline_ns(c->r))
        return ERR(ERR_TIMEOUT, "remote read: timed out");
    return series_set_next(set, series, ret_more);
}

/* --- SAMPLES ------------------------------------------------------------------------------- */

/* The samples of one series. */
struct decoded {
    struct sample_columns floats;
    struct histogram_columns histograms;
    struct arena arena; /* of the histograms' buckets */
    struct label_list labels;
};

static void
decoded_init(struct decoded *d, const struct arena *query)
{
    *d = (struct decoded){SAMPLE_COLUMNS_INIT, HISTOGRAM_COLUMNS_INIT, .arena = {0},
                          .labels = VEC_INIT};
    arena_init_like(&d->arena, query);
}

static void
decoded_fini(struct decoded *d)
{
    sample_columns_fini(&d->floats);
    histogram_columns_fini(&d->histograms);
    arena_fini(&d->arena);
    vec_fini(&d->labels);
}

static struct err
decode_series(const struct read_query *q, const struct series_view *series, struct decoded *to)
{
    to->floats.n = to->histograms.n = 0;
    arena_reset(&to->arena);
    for (size_t i = 0; i < series->chunk_count; i++) {
        const struct chunk_view *c = &series->chunks[i];
        if (chunk_holds_histograms(c->encoding))
            TRY(chunk_decode_histograms(c, q->mint_ms, q->maxt_ms, &to->arena, &to->histograms));
        else
            TRY(chunk_decode_floats(c, q->mint_ms, q->maxt_ms, &to->floats));
    }
    return OK;
}

static struct err
put_all_series(struct api_call *c, const struct read_query *q, struct series_set *set,
               struct decoded *d, struct read_response *to, size_t *samples_left)
{
    const struct api_opts *o = &c->api->opts;
    for (;;) {
        struct series_view series;
        bool more;
        TRY(next_series(c, set, &series, &more));
        if (!more)
            return OK;
        TRY(decode_series(q, &series, d));
        size_t n = d->floats.n + d->histograms.n;
        if (n > *samples_left)
            return ERR(ERR_INVALID, "exceeded sample limit (%zu)", o->read_samples_max);
        *samples_left -= n;
        if (n > 0 || wants_labels_only(q))
            read_response_series(
                to, external_labels_merge(&d->labels, series.labels, o->external_labels),
                &d->floats, &d->histograms);
        if (to->to->n + to->query.n > o->query_bytes_max)
            return ERR(ERR_LIMIT, "remote read: an answer of more than %zu bytes",
                       o->query_bytes_max);
    }
}

static struct err
put_query_result(struct api_call *c, const struct read_query *q, struct read_response *to,
                 size_t *samples_left)
{
    AUTO(series_set_close) struct series_set *set = NULL;
    struct decoded decoded;
    TRY(open_set(c, q, &set));
    read_response_begin_query(to);
    decoded_init(&decoded, &c->arena);
    struct err e = put_all_series(c, q, set, &decoded, to, samples_left);
    decoded_fini(&decoded);
    TRY(e);
    read_response_end_query(to);
    return OK;
}

static struct err
put_queries(struct api_call *c, const struct read_request *request, struct read_response *to)
{
    size_t samples_left = c->api->opts.read_samples_max;
    for (size_t i = 0; i < request->query_count; i++)
        TRY(put_query_result(c, &request->queries[i], to, &samples_left));
    return OK;
}

static struct err
reply_samples(struct api_call *c, const struct read_request *request)
{
    AUTO(buf_fini) struct buf message = BUF_INIT;
    AUTO(buf_fini) struct buf body = BUF_INIT;
    struct read_response response;
    read_response_init(&response, &message);
    struct err e = put_queries(c, request, &response);
    read_response_fini(&response);
    TRY(e);
    snappy_encode(buf_str(&message), &body);
    struct http_request *r = TAKE(c->r);
    http_set_header(r, "Content-Encoding", STR("snappy"));
    http_reply_buf(r, 200, "application/x-protobuf", &body);
    return OK;
}

/* --- STREAMED_XOR_CHUNKS ------------------------------------------------------------------- */

static size_t
label_bytes(struct labels l)
{
    size_t bytes = FRAME_OVERHEAD_BYTES;
    for (size_t i = 0; i < l.n; i++)
        bytes += l.v[i].name.n + l.v[i].value.n + 16;
    return bytes;
}

/* What is used again for every series. */
struct frames {
    size_t query_index;
    struct buf frame;
    struct label_list labels;
};

/* One series in as many frames as keep each below the limit, as far as one chunk does. */
static struct err
stream_series(struct api_call *c, const struct series_view *s, struct frames *f)
{
    struct labels labels =
        external_labels_merge(&f->labels, s->labels, c->api->opts.external_labels);
    size_t first = 0, bytes = label_bytes(labels);
    for (size_t i = 0; i < s->chunk_count; i++) {
        size_t more = s->chunks[i].data.n + CHUNK_OVERHEAD_BYTES;
        bool last = i + 1 == s->chunk_count;
        size_t after = last ? 0 : s->chunks[i + 1].data.n + CHUNK_OVERHEAD_BYTES;
        bytes += more;
        if (!last && bytes + after <= c->api->opts.read_frame_bytes_max)
            continue;
        buf_clear(&f->frame);
        read_frame_encode(&f->frame, f->query_index, labels, s->chunks + first, i + 1 - first);
        TRY(http_reply_write(c->r, buf_str(&f->frame)));
        first = i + 1;
        bytes = label_bytes(labels);
    }
    return OK;
}

static void
begin_chunks(struct api_call *c)
{
    call_begin_stream(c, "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse",
                      HTTP_STREAM_IDENTITY);
}

static struct err
stream_set(struct api_call *c, struct series_set *set, struct frames *f)
{
    for (;;) {
        struct series_view series;
        bool more;
        TRY(next_series(c, set, &series, &more));
        if (!more)
            return OK;
        TRY(stream_series(c, &series, f));
    }
}

static struct err
stream_query(struct api_call *c, const struct read_query *q, size_t query_index)
{
    AUTO(series_set_close) struct series_set *set = NULL;
    struct frames f = {.query_index = query_index, .frame = BUF_INIT, .labels = VEC_INIT};
    TRY(open_set(c, q, &set));
    if (!c->streaming) /* the store took the first query: errors still had a status till here */
        begin_chunks(c);
    struct err e = stream_set(c, set, &f);
    buf_fini(&f.frame);
    vec_fini(&f.labels);
    return e;
}

static struct err
stream_chunks(struct api_call *c, const struct read_request *request)
{
    for (size_t i = 0; i < request->query_count; i++)
        TRY(stream_query(c, &request->queries[i], i));
    if (!c->streaming)
        begin_chunks(c);
    http_reply_end(TAKE(c->r));
    return OK;
}

static bool
client_is_gone(void *arg)
{
    return http_canceled(arg);
}

struct err
call_remote_read(struct api_call *c)
{
    struct read_request request;
    size_t place;
    TRY(gate_enter(c->api->read_gate, http_deadline_ns(c->r), client_is_gone, c->r, &place));
    struct err e = decode_request(c, &request);
    for (size_t i = 0; e.code == ERR_NONE && i < request.query_count; i++)
        narrow(&request.queries[i]);
    if (e.code == ERR_NONE)
        e = request.response_type == READ_SAMPLES ? reply_samples(c, &request)
                                                  : stream_chunks(c, &request);
    gate_leave(c->api->read_gate, place);
    return e;
}
