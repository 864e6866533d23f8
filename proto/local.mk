noinst_LIBRARIES += %reldir%/libproto.a
%canon_reldir%_libproto_a_SOURCES =
EXTRA_DIST += %reldir%/README.md
