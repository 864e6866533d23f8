noinst_LIBRARIES += %reldir%/libtsdb.a
# No fused multiply-add: histograms must round as Prometheus' do on every machine.
%canon_reldir%_libtsdb_a_CFLAGS = $(AM_CFLAGS) -ffp-contract=off
%canon_reldir%_libtsdb_a_SOURCES = \
	%reldir%/block/block.c %reldir%/block/block.h \
	%reldir%/block/block_delete.c %reldir%/block/block_delete.h \
	%reldir%/block/block_writer.c %reldir%/block/block_writer.h \
	%reldir%/block/meta.c %reldir%/block/meta.h %reldir%/block/meta_int.h \
	%reldir%/block/meta_format.c %reldir%/block/meta_unknown.c \
	%reldir%/block/segment.c %reldir%/block/segment.h \
	%reldir%/block/tombstones.c %reldir%/block/tombstones.h \
	%reldir%/blocks.c %reldir%/blocks.h \
	%reldir%/chunk/bits.h \
	%reldir%/chunk/chunk.c %reldir%/chunk/chunk.h \
	%reldir%/chunk/histogram_chunk.c %reldir%/chunk/histogram_chunk.h \
	%reldir%/chunk/histogram_codec.c %reldir%/chunk/histogram_int.h \
	%reldir%/chunk/histogram_decode.c \
	%reldir%/chunk/histogram_layout.c %reldir%/chunk/histogram_layout.h \
	%reldir%/chunk/histogram_rules.c %reldir%/chunk/histogram_rules.h \
	%reldir%/chunk/recode.c %reldir%/chunk/recode.h \
	%reldir%/chunk/start_times.h \
	%reldir%/chunk/varbit.h \
	%reldir%/chunk/xor.c %reldir%/chunk/xor.h %reldir%/chunk/xor_reopen.c \
	%reldir%/chunk/xor2.c %reldir%/chunk/xor2.h \
	%reldir%/chunk/xor_window.h \
	%reldir%/compact/compact.c %reldir%/compact/compact.h \
	%reldir%/compact/plan.c %reldir%/compact/plan.h \
	%reldir%/compact/retention.c %reldir%/compact/retention.h \
	%reldir%/compact/source.c %reldir%/compact/source.h \
	%reldir%/compact/symbols.c %reldir%/compact/symbols.h \
	%reldir%/compact/tournament.c %reldir%/compact/tournament.h \
	%reldir%/db.c %reldir%/db.h %reldir%/db_events.h \
	%reldir%/db_blocks.c \
	%reldir%/db_delete.c \
	%reldir%/db_cut.c %reldir%/db_cut_late.c %reldir%/db_int.h \
	%reldir%/db_snapshot.c \
	%reldir%/db_tidy.c \
	%reldir%/due_heap.c %reldir%/due_heap.h \
	%reldir%/head/append.c %reldir%/head/append.h %reldir%/head/append_int.h \
	%reldir%/head/append_judge.c \
	%reldir%/head/append_late.c \
	%reldir%/head/append_metadata.c \
	%reldir%/head/append_records.c \
	%reldir%/head/append_store.c \
	%reldir%/head/cardinality.c %reldir%/head/cardinality.h \
	%reldir%/head/check.c \
	%reldir%/head/claims.c %reldir%/head/claims.h \
	%reldir%/head/create.c \
	%reldir%/head/delete.c \
	%reldir%/head/deletions.c %reldir%/head/deletions.h \
	%reldir%/head/exemplar_rules.c %reldir%/head/exemplar_rules.h \
	%reldir%/head/exemplars.c %reldir%/head/exemplars.h \
	%reldir%/head/fingerprints.c %reldir%/head/fingerprints.h \
	%reldir%/head/forget.c \
	%reldir%/head/head.c %reldir%/head/head.h %reldir%/head/head_int.h \
	%reldir%/head/head_chunks.c %reldir%/head/head_chunks.h \
	%reldir%/head/head_chunks_scan.c %reldir%/head/head_chunks_scan.h \
	%reldir%/head/id_list.c %reldir%/head/id_list.h \
	%reldir%/head/id_map.c %reldir%/head/id_map.h \
	%reldir%/head/isolation.c %reldir%/head/isolation.h \
	%reldir%/head/judge.c %reldir%/head/judge.h \
	%reldir%/head/mapper.c \
	%reldir%/head/match.c %reldir%/head/match.h \
	%reldir%/head/metadata_family.c %reldir%/head/metadata_family.h \
	%reldir%/head/metadata_store.c %reldir%/head/metadata_store.h \
	%reldir%/head/order.c %reldir%/head/order.h \
	%reldir%/head/late.c %reldir%/head/late.h \
	%reldir%/head/ooo_chunk.c %reldir%/head/ooo_chunk.h \
	%reldir%/head/ooo_log.c %reldir%/head/ooo_log.h %reldir%/head/ooo_replay.c \
	%reldir%/head/ooo_series.c %reldir%/head/ooo_series.h \
	%reldir%/head/pairs.c %reldir%/head/pairs.h \
	%reldir%/head/read.c %reldir%/head/read_names.c \
	%reldir%/head/replay.c %reldir%/head/replay_apply.c %reldir%/head/replay_chunks.c \
	%reldir%/head/replay_crew.c %reldir%/head/replay_crew_int.h %reldir%/head/replay_deletions.c \
	%reldir%/head/replay_int.h %reldir%/head/replay_late.c \
	%reldir%/head/replay_others.c %reldir%/head/replay_refs.c \
	%reldir%/head/replay_snapshot.c \
	%reldir%/head/series.c %reldir%/head/series.h \
	%reldir%/head/snapshot.c %reldir%/head/snapshot.h %reldir%/head/snapshot_int.h \
	%reldir%/head/snapshot_read.c %reldir%/head/snapshot_take.c %reldir%/head/snapshot_write.c \
	%reldir%/head/snapshot_record.c %reldir%/head/snapshot_record.h \
	%reldir%/head/truncate.c \
	%reldir%/index/file_writer.c %reldir%/index/file_writer.h \
	%reldir%/index/index_int.h \
	%reldir%/index/index_reader.c %reldir%/index/index_reader.h \
	%reldir%/index/index_writer.c %reldir%/index/index_writer.h %reldir%/index/index_writer_int.h \
	%reldir%/index/lists.c \
	%reldir%/index/lists_writer.c \
	%reldir%/index/match.c %reldir%/index/match.h \
	%reldir%/index/match_cache.c %reldir%/index/match_cache.h \
	%reldir%/index/names.c \
	%reldir%/index/postings.c %reldir%/index/postings.h \
	%reldir%/index/postings_union.c \
	%reldir%/index/symbols.c \
	%reldir%/index/table.c \
	%reldir%/inspect/database.c %reldir%/inspect/database.h \
	%reldir%/inspect/label_stats.c %reldir%/inspect/label_stats.h \
	%reldir%/inspect/ref_table.c \
	%reldir%/inspect/verify.c %reldir%/inspect/verify.h %reldir%/inspect/verify_int.h \
	%reldir%/inspect/verify_block.c \
	%reldir%/inspect/verify_chunks_head.c \
	%reldir%/inspect/verify_index.c \
	%reldir%/inspect/verify_log.c \
	%reldir%/inspect/verify_record.c \
	%reldir%/inspect/verify_segments.c \
	%reldir%/inspect/verify_snapshot.c \
	%reldir%/merge.c %reldir%/merge.h \
	%reldir%/model/exemplar.h \
	%reldir%/model/float_histogram.c %reldir%/model/float_histogram.h \
	%reldir%/model/float_histogram_add.c \
	%reldir%/model/float_histogram_bounds.c \
	%reldir%/model/float_histogram_int.h \
	%reldir%/model/float_histogram_layout.c \
	%reldir%/model/float_histogram_reset.c \
	%reldir%/model/float_histogram_trim.c \
	%reldir%/model/float_histogram_walk.c \
	%reldir%/model/float_histogram_zero.c \
	%reldir%/model/histogram.c %reldir%/model/histogram.h \
	%reldir%/model/histogram_convert.c \
	%reldir%/model/histogram_spans.c %reldir%/model/histogram_spans.h \
	%reldir%/model/histogram_text.c %reldir%/model/histogram_text.h \
	%reldir%/model/interval.c %reldir%/model/interval.h \
	%reldir%/model/label_key.c %reldir%/model/label_key.h \
	%reldir%/model/labels.c %reldir%/model/labels.h \
	%reldir%/model/matcher.c %reldir%/model/matcher.h \
	%reldir%/model/metadata.c %reldir%/model/metadata.h \
	%reldir%/model/pattern.c %reldir%/model/pattern.h \
	%reldir%/model/ranks.c %reldir%/model/ranks.h \
	%reldir%/model/sample.c %reldir%/model/sample.h \
	%reldir%/series_set.h \
	%reldir%/tenant_figures.h \
	%reldir%/tenant_name.c %reldir%/tenant_name.h \
	%reldir%/tenant_plan.c %reldir%/tenant_plan.h \
	%reldir%/tenants.c %reldir%/tenants.h %reldir%/tenants_int.h \
	%reldir%/tenants_disk.c \
	%reldir%/tenants_maintain.c \
	%reldir%/tenants_metrics.c \
	%reldir%/tenants_start.c \
	%reldir%/view.c %reldir%/view.h \
	%reldir%/wal/checkpoint.c %reldir%/wal/checkpoint.h \
	%reldir%/wal/checkpoint_sift.c %reldir%/wal/checkpoint_sift.h \
	%reldir%/wal/record.c %reldir%/wal/record.h %reldir%/wal/record_int.h \
	%reldir%/wal/record_exemplars.c %reldir%/wal/record_exemplars.h \
	%reldir%/wal/record_histograms.c %reldir%/wal/record_histograms.h \
	%reldir%/wal/record_metadata.c %reldir%/wal/record_metadata.h \
	%reldir%/wal/wal.c %reldir%/wal/wal.h \
	%reldir%/wal/wal_frames.c %reldir%/wal/wal_frames.h \
	%reldir%/wal/wal_int.h \
	%reldir%/wal/wal_reader.c %reldir%/wal/wal_reader.h \
	%reldir%/wal/wal_repair.c \
	%reldir%/wal/wal_segments.c \
	%reldir%/wal/wal_tail.c %reldir%/wal/wal_tail.h \
	%reldir%/wal/wal_truncate.c \
	%reldir%/wal/wal_writer.c %reldir%/wal/wal_writer.h
EXTRA_DIST += %reldir%/README.md %reldir%/block/README.md %reldir%/chunk/README.md \
	%reldir%/compact/README.md %reldir%/head/README.md %reldir%/index/README.md \
	%reldir%/inspect/README.md %reldir%/model/README.md %reldir%/wal/README.md
