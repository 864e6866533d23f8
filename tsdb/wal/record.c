/* record.c - encoding and decoding record bodies. What to do with unknown types, references
 * and times is the caller's; here only bytes are judged. */
#include "tsdb/wal/record.h"

#include "base/assert.h"
#include "tsdb/wal/record_int.h"

/* How types 11 to 13 say a start timestamp: any other byte than these two is followed by its
 * difference from the first one of the record. */
enum { START_NONE = 0, START_SAME = 1 };

/* --- encoding ----------------------------------------------------------------------------- */

static char *
store_ustr(char *at, struct str s)
{
    at += store_uvarint(at, s.n);
    if (s.n > 0)
        memcpy(at, s.p, s.n);
    return at + s.n;
}

void
record_put_labels(struct buf *to, struct labels labels)
{
    size_t bytes = UVARINT_BYTES_MAX;
    for (size_t i = 0; i < labels.n; i++)
        bytes += labels.v[i].name.n + labels.v[i].value.n + 2 * UVARINT_BYTES_MAX;
    buf_reserve(to, bytes); /* once: births are many */
    char *at = to->p + to->n;
    at += store_uvarint(at, labels.n);
    for (size_t i = 0; i < labels.n; i++) {
        at = store_ustr(at, labels.v[i].name);
        at = store_ustr(at, labels.v[i].value);
    }
    to->n = (size_t)(at - to->p);
}

void
record_begin_series(struct buf *to)
{
    buf_put_u8(to, RECORD_SERIES);
}

void
record_put_series(struct buf *to, uint64_t ref, struct labels labels)
{
    buf_put_be64(to, ref);
    record_put_labels(to, labels);
}

void
record_put_bases(struct record_samples_writer *w, struct buf *to, enum record_type type,
                 uint64_t ref0, int64_t t0_ms)
{
    *w = (struct record_samples_writer){to, ref0, t0_ms};
    buf_put_u8(to, (uint8_t)type);
    buf_put_be64(to, ref0);
    buf_put_be64(to, (uint64_t)t0_ms);
}

void
record_put_point(struct record_samples_writer *w, uint64_t ref, int64_t t_ms)
{
    buf_put_varint(w->to, (int64_t)(ref - w->ref0));
    buf_put_varint(w->to, (int64_t)((uint64_t)t_ms - (uint64_t)w->t0_ms));
}

void
record_begin_samples(struct record_samples_writer *w, struct buf *to, uint64_t ref0, int64_t t0_ms,
                     size_t count)
{
    buf_reserve(to, 1 + 8 + 8 + count * RECORD_SAMPLE_BYTES_MAX);
    record_put_bases(w, to, RECORD_SAMPLES, ref0, t0_ms);
}

void
record_begin_tombstones(struct buf *to)
{
    buf_put_u8(to, RECORD_TOMBSTONES);
}

void
record_put_tombstone(struct buf *to, uint64_t ref, struct interval deleted)
{
    buf_put_be64(to, ref);
    buf_put_varint(to, deleted.mint_ms);
    buf_put_varint(to, deleted.maxt_ms);
}

void
record_begin_mmap_markers(struct buf *to)
{
    buf_put_u8(to, RECORD_MMAP_MARKERS);
}

void
record_put_mmap_marker(struct buf *to, uint64_t ref, uint64_t chunk_ref)
{
    buf_put_be64(to, ref);
    buf_put_be64(to, chunk_ref);
}

/* --- decoding: what types share ------------------------------------------------------------ */

void
record_begin(struct record_cursor *c, struct str record, unsigned types, const char *what)
{
    *c = (struct record_cursor){.r = reader_of(record), .what = what};
    unsigned type = reader_u8(&c->r);
    if (type > RECORD_FLOAT_HISTOGRAMS_V2 || !(types & 1u << type))
        reader_fail(&c->r);
}

void
record_begin_points(struct record_cursor *c, struct str record, unsigned types, const char *what)
{
    record_begin(c, record, types, what);
    struct reader *r = &c->r;
    if (reader_left(r) == 0)
        return; /* a type without anything is legal, as are bases without samples */
    if (record_type_of(record) < RECORD_SAMPLES_V2) {
        c->ref0 = reader_be64(r);
        c->t0_ms = (int64_t)reader_be64(r);
        return;
    }
    c->points = RECORD_POINTS_V2_FIRST;
    c->ref0 = (uint64_t)reader_varint(r);
    c->t0_ms = reader_varint(r);
    c->start_ms = c->start0_ms = reader_varint(r);
}

static int64_t
next_start(struct record_cursor *c)
{
    switch (reader_u8(&c->r)) {
    case START_NONE:
        return 0;
    case START_SAME:
        return c->start_ms;
    default:
        return (int64_t)((uint64_t)c->start0_ms + (uint64_t)reader_varint(&c->r));
    }
}

void
record_next_point(struct record_cursor *c, uint64_t *ret_ref, int64_t *ret_t_ms)
{
    struct reader *r = &c->r;
    uint64_t ref = c->ref0, t_ms = (uint64_t)c->t0_ms;
    if (c->points == RECORD_POINTS_V2_FIRST) {
        c->points = RECORD_POINTS_V2; /* the bases are the first sample's own */
    } else {
        ref += (uint64_t)reader_varint(r);
        t_ms += (uint64_t)reader_varint(r);
        if (c->points == RECORD_POINTS_V2) {
            c->ref0 = ref; /* unlike times, references are deltas of the one before */
            c->start_ms = next_start(c);
        }
    }
    c->value = r->p;
    *ret_ref = ref;
    *ret_t_ms = (int64_t)t_ms;
}

struct labels
record_get_labels(struct reader *r, struct arena *a)
{
    uint64_t count = reader_uvarint(r);
    if (count > RECORD_LABELS_MAX || count * 2 > reader_left(r))
        reader_fail(r); /* a label takes two bytes at least */
    if (r->code)
        return (struct labels){NULL, 0};
    struct label *v = ARENA_ARRAY(a, struct label, count);
    for (size_t i = 0; i < count; i++) {
        v[i].name = reader_ustr(r);
        v[i].value = reader_ustr(r);
    }
    return (struct labels){v, count};
}

struct err
record_cursor_check(const struct record_cursor *c)
{
    return reader_check(&c->r, c->what);
}

/* --- decoding ----------------------------------------------------------------------------- */

void
record_read_series(struct record_cursor *c, struct str record)
{
    record_begin(c, record, 1u << RECORD_SERIES, "series record");
}

bool
record_next_series(struct record_cursor *c, struct arena *a, uint64_t *ret_ref,
                   struct labels *ret_labels)
{
    struct reader *r = &c->r;
    if (reader_left(r) == 0)
        return false;
    uint64_t ref = reader_be64(r);
    struct labels labels = record_get_labels(r, a);
    if (r->code)
        return false;
    *ret_ref = ref;
    *ret_labels = labels;
    return true;
}

void
record_read_samples(struct record_cursor *c, struct str record)
{
    record_begin_points(c, record, 1u << RECORD_SAMPLES | 1u << RECORD_SAMPLES_V2,
                        "samples record");
}

static bool
next_sample_with_start(struct record_cursor *c, uint64_t *ret_ref, struct sample *ret_sample)
{
    uint64_t ref;
    int64_t t_ms;
    record_next_point(c, &ref, &t_ms);
    uint64_t bits = reader_be64(&c->r);
    if (c->r.code)
        return false;
    *ret_ref = ref;
    *ret_sample = (struct sample){t_ms, bits};
    return true;
}

bool
record_next_sample(struct record_cursor *c, uint64_t *ret_ref, struct sample *ret_sample)
{
    struct reader *r = &c->r;
    if (reader_left(r) == 0)
        return false;
    if (c->points != RECORD_POINTS_V1)
        return next_sample_with_start(c, ret_ref, ret_sample);
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

/* 1 to 3 bytes are what differences within a request take. The branches on the length are foreseen:
 * neighbours have the same. Eight bytes are readable; false: it is longer than they are. */
static inline bool
take_varint(const uint8_t **at, int64_t *ret_value)
{
    uint64_t word = load_le64(*at), v;
    if (!(word & 0x80)) {
        v = word & 0x7f;
        *at += 1;
    } else if (!(word & 0x8000)) {
        v = (word & 0x7f) | (word >> 1 & 0x3f80);
        *at += 2;
    } else if (!(word & 0x800000)) {
        v = (word & 0x7f) | (word >> 1 & 0x3f80) | (word >> 2 & 0x1fc000);
        *at += 3;
    } else {
        return false;
    }
    *ret_value = i64_of_zigzag(v);
    return true;
}

size_t
record_next_samples(struct record_cursor *c, struct ref_sample *to, size_t max)
{
    enum { POINT_BYTES_MAX = 3 + 3 + 8, READ_AHEAD = 8 };
    struct reader *r = &c->r;
    size_t n = 0;
    while (n < max) {
        const uint8_t *at = r->p;
        int64_t ref_delta, t_delta;
        if (c->points == RECORD_POINTS_V1 && reader_left(r) >= POINT_BYTES_MAX + READ_AHEAD &&
            take_varint(&at, &ref_delta) && take_varint(&at, &t_delta)) {
            to[n].ref = c->ref0 + (uint64_t)ref_delta;
            to[n].sample.t_ms = (int64_t)((uint64_t)c->t0_ms + (uint64_t)t_delta);
            to[n++].sample.bits = load_be64(at);
            r->p = at + sizeof(uint64_t);
        } else if (record_next_sample(c, &to[n].ref, &to[n].sample)) {
            n++;
        } else {
            break;
        }
    }
    return n;
}

void
record_read_tombstones(struct record_cursor *c, struct str record)
{
    record_begin(c, record, 1u << RECORD_TOMBSTONES, "tombstones record");
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

void
record_read_mmap_markers(struct record_cursor *c, struct str record)
{
    record_begin(c, record, 1u << RECORD_MMAP_MARKERS, "mmap markers record");
}

bool
record_next_mmap_marker(struct record_cursor *c, uint64_t *ret_ref, uint64_t *ret_chunk_ref)
{
    struct reader *r = &c->r;
    if (reader_left(r) == 0)
        return false;
    uint64_t ref = reader_be64(r), chunk_ref = reader_be64(r);
    if (r->code)
        return false;
    *ret_ref = ref;
    *ret_chunk_ref = chunk_ref;
    return true;
}
