/* writeable_encode.c - thanos.WriteRequest out, in pieces; thanos.WriteResponse both ways. */
#include "base/assert.h"
#include "base/mem.h"
#include "proto/prompb_int.h"
#include "proto/series_encode.h"
#include "proto/writeable.h"
#include "proto/writeable_int.h"
#include "proto/writeable_rows.h"

/* --- requests --------------------------------------------------------------------------------- */

static size_t
tenant_bytes(struct str tenant)
{
    return tenant.n > 0 ? pb_bytes_size(TUPLE_TENANT, tenant.n) : 0;
}

size_t
writeable_tuple_bytes(size_t content_bytes, struct str tenant)
{
    return pb_bytes_size(WRITEABLE_TUPLES, content_bytes + tenant_bytes(tenant));
}

char *
writeable_store_head(char *at, size_t content_bytes, struct str tenant)
{
    *at++ = WRITEABLE_TUPLES << 3 | PB_LEN;
    return at + store_uvarint(at, content_bytes + tenant_bytes(tenant));
}

char *
writeable_store_tenant(char *at, struct str tenant)
{
    if (tenant.n == 0)
        return at;
    *at++ = TUPLE_TENANT << 3 | PB_LEN;
    at += store_uvarint(at, tenant.n);
    memcpy(at, tenant.p, tenant.n);
    return at + tenant.n;
}

/* --- numbers ---------------------------------------------------------------------------------- */

enum { NUMBERING_FIELD_BYTES = 2 + sizeof(uint64_t) }; /* a tag above 15 takes two */

static char *
store_numbering(char *at, uint64_t numbering)
{
    at += store_uvarint(at, TUPLE_NUMBERING << 3 | PB_I64);
    store_le64(at, numbering);
    return at + sizeof numbering;
}

size_t
writeable_numbers_bytes(size_t n)
{
    return NUMBERING_FIELD_BYTES + pb_bytes_size(TUPLE_NUMBERS, n * sizeof(uint32_t));
}

char *
writeable_store_numbers(char *at, uint64_t numbering, const uint32_t *numbers, size_t n)
{
    at = store_numbering(at, numbering);
    at += store_uvarint(at, TUPLE_NUMBERS << 3 | PB_LEN);
    at += store_uvarint(at, n * sizeof *numbers);
    for (size_t i = 0; i < n; i++, at += sizeof *numbers)
        store_le32(at, numbers[i]);
    return at;
}

void
writeable_encode_numbered(struct buf *content, uint64_t numbering,
                          const struct numbered_sample *samples, size_t n)
{
    AUTO(buf_fini) struct buf bytes = BUF_INIT;
    buf_reserve(&bytes, NUMBERED_COUNT_BYTES_MAX + n * NUMBERED_SAMPLE_BYTES_MAX);
    bytes.n = (size_t)(numbered_samples_store(bytes.p, samples, n) - bytes.p);
    buf_reserve(content, NUMBERING_FIELD_BYTES);
    content->n = (size_t)(store_numbering(content->p + content->n, numbering) - content->p);
    pb_put_bytes(content, TUPLE_NUMBERED, buf_str(&bytes));
}

void
writeable_encode_content(struct buf *to, struct str content, struct str tenant)
{
    buf_reserve(to, writeable_tuple_bytes(content.n, tenant));
    char *at = writeable_store_head(to->p + to->n, content.n, tenant);
    if (content.n > 0)
        memcpy(at, content.p, content.n);
    to->n = (size_t)(writeable_store_tenant(at + content.n, tenant) - to->p);
}

void
writeable_encode_metadata(struct buf *to, const struct family_metadata *m)
{
    prompb_put_metadata(to, TUPLE_METADATA, m);
}

void
writeable_encode_tuple(struct buf *to, struct str tenant, const struct append_request *r)
{
    AUTO(buf_fini) struct buf content = BUF_INIT;
    for (size_t i = 0; i < r->row_count; i++)
        series_encode(&content, r, &r->rows[i]);
    pb_put_bytes(&content, TUPLE_TENANT, tenant);
    for (size_t i = 0; i < r->metadata_count; i++)
        writeable_encode_metadata(&content, &r->metadata[i]);
    pb_put_message(to, WRITEABLE_TUPLES, content.n);
    buf_append(to, buf_str(&content));
}

void
writeable_encode_replica(struct buf *to, int64_t replica)
{
    pb_put_i64(to, WRITEABLE_REPLICA, replica);
}

void
writeable_encode_parts(struct buf *to, const uint32_t *part_tuples, size_t part_count)
{
    AUTO(buf_fini) struct buf packed = BUF_INIT;
    for (size_t i = 0; i < part_count; i++)
        buf_put_uvarint(&packed, part_tuples[i]);
    pb_put_bytes(to, WRITEABLE_PARTS, buf_str(&packed));
}

/* --- the answer ------------------------------------------------------------------------------- */

void
writeable_encode_outcomes(struct buf *to, const enum writeable_outcome *outcomes, size_t count)
{
    AUTO(buf_fini) struct buf packed = BUF_INIT;
    for (size_t i = 0; i < count; i++)
        buf_put_uvarint(&packed, outcomes[i]);
    pb_put_bytes(to, RESPONSE_OUTCOMES, buf_str(&packed));
}

static struct err
malformed_response(void)
{
    return ERR(ERR_INVALID, "malformed answer of a receiver");
}

struct outcome_list {
    enum writeable_outcome *v;
    size_t n, room;
};

static struct err
add_outcome(struct outcome_list *list, uint64_t number)
{
    if (list->n == list->room)
        return ERR(ERR_INVALID, "a receiver tells of more parts than it was sent: %zu", list->room);
    list->v[list->n++] =
        number < WRITEABLE_OUTCOME_COUNT ? (enum writeable_outcome)number : WRITEABLE_FAILED;
    return OK;
}

static struct err
add_outcomes(struct outcome_list *list, const struct pb_field *f)
{
    if (f->wire == PB_VARINT)
        return add_outcome(list, f->value);
    if (f->wire != PB_LEN)
        return malformed_response();
    struct reader r = reader_of(f->bytes);
    while (reader_left(&r) > 0) {
        uint64_t number = reader_uvarint(&r);
        if (r.code != ERR_NONE)
            return malformed_response();
        TRY(add_outcome(list, number));
    }
    return OK;
}

struct err
writeable_decode_outcomes(struct str message, enum writeable_outcome *outcomes, size_t count,
                          size_t *ret_count)
{
    struct outcome_list list = {outcomes, 0, count};
    struct reader r = reader_of(message);
    struct pb_field f;
    while (pb_next(&r, &f)) {
        if (f.number == RESPONSE_OUTCOMES)
            TRY(add_outcomes(&list, &f));
    }
    if (r.code != ERR_NONE)
        return malformed_response();
    if (list.n != 0 && list.n != count)
        return ERR(ERR_INVALID, "a receiver tells of %zu parts of %zu", list.n, count);
    *ret_count = list.n;
    return OK;
}
