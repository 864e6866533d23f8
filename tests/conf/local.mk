check_PROGRAMS += %reldir%/test_conf
%canon_reldir%_test_conf_SOURCES = $(TEST_HARNESS) %reldir%/suites.h \
	%reldir%/test_flag_docs.c \
	%reldir%/test_flag_sets.c \
	%reldir%/test_flags_words.c \
	%reldir%/test_flags.c \
	%reldir%/test_flags_text.c \
	%reldir%/test_nearest.c \
	%reldir%/test_reload.c \
	%reldir%/test_units.c \
	%reldir%/test_web_config.c \
	%reldir%/test_yaml.c \
	%reldir%/test_yaml_read.c \
	%reldir%/test_yaml_show.c
%canon_reldir%_test_conf_CPPFLAGS = $(AM_CPPFLAGS) -DTEST_SUITES='"tests/conf/suites.h"'
%canon_reldir%_test_conf_CFLAGS = $(TEST_CFLAGS)
%canon_reldir%_test_conf_LDADD = $(TEST_LDADD)
