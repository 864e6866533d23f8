noinst_LIBRARIES += %reldir%/libnet.a
%canon_reldir%_libnet_a_SOURCES =
EXTRA_DIST += %reldir%/README.md
