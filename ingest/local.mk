noinst_LIBRARIES += %reldir%/libingest.a
%canon_reldir%_libingest_a_SOURCES = \
	%reldir%/admit.c %reldir%/admit.h \
	%reldir%/batch.h \
	%reldir%/decode.c %reldir%/decode.h \
	%reldir%/relabel.c %reldir%/relabel.h %reldir%/relabel_int.h \
	%reldir%/relabel_parse.c \
	%reldir%/sink.h \
	%reldir%/sink_tenants.c %reldir%/sink_tenants.h \
	%reldir%/tenant.c %reldir%/tenant.h
EXTRA_DIST += %reldir%/README.md
