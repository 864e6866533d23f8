/* remote_read.c - remote read: the request in, both forms of the answer out.
 *
 * Requests are small and decoded the general way. Answers are written front to back; the one
 * length that is not known ahead, that of a QueryResult, is why a query is built apart.
 * Threads: any; a read_response belongs to one thread at a time. */
#include "proto/remote_read.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "base/pb.h"
#include "proto/prompb_int.h"

enum { REQUEST_QUERIES = 1, REQUEST_ACCEPTED = 2 };
enum { QUERY_START = 1, QUERY_END = 2, QUERY_MATCHERS = 3, QUERY_HINTS = 4 };
enum { HINTS_FUNC = 2, HINTS_START = 3, HINTS_END = 4 };
enum { MATCHER_TYPE = 1, MATCHER_NAME = 2, MATCHER_VALUE = 3 };
enum { RESPONSE_RESULTS = 1, RESULT_SERIES = 1 };
enum { FRAME_SERIES = 1, FRAME_QUERY_INDEX = 2, CHUNKED_LABELS = 1, CHUNKED_CHUNKS = 2 };
enum { CHUNK_MINT = 1, CHUNK_MAXT = 2, CHUNK_TYPE = 3, CHUNK_DATA = 4 };

/* LabelMatcher.Type on the wire, 0 to 3. */
static const enum matcher_type matcher_types[] = {MATCH_EQUAL, MATCH_NOT_EQUAL, MATCH_REGEX,
                                                  MATCH_NOT_REGEX};
/* Chunk.Encoding has the numbers of the chunk format. */
_Static_assert(CHUNK_XOR == 1 && CHUNK_FLOAT_HISTOGRAM_ST == 6, "prompb/types.proto, Chunk");

/* --- request -------------------------------------------------------------------------------- */

static struct err
want_wire(const struct pb_field *f, enum pb_wire wire, const char *what)
{
    if (f->wire == wire)
        return OK;
    return ERR(ERR_INVALID, "remote read: wrong wire type of %s", what);
}

static struct err
check_end(const struct reader *r, const char *what)
{
    if (r->code == ERR_NONE)
        return OK;
    return ERR(ERR_INVALID, "remote read: malformed %s", what);
}

static struct err
matcher_decode(struct arena *a, struct str message, struct matcher *ret_matcher)
{
    uint64_t type = 0;
    struct str name = STR(""), value = STR("");
    struct reader r = reader_of(message);
    struct pb_field f;
    while (pb_next(&r, &f)) {
        if (f.number == MATCHER_TYPE) {
            TRY(want_wire(&f, PB_VARINT, "a matcher's type"));
            type = f.value;
        } else if (f.number == MATCHER_NAME) {
            TRY(want_wire(&f, PB_LEN, "a matcher's name"));
            name = f.bytes;
        } else if (f.number == MATCHER_VALUE) {
            TRY(want_wire(&f, PB_LEN, "a matcher's value"));
            value = f.bytes;
        }
    }
    TRY(check_end(&r, "matcher"));
    if (type >= ARRAY_LEN(matcher_types))
        return ERR(ERR_INVALID, "remote read: unknown matcher type %ju", (uintmax_t)type);
    TRY_IN(matcher_make(a, matcher_types[type], name, value, ret_matcher), "remote read: matcher");
    return OK;
}

/* How many fields `number` the message holds before it ends or turns malformed. */
static size_t
count_fields(struct str message, uint32_t number)
{
    size_t count = 0;
    struct reader r = reader_of(message);
    struct pb_field f;
    while (pb_next(&r, &f))
        count += f.number == number;
    return count;
}

static struct err
hints_decode(struct str message, struct read_hints *to)
{
    struct reader r = reader_of(message);
    struct pb_field f;
    to->given = true;
    while (pb_next(&r, &f)) {
        if (f.number == HINTS_START || f.number == HINTS_END) {
            TRY(want_wire(&f, PB_VARINT, "a hint's time"));
            *(f.number == HINTS_START ? &to->start_ms : &to->end_ms) = (int64_t)f.value;
        } else if (f.number == HINTS_FUNC) {
            TRY(want_wire(&f, PB_LEN, "a hint's function"));
            to->func = f.bytes;
        }
    }
    return check_end(&r, "hints");
}

static struct err
query_decode(struct arena *a, struct str message, struct read_query *ret_query)
{
    size_t count = count_fields(message, QUERY_MATCHERS);
    if (count > READ_MATCHERS_MAX)
        return ERR(ERR_INVALID, "remote read: %zu matchers in a query, limit %d", count,
                   READ_MATCHERS_MAX);
    struct matcher *matchers = ARENA_ARRAY(a, struct matcher, count);
    struct read_query q = {.matchers = {matchers, count}};
    struct reader r = reader_of(message);
    struct pb_field f;
    while (pb_next(&r, &f)) {
        if (f.number == QUERY_START || f.number == QUERY_END) {
            TRY(want_wire(&f, PB_VARINT, "a query's time"));
            *(f.number == QUERY_START ? &q.mint_ms : &q.maxt_ms) = (int64_t)f.value;
        } else if (f.number == QUERY_MATCHERS) {
            TRY(want_wire(&f, PB_LEN, "a query's matcher"));
            TRY(matcher_decode(a, f.bytes, matchers++));
        } else if (f.number == QUERY_HINTS) {
            TRY(want_wire(&f, PB_LEN, "a query's hints"));
            TRY(hints_decode(f.bytes, &q.hints));
        }
    }
    TRY(check_end(&r, "query"));
    *ret_query = q;
    return OK;
}

/* What the request accepts, in its order; the first known one wins. */
struct accepted {
    bool any, known;
    enum read_response_type type;
};

static void
accepted_add(struct accepted *acc, uint64_t type)
{
    acc->any = true;
    if (acc->known || type > READ_STREAMED_XOR_CHUNKS)
        return;
    acc->known = true;
    acc->type = (enum read_response_type)type;
}

/* A repeated enum comes packed or one field a value. */
static struct err
accepted_decode(const struct pb_field *f, struct accepted *acc)
{
    if (f->wire == PB_VARINT) {
        accepted_add(acc, f->value);
        return OK;
    }
    TRY(want_wire(f, PB_LEN, "the accepted response types"));
    struct reader r = reader_of(f->bytes);
    while (reader_left(&r) > 0) {
        uint64_t type = reader_uvarint(&r);
        if (r.code == ERR_NONE)
            accepted_add(acc, type);
    }
    return check_end(&r, "list of accepted response types");
}

struct err
read_request_decode(struct arena *a, struct str message, struct read_request *ret_request)
{
    size_t count = count_fields(message, REQUEST_QUERIES);
    if (count > READ_QUERIES_MAX)
        return ERR(ERR_INVALID, "remote read: %zu queries, limit %d", count, READ_QUERIES_MAX);
    struct read_query *queries = ARENA_ARRAY(a, struct read_query, count);
    struct accepted acc = {.type = READ_SAMPLES};
    struct reader r = reader_of(message);
    struct pb_field f;
    for (size_t i = 0; pb_next(&r, &f);) {
        if (f.number == REQUEST_QUERIES) {
            TRY(want_wire(&f, PB_LEN, "a query"));
            TRY(query_decode(a, f.bytes, &queries[i++]));
        } else if (f.number == REQUEST_ACCEPTED) {
            TRY(accepted_decode(&f, &acc));
        }
    }
    TRY(check_end(&r, "request"));
    if (acc.any && !acc.known)
        return ERR(ERR_INVALID, "remote read: none of the accepted response types is known");
    *ret_request = (struct read_request){queries, count, acc.type};
    return OK;
}

/* --- ReadResponse --------------------------------------------------------------------------- */

static size_t
label_bytes(const struct label *l)
{
    return (l->name.n ? pb_bytes_size(LABEL_NAME, l->name.n) : 0) +
           (l->value.n ? pb_bytes_size(LABEL_VALUE, l->value.n) : 0);
}

/* The size of all labels as fields `number` of a message. */
static size_t
labels_bytes(struct labels labels, uint32_t number)
{
    size_t bytes = 0;
    for (size_t i = 0; i < labels.n; i++)
        bytes += pb_bytes_size(number, label_bytes(&labels.v[i]));
    return bytes;
}

static void
put_labels(struct buf *to, struct labels labels, uint32_t number)
{
    for (size_t i = 0; i < labels.n; i++) {
        const struct label *l = &labels.v[i];
        pb_put_message(to, number, label_bytes(l));
        pb_put_bytes(to, LABEL_NAME, l->name);
        pb_put_bytes(to, LABEL_VALUE, l->value);
    }
}

static struct sample
column_at(const struct sample_columns *c, size_t i)
{
    return (struct sample){c->t_ms[i], c->bits[i]};
}

void
read_response_init(struct read_response *r, struct buf *to)
{
    *r = (struct read_response){.to = to, .query = BUF_INIT, .histograms = BUF_INIT};
}

void
read_response_fini(struct read_response *r)
{
    buf_fini(&r->query);
    buf_fini(&r->histograms);
}

void
read_response_begin_query(struct read_response *r)
{
    buf_clear(&r->query);
}

void
read_response_series(struct read_response *r, struct labels labels,
                     const struct sample_columns *samples,
                     const struct histogram_columns *histograms)
{
    buf_clear(&r->histograms);
    for (size_t i = 0; i < histograms->n; i++)
        prompb_put_histogram(&r->histograms, &(struct histogram_sample){histograms->t_ms[i],
                                                                        histograms->values[i]});
    size_t bytes = labels_bytes(labels, SERIES_LABELS) + r->histograms.n;
    for (size_t i = 0; i < samples->n; i++)
        bytes += prompb_sample_field_bytes(column_at(samples, i));
    pb_put_message(&r->query, RESULT_SERIES, bytes);
    put_labels(&r->query, labels, SERIES_LABELS);
    for (size_t i = 0; i < samples->n; i++)
        prompb_put_sample(&r->query, column_at(samples, i));
    buf_append(&r->query, buf_str(&r->histograms));
}

void
read_response_end_query(struct read_response *r)
{
    pb_put_message(r->to, RESPONSE_RESULTS, r->query.n);
    buf_append(r->to, buf_str(&r->query));
}

/* --- ChunkedReadResponse -------------------------------------------------------------------- */

static size_t
varint_field_bytes(int64_t v)
{
    return v ? 1 + uvarint_bytes((uint64_t)v) : 0;
}

static size_t
chunk_bytes(const struct chunk_view *c)
{
    return varint_field_bytes(c->mint_ms) + varint_field_bytes(c->maxt_ms) +
           varint_field_bytes(c->encoding) + (c->data.n ? pb_bytes_size(CHUNK_DATA, c->data.n) : 0);
}

static void
put_chunk(struct buf *to, const struct chunk_view *c)
{
    pb_put_message(to, CHUNKED_CHUNKS, chunk_bytes(c));
    pb_put_i64(to, CHUNK_MINT, c->mint_ms);
    pb_put_i64(to, CHUNK_MAXT, c->maxt_ms);
    pb_put_u64(to, CHUNK_TYPE, c->encoding);
    pb_put_bytes(to, CHUNK_DATA, c->data);
}

void
read_frame_encode(struct buf *to, size_t query_index, struct labels labels,
                  const struct chunk_view *chunks, size_t count)
{
    size_t series = labels_bytes(labels, CHUNKED_LABELS);
    for (size_t i = 0; i < count; i++)
        series += pb_bytes_size(CHUNKED_CHUNKS, chunk_bytes(&chunks[i]));
    size_t payload = pb_bytes_size(FRAME_SERIES, series) + varint_field_bytes((int64_t)query_index);

    buf_put_uvarint(to, payload);
    buf_reserve(to, 4 + payload);
    size_t crc_at = to->n;
    buf_put_be32(to, 0); /* filled in below, when the payload stands */
    pb_put_message(to, FRAME_SERIES, series);
    put_labels(to, labels, CHUNKED_LABELS);
    for (size_t i = 0; i < count; i++)
        put_chunk(to, &chunks[i]);
    pb_put_u64(to, FRAME_QUERY_INDEX, query_index);
    ASSERT(to->n == crc_at + 4 + payload);
    store_be32(to->p + crc_at, crc32c(str_of(to->p + crc_at + 4, payload)));
}
