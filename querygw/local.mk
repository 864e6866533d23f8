noinst_LIBRARIES += %reldir%/libquerygw.a
%canon_reldir%_libquerygw_a_SOURCES =
EXTRA_DIST += %reldir%/README.md
