/* grpc_answer.c - tables of codes, and the fields of an answer. */
#include "net/grpc/grpc_answer.h"

#include "base/assert.h"
#include "base/mem.h"
#include "net/h2/h2_conn.h"

/* --- codes of others -------------------------------------------------------------------------- */

static const struct {
    int status;
    enum grpc_code code;
} http_codes[] = {
    {400, GRPC_INTERNAL},      {401, GRPC_UNAUTHENTICATED}, {403, GRPC_PERMISSION_DENIED},
    {404, GRPC_UNIMPLEMENTED}, {429, GRPC_UNAVAILABLE},     {502, GRPC_UNAVAILABLE},
    {503, GRPC_UNAVAILABLE},   {504, GRPC_UNAVAILABLE},
};

enum grpc_code
grpc_code_of_http(int status)
{
    for (size_t i = 0; i < ARRAY_LEN(http_codes); i++) {
        if (http_codes[i].status == status)
            return http_codes[i].code;
    }
    return GRPC_UNKNOWN;
}

/* By RFC 9113 section 7; beyond them: unknown. */
static const enum grpc_code h2_codes[] = {
    [0x0] = GRPC_INTERNAL,           /* NO_ERROR */
    [0x1] = GRPC_INTERNAL,           /* PROTOCOL_ERROR */
    [0x2] = GRPC_INTERNAL,           /* INTERNAL_ERROR */
    [0x3] = GRPC_RESOURCE_EXHAUSTED, /* FLOW_CONTROL_ERROR */
    [0x4] = GRPC_INTERNAL,           /* SETTINGS_TIMEOUT */
    [0x5] = GRPC_INTERNAL,           /* STREAM_CLOSED */
    [0x6] = GRPC_INTERNAL,           /* FRAME_SIZE_ERROR */
    [0x7] = GRPC_UNAVAILABLE,        /* REFUSED_STREAM */
    [0x8] = GRPC_CANCELED,           /* CANCEL */
    [0x9] = GRPC_INTERNAL,           /* COMPRESSION_ERROR */
    [0xa] = GRPC_INTERNAL,           /* CONNECT_ERROR */
    [0xb] = GRPC_RESOURCE_EXHAUSTED, /* ENHANCE_YOUR_CALM */
    [0xc] = GRPC_PERMISSION_DENIED,  /* INADEQUATE_SECURITY */
    [0xd] = GRPC_INTERNAL,           /* HTTP_1_1_REQUIRED */
};

enum grpc_code
grpc_code_of_h2(uint32_t code)
{
    if (code == H2_LOST)
        return GRPC_UNAVAILABLE;
    return code < ARRAY_LEN(h2_codes) ? h2_codes[code] : GRPC_UNKNOWN;
}

/* --- fields ----------------------------------------------------------------------------------- */

void
grpc_answer_init(struct grpc_answer *a, struct arena *arena)
{
    *a = (struct grpc_answer){.arena = arena};
}

void
grpc_answer_fini(struct grpc_answer *a)
{
    vec_fini(&a->metadata);
}

static struct str
field(const struct h2_header *v, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq(v[i].name, name))
            return v[i].value;
    }
    return (struct str){NULL, 0};
}

static bool
is_grpc(struct str content_type)
{
    const struct str ours = STR("application/grpc");
    return str_starts_with_nocase(content_type, ours) &&
           (content_type.n == ours.n || content_type.p[ours.n] == '+' ||
            content_type.p[ours.n] == ';');
}

static bool
fail(struct grpc_answer *a, enum grpc_code code, struct str text)
{
    a->has_code = true;
    a->code = code;
    a->text = text;
    return false;
}

/* -1: there is none, and it is no head. */
static int
http_status(const struct h2_header *v, size_t n)
{
    struct str text = field(v, n, STR(":status"));
    uint64_t status = 0;
    struct err e = text.p ? str_parse_u64(text, &status) : ERR_CODE(ERR_INVALID);
    bool good = e.code == ERR_NONE && status < 1000;
    err_drop(e);
    return good ? (int)status : -1;
}

static bool
check_head(struct grpc_answer *a, int status, const struct h2_header *v, size_t n)
{
    struct str type = field(v, n, STR("content-type"));
    if (status < 0)
        return fail(a, GRPC_INTERNAL, STR("malformed header: missing HTTP status"));
    if (status == 200 && is_grpc(type))
        return true;
    struct str text = arena_printf(
        a->arena, "unexpected HTTP status code received from server: %d; content-type \"%.*s\"",
        status, STR_FMT(type));
    return fail(a, grpc_code_of_http(status), text);
}

/* Those that the protocol keeps for itself. */
static bool
is_reserved(struct str name)
{
    return str_starts_with(name, STR(":")) || str_starts_with(name, STR("grpc-")) ||
           str_eq(name, STR("content-type")) || str_eq(name, STR("te")) ||
           str_eq(name, STR("user-agent"));
}

static void
keep_metadata(struct grpc_answer *a, const struct h2_header *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (is_reserved(v[i].name))
            continue;
        struct grpc_metadata m = {arena_str(a->arena, v[i].name), arena_str(a->arena, v[i].value)};
        vec_push(&a->metadata, m);
    }
}

/* grpc-status and its text, in trailers, or in the head of an answer without messages. */
static bool
read_status(struct grpc_answer *a, const struct h2_header *v, size_t n)
{
    struct str status = field(v, n, STR("grpc-status"));
    if (!status.p)
        return true;
    if (!grpc_code_parse(status, &a->code))
        return fail(a, GRPC_INTERNAL,
                    arena_printf(a->arena, "malformed grpc-status: \"%.*s\"", STR_FMT(status)));
    a->has_code = true;
    AUTO(buf_fini) struct buf text = BUF_INIT;
    grpc_text_decode(field(v, n, STR("grpc-message")), &text);
    a->text = arena_str(a->arena, buf_str(&text));
    return true;
}

bool
grpc_answer_headers(struct grpc_answer *a, const struct h2_header *v, size_t n)
{
    if (a->phase == GRPC_ANSWER_NOTHING) {
        int status = http_status(v, n);
        if (status >= 100 && status < 200)
            return true;
        a->phase = GRPC_ANSWER_HEAD;
        keep_metadata(a, v, n);
        if (!check_head(a, status, v, n))
            return false;
        a->encoding_name = arena_str(a->arena, field(v, n, STR("grpc-encoding")));
    } else {
        a->phase = GRPC_ANSWER_TRAILERS;
        a->has_code = false; /* what stood in the head was none of an end */
        a->text = (struct str){NULL, 0};
        keep_metadata(a, v, n);
    }
    return read_status(a, v, n);
}

void
grpc_answer_end(struct grpc_answer *a)
{
    if (a->has_code)
        return;
    if (a->phase == GRPC_ANSWER_TRAILERS)
        fail(a, GRPC_UNKNOWN, STR("server sent trailers without grpc-status"));
    else
        fail(a, GRPC_INTERNAL, STR("server closed the stream without sending trailers"));
}

struct str
grpc_answer_metadata(const struct grpc_answer *a, struct str name)
{
    for (size_t i = 0; i < a->metadata.n; i++) {
        if (str_eq(a->metadata.v[i].name, name))
            return a->metadata.v[i].value;
    }
    return (struct str){NULL, 0};
}

bool
grpc_answer_encoding(const struct grpc_answer *a, enum grpc_encoding *ret_encoding)
{
    *ret_encoding = GRPC_IDENTITY;
    return a->encoding_name.n == 0 || grpc_encoding_parse(a->encoding_name, ret_encoding);
}
