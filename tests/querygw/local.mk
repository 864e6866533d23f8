check_PROGRAMS += %reldir%/test_querygw
%canon_reldir%_test_querygw_SOURCES = $(TEST_HARNESS) %reldir%/suites.h \
	%reldir%/shared.c %reldir%/shared.h \
	%reldir%/test_ast_json.c \
	%reldir%/test_check.c \
	%reldir%/test_lex.c \
	%reldir%/test_parse.c \
	%reldir%/test_parse_errors.c \
	%reldir%/test_parse_golden.c \
	%reldir%/test_pretty.c \
	%reldir%/test_print.c
%canon_reldir%_test_querygw_CPPFLAGS = $(AM_CPPFLAGS) -DTEST_SUITES='"tests/querygw/suites.h"'
%canon_reldir%_test_querygw_CFLAGS = $(TEST_CFLAGS)
%canon_reldir%_test_querygw_LDADD = $(TEST_LDADD)
