noinst_LIBRARIES += %reldir%/libtsdb.a
%canon_reldir%_libtsdb_a_SOURCES =
EXTRA_DIST += %reldir%/README.md
