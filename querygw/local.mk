noinst_LIBRARIES += %reldir%/libquerygw.a
# No fused multiply-add: sums must round as Prometheus' do on every machine.
%canon_reldir%_libquerygw_a_CFLAGS = $(AM_CFLAGS) -ffp-contract=off
%canon_reldir%_libquerygw_a_SOURCES = \
	%reldir%/api/active_queries.c %reldir%/api/active_queries.h \
	%reldir%/api/admin.c \
	%reldir%/api/analysis.c %reldir%/api/analysis.h \
	%reldir%/api/api.c %reldir%/api/api.h %reldir%/api/api_int.h %reldir%/api/routes.h \
	%reldir%/api/elsewhere.c \
	%reldir%/api/exemplars.c \
	%reldir%/api/expression.c \
	%reldir%/api/external_labels.c %reldir%/api/external_labels.h \
	%reldir%/api/features.c %reldir%/api/features.h \
	%reldir%/api/features_list.c \
	%reldir%/api/flavour.h \
	%reldir%/api/gate.c %reldir%/api/gate.h \
	%reldir%/api/json_out.c %reldir%/api/json_out.h \
	%reldir%/api/label_name.c %reldir%/api/label_name.h \
	%reldir%/api/labels.c \
	%reldir%/api/metadata.c \
	%reldir%/api/params.c %reldir%/api/params.h \
	%reldir%/api/query.c \
	%reldir%/api/remote_read.c \
	%reldir%/api/result_json.c %reldir%/api/result_json.h \
	%reldir%/api/rfc3339.c %reldir%/api/rfc3339.h \
	%reldir%/api/series.c \
	%reldir%/api/status.c \
	%reldir%/api/status_tsdb.c \
	%reldir%/api/store_params.c %reldir%/api/store_params.h \
	%reldir%/promql/absent.c \
	%reldir%/promql/aggregate.c \
	%reldir%/promql/aggregate_histogram.c %reldir%/promql/aggregate_histogram.h \
	%reldir%/promql/aggregate_k.c %reldir%/promql/aggregate_k.h \
	%reldir%/promql/aggregate_limit.c \
	%reldir%/promql/aggregate_pick.c \
	%reldir%/promql/aggregate_quantile.c \
	%reldir%/promql/aggregate_values.c \
	%reldir%/promql/arith.c %reldir%/promql/arith.h \
	%reldir%/promql/ast.c %reldir%/promql/ast.h \
	%reldir%/promql/ast_json.c %reldir%/promql/ast_json.h \
	%reldir%/promql/batch.c %reldir%/promql/batch.h \
	%reldir%/promql/bucket.c %reldir%/promql/bucket.h \
	%reldir%/promql/bucket_call.c \
	%reldir%/promql/bucket_notes.c %reldir%/promql/bucket_notes.h \
	%reldir%/promql/check.c \
	%reldir%/promql/counter.c %reldir%/promql/counter.h \
	%reldir%/promql/delayed_name.c %reldir%/promql/delayed_name.h \
	%reldir%/promql/element.c %reldir%/promql/element.h \
	%reldir%/promql/engine.c %reldir%/promql/engine.h \
	%reldir%/promql/exec.c %reldir%/promql/exec.h \
	%reldir%/promql/extended.h \
	%reldir%/promql/func_changes.c \
	%reldir%/promql/func_date.c \
	%reldir%/promql/func_extended.c \
	%reldir%/promql/func_extended_histogram.c \
	%reldir%/promql/func_histogram.c \
	%reldir%/promql/func_histogram_rate.c \
	%reldir%/promql/func_map.c %reldir%/promql/func_map.h \
	%reldir%/promql/func_quantile.c \
	%reldir%/promql/func_range.c %reldir%/promql/func_range.h %reldir%/promql/func_range_int.h \
	%reldir%/promql/func_rate.c \
	%reldir%/promql/func_started.c \
	%reldir%/promql/func_trend.c \
	%reldir%/promql/functions.c %reldir%/promql/functions.h \
	%reldir%/promql/growth.c %reldir%/promql/growth.h \
	%reldir%/promql/held.c %reldir%/promql/held.h \
	%reldir%/promql/histogram_point.c %reldir%/promql/histogram_point.h \
	%reldir%/promql/histogram_stats.c %reldir%/promql/histogram_stats.h \
	%reldir%/promql/histogram_total.c %reldir%/promql/histogram_total.h \
	%reldir%/promql/info_call.c \
	%reldir%/promql/info_series.c %reldir%/promql/info_series.h \
	%reldir%/promql/instant.c \
	%reldir%/promql/kahan.h \
	%reldir%/promql/key_map.c %reldir%/promql/key_map.h \
	%reldir%/promql/label_rows.c %reldir%/promql/label_rows.h \
	%reldir%/promql/lex.c %reldir%/promql/lex.h %reldir%/promql/lex_int.h \
	%reldir%/promql/lex_number.c \
	%reldir%/promql/lex_string.c \
	%reldir%/promql/map_call.c \
	%reldir%/promql/measure.c %reldir%/promql/measure.h \
	%reldir%/promql/natural.c %reldir%/promql/natural.h \
	%reldir%/promql/notes.c %reldir%/promql/notes.h \
	%reldir%/promql/op.c %reldir%/promql/op.h \
	%reldir%/promql/operators.c %reldir%/promql/operators.h \
	%reldir%/promql/parallel.c %reldir%/promql/parallel.h \
	%reldir%/promql/parse.c %reldir%/promql/parse.h %reldir%/promql/parse_int.h \
	%reldir%/promql/parse_duration.c \
	%reldir%/promql/parse_modifier.c \
	%reldir%/promql/parse_number.c \
	%reldir%/promql/parse_selector.c \
	%reldir%/promql/parser.c \
	%reldir%/promql/plan.c %reldir%/promql/plan.h \
	%reldir%/promql/plan_call.c %reldir%/promql/plan_int.h \
	%reldir%/promql/plan_duration.c \
	%reldir%/promql/plan_info.c \
	%reldir%/promql/pretty.c %reldir%/promql/pretty.h \
	%reldir%/promql/print.c %reldir%/promql/print.h \
	%reldir%/promql/quantile.c %reldir%/promql/quantile.h \
	%reldir%/promql/range_call.c \
	%reldir%/promql/relabel_call.c \
	%reldir%/promql/repeat.c \
	%reldir%/promql/scalar.c %reldir%/promql/scalar.h \
	%reldir%/promql/scatter.c %reldir%/promql/scatter.h \
	%reldir%/promql/select.c %reldir%/promql/select.h \
	%reldir%/promql/selectors.c %reldir%/promql/selectors.h \
	%reldir%/promql/series_key.c %reldir%/promql/series_key.h \
	%reldir%/promql/sort_call.c \
	%reldir%/promql/step.c %reldir%/promql/step.h \
	%reldir%/promql/subquery.c %reldir%/promql/subquery.h \
	%reldir%/promql/vector_fill.c %reldir%/promql/vector_fill.h \
	%reldir%/promql/vector_match.c \
	%reldir%/promql/vector_of.c \
	%reldir%/promql/vector_scalar.c \
	%reldir%/promql/vector_set.c \
	%reldir%/promql/window_pace.c %reldir%/promql/window_pace.h \
	%reldir%/promql/window_sums.c %reldir%/promql/window_sums.h \
	%reldir%/store/store.h \
	%reldir%/store/store_counted.c %reldir%/store/store_counted.h \
	%reldir%/store/store_shard.c %reldir%/store/store_shard.h \
	%reldir%/store/store_tsdb.c %reldir%/store/store_tsdb.h
EXTRA_DIST += %reldir%/README.md %reldir%/api/README.md %reldir%/promql/README.md \
	%reldir%/store/README.md
