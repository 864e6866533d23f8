/* head_kit.h - small write requests and query answers for the tests of head and db. */
#pragma once
#include "base/vec.h"
#include "tests/harness.h"
#include "tsdb/db.h"

/* A request that is built row by row. */
struct kit_request {
    struct arena arena;
    VEC(struct append_row) rows;
    VEC(struct sample) samples;
    VEC(struct histogram_sample) histograms;
    VEC(struct exemplar) exemplars;
    VEC(struct family_metadata) metadata;
    const struct append_limits *limits; /* NULL: the head's */
};
void kit_request_init(struct kit_request *k);
void kit_request_fini(struct kit_request *k);
/* `labels` is "name=value,name=value" and goes into the key in that order. */
void kit_row(struct kit_request *k, const char *labels);
void kit_sample(struct kit_request *k, int64_t t_ms, double value); /* of the row added last */
/* As kit_parse() reads it. */
void kit_histogram_sample(struct kit_request *k, int64_t t_ms, const char *text);
/* With the labels {trace_id="..."}. */
void kit_exemplar(struct kit_request *k, int64_t t_ms, double value, const char *trace_id);
void kit_metadata(struct kit_request *k, const char *family, enum metric_kind kind,
                  const char *help); /* of no row */
/* Row of raw key bytes. */
void kit_row_raw(struct kit_request *k, struct str key);
struct err kit_append(struct kit_request *k, struct db *db, struct append_result *ret_result);
/* One sample of one series; must be stored. */
void kit_put(struct db *db, const char *labels, int64_t t_ms, double value);

/* Options of a database in `dir` on `fs`, with small WAL segments. */
struct db_opts kit_opts(struct fs *fs, const char *dir);
/* The same with a window of 3 h for late samples, and 4 of them in an open chunk. */
struct db_opts kit_late_opts(struct fs *fs, const char *dir);

/* "t=v" for a float or "t=i 12/3.5" for an integer histogram's count and sum; "f" for a float one,
 * "i stale" for its marker. In order of the chunks, of one series. */
void kit_chunk_text(const struct chunk_view *c, int64_t mint_ms, int64_t maxt_ms, struct buf *to);
/* Every series with a metric name, as a query that has begun. */
struct series_set *kit_select_all(struct db *db, struct arena *a);
/* Open and found sound. */
struct db *kit_open(const struct db_opts *opts);
struct db_stats kit_stats(struct db *db);

/* "{...}: t=v t=v; ..." for all series that match the selector `name op value`; times in ms.
 * In the arena. */
const char *kit_query(struct arena *a, struct db *db, enum matcher_type type, const char *name,
                      const char *value, int64_t mint_ms, int64_t maxt_ms);
/* Deletes of the series that match; both times are deleted, too. */
struct delete_result kit_delete(struct db *db, enum matcher_type type, const char *name,
                                const char *value, int64_t mint_ms, int64_t maxt_ms);
/* Everything that has a metric name. */
const char *kit_dump(struct arena *a, struct db *db);
/* The same of a database that is found sound. */
const char *kit_checked_dump(struct arena *a, struct db *db);
void kit_assert_dump(struct db *db, const char *want);
