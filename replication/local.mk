noinst_LIBRARIES += %reldir%/libreplication.a
%canon_reldir%_libreplication_a_SOURCES = \
	%reldir%/ring.h \
	%reldir%/ring_hash.c %reldir%/ring_hash.h
EXTRA_DIST += %reldir%/README.md
