/* ooo_log.h - what the late log (Prometheus: WBL) says of late samples, written and read back.
 *
 * The late log lies in wbl/, framed as the log is. It has the late samples in the order in which
 * they were stored, and markers between them: a marker (series, chunk) stands before the first
 * sample of an open chunk and says that all earlier samples of its series are in that chunk or in
 * older ones; chunk 0: there are none. A replay forgets those samples when the chunk is on disk.
 * Source: spec/tsdb.md sections 2, 11, 12; prometheus tsdb/head_append.go (collectOOORecords),
 * tsdb/head_wal.go (loadWBL). How we differ from the latter: README.md, O3 and O4.
 * Threads: one at a time. */
#pragma once
#include "base/arena.h"
#include "base/vec.h"
#include "tsdb/head/ooo_series.h"

/* --- what blocks have ------------------------------------------------------------------------- */

/* Late chunks up to this one are in blocks. A record of two markers of series 0, which does not
 * exist, says it: (0, chunk), (0, print). Prometheus passes it over. */
struct ooo_floor {
    head_chunk_ref chunk; /* 0: nothing is said */
    uint64_t print;       /* of that chunk: another may stand in its place one day (O9) */
};
struct ooo_floor ooo_floor_of(head_chunk_ref ref, const struct chunk_view *chunk);
void ooo_floor_encode(const struct ooo_floor *f, struct buf *to);

/* --- writing ---------------------------------------------------------------------------------- */

struct ooo_log_marker {
    uint64_t series_ref;
    head_chunk_ref chunk;
};
struct ooo_log_sample {
    uint64_t series_ref;
    struct sample sample;
};
struct ooo_log_histogram {
    uint64_t series_ref;
    struct histogram_sample sample; /* lists borrowed */
};
enum {
    OOO_LOG_GROUP_SAMPLES_MAX = 1 << 16, /* floats, and as many histograms */
    OOO_LOG_RECORD_BYTES = 4 << 20,      /* a record of histograms ends behind it */
    OOO_LOG_FILTER_WORDS = 16,
};

/* Records of one append. They come in groups, the markers of each before its samples; all zero
 * is an empty one. */
struct ooo_log {
    struct buf bytes; /* of the finished records, one behind the other */
    VEC(size_t) ends;
    VEC(struct ooo_log_marker) markers; /* of the open group */
    VEC(struct ooo_log_sample) samples;
    VEC(struct ooo_log_histogram) histograms;
    uint64_t filter[OOO_LOG_FILTER_WORDS]; /* series that may have samples in the open group */
};
#define OOO_LOG_INIT                                                                               \
    {                                                                                              \
        .bytes = BUF_INIT, .ends = VEC_INIT, .markers = VEC_INIT, .samples = VEC_INIT,             \
        .histograms = VEC_INIT                                                                     \
    }
void ooo_log_fini(struct ooo_log *l);
static inline void
auto_ooo_log_fini(struct ooo_log *l)
{
    ooo_log_fini(l);
}

/* An open chunk of the series begins; ooo_series_marker() said so. */
void ooo_log_begin_chunk(struct ooo_log *l, uint64_t series_ref, head_chunk_ref chunk);
/* A late sample was stored. */
void ooo_log_put(struct ooo_log *l, uint64_t series_ref, struct sample s);
/* The lists of *h live until ooo_log_records(). */
void ooo_log_put_histogram(struct ooo_log *l, uint64_t series_ref, int64_t t_ms,
                           const struct histogram *h);
/* Ends the group; views of all records, valid until l changes, in the arena. */
const struct str *ooo_log_records(struct ooo_log *l, struct arena *a, size_t *ret_count);

/* --- replay ----------------------------------------------------------------------------------- */

struct ooo_replay {
    /* The late samples of the series that a ref stands for (the chunks in chunks_head are there
     * already), made when there are none yet; NULL for a series that nobody knows. */
    struct ooo_series *(*series_of)(void *arg, uint64_t ref);
    void *arg;
    unsigned capacity;                /* of open chunks */
    const struct head_chunks *chunks; /* borrowed */
    head_chunk_ref first_ref;         /* of all chunks in it, whatever their series; 0: none */

    /* what came of it */
    uint64_t stored, repeated, unknown_samples, unknown_markers, other_records;
    uint64_t refused; /* histograms that break the model's rules, or are of a later version */
    int64_t mint_ms, maxt_ms; /* of the stored samples; INT64_MAX, INT64_MIN without */
    struct ooo_floor floor;   /* told last */
};
/* Fills in what is not given. */
void ooo_replay_init(struct ooo_replay *r);
/* Applies one record; chunks that get full are sealed, on the heap. ERR_CORRUPT for bytes that
 * are no record; what stood before them is applied. */
struct err ooo_replay_record(struct ooo_replay *r, struct str record);
/* Applies all segments. A log that is damaged or torn is cut there as the log is, *ret_lost says
 * why. A missing directory has no records. */
struct err ooo_replay_dir(struct ooo_replay *r, struct fs *fs, const char *dir,
                          struct err *ret_lost);
