/* decode.c - picks the decoder by the headers and decompresses. */
#include "ingest/decode.h"

#include "base/assert.h"
#include "ingest/unpack.h"
#include "proto/remote_write2.h"

#define MEDIA_TYPE     "application/x-protobuf"
#define REMOTE_WRITE_1 "prometheus.WriteRequest"
#define REMOTE_WRITE_2 "io.prometheus.write.v2.Request"

const char *
ingest_message_name(enum ingest_message message)
{
    static const char *const names[] = {
        [INGEST_REMOTE_WRITE_1] = REMOTE_WRITE_1, [INGEST_REMOTE_WRITE_2] = REMOTE_WRITE_2};
    ASSERT(message < INGEST_MESSAGE_COUNT);
    return names[message];
}

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
negotiate_message(struct str content_type, enum ingest_message *ret_message)
{
    struct str rest = content_type;
    struct str media = str_trim(str_split(&rest, ';'));
    *ret_message = INGEST_REMOTE_WRITE_1;
    if (str_trim(content_type).n == 0)
        return OK; /* senders older than the specification */
    if (!str_eq_nocase(media, STR(MEDIA_TYPE)))
        return ERR(ERR_UNSUPPORTED, "content type \"%.*s\" is not supported, send " MEDIA_TYPE,
                   STR_FMT(content_type));
    struct str message = message_of(rest);
    if (str_eq(message, STR(REMOTE_WRITE_1)))
        return OK;
    *ret_message = INGEST_REMOTE_WRITE_2;
    if (str_eq(message, STR(REMOTE_WRITE_2)))
        return OK;
    return ERR(ERR_UNSUPPORTED,
               "message \"%.*s\" is not supported, send " REMOTE_WRITE_2 " or " REMOTE_WRITE_1,
               STR_FMT(message));
}

static struct err
negotiate_encoding(struct str encoding, enum ingest_encoding *ret_encoding)
{
    encoding = str_trim(encoding);
    *ret_encoding = INGEST_SNAPPY;
    if (encoding.n == 0 || str_eq_nocase(encoding, STR("snappy")))
        return OK;
    *ret_encoding = INGEST_ZSTD;
    if (str_eq_nocase(encoding, STR("zstd")))
        return OK;
    return ERR(ERR_UNSUPPORTED, "content encoding \"%.*s\" is not supported, send snappy or zstd",
               STR_FMT(encoding));
}

struct err
ingest_negotiate(const struct ingest_body *body, struct ingest_format *ret_format)
{
    struct ingest_format format;
    TRY(negotiate_message(body->content_type, &format.message));
    TRY(negotiate_encoding(body->content_encoding, &format.encoding));
    *ret_format = format;
    return OK;
}

static struct err
decode_message(struct arena *a, struct str bytes, enum ingest_message message,
               struct write_message *ret_message)
{
    switch (message) {
    case INGEST_REMOTE_WRITE_1:
        return remote_write_decode(a, bytes, ret_message);
    case INGEST_REMOTE_WRITE_2:
        return remote_write2_decode(a, bytes, ret_message);
    case INGEST_MESSAGE_COUNT:
        break;
    }
    UNREACHABLE("every message is above");
}

struct err
ingest_decode(struct arena *a, struct buf *decoded, const struct ingest_body *body,
              struct ingest_format format, struct batch *ret_batch)
{
    enum unpack_coding coding = format.encoding == INGEST_ZSTD ? UNPACK_ZSTD : UNPACK_SNAPPY;
    TRY(unpack(a, coding, body->bytes, body->decoded_bytes_max, decoded));
    struct write_message m = {0};
    TRY(decode_message(a, buf_str(decoded), format.message, &m));
    *ret_batch = (struct batch){
        .request = write_message_request(&m),
        .series_count = m.series_count,
        .refused_series = m.refused,
        .start_timestamp_count = m.start_timestamp_count,
    };
    return OK;
}
