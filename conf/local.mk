noinst_LIBRARIES += %reldir%/libconf.a
%canon_reldir%_libconf_a_SOURCES = \
	%reldir%/flags.h \
	%reldir%/units.c %reldir%/units.h
EXTRA_DIST += %reldir%/README.md
