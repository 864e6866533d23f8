noinst_LIBRARIES += %reldir%/libtsdb.a
%canon_reldir%_libtsdb_a_SOURCES = \
	%reldir%/chunk/bits.h \
	%reldir%/chunk/chunk.c %reldir%/chunk/chunk.h \
	%reldir%/chunk/xor.c %reldir%/chunk/xor.h \
	%reldir%/db.h \
	%reldir%/head/append.h \
	%reldir%/head/head_chunks.h \
	%reldir%/model/label_key.c %reldir%/model/label_key.h \
	%reldir%/model/labels.c %reldir%/model/labels.h \
	%reldir%/model/matcher.c %reldir%/model/matcher.h \
	%reldir%/model/pattern.c %reldir%/model/pattern.h \
	%reldir%/model/sample.c %reldir%/model/sample.h \
	%reldir%/series_set.h \
	%reldir%/tenants.h \
	%reldir%/wal/record.h \
	%reldir%/wal/wal.h \
	%reldir%/wal/wal_reader.h
EXTRA_DIST += %reldir%/README.md %reldir%/chunk/README.md %reldir%/model/README.md
