/* remote_write.c - walks a WriteRequest without copying it.
 *
 * Senders write one shape: all labels, then all samples, each sample as value and timestamp.
 * series_fast() knows that shape byte by byte and gives up, leaving no trace, on anything
 * else; series_general() then takes whatever protobuf allows. Both leave the label bytes
 * unread: a walk over length prefixes is all that a known series costs.
 * Threads: any; a walk belongs to one call. */
#include "proto/remote_write.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "base/pb.h"
#include "proto/series_encode.h"
#include "proto/write_walk.h"

enum { REQUEST_METADATA = 3 };
enum { SERIES_BYTES_USUAL = 40 }; /* a name, a label and a sample take as many */

/* Tag bytes: number << 3 | wire type. */
enum {
    TAG_SERIES = WRITE_SERIES << 3 | PB_LEN,
    TAG_LABELS = SERIES_LABELS << 3 | PB_LEN,
};

/* Where the labels that stand in front end; `n` + 1 or more when they do not fit. */
static inline size_t
skip_labels(const uint8_t *p, size_t n)
{
    size_t at = 0;
    while (at + 3 <= n && p[at] == TAG_LABELS) {
        size_t bytes = p[at + 1];
        if (__builtin_expect(bytes < 0x80, 1)) {
            at += 2 + bytes;
            continue;
        }
        if (p[at + 2] >= 0x80)
            return n + 1; /* 16 KiB or more: not a case to be fast in */
        at += 3 + ((bytes & 0x7f) | (size_t)p[at + 2] << 7);
    }
    return at;
}

/* False: not the usual shape, and nothing was changed. */
static inline __attribute__((always_inline)) bool
series_fast(struct write_walk *w, const uint8_t *p, size_t n)
{
    size_t at = skip_labels(p, n);
    if (at >= n)
        return false;
    size_t key_bytes = at, first_sample = w->m.sample_count;
    size_t samples_max = (n - at) / ZERO_FRAME_BYTES;
    if (samples_max > WRITE_SAMPLES_MAX - first_sample || !write_reserve_fast(w, samples_max))
        return false;
    struct sample *to = w->m.samples + first_sample;
    while (at < n) {
        size_t bytes = write_sample_fast(p + at, n - at, to);
        if (bytes == 0)
            return false; /* what was stored lies behind sample_count: not there */
        at += bytes;
        to++;
    }
    w->m.sample_count = (size_t)(to - w->m.samples);
    write_push_row(w, str_of((const char *)p, key_bytes), first_sample);
    return true;
}

/* --- the general path ---------------------------------------------------------------------- */

/* The labels of a series whose label fields do not stand side by side in their usual form,
 * copied into that form. */
static struct str
gather_labels(struct write_walk *w, struct str series, size_t key_bytes)
{
    char *key = arena_alloc(w->arena, key_bytes);
    size_t n = 0;
    struct reader r = reader_of(series);
    struct pb_field f;
    while (pb_next(&r, &f)) {
        if (f.number != SERIES_LABELS)
            continue;
        key[n++] = TAG_LABELS;
        n += store_uvarint(key + n, f.bytes.n);
        if (f.bytes.n > 0)
            memcpy(key + n, f.bytes.p, f.bytes.n);
        n += f.bytes.n;
    }
    ASSERT(n == key_bytes);
    return str_of(key, n);
}

/* What series_general() learns about the labels while it walks. */
struct label_run {
    const uint8_t *first, *end; /* the fields so far, while they stand side by side */
    size_t key_bytes;           /* of all labels in their usual form */
    bool scattered;             /* a copy is needed */
};

static void
label_run_add(struct label_run *run, const uint8_t *field, const uint8_t *field_end,
              struct str label)
{
    size_t usual_bytes = pb_bytes_size(SERIES_LABELS, label.n);
    if (!run->first)
        run->first = run->end = field;
    if (field != run->end || (size_t)(field_end - field) != usual_bytes)
        run->scattered = true; /* apart, or a tag or length longer than it needs to be */
    run->end = field_end;
    run->key_bytes += usual_bytes;
}

static struct err
add_exemplar(struct write_walk *w, struct str content)
{
    struct exemplar *to;
    struct prompb_part part = write_part(w, content);
    TRY(write_next_exemplar(w, &to));
    TRY(prompb_get_exemplar(w->arena, &part, to));
    w->m.exemplar_count++;
    return OK;
}

static struct err
series_field(struct write_walk *w, const struct pb_field *f, const uint8_t *at)
{
    if (f->wire != PB_LEN)
        return write_malformed(w, at, "wrong wire type in the time series");
    if (f->number == SERIES_SAMPLES)
        return write_add_sample(w, f->bytes, 0);
    if (f->number == SERIES_EXEMPLARS)
        return add_exemplar(w, f->bytes);
    if (f->number == SERIES_HISTOGRAMS)
        return write_add_histogram(w, f->bytes);
    return OK;
}

static __attribute__((noinline)) struct err
series_general(struct write_walk *w, struct str series)
{
    struct write_mark since = write_mark_of(w);
    struct label_run run = {0};
    struct reader r = reader_of(series);
    struct pb_field f;
    const uint8_t *at = r.p;
    for (; pb_next(&r, &f); at = r.p) {
        if (f.number >= SERIES_LABELS && f.number <= SERIES_HISTOGRAMS)
            TRY(series_field(w, &f, at));
        if (f.number == SERIES_LABELS)
            label_run_add(&run, at, r.p, f.bytes);
    }
    if (r.code != ERR_NONE)
        return write_malformed(w, at, "malformed field of the time series");
    struct write_mark now = write_mark_of(w);
    if (memcmp(&now, &since, sizeof now) == 0)
        return OK; /* labels only: no row */
    struct str key = {(const char *)run.first, (size_t)(run.end - run.first)};
    if (run.scattered) {
        TRY(arena_admit(w->arena, run.key_bytes));
        key = gather_labels(w, series, run.key_bytes);
    }
    return write_push_row_since(w, key, since);
}

/* --- the request ---------------------------------------------------------------------------- */

/* Room as if all series were as long as the first, or as any that is worth sending. */
static struct err
guess_sizes(struct write_walk *w, size_t series_bytes)
{
    size_t count = (size_t)(w->end - w->start) / size_max(series_bytes + 2, SERIES_BYTES_USUAL);
    count = size_min(count + count / 8 + 16, WRITE_SERIES_MAX);
    return write_begin(w, count, count);
}

static inline __attribute__((always_inline)) struct err
walk_series(struct write_walk *w, struct str series)
{
    if (w->m.series_count++ == 0)
        TRY(guess_sizes(w, series.n));
    if (w->m.series_count > WRITE_SERIES_MAX)
        return write_too_many("timeseries", WRITE_SERIES_MAX);
    if (__builtin_expect(series_fast(w, (const uint8_t *)series.p, series.n), 1))
        return OK;
    return series_general(w, series);
}

/* Any other field, or a large series, at p; w->next is behind it then. */
static __attribute__((noinline)) struct err
other_field(struct write_walk *w, const uint8_t *p, const uint8_t *end, write_other_field *other)
{
    struct reader r = reader_of(str_of((const char *)p, (size_t)(end - p)));
    struct pb_field f;
    if (!pb_next(&r, &f))
        return write_malformed(w, p, "malformed field");
    w->next = r.p;
    if (f.number != WRITE_SERIES)
        return other(w, &f, p);
    if (f.wire != PB_LEN)
        return write_malformed(w, p, "wrong wire type");
    return walk_series(w, f.bytes);
}

struct err
write_walk_fields(struct write_walk *w, struct str message, write_other_field *other)
{
    const uint8_t *p = (const uint8_t *)message.p;
    const uint8_t *end = message.n > 0 ? p + message.n : p;
    while (p < end) {
        struct str series;
        if (__builtin_expect(write_frame_fast(p, end, TAG_SERIES, &series), 1)) {
            p = (const uint8_t *)series.p + series.n;
            TRY(walk_series(w, series));
            continue;
        }
        TRY(other_field(w, p, end, other));
        p = w->next; /* not &p: it would leave its register */
    }
    return OK;
}

static struct err
request_other(struct write_walk *w, const struct pb_field *f, const uint8_t *at)
{
    return f->number == REQUEST_METADATA ? write_add_metadata(w, f, at) : OK;
}

struct err
remote_write_decode(struct arena *a, struct str message, struct write_message *ret_message)
{
    struct write_walk w = write_walk_of(a, message);
    TRY(write_walk_fields(&w, message, request_other));
    *ret_message = w.m;
    return OK;
}

/* --- encoding ------------------------------------------------------------------------------- */

void
remote_write_encode_series(struct buf *to, struct str label_key, const struct sample *samples,
                           size_t count)
{
    struct append_request r = {.samples = samples, .sample_count = count};
    struct append_row row = {.label_key = label_key, .sample_count = u32_of_size(count)};
    series_encode(to, &r, &row);
}

void
remote_write_encode_row(struct buf *to, const struct write_message *m, const struct append_row *row)
{
    struct append_request r = write_message_request(m);
    series_encode(to, &r, row);
}

void
remote_write_encode_metadata(struct buf *to, const struct family_metadata *m)
{
    prompb_put_metadata(to, REQUEST_METADATA, m);
}
