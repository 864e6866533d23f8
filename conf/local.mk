noinst_LIBRARIES += %reldir%/libconf.a
%canon_reldir%_libconf_a_SOURCES =
EXTRA_DIST += %reldir%/README.md
