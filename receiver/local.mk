noinst_LIBRARIES += %reldir%/libreceiver.a
%canon_reldir%_libreceiver_a_SOURCES =
EXTRA_DIST += %reldir%/README.md
