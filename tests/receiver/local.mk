check_PROGRAMS += %reldir%/test_receiver
%canon_reldir%_test_receiver_SOURCES = $(TEST_HARNESS) %reldir%/suites.h \
	tests/net/client.c tests/net/client.h \
	tests/net/grpc_fixture.c tests/net/grpc_fixture.h \
	%reldir%/fake_sink.c %reldir%/fake_sink.h \
	%reldir%/messages.h \
	%reldir%/fixture.c %reldir%/fixture.h \
	%reldir%/test_meta_monitoring.c \
	%reldir%/test_policy.c \
	%reldir%/test_partial.c \
	%reldir%/test_write_replicate.c \
	%reldir%/test_receive.c \
	%reldir%/test_receive_formats.c \
	%reldir%/test_scratch.c \
	%reldir%/test_verdict.c \
	%reldir%/test_write.c \
	%reldir%/test_write_grpc.c \
	%reldir%/test_write_http.c \
	%reldir%/test_write_gate.c
%canon_reldir%_test_receiver_CPPFLAGS = $(AM_CPPFLAGS) -DTEST_SUITES='"tests/receiver/suites.h"'
%canon_reldir%_test_receiver_CFLAGS = $(TEST_CFLAGS)
%canon_reldir%_test_receiver_LDADD = $(TEST_LDADD)
