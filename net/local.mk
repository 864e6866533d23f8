noinst_LIBRARIES += %reldir%/libnet.a
%canon_reldir%_libnet_a_SOURCES = \
	%reldir%/base64.c %reldir%/base64.h \
	%reldir%/bcrypt.c %reldir%/bcrypt.h \
	%reldir%/dial.c %reldir%/dial.h \
	%reldir%/grpc/grpc_message.c %reldir%/grpc/grpc_message.h \
	%reldir%/grpc/grpc_status.c %reldir%/grpc/grpc_status.h \
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
