/* ooo_replay.c - the late log -> open chunks of late samples. Contract: ooo_log.h.
 *
 * Samples go the way that they went before: into the open chunk of their series, which is sealed
 * when it is full. A marker empties the open chunk if what was in it is in chunks_head. */
#include "tsdb/head/ooo_log.h"

#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/wal/record_histograms.h"
#include "tsdb/wal/wal_reader.h"

void
ooo_replay_init(struct ooo_replay *r)
{
    r->stored = r->repeated = r->unknown_samples = r->unknown_markers = r->other_records = 0;
    r->refused = 0;
    r->floor = (struct ooo_floor){0, 0};
    r->mint_ms = INT64_MAX;
    r->maxt_ms = INT64_MIN;
}

/* A sample of either kind. */
struct point {
    int64_t t_ms;
    uint64_t bits;
    const struct histogram *histogram; /* NULL: a float */
};

static enum ooo_insert
insert(struct ooo_series *o, unsigned capacity, const struct point *p)
{
    if (p->histogram)
        return ooo_series_insert_histogram(o, capacity, p->t_ms, p->histogram);
    return ooo_series_insert(o, capacity, (struct sample){p->t_ms, p->bits});
}

static void
replay_point(struct ooo_replay *r, uint64_t ref, struct point p)
{
    struct ooo_series *o = r->series_of(r->arg, ref);
    if (!o) {
        r->unknown_samples++;
        return;
    }
    enum ooo_insert inserted = insert(o, r->capacity, &p);
    if (inserted == OOO_FULL) {
        ooo_series_seal(o);
        ooo_series_drop_copies(o, r->chunks);
        inserted = insert(o, r->capacity, &p);
    }
    if (inserted == OOO_DUPLICATE) {
        r->repeated++;
        return;
    }
    r->stored++;
    r->mint_ms = i64_min(r->mint_ms, p.t_ms);
    r->maxt_ms = i64_max(r->maxt_ms, p.t_ms);
}

/* What was stored before the marker is in chunks_head, or was in it and went into a block. A ref
 * between others that is no chunk of the series is not trusted (O4): its file was damaged and
 * deleted, and the number used again. */
static bool
marker_holds(const struct ooo_replay *r, const struct ooo_series *o, head_chunk_ref chunk)
{
    return chunk == 0 || chunk < r->first_ref || ooo_series_has(o, chunk);
}

static void
replay_marker(struct ooo_replay *r, const struct ooo_log_marker *m)
{
    struct ooo_series *o = r->series_of(r->arg, m->series_ref);
    if (!o)
        r->unknown_markers++;
    else if (marker_holds(r, o, m->chunk))
        ooo_chunk_clear(&o->open);
}

static struct err
replay_samples(struct ooo_replay *r, struct str record)
{
    struct record_cursor c;
    uint64_t ref;
    struct sample s;
    record_read_samples(&c, record);
    while (record_next_sample(&c, &ref, &s))
        replay_point(r, ref, (struct point){.t_ms = s.t_ms, .bits = s.bits});
    return record_cursor_check(&c);
}

/* Reserved schemas are reduced; false for what no chunk may hold. */
static bool
prepare(struct histogram *h, enum record_histogram_use use, struct arena *a)
{
    if (use != RECORD_HISTOGRAM_USABLE)
        return false;
    if (histogram_is_stale(h))
        return true; /* nothing else of it counts */
    struct err e = histogram_reduce(h, a, h);
    if (e.code == ERR_NONE)
        e = histogram_validate(h);
    bool ok = e.code == ERR_NONE;
    err_drop(e);
    return ok;
}

static struct err
replay_histograms(struct ooo_replay *r, struct str record)
{
    AUTO(arena_fini) struct arena a;
    struct record_cursor c;
    uint64_t ref;
    struct histogram_sample s;
    enum record_histogram_use use;
    arena_init(&a, 0); /* at most eight times the record */
    record_read_histograms(&c, record);
    while (record_next_histogram(&c, &a, &ref, &s, &use)) {
        if (prepare(&s.value, use, &a))
            replay_point(r, ref, (struct point){.t_ms = s.t_ms, .histogram = &s.value});
        else
            r->refused++;
    }
    return record_cursor_check(&c);
}

/* The record's markers are of series 0, the first was read. */
static struct err
replay_floor(struct ooo_replay *r, struct record_cursor *c, head_chunk_ref chunk)
{
    struct ooo_log_marker print;
    if (record_next_mmap_marker(c, &print.series_ref, &print.chunk) && print.series_ref == 0)
        r->floor = (struct ooo_floor){chunk, print.chunk};
    else
        r->unknown_markers++;
    return record_cursor_check(c);
}

/* Prometheus names every chunk that an open chunk was sealed to, one behind the other: only the
 * last one says that all are there. Nothing is forgotten for a malformed record. */
static struct err
replay_markers(struct ooo_replay *r, struct str record)
{
    struct record_cursor c;
    struct ooo_log_marker m = {0, 0}, next = {0, 0};
    record_read_mmap_markers(&c, record);
    while (record_next_mmap_marker(&c, &m.series_ref, &m.chunk))
        ;
    TRY(record_cursor_check(&c));
    record_read_mmap_markers(&c, record);
    bool more = record_next_mmap_marker(&c, &m.series_ref, &m.chunk);
    if (more && m.series_ref == 0)
        return replay_floor(r, &c, m.chunk);
    while (more) {
        more = record_next_mmap_marker(&c, &next.series_ref, &next.chunk);
        if (!more || next.series_ref != m.series_ref)
            replay_marker(r, &m);
        m = next;
    }
    return OK;
}

struct err
ooo_replay_record(struct ooo_replay *r, struct str record)
{
    switch (record_type_of(record)) {
    case RECORD_SAMPLES:
    case RECORD_SAMPLES_V2:
        return replay_samples(r, record);
    case RECORD_HISTOGRAMS:
    case RECORD_FLOAT_HISTOGRAMS:
    case RECORD_CUSTOM_HISTOGRAMS:
    case RECORD_CUSTOM_FLOAT_HISTOGRAMS:
    case RECORD_HISTOGRAMS_V2:
    case RECORD_FLOAT_HISTOGRAMS_V2:
        return replay_histograms(r, record);
    case RECORD_MMAP_MARKERS:
        return replay_markers(r, record);
    default: /* kinds that do not belong here, and those of later versions */
        r->other_records++;
        return OK;
    }
}

/* Where reading stopped, when it stopped at damage. */
struct damage {
    struct err cause;
    uint64_t segment, offset;
};

static struct err
replay_segments(struct ooo_replay *r, struct fs *fs, const char *dir, struct damage *ret_damage)
{
    AUTO(wal_reader_close) struct wal_reader *reader = NULL;
    TRY(wal_reader_open(fs, dir, 0, &reader));
    for (;;) {
        struct str record;
        bool more;
        struct err e = wal_reader_next(reader, &record, &more);
        if (e.code == ERR_NONE && !more)
            return OK;
        if (e.code == ERR_NONE)
            e = ooo_replay_record(r, record);
        if (e.code == ERR_CORRUPT) {
            ret_damage->cause = e;
            wal_reader_where(reader, &ret_damage->segment, &ret_damage->offset);
            return OK;
        }
        TRY(e);
    }
}

struct err
ooo_replay_dir(struct ooo_replay *r, struct fs *fs, const char *dir, struct err *ret_lost)
{
    struct damage damage = {.cause = OK};
    TRY(replay_segments(r, fs, dir, &damage));
    if (damage.cause.code != ERR_NONE) {
        struct err e = wal_repair(fs, dir, damage.segment, damage.offset);
        if (e.code != ERR_NONE) {
            err_drop(damage.cause);
            return e;
        }
    }
    *ret_lost = damage.cause;
    return OK;
}
