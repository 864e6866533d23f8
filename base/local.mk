noinst_LIBRARIES += %reldir%/libbase.a
# No fused multiply-add: logarithms must round as Go's do on every machine.
%canon_reldir%_libbase_a_CFLAGS = $(AM_CFLAGS) -ffp-contract=off
%canon_reldir%_libbase_a_SOURCES = \
	%reldir%/arena.c %reldir%/arena.h \
	%reldir%/assert.c %reldir%/assert.h \
	%reldir%/binary_log.c %reldir%/binary_log.h \
	%reldir%/budget.h \
	%reldir%/bytes.c %reldir%/bytes.h \
	%reldir%/case.c %reldir%/case.h %reldir%/case_lower_table.h %reldir%/case_upper_table.h \
	%reldir%/clock.c %reldir%/clock.h \
	%reldir%/codec.c %reldir%/codec.h \
	%reldir%/cpu.c %reldir%/cpu.h \
	%reldir%/crc32c.c %reldir%/crc32c.h \
	%reldir%/epoch.c %reldir%/epoch.h \
	%reldir%/err.c %reldir%/err.h %reldir%/err_codes.h \
	%reldir%/fs.c %reldir%/fs.h %reldir%/fs_int.h \
	%reldir%/fs_fault.c %reldir%/fs_fault.h \
	%reldir%/fs_overlay.c %reldir%/fs_overlay.h %reldir%/fs_overlay_files.c \
	%reldir%/fs_overlay_int.h \
	%reldir%/fs_posix.c \
	%reldir%/glob.c %reldir%/glob.h \
	%reldir%/hash.c %reldir%/hash.h \
	%reldir%/json.c %reldir%/json.h \
	%reldir%/kahan.h \
	%reldir%/kahan_lanes.c %reldir%/kahan_lanes.h \
	%reldir%/lock.c %reldir%/lock.h %reldir%/lock_ranks.h \
	%reldir%/log.c %reldir%/log.h \
	%reldir%/map.c %reldir%/map.h \
	%reldir%/md5.c %reldir%/md5.h \
	%reldir%/mem.c %reldir%/mem.h \
	%reldir%/memory_limit.c %reldir%/memory_limit.h \
	%reldir%/metrics.c %reldir%/metrics.h %reldir%/metrics_int.h \
	%reldir%/metrics_json.c \
	%reldir%/metrics_text.c \
	%reldir%/numtext.c %reldir%/numtext.h %reldir%/numtext_shim.cc %reldir%/numtext_shim.h \
	%reldir%/pb.c %reldir%/pb.h \
	%reldir%/pool.c %reldir%/pool.h \
	%reldir%/process.c %reldir%/process.h %reldir%/process_int.h \
	%reldir%/process_memory.c \
	%reldir%/queue.c %reldir%/queue.h \
	%reldir%/quote.c %reldir%/quote.h %reldir%/quote_table.h \
	%reldir%/rand.c %reldir%/rand.h \
	%reldir%/regex.c %reldir%/regex.h %reldir%/regex_shim.cc %reldir%/regex_shim.h \
	%reldir%/segarray.c %reldir%/segarray.h \
	%reldir%/shared.c %reldir%/shared.h \
	%reldir%/shortest.c %reldir%/shortest.h \
	%reldir%/snappy_block.c %reldir%/snappy_block.h \
	%reldir%/snappy_frame.c %reldir%/snappy_frame.h \
	%reldir%/sort.c %reldir%/sort.h \
	%reldir%/str.c %reldir%/str.h \
	%reldir%/ulid.c %reldir%/ulid.h \
	%reldir%/vec.c %reldir%/vec.h
EXTRA_DIST += %reldir%/README.md
