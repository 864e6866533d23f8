noinst_LIBRARIES += %reldir%/libnet.a
%canon_reldir%_libnet_a_SOURCES = \
	%reldir%/acceptor.c %reldir%/acceptor.h \
	%reldir%/base64.c %reldir%/base64.h \
	%reldir%/bcrypt.c %reldir%/bcrypt.h \
	%reldir%/dial.c %reldir%/dial.h \
	%reldir%/grpc/grpc_answer.c %reldir%/grpc/grpc_answer.h \
	%reldir%/grpc/grpc_call.c \
	%reldir%/grpc/grpc_call_reply.c \
	%reldir%/grpc/grpc_channel.c \
	%reldir%/grpc/grpc_client.h %reldir%/grpc/grpc_client_int.h \
	%reldir%/grpc/grpc_client_call.c \
	%reldir%/grpc/grpc_client_metrics.c %reldir%/grpc/grpc_client_metrics.h \
	%reldir%/grpc/grpc_descriptors.c %reldir%/grpc/grpc_descriptors.h \
	%reldir%/grpc/grpc_health.c \
	%reldir%/grpc/grpc_message.c %reldir%/grpc/grpc_message.h \
	%reldir%/grpc/grpc_reflection.c \
	%reldir%/grpc/grpc_server.c %reldir%/grpc/grpc_server.h %reldir%/grpc/grpc_server_int.h \
	%reldir%/grpc/grpc_server_conn.c \
	%reldir%/grpc/grpc_server_metrics.c %reldir%/grpc/grpc_server_metrics.h \
	%reldir%/grpc/grpc_status.c %reldir%/grpc/grpc_status.h \
	%reldir%/grpc/grpc_stream.c %reldir%/grpc/grpc_stream.h \
	%reldir%/grpc/grpc_unary.c \
	%reldir%/h2/h2_conn.c %reldir%/h2/h2_conn.h %reldir%/h2/h2_int.h \
	%reldir%/h2/h2_session.c \
	%reldir%/h2/h2_stream.c \
	%reldir%/http.h \
	%reldir%/http_admit.c \
	%reldir%/http_authorization.c %reldir%/http_authorization.h \
	%reldir%/http_chunked.c %reldir%/http_chunked.h \
	%reldir%/http_client.c %reldir%/http_client.h \
	%reldir%/http_conn.c \
	%reldir%/http_encoding.c %reldir%/http_encoding.h \
	%reldir%/http_guard.c %reldir%/http_guard.h %reldir%/http_guard_int.h \
	%reldir%/http_head.c %reldir%/http_head.h \
	%reldir%/http_input.c \
	%reldir%/http_int.h \
	%reldir%/http_metrics.c %reldir%/http_metrics.h \
	%reldir%/http_observe.c \
	%reldir%/http_params.c \
	%reldir%/http_reply.c \
	%reldir%/http_request.c \
	%reldir%/http_rules.c %reldir%/http_rules.h \
	%reldir%/http_server.c %reldir%/http_server.h \
	%reldir%/http_stream.c \
	%reldir%/jwt.c %reldir%/jwt.h %reldir%/jwt_json.h \
	%reldir%/jwt_guard.c %reldir%/jwt_guard.h \
	%reldir%/jwt_keys.c %reldir%/jwt_keys.h \
	%reldir%/listen.c %reldir%/listen.h \
	%reldir%/loop.c %reldir%/loop.h %reldir%/loop_int.h \
	%reldir%/passwords.c %reldir%/passwords.h \
	%reldir%/request_log.c %reldir%/request_log.h \
	%reldir%/router.c %reldir%/router.h %reldir%/router_match.h \
	%reldir%/sha256.c %reldir%/sha256.h \
	%reldir%/status.c %reldir%/status.h \
	%reldir%/tls.c %reldir%/tls.h %reldir%/tls_int.h \
	%reldir%/tls_ctx.c %reldir%/tls_ctx.h \
	%reldir%/tls_client.c %reldir%/tls_client.h \
	%reldir%/tls_names.c %reldir%/tls_names.h \
	%reldir%/tls_pem.c %reldir%/tls_pem.h \
	%reldir%/trace/trace.c %reldir%/trace/trace.h %reldir%/trace/trace_spans.h \
	%reldir%/trace/trace_config.c %reldir%/trace/trace_config.h \
	%reldir%/trace/trace_otlp.c %reldir%/trace/trace_otlp.h \
	%reldir%/trace/trace_post.c %reldir%/trace/trace_post.h \
	%reldir%/trace/traceparent.c %reldir%/trace/traceparent.h \
	%reldir%/trace/tracer.c %reldir%/trace/tracer.h \
	%reldir%/transport.c %reldir%/transport.h \
	%reldir%/url.c %reldir%/url.h
EXTRA_DIST += %reldir%/README.md %reldir%/grpc/README.md %reldir%/h2/README.md \
	%reldir%/trace/README.md
# What reflection says of the services that are always there: a FileDescriptorSet as numbers.
GRPC_PROTOS = grpc/health/v1/health.proto grpc/reflection/v1/reflection.proto \
	grpc/reflection/v1alpha/reflection.proto
GRPC_PROTO_FILES = %reldir%/grpc/proto/grpc/health/v1/health.proto \
	%reldir%/grpc/proto/grpc/reflection/v1/reflection.proto \
	%reldir%/grpc/proto/grpc/reflection/v1alpha/reflection.proto
EXTRA_DIST += $(GRPC_PROTO_FILES)
CLEANFILES += %reldir%/grpc/grpc_descriptor_set.inc
BUILT_SOURCES += %reldir%/grpc/grpc_descriptor_set.inc
%reldir%/grpc/grpc_descriptors.$(OBJEXT): %reldir%/grpc/grpc_descriptor_set.inc
%reldir%/grpc/grpc_descriptor_set.inc: $(GRPC_PROTO_FILES)
	$(AM_V_GEN)$(MKDIR_P) %reldir%/grpc && \
	$(PROTOC_C) --include_imports --descriptor_set_out=$@.bin \
		--proto_path='$(srcdir)/%reldir%/grpc/proto' \
		`for f in $(GRPC_PROTOS); do echo '$(srcdir)/%reldir%/grpc/proto/'$$f; done` && \
	od -An -v -tu1 $@.bin | sed 's/[0-9][0-9]*/&,/g' >$@.tmp && \
	rm -f $@.bin && mv $@.tmp $@
