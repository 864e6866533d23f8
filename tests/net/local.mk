check_PROGRAMS += %reldir%/test_net
%canon_reldir%_test_net_SOURCES = $(TEST_HARNESS) %reldir%/suites.h \
	%reldir%/client.c %reldir%/client.h \
	%reldir%/fixture.c %reldir%/fixture.h \
	%reldir%/test_http_server.c \
	%reldir%/test_loop.c
%canon_reldir%_test_net_CPPFLAGS = $(AM_CPPFLAGS) -DTEST_SUITES='"tests/net/suites.h"'
%canon_reldir%_test_net_CFLAGS = $(TEST_CFLAGS)
%canon_reldir%_test_net_LDADD = $(TEST_LDADD)
