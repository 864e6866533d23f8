/* verify_record.c - decodes a record of a log, of whatever type, for its series numbers.
 *
 * Types and layouts: tsdb/wal/record.h, spec/tsdb.md section 2 (prometheus tsdb/record). The
 * first sample of the types with a base is given as deltas too; those of version 2 differ. */
#include "base/assert.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "tsdb/inspect/verify_int.h"
#include "tsdb/model/histogram.h"
#include "tsdb/wal/record.h"

enum { RECORD_LABELS_MAX = 1 << 16, METADATA_FIELDS_MAX = 1 << 10 };

/* --- parts ------------------------------------------------------------------------------------ */

static void
skip_f64(struct reader *r)
{
    (void)reader_be64(r);
}

/* `count` times `skip`; each takes a byte at least, so that a false count fails at once. */
static void
skip_many(struct reader *r, uint64_t count, void (*skip)(struct reader *r))
{
    if (count > reader_left(r))
        reader_fail(r);
    for (uint64_t i = 0; i < count && r->code == ERR_NONE; i++)
        skip(r);
}

static void
skip_varint(struct reader *r)
{
    (void)reader_varint(r);
}

static void
skip_span(struct reader *r)
{
    (void)reader_varint(r);
    (void)reader_uvarint(r);
}

static void
skip_histogram(struct reader *r, enum histogram_kind kind)
{
    void (*skip_count)(struct reader *) = kind == HISTOGRAM_FLOAT ? skip_f64 : skip_varint;
    (void)reader_u8(r); /* counter reset hint */
    int64_t schema = reader_varint(r);
    skip_f64(r);   /* zero threshold */
    skip_count(r); /* in the zero bucket; a uvarint is skipped as a varint is */
    skip_count(r); /* in all */
    skip_f64(r);   /* sum */
    skip_many(r, reader_uvarint(r), skip_span);
    skip_many(r, reader_uvarint(r), skip_span);
    skip_many(r, reader_uvarint(r), skip_count);
    skip_many(r, reader_uvarint(r), skip_count);
    if (schema == HISTOGRAM_SCHEMA_CUSTOM)
        skip_many(r, reader_uvarint(r), skip_f64);
}

static void
skip_integer_histogram(struct reader *r)
{
    skip_histogram(r, HISTOGRAM_INTEGER);
}

static void
skip_float_histogram(struct reader *r)
{
    skip_histogram(r, HISTOGRAM_FLOAT);
}

static void
skip_label(struct reader *r)
{
    (void)reader_ustr(r);
    (void)reader_ustr(r);
}

static void
skip_exemplar(struct reader *r)
{
    skip_f64(r);
    skip_many(r, reader_uvarint(r), skip_label);
}

/* --- types ------------------------------------------------------------------------------------ */

static struct err
walk_series(struct str record, struct arena *scratch, const struct record_visitor *visitor)
{
    struct record_cursor c;
    uint64_t ref;
    struct labels labels;
    record_read_series(&c, record);
    while (record_next_series(&c, scratch, &ref, &labels)) {
        for (size_t i = 1; i < labels.n; i++) {
            if (str_cmp(labels.v[i - 1].name, labels.v[i].name) >= 0)
                return ERR(ERR_CORRUPT, "labels of series %ju do not ascend", (uintmax_t)ref);
        }
        TRY(visitor->named(visitor->arg, ref, labels));
        arena_reset(scratch);
    }
    return record_cursor_check(&c);
}

/* be64 ref, be64 t, { varint ref delta, varint t delta, value } */
static struct err
walk_based(struct reader *r, void (*skip_value)(struct reader *r),
           const struct record_visitor *visitor)
{
    if (reader_left(r) == 0)
        return OK; /* a type alone */
    uint64_t ref0 = reader_be64(r);
    (void)reader_be64(r);
    while (reader_left(r) > 0) {
        uint64_t ref = ref0 + (uint64_t)reader_varint(r);
        skip_varint(r);
        skip_value(r);
        if (r->code == ERR_NONE)
            TRY(visitor->used(visitor->arg, ref));
    }
    return OK;
}

enum start_mark { START_NONE, START_SAME, START_OTHER };

/* varint ref, t, start time, value; then { varint ref - ref before, t, mark, value } */
static struct err
walk_v2(struct reader *r, void (*skip_value)(struct reader *r),
        const struct record_visitor *visitor)
{
    uint64_t ref = 0;
    for (bool first = true; reader_left(r) > 0; first = false) {
        ref += (uint64_t)reader_varint(r);
        skip_varint(r);
        unsigned mark = first ? START_OTHER : reader_u8(r);
        if (mark > START_OTHER)
            reader_fail(r);
        if (mark == START_OTHER)
            skip_varint(r);
        skip_value(r);
        if (r->code == ERR_NONE)
            TRY(visitor->used(visitor->arg, ref));
    }
    return OK;
}

/* { be64 ref, two numbers of `skip` } */
static struct err
walk_fixed(struct reader *r, void (*skip)(struct reader *r), const struct record_visitor *visitor)
{
    while (reader_left(r) > 0) {
        uint64_t ref = reader_be64(r);
        skip(r);
        if (r->code == ERR_NONE)
            TRY(visitor->used(visitor->arg, ref));
    }
    return OK;
}

static void
skip_span_of_time(struct reader *r)
{
    skip_varint(r);
    skip_varint(r);
}

static struct err
walk_metadata(struct reader *r, const struct record_visitor *visitor)
{
    while (reader_left(r) > 0) {
        uint64_t ref = reader_uvarint(r);
        (void)reader_u8(r);
        skip_many(r, reader_uvarint(r), skip_label); /* a field is two strings too */
        if (r->code == ERR_NONE)
            TRY(visitor->used(visitor->arg, ref));
    }
    return OK;
}

static struct err
walk(enum record_type type, struct reader *r, const struct record_visitor *visitor)
{
    switch (type) {
    case RECORD_SAMPLES:
        return walk_based(r, skip_f64, visitor);
    case RECORD_TOMBSTONES:
        return walk_fixed(r, skip_span_of_time, visitor);
    case RECORD_EXEMPLARS:
        return walk_based(r, skip_exemplar, visitor);
    case RECORD_MMAP_MARKERS:
        return walk_fixed(r, skip_f64, visitor); /* eight bytes too */
    case RECORD_METADATA:
        return walk_metadata(r, visitor);
    case RECORD_HISTOGRAMS:
    case RECORD_CUSTOM_HISTOGRAMS:
        return walk_based(r, skip_integer_histogram, visitor);
    case RECORD_FLOAT_HISTOGRAMS:
    case RECORD_CUSTOM_FLOAT_HISTOGRAMS:
        return walk_based(r, skip_float_histogram, visitor);
    case RECORD_SAMPLES_V2:
        return walk_v2(r, skip_f64, visitor);
    case RECORD_HISTOGRAMS_V2:
        return walk_v2(r, skip_integer_histogram, visitor);
    case RECORD_FLOAT_HISTOGRAMS_V2:
        return walk_v2(r, skip_float_histogram, visitor);
    case RECORD_SERIES:
        break;
    }
    UNREACHABLE("series have their own walk, and other types are not known");
}

struct err
verify_record(struct str record, struct arena *scratch, const struct record_visitor *visitor,
              bool *ret_known)
{
    unsigned type = record_type_of(record);
    *ret_known = type >= RECORD_SERIES && type <= RECORD_FLOAT_HISTOGRAMS_V2;
    if (!*ret_known)
        return OK;
    arena_reset(scratch);
    if (type == RECORD_SERIES)
        return walk_series(record, scratch, visitor);
    struct reader r = reader_of(record);
    (void)reader_u8(&r);
    TRY(walk((enum record_type)type, &r, visitor));
    return r.code == ERR_NONE ? OK
                              : ERR(ERR_CORRUPT, "record of type %u ends inside a field", type);
}
