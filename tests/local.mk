# One unit test program a folder of the product; the list of suites is <folder>/suites.h. A second
# one has a list of its own: suites_x.h of test_x.
EXTRA_DIST += %reldir%/README.md %reldir%/data %reldir%/e2e/README.md \
	%reldir%/e2e/admin_peer.py \
	%reldir%/e2e/bad_input.py %reldir%/e2e/bad_otlp.py %reldir%/e2e/blocks_peer.py %reldir%/e2e/checkpoint_peer.py \
	%reldir%/e2e/compact_peer.py %reldir%/e2e/cut_peer.py %reldir%/e2e/damage.py %reldir%/e2e/delete_peer.py \
	%reldir%/e2e/disk_full.py %reldir%/e2e/grafana.py %reldir%/e2e/grpc_client.py \
	%reldir%/e2e/grpc_peer.py %reldir%/e2e/histograms.py \
	%reldir%/e2e/hostile.py %reldir%/e2e/jwt_tenants.py %reldir%/e2e/kill9.py \
	%reldir%/e2e/lib.py %reldir%/e2e/lifecycle.py %reldir%/e2e/meta_monitoring.py \
	%reldir%/e2e/operation.py \
	%reldir%/e2e/otlp_sdk.py %reldir%/e2e/otlp_sender.py \
	%reldir%/e2e/policy.py %reldir%/e2e/prometheus_peer.py \
	%reldir%/e2e/promql_gen.py %reldir%/e2e/query_api.py %reldir%/e2e/query_diff.py \
	%reldir%/e2e/remote_write2.py %reldir%/e2e/remote_write2_sender/go.mod \
	%reldir%/e2e/remote_write2_sender/go.sum %reldir%/e2e/remote_write2_sender/main.go \
	%reldir%/e2e/read_wire.py \
	%reldir%/e2e/ring_faults.py %reldir%/e2e/ring_grpc.py %reldir%/e2e/ring_lib.py \
	%reldir%/e2e/ring_relay.py %reldir%/e2e/ring_scale.py %reldir%/e2e/ring_slow.py \
	%reldir%/e2e/ring_snappy_peer.py \
	%reldir%/e2e/ring_tool.py %reldir%/e2e/ring_zones.py \
	%reldir%/e2e/samples.py %reldir%/e2e/security.py %reldir%/e2e/tools_peer.py \
	%reldir%/e2e/tsdb_peer.py %reldir%/e2e/wire.py %reldir%/e2e/write_compliance.py
noinst_PROGRAMS += %reldir%/e2e/compact_dir
%canon_reldir%_e2e_compact_dir_SOURCES = %reldir%/e2e/compact_dir.c
noinst_PROGRAMS += %reldir%/e2e/delete_dir
%canon_reldir%_e2e_delete_dir_SOURCES = %reldir%/e2e/delete_dir.c
noinst_PROGRAMS += %reldir%/e2e/grpc_echo
%canon_reldir%_e2e_grpc_echo_SOURCES = %reldir%/e2e/grpc_echo.c
noinst_PROGRAMS += %reldir%/e2e/grpc_ask
%canon_reldir%_e2e_grpc_ask_SOURCES = %reldir%/e2e/grpc_ask.c
noinst_PROGRAMS += %reldir%/e2e/write_log
%canon_reldir%_e2e_write_log_SOURCES = %reldir%/e2e/write_log.c
# Timeouts are generous: a loaded machine is no failure.
AM_TESTS_ENVIRONMENT = srcdir='$(srcdir)'; export srcdir; \
	CK_TIMEOUT_MULTIPLIER=$${CK_TIMEOUT_MULTIPLIER-10}; export CK_TIMEOUT_MULTIPLIER;
TEST_EXTENSIONS = .py
PY_LOG_COMPILER = python3
TESTS += %reldir%/tidy/tidy.py
EXTRA_DIST += %reldir%/tidy/tidy.py %reldir%/tidy/source.py %reldir%/tidy/snippets.py
if HAVE_CHECK
TESTS += $(check_PROGRAMS)
TEST_HARNESS = tests/harness.c tests/harness.h
TEST_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion
TEST_LDADD = $(LDADD) $(CHECK_LIBS)
include tests/base/local.mk
include tests/conf/local.mk
include tests/ingest/local.mk
include tests/net/local.mk
include tests/proto/local.mk
include tests/querygw/local.mk
include tests/replication/local.mk
include tests/receiver/local.mk
include tests/sim/local.mk
include tests/tsdb/local.mk
include tests/fuzz/local.mk
endif
