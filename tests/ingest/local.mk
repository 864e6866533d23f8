check_PROGRAMS += %reldir%/test_ingest
%canon_reldir%_test_ingest_SOURCES = $(TEST_HARNESS) %reldir%/suites.h \
	%reldir%/test_admit.c \
	%reldir%/otlp_dump.c %reldir%/otlp_dump.h \
	%reldir%/test_decode.c \
	%reldir%/test_limits.c \
	%reldir%/test_rates.c \
	%reldir%/test_exposition.c \
	%reldir%/test_formats.c \
	%reldir%/test_otlp.c \
	%reldir%/test_otlp_name.c \
	%reldir%/test_otlp_thanos.c \
	%reldir%/test_relabel.c \
	%reldir%/test_relabel_golden.c \
	%reldir%/test_relabel_parse.c \
	%reldir%/test_rewrite.c \
	%reldir%/test_sink_tenants.c \
	%reldir%/test_tenant.c \
	%reldir%/test_text_import.c \
	%reldir%/test_unpack.c \
	%reldir%/test_numberings.c \
	%reldir%/test_writeable.c
%canon_reldir%_test_ingest_CPPFLAGS = $(AM_CPPFLAGS) -DTEST_SUITES='"tests/ingest/suites.h"'
%canon_reldir%_test_ingest_CFLAGS = $(TEST_CFLAGS)
%canon_reldir%_test_ingest_LDADD = $(TEST_LDADD)
