noinst_LIBRARIES += %reldir%/libproto.a %reldir%/libotlp.a
%canon_reldir%_libproto_a_SOURCES = \
	%reldir%/descriptors.c %reldir%/descriptors.h \
	%reldir%/otlp.h %reldir%/otlp_int.h %reldir%/otlp_walk.h \
	%reldir%/otlp_codec.c \
	%reldir%/otlp_json_codec.c \
	%reldir%/otlp_measure_codec.c \
	%reldir%/otlp_text_codec.c \
	%reldir%/otlp_view_codec.c \
	%reldir%/otlp_walk.c \
	%reldir%/otlp_walk_points.c \
	%reldir%/prompb.c %reldir%/prompb_int.h \
	%reldir%/prompb_histogram.c \
	%reldir%/prompb_meta.c \
	%reldir%/remote_read.c %reldir%/remote_read.h \
	%reldir%/remote_write.c %reldir%/remote_write.h \
	%reldir%/remote_write2.c %reldir%/remote_write2.h %reldir%/remote_write2_int.h \
	%reldir%/remote_write2_encode.c \
	%reldir%/remote_write2_keys.h \
	%reldir%/remote_write2_parts.c \
	%reldir%/series_encode.c %reldir%/series_encode.h \
	%reldir%/symbols.c %reldir%/symbols.h \
	%reldir%/write_walk.c %reldir%/write_walk.h \
	%reldir%/writeable.c %reldir%/writeable.h %reldir%/writeable_int.h \
	%reldir%/writeable_encode.c \
	%reldir%/writeable_rows.c %reldir%/writeable_rows.h
# What protobuf-c generates; not held to our warnings.
OTLP_GENERATED = %reldir%/otlp.pb-c.c %reldir%/otlp.pb-c.h
BUILT_SOURCES += $(OTLP_GENERATED)
CLEANFILES += $(OTLP_GENERATED)
nodist_%canon_reldir%_libotlp_a_SOURCES = $(OTLP_GENERATED)
%canon_reldir%_libotlp_a_CFLAGS = $(AM_CFLAGS) -Wno-missing-braces -Wno-conversion
# Whoever builds one program only builds no BUILT_SOURCES first.
%reldir%/otlp_codec.$(OBJEXT) %reldir%/otlp_json_codec.$(OBJEXT) \
%reldir%/otlp_measure_codec.$(OBJEXT) %reldir%/otlp_text_codec.$(OBJEXT) \
%reldir%/otlp_view_codec.$(OBJEXT): %reldir%/otlp.pb-c.h
%reldir%/otlp.pb-c.h: %reldir%/otlp.pb-c.c
%reldir%/otlp.pb-c.c: %reldir%/otlp.proto
	$(AM_V_GEN)$(MKDIR_P) %reldir% && \
	$(PROTOC_C) --c_out=%reldir% --proto_path='$(srcdir)/%reldir%' \
		'$(srcdir)/%reldir%/otlp.proto'
# What reflection says of our services: a FileDescriptorSet as numbers.
PROTO_SERVICES = %reldir%/thanos/prompb.proto %reldir%/thanos/writeable.proto
CLEANFILES += %reldir%/descriptor_set.inc
BUILT_SOURCES += %reldir%/descriptor_set.inc
%reldir%/descriptors.$(OBJEXT): %reldir%/descriptor_set.inc
%reldir%/descriptor_set.inc: $(PROTO_SERVICES)
	$(AM_V_GEN)$(MKDIR_P) %reldir% && \
	$(PROTOC_C) --include_imports --descriptor_set_out=$@.bin \
		--proto_path='$(srcdir)/%reldir%' \
		'$(srcdir)/%reldir%/thanos/writeable.proto' && \
	od -An -v -tu1 $@.bin | sed 's/[0-9][0-9]*/&,/g' >$@.tmp && \
	rm -f $@.bin && mv $@.tmp $@
EXTRA_DIST += %reldir%/README.md %reldir%/otlp.proto $(PROTO_SERVICES)
