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
#include "proto/prompb_int.h"

enum { REQUEST_SERIES = 1, REQUEST_METADATA = 3 };

/* Tag bytes: number << 3 | wire type. */
enum {
    TAG_SERIES = REQUEST_SERIES << 3 | PB_LEN,
    TAG_LABELS = SERIES_LABELS << 3 | PB_LEN,
    TAG_SAMPLES = SERIES_SAMPLES << 3 | PB_LEN,
    TAG_VALUE = SAMPLE_VALUE << 3 | PB_I64,
    TAG_TIMESTAMP = SAMPLE_TIMESTAMP << 3 | PB_VARINT,
};

/* A sample as it is sent between the years 1971 and 2109, where the time takes 6 bytes:
 * tag, length 16, value tag, 8 bytes, timestamp tag, 6 bytes; or, for the value 0, which
 * proto3 leaves out: tag, length 7, timestamp tag, 6 bytes. */
enum { SAMPLE_FRAME_BYTES = 18, ZERO_FRAME_BYTES = 9 };

struct walk {
    struct arena *arena;
    const uint8_t *start, *end; /* the message */
    const uint8_t *next;        /* behind the field that request_field() took */
    size_t row_cap, sample_cap, histogram_cap, exemplar_cap, metadata_cap; /* of m's arrays */
    struct write_message m;                                                /* the result so far */
};

/* Moves an array into one of at least `need` items; the old one stays behind in the arena,
 * so doubling bounds what is lost by what is used. */
static void *
grow(struct arena *a, const void *items, size_t count, size_t item_bytes, size_t need, size_t *cap)
{
    size_t cap_new = size_max(need, 2 * *cap);
    void *moved = arena_alloc(a, cap_new * item_bytes);
    if (count > 0)
        memcpy(moved, items, count * item_bytes);
    *cap = cap_new;
    return moved;
}

static inline void
reserve_samples(struct walk *w, size_t more)
{
    size_t need = w->m.sample_count + more;
    if (__builtin_expect(need > w->sample_cap, 0))
        w->m.samples = grow(w->arena, w->m.samples, w->m.sample_count, sizeof(struct sample), need,
                            &w->sample_cap);
}

/* All limits were checked: the counts fit. The row is that of a series of floats. */
static inline struct append_row *
push_row(struct walk *w, struct str label_key, size_t first_sample)
{
    if (__builtin_expect(w->m.row_count == w->row_cap, 0))
        w->m.rows = grow(w->arena, w->m.rows, w->m.row_count, sizeof(struct append_row),
                         w->m.row_count + 1, &w->row_cap);
    struct append_row *row = &w->m.rows[w->m.row_count++];
    *row = (struct append_row){
        .label_key = label_key,
        .first_sample = (uint32_t)first_sample,
        .sample_count = (uint32_t)(w->m.sample_count - first_sample),
    };
    return row;
}

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

/* The six bytes of a uvarint in the low bytes of `word`, first byte lowest; false when they
 * are not exactly one uvarint. */
static inline bool
unpack_time(uint64_t word, int64_t *ret_t_ms)
{
    if ((word & UINT64_C(0x808080808080)) != UINT64_C(0x008080808080))
        return false;
    uint64_t pairs = (word & UINT64_C(0x007f007f007f)) | (word & UINT64_C(0x7f007f007f00)) >> 1;
    *ret_t_ms = (int64_t)((pairs & 0x3fff) | (pairs & 0x3fff0000) >> 2 |
                          (pairs & UINT64_C(0x3fff00000000)) >> 4);
    return true;
}

/* Reads the sample frame at p, of which `left` bytes belong to the series. Returns its size,
 * or 0 when it has another shape. */
static inline size_t
sample_fast(const uint8_t *p, size_t left, struct sample *ret_sample)
{
    if (left >= SAMPLE_FRAME_BYTES && p[0] == TAG_SAMPLES && p[1] == 16 && p[2] == TAG_VALUE &&
        p[11] == TAG_TIMESTAMP) {
        ret_sample->bits = load_le64(p + 3);
        /* The word ends where the frame ends, so that nothing behind it is read. */
        return unpack_time(load_le64(p + 10) >> 16, &ret_sample->t_ms) ? SAMPLE_FRAME_BYTES : 0;
    }
    if (left >= ZERO_FRAME_BYTES && p[0] == TAG_SAMPLES && p[1] == 7 && p[2] == TAG_TIMESTAMP) {
        ret_sample->bits = 0;
        return unpack_time(load_le64(p + 1) >> 16, &ret_sample->t_ms) ? ZERO_FRAME_BYTES : 0;
    }
    return 0;
}

/* False: not the usual shape, and nothing was changed. */
static inline __attribute__((always_inline)) bool
series_fast(struct walk *w, const uint8_t *p, size_t n)
{
    size_t at = skip_labels(p, n);
    if (at >= n)
        return false;
    size_t key_bytes = at, first_sample = w->m.sample_count;
    size_t samples_max = (n - at) / ZERO_FRAME_BYTES;
    if (samples_max > WRITE_SAMPLES_MAX - first_sample)
        return false;
    reserve_samples(w, samples_max);
    struct sample *to = w->m.samples + first_sample;
    while (at < n) {
        size_t bytes = sample_fast(p + at, n - at, to);
        if (bytes == 0)
            return false; /* what was stored lies behind sample_count: not there */
        at += bytes;
        to++;
    }
    w->m.sample_count = (size_t)(to - w->m.samples);
    push_row(w, str_of((const char *)p, key_bytes), first_sample);
    return true;
}

/* --- the general path ---------------------------------------------------------------------- */

static struct prompb_part
part_of(const struct walk *w, struct str content)
{
    return (struct prompb_part){content, (const char *)w->start};
}

static struct err
malformed(const struct walk *w, const void *at, const char *what)
{
    struct prompb_part whole = part_of(w, STR(""));
    return prompb_malformed(&whole, at, what);
}

static struct err
too_many(const char *what, int limit)
{
    return ERR(ERR_TOO_LARGE, "too many %s: the limit is %d a request", what, limit);
}

/* The last one of a repeated scalar counts, a missing one is 0. */
static struct err
sample_general(const struct walk *w, struct str message, struct sample *ret_sample)
{
    struct sample s = {0};
    struct reader r = reader_of(message);
    struct pb_field f;
    while (pb_next(&r, &f)) {
        if (f.number == SAMPLE_VALUE) {
            if (f.wire != PB_I64)
                return malformed(w, message.p, "wrong wire type of the value in the sample");
            s.bits = f.value;
        } else if (f.number == SAMPLE_TIMESTAMP) {
            if (f.wire != PB_VARINT)
                return malformed(w, message.p, "wrong wire type of the timestamp in the sample");
            s.t_ms = (int64_t)f.value;
        }
    }
    if (r.code != ERR_NONE)
        return malformed(w, message.p, "malformed sample");
    *ret_sample = s;
    return OK;
}

/* The labels of a series whose label fields do not stand side by side in their usual form,
 * copied into that form. */
static struct str
gather_labels(struct walk *w, struct str series, size_t key_bytes)
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
add_sample(struct walk *w, struct str content)
{
    if (w->m.sample_count == WRITE_SAMPLES_MAX)
        return too_many("samples", WRITE_SAMPLES_MAX);
    reserve_samples(w, 1);
    TRY(sample_general(w, content, &w->m.samples[w->m.sample_count]));
    w->m.sample_count++;
    return OK;
}

static struct err
add_histogram(struct walk *w, struct str content)
{
    if (w->m.histogram_count == WRITE_HISTOGRAMS_MAX)
        return too_many("histograms", WRITE_HISTOGRAMS_MAX);
    w->m.histograms = arena_more(w->arena, w->m.histograms, sizeof *w->m.histograms,
                                 w->m.histogram_count, &w->histogram_cap);
    struct prompb_part part = part_of(w, content);
    TRY(prompb_get_histogram(w->arena, &part, &w->m.histograms[w->m.histogram_count]));
    w->m.histogram_count++;
    return OK;
}

static struct err
add_exemplar(struct walk *w, struct str content)
{
    if (w->m.exemplar_count == WRITE_EXEMPLARS_MAX)
        return too_many("exemplars", WRITE_EXEMPLARS_MAX);
    w->m.exemplars = arena_more(w->arena, w->m.exemplars, sizeof *w->m.exemplars,
                                w->m.exemplar_count, &w->exemplar_cap);
    struct prompb_part part = part_of(w, content);
    TRY(prompb_get_exemplar(w->arena, &part, &w->m.exemplars[w->m.exemplar_count]));
    w->m.exemplar_count++;
    return OK;
}

static struct err
add_metadata(struct walk *w, struct str content)
{
    if (w->m.metadata_count == WRITE_METADATA_MAX)
        return too_many("metadata", WRITE_METADATA_MAX);
    w->m.metadata = arena_more(w->arena, w->m.metadata, sizeof *w->m.metadata, w->m.metadata_count,
                               &w->metadata_cap);
    struct prompb_part part = part_of(w, content);
    TRY(prompb_get_metadata(&part, &w->m.metadata[w->m.metadata_count]));
    w->m.metadata_count++;
    return OK;
}

static struct err
series_field(struct walk *w, const struct pb_field *f, const uint8_t *at)
{
    if (f->wire != PB_LEN)
        return malformed(w, at, "wrong wire type in the time series");
    if (f->number == SERIES_SAMPLES)
        return add_sample(w, f->bytes);
    if (f->number == SERIES_EXEMPLARS)
        return add_exemplar(w, f->bytes);
    if (f->number == SERIES_HISTOGRAMS)
        return add_histogram(w, f->bytes);
    return OK;
}

static __attribute__((noinline)) struct err
series_general(struct walk *w, struct str series)
{
    size_t first_sample = w->m.sample_count, first_histogram = w->m.histogram_count;
    size_t first_exemplar = w->m.exemplar_count;
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
        return malformed(w, at, "malformed field of the time series");
    size_t histograms = w->m.histogram_count - first_histogram;
    size_t exemplars = w->m.exemplar_count - first_exemplar;
    if (w->m.sample_count == first_sample && histograms == 0 && exemplars == 0)
        return OK; /* labels only: no row */
    struct str key = {(const char *)run.first, (size_t)(run.end - run.first)};
    if (run.scattered)
        key = gather_labels(w, series, run.key_bytes);
    struct append_row *row = push_row(w, key, first_sample);
    row->first_histogram = (uint32_t)first_histogram;
    row->histogram_count = (uint32_t)histograms;
    row->first_exemplar = (uint32_t)first_exemplar;
    row->exemplar_count = (uint32_t)exemplars;
    return OK;
}

/* --- the request ---------------------------------------------------------------------------- */

/* A TimeSeries frame at p with a length of one or two bytes that fits: its content. */
static inline bool
series_frame_fast(const uint8_t *p, const uint8_t *end, struct str *ret_series)
{
    if (end - p < 3 || p[0] != TAG_SERIES)
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
    *ret_series = str_of((const char *)p + head, bytes);
    return true;
}

/* Room as if all series were as long as the first. */
static void
guess_sizes(struct walk *w, size_t series_bytes)
{
    size_t count = (size_t)(w->end - w->start) / (series_bytes + 2);
    count = size_min(count + count / 8 + 16, WRITE_SERIES_MAX);
    w->m.rows = arena_alloc(w->arena, count * sizeof(struct append_row));
    w->m.samples = arena_alloc(w->arena, count * sizeof(struct sample));
    w->row_cap = w->sample_cap = count;
}

static inline __attribute__((always_inline)) struct err
walk_series(struct walk *w, struct str series)
{
    if (w->m.series_count++ == 0)
        guess_sizes(w, series.n);
    if (w->m.series_count > WRITE_SERIES_MAX)
        return too_many("timeseries", WRITE_SERIES_MAX);
    if (__builtin_expect(series_fast(w, (const uint8_t *)series.p, series.n), 1))
        return OK;
    return series_general(w, series);
}

/* Any other field of the request, or a large series, at p; w->next is behind it then. */
static __attribute__((noinline)) struct err
request_field(struct walk *w, const uint8_t *p)
{
    struct reader r = reader_of(str_of((const char *)p, (size_t)(w->end - p)));
    struct pb_field f;
    if (!pb_next(&r, &f))
        return malformed(w, p, "malformed field");
    w->next = r.p;
    if (f.number != REQUEST_SERIES && f.number != REQUEST_METADATA)
        return OK;
    if (f.wire != PB_LEN)
        return malformed(w, p, "wrong wire type");
    if (f.number == REQUEST_METADATA)
        return add_metadata(w, f.bytes);
    return walk_series(w, f.bytes);
}

struct err
remote_write_decode(struct arena *a, struct str message, struct write_message *ret_message)
{
    const uint8_t *p = (const uint8_t *)message.p;
    const uint8_t *end = message.n > 0 ? p + message.n : p;
    struct walk w = {.arena = a, .start = p, .end = end};
    while (p < end) {
        struct str series;
        if (__builtin_expect(series_frame_fast(p, end, &series), 1)) {
            p = (const uint8_t *)series.p + series.n;
            TRY(walk_series(&w, series));
            continue;
        }
        TRY(request_field(&w, p));
        p = w.next; /* not &p: it would leave its register */
    }
    *ret_message = w.m;
    return OK;
}

/* --- encoding ------------------------------------------------------------------------------- */

void
remote_write_encode_series(struct buf *to, struct str label_key, const struct sample *samples,
                           size_t count)
{
    size_t bytes = label_key.n;
    for (size_t i = 0; i < count; i++)
        bytes += prompb_sample_field_bytes(samples[i]);
    pb_put_message(to, REQUEST_SERIES, bytes);
    buf_append(to, label_key);
    for (size_t i = 0; i < count; i++)
        prompb_put_sample(to, samples[i]);
}

void
remote_write_encode_row(struct buf *to, const struct write_message *m, const struct append_row *row)
{
    AUTO(buf_fini) struct buf body = BUF_INIT;
    buf_append(&body, row->label_key);
    for (size_t i = 0; i < row->sample_count; i++)
        prompb_put_sample(&body, m->samples[row->first_sample + i]);
    for (size_t i = 0; i < row->exemplar_count; i++)
        prompb_put_exemplar(&body, &m->exemplars[row->first_exemplar + i]);
    for (size_t i = 0; i < row->histogram_count; i++)
        prompb_put_histogram(&body, &m->histograms[row->first_histogram + i]);
    pb_put_message(to, REQUEST_SERIES, body.n);
    buf_append(to, buf_str(&body));
}

void
remote_write_encode_metadata(struct buf *to, const struct family_metadata *m)
{
    prompb_put_metadata(to, REQUEST_METADATA, m);
}
