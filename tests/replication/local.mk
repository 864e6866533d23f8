check_PROGRAMS += %reldir%/test_replication
%canon_reldir%_test_replication_SOURCES = $(TEST_HARNESS) %reldir%/suites.h \
	%reldir%/golden.c %reldir%/golden.h \
	%reldir%/handoff_kit.c %reldir%/handoff_kit.h \
	%reldir%/handoff_model.c %reldir%/handoff_model.h \
	%reldir%/peer_kit.c %reldir%/peer_kit.h \
	%reldir%/place_kit.c %reldir%/place_kit.h \
	%reldir%/test_go_rand.c \
	%reldir%/test_handoff.c \
	%reldir%/test_handoff_bounds.c \
	%reldir%/test_handoff_cursors.c \
	%reldir%/test_handoff_damage.c \
	%reldir%/test_handoff_failure.c \
	%reldir%/test_handoff_name.c \
	%reldir%/test_handoff_random.c \
	%reldir%/test_handoff_record.c \
	%reldir%/test_handoff_threads.c \
	%reldir%/test_ketama.c \
	%reldir%/test_pace.c \
	%reldir%/test_peer.c \
	%reldir%/test_numbers.c \
	%reldir%/test_peer_wire.c \
	%reldir%/test_place_terse.c \
	%reldir%/test_place.c \
	%reldir%/test_place_cases.c \
	%reldir%/test_ring.c \
	%reldir%/test_ring_config.c \
	%reldir%/test_ring_golden.c \
	%reldir%/test_ring_hash.c \
	%reldir%/test_ring_movement.c \
	%reldir%/test_ring_threads.c \
	%reldir%/test_ring_watch.c \
	%reldir%/test_shuffle.c \
	%reldir%/test_tenant_cache.c \
	%reldir%/test_votes.c
%canon_reldir%_test_replication_CPPFLAGS = $(AM_CPPFLAGS) -DTEST_SUITES='"tests/replication/suites.h"'
%canon_reldir%_test_replication_CFLAGS = $(TEST_CFLAGS)
%canon_reldir%_test_replication_LDADD = $(TEST_LDADD)
