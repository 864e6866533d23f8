noinst_LIBRARIES += %reldir%/libproto.a
%canon_reldir%_libproto_a_SOURCES = \
	%reldir%/prompb.c %reldir%/prompb_int.h \
	%reldir%/prompb_histogram.c \
	%reldir%/prompb_meta.c \
	%reldir%/remote_read.c %reldir%/remote_read.h \
	%reldir%/remote_write.c %reldir%/remote_write.h
EXTRA_DIST += %reldir%/README.md
