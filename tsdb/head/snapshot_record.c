/* snapshot_record.c - series, deletions and exemplars of a snapshot, as bytes.
 *
 *   series      01 | be64 ref | labels | be64 0 | uvarint 0, or 1 and the open chunk
 *   chunk       be64 mint | be64 maxt | u8 encoding | uvarint length, data | newest value
 *   value       floats: three and a half pairs of zeros, then be64; histograms: as in the log
 *   tombstones  02 | uvarint length | 01 | { uvarint ref | varint mint | varint maxt } ...
 *   exemplars   03 | as in the log */
#include "tsdb/head/snapshot_record.h"

#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/head/series.h"
#include "tsdb/wal/record_exemplars.h"
#include "tsdb/wal/record_histograms.h"

enum {
    OLD_SAMPLES_WORDS = 7, /* times and values that Prometheus once kept; zeros today */
    DELETIONS_VERSION = 1,
};
_Static_assert((int)SNAPSHOT_RECORD_SERIES == (int)RECORD_SERIES,
               "a series' record begins as one of the log");

/* --- series ----------------------------------------------------------------------------------- */

/* How the newest value of a chunk is stored. */
enum value_form { VALUE_UNKNOWN, VALUE_FLOAT, VALUE_INTEGER_HISTOGRAM, VALUE_FLOAT_HISTOGRAM };

static enum value_form
value_form_of(unsigned encoding)
{
    static const uint8_t forms[] = {
        [CHUNK_XOR] = VALUE_FLOAT,
        [CHUNK_XOR2] = VALUE_FLOAT,
        [CHUNK_HISTOGRAM] = VALUE_INTEGER_HISTOGRAM,
        [CHUNK_HISTOGRAM_ST] = VALUE_INTEGER_HISTOGRAM,
        [CHUNK_FLOAT_HISTOGRAM] = VALUE_FLOAT_HISTOGRAM,
        [CHUNK_FLOAT_HISTOGRAM_ST] = VALUE_FLOAT_HISTOGRAM,
    };
    return encoding < ARRAY_LEN(forms) ? (enum value_form)forms[encoding] : VALUE_UNKNOWN;
}

void
snapshot_encode_series(const struct snapshot_series *s, struct buf *to)
{
    record_begin_series(to);
    record_put_series(to, s->ref, s->labels);
    buf_put_be64(to, 0); /* once the range of chunks */
    buf_put_uvarint(to, s->open.encoding != CHUNK_NONE);
    if (s->open.encoding == CHUNK_NONE)
        return;
    buf_put_be64(to, (uint64_t)s->open.mint_ms);
    buf_put_be64(to, (uint64_t)s->open.maxt_ms);
    buf_put_u8(to, (uint8_t)s->open.encoding);
    buf_put_ustr(to, s->open.data);
    enum value_form form = value_form_of(s->open.encoding);
    ASSERT(form != VALUE_UNKNOWN);
    if (form != VALUE_FLOAT) {
        ASSERT(s->last.kind ==
               (form == VALUE_FLOAT_HISTOGRAM ? HISTOGRAM_FLOAT : HISTOGRAM_INTEGER));
        record_put_histogram_value(to, &s->last);
        return;
    }
    for (int i = 0; i < OLD_SAMPLES_WORDS; i++)
        buf_put_be64(to, 0);
    buf_put_be64(to, s->last_bits);
}

static struct err
decode_value(struct reader *r, struct arena *a, struct snapshot_series *s)
{
    enum value_form form = value_form_of(s->open.encoding);
    if (form == VALUE_UNKNOWN)
        return ERR(ERR_UNIMPLEMENTED, "snapshot of series %ju: chunk encoding %d is not known",
                   (uintmax_t)s->ref, (int)s->open.encoding);
    if (form == VALUE_FLOAT) {
        for (int i = 0; i < OLD_SAMPLES_WORDS; i++)
            reader_be64(r);
        s->last_bits = reader_be64(r);
        return OK;
    }
    enum histogram_kind kind = form == VALUE_FLOAT_HISTOGRAM ? HISTOGRAM_FLOAT : HISTOGRAM_INTEGER;
    enum record_histogram_use use = record_get_histogram_value(r, a, kind, &s->last);
    if (r->code == ERR_NONE && use != RECORD_HISTOGRAM_USABLE)
        return ERR(ERR_UNIMPLEMENTED, "snapshot of series %ju: a histogram of schema %d",
                   (uintmax_t)s->ref, s->last.schema);
    return OK;
}

static struct err
decode_chunk(struct reader *r, struct arena *a, struct snapshot_series *s)
{
    s->open.mint_ms = (int64_t)reader_be64(r);
    s->open.maxt_ms = (int64_t)reader_be64(r);
    s->open.encoding = (enum chunk_encoding)reader_u8(r);
    s->open.data = reader_ustr(r);
    if (r->code != ERR_NONE)
        return OK; /* the caller tells */
    if (s->open.mint_ms > s->open.maxt_ms)
        return ERR(ERR_CORRUPT, "snapshot of series %ju: chunk ends before it starts",
                   (uintmax_t)s->ref);
    return decode_value(r, a, s);
}

struct err
snapshot_decode_series(struct str record, struct arena *a, struct snapshot_series *ret_series)
{
    struct record_cursor c;
    struct snapshot_series s = {.open = {.encoding = CHUNK_NONE}};
    record_read_series(&c, record);
    if (!record_next_series(&c, a, &s.ref, &s.labels))
        return ERR(ERR_CORRUPT, "snapshot: record of %zu bytes is no series", record.n);
    reader_be64(&c.r);
    uint64_t chunks = reader_uvarint(&c.r);
    if (chunks > 0)
        TRY(decode_chunk(&c.r, a, &s));
    if (c.r.code != ERR_NONE || reader_left(&c.r) > 0)
        return ERR(ERR_CORRUPT, "snapshot of series %ju: malformed record of %zu bytes",
                   (uintmax_t)s.ref, record.n);
    *ret_series = s;
    return OK;
}

struct err
snapshot_reopen_floats(const struct snapshot_series *s, struct xor_appender *ret_x,
                       int64_t *ret_quarter_ms)
{
    struct xor_appender x;
    ASSERT(s->open.encoding == CHUNK_XOR);
    TRY_IN(xor_reopen_marked(s->open.data, CHUNK_SAMPLES_AIM / 4, &x, ret_quarter_ms),
           "snapshot of series %ju", (uintmax_t)s->ref);
    struct reader r = reader_of(str_skip(s->open.data, XOR_HEADER_BYTES));
    if (reader_varint(&r) != s->open.mint_ms || x.t_ms != s->open.maxt_ms || x.bits != s->last_bits)
        return ERR(ERR_CORRUPT, "snapshot of series %ju: chunk has other times or values",
                   (uintmax_t)s->ref);
    *ret_x = x;
    return OK;
}

/* --- deletions -------------------------------------------------------------------------------- */

void
snapshot_put_deletion(struct buf *triples, const struct snapshot_deletion *d)
{
    ASSERT(d->span.mint_ms <= d->span.maxt_ms);
    buf_put_uvarint(triples, d->ref);
    buf_put_varint(triples, d->span.mint_ms);
    buf_put_varint(triples, d->span.maxt_ms);
}

void
snapshot_encode_deletions(struct str triples, struct buf *to)
{
    buf_put_u8(to, SNAPSHOT_RECORD_TOMBSTONES);
    buf_put_uvarint(to, 1 + triples.n);
    buf_put_u8(to, DELETIONS_VERSION);
    buf_append(to, triples);
}

void
snapshot_read_deletions(struct snapshot_deletions *c, struct str record)
{
    c->r = reader_of(record);
    uint8_t type = reader_u8(&c->r);
    uint64_t bytes = reader_uvarint(&c->r);
    bool whole = bytes == reader_left(&c->r);
    uint8_t version = reader_u8(&c->r);
    if (type != SNAPSHOT_RECORD_TOMBSTONES || !whole || version != DELETIONS_VERSION)
        reader_fail(&c->r);
}

bool
snapshot_next_deletion(struct snapshot_deletions *c, struct snapshot_deletion *ret_deletion)
{
    if (reader_left(&c->r) == 0)
        return false;
    struct snapshot_deletion d = {.ref = reader_uvarint(&c->r)};
    d.span.mint_ms = reader_varint(&c->r);
    d.span.maxt_ms = reader_varint(&c->r);
    if (d.span.mint_ms > d.span.maxt_ms)
        reader_fail(&c->r);
    if (c->r.code != ERR_NONE)
        return false;
    *ret_deletion = d;
    return true;
}

struct err
snapshot_deletions_check(const struct snapshot_deletions *c)
{
    return reader_check(&c->r, "deletions of a snapshot");
}

/* --- exemplars -------------------------------------------------------------------------------- */

void
snapshot_begin_exemplars(struct record_samples_writer *w, struct buf *to,
                         const struct snapshot_exemplar *first)
{
    size_t type = to->n;
    record_begin_exemplars(w, to, first->ref, first->exemplar.t_ms);
    to->p[type] = SNAPSHOT_RECORD_EXEMPLARS;
}

void
snapshot_put_exemplar(struct record_samples_writer *w, const struct snapshot_exemplar *e)
{
    record_put_exemplar(w, e->ref, &e->exemplar);
}

void
snapshot_read_exemplars(struct record_cursor *c, struct str record, struct buf *scratch)
{
    buf_clear(scratch);
    buf_append(scratch, record);
    if (record.n > 0 && record.p[0] == SNAPSHOT_RECORD_EXEMPLARS)
        scratch->p[0] = RECORD_EXEMPLARS;
    else if (record.n > 0)
        scratch->p[0] = 0; /* one of the log is none of a snapshot */
    record_read_exemplars(c, buf_str(scratch));
}
