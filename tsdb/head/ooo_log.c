/* ooo_log.c - grouping late samples and markers into records.
 *
 * A marker must stand behind all earlier samples of its series, and a group's markers stand
 * before its samples: a group ends when a chunk begins in a series that has samples in it. Who
 * has is remembered in a small filter: a wrong yes only costs a record more. */
#include "tsdb/head/ooo_log.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "tsdb/wal/record_histograms.h"

void
ooo_log_fini(struct ooo_log *l)
{
    buf_fini(&l->bytes);
    vec_fini(&l->ends);
    vec_fini(&l->markers);
    vec_fini(&l->samples);
    vec_fini(&l->histograms);
}

struct ooo_floor
ooo_floor_of(head_chunk_ref ref, const struct chunk_view *chunk)
{
    AUTO(buf_fini) struct buf bytes = BUF_INIT;
    buf_put_be64(&bytes, (uint64_t)chunk->mint_ms);
    buf_put_be64(&bytes, (uint64_t)chunk->maxt_ms);
    buf_append(&bytes, chunk->data);
    return (struct ooo_floor){ref, crc32c(buf_str(&bytes))};
}

void
ooo_floor_encode(const struct ooo_floor *f, struct buf *to)
{
    record_begin_mmap_markers(to);
    record_put_mmap_marker(to, 0, f->chunk);
    record_put_mmap_marker(to, 0, f->print);
}

static void
end_record(struct ooo_log *l)
{
    vec_push(&l->ends, l->bytes.n);
}

static void
end_markers(struct ooo_log *l)
{
    if (l->markers.n == 0)
        return;
    record_begin_mmap_markers(&l->bytes);
    vec_each (&l->markers, m)
        record_put_mmap_marker(&l->bytes, m->series_ref, m->chunk);
    vec_clear(&l->markers);
    end_record(l);
}

static void
end_samples(struct ooo_log *l)
{
    if (l->samples.n == 0)
        return;
    const struct ooo_log_sample *first = l->samples.v;
    struct record_samples_writer w;
    record_begin_samples(&w, &l->bytes, first->series_ref, first->sample.t_ms, l->samples.n);
    vec_each (&l->samples, s)
        record_put_sample(&w, s->series_ref, s->sample.t_ms, s->sample.bits);
    vec_clear(&l->samples);
    end_record(l);
}

/* Those that go into records of one type. */
static void
end_histograms(struct ooo_log *l, enum record_type type)
{
    struct record_samples_writer w;
    size_t start = l->bytes.n;
    vec_each (&l->histograms, h) {
        if (record_histogram_type(&h->sample.value) != type)
            continue;
        if (l->bytes.n == start)
            record_begin_histograms(&w, &l->bytes, type, h->series_ref, h->sample.t_ms);
        record_put_histogram(&w, h->series_ref, &h->sample);
        if (l->bytes.n - start >= OOO_LOG_RECORD_BYTES) {
            end_record(l);
            start = l->bytes.n;
        }
    }
    if (l->bytes.n > start)
        end_record(l);
}

/* In Prometheus' order. Between samples of different kinds it does not matter: a series has one at
 * each time. */
static void
end_group(struct ooo_log *l)
{
    end_markers(l);
    end_samples(l);
    if (l->histograms.n > 0) {
        end_histograms(l, RECORD_HISTOGRAMS);
        end_histograms(l, RECORD_CUSTOM_HISTOGRAMS);
        end_histograms(l, RECORD_FLOAT_HISTOGRAMS);
        end_histograms(l, RECORD_CUSTOM_FLOAT_HISTOGRAMS);
    }
    vec_clear(&l->histograms);
    memset(l->filter, 0, sizeof l->filter);
}

/* The bit of a series in the filter: refs are dense, so their low bits tell them apart. */
static uint64_t
filter_bit(struct ooo_log *l, uint64_t series_ref, uint64_t **ret_word)
{
    *ret_word = &l->filter[series_ref / 64 % OOO_LOG_FILTER_WORDS];
    return UINT64_C(1) << series_ref % 64;
}

void
ooo_log_begin_chunk(struct ooo_log *l, uint64_t series_ref, head_chunk_ref chunk)
{
    uint64_t *word, bit = filter_bit(l, series_ref, &word);
    if (*word & bit)
        end_group(l);
    vec_push(&l->markers, ((struct ooo_log_marker){series_ref, chunk}));
}

static void
note_sample(struct ooo_log *l, uint64_t series_ref)
{
    uint64_t *word, bit = filter_bit(l, series_ref, &word);
    *word |= bit;
}

void
ooo_log_put(struct ooo_log *l, uint64_t series_ref, struct sample s)
{
    if (l->samples.n >= OOO_LOG_GROUP_SAMPLES_MAX)
        end_group(l);
    note_sample(l, series_ref);
    vec_push(&l->samples, ((struct ooo_log_sample){series_ref, s}));
}

void
ooo_log_put_histogram(struct ooo_log *l, uint64_t series_ref, int64_t t_ms,
                      const struct histogram *h)
{
    if (l->histograms.n >= OOO_LOG_GROUP_SAMPLES_MAX)
        end_group(l);
    note_sample(l, series_ref);
    vec_push(&l->histograms, ((struct ooo_log_histogram){series_ref, {t_ms, *h}}));
}

const struct str *
ooo_log_records(struct ooo_log *l, struct arena *a, size_t *ret_count)
{
    end_group(l);
    struct str *records = arena_alloc(a, l->ends.n * sizeof *records);
    size_t start = 0;
    for (size_t i = 0; i < l->ends.n; i++) {
        records[i] = str_of(l->bytes.p + start, l->ends.v[i] - start);
        start = l->ends.v[i];
    }
    *ret_count = l->ends.n;
    return records;
}
