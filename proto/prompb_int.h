/* prompb_int.h - prometheus.TimeSeries and what stands in it: what remote write and read share.
 *
 * Source: prometheus prompb/types.proto; spec/receive.md section 1.3. Threads: any. */
#pragma once
#include "base/arena.h"
#include "base/pb.h"
#include "tsdb/model/exemplar.h"
#include "tsdb/model/histogram.h"
#include "tsdb/model/metadata.h"
#include "tsdb/model/sample.h"

enum { SERIES_LABELS = 1, SERIES_SAMPLES = 2, SERIES_EXEMPLARS = 3, SERIES_HISTOGRAMS = 4 };
enum { LABEL_NAME = 1, LABEL_VALUE = 2 };
enum { SAMPLE_VALUE = 1, SAMPLE_TIMESTAMP = 2 };

/* A field `samples` of a TimeSeries: as bits, for a double may lose them (sample.h). */
static inline size_t
prompb_sample_field_bytes(struct sample s)
{
    return 2 + (s.bits ? 9u : 0) + (s.t_ms ? 1 + uvarint_bytes((uint64_t)s.t_ms) : 0);
}
/* Stores it at p, where there is room; returns how many bytes. */
static inline size_t
prompb_store_sample(void *p, struct sample s)
{
    uint8_t *field = p;
    size_t n = 2;
    if (s.bits) {
        field[n] = SAMPLE_VALUE << 3 | PB_I64;
        store_le64(field + n + 1, s.bits);
        n += 9;
    }
    if (s.t_ms) {
        field[n++] = SAMPLE_TIMESTAMP << 3 | PB_VARINT;
        n += store_uvarint(field + n, (uint64_t)s.t_ms);
    }
    field[0] = SERIES_SAMPLES << 3 | PB_LEN;
    field[1] = (uint8_t)(n - 2); /* at most 1 + 8 + 1 + UVARINT_BYTES_MAX */
    return n;
}
/* Appends it. */
void prompb_put_sample(struct buf *to, struct sample s);

/* A part of a larger message: its content, and where that message starts, for errors. */
struct prompb_part {
    struct str content;
    const char *origin;
};
/* ERR_INVALID: "remote write: <what> at byte <offset of `at`>". */
struct err prompb_malformed(const struct prompb_part *part, const void *at, const char *what);

/* Appends a field `histograms`, `exemplars` of a TimeSeries, `metadata` of a WriteRequest. */
void prompb_put_histogram(struct buf *to, const struct histogram_sample *h);
void prompb_put_exemplar(struct buf *to, const struct exemplar *e);
void prompb_put_metadata(struct buf *to, uint32_t number, const struct family_metadata *m);

/* The content of such a field. Arrays are the arena's, texts views of the message. ERR_INVALID
 * naming field and offset; ERR_TOO_LARGE above HISTOGRAM_BUCKETS_MAX. What the numbers mean is
 * not checked, but for the number of an enum: one that is not known counts as the unknown one. The
 * start timestamp is 0 when there is none. */
struct err prompb_get_histogram(struct arena *a, const struct prompb_part *part,
                                struct histogram_sample *ret_histogram, int64_t *ret_start_ms);
/* Labels come out sorted and without empty values; of those that are left no more than suffice
 * to exceed EXEMPLAR_LABEL_CHARACTERS_MAX. */
struct err prompb_get_exemplar(struct arena *a, const struct prompb_part *part,
                               struct exemplar *ret_exemplar);
/* The same for one that was walked elsewhere: `labels`, of which n are there, are sorted in place
 * and copied. */
enum { EXEMPLAR_LABELS_KEPT = EXEMPLAR_LABEL_CHARACTERS_MAX + 1 }; /* a label has a character */
struct labels prompb_exemplar_labels(struct arena *a, struct label *labels, size_t n);
/* The number of a type as it is sent: one that is not known is the unknown one. */
enum metric_kind prompb_metric_kind(uint64_t type);
struct err prompb_get_metadata(const struct prompb_part *part,
                               struct family_metadata *ret_metadata);
