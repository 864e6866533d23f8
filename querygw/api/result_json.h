/* result_json.h - the `data` of a query's answer.
 *
 * {"resultType":"vector|matrix|scalar|string","result":...,"stats":{...}}, byte for byte as
 * Prometheus writes it (spec/query.md section 3.3). Threads: one at a time. */
#pragma once
#include "querygw/api/json_out.h"
#include "querygw/promql/engine.h"

/* Seconds spent in each part; in the order of the answer. */
struct query_timings {
    double eval_total_s, result_sort_s, query_preparation_s, inner_eval_s, exec_queue_s,
        exec_total_s;
};

/* At most `limit` series (0: all). `timings` NULL: no stats. Fails with what drain fails. */
struct err result_write_json(struct json_out *o, const struct promql_result *r, size_t limit,
                             const struct query_timings *timings);

/* The parts, for other answers and for tests. Each writes one JSON value.
 * A sample's time: 1.5 s as 1.500, whole seconds without a point. */
void json_put_timestamp(struct buf *to, int64_t t_ms);
/* A sample's value in quotes. */
void json_put_sample_value(struct buf *to, double value);
/* A native histogram: {"count":"1","sum":"2","buckets":[[0,"1","2","1"]]}. */
void json_put_histogram(struct buf *to, const struct float_histogram *h);
