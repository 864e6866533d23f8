/* otlp_codec.c - requests in, answers out. */
#include "proto/otlp_int.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/quote.h"
#include "proto/otlp_walk.h"

static void *
take(void *arena, size_t bytes)
{
    return arena_alloc(arena, bytes);
}

static void
keep(void *arena, void *memory)
{
    (void)arena, (void)memory; /* goes with the arena */
}

ProtobufCAllocator
otlp_allocator(struct arena *a)
{
    return (ProtobufCAllocator){take, keep, a};
}

struct err
otlp_decode(struct arena *a, enum otlp_encoding encoding, struct str body,
            struct otlp_request *ret_request)
{
    ProtobufCMessage *m = NULL;
    if (encoding == OTLP_PROTOBUF)
        return otlp_walk_request(a, body, ret_request);
    TRY(otlp_json_decode(a, &otlp__export_request__descriptor, body, &m));
    *ret_request = otlp_view(a, (const Otlp__ExportRequest *)(const void *)m);
    return OK;
}

/* --- answers -------------------------------------------------------------------------------- */

static ProtobufCBinaryData
binary(struct str s)
{
    return (ProtobufCBinaryData){s.n, (uint8_t *)(uintptr_t)s.p};
}

/* What quotes the sender's bytes may not be the UTF-8 that a client's decoder insists on. */
static struct str
as_utf8(struct str text, struct buf *scratch)
{
    if (str_is_utf8(text))
        return text;
    for (uint32_t rune; text.n > 0;) {
        text = str_skip(text, rune_decode(text, &rune));
        buf_put_rune(scratch, rune);
    }
    return buf_str(scratch);
}

static void
pack(const ProtobufCMessage *m, struct buf *to)
{
    size_t bytes = protobuf_c_message_get_packed_size(m);
    buf_reserve(to, bytes + 1);
    to->n += protobuf_c_message_pack(m, (uint8_t *)to->p + to->n);
}

static void
answer_json(uint64_t rejected, struct str text, struct buf *to)
{
    AUTO(buf_fini) struct buf digits = BUF_INIT;
    buf_printf(&digits, "%ju", (uintmax_t)rejected);
    struct json_writer w;
    json_init(&w, to, JSON_PLAIN);
    json_begin_object(&w);
    if (rejected > 0 || text.n > 0) {
        json_key(&w, STR("partialSuccess"));
        json_begin_object(&w);
        json_key(&w, STR("rejectedDataPoints"));
        json_str(&w, buf_str(&digits)); /* 64 bits are texts in OTLP's JSON */
        json_key(&w, STR("errorMessage"));
        json_str(&w, text);
        json_end_object(&w);
    }
    json_end_object(&w);
}

void
otlp_encode_answer(enum otlp_encoding encoding, uint64_t points_rejected, struct str text,
                   struct buf *to)
{
    if (encoding == OTLP_JSON) {
        answer_json(points_rejected, text, to);
        return;
    }
    Otlp__PartialSuccess partial = OTLP__PARTIAL_SUCCESS__INIT;
    Otlp__ExportResponse response = OTLP__EXPORT_RESPONSE__INIT;
    partial.rejected_data_points = (int64_t)u64_min(points_rejected, INT64_MAX);
    AUTO(buf_fini) struct buf scratch = BUF_INIT;
    partial.error_message = binary(as_utf8(text, &scratch));
    if (points_rejected > 0 || text.n > 0)
        response.partial_success = &partial;
    pack(&response.base, to);
}

void
otlp_encode_status(enum otlp_encoding encoding, int code, struct str text, struct buf *to)
{
    if (encoding == OTLP_JSON) {
        struct json_writer w;
        json_init(&w, to, JSON_PLAIN);
        json_begin_object(&w);
        json_key(&w, STR("code"));
        json_i64(&w, code);
        json_key(&w, STR("message"));
        json_str(&w, text);
        json_end_object(&w);
        return;
    }
    Otlp__Status status = OTLP__STATUS__INIT;
    status.code = code;
    AUTO(buf_fini) struct buf scratch = BUF_INIT;
    status.message = binary(as_utf8(text, &scratch));
    pack(&status.base, to);
}
