# Programs that run side by side; the longest first.
check_PROGRAMS += %reldir%/test_model %reldir%/test_db %reldir%/test_tsdb
TSDB_TEST_KITS = \
	%reldir%/head_kit.c %reldir%/head_kit.h \
	%reldir%/golden.c %reldir%/golden.h \
	%reldir%/block_kit.c %reldir%/block_kit.h \
	%reldir%/histogram_kit.c %reldir%/histogram_kit.h \
	%reldir%/histogram_story.c %reldir%/histogram_story.h \
	%reldir%/log_facts.c %reldir%/log_facts.h \
	%reldir%/verify_kit.c %reldir%/verify_kit.h
%canon_reldir%_test_tsdb_SOURCES = $(TEST_HARNESS) $(TSDB_TEST_KITS) %reldir%/suites.h \
	%reldir%/record_kit.c %reldir%/record_kit.h \
	%reldir%/test_bits.c \
	%reldir%/test_block.c \
	%reldir%/test_block_delete.c \
	%reldir%/test_block_writer.c \
	%reldir%/test_cardinality.c \
	%reldir%/test_checkpoint.c \
	%reldir%/test_checkpoint_sift.c \
	%reldir%/test_chunk.c \
	%reldir%/test_chunk_golden.c \
	%reldir%/compact_kit.c %reldir%/compact_kit.h \
	%reldir%/test_compact.c \
	%reldir%/test_compact_failure.c \
	%reldir%/test_compact_golden.c \
	%reldir%/test_compact_starts.c \
	%reldir%/test_exemplars.c \
	%reldir%/test_fingerprints.c \
	%reldir%/test_float_histogram.c \
	%reldir%/test_float_histogram_golden.c \
	%reldir%/test_float_histogram_laws.c \
	%reldir%/test_head.c \
	%reldir%/test_head_chunks.c \
	%reldir%/test_head_durability.c \
	%reldir%/test_head_extras.c \
	%reldir%/test_head_golden.c \
	%reldir%/test_head_histograms.c \
	%reldir%/test_head_limits.c \
	%reldir%/test_head_rows.c \
	%reldir%/test_histogram.c \
	%reldir%/test_histogram_chunk.c \
	%reldir%/test_histogram_chunk_model.c \
	%reldir%/test_histogram_decode.c \
	%reldir%/test_histogram_rules.c \
	%reldir%/test_histogram_spans.c \
	%reldir%/test_histogram_text.c \
	%reldir%/test_index_reader.c \
	%reldir%/test_isolation.c \
	%reldir%/test_judge.c \
	%reldir%/test_label_key.c \
	%reldir%/test_label_stats.c \
	%reldir%/test_labels.c \
	%reldir%/test_match.c \
	%reldir%/test_matcher.c \
	%reldir%/test_meta.c \
	%reldir%/test_metadata.c \
	%reldir%/test_order.c \
	%reldir%/test_ooo_chunk.c \
	%reldir%/test_ooo_log.c \
	%reldir%/test_ooo_replay.c \
	%reldir%/test_ooo_replay_golden.c \
	%reldir%/test_ooo_series.c \
	%reldir%/test_plan.c \
	%reldir%/test_postings.c \
	%reldir%/test_ranks.c \
	%reldir%/test_recode.c \
	%reldir%/test_record.c \
	%reldir%/test_record_exemplars.c \
	%reldir%/test_record_histograms.c \
	%reldir%/test_record_metadata.c \
	%reldir%/test_replay_crew.c \
	%reldir%/test_retention.c \
	%reldir%/test_head_snapshot.c \
	%reldir%/test_snapshot.c \
	%reldir%/test_snapshot_failure.c \
	%reldir%/test_snapshot_golden.c \
	%reldir%/test_snapshot_record.c \
	%reldir%/test_tombstones.c \
	%reldir%/test_tournament.c \
	%reldir%/test_wal.c \
	%reldir%/test_wal_failure.c \
	%reldir%/test_wal_golden.c \
	%reldir%/test_wal_reader_skip.c \
	%reldir%/test_wal_reader.c \
	%reldir%/test_wal_tail.c \
	%reldir%/test_verify.c \
	%reldir%/test_verify_block.c \
	%reldir%/test_verify_head.c \
	%reldir%/test_verify_log.c \
	%reldir%/test_verify_record.c \
	%reldir%/test_xor.c \
	%reldir%/test_varbit.c \
	%reldir%/test_xor2.c \
	%reldir%/test_xor_reopen.c \
	%reldir%/snapshot_kit.c %reldir%/snapshot_kit.h \
	%reldir%/wal_help.c %reldir%/wal_help.h
%canon_reldir%_test_tsdb_CPPFLAGS = $(AM_CPPFLAGS) -DTEST_SUITES='"tests/tsdb/suites.h"'
%canon_reldir%_test_tsdb_CFLAGS = $(TEST_CFLAGS)
%canon_reldir%_test_tsdb_LDADD = $(TEST_LDADD)

%canon_reldir%_test_db_SOURCES = $(TEST_HARNESS) $(TSDB_TEST_KITS) %reldir%/suites_db.h \
	%reldir%/tenant_kit.c %reldir%/tenant_kit.h \
	%reldir%/test_blocks.c \
	%reldir%/test_db_cut.c \
	%reldir%/test_db_delete.c \
	%reldir%/test_db_delete_cut.c \
	%reldir%/test_db_snapshot.c \
	%reldir%/test_db_tidy.c \
	%reldir%/test_deletions.c \
	%reldir%/test_replay_deletions.c \
	%reldir%/test_due_heap.c \
	%reldir%/test_late.c \
	%reldir%/test_late_durability.c \
	%reldir%/test_late_threads.c \
	%reldir%/test_tenant_name.c \
	%reldir%/test_tenant_plan.c \
	%reldir%/test_tenants.c \
	%reldir%/test_tenants_disk.c \
	%reldir%/test_tenants_maintain.c \
	%reldir%/test_tenants_metrics.c \
	%reldir%/test_tenants_start.c
%canon_reldir%_test_db_CPPFLAGS = $(AM_CPPFLAGS) -DTEST_SUITES='"tests/tsdb/suites_db.h"'
%canon_reldir%_test_db_CFLAGS = $(TEST_CFLAGS)
%canon_reldir%_test_db_LDADD = $(TEST_LDADD)

%canon_reldir%_test_model_SOURCES = $(TEST_HARNESS) $(TSDB_TEST_KITS) %reldir%/suites_model.h \
	%reldir%/model.c %reldir%/model.h %reldir%/model_delete.c %reldir%/model_look.c \
	%reldir%/model_values.c %reldir%/model_values.h \
	%reldir%/story.h %reldir%/story_delete.c %reldir%/story_ends.c %reldir%/story_write.c \
	%reldir%/test_model.c \
	%reldir%/test_model_threads.c
%canon_reldir%_test_model_CPPFLAGS = $(AM_CPPFLAGS) -DTEST_SUITES='"tests/tsdb/suites_model.h"'
%canon_reldir%_test_model_CFLAGS = $(TEST_CFLAGS)
%canon_reldir%_test_model_LDADD = $(TEST_LDADD)
