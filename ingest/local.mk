noinst_LIBRARIES += %reldir%/libingest.a
%canon_reldir%_libingest_a_SOURCES = \
	%reldir%/admit.c %reldir%/admit.h \
	%reldir%/batch.h \
	%reldir%/decode.c %reldir%/decode.h \
	%reldir%/limits.c %reldir%/limits.h \
	%reldir%/rates.c %reldir%/rates.h \
	%reldir%/relabel.c %reldir%/relabel.h %reldir%/relabel_int.h \
	%reldir%/relabel_parse.c \
	%reldir%/rewrite.c %reldir%/rewrite.h \
	%reldir%/rewrite_cache.c %reldir%/rewrite_cache.h \
	%reldir%/sink.h \
	%reldir%/sink_tenants.c %reldir%/sink_tenants.h \
	%reldir%/tenant.c %reldir%/tenant.h
EXTRA_DIST += %reldir%/README.md
