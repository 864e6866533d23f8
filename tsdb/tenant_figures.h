/* tenant_figures.h - what is told of each open tenant, with its name as label "tenant".
 *
 * Names and helps are those of Prometheus' tsdb/{db,head,compact,exemplar}.go and tsdb/wlog, as
 * Thanos' receiver has them, where it is the same that is counted; a help of our own says what
 * differs. All begin anew when a database is opened, and go when it is closed: a row costs some
 * 200 bytes an open tenant, and nothing a dormant one.
 * Left out: figures of what we do not have (reloads, symbol tables in memory, waiting appenders),
 * distributions, and configuration. */
#pragma once
#include "tsdb/db.h"

#define EVENT(event) (s->events[event])
/* X(type, name, value of its label "type" or NULL, help, value from struct db_stats *s). Rows of
 * one name have one help. */
#define TENANT_FIGURES(X)                                                                          \
    X(GAUGE, "prometheus_tsdb_head_series", NULL, "Total number of series in the head block.",     \
      s->series)                                                                                   \
    X(COUNTER, "prometheus_tsdb_head_series_created_total", NULL,                                  \
      "Total number of series created in the head", s->series_created)                             \
    X(COUNTER, "prometheus_tsdb_head_series_removed_total", NULL,                                  \
      "Total number of series removed in the head", EVENT(DB_SERIES_REMOVED))                      \
    X(COUNTER, "prometheus_tsdb_head_samples_appended_total", "float",                             \
      "Total number of appended samples.", EVENT(DB_FLOATS_STORED))                                \
    X(COUNTER, "prometheus_tsdb_head_samples_appended_total", "histogram",                         \
      "Total number of appended samples.", EVENT(DB_HISTOGRAMS_STORED))                            \
    X(COUNTER, "prometheus_tsdb_head_out_of_order_samples_appended_total", "float",                \
      "Total number of appended out of order samples.", EVENT(DB_FLOATS_STORED_LATE))              \
    X(COUNTER, "prometheus_tsdb_head_out_of_order_samples_appended_total", "histogram",            \
      "Total number of appended out of order samples.", EVENT(DB_HISTOGRAMS_STORED_LATE))          \
    X(COUNTER, "prometheus_tsdb_out_of_order_samples_total", "float",                              \
      "Samples refused because they were out of order, without a window for such samples.",        \
      EVENT(DB_FLOATS_OUT_OF_ORDER))                                                               \
    X(COUNTER, "prometheus_tsdb_out_of_order_samples_total", "histogram",                          \
      "Samples refused because they were out of order, without a window for such samples.",        \
      EVENT(DB_HISTOGRAMS_OUT_OF_ORDER))                                                           \
    X(COUNTER, "prometheus_tsdb_out_of_bound_samples_total", "float",                              \
      "Samples refused because they were older than the head accepts, without such a window.",     \
      EVENT(DB_FLOATS_OUT_OF_BOUNDS))                                                              \
    X(COUNTER, "prometheus_tsdb_out_of_bound_samples_total", "histogram",                          \
      "Samples refused because they were older than the head accepts, without such a window.",     \
      EVENT(DB_HISTOGRAMS_OUT_OF_BOUNDS))                                                          \
    X(COUNTER, "prometheus_tsdb_too_old_samples_total", "float",                                   \
      "Samples refused because they were older than the window for out of order samples.",         \
      EVENT(DB_FLOATS_TOO_OLD))                                                                    \
    X(COUNTER, "prometheus_tsdb_too_old_samples_total", "histogram",                               \
      "Samples refused because they were older than the window for out of order samples.",         \
      EVENT(DB_HISTOGRAMS_TOO_OLD))                                                                \
    X(GAUGE, "prometheus_tsdb_head_chunks", NULL, "Total number of chunks in the head block.",     \
      (int64_t)(EVENT(DB_CHUNKS_CREATED) - EVENT(DB_CHUNKS_REMOVED)))                              \
    X(COUNTER, "prometheus_tsdb_head_chunks_created_total", NULL,                                  \
      "Total number of chunks created in the head", EVENT(DB_CHUNKS_CREATED))                      \
    X(COUNTER, "prometheus_tsdb_head_chunks_removed_total", NULL,                                  \
      "Total number of chunks removed in the head", EVENT(DB_CHUNKS_REMOVED))                      \
    X(COUNTER, "prometheus_tsdb_mmap_chunks_total", NULL,                                          \
      "Total number of chunks that were memory-mapped.", s->chunks_mapped)                         \
    X(GAUGE, "prometheus_tsdb_head_chunks_storage_size_bytes", NULL,                               \
      "Size of the chunks_head directory.", s->head_chunks_bytes)                                  \
    X(GAUGE, "prometheus_tsdb_head_min_time", NULL, "Oldest sample of the head, in milliseconds.", \
      s->head_mint_ms)                                                                             \
    X(GAUGE, "prometheus_tsdb_head_max_time", NULL, "Newest sample of the head, in milliseconds.", \
      s->head_maxt_ms)                                                                             \
    X(GAUGE, "prometheus_tsdb_lowest_timestamp", NULL,                                             \
      "Oldest sample of blocks and head, in milliseconds.", s->mint_ms)                            \
    X(COUNTER, "prometheus_tsdb_head_truncations_total", NULL,                                     \
      "Total number of head truncations attempted.", EVENT(DB_HEAD_TRUNCATIONS))                   \
    X(COUNTER, "prometheus_tsdb_head_truncations_failed_total", NULL,                              \
      "Total number of head truncations that failed.", EVENT(DB_HEAD_TRUNCATIONS_FAILED))          \
    X(COUNTER, "prometheus_tsdb_checkpoint_creations_total", NULL,                                 \
      "Total number of checkpoint creations attempted.", EVENT(DB_CHECKPOINTS))                    \
    X(COUNTER, "prometheus_tsdb_checkpoint_creations_failed_total", NULL,                          \
      "Total number of checkpoint creations that failed.", EVENT(DB_CHECKPOINTS_FAILED))           \
    X(COUNTER, "prometheus_tsdb_checkpoint_deletions_total", NULL,                                 \
      "Deletions of old checkpoints attempted, which are part of a truncation of the log.",        \
      EVENT(DB_LOG_TRUNCATIONS))                                                                   \
    X(COUNTER, "prometheus_tsdb_checkpoint_deletions_failed_total", NULL,                          \
      "Truncations of the log that failed, perhaps at an old checkpoint.",                         \
      EVENT(DB_LOG_TRUNCATIONS_FAILED))                                                            \
    X(COUNTER, "prometheus_tsdb_wal_truncations_total", NULL,                                      \
      "Total number of write log truncations attempted.", EVENT(DB_LOG_TRUNCATIONS))               \
    X(COUNTER, "prometheus_tsdb_wal_truncations_failed_total", NULL,                               \
      "Total number of write log truncations that failed.", EVENT(DB_LOG_TRUNCATIONS_FAILED))      \
    X(COUNTER, "prometheus_tsdb_wal_writes_failed_total", NULL,                                    \
      "Total number of write log writes that failed.", s->wal_failures)                            \
    X(COUNTER, "prometheus_tsdb_out_of_order_wbl_writes_failed_total", NULL,                       \
      "Total number of write log writes that failed.", s->late_log_failures)                       \
    X(COUNTER, "prometheus_tsdb_wal_corruptions_total", NULL, "Total number of WAL corruptions.",  \
      EVENT(DB_LOG_DAMAGES))                                                                       \
    X(COUNTER, "prometheus_tsdb_mmap_chunk_corruptions_total", NULL,                               \
      "Total number of memory-mapped chunk corruptions.", EVENT(DB_HEAD_CHUNKS_DAMAGES))           \
    X(COUNTER, "prometheus_tsdb_snapshot_replay_error_total", NULL,                                \
      "Total number snapshot replays that failed.", EVENT(DB_SNAPSHOTS_UNUSABLE))                  \
    X(GAUGE, "prometheus_tsdb_wal_segment_current", NULL,                                          \
      "Write log segment index that TSDB is currently writing to.", s->wal_segment)                \
    X(GAUGE, "prometheus_tsdb_data_replay_duration_seconds", NULL,                                 \
      "Time taken to replay the data on disk.", (double)s->replay_ms / 1000)                       \
    X(GAUGE, "prometheus_tsdb_blocks_loaded", NULL, "Number of currently loaded data blocks",      \
      s->blocks)                                                                                   \
    X(GAUGE, "prometheus_tsdb_storage_blocks_bytes", NULL,                                         \
      "The number of bytes that are currently used for local storage by all blocks.",              \
      s->block_bytes)                                                                              \
    X(COUNTER, "prometheus_tsdb_compactions_triggered_total", NULL,                                \
      "Total number of triggered compactions for the partition.", EVENT(DB_COMPACTIONS_TRIED))     \
    X(COUNTER, "prometheus_tsdb_compactions_total", NULL,                                          \
      "Total number of compactions that were executed for the partition.",                         \
      EVENT(DB_COMPACTIONS_DONE))                                                                  \
    X(COUNTER, "prometheus_tsdb_compactions_failed_total", NULL,                                   \
      "Total number of compactions that failed for the partition.", EVENT(DB_COMPACTIONS_FAILED))  \
    X(COUNTER, "prometheus_tsdb_vertical_compactions_total", NULL,                                 \
      "Total number of compactions done on overlapping blocks.", EVENT(DB_COMPACTIONS_VERTICAL))   \
    X(COUNTER, "prometheus_tsdb_time_retentions_total", NULL,                                      \
      "The number of times that blocks were deleted because the maximum time limit was exceeded.", \
      EVENT(DB_RETENTIONS_BY_TIME))                                                                \
    X(COUNTER, "prometheus_tsdb_size_retentions_total", NULL,                                      \
      "The number of times that blocks were deleted because the maximum number of bytes was "      \
      "exceeded.", EVENT(DB_RETENTIONS_BY_SIZE))                                                   \
    X(COUNTER, "prometheus_tsdb_exemplar_exemplars_appended_total", NULL,                          \
      "Total number of appended exemplars.", s->exemplars_appended)                                \
    X(COUNTER, "prometheus_tsdb_exemplar_out_of_order_exemplars_total", NULL,                      \
      "Total number of out of order exemplar ingestion failed attempts.",                          \
      EVENT(DB_EXEMPLARS_OUT_OF_ORDER))                                                            \
    X(GAUGE, "prometheus_tsdb_exemplar_exemplars_in_storage", NULL,                                \
      "Number of exemplars currently in circular storage.", s->exemplars)                          \
    X(GAUGE, "prometheus_tsdb_exemplar_series_with_exemplars_in_storage", NULL,                    \
      "Number of series with exemplars currently in circular storage.", s->exemplar_series)        \
    X(GAUGE, "prometheus_tsdb_exemplar_last_exemplars_timestamp_seconds", NULL,                    \
      "The time of the oldest exemplar in circular storage.",                                      \
      (double)s->oldest_exemplar_ms / 1000)                                                        \
    X(GAUGE, "prometheus_tsdb_exemplar_max_exemplars", NULL,                                       \
      "Total number of exemplars the exemplar storage can store.", s->exemplars_max)               \
    X(GAUGE, "mneme_tsdb_wal_written_bytes", NULL,                                                 \
      "Bytes written to the write-ahead log since it was opened.", s->wal_bytes)                   \
    X(GAUGE, "mneme_tsdb_writable", NULL,                                                          \
      "1 while the write-ahead log is healthy, 0 while writes are refused.", s->writable)
