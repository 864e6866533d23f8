/* remote_write2.c - walks a Request of remote write 2.0.
 *
 * The first of two passes counts series and gathers symbols, which may stand anywhere. The second
 * takes the series: series_fast() knows the shape in which everybody sends a series of floats and
 * gives up, leaving no trace, on anything else; series_general() then takes whatever protobuf
 * allows and says what is wrong. Threads: any; a walk belongs to one call. */
#include "proto/remote_write2_keys.h"

#include "base/assert.h"
#include "base/mem.h"

enum { REQUEST_SYMBOLS = 4, REQUEST_SERIES = 5 };

enum {
    TAG_SYMBOLS = REQUEST_SYMBOLS << 3 | PB_LEN,
    TAG_SERIES = REQUEST_SERIES << 3 | PB_LEN,
    TAG_LABELS_REFS = SERIES2_LABELS_REFS << 3 | PB_LEN,
    TAG_METADATA = SERIES2_METADATA << 3 | PB_LEN,
    TAG_START = SAMPLE2_START << 3 | PB_VARINT,
};

enum { START_BYTES = 7 }; /* of a start timestamp: its tag and six bytes */

/* --- the usual shape ------------------------------------------------------------------------- */

/* As write_sample_fast(), with a start timestamp behind the time. */
static inline size_t
started_sample_fast(const uint8_t *p, size_t left, struct sample *ret_sample)
{
    size_t bytes = (size_t)p[1] + 2;
    bool valued = bytes == SAMPLE_FRAME_BYTES + START_BYTES;
    if (bytes > left || (!valued && bytes != ZERO_FRAME_BYTES + START_BYTES))
        return 0;
    int64_t start_ms;
    bool good = valued ? write_valued_sample(p, ret_sample) : write_zero_sample(p, ret_sample);
    good = good && p[bytes - START_BYTES] == TAG_START &&
           write_unpack_time(load_le64(p + bytes - 8) >> 16, &start_ms);
    return good ? bytes : 0;
}

/* Samples side by side at p, stored behind those that count; returns where they end, NULL when one
 * has another shape. *ret_started is how many have a start timestamp. */
static inline const uint8_t *
samples_fast(struct walk2 *w, const uint8_t *p, const uint8_t *end, size_t *ret_n,
             size_t *ret_started)
{
    size_t samples_max = (size_t)(end - p) / ZERO_FRAME_BYTES, started = 0;
    if (samples_max > WRITE_SAMPLES_MAX - w->base.m.sample_count ||
        !write_reserve_fast(&w->base, samples_max))
        return NULL;
    struct sample *first = w->base.m.samples + w->base.m.sample_count, *to = first;
    while (end - p >= ZERO_FRAME_BYTES && *p == TAG_SAMPLES) {
        size_t bytes = write_sample_fast(p, (size_t)(end - p), to);
        if (__builtin_expect(bytes == 0, 0)) {
            bytes = started_sample_fast(p, (size_t)(end - p), to);
            if (bytes == 0)
                return NULL;
            started++;
        }
        p += bytes;
        to++;
    }
    *ret_n = (size_t)(to - first);
    *ret_started = started;
    return p;
}

/* Senders end a series with its metadata, if only to say that there is none: its content. */
static inline bool
metadata_fast(const uint8_t *p, const uint8_t *end, struct str *ret_content)
{
    *ret_content = STR("");
    if (p == end)
        return true;
    if (end - p < 2 || p[0] != TAG_METADATA || p[1] >= 0x80 || p[1] != end - p - 2)
        return false;
    *ret_content = str_of((const char *)p + 2, p[1]);
    return true;
}

/* What stands behind the labels of a series; nothing of it was taken yet. */
struct fast_rest {
    size_t samples, started;
    struct str metadata;
};

static inline bool
rest_fast(struct walk2 *w, const uint8_t *p, const uint8_t *end, struct fast_rest *ret_rest)
{
    p = samples_fast(w, p, end, &ret_rest->samples, &ret_rest->started);
    return p && ret_rest->samples > 0 && metadata_fast(p, end, &ret_rest->metadata);
}

/* False: not the usual shape, and nothing was changed. */
static inline __attribute__((always_inline)) bool
series_fast(struct walk2 *w, const uint8_t *p, const uint8_t *end)
{
    struct str refs;
    struct fast_key key;
    struct fast_rest rest;
    size_t first_sample = w->base.m.sample_count;
    if (!write_frame_fast(p, end, TAG_LABELS_REFS, &refs) || !key_fast(w, refs, &key))
        return false;
    if (!rest_fast(w, (const uint8_t *)refs.p + refs.n, end, &rest) ||
        w->key_bytes + key.key.n > WRITE_KEY_BYTES_MAX) {
        w->last.n = 0; /* the key's room is free again */
        return false;
    }
    w->keys_at += key.key.n;
    w->key_bytes += key.key.n;
    w->base.m.sample_count += rest.samples;
    w->base.m.start_timestamp_count += rest.started;
    write_push_row(&w->base, key.key, first_sample);
    w->metric = key.metric;
    w->metadata = rest.metadata;
    return true;
}

/* --- the general path ------------------------------------------------------------------------ */

static struct err
series_field(struct walk2 *w, const struct pb_field *f, const uint8_t *at)
{
    if (f->number == SERIES2_LABELS_REFS)
        return write2_take_refs(w, f, at, &w->series_refs);
    if (f->wire != PB_LEN)
        return write_malformed(&w->base, at, "wrong wire type in the time series");
    if (f->number == SERIES2_SAMPLES)
        return write_add_sample(&w->base, f->bytes, SAMPLE2_START);
    if (f->number == SERIES2_HISTOGRAMS)
        return write_add_histogram(&w->base, f->bytes);
    if (f->number == SERIES2_EXEMPLARS)
        return write2_add_exemplar(w, f->bytes);
    w->metadata = f->bytes; /* the last one counts */
    return OK;
}

/* The key of the series at hand. */
static struct err
key_general(struct walk2 *w, struct str *ret_key)
{
    const struct write2_refs *refs = &w->series_refs;
    size_t bytes = symbols_key_bytes(&w->symbols, refs->v, refs->n);
    if (bytes > WRITE_KEY_BYTES_MAX - w->key_bytes)
        return ERR(ERR_TOO_LARGE, "labels of the request take more than %d bytes when written out",
                   WRITE_KEY_BYTES_MAX);
    TRY(arena_admit(w->base.arena, bytes));
    char *key = arena_alloc(w->base.arena, bytes);
    symbols_put_key(&w->symbols, refs->v, refs->n, key);
    w->key_bytes += bytes;
    *ret_key = str_of(key, bytes);
    return OK;
}

static void
refuse(struct walk2 *w, struct write_mark since, struct str key, size_t *count)
{
    struct write_message *m = &w->base.m;
    if (m->refused.without_name + m->refused.without_samples == 0)
        m->refused.first_key = key;
    ++*count;
    w->metadata = STR("");
    m->sample_count = since.sample;
    m->histogram_count = since.histogram;
    m->exemplar_count = since.exemplar;
}

/* A whole series was read: a row, or refused. */
static struct err
end_series(struct walk2 *w, struct write_mark since)
{
    const struct write2_refs *refs = &w->series_refs;
    struct write_message *m = &w->base.m;
    struct str key;
    TRY(key_general(w, &key));
    w->metric = symbols_metric_name(&w->symbols, refs->v, refs->n);
    if (w->metric == 0)
        refuse(w, since, key, &m->refused.without_name);
    else if (m->sample_count == since.sample && m->histogram_count == since.histogram)
        refuse(w, since, key, &m->refused.without_samples);
    else
        return write_push_row_since(&w->base, key, since);
    return OK;
}

static __attribute__((noinline)) struct err
series_general(struct walk2 *w, struct str series)
{
    struct write_mark since = write_mark_of(&w->base);
    struct reader r = reader_of(series);
    struct pb_field f;
    const uint8_t *at = r.p;
    w->series_refs.n = 0;
    w->metadata = STR("");
    for (; pb_next(&r, &f); at = r.p) {
        if (f.number >= SERIES2_LABELS_REFS && f.number <= SERIES2_METADATA)
            TRY(series_field(w, &f, at));
    }
    if (r.code != ERR_NONE)
        return write_malformed(&w->base, at, "malformed field of the time series");
    TRY(write2_check_refs(w, &w->series_refs, series.p));
    return end_series(w, since);
}

/* --- the request ---------------------------------------------------------------------------- */

/* The next field of the request at *p that is a symbol or a series; number 0 at the end. */
static inline __attribute__((always_inline)) struct err
next_field(const struct walk2 *w, const uint8_t **p, uint32_t *ret_number, struct str *ret_content)
{
    while (*p < w->base.end) {
        if (__builtin_expect(write_frame_fast(*p, w->base.end, TAG_SERIES, ret_content), 1) ||
            write_frame_fast(*p, w->base.end, TAG_SYMBOLS, ret_content)) {
            *ret_number = **p >> 3;
            *p = (const uint8_t *)ret_content->p + ret_content->n;
            return OK;
        }
        struct reader r = reader_of(str_of((const char *)*p, (size_t)(w->base.end - *p)));
        struct pb_field f;
        if (!pb_next(&r, &f))
            return write_malformed(&w->base, *p, "malformed field");
        if ((f.number == REQUEST_SYMBOLS || f.number == REQUEST_SERIES) && f.wire != PB_LEN)
            return write_malformed(&w->base, *p, "wrong wire type");
        *p = r.p;
        *ret_number = f.number;
        *ret_content = f.bytes;
        if (f.number == REQUEST_SYMBOLS || f.number == REQUEST_SERIES)
            return OK;
    }
    *ret_number = 0;
    return OK;
}

/* Symbols to the table, series counted. */
static struct err
index_request(struct walk2 *w)
{
    const uint8_t *p = w->base.start;
    size_t cap = 0;
    for (;;) {
        uint32_t number = 0;
        struct str content;
        TRY(next_field(w, &p, &number, &content));
        if (number == 0)
            return OK;
        if (number == REQUEST_SERIES) {
            w->base.m.series_count++;
            continue;
        }
        if (w->symbols.n == WRITE_SYMBOLS_MAX)
            return write_too_many("symbols", WRITE_SYMBOLS_MAX);
        if (w->symbols.n == 0 && content.n > 0)
            return write_malformed(&w->base, content.p, "the first symbol is not empty");
        TRY(arena_admit_item(w->base.arena, sizeof *w->symbols.v, w->symbols.n, cap));
        w->symbols.v =
            arena_more(w->base.arena, w->symbols.v, sizeof *w->symbols.v, w->symbols.n, &cap);
        symbols_add(&w->symbols, content, (const char *)w->base.end, w->base.arena);
    }
}

struct err
remote_write2_decode(struct arena *a, struct str message, struct write_message *ret_message)
{
    const uint8_t *p = (const uint8_t *)message.p;
    struct walk2 w = {.base = {.arena = a, .start = p, .end = message.n > 0 ? p + message.n : p}};
    TRY(index_request(&w));
    if (w.base.m.series_count > WRITE_SERIES_MAX)
        return write_too_many("timeseries", WRITE_SERIES_MAX);
    /* A row a series, and mostly a sample. */
    TRY(write_begin(&w.base, w.base.m.series_count, w.base.m.series_count));
    for (;;) {
        uint32_t number = 0;
        struct str content;
        TRY(next_field(&w, &p, &number, &content));
        if (number == 0)
            break;
        if (number == REQUEST_SYMBOLS)
            continue;
        const uint8_t *series = (const uint8_t *)content.p;
        if (__builtin_expect(!series_fast(&w, series, series + content.n), 0))
            TRY(series_general(&w, content));
        if (w.metadata.n > 0 && (w.metric != w.last_metric || !str_eq(w.metadata, w.last_metadata)))
            TRY(write2_add_metadata(&w));
    }
    *ret_message = w.base.m;
    return OK;
}
