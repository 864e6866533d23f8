/* write_walk.h - what the decoders of both versions of remote write share: the arrays of a message
 * as they grow, samples in their usual shape, and the parts that are the same in both.
 *
 * Threads: any; a walk belongs to one call. */
#pragma once
#include <string.h>

#include "base/bytes.h"
#include "proto/prompb_int.h"
#include "proto/remote_write.h"

struct write_walk {
    struct arena *arena;
    const uint8_t *start, *end; /* the message */
    const uint8_t *next;        /* behind the field of the request that was taken last */
    size_t row_cap, sample_cap, histogram_cap, exemplar_cap, metadata_cap; /* of m's arrays */
    struct write_message m;                                                /* the result so far */
};

/* Tag bytes: number << 3 | wire type. */
enum {
    TAG_SAMPLES = SERIES_SAMPLES << 3 | PB_LEN,
    TAG_VALUE = SAMPLE_VALUE << 3 | PB_I64,
    TAG_TIMESTAMP = SAMPLE_TIMESTAMP << 3 | PB_VARINT,
};

/* A sample as it is sent between the years 1971 and 2109, where the time takes 6 bytes:
 * tag, length 16, value tag, 8 bytes, timestamp tag, 6 bytes; or, for the value 0, which
 * proto3 leaves out: tag, length 7, timestamp tag, 6 bytes. */
enum { SAMPLE_FRAME_BYTES = 18, ZERO_FRAME_BYTES = 9 };

static inline struct write_walk
write_walk_of(struct arena *a, struct str message)
{
    const uint8_t *p = (const uint8_t *)message.p;
    return (struct write_walk){.arena = a, .start = p, .end = message.n > 0 ? p + message.n : p};
}

/* Room for so many rows and samples more; for a row. An array that grows moves; the old one stays
 * behind in the arena, so doubling bounds what is lost by what is used. Errors: those of
 * arena_admit(). */
struct err write_grow_rows(struct write_walk *w, size_t rows, size_t samples);
static inline struct err
write_grow(struct write_walk *w, size_t samples)
{
    return write_grow_rows(w, 1, samples);
}
/* Room for `rows` rows and `samples` samples, before the first of them. */
struct err write_begin(struct write_walk *w, size_t rows, size_t samples);

static inline bool
write_has_room(const struct write_walk *w, size_t samples)
{
    return w->m.row_count < w->row_cap && samples <= w->sample_cap - w->m.sample_count;
}

/* False: there is none to be had. */
static inline bool
write_reserve_fast(struct write_walk *w, size_t samples)
{
    if (__builtin_expect(write_has_room(w, samples), 1))
        return true;
    struct err e = write_grow(w, samples);
    bool grown = e.code == ERR_NONE;
    err_drop(e); /* whoever takes the general path comes to it again */
    return grown;
}

/* There is room for it, and the counts fit. The row is that of a series of floats. */
static inline struct append_row *
write_push_row(struct write_walk *w, struct str label_key, size_t first_sample)
{
    struct append_row *row = &w->m.rows[w->m.row_count++];
    *row = (struct append_row){
        .label_key = label_key,
        .first_sample = (uint32_t)first_sample,
        .sample_count = (uint32_t)(w->m.sample_count - first_sample),
    };
    return row;
}

/* How much of a message's arrays was used when a series began. */
struct write_mark {
    size_t sample, histogram, exemplar;
};
static inline struct write_mark
write_mark_of(const struct write_walk *w)
{
    return (struct write_mark){w->m.sample_count, w->m.histogram_count, w->m.exemplar_count};
}
/* The row of a series that has all that was taken since `since`. */
struct err write_push_row_since(struct write_walk *w, struct str label_key,
                                struct write_mark since);

/* The six bytes of a uvarint in the low bytes of `word`, first byte lowest; false when they
 * are not exactly one uvarint. */
static inline bool
write_unpack_time(uint64_t word, int64_t *ret_t_ms)
{
    if ((word & UINT64_C(0x808080808080)) != UINT64_C(0x008080808080))
        return false;
    uint64_t pairs = (word & UINT64_C(0x007f007f007f)) | (word & UINT64_C(0x7f007f007f00)) >> 1;
    *ret_t_ms = (int64_t)((pairs & 0x3fff) | (pairs & 0x3fff0000) >> 2 |
                          (pairs & UINT64_C(0x3fff00000000)) >> 4);
    return true;
}

/* Value and time of a sample frame at p, whose tag and length were looked at and whose bytes are
 * there; false when they have another shape. */
static inline bool
write_valued_sample(const uint8_t *p, struct sample *ret_sample)
{
    ret_sample->bits = load_le64(p + 3);
    /* The word ends where the time ends, so that nothing behind it is read. */
    return p[2] == TAG_VALUE && p[11] == TAG_TIMESTAMP &&
           write_unpack_time(load_le64(p + 10) >> 16, &ret_sample->t_ms);
}
static inline bool
write_zero_sample(const uint8_t *p, struct sample *ret_sample)
{
    ret_sample->bits = 0;
    return p[2] == TAG_TIMESTAMP && write_unpack_time(load_le64(p + 1) >> 16, &ret_sample->t_ms);
}

/* Reads the sample frame at p, of which `left` bytes belong to the series. Returns its size,
 * or 0 when it has another shape. */
static inline size_t
write_sample_fast(const uint8_t *p, size_t left, struct sample *ret_sample)
{
    if (left >= SAMPLE_FRAME_BYTES && p[0] == TAG_SAMPLES && p[1] == SAMPLE_FRAME_BYTES - 2)
        return write_valued_sample(p, ret_sample) ? SAMPLE_FRAME_BYTES : 0;
    if (left >= ZERO_FRAME_BYTES && p[0] == TAG_SAMPLES && p[1] == ZERO_FRAME_BYTES - 2)
        return write_zero_sample(p, ret_sample) ? ZERO_FRAME_BYTES : 0;
    return 0;
}

/* A frame with this tag at p, with a length of one or two bytes, that fits: its content. */
static inline bool
write_frame_fast(const uint8_t *p, const uint8_t *end, uint8_t tag, struct str *ret_content)
{
    if (end - p < 3 || p[0] != tag)
        return false;
    size_t bytes = p[1], head = 2;
    if (bytes >= 0x80) {
        if (p[2] >= 0x80)
            return false;
        bytes = (bytes & 0x7f) | (size_t)p[2] << 7;
        head = 3;
    }
    if (bytes > (size_t)(end - p) - head)
        return false;
    *ret_content = str_of((const char *)p + head, bytes);
    return true;
}

/* --- any legal form ------------------------------------------------------------------------- */

struct prompb_part write_part(const struct write_walk *w, struct str content);
/* ERR_INVALID: "remote write: <what> at byte <offset of `at`>". */
struct err write_malformed(const struct write_walk *w, const void *at, const char *what);
struct err write_too_many(const char *what, int limit);

/* Adds a sample. Its field `start_field`, if it is not 0 and there, counts as a start timestamp. */
struct err write_add_sample(struct write_walk *w, struct str content, uint32_t start_field);
struct err write_add_histogram(struct write_walk *w, struct str content);
/* Room for one more: where it is to be put; the caller then counts it. */
struct err write_next_exemplar(struct write_walk *w, struct exemplar **ret_exemplar);
struct err write_next_metadata(struct write_walk *w, struct family_metadata **ret_metadata);
/* Adds a field that holds a MetricMetadata and stands at `at`. */
struct err write_add_metadata(struct write_walk *w, const struct pb_field *f, const uint8_t *at);

/* --- 1.0 and what has its series -------------------------------------------------------------- */

/* The repeated TimeSeries of a WriteRequest, prometheus' or thanos', and of a thanos tuple. */
enum { WRITE_SERIES = 1 };
/* What a message has beside it: a field at `at`. */
typedef struct err write_other_field(struct write_walk *w, const struct pb_field *f,
                                     const uint8_t *at);
/* Takes the fields of `message`, which is w's or a part of it: series to rows, the rest to `other`.
 * In remote_write.c. */
struct err write_walk_fields(struct write_walk *w, struct str message, write_other_field *other);
