/* formats.c - content types and encodings, then the decoder. */
#include "ingest/formats.h"

#include "base/codec.h"
#include "base/mem.h"
#include "ingest/text_import.h"

/* --- bodies
 * ---------------------------------------------------------------------------------------- */

static const struct coding_row {
    const char *name;
    struct err (*decode)(struct str bytes, size_t limit_bytes, struct buf *to);
    bool otlp; /* all of them are for texts */
} codings[] = {
    {"gzip", gzip_decode, true},
    {"zstd", zstd_decode, false},
    {"snappy", snappy_decode, false},
};

enum which_codings { CODINGS_OTLP, CODINGS_TEXT };

/* A view of the body, or of *decoded. */
static struct err
unpack(const struct ingest_body *body, enum which_codings which, struct buf *decoded,
       struct str *ret_bytes)
{
    struct str coding = str_trim(body->content_encoding);
    buf_clear(decoded);
    if (coding.n == 0 || str_eq_nocase(coding, STR("identity"))) {
        if (body->bytes.n > body->decoded_bytes_max)
            return ERR(ERR_TOO_LARGE, "body of %zu bytes, limit %zu", body->bytes.n,
                       body->decoded_bytes_max);
        *ret_bytes = body->bytes;
        return OK;
    }
    for (size_t i = 0; i < ARRAY_LEN(codings); i++) {
        if (!str_eq_nocase(coding, str_of_cstr(codings[i].name)) ||
            (which == CODINGS_OTLP && !codings[i].otlp))
            continue;
        TRY_IN(codings[i].decode(body->bytes, body->decoded_bytes_max, decoded), "%s decode error",
               codings[i].name);
        *ret_bytes = buf_str(decoded);
        return OK;
    }
    return ERR(ERR_UNSUPPORTED, "content encoding \"%.*s\" is not supported, send %s or none",
               STR_FMT(coding), which == CODINGS_OTLP ? "gzip" : "gzip, zstd, snappy");
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
    TRY(unpack(body, CODINGS_OTLP, decoded, &bytes));
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
        TRY(unpack(body, CODINGS_TEXT, decoded, &bytes));
        return text_import(a, texts[i].format, bytes, now_ms, ret_batch);
    }
    return ERR(ERR_UNSUPPORTED,
               "content type \"%.*s\" is not supported, send text/plain or "
               "application/openmetrics-text",
               STR_FMT(body->content_type));
}
