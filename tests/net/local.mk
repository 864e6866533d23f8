check_PROGRAMS += %reldir%/test_net
%canon_reldir%_test_net_SOURCES = $(TEST_HARNESS) %reldir%/suites.h \
	%reldir%/client.c %reldir%/client.h \
	%reldir%/fixture.c %reldir%/fixture.h \
	%reldir%/test_tls.c \
	%reldir%/test_tls_client.c \
	%reldir%/test_tls_names.c \
	%reldir%/test_base64.c \
	%reldir%/test_bcrypt.c \
	%reldir%/test_dial.c \
	%reldir%/grpc_caller.c %reldir%/grpc_caller.h \
	%reldir%/grpc_fixture.c %reldir%/grpc_fixture.h \
	%reldir%/test_grpc_channel.c \
	%reldir%/test_grpc_client.c \
	%reldir%/test_grpc_client_faults.c \
	%reldir%/test_grpc_health.c \
	%reldir%/test_grpc_message.c \
	%reldir%/test_grpc_reflection.c \
	%reldir%/test_grpc_server.c \
	%reldir%/test_grpc_status.c \
	%reldir%/test_grpc_stream.c \
	%reldir%/h2_pair.c %reldir%/h2_pair.h \
	%reldir%/test_h2_conn.c \
	%reldir%/test_h2_conn_hostile.c \
	%reldir%/test_http_abuse.c \
	%reldir%/test_http_authorization.c \
	%reldir%/test_http_chunked.c \
	%reldir%/test_http_client.c \
	%reldir%/test_http_encoding.c \
	%reldir%/test_http_guard.c \
	%reldir%/test_http_head.c \
	%reldir%/test_http_observe.c \
	%reldir%/test_http_params.c \
	%reldir%/test_http_server.c \
	%reldir%/test_http_stop.c \
	%reldir%/test_http_stream.c \
	%reldir%/test_jwt.c \
	%reldir%/test_jwt_guard.c \
	%reldir%/test_listen.c \
	%reldir%/test_loop.c \
	%reldir%/test_passwords.c \
	%reldir%/test_request_log.c \
	%reldir%/test_router.c \
	%reldir%/test_sha256.c \
	%reldir%/test_status.c \
	%reldir%/test_trace_config.c \
	%reldir%/test_traceparent.c \
	%reldir%/test_tracer.c \
	%reldir%/test_url.c
%canon_reldir%_test_net_CPPFLAGS = $(AM_CPPFLAGS) -DTEST_SUITES='"tests/net/suites.h"'
%canon_reldir%_test_net_CFLAGS = $(TEST_CFLAGS)
%canon_reldir%_test_net_LDADD = $(TEST_LDADD)
