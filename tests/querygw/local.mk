check_PROGRAMS += %reldir%/test_querygw
%canon_reldir%_test_querygw_SOURCES = $(TEST_HARNESS) %reldir%/suites.h \
	%reldir%/api_fixture.c %reldir%/api_fixture.h \
	%reldir%/fake_store.c %reldir%/fake_store.h \
	%reldir%/golden.c %reldir%/golden.h \
	%reldir%/histogram_notation.c %reldir%/histogram_notation.h \
	%reldir%/nhcb.c %reldir%/nhcb.h \
	%reldir%/promqltest.c %reldir%/promqltest.h %reldir%/promqltest_int.h \
	%reldir%/promqltest_at.c \
	%reldir%/promqltest_compare.c \
	%reldir%/query_fixture.c %reldir%/query_fixture.h \
	%reldir%/series_notation.c %reldir%/series_notation.h \
	%reldir%/shared.c %reldir%/shared.h \
	%reldir%/test_active_queries.c \
	%reldir%/test_analysis.c \
	%reldir%/test_api.c \
	%reldir%/test_api_about.c \
	%reldir%/test_api_admin.c \
	%reldir%/test_api_flavour.c \
	%reldir%/test_api_gate.c \
	%reldir%/test_api_status.c \
	%reldir%/test_ast_json.c \
	%reldir%/test_check.c \
	%reldir%/test_engine.c \
	%reldir%/test_engine_scripts.c \
	%reldir%/test_features.c \
	%reldir%/test_gate.c \
	%reldir%/test_histogram_stats.c \
	%reldir%/test_lex.c \
	%reldir%/test_parallel.c \
	%reldir%/test_params.c \
	%reldir%/test_parse.c \
	%reldir%/test_parse_errors.c \
	%reldir%/test_parse_golden.c \
	%reldir%/test_plan.c \
	%reldir%/test_plan_duration.c \
	%reldir%/test_pretty.c \
	%reldir%/test_print.c \
	%reldir%/test_quantile.c \
	%reldir%/test_remote_read.c \
	%reldir%/test_result_json.c \
	%reldir%/test_result_json_histograms.c \
	%reldir%/test_series_notation.c \
	%reldir%/test_step.c \
	%reldir%/test_store_histograms.c \
	%reldir%/test_store_shard.c \
	%reldir%/test_store_tsdb.c \
	%reldir%/test_window_pace.c \
	%reldir%/test_window_sums.c \
	tests/net/client.c tests/net/client.h \
	tests/tsdb/head_kit.c tests/tsdb/head_kit.h \
	tests/tsdb/histogram_kit.c tests/tsdb/histogram_kit.h \
	tests/tsdb/started_chunk.c tests/tsdb/started_chunk.h \
	tests/tsdb/histogram_story.c tests/tsdb/histogram_story.h
%canon_reldir%_test_querygw_CPPFLAGS = $(AM_CPPFLAGS) -DTEST_SUITES='"tests/querygw/suites.h"'
%canon_reldir%_test_querygw_CFLAGS = $(TEST_CFLAGS)
%canon_reldir%_test_querygw_LDADD = $(TEST_LDADD)
