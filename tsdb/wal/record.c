/* record.c - encoding and decoding record bodies. What to do with unknown types, references
 * and times is the caller's; here only bytes are judged. */
#include "tsdb/wal/record.h"

#include "base/assert.h"

enum { RECORD_LABELS_MAX = 64 << 10 }; /* of one series: above what any sender gets accepted */

/* --- encoding ----------------------------------------------------------------------------- */

void
record_begin_series(struct buf *to)
{
    buf_put_u8(to, RECORD_SERIES);
}

static char *
store_ustr(char *at, struct str s)
{
    at += store_uvarint(at, s.n);
    memcpy(at, s.p, s.n); /* never NULL: labels have names and values */
    return at + s.n;
}

void
record_put_series(struct buf *to, uint64_t ref, struct labels labels)
{
    size_t bytes = 8 + UVARINT_BYTES_MAX;
    for (size_t i = 0; i < labels.n; i++)
        bytes += labels.v[i].name.n + labels.v[i].value.n + 2 * UVARINT_BYTES_MAX;
    buf_reserve(to, bytes); /* once: births are many */
    buf_put_be64(to, ref);
    buf_put_uvarint(to, labels.n);
    char *at = to->p + to->n;
    for (size_t i = 0; i < labels.n; i++) {
        at = store_ustr(at, labels.v[i].name);
        at = store_ustr(at, labels.v[i].value);
    }
    to->n = (size_t)(at - to->p);
}

void
record_begin_samples(struct record_samples_writer *w, struct buf *to, uint64_t ref0, int64_t t0_ms,
                     size_t count)
{
    *w = (struct record_samples_writer){to, ref0, t0_ms};
    buf_reserve(to, 1 + 8 + 8 + count * RECORD_SAMPLE_BYTES_MAX);
    buf_put_u8(to, RECORD_SAMPLES);
    buf_put_be64(to, ref0);
    buf_put_be64(to, (uint64_t)t0_ms);
}

/* --- decoding ----------------------------------------------------------------------------- */

static void
begin(struct record_cursor *c, struct str record, enum record_type type, const char *what)
{
    *c = (struct record_cursor){.r = reader_of(record), .what = what};
    if (reader_u8(&c->r) != type)
        reader_fail(&c->r);
}

void
record_read_series(struct record_cursor *c, struct str record)
{
    begin(c, record, RECORD_SERIES, "series record");
}

bool
record_next_series(struct record_cursor *c, struct arena *a, uint64_t *ret_ref,
                   struct labels *ret_labels)
{
    struct reader *r = &c->r;
    if (reader_left(r) == 0)
        return false;
    uint64_t ref = reader_be64(r), count = reader_uvarint(r);
    if (r->code == ERR_NONE && (count > RECORD_LABELS_MAX || count * 2 > reader_left(r)))
        reader_fail(r); /* a label takes two bytes at least */
    if (r->code)
        return false;
    struct label *v = ARENA_ARRAY(a, struct label, count);
    for (size_t i = 0; i < count; i++) {
        v[i].name = reader_ustr(r);
        v[i].value = reader_ustr(r);
    }
    if (r->code)
        return false;
    *ret_ref = ref;
    *ret_labels = (struct labels){v, count};
    return true;
}

void
record_read_samples(struct record_cursor *c, struct str record)
{
    begin(c, record, RECORD_SAMPLES, "samples record");
    if (reader_left(&c->r) == 0)
        return; /* a type without anything is legal, as are bases without samples */
    c->ref0 = reader_be64(&c->r);
    c->t0_ms = (int64_t)reader_be64(&c->r);
}

bool
record_next_sample(struct record_cursor *c, uint64_t *ret_ref, struct sample *ret_sample)
{
    struct reader *r = &c->r;
    if (reader_left(r) == 0)
        return false;
    int64_t ref_delta = reader_varint(r), t_delta = reader_varint(r);
    uint64_t bits = 0;
    if (reader_left(r) >= sizeof bits) { /* reader_be64() is a call: this is replay's inner loop */
        bits = load_be64(r->p);
        r->p += sizeof bits;
    } else {
        reader_fail(r);
    }
    if (r->code)
        return false;
    *ret_ref = c->ref0 + (uint64_t)ref_delta;
    *ret_sample = (struct sample){(int64_t)((uint64_t)c->t0_ms + (uint64_t)t_delta), bits};
    return true;
}

void
record_read_tombstones(struct record_cursor *c, struct str record)
{
    begin(c, record, RECORD_TOMBSTONES, "tombstones record");
}

bool
record_next_tombstone(struct record_cursor *c, uint64_t *ret_ref, int64_t *ret_mint_ms,
                      int64_t *ret_maxt_ms)
{
    struct reader *r = &c->r;
    if (reader_left(r) == 0)
        return false;
    uint64_t ref = reader_be64(r);
    int64_t mint_ms = reader_varint(r), maxt_ms = reader_varint(r);
    if (r->code)
        return false;
    *ret_ref = ref;
    *ret_mint_ms = mint_ms;
    *ret_maxt_ms = maxt_ms;
    return true;
}

struct err
record_cursor_check(const struct record_cursor *c)
{
    return reader_check(&c->r, c->what);
}
