/* http_reply.c - whole answers: header lines, compression, and the way back to the loop.
 *
 * Everything costly happens on the thread that answers; the loop only adds the Connection line
 * and sends. */
#include "net/http_int.h"

#include <stdio.h>
#include <time.h>

#include "base/assert.h"
#include "base/mem.h"
#include "net/http_encoding.h"

static const char *
reason_phrase(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } phrases[] = {
        {200, "OK"},
        {204, "No Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {413, "Request Entity Too Large"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Entity"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < ARRAY_LEN(phrases); i++) {
        if (phrases[i].status == status)
            return phrases[i].phrase;
    }
    return "Status";
}

/* A line break in a value would end the header: it becomes a space. */
static void
put_header(struct buf *to, struct str name, struct str value)
{
    buf_append(to, name);
    buf_append(to, STR(": "));
    size_t at = to->n;
    buf_append(to, value);
    for (; at < to->n; at++) {
        if (to->p[at] == '\r' || to->p[at] == '\n' || to->p[at] == '\0')
            to->p[at] = ' ';
    }
    buf_append(to, STR("\r\n"));
}

void
http_set_header(struct http_request *r, const char *name, struct str value)
{
    ASSERT(r->answer == HTTP_ANSWER_NONE);
    put_header(&r->extra, str_of_cstr(name), value);
}

/* A line of r->extra begins with this name. */
static bool
has_extra(const struct http_request *r, struct str name)
{
    struct str lines = buf_str(&r->extra);
    while (lines.n > 0) {
        struct str line = str_split(&lines, '\n');
        if (str_eq_nocase(str_split(&line, ':'), name))
            return true;
    }
    return false;
}

/* RFC 9110 section 5.6.7: "Tue, 15 Nov 1994 08:12:31 GMT". */
static void
put_date(struct buf *to, int64_t now_ms)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    buf_printf(to, "Date: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n", days + 3 * tm.tm_wday,
               tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
               tm.tm_sec);
}

#define CORS_COMMON                                                                                \
    "Access-Control-Allow-Methods: GET, POST, OPTIONS\r\n"                                         \
    "Access-Control-Allow-Origin: *\r\n"                                                           \
    "Access-Control-Expose-Headers: Date\r\n"

static void
put_cors(const struct http_request *r, struct buf *to)
{
    unsigned flags = r->match.route ? r->match.route->flags : 0;
    if (flags & ROUTE_CORS)
        buf_append(to, STR("Access-Control-Allow-Headers: Accept, Accept-Encoding, Authorization, "
                           "Content-Type, Origin\r\n" CORS_COMMON));
    if (!(flags & ROUTE_CORS_ORIGIN))
        return;
    buf_append(to, STR("Vary: Origin\r\n"));
    if (http_head_find(&r->head, STR("Origin")).n > 0)
        buf_append(to, STR("Access-Control-Allow-Headers: Accept, Authorization, Content-Type, "
                           "Origin\r\n" CORS_COMMON));
}

/* The headers of the web file, where the handler has not set them. */
static void
put_configured(const struct http_request *r, struct buf *to)
{
    struct http_rules_headers headers = {NULL, 0};
    if (r->rules)
        headers = http_rules_headers(r->rules);
    for (size_t i = 0; i < headers.n; i++) {
        if (!has_extra(r, headers.v[i].name))
            put_header(to, headers.v[i].name, headers.v[i].value);
    }
}

bool
http_reply_is_bodiless(const struct http_request *r, int status)
{
    return r->head.method == HTTP_HEAD || status == 204 || status == 304;
}

void
http_reply_write_head(struct http_request *r, int status, const char *content_type,
                      enum codec codec, size_t body_bytes)
{
    ASSERT(status >= 200 && status <= 999);
    struct buf *to = &r->out_head;
    r->status = status;
    buf_reserve(to, 512 + r->extra.n);
    buf_printf(to, "HTTP/1.1 %d %s\r\n", status, reason_phrase(status));
    put_date(to, clock_wall_ms(r->part->server->opts.clock));
    if (content_type)
        put_header(to, STR("Content-Type"), str_of_cstr(content_type));
    if (codec != CODEC_NONE)
        put_header(to, STR("Content-Encoding"), str_of_cstr(http_encoding_name(codec)));
    put_cors(r, to);
    put_configured(r, to);
    buf_append(to, buf_str(&r->extra));
    if (status == 204 || status == 304)
        return; /* neither may carry a length */
    if (body_bytes != SIZE_MAX)
        buf_printf(to, "Content-Length: %zu\r\n", body_bytes);
    else if (r->head.minor > 0)
        buf_append(to, STR("Transfer-Encoding: chunked\r\n"));
}

enum codec
http_reply_choose_codec(struct http_request *r)
{
    http_set_header(r, "Vary", STR("Accept-Encoding"));
    return http_encoding_choose(http_head_find(&r->head, STR("Accept-Encoding")));
}

/* Replaces the body by its compressed form where that is wanted and shorter. */
static enum codec
compress_body(struct http_request *r, const char *content_type, struct buf *body)
{
    if (body->n < HTTP_COMPRESS_BYTES_MIN || has_extra(r, STR("Content-Encoding")) ||
        (content_type && !http_encoding_pays(str_of_cstr(content_type))))
        return CODEC_NONE;
    enum codec codec = http_reply_choose_codec(r);
    if (codec == CODEC_NONE)
        return CODEC_NONE;
    struct buf packed = BUF_INIT;
    codec_encode(codec, buf_str(body), &packed);
    if (packed.n >= body->n) {
        buf_fini(&packed);
        return CODEC_NONE;
    }
    buf_fini(body);
    *body = packed;
    return codec;
}

void
http_reply_send(struct http_request *r, enum http_answer answer)
{
    ASSERT(r->answer == HTTP_ANSWER_NONE); /* once */
    r->answer = answer;
    struct loop *loop = r->part->loop;
    if (loop_is_current(loop) && r->conn && r->conn->stepping && r->conn->request == r)
        r->ready = true; /* the step that called the handler goes on with it */
    else
        loop_post(loop, http_conn_on_answer, r);
}

void
http_reply_buf(struct http_request *r, int status, const char *content_type, struct buf *body)
{
    ASSERT(r->answer == HTTP_ANSWER_NONE);
    r->out_body = *body;
    *body = (struct buf)BUF_INIT;
    enum codec codec = compress_body(r, content_type, &r->out_body);
    http_reply_write_head(r, status, r->out_body.n > 0 ? content_type : NULL, codec, r->out_body.n);
    if (http_reply_is_bodiless(r, status))
        buf_fini(&r->out_body);
    http_request_charge(r, r->out_body.n);
    http_reply_send(r, HTTP_ANSWER_WHOLE);
}

void
http_reply(struct http_request *r, int status, const char *content_type, struct str body)
{
    struct buf copy = BUF_INIT;
    buf_append(&copy, body);
    http_reply_buf(r, status, content_type, &copy);
}

void
http_reply_text(struct http_request *r, int status, struct str message)
{
    struct buf body = BUF_INIT;
    buf_reserve(&body, message.n + 1);
    buf_append(&body, message);
    buf_put_u8(&body, '\n');
    http_set_header(r, "X-Content-Type-Options", STR("nosniff"));
    http_reply_buf(r, status, "text/plain; charset=utf-8", &body);
}

void
http_reply_err(struct http_request *r, struct err e)
{
    ASSERT(e.code != ERR_NONE);
    if (err_retryable(e.code))
        http_set_header(r, "Retry-After", STR("1"));
    http_reply_text(r, err_http_status(e.code), str_of_cstr(err_text(&e)));
    err_drop(e);
}
