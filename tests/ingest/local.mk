check_PROGRAMS += %reldir%/test_ingest
%canon_reldir%_test_ingest_SOURCES = $(TEST_HARNESS) %reldir%/suites.h \
	%reldir%/test_admit.c \
	%reldir%/test_decode.c \
	%reldir%/test_limits.c \
	%reldir%/test_rates.c \
	%reldir%/test_relabel.c \
	%reldir%/test_relabel_parse.c \
	%reldir%/test_rewrite.c \
	%reldir%/test_sink_tenants.c \
	%reldir%/test_tenant.c
%canon_reldir%_test_ingest_CPPFLAGS = $(AM_CPPFLAGS) -DTEST_SUITES='"tests/ingest/suites.h"'
%canon_reldir%_test_ingest_CFLAGS = $(TEST_CFLAGS)
%canon_reldir%_test_ingest_LDADD = $(TEST_LDADD)
