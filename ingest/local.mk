noinst_LIBRARIES += %reldir%/libingest.a
%canon_reldir%_libingest_a_SOURCES =
EXTRA_DIST += %reldir%/README.md
