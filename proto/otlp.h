/* otlp.h - ExportMetricsServiceRequest of the OpenTelemetry protocol, in both of its encodings,
 * and what is answered to it.
 *
 * What the numbers of a point mean is for ingest/otlp.h. Two things are simpler here than on the
 * wire: the scopes of a resource are one list of metrics, and the value of an attribute is a text,
 * in the form that OpenTelemetry gives values for protocols that know only texts: true, 12, 0.5,
 * lists and maps as JSON, bytes as base64.
 * Sources: opentelemetry.io/docs/specs/otlp (encodings, answers), opentelemetry-proto, the data
 * model "representation of AnyValue for non-OTLP". Threads: any (pure). */
#pragma once
#include "base/arena.h"

enum {
    OTLP_DEPTH_MAX = 40,         /* messages in messages; lists in lists need most of it */
    OTLP_MEMORY_MAX = 256 << 20, /* what the decoded messages take; checked before they do */
    OTLP_JSON_DEPTH_MAX = 80,    /* of arrays and objects of a JSON text */
};

struct otlp_attribute {
    struct str key, value;
};
struct otlp_attributes {
    const struct otlp_attribute *v;
    size_t n;
};

struct otlp_exemplar {
    uint64_t time_ns;
    uint64_t bits; /* of the double; whole numbers were converted */
    bool has_value;
    struct str trace_id, span_id; /* bytes as sent; empty: none */
    struct otlp_attributes attributes;
};
struct otlp_counts {
    const uint64_t *v;
    size_t n;
};
struct otlp_buckets {
    int32_t offset; /* index of the first one */
    struct otlp_counts counts;
};
struct otlp_quantile {
    double quantile;
    uint64_t bits; /* of the value */
};

enum { OTLP_FLAG_NO_RECORDED_VALUE = 1 };

/* A point of any metric; what is not of its type is zero. Doubles that are samples are bits. */
struct otlp_point {
    struct otlp_attributes attributes;
    uint64_t start_ns, time_ns; /* 0: not told */
    uint32_t flags;
    const struct otlp_exemplar *exemplars;
    size_t exemplar_count;
    bool has_value;                   /* a number has a value, a histogram or summary a sum */
    uint64_t bits;                    /* of the value, or of the sum */
    uint64_t count;                   /* of histograms and summaries */
    struct otlp_counts bucket_counts; /* OTLP_HISTOGRAM */
    const double *bounds;
    size_t bound_count;
    int32_t scale; /* OTLP_EXPONENTIAL, as the rest */
    uint64_t zero_count;
    double zero_threshold;
    struct otlp_buckets positive, negative;
    const struct otlp_quantile *quantiles; /* OTLP_SUMMARY */
    size_t quantile_count;
};

enum otlp_type {
    OTLP_NO_DATA, /* or of a type that is not known here */
    OTLP_GAUGE,
    OTLP_SUM,
    OTLP_HISTOGRAM,
    OTLP_EXPONENTIAL,
    OTLP_SUMMARY,
};
enum otlp_temporality { /* numbered as on the wire; others may come */
                        OTLP_UNSPECIFIED,
                        OTLP_DELTA,
                        OTLP_CUMULATIVE,
};

struct otlp_metric {
    struct str name, description, unit;
    enum otlp_type type;
    enum otlp_temporality temporality; /* of sums and histograms */
    bool monotonic;                    /* of sums */
    const struct otlp_point *points;
    size_t point_count;
};
struct otlp_resource {
    struct otlp_attributes attributes;
    const struct otlp_metric *metrics; /* of all scopes */
    size_t metric_count;
};
struct otlp_request {
    const struct otlp_resource *resources;
    size_t resource_count;
};

enum otlp_encoding { OTLP_PROTOBUF, OTLP_JSON };

/* Everything is in the arena. ERR_INVALID: malformed, or nested too deeply; ERR_TOO_LARGE: above
 * OTLP_MEMORY_MAX when decoded; errors of arena_admit(). */
struct err otlp_decode(struct arena *a, enum otlp_encoding encoding, struct str body,
                       struct otlp_request *ret_request);

/* ExportMetricsServiceResponse. Without a rejected point and a text it says that all is well; with
 * a text alone, that something is worth knowing. */
void otlp_encode_answer(enum otlp_encoding encoding, uint64_t points_rejected, struct str text,
                        struct buf *to);
/* google.rpc.Status, the body of every other answer; `code` is gRPC's. */
void otlp_encode_status(enum otlp_encoding encoding, int code, struct str text, struct buf *to);
