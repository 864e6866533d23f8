noinst_LIBRARIES += %reldir%/libingest.a
%canon_reldir%_libingest_a_SOURCES = \
	%reldir%/admit.c %reldir%/admit.h \
	%reldir%/batch.h \
	%reldir%/batch_builder.c %reldir%/batch_builder.h \
	%reldir%/batch_rows.c %reldir%/batch_rows.h \
	%reldir%/decode.c %reldir%/decode.h \
	%reldir%/limits.c %reldir%/limits.h \
	%reldir%/rates.c %reldir%/rates.h \
	%reldir%/exposition.c %reldir%/exposition.h \
	%reldir%/formats.c %reldir%/formats.h \
	%reldir%/otlp.c %reldir%/otlp.h %reldir%/otlp_int.h \
	%reldir%/otlp_exemplars.c \
	%reldir%/otlp_exponential.c \
	%reldir%/otlp_labels.c \
	%reldir%/otlp_name.c %reldir%/otlp_name.h \
	%reldir%/otlp_points.c \
	%reldir%/otlp_shape.c \
	%reldir%/relabel.c %reldir%/relabel.h %reldir%/relabel_int.h \
	%reldir%/relabel_parse.c \
	%reldir%/rewrite.c %reldir%/rewrite.h \
	%reldir%/rewrite_cache.c %reldir%/rewrite_cache.h \
	%reldir%/sink.h \
	%reldir%/sink_tenants.c %reldir%/sink_tenants.h \
	%reldir%/tenant.c %reldir%/tenant.h \
	%reldir%/text_import.c %reldir%/text_import.h \
	%reldir%/unpack.c %reldir%/unpack.h \
	%reldir%/numberings.c %reldir%/numberings.h \
	%reldir%/writeable.c %reldir%/writeable.h \
	%reldir%/writeable_store.c
EXTRA_DIST += %reldir%/README.md
