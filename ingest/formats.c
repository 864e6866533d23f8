/* formats.c - content types and encodings, then the decoder. */
#include "ingest/formats.h"

#include "base/mem.h"
#include "ingest/text_import.h"
#include "ingest/unpack.h"

/* --- bodies
 * ---------------------------------------------------------------------------------------- */

/* All of them are for texts. */
static const bool otlp_takes[UNPACK_CODING_COUNT] = {[UNPACK_GZIP] = true};

enum which_codings { CODINGS_OTLP, CODINGS_TEXT };

/* A view of the body, or of *decoded. */
static struct err
open_body(struct arena *a, const struct ingest_body *body, enum which_codings which,
          struct buf *decoded, struct str *ret_bytes)
{
    struct str name = str_trim(body->content_encoding);
    buf_clear(decoded);
    if (name.n == 0 || str_eq_nocase(name, STR("identity"))) {
        if (body->bytes.n > body->decoded_bytes_max)
            return ERR(ERR_TOO_LARGE, "body of %zu bytes, limit %zu", body->bytes.n,
                       body->decoded_bytes_max);
        *ret_bytes = body->bytes;
        return OK;
    }
    for (enum unpack_coding i = 0; i < UNPACK_CODING_COUNT; i++) {
        if (!str_eq_nocase(name, str_of_cstr(unpack_coding_name(i))) ||
            (which == CODINGS_OTLP && !otlp_takes[i]))
            continue;
        TRY(unpack(a, i, body->bytes, body->decoded_bytes_max, decoded));
        *ret_bytes = buf_str(decoded);
        return OK;
    }
    return ERR(ERR_UNSUPPORTED, "content encoding \"%.*s\" is not supported, send %s or none",
               STR_FMT(name), which == CODINGS_OTLP ? "gzip" : "gzip, zstd, snappy");
}

static struct str
media_type(struct str content_type)
{
    return str_trim(str_split(&content_type, ';'));
}

/* --- OTLP
 * ------------------------------------------------------------------------------------------ */

enum otlp_encoding
ingest_otlp_encoding(struct str content_type)
{
    return str_eq_nocase(media_type(content_type), STR("application/json")) ? OTLP_JSON
                                                                            : OTLP_PROTOBUF;
}

struct err
ingest_decode_otlp(struct arena *a, struct buf *decoded, const struct ingest_body *body,
                   const struct otlp_options *options, struct batch *ret_batch)
{
    enum otlp_encoding encoding = ingest_otlp_encoding(body->content_type);
    if (encoding == OTLP_PROTOBUF &&
        !str_eq_nocase(media_type(body->content_type), STR("application/x-protobuf")))
        return ERR(ERR_UNSUPPORTED,
                   "content type \"%.*s\" is not supported, send application/x-protobuf or "
                   "application/json",
                   STR_FMT(body->content_type));
    struct str bytes;
    struct otlp_request request;
    TRY(open_body(a, body, CODINGS_OTLP, decoded, &bytes));
    TRY(otlp_decode(a, encoding, bytes, &request));
    return otlp_to_batch(a, &request, options, ret_batch);
}

/* --- texts
 * ------------------------------------------------------------------------------------------- */

static const struct text_row {
    const char *media_type;
    enum exposition_format format;
} texts[] = {
    {"", EXPOSITION_TEXT},
    {"text/plain", EXPOSITION_TEXT},
    {"application/octet-stream", EXPOSITION_TEXT},
    {"application/x-www-form-urlencoded", EXPOSITION_TEXT}, /* curl --data-binary */
    {"application/openmetrics-text", EXPOSITION_OPENMETRICS},
};

struct err
ingest_decode_text(struct arena *a, struct buf *decoded, const struct ingest_body *body,
                   int64_t now_ms, struct batch *ret_batch)
{
    struct str bytes, media = media_type(body->content_type);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (!str_eq_nocase(media, str_of_cstr(texts[i].media_type)))
            continue;
        TRY(open_body(a, body, CODINGS_TEXT, decoded, &bytes));
        return text_import(a, texts[i].format, bytes, now_ms, ret_batch);
    }
    return ERR(ERR_UNSUPPORTED,
               "content type \"%.*s\" is not supported, send text/plain or "
               "application/openmetrics-text",
               STR_FMT(body->content_type));
}
