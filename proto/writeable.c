/* writeable.c - thanos.WriteRequest in.
 *
 * Two walks: the first looks at the fields of the message alone, of which there are few, and tells
 * which of the two forms it has; the second takes the series as remote_write.c does. In the older
 * form the first walk steps over each series by its length. */
#include "proto/writeable.h"

#include "base/assert.h"
#include "base/mem.h"
#include "proto/write_walk.h"
#include "proto/writeable_int.h"
#include "proto/writeable_rows.h"

/* What the first walk learns. */
struct outline {
    size_t series, tuples, parts; /* fields, fields, items */
    struct str tenant;
    int64_t replica;
};

/* The second walk; `base` is of the whole message. */
struct tuple_walk {
    struct write_walk base;
    /* Of the tuple at hand. */
    struct str tenant, numbers;
    uint64_t numbering;
    /* Of rows; those behind the last of them have no number. */
    uint32_t *row_numbers;
    size_t numbered_count, numbers_cap;
    bool has_untold;
};

/* --- field 1000: numbers, packed or one by one ------------------------------------------------ */

/* Items of a packed field of varints: the last byte of each has no bit 7. */
static size_t
count_packed(struct str packed)
{
    size_t ends = 0;
    for (size_t i = 0; i < packed.n; i++)
        ends += (uint8_t)packed.p[i] < 0x80;
    return ends;
}

static struct err
count_parts(const struct write_walk *w, const struct pb_field *f, const uint8_t *at, size_t *parts)
{
    size_t n = 1;
    if (f->wire == PB_LEN && f->bytes.n > 0 && (uint8_t)f->bytes.p[f->bytes.n - 1] >= 0x80)
        return write_malformed(w, at, "malformed parts"); /* cut short: perhaps there are none */
    if (f->wire == PB_LEN)
        n = count_packed(f->bytes);
    else if (f->wire != PB_VARINT)
        return write_malformed(w, at, "wrong wire type of the parts");
    if (n > WRITEABLE_PARTS_MAX - *parts)
        return write_too_many("parts", WRITEABLE_PARTS_MAX);
    *parts += n;
    return OK;
}

static struct err
add_part(const struct write_walk *w, uint64_t tuples, const uint8_t *at,
         struct writeable_message *m, size_t *tuples_left)
{
    if (tuples > *tuples_left)
        return write_malformed(w, at, "parts of more tuples than there are");
    *tuples_left -= (size_t)tuples;
    m->part_tuples[m->part_count++] = (uint32_t)tuples;
    return OK;
}

static struct err
add_parts(const struct write_walk *w, const struct pb_field *f, const uint8_t *at,
          struct writeable_message *m, size_t *tuples_left)
{
    if (f->wire != PB_LEN)
        return add_part(w, f->value, at, m, tuples_left);
    struct reader r = reader_of(f->bytes);
    while (reader_left(&r) > 0) {
        uint64_t tuples = reader_uvarint(&r);
        if (r.code != ERR_NONE)
            return write_malformed(w, at, "malformed parts");
        TRY(add_part(w, tuples, at, m, tuples_left));
    }
    return OK;
}

static struct err
take_parts(const struct write_walk *w, struct str message, size_t parts,
           struct writeable_message *m)
{
    if (parts == 0)
        return OK;
    size_t tuples_left = m->tuple_count;
    TRY(arena_admit(w->arena, parts * sizeof *m->part_tuples));
    m->part_tuples = ARENA_ARRAY(w->arena, uint32_t, parts);
    struct reader r = reader_of(message);
    struct pb_field f;
    const uint8_t *at = r.p;
    for (; pb_next(&r, &f); at = r.p) {
        if (f.number == WRITEABLE_PARTS)
            TRY(add_parts(w, &f, at, m, &tuples_left));
    }
    ASSERT(m->part_count == parts);
    if (tuples_left > 0)
        return write_malformed(w, at, "tuples of no part");
    return OK;
}

/* --- the fields of the message ---------------------------------------------------------------- */

static struct err
outline_field(const struct write_walk *w, const struct pb_field *f, const uint8_t *at,
              struct outline *o)
{
    switch (f->number) {
    case WRITE_SERIES:
        o->series++; /* its wire type is looked at when it is taken */
        return OK;
    case WRITEABLE_TENANT:
        o->tenant = f->bytes;
        return f->wire == PB_LEN ? OK : write_malformed(w, at, "wrong wire type of the tenant");
    case WRITEABLE_REPLICA:
        o->replica = (int64_t)f->value;
        return f->wire == PB_VARINT ? OK : write_malformed(w, at, "wrong wire type of the replica");
    case WRITEABLE_TUPLES:
        if (++o->tuples > WRITEABLE_TUPLES_MAX)
            return write_too_many("tuples", WRITEABLE_TUPLES_MAX);
        return f->wire == PB_LEN ? OK : write_malformed(w, at, "wrong wire type of a tuple");
    case WRITEABLE_PARTS:
        return count_parts(w, f, at, &o->parts);
    default:
        return OK;
    }
}

static struct err
read_outline(const struct write_walk *w, struct str message, struct outline *o)
{
    struct reader r = reader_of(message);
    struct pb_field f;
    const uint8_t *at = r.p;
    for (; pb_next(&r, &f); at = r.p)
        TRY(outline_field(w, &f, at, o));
    if (r.code != ERR_NONE)
        return write_malformed(w, at, "malformed field");
    return OK;
}

/* --- tuples ----------------------------------------------------------------------------------- */

/* Every row of the walk so far gets a number, if it is that there is none. */
static struct err
number_rows(struct tuple_walk *t)
{
    size_t rows = t->base.m.row_count;
    if (rows > t->numbers_cap) {
        size_t cap = size_max(rows, 2 * t->numbers_cap);
        TRY(arena_admit(t->base.arena, cap * sizeof *t->row_numbers));
        uint32_t *moved = arena_alloc(t->base.arena, cap * sizeof *moved);
        if (t->numbered_count > 0)
            memcpy(moved, t->row_numbers, t->numbered_count * sizeof *moved);
        t->row_numbers = moved;
        t->numbers_cap = cap;
    }
    while (t->numbered_count < rows)
        t->row_numbers[t->numbered_count++] = WRITEABLE_NO_NUMBER;
    return OK;
}

/* Samples by number: a row each. */
static struct err
add_numbered(struct tuple_walk *t, struct str bytes)
{
    struct write_walk *w = &t->base;
    struct numbered_sample *samples;
    size_t n = 0, row = w->m.row_count;
    TRY(numbered_samples_count(bytes, &n));
    if (n > WRITE_SERIES_MAX - size_min(w->m.series_count, WRITE_SERIES_MAX))
        return write_too_many("series", WRITE_SERIES_MAX);
    if (n > WRITE_SAMPLES_MAX - w->m.sample_count)
        return write_too_many("samples", WRITE_SAMPLES_MAX);
    TRY(arena_admit(w->arena, n * sizeof *samples));
    samples = arena_alloc(w->arena, n * sizeof *samples);
    TRY(numbered_samples_load(bytes, samples, n));
    TRY(write_grow_rows(w, n, n));
    for (size_t i = 0; i < n; i++) {
        w->m.samples[w->m.sample_count++] = samples[i].sample;
        write_push_row(w, str_of(append_labels_untold, 0), w->m.sample_count - 1);
    }
    w->m.series_count += n;
    t->has_untold = t->has_untold || n > 0;
    TRY(number_rows(t));
    for (size_t i = 0; i < n; i++)
        t->row_numbers[row + i] = samples[i].number;
    return OK;
}

static struct err
tuple_other(struct write_walk *w, const struct pb_field *f, const uint8_t *at)
{
    struct tuple_walk *t = container_of(w, struct tuple_walk, base);
    switch (f->number) {
    case TUPLE_METADATA:
        return write_add_metadata(w, f, at);
    case TUPLE_TENANT:
        t->tenant = f->bytes;
        return f->wire == PB_LEN ? OK : write_malformed(w, at, "wrong wire type of the tenant");
    case TUPLE_NUMBERING:
        t->numbering = f->value;
        return f->wire == PB_I64 ? OK : write_malformed(w, at, "wrong wire type of the numbering");
    case TUPLE_NUMBERS:
        t->numbers = f->bytes;
        return f->wire == PB_LEN ? OK : write_malformed(w, at, "wrong wire type of the numbers");
    case TUPLE_NUMBERED:
        if (f->wire != PB_LEN)
            return write_malformed(w, at, "wrong wire type of numbered samples");
        return add_numbered(t, f->bytes);
    default:
        return OK;
    }
}

/* Those of the rows with labels, from `row` on: all of them have one, or none. */
static struct err
take_numbers(struct tuple_walk *t, size_t row)
{
    struct reader r = reader_of(t->numbers);
    TRY(number_rows(t));
    for (; row < t->base.m.row_count; row++) {
        if (!append_row_has_labels(&t->base.m.rows[row]))
            continue;
        if (reader_left(&r) < sizeof(uint32_t))
            return write_malformed(&t->base, r.p, "fewer numbers than series");
        t->row_numbers[row] = load_le32(r.p);
        r.p += sizeof(uint32_t);
    }
    if (reader_left(&r) > 0)
        return write_malformed(&t->base, r.p, "more numbers than series");
    return OK;
}

/* All else was looked at by the first walk. */
static struct err
older_other(struct write_walk *w, const struct pb_field *f, const uint8_t *at)
{
    (void)w, (void)f, (void)at;
    return OK;
}

/* `content`, walked with `other`, is the next tuple. */
static struct err
take_tuple(struct tuple_walk *t, struct str content, write_other_field *other,
           struct writeable_tuple *to)
{
    const struct write_message *m = &t->base.m;
    struct writeable_tuple tuple = {.first_row = m->row_count, .first_metadata = m->metadata_count};
    size_t series_before = m->series_count;
    TRY(write_walk_fields(&t->base, content, other));
    if (t->numbers.n > 0)
        TRY(take_numbers(t, tuple.first_row));
    tuple.tenant = t->tenant;
    tuple.numbering = t->numbering;
    tuple.row_count = m->row_count - tuple.first_row;
    tuple.metadata_count = m->metadata_count - tuple.first_metadata;
    tuple.series_count = m->series_count - series_before;
    *to = tuple;
    return OK;
}

static struct err
take_tuples(struct tuple_walk *t, struct str message, struct writeable_message *m)
{
    struct reader r = reader_of(message);
    struct pb_field f;
    while (pb_next(&r, &f)) {
        if (f.number != WRITEABLE_TUPLES)
            continue;
        t->tenant = t->numbers = STR("");
        t->numbering = 0;
        TRY(take_tuple(t, f.bytes, tuple_other, &m->tuples[m->tuple_count++]));
    }
    return OK;
}

struct err
writeable_decode(struct arena *a, struct str message, struct writeable_message *ret_message)
{
    struct outline o = {.tenant = STR("")};
    struct writeable_message m = {.tuple_count = 0};
    struct tuple_walk t = {
        .base = write_walk_of(a, message), .tenant = STR(""), .numbers = STR("")};
    TRY(read_outline(&t.base, message, &o));
    size_t tuples = o.tuples > 0 ? o.tuples : o.series > 0;
    TRY(arena_admit(a, tuples * sizeof *m.tuples));
    m.tuples = ARENA_ARRAY(a, struct writeable_tuple, tuples);
    m.replica = o.replica;
    if (o.tuples > 0) {
        TRY(take_tuples(&t, message, &m));
    } else if (o.series > 0) {
        t.tenant = o.tenant;
        TRY(take_tuple(&t, message, older_other, &m.tuples[m.tuple_count++]));
    }
    TRY(take_parts(&t.base, message, o.parts, &m));
    if (t.row_numbers)
        TRY(number_rows(&t));
    m.all = t.base.m;
    m.row_numbers = t.row_numbers;
    m.has_untold = t.has_untold;
    *ret_message = m;
    return OK;
}
