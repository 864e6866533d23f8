/* remote_read.h - prometheus.ReadRequest, ReadResponse and ChunkedReadResponse.
 *
 * Source: prometheus prompb/remote.proto; spec/query.md section 4. Threads: any. */
#pragma once
#include "base/arena.h"
#include "tsdb/model/matcher.h"
#include "tsdb/series_set.h"

enum { READ_QUERIES_MAX = 1000, READ_MATCHERS_MAX = 1000 };
enum read_response_type { READ_SAMPLES = 0, READ_STREAMED_XOR_CHUNKS = 1 };

/* What the sender will do with the answer, as far as that can make it smaller. */
struct read_hints {
    bool given;
    int64_t start_ms, end_ms; /* both 0: not said */
    struct str func;          /* "series": it wants label sets only */
};
struct read_query {
    int64_t mint_ms, maxt_ms;
    struct matchers matchers; /* compiled; in the arena */
    struct read_hints hints;
};
struct read_request {
    struct read_query *queries;
    size_t query_count;
    enum read_response_type
        response_type; /* first accepted one that we know; none given: SAMPLES */
};

/* ERR_INVALID for malformed messages, bad regexes, and when no accepted type is known. */
struct err read_request_decode(struct arena *a, struct str message,
                               struct read_request *ret_request);

/* SAMPLES: for each query read_response_begin_query(), then the series, then ..._end_query().
 * Writes into *to, which holds the whole ReadResponse afterwards. */
struct read_response {
    struct buf *to;
    struct buf query;      /* the QueryResult being built */
    struct buf histograms; /* of the series being added */
};
void read_response_init(struct read_response *r, struct buf *to);
void read_response_fini(struct read_response *r);
void read_response_begin_query(struct read_response *r);
void read_response_series(struct read_response *r, struct labels labels,
                          const struct sample_columns *samples,
                          const struct histogram_columns *histograms);
void read_response_end_query(struct read_response *r);

/* STREAMED: appends one frame (length, CRC-32C, ChunkedReadResponse) with one series and the
 * chunks [first, first + count) of it. */
void read_frame_encode(struct buf *to, size_t query_index, struct labels labels,
                       const struct chunk_view *chunks, size_t count);
