# Drivers of ./dev bench; never installed.
noinst_PROGRAMS += %reldir%/loadgen
%canon_reldir%_loadgen_SOURCES = \
	%reldir%/loadgen.c \
	%reldir%/loadgen_http.c %reldir%/loadgen_http.h \
	%reldir%/loadgen_otlp.c %reldir%/loadgen_otlp.h \
	%reldir%/loadgen_opts.c %reldir%/loadgen_opts.h \
	%reldir%/loadgen_plan.c %reldir%/loadgen_plan.h \
	%reldir%/loadgen_series.c %reldir%/loadgen_series.h
noinst_PROGRAMS += %reldir%/tsdb
%canon_reldir%_tsdb_SOURCES = \
	%reldir%/tsdb.c %reldir%/tsdb_bench.h \
	%reldir%/loadgen_series.c %reldir%/loadgen_series.h \
	%reldir%/tsdb_append.c \
	%reldir%/tsdb_compact.c \
	%reldir%/tsdb_cut.c \
	%reldir%/tsdb_decode.c %reldir%/tsdb_latency.c \
	%reldir%/tsdb_load.c %reldir%/tsdb_load.h \
	%reldir%/tsdb_match.c \
	%reldir%/tsdb_order.c \
	%reldir%/tsdb_postings.c \
	%reldir%/tsdb_restart.c
noinst_PROGRAMS += %reldir%/handoff
%canon_reldir%_handoff_SOURCES = %reldir%/handoff.c
noinst_PROGRAMS += %reldir%/place
%canon_reldir%_place_SOURCES = %reldir%/place.c \
	%reldir%/loadgen_series.c %reldir%/loadgen_series.h
noinst_PROGRAMS += %reldir%/ring
%canon_reldir%_ring_SOURCES = %reldir%/ring.c
noinst_PROGRAMS += %reldir%/tenants
%canon_reldir%_tenants_SOURCES = %reldir%/tenants.c
EXTRA_DIST += %reldir%/README.md %reldir%/ingest.py %reldir%/overload.py %reldir%/query.py \
	%reldir%/ring.py %reldir%/servers.py %reldir%/tsdb.py
