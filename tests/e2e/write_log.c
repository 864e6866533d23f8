/* write_log.c - makes a log with a checkpoint for checkpoint_peer.py: write_log DIR T0_MS.
 *
 * Series 1 to 4 are floats, 5 is of integer and 6 of float histograms; 180 steps of 15 s on three
 * segments, value 1000 * series + step. The checkpoint stands for the first two: from step 90
 * on, without series 4; of series 2 steps 100 to 109 are deleted. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "tsdb/wal/checkpoint.h"
#include "tsdb/wal/record_exemplars.h"
#include "tsdb/wal/record_histograms.h"
#include "tsdb/wal/record_metadata.h"

enum { STEPS = 180, SEGMENTS = 3, STEP_MS = 15000, MINT_STEP = 90, FLOATS = 4, SERIES = 6 };
enum { DROPPED = 4, DELETED = 2, DELETED_FROM = 100, DELETED_TO = 109 };

static void
must(struct err e)
{
    if (e.code == ERR_NONE)
        return;
    fprintf(stderr, "write_log: %s\n", err_text(&e));
    exit(1);
}

static void
log_record(struct wal *w, const struct buf *record)
{
    struct str view = buf_str(record);
    wal_ticket ticket;
    must(wal_enqueue(w, &view, 1, &ticket));
    must(wal_wait(w, ticket));
}

static void
log_series(struct wal *w)
{
    static const char *const names[] = {"log_float", "log_float",     "log_float",
                                        "log_float", "log_histogram", "log_float_histogram"};
    AUTO(buf_fini) struct buf series = BUF_INIT, metadata = BUF_INIT;
    record_begin_series(&series);
    record_begin_metadata(&metadata);
    for (uint64_t ref = 1; ref <= SERIES; ref++) {
        char n = (char)('0' + ref);
        struct label labels[] = {{STR("__name__"), str_of_cstr(names[ref - 1])},
                                 {STR("n"), str_of(&n, 1)}};
        record_put_series(&series, ref, (struct labels){labels, 2});
        record_put_metadata(&metadata, ref,
                            &(struct metadata){METRIC_KIND_GAUGE, STR("Help."), STR("bytes")});
    }
    log_record(w, &series);
    log_record(w, &metadata);
}

static void
log_histogram(struct wal *w, uint64_t ref, int64_t t_ms, uint64_t value)
{
    static const struct histogram_span span = {0, 2};
    bool is_float = ref == SERIES;
    uint64_t count = is_float ? bits_of_f64((double)value) : value;
    /* all in the first bucket, none in the second one */
    uint64_t integer[] = {value, (uint64_t) - (int64_t)value}, absolute[] = {count, 0};
    struct histogram_sample s = {t_ms,
                                 {.kind = is_float ? HISTOGRAM_FLOAT : HISTOGRAM_INTEGER,
                                  .reset = HISTOGRAM_GAUGE,
                                  .zero_threshold = bits_of_f64(1e-9),
                                  .count = count,
                                  .sum = bits_of_f64((double)value * 0.5),
                                  .positive_spans = {&span, 1},
                                  .positive = {is_float ? absolute : integer, 2}}};
    AUTO(buf_fini) struct buf record = BUF_INIT;
    struct record_samples_writer samples;
    record_begin_histograms(&samples, &record, record_histogram_type(&s.value), ref, t_ms);
    record_put_histogram(&samples, ref, &s);
    log_record(w, &record);
}

static void
log_step(struct wal *w, int64_t t_ms, uint64_t step)
{
    AUTO(buf_fini) struct buf floats = BUF_INIT, exemplars = BUF_INIT;
    struct record_samples_writer samples;
    record_begin_samples(&samples, &floats, 1, t_ms, FLOATS);
    for (uint64_t ref = 1; ref <= FLOATS; ref++)
        record_put_sample(&samples, ref, t_ms, bits_of_f64((double)(1000 * ref + step)));
    log_record(w, &floats);
    for (uint64_t ref = FLOATS + 1; ref <= SERIES; ref++)
        log_histogram(w, ref, t_ms, 1000 * ref + step);
    struct label trace = {STR("trace"), STR("x")};
    struct exemplar e = {t_ms, bits_of_f64((double)step), {&trace, 1}};
    record_begin_exemplars(&samples, &exemplars, 1, t_ms);
    record_put_exemplar(&samples, 1, &e);
    log_record(w, &exemplars);
}

static bool
keep_series(void *arg, uint64_t ref)
{
    (void)arg;
    return ref != DROPPED;
}

int
main(int argc, char **argv)
{
    int64_t t0_ms;
    if (argc != 3)
        return 2;
    must(str_parse_i64(str_of_cstr(argv[2]), &t0_ms));
    struct wal_opts opts = {.fs = fs_posix(),
                            .dir = argv[1],
                            .segment_bytes = WAL_SEGMENT_BYTES_DEFAULT,
                            .compression = WAL_SNAPPY};
    struct wal *w = NULL;
    must(wal_open(&opts, &w));
    log_series(w);
    uint64_t segment = 0;
    for (uint64_t step = 0; step < STEPS; step++) {
        if (step > 0 && step % (STEPS / SEGMENTS) == 0)
            must(wal_cut(w, &segment));
        log_step(w, t0_ms + (int64_t)step * STEP_MS, step);
    }
    AUTO(buf_fini) struct buf deleted = BUF_INIT;
    record_begin_tombstones(&deleted);
    record_put_tombstone(
        &deleted, DELETED,
        (struct interval){t0_ms + DELETED_FROM * STEP_MS, t0_ms + DELETED_TO * STEP_MS});
    log_record(w, &deleted);
    struct checkpoint_filter filter = {.keep_series = keep_series,
                                       .mint_ms = t0_ms + MINT_STEP * STEP_MS};
    struct checkpoint_stats stats;
    must(wal_checkpoint(&opts, segment - 1, &filter, &stats));
    must(wal_truncate(opts.fs, opts.dir, segment - 1));
    must(wal_finish(w));
    wal_close(w);
    printf("series %ju-%ju samples %ju-%ju\n", (uintmax_t)stats.series.total,
           (uintmax_t)stats.series.dropped, (uintmax_t)stats.samples.total,
           (uintmax_t)stats.samples.dropped);
    return 0;
}
