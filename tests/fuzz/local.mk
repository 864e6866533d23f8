# Fuzz targets. A new one is two lines: its name in FUZZ_REPLAYS and its sources. See README.md.
FUZZ_REPLAYS = \
	%reldir%/fuzz_api_form_replay \
	%reldir%/fuzz_api_params_replay \
	%reldir%/fuzz_chunk_replay \
	%reldir%/fuzz_chunk_segment_replay \
	%reldir%/fuzz_codec_replay \
	%reldir%/fuzz_float_histogram_replay \
	%reldir%/fuzz_grpc_client_replay \
	%reldir%/fuzz_grpc_message_replay \
	%reldir%/fuzz_grpc_server_replay \
	%reldir%/fuzz_grpc_status_replay \
	%reldir%/fuzz_hashrings_replay \
	%reldir%/fuzz_head_chunks_replay \
	%reldir%/fuzz_http_authorization_replay \
	%reldir%/fuzz_http_chunked_replay \
	%reldir%/fuzz_http_head_replay \
	%reldir%/fuzz_http_params_replay \
	%reldir%/fuzz_index_replay \
	%reldir%/fuzz_jwt_replay \
	%reldir%/fuzz_jwt_keys_replay \
	%reldir%/fuzz_label_key_replay \
	%reldir%/fuzz_limits_replay \
	%reldir%/fuzz_meta_replay \
	%reldir%/fuzz_numtext_replay \
	%reldir%/fuzz_otlp_replay \
	%reldir%/fuzz_otlp_json_replay \
	%reldir%/fuzz_pb_replay \
	%reldir%/fuzz_promql_replay \
	%reldir%/fuzz_promql_eval_replay \
	%reldir%/fuzz_regex_replay \
	%reldir%/fuzz_relabel_replay \
	%reldir%/fuzz_remote_read_replay \
	%reldir%/fuzz_remote_write_replay \
	%reldir%/fuzz_remote_write2_replay \
	%reldir%/fuzz_request_log_replay \
	%reldir%/fuzz_snappy_block_replay \
	%reldir%/fuzz_snappy_frame_replay \
	%reldir%/fuzz_snapshot_replay \
	%reldir%/fuzz_text_import_replay \
	%reldir%/fuzz_tombstones_replay \
	%reldir%/fuzz_trace_config_replay \
	%reldir%/fuzz_units_replay \
	%reldir%/fuzz_verify_replay \
	%reldir%/fuzz_wal_histogram_replay \
	%reldir%/fuzz_wal_record_replay \
	%reldir%/fuzz_wal_segment_replay \
	%reldir%/fuzz_web_config_replay \
	%reldir%/fuzz_writeable_replay \
	%reldir%/fuzz_xor_replay \
	%reldir%/fuzz_xor_reopen_replay \
	%reldir%/fuzz_yaml_replay
FUZZ_MAIN = %reldir%/replay.c %reldir%/fuzz.h
%canon_reldir%_fuzz_api_form_replay_SOURCES = %reldir%/fuzz_api_form.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_api_params_replay_SOURCES = %reldir%/fuzz_api_params.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_chunk_replay_SOURCES = %reldir%/fuzz_chunk.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_chunk_segment_replay_SOURCES = %reldir%/fuzz_chunk_segment.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_codec_replay_SOURCES = %reldir%/fuzz_codec.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_float_histogram_replay_SOURCES = %reldir%/fuzz_float_histogram.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_grpc_client_replay_SOURCES = %reldir%/fuzz_grpc_client.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_grpc_message_replay_SOURCES = %reldir%/fuzz_grpc_message.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_grpc_server_replay_SOURCES = %reldir%/fuzz_grpc_server.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_grpc_status_replay_SOURCES = %reldir%/fuzz_grpc_status.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_hashrings_replay_SOURCES = %reldir%/fuzz_hashrings.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_head_chunks_replay_SOURCES = %reldir%/fuzz_head_chunks.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_http_authorization_replay_SOURCES = %reldir%/fuzz_http_authorization.c \
	$(FUZZ_MAIN)
%canon_reldir%_fuzz_http_chunked_replay_SOURCES = %reldir%/fuzz_http_chunked.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_http_head_replay_SOURCES = %reldir%/fuzz_http_head.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_http_params_replay_SOURCES = %reldir%/fuzz_http_params.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_index_replay_SOURCES = %reldir%/fuzz_index.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_jwt_replay_SOURCES = %reldir%/fuzz_jwt.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_jwt_keys_replay_SOURCES = %reldir%/fuzz_jwt_keys.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_label_key_replay_SOURCES = %reldir%/fuzz_label_key.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_limits_replay_SOURCES = %reldir%/fuzz_limits.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_meta_replay_SOURCES = %reldir%/fuzz_meta.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_numtext_replay_SOURCES = %reldir%/fuzz_numtext.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_otlp_replay_SOURCES = %reldir%/fuzz_otlp.c $(FUZZ_MAIN) %reldir%/batch_check.h
%canon_reldir%_fuzz_otlp_json_replay_SOURCES = %reldir%/fuzz_otlp_json.c $(FUZZ_MAIN) %reldir%/batch_check.h
%canon_reldir%_fuzz_pb_replay_SOURCES = %reldir%/fuzz_pb.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_promql_replay_SOURCES = %reldir%/fuzz_promql.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_promql_eval_replay_SOURCES = %reldir%/fuzz_promql_eval.c $(FUZZ_MAIN) \
	%reldir%/promql_make.c %reldir%/promql_make.h \
	tests/querygw/fake_store.c tests/querygw/fake_store.h \
	tests/tsdb/started_chunk.c tests/tsdb/started_chunk.h
%canon_reldir%_fuzz_regex_replay_SOURCES = %reldir%/fuzz_regex.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_relabel_replay_SOURCES = %reldir%/fuzz_relabel.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_remote_read_replay_SOURCES = %reldir%/fuzz_remote_read.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_remote_write_replay_SOURCES = %reldir%/fuzz_remote_write.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_remote_write2_replay_SOURCES = %reldir%/fuzz_remote_write2.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_request_log_replay_SOURCES = %reldir%/fuzz_request_log.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_snappy_block_replay_SOURCES = %reldir%/fuzz_snappy_block.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_snappy_frame_replay_SOURCES = %reldir%/fuzz_snappy_frame.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_snapshot_replay_SOURCES = %reldir%/fuzz_snapshot.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_text_import_replay_SOURCES = %reldir%/fuzz_text_import.c $(FUZZ_MAIN) %reldir%/batch_check.h
%canon_reldir%_fuzz_tombstones_replay_SOURCES = %reldir%/fuzz_tombstones.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_trace_config_replay_SOURCES = %reldir%/fuzz_trace_config.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_units_replay_SOURCES = %reldir%/fuzz_units.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_verify_replay_SOURCES = %reldir%/fuzz_verify.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_wal_histogram_replay_SOURCES = %reldir%/fuzz_wal_histogram.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_wal_record_replay_SOURCES = %reldir%/fuzz_wal_record.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_wal_segment_replay_SOURCES = %reldir%/fuzz_wal_segment.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_web_config_replay_SOURCES = %reldir%/fuzz_web_config.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_writeable_replay_SOURCES = %reldir%/fuzz_writeable.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_xor_replay_SOURCES = %reldir%/fuzz_xor.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_xor_reopen_replay_SOURCES = %reldir%/fuzz_xor_reopen.c $(FUZZ_MAIN)
%canon_reldir%_fuzz_yaml_replay_SOURCES = %reldir%/fuzz_yaml.c $(FUZZ_MAIN)

check_PROGRAMS += $(FUZZ_REPLAYS)
EXTRA_DIST += %reldir%/README.md

# The same targets with libFuzzer's main(): make fuzzers, in a build with --enable-fuzz.
FUZZERS = $(FUZZ_REPLAYS:_replay=)
if FUZZ
# What a target consists of beside its own file.
%reldir%/fuzz_promql_eval: FUZZ_OBJECTS = %reldir%/promql_make.$(OBJEXT) \
	tests/querygw/fake_store.$(OBJEXT) tests/tsdb/started_chunk.$(OBJEXT)
$(FUZZERS): $(FUZZ_REPLAYS) $(MNEME_LAYERS)
	$(AM_V_CCLD)$(CC) $(AM_CFLAGS) $(CFLAGS) $(LDFLAGS) $(FUZZ_LDFLAGS) \
		-o $@ $@.$(OBJEXT) $(FUZZ_OBJECTS) $(LDADD) $(LIBS)
fuzzers: $(FUZZERS)
.PHONY: fuzzers
CLEANFILES += $(FUZZERS)
endif
