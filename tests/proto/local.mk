# The second opinion on our protobuf comes from protobuf-c, generated at build time.
PROMPB_GENERATED = %reldir%/prompb.pb-c.c %reldir%/prompb.pb-c.h \
	%reldir%/prompb2.pb-c.c %reldir%/prompb2.pb-c.h
BUILT_SOURCES += $(PROMPB_GENERATED)
CLEANFILES += $(PROMPB_GENERATED)
EXTRA_DIST += %reldir%/prompb.proto %reldir%/prompb2.proto
%reldir%/prompb.pb-c.h: %reldir%/prompb.pb-c.c
%reldir%/prompb.pb-c.c: %reldir%/prompb.proto
	$(AM_V_GEN)$(MKDIR_P) %reldir% && \
	$(PROTOC_C) --c_out=. --proto_path='$(srcdir)' '$(srcdir)/%reldir%/prompb.proto'
%reldir%/prompb2.pb-c.h: %reldir%/prompb2.pb-c.c
%reldir%/prompb2.pb-c.c: %reldir%/prompb2.proto
	$(AM_V_GEN)$(MKDIR_P) %reldir% && \
	$(PROTOC_C) --c_out=. --proto_path='$(srcdir)' '$(srcdir)/%reldir%/prompb2.proto'

# Whoever builds one program only builds no BUILT_SOURCES first.
$(%canon_reldir%_test_proto_OBJECTS): $(PROMPB_GENERATED)
%reldir%/test_proto-otlp_make.$(OBJEXT) %reldir%/test_proto-test_otlp.$(OBJEXT): \
	proto/otlp.pb-c.h
check_PROGRAMS += %reldir%/test_proto
%canon_reldir%_test_proto_SOURCES = $(TEST_HARNESS) %reldir%/suites.h \
	%reldir%/peer_histogram.c %reldir%/peer_histogram.h \
	%reldir%/peer_request.c %reldir%/peer_request.h \
	%reldir%/otlp_make.c %reldir%/otlp_make.h \
	%reldir%/test_otlp.c \
	%reldir%/test_remote_read.c \
	%reldir%/test_remote_write.c \
	%reldir%/test_remote_write2.c \
	%reldir%/test_remote_write2_peer.c \
	%reldir%/test_remote_write_parts.c \
	%reldir%/test_remote_write_peer.c \
	%reldir%/test_writeable.c \
	%reldir%/test_writeable_rows.c
nodist_%canon_reldir%_test_proto_SOURCES = $(PROMPB_GENERATED)
%canon_reldir%_test_proto_CPPFLAGS = $(AM_CPPFLAGS) -DTEST_SUITES='"tests/proto/suites.h"'
%canon_reldir%_test_proto_CFLAGS = $(TEST_CFLAGS)
%canon_reldir%_test_proto_LDADD = $(TEST_LDADD)
