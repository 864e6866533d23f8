noinst_LIBRARIES += %reldir%/libreplication.a
%canon_reldir%_libreplication_a_SOURCES = \
	%reldir%/go_rand.c %reldir%/go_rand.h \
	%reldir%/handoff.c %reldir%/handoff.h %reldir%/handoff_int.h \
	%reldir%/handoff_bounds.c \
	%reldir%/handoff_cursors.c %reldir%/handoff_cursors.h \
	%reldir%/handoff_heal.c \
	%reldir%/handoff_metrics.c \
	%reldir%/handoff_name.c %reldir%/handoff_name.h \
	%reldir%/handoff_read.c \
	%reldir%/handoff_record.c %reldir%/handoff_record.h \
	%reldir%/handoff_scan.c \
	%reldir%/handoffs.c \
	%reldir%/ketama.c %reldir%/ketama.h \
	%reldir%/link_numbers.c %reldir%/link_numbers.h \
	%reldir%/membership.c %reldir%/membership.h \
	%reldir%/numbers.c %reldir%/numbers.h \
	%reldir%/pace.c %reldir%/pace.h \
	%reldir%/peer.c %reldir%/peer.h %reldir%/peer_int.h \
	%reldir%/peer_items.c \
	%reldir%/peer_link.c %reldir%/peer_link.h %reldir%/peer_link_int.h \
	%reldir%/peer_link_calls.c \
	%reldir%/peer_link_ops.c \
	%reldir%/peer_part.c %reldir%/peer_part.h \
	%reldir%/peer_reply.c \
	%reldir%/peer_rows.c %reldir%/peer_rows.h \
	%reldir%/peer_wire.c %reldir%/peer_wire.h \
	%reldir%/peers.c %reldir%/peers.h \
	%reldir%/place.c %reldir%/place.h %reldir%/place_int.h \
	%reldir%/place_full.c \
	%reldir%/place_names.c \
	%reldir%/place_payloads.c \
	%reldir%/place_rest.c \
	%reldir%/place_terse.c \
	%reldir%/replicator.c %reldir%/replicator.h \
	%reldir%/ring.c %reldir%/ring.h %reldir%/ring_int.h \
	%reldir%/ring_config.c %reldir%/ring_config.h \
	%reldir%/ring_diff.c \
	%reldir%/ring_hash.c %reldir%/ring_hash.h \
	%reldir%/ring_movement.c %reldir%/ring_movement.h \
	%reldir%/ring_part.c \
	%reldir%/ring_shard.c \
	%reldir%/ring_tenants.c \
	%reldir%/ring_watch.c %reldir%/ring_watch.h \
	%reldir%/shuffle.c %reldir%/shuffle.h \
	%reldir%/tenant_cache.c %reldir%/tenant_cache.h \
	%reldir%/votes.c %reldir%/votes.h %reldir%/votes_int.h \
	%reldir%/votes_plan.c
EXTRA_DIST += %reldir%/README.md
