check_PROGRAMS += %reldir%/test_base
%canon_reldir%_test_base_SOURCES = $(TEST_HARNESS) %reldir%/golden.h %reldir%/suites.h \
	%reldir%/test_arena.c \
	%reldir%/test_binary_log.c \
	%reldir%/test_bytes.c \
	%reldir%/test_case.c \
	%reldir%/test_clock.c \
	%reldir%/test_codec.c \
	%reldir%/test_cpu.c \
	%reldir%/test_crc32c.c \
	%reldir%/test_epoch.c \
	%reldir%/test_err.c \
	%reldir%/test_fs.c \
	%reldir%/test_fs_fault.c \
	%reldir%/test_fs_overlay.c \
	%reldir%/test_glob.c \
	%reldir%/test_hash.c \
	%reldir%/test_json.c \
	%reldir%/test_kahan_lanes.c \
	%reldir%/test_lock.c \
	%reldir%/test_log.c \
	%reldir%/test_map.c \
	%reldir%/test_md5.c \
	%reldir%/test_memory_limit.c \
	%reldir%/test_metrics.c \
	%reldir%/test_numtext.c \
	%reldir%/test_pb.c \
	%reldir%/test_pool.c \
	%reldir%/test_process.c \
	%reldir%/test_queue.c \
	%reldir%/test_quote.c \
	%reldir%/test_regex.c \
	%reldir%/test_segarray.c \
	%reldir%/test_shared.c \
	%reldir%/test_snappy_block.c \
	%reldir%/test_snappy_frame.c \
	%reldir%/test_sort.c \
	%reldir%/test_str.c \
	%reldir%/test_ulid.c \
	%reldir%/test_vec.c
%canon_reldir%_test_base_CPPFLAGS = $(AM_CPPFLAGS) -DTEST_SUITES='"tests/base/suites.h"'
%canon_reldir%_test_base_CFLAGS = $(TEST_CFLAGS)
%canon_reldir%_test_base_LDADD = $(TEST_LDADD)
