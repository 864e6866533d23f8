/* ooo_log.c - grouping late samples and markers into records.
 *
 * A marker must stand behind all earlier samples of its series, and a group's markers stand
 * before its samples: a group ends when a chunk begins in a series that has samples in it. Who
 * has is remembered in a small filter: a wrong yes only costs a record more. */
#include "tsdb/head/ooo_log.h"

#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/wal/record.h"

void
ooo_log_fini(struct ooo_log *l)
{
    buf_fini(&l->bytes);
    vec_fini(&l->ends);
    vec_fini(&l->markers);
    vec_fini(&l->samples);
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

static void
end_group(struct ooo_log *l)
{
    end_markers(l);
    end_samples(l);
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

void
ooo_log_put(struct ooo_log *l, uint64_t series_ref, struct sample s)
{
    if (l->samples.n >= OOO_LOG_GROUP_SAMPLES_MAX)
        end_group(l);
    uint64_t *word, bit = filter_bit(l, series_ref, &word);
    *word |= bit;
    vec_push(&l->samples, ((struct ooo_log_sample){series_ref, s}));
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
