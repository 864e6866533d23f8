/* http_head.c - the head of a request, from bytes to views. */
#include "net/http_head.h"

#include "base/assert.h"
#include "base/mem.h"

static const struct str method_names[] = {
    [HTTP_GET] = STR_INIT("GET"),       [HTTP_HEAD] = STR_INIT("HEAD"),
    [HTTP_POST] = STR_INIT("POST"),     [HTTP_PUT] = STR_INIT("PUT"),
    [HTTP_DELETE] = STR_INIT("DELETE"), [HTTP_OPTIONS] = STR_INIT("OPTIONS"),
    [HTTP_PATCH] = STR_INIT("PATCH"),
};

/* A refusal on its way up: the status, with its text in a variable of the caller. */
#define REFUSE(status, why) (*ret_why = (why), (status))
#define TRY_STATUS(call)                                                                           \
    do {                                                                                           \
        int try_status_ = (call);                                                                  \
        if (try_status_)                                                                           \
            return try_status_;                                                                    \
    } while (0)

const char *
http_method_name(enum http_method method)
{
    return method_names[method].p;
}

/* RFC 9110 section 5.6.2. */
static bool
is_token_byte(char c)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && memchr(others, c, sizeof others - 1) != NULL);
}

static bool
is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!is_token_byte(s.p[i]))
            return false;
    }
    return s.n > 0;
}

/* No control byte but a tab may stand in a value; bytes above 0x7f are let through. */
static bool
is_field_value(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static struct str
trim_blanks(struct str s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = str_skip(s, 1);
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

/* Cuts one line off; false unless it ends in CR LF and holds no other CR or LF. */
static bool
take_line(struct str *rest, struct str *ret_line)
{
    size_t at = str_find_byte(*rest, '\n');
    if (at == rest->n || at == 0 || rest->p[at - 1] != '\r')
        return false;
    struct str line = str_take(rest, at + 1);
    line.n -= 2;
    *ret_line = line;
    return str_find_byte(line, '\r') == line.n;
}

/* origin-form, absolute-form (its authority is dropped, as the Host counts) or "*". */
static int
parse_target(struct str target, struct http_head *h, const char **ret_why)
{
    for (size_t i = 0; i < target.n; i++) {
        if ((unsigned char)target.p[i] <= 0x20 || target.p[i] == 0x7f)
            return REFUSE(400, "malformed request target");
    }
    if (str_starts_with_nocase(target, STR("http://")))
        target = str_skip(target, 7);
    else if (str_starts_with_nocase(target, STR("https://")))
        target = str_skip(target, 8);
    else if (target.n == 0 || (target.p[0] != '/' && !str_eq(target, STR("*"))))
        return REFUSE(400, "malformed request target");
    if (target.p[0] != '/' && target.p[0] != '*') { /* "host:port/path" is left */
        target = str_skip(target, str_find_byte(target, '/'));
        if (target.n == 0)
            target = STR("/");
    }
    h->query = target;
    h->raw_path = str_split(&h->query, '?');
    return 0;
}

static int
parse_request_line(struct str line, struct http_head *h, const char **ret_why)
{
    struct str method = str_split(&line, ' ');
    struct str target = str_split(&line, ' ');
    struct str version = line;
    if (!is_token(method))
        return REFUSE(400, "malformed request line");
    if (version.n != 8 || !str_starts_with(version, STR("HTTP/")) || version.p[6] != '.')
        return REFUSE(400, "malformed HTTP version");
    if (version.p[5] != '1' || (version.p[7] != '0' && version.p[7] != '1'))
        return REFUSE(505, "unsupported protocol version");
    h->minor = version.p[7] == '1';
    TRY_STATUS(parse_target(target, h, ret_why));
    for (size_t i = 0; i < ARRAY_LEN(method_names); i++) {
        if (str_eq(method, method_names[i])) {
            h->method = (enum http_method)i;
            return 0;
        }
    }
    return REFUSE(501, "unsupported method");
}

static int
parse_fields(struct arena *a, struct str rest, struct http_head *h, const char **ret_why)
{
    size_t room = 16; /* a usual request fits; doubled below */
    h->fields = ARENA_ARRAY(a, struct http_field, room);
    for (;;) {
        struct str line;
        if (!take_line(&rest, &line))
            return REFUSE(400, "malformed line end in the header");
        if (line.n == 0)
            return rest.n == 0 ? 0 : REFUSE(400, "bytes behind the header");
        struct http_field f = {.value = line};
        f.name = str_split(&f.value, ':');
        f.value = trim_blanks(f.value);
        if (f.name.n == line.n || !is_token(f.name)) /* no colon, folded line, blanks */
            return REFUSE(400, "malformed header name");
        if (!is_field_value(f.value))
            return REFUSE(400, "malformed header value");
        if (h->field_count == HTTP_HEADERS_MAX)
            return REFUSE(431, "too many header fields");
        if (h->field_count == room) {
            struct http_field *more = ARENA_ARRAY(a, struct http_field, 2 * room);
            memcpy(more, h->fields, room * sizeof *more);
            h->fields = more;
            room *= 2;
        }
        h->fields[h->field_count++] = f;
    }
}

struct str
http_head_find(const struct http_head *h, struct str name)
{
    for (size_t i = 0; i < h->field_count; i++) {
        if (str_eq_nocase(h->fields[i].name, name))
            return h->fields[i].value;
    }
    return (struct str){NULL, 0};
}

static size_t
count_fields(const struct http_head *h, struct str name)
{
    size_t count = 0;
    for (size_t i = 0; i < h->field_count; i++)
        count += str_eq_nocase(h->fields[i].name, name);
    return count;
}

bool
http_list_has(struct str value, struct str token)
{
    while (value.n > 0) {
        if (str_eq_nocase(trim_blanks(str_split(&value, ',')), token))
            return true;
    }
    return false;
}

/* Where the body ends: RFC 9112 section 6, minus everything ambiguous. */
static int
parse_framing(struct http_head *h, const char **ret_why)
{
    size_t codings = count_fields(h, STR("Transfer-Encoding"));
    size_t lengths = count_fields(h, STR("Content-Length"));
    if (codings > 0) {
        if (lengths > 0 || codings > 1 || h->minor == 0)
            return REFUSE(400, "ambiguous body length");
        struct str coding = http_head_find(h, STR("Transfer-Encoding"));
        if (!str_eq_nocase(coding, STR("chunked")))
            return REFUSE(501, "unsupported transfer encoding");
        h->framing = HTTP_BODY_CHUNKED;
        return 0;
    }
    if (lengths == 0)
        return 0;
    if (lengths > 1)
        return REFUSE(400, "ambiguous body length");
    struct err e = str_parse_u64(http_head_find(h, STR("Content-Length")), &h->body_bytes);
    bool malformed = e.code != ERR_NONE;
    err_drop(e);
    if (malformed)
        return REFUSE(400, "bad Content-Length");
    if (h->body_bytes > HTTP_BODY_BYTES_MAX)
        return REFUSE(413, "http: request body too large");
    h->framing = h->body_bytes > 0 ? HTTP_BODY_LENGTH : HTTP_BODY_NONE;
    return 0;
}

static int
parse_connection(struct http_head *h, const char **ret_why)
{
    struct str expect = http_head_find(h, STR("Expect"));
    if (expect.n > 0 && !str_eq_nocase(expect, STR("100-continue")))
        return REFUSE(417, "unsupported expectation");
    if (expect.n > 0 && h->minor > 0)
        h->expect = HTTP_EXPECT_CONTINUE;
    struct str connection = http_head_find(h, STR("Connection"));
    bool closes = http_list_has(connection, STR("close"));
    bool keeps = h->minor > 0 || http_list_has(connection, STR("keep-alive"));
    h->reuse = keeps && !closes ? HTTP_KEEP_ALIVE : HTTP_CLOSE;
    return 0;
}

int
http_head_parse(struct arena *a, struct str text, struct http_head *ret_head, const char **ret_why)
{
    struct http_head h = {0};
    struct str line;
    if (!take_line(&text, &line))
        return REFUSE(400, "malformed request line");
    TRY_STATUS(parse_request_line(line, &h, ret_why));
    TRY_STATUS(parse_fields(a, text, &h, ret_why));
    size_t hosts = count_fields(&h, STR("Host"));
    if (hosts > 1 || (hosts == 0 && h.minor > 0))
        return REFUSE(400, hosts > 1 ? "too many Host headers" : "missing required Host header");
    TRY_STATUS(parse_framing(&h, ret_why));
    TRY_STATUS(parse_connection(&h, ret_why));
    *ret_head = h;
    return 0;
}
