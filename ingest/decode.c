/* decode.c - picks the decoder by the headers and decompresses. */
#include "ingest/decode.h"

#include "base/codec.h"
#include "proto/remote_write.h"

#define MEDIA_TYPE     "application/x-protobuf"
#define REMOTE_WRITE_1 "prometheus.WriteRequest"
#define REMOTE_WRITE_2 "io.prometheus.write.v2.Request"

/* The message that `proto=` of a content type names; without one it is remote write 1.0. */
static struct str
message_of(struct str parameters)
{
    struct str message = STR(REMOTE_WRITE_1);
    while (parameters.n > 0) {
        struct str value = str_trim(str_split(&parameters, ';'));
        struct str name = str_trim(str_split(&value, '='));
        value = str_trim(value);
        if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
            value = str_of(value.p + 1, value.n - 2);
        if (str_eq_nocase(name, STR("proto")))
            message = value;
    }
    return message;
}

static struct err
check_content_type(struct str content_type)
{
    struct str rest = content_type;
    struct str media = str_trim(str_split(&rest, ';'));
    if (str_trim(content_type).n == 0)
        return OK; /* senders older than the specification */
    if (!str_eq_nocase(media, STR(MEDIA_TYPE)))
        return ERR(ERR_UNSUPPORTED, "content type \"%.*s\" is not supported, send " MEDIA_TYPE,
                   STR_FMT(content_type));
    struct str message = message_of(rest);
    if (str_eq(message, STR(REMOTE_WRITE_1)))
        return OK;
    if (str_eq(message, STR(REMOTE_WRITE_2)))
        return ERR(ERR_UNSUPPORTED, "remote write 2.0 (" REMOTE_WRITE_2 ") is not supported yet, "
                                    "send remote write 1.0 (" REMOTE_WRITE_1 ")");
    return ERR(ERR_UNSUPPORTED, "message \"%.*s\" is not supported, send " REMOTE_WRITE_1,
               STR_FMT(message));
}

static struct err
check_content_encoding(struct str encoding)
{
    encoding = str_trim(encoding);
    if (encoding.n == 0 || str_eq_nocase(encoding, STR("snappy")))
        return OK;
    return ERR(ERR_UNSUPPORTED, "content encoding \"%.*s\" is not supported, send snappy",
               STR_FMT(encoding));
}

struct err
ingest_decode(struct arena *a, struct buf *decoded, const struct ingest_body *body,
              struct batch *ret_batch)
{
    TRY(check_content_type(body->content_type));
    TRY(check_content_encoding(body->content_encoding));
    buf_clear(decoded);
    TRY_IN(snappy_decode(body->bytes, body->decoded_bytes_max, decoded), "snappy decode error");
    struct write_message m = {0};
    TRY(remote_write_decode(a, buf_str(decoded), &m));
    *ret_batch = (struct batch){
        .request = {.rows = m.rows,
                    .row_count = m.row_count,
                    .samples = m.samples,
                    .sample_count = m.sample_count,
                    .histograms = m.histograms,
                    .histogram_count = m.histogram_count,
                    .exemplars = m.exemplars,
                    .exemplar_count = m.exemplar_count,
                    .metadata = m.metadata,
                    .metadata_count = m.metadata_count},
        .series_count = m.series_count,
    };
    return OK;
}
