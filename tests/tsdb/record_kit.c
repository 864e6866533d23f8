/* record_kit.c - one walk a type of record. */
#include "tests/tsdb/record_kit.h"

#include "base/mem.h"
#include "tests/harness.h"
#include "tsdb/wal/record_exemplars.h"
#include "tsdb/wal/record_histograms.h"
#include "tsdb/wal/record_metadata.h"

static size_t
walk_series(struct record_cursor *c, struct arena *a, struct str record, struct buf *to)
{
    uint64_t ref;
    struct labels labels;
    size_t n = 0;
    record_begin_series(to);
    for (record_read_series(c, record); record_next_series(c, a, &ref, &labels); n++) {
        ck_assert_uint_gt(labels.n, 0);
        record_put_series(to, ref, labels);
    }
    return n;
}

static size_t
walk_samples(struct record_cursor *c, struct str record, struct buf *to)
{
    uint64_t ref;
    struct sample s;
    struct record_samples_writer w;
    size_t n = 0;
    record_read_samples(c, record);
    record_begin_samples(&w, to, c->ref0, c->t0_ms, record.n);
    for (; record_next_sample(c, &ref, &s); n++)
        record_put_sample(&w, ref, s.t_ms, s.bits);
    return n;
}

static size_t
walk_tombstones(struct record_cursor *c, struct str record, struct buf *to)
{
    uint64_t ref;
    struct interval deleted;
    size_t n = 0;
    record_begin_tombstones(to);
    for (record_read_tombstones(c, record);
         record_next_tombstone(c, &ref, &deleted.mint_ms, &deleted.maxt_ms); n++) {
        ck_assert_int_le(deleted.mint_ms, deleted.maxt_ms);
        record_put_tombstone(to, ref, deleted);
    }
    return n;
}

static size_t
walk_exemplars(struct record_cursor *c, struct arena *a, struct str record, struct buf *to)
{
    uint64_t ref;
    struct exemplar e;
    struct record_samples_writer w;
    size_t n = 0;
    record_read_exemplars(c, record);
    record_begin_exemplars(&w, to, c->ref0, c->t0_ms);
    for (; record_next_exemplar(c, a, &ref, &e); n++)
        record_put_exemplar(&w, ref, &e);
    return n;
}

static size_t
walk_mmap_markers(struct record_cursor *c, struct str record, struct buf *to)
{
    uint64_t ref, chunk_ref;
    size_t n = 0;
    record_begin_mmap_markers(to);
    for (record_read_mmap_markers(c, record); record_next_mmap_marker(c, &ref, &chunk_ref); n++)
        record_put_mmap_marker(to, ref, chunk_ref);
    return n;
}

static size_t
walk_metadata(struct record_cursor *c, struct str record, struct buf *to)
{
    uint64_t ref;
    struct metadata m;
    size_t n = 0;
    record_begin_metadata(to);
    for (record_read_metadata(c, record); record_next_metadata(c, &ref, &m); n++)
        record_put_metadata(to, ref, &m);
    return n;
}

static size_t
walk_histograms(struct record_cursor *c, struct arena *a, struct str record, struct buf *to)
{
    unsigned type = record_type_of(record);
    bool has_starts = type >= RECORD_HISTOGRAMS_V2;
    uint64_t ref;
    struct histogram_sample s;
    enum record_histogram_use use;
    struct record_samples_writer w;
    size_t n = 0;
    record_read_histograms(c, record);
    if (!has_starts)
        record_begin_histograms(&w, to, (enum record_type)type, c->ref0, c->t0_ms);
    for (; record_next_histogram(c, a, &ref, &s, &use); n++) {
        ck_assert_int_eq(use, RECORD_HISTOGRAM_USABLE);
        ck_assert(has_starts || record_histogram_type(&s.value) == type);
        if (!has_starts)
            record_put_histogram(&w, ref, &s);
    }
    return n;
}

static size_t
walk(struct record_cursor *c, struct arena *a, struct str record, struct buf *to)
{
    switch (record_type_of(record)) {
    case RECORD_SERIES:
        return walk_series(c, a, record, to);
    case RECORD_SAMPLES:
    case RECORD_SAMPLES_V2:
        return walk_samples(c, record, to);
    case RECORD_TOMBSTONES:
        return walk_tombstones(c, record, to);
    case RECORD_EXEMPLARS:
        return walk_exemplars(c, a, record, to);
    case RECORD_MMAP_MARKERS:
        return walk_mmap_markers(c, record, to);
    case RECORD_METADATA:
        return walk_metadata(c, record, to);
    default:
        return walk_histograms(c, a, record, to);
    }
}

size_t
record_kit_walk(struct str record, struct buf *to)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(buf_fini) struct buf own = BUF_INIT;
    struct record_cursor c;
    size_t n = walk(&c, &a, record, to ? to : &own);
    CK_OK(record_cursor_check(&c));
    return n;
}
